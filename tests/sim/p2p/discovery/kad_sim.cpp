// Kademlia alone with a thousand nodes in virtual time: how tables grow, and what death, losses and liars cost. Larger
// networks, churn and partitions: ../network.
#include <gtest/gtest.h>

#include "tests/gen/p2p/kad_world.hpp"

namespace micro::p2p {
namespace {

using test::KadWorld;
using Kind = KadWorld::Kind;

// Some at once, as a real network grows by a part of its size and not all in one moment.
void grow(KadWorld& world, std::size_t nodes) {
  world.reserve(nodes);
  while (world.size() < nodes) {
    const std::size_t more = std::min(nodes - world.size(), 1 + world.size() / 20);
    for (std::size_t n = 0; n < more; ++n) world.join();
    world.run_ms(1'500);
  }
  world.run_ms(5'000);
}

Bytes random_name(KadWorld& world) {
  const Hash name = world.random().draw<Hash>();
  return to_bytes(name.view());
}

ContactId random_node(KadWorld& world) {
  while (true) {
    const auto id = static_cast<ContactId>(world.random().draw_u64() % world.size());
    if (world.kind(id) == Kind::kHonest) return id;
  }
}

struct Figures {
  std::size_t nodes = 0;
  double right = 0;    // share of the truly nearest that searches found
  double nearest = 0;  // share of searches that found the very nearest
  double asked = 0;    // questions a search
  double hops = 0;
};

Figures measure(KadWorld& world, std::size_t lookups) {
  Figures out{.nodes = world.size()};
  for (std::size_t n = 0; n < lookups; ++n) {
    const ContactId id = random_node(world);
    const Bytes name = random_name(world);
    const KadFound found = world.wait_for(id, world.kad(id).find_node(name, world.now()).value());
    auto truth = world.truly_closest(kad_key(name), 21);
    std::erase(truth, id);  // who asks is no answer
    truth.resize(std::min<std::size_t>(truth.size(), 20));
    std::size_t right = 0;
    for (const ContactId one : found.closest) right += std::ranges::find(truth, one) != truth.end() ? 1 : 0;
    out.right += static_cast<double>(right) / static_cast<double>(truth.size());
    out.nearest += !found.closest.empty() && found.closest[0] == truth[0] ? 1 : 0;
    out.asked += static_cast<double>(found.asked);
    out.hops += found.hops;
  }
  const auto count = static_cast<double>(lookups);
  out.right /= count;
  out.nearest /= count;
  out.asked /= count;
  out.hops /= count;
  return out;
}

void print(const char* what, const Figures& figures) {
  std::printf(
      "%s: %zu nodes, %.2f %% of the 20 nearest found, %.2f %% of the nearest, %.1f questions and %.2f hops a "
      "search\n",
      what, figures.nodes, 100 * figures.right, 100 * figures.nearest, figures.asked, figures.hops);
}

TEST(KadSim, TablesThatGrewByJoiningFindTheNearest) {
  KadWorld world(1, {});
  grow(world, 1'000);
  const Figures figures = measure(world, 200);
  print("grown", figures);
  EXPECT_GE(figures.right, 0.99);
  EXPECT_GE(figures.nearest, 0.99);
  EXPECT_LE(figures.hops, 5);
}

TEST(KadSim, TheSameSeedIsTheSameTrace) {
  std::vector<std::uint64_t> traces;
  for (const std::uint64_t seed : {7U, 7U, 8U}) {
    KadWorld world(seed, {.lost_per_mille = 20});
    grow(world, 300);
    measure(world, 20);
    traces.push_back(world.trace());
  }
  EXPECT_EQ(traces[0], traces[1]);
  EXPECT_NE(traces[0], traces[2]);
}

TEST(KadSim, SearchesOutliveTheDeathOfAThirdAndLostMessages) {
  KadWorld world(3, {.lost_per_mille = 10});
  grow(world, 600);
  for (ContactId id = 0; id < world.size(); ++id) {
    if (world.random().draw_u64() % 3 == 0) world.set_kind(id, Kind::kDead);
  }
  const Figures at_once = measure(world, 200);
  print("a third died", at_once);
  EXPECT_GE(at_once.nearest, 0.95);  // one question of fifty gets no answer
  world.run_ms(2 * kRefreshMs);      // tables heal
  const Figures later = measure(world, 200);
  print("and later", later);
  EXPECT_GE(later.nearest, 0.97);
  EXPECT_GE(later.right, 0.97);
}

// A tenth of the nodes names only dead ones. Who is nearest is found in spite of them, at a price.
TEST(KadSim, SearchesFindTheNearestAmongLiars) {
  KadWorld world(4, {});
  grow(world, 1'000);
  for (ContactId id = 0; id < world.size(); ++id) {
    const std::uint64_t draw = world.random().draw_u64() % 10;
    if (draw == 0) world.set_kind(id, Kind::kDead);
    if (draw == 1) world.set_kind(id, Kind::kLiar);
  }
  world.list_dead();
  Figures figures;
  for (int n = 0; n < 200; ++n) {
    const ContactId id = random_node(world);
    const Bytes name = random_name(world);
    const KadFound found = world.wait_for(id, world.kad(id).find_node(name, world.now()).value());
    auto truth = world.truly_closest(kad_key(name), 2);
    std::erase(truth, id);
    figures.nearest += std::ranges::count(found.closest, truth[0]) > 0 ? 1 : 0;
    EXPECT_LE(found.asked, LookupLimits().asked);
  }
  std::printf("among liars: %.1f %% of the nearest found\n", figures.nearest / 2);
  EXPECT_GE(figures.nearest / 200, 0.97);
}

TEST(KadSim, WhatIsProvidedIsFound) {
  KadWorld world(5, {});
  grow(world, 1'000);
  std::size_t found = 0;
  constexpr std::size_t kNames = 100;
  for (std::size_t n = 0; n < kNames; ++n) {
    const Bytes name = random_name(world);
    const ContactId provider = random_node(world);
    world.wait_for(provider, world.kad(provider).provide(name, world.now()).value());
    world.run_ms(500);
    const ContactId asker = random_node(world);
    const KadFound answer = world.wait_for(asker, world.kad(asker).find_providers(name, 1, world.now()).value());
    found += std::ranges::count(answer.providers, provider) == 1 ? 1 : 0;
  }
  EXPECT_GE(found, 99U);
}

}  // namespace
}  // namespace micro::p2p
