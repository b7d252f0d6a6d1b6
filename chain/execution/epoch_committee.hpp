// The committee at the end of an epoch: bonds of seats that are free, and the set of the epoch after the next.
#pragma once

#include "chain/execution/block_state.hpp"

namespace micro {

inline constexpr std::size_t kMaxSeatReleases = 1'024;               ///< a boundary; the rest waits for the next
inline constexpr std::size_t kMaxSeatEvents = kMaxSeatReleases + 1;  ///< one says that a committee changes

/// Bonds whose unbonding ended go back, each lot for the life it had left, in an order that begins where the beacon
/// says.
Status release_seats(BlockState& state, std::vector<Event>& events);

/// Fixes the committee of the epoch after the one that begins (`state.clock.epoch`), from the seats as they are now;
/// forgets what is too old. Gives the committee of the epoch that begins, which the boundary before fixed.
Result<ValidatorSet> fix_committee(BlockState& state, std::vector<Event>& events);

}  // namespace micro
