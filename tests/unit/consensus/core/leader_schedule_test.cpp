#include "consensus/core/leader_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace micro::simplex {
namespace {

ValidatorSet with(std::vector<std::uint64_t> weights) {
  ValidatorSet set;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    Ed25519Key key;
    key.data[0] = static_cast<std::uint8_t>(i + 1);
    set.members.push_back({key, weights[i]});
  }
  return set;
}

TEST(LeaderSchedule, EqualWeightsLeadInTurn) {
  const LeaderSchedule schedule(with({5, 5, 5, 5}), Hash{});
  std::vector<std::uint16_t> sorted = schedule.slots();
  std::ranges::sort(sorted);
  EXPECT_EQ(sorted, (std::vector<std::uint16_t>{0, 1, 2, 3}));
  EXPECT_EQ(schedule.leader(View(1)), schedule.leader(View(5)));
}

TEST(LeaderSchedule, SlotsFollowWeightAndEveryoneHasOne) {
  const LeaderSchedule schedule(with({1, 1'000, 500}), Hash{});
  const auto n = [&](std::uint16_t i) { return std::ranges::count(schedule.slots(), i); };
  EXPECT_EQ(n(0), 1);
  EXPECT_GE(n(1), 7);
  EXPECT_GE(n(2), 3);
  EXPECT_LE(schedule.slots().size(), 3 * kSlotsPerMember + 3);
}

TEST(LeaderSchedule, TheSeedDecidesTheOrder) {
  const ValidatorSet set = with(std::vector<std::uint64_t>(50, 1));
  Hash other;
  other.data[0] = 1;
  EXPECT_EQ(LeaderSchedule(set, Hash{}).slots(), LeaderSchedule(set, Hash{}).slots());
  EXPECT_NE(LeaderSchedule(set, Hash{}).slots(), LeaderSchedule(set, other).slots());
}

}  // namespace
}  // namespace micro::simplex
