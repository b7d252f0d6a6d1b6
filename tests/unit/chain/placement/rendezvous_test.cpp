#include "chain/placement/rendezvous.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "chain/base/random.hpp"

namespace micro {
namespace {

std::vector<RendezvousHost> hosts(std::size_t n, std::uint64_t weight = 1) {
  SeededRandom random(5);
  std::vector<RendezvousHost> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back({random.draw<NodeId>(), weight, static_cast<std::uint32_t>(i)});
  return out;
}

TEST(NegLog2, IsTheLogarithmWithin32FractionBits) {
  EXPECT_EQ(neg_log2_q32(1), 64ULL << 32);
  EXPECT_EQ(neg_log2_q32(0), neg_log2_q32(1));
  EXPECT_EQ(neg_log2_q32(1ULL << 63), 1ULL << 32);
  SeededRandom random(1);
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t h = random.draw_u64() >> (i % 60);
    if (h == 0) continue;
    const long double exact = (64.0L - std::log2(static_cast<long double>(h))) * 4'294'967'296.0L;
    EXPECT_NEAR(static_cast<double>(neg_log2_q32(h)), static_cast<double>(exact), 64.0) << h;
  }
}

TEST(NegLog2, NeverRisesWithTheHash) {
  SeededRandom random(2);
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t a = random.draw_u64(), b = random.draw_u64();
    EXPECT_EQ(a<b, neg_log2_q32(a)> neg_log2_q32(b)) << a << " " << b;
  }
}

TEST(Rendezvous, SharesFollowTheWeights) {
  auto all = hosts(6);
  std::uint64_t weights = 0;
  for (std::size_t i = 0; i < all.size(); ++i) weights += all[i].weight = 1ULL << (i / 2);  // 1 1 2 2 4 4
  SeededRandom random(3);
  constexpr int kKeys = 20'000;
  std::vector<int> first(all.size());
  for (int i = 0; i < kKeys; ++i) ++first[rank_hosts(random.draw<Hash>(), all, 1).at(0)];
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double expected = kKeys * static_cast<double>(all[i].weight) / static_cast<double>(weights);
    EXPECT_NEAR(first[i], expected, 4 * std::sqrt(expected)) << i;  // four standard deviations, and the seed is fixed
  }
}

TEST(Rendezvous, RemovingAHostMovesOnlyWhatItHeld) {
  const auto all = hosts(20, 7);
  auto fewer = all;
  fewer.erase(fewer.begin() + 4);
  SeededRandom random(4);
  int moved = 0;
  for (int i = 0; i < 3'000; ++i) {
    const Hash salt = random.draw<Hash>();
    const NodeId before = all[rank_hosts(salt, all, 1).at(0)].node;
    const NodeId after = fewer[rank_hosts(salt, fewer, 1).at(0)].node;
    if (before == after) continue;
    EXPECT_EQ(before, all[4].node);
    ++moved;
  }
  EXPECT_GT(moved, 0);
}

TEST(Rendezvous, PrefersDistinctClustersAndIgnoresTheOrderOfItsInput) {
  auto all = hosts(12, 3);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].cluster = i < 9 ? 1 : static_cast<std::uint32_t>(i);
  SeededRandom random(6);
  for (int i = 0; i < 200; ++i) {
    const Hash salt = random.draw<Hash>();
    const auto best = rank_hosts(salt, all, 4);
    std::set<std::uint32_t> clusters;
    std::vector<NodeId> names;
    for (const auto at : best) {
      clusters.insert(all[at].cluster);
      names.push_back(all[at].node);
    }
    EXPECT_EQ(clusters.size(), 4u);
    auto reversed = all;
    std::ranges::reverse(reversed);
    std::vector<NodeId> again;
    for (const auto at : rank_hosts(salt, reversed, 4)) again.push_back(reversed[at].node);
    EXPECT_EQ(names, again);
  }
}

TEST(Rendezvous, WeightZeroNeverTakesPart) {
  auto all = hosts(3);
  all[1].weight = 0;
  const auto best = rank_hosts(Hash{}, all, 9);
  EXPECT_EQ(best.size(), 2u);
  EXPECT_EQ(std::ranges::find(best, 1u), best.end());
}

}  // namespace
}  // namespace micro
