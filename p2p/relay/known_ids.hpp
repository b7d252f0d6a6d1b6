// What a peer is known to have, about: the last few thousand, each as eight bytes under a secret, so that nobody can
// choose ids that are taken for each other. What is forgotten is told again.
#pragma once

#include <cstring>
#include <set>

#include "chain/base/fixed_bytes.hpp"

namespace micro::p2p {

class KnownIds {
 public:
  explicit KnownIds(std::size_t most) : half_(most / 2) {}
  void add(std::uint64_t mark) {
    newer_.insert(mark);
    if (newer_.size() < half_) return;
    older_ = std::exchange(newer_, {});
  }
  [[nodiscard]] bool has(std::uint64_t mark) const { return newer_.contains(mark) || older_.contains(mark); }
  [[nodiscard]] std::size_t size() const { return newer_.size() + older_.size(); }

 private:
  std::size_t half_;
  std::set<std::uint64_t> newer_;
  std::set<std::uint64_t> older_;
};

}  // namespace micro::p2p
