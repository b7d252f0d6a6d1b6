// Walking a module of the state.
#pragma once

#include <vector>

#include "chain/state/state_view.hpp"

namespace micro {

/// Every record of a module, in path order; kCorrupt when one does not decode.
template <class T>
Result<std::vector<T>> all_records(const StateView& view, Module module) {
  std::vector<T> out;
  Status status;
  view.scan(module, [&](const StatePath&, ByteView bytes) {
    auto record = decode<T>(bytes);
    if (!record) {
      status = fail(Fault::kCorrupt, "state record: " + record.error().message);
      return false;
    }
    out.push_back(std::move(*record));
    return true;
  });
  TRY(std::move(status));
  return out;
}

}  // namespace micro
