// Which outcome each kind of transaction had in this run of the tests. A test that must see all of them asks here.
#pragma once

#include <map>
#include <set>

#include "chain/types/tx_status.hpp"

namespace micro::test {

inline std::map<std::size_t, std::set<TxStatus>>& seen_statuses() {
  static std::map<std::size_t, std::set<TxStatus>> seen;
  return seen;
}
inline void saw_status(std::size_t kind, TxStatus status) {
  seen_statuses()[kind].insert(status);
}

}  // namespace micro::test
