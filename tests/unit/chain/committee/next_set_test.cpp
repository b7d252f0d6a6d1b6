#include "chain/committee/next_set.hpp"

#include <gtest/gtest.h>

#include <map>

#include "chain/types/params.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kWhole = kernel::kCommitteeWeight;

Ed25519Key key(std::uint8_t n) {
  Ed25519Key out;
  out.data[0] = n;
  return out;
}
ValidatorSet set_of(std::initializer_list<std::pair<std::uint8_t, std::uint64_t>> members) {
  ValidatorSet out;
  for (const auto& [n, weight] : members) out.members.push_back({key(n), weight});
  return out;
}
std::vector<std::uint64_t> shares(std::vector<std::uint64_t> stakes) {
  return capped_shares(stakes);
}

TEST(CappedShares, AreInProportionBelowTheCap) {
  EXPECT_EQ(shares({200, 200, 200, 200, 200}), std::vector<std::uint64_t>(5, kWhole / 5));
  EXPECT_EQ(shares({29, 29, 22, 20}), (std::vector<std::uint64_t>{290'000'000, 290'000'000, 220'000'000, 200'000'000}));
}

TEST(CappedShares, WhatTheCapTakesOffGoesToTheOthersInProportion) {
  EXPECT_EQ(shares({600, 200, 100, 100}),
            (std::vector<std::uint64_t>{300'000'000, 300'000'000, 200'000'000, 200'000'000}));
}

TEST(CappedShares, WithFewerThanFourNoOneHasMoreThanAnEqualShare) {
  EXPECT_EQ(shares({77}), std::vector<std::uint64_t>{kWhole});
  EXPECT_EQ(shares({900, 1}), std::vector<std::uint64_t>(2, kWhole / 2));
  EXPECT_EQ(shares({900, 50, 1}), (std::vector<std::uint64_t>{333'333'334, 333'333'334, 333'333'332}));
}

TEST(CappedShares, TheLargestStakesThereCanBeDoNotOverflow) {
  const std::uint64_t most = kMaxSupplyMicro / 4;
  EXPECT_EQ(shares({most, most, most, most}), std::vector<std::uint64_t>(4, kWhole / 4));
}

TEST(NextSet, StaysWhereTooFewCandidatesAreThere) {
  const ValidatorSet current = set_of({{1, 1}});
  EXPECT_EQ(next_set(current, {}, 1), current);
  EXPECT_EQ(next_set(current, {{key(1), 0}, {key(2), 0}}, 1), current);
  EXPECT_EQ(next_set(current, {{key(1), 5}, {key(2), 5}, {key(3), 5}}, 4), current);
}

TEST(NextSet, MovesAtMostAQuarterOfTheWeight) {
  const ValidatorSet current = set_of({{1, 7}});
  const auto next = next_set(current, {{key(2), 5}, {key(3), 5}, {key(4), 5}, {key(5), 5}}, 4);
  EXPECT_EQ(next, set_of({{1, 750'000'000}, {2, 62'500'000}, {3, 62'500'000}, {4, 62'500'000}, {5, 62'500'000}}));
}

TEST(NextSet, ReachesTheStakesWithinFourStepsAndStaysThere) {
  const std::vector<Candidate> candidates{{key(2), 40}, {key(3), 40}, {key(4), 10}, {key(5), 10}};
  ValidatorSet set = set_of({{1, 1}});
  for (int i = 0; i < 4; ++i) set = next_set(set, candidates, 4);
  EXPECT_EQ(set, set_of({{2, 300'000'000}, {3, 300'000'000}, {4, 200'000'000}, {5, 200'000'000}}));
  EXPECT_EQ(next_set(set, candidates, 4), set);
}

TEST(NextSet, TakesTheHighestStakesAndOfEqualOnesTheLowerKey) {
  ValidatorSet current = set_of({{255, 1}});
  std::vector<Candidate> candidates;
  for (std::uint8_t n = 1; n <= kernel::kMaxSeats + 2; ++n) candidates.push_back({key(n), n == 1 ? 4u : 5u});
  for (int i = 0; i < 5; ++i) current = next_set(current, candidates, 4);
  ASSERT_EQ(current.members.size(), kernel::kMaxSeats);
  EXPECT_EQ(current.members.front().key, key(2));
  EXPECT_EQ(current.members.back().key, key(kernel::kMaxSeats + 1));
}

TEST(NextSet, NeverHasMoreMembersThanACertificateHasRoomFor) {
  ValidatorSet current;
  for (std::size_t n = 0; n < kMaxValidators; ++n) {
    Ed25519Key k;
    k.data[1] = static_cast<std::uint8_t>(n);
    current.members.push_back({k, 10});
  }
  std::vector<Candidate> others;
  for (std::uint8_t n = 1; n <= 100; ++n) others.push_back({key(n), 1'000});
  others.push_back({current.members[7].key, 1});
  others.push_back({current.members[8].key, 1});
  const ValidatorSet next = next_set(current, others, 2);
  EXPECT_LE(next.members.size(), kMaxValidators);
  for (const Validator& v : next.members) EXPECT_EQ(v.key.data[0], 0) << "no room for a newcomer yet";
}

}  // namespace
}  // namespace micro
