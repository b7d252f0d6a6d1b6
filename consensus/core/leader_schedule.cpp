#include "consensus/core/leader_schedule.hpp"

#include <algorithm>

#include "chain/base/checked_math.hpp"
#include "chain/base/random.hpp"
#include "consensus/core/certificate.hpp"

namespace micro::simplex {
namespace {

std::uint64_t slots_of(const Validator& member, const ValidatorSet& set, bool equal) {
  if (equal) return 1;
  const u128 wanted = static_cast<u128>(member.weight) * kSlotsPerMember * set.members.size() / total_weight(set);
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
}

std::uint64_t first_word(const Hash& seed) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8 | seed.data[i];
  return out;
}

}  // namespace

LeaderSchedule::LeaderSchedule(const ValidatorSet& set, const Hash& seed) {
  const bool equal =
      std::ranges::all_of(set.members, [&](const Validator& v) { return v.weight == set.members.front().weight; });
  for (std::size_t i = 0; i < set.members.size(); ++i) {
    slots_.insert(slots_.end(), slots_of(set.members[i], set, equal), static_cast<std::uint16_t>(i));
  }
  // Everyone knows the seed; 64 bits of it are plenty to pick an order. The bias of the remainder is below 2⁻⁵⁰.
  SeededRandom random(first_word(seed));
  for (std::size_t i = slots_.size(); i > 1; --i) std::swap(slots_[i - 1], slots_[random.draw_u64() % i]);
}

}  // namespace micro::simplex
