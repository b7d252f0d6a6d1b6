// Who leads which view: a list of slots in proportion to weight, shuffled by the epoch's seed, walked round and round.
#pragma once

#include "chain/types/block.hpp"

namespace micro::simplex {

inline constexpr std::uint64_t kSlotsPerMember = 4;  ///< of a set with unequal weights, on average

class LeaderSchedule {
 public:
  LeaderSchedule() = default;
  /// In exactly this order; not empty.
  explicit LeaderSchedule(std::vector<std::uint16_t> slots) : slots_(std::move(slots)) {}
  /// Every member has a slot at least. Equal weights have one each.
  LeaderSchedule(const ValidatorSet& set, const Hash& seed);
  /// The member's index in the set. `view` ≥ 1.
  [[nodiscard]] std::uint16_t leader(View view) const { return slots_[(view.value - 1) % slots_.size()]; }
  [[nodiscard]] const std::vector<std::uint16_t>& slots() const { return slots_; }

 private:
  std::vector<std::uint16_t> slots_;
};

}  // namespace micro::simplex
