// Networks of whole nodes in virtual time, from a thousand to NODES (a hundred thousand unless said; a million in the
// long run). What a line says about sizes that did not run is marked as an extrapolation.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "tests/sim/p2p/network/figures.hpp"

namespace micro::p2p::sim {
namespace {

constexpr std::size_t kMaxBytesPerNode = 10'000;
constexpr std::size_t kMessageBytes = 200;
constexpr std::uint64_t kMeshMs = 1'500;  // a heartbeat of everybody after all have heard who subscribes
constexpr std::uint64_t kLongestWayMs = WorldShape().least_delay_ms + WorldShape().more_delay_ms;
constexpr std::uint64_t kSpreadMs = 3'000;  // three heartbeats: who missed a message has heard of it

std::size_t wanted_nodes() {
  const char* const text = std::getenv("NODES");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 100'000;
}
bool is_long() {
  return wanted_nodes() > 100'000;
}

Bytes random_name(World& world) {
  Bytes name{0x12, 32};
  const Hash digest = world.random().draw<Hash>();
  name.insert(name.end(), digest.view().begin(), digest.view().end());
  return name;
}
void search_some(World& world, std::size_t count) {
  for (std::size_t n = 0; n < count; ++n) world.search(world.any_alive(), random_name(world));
}

struct SizeFigures {
  std::size_t nodes = 0;
  std::size_t bytes_a_node = 0;
  SearchFigures searches;
  GossipFigures gossip;
  double duplicates = 0;  // a node and message
  double gossip_bytes = 0;
  std::size_t least_mesh = 0, most_mesh = 0;
  std::size_t newcomers = 0, newcomers_found = 0;
};

void measure_meshes(const World& world, SizeFigures& out) {
  out.least_mesh = ~std::size_t{0};
  for (ContactId node = 0; node < out.nodes; ++node) {
    const std::size_t size = world.router(node).mesh(kTopic).size();
    out.least_mesh = std::min(out.least_mesh, size);
    out.most_mesh = std::max(out.most_mesh, size);
  }
}

void print(const SizeFigures& one) {
  const auto& searches = one.searches;
  const auto& gossip = one.gossip;
  std::printf("%zu nodes: %zu bytes a node at rest (process %zu MB)\n", one.nodes, one.bytes_a_node,
              resident_bytes() >> 20);
  std::printf(
      "  searches  %zu, %.2f %% found the nearest, %.2f %% of the 20 nearest; hops %.2f, p99 %.0f; "
      "questions %.1f, p99 %.0f; %.0f ms, p99 %.0f\n",
      searches.begun, 100 * searches.success(), 100 * searches.right.mean(), searches.hops.mean(),
      searches.hops.worst(0.99), searches.asked.mean(), searches.asked.worst(0.99), searches.took_ms.mean(),
      searches.took_ms.worst(0.99));
  std::printf("  newcomers %zu, %zu found by others\n", one.newcomers, one.newcomers_found);
  std::printf(
      "  gossip    %zu messages, %.4f %% delivered; %.0f ms, p99 %.0f, last %.0f; %.2f duplicates and %.0f bytes "
      "a node and message; meshes of %zu to %zu\n",
      gossip.messages, 100 * gossip.delivery(), gossip.after_ms.mean(), gossip.after_ms.worst(0.99),
      gossip.after_ms.worst(1), one.duplicates, one.gossip_bytes, one.least_mesh, one.most_mesh);
  std::fflush(stdout);
}

// Runs until it is so, for at most so long.
template <class Is>
void run_until(World& world, std::uint64_t most_ms, Is is) {
  constexpr std::uint64_t kPollMs = 100;
  for (std::uint64_t waited = 0; waited < most_ms && !is(); waited += kPollMs) world.run_ms(kPollMs);
}

SizeFigures run_size(std::size_t nodes) {
  const std::size_t before = allocated_bytes();
  constexpr std::size_t kSearches = 300;
  constexpr std::size_t kNewcomers = 20;
  World world(nodes, {.settled_ms = 1'000}, nodes + kNewcomers);
  world.settle(nodes);
  std::set<ContactId> newcomers;
  for (std::size_t n = 0; n < kNewcomers; ++n) newcomers.insert(world.join());
  world.run_ms(kMeshMs);
  SizeFigures out;
  out.nodes = nodes;
  out.bytes_a_node = (allocated_bytes() - before) / world.size();
  measure_meshes(world, out);

  search_some(world, kSearches);
  for (const ContactId one : newcomers) {  // asked for by old ones
    world.search(static_cast<ContactId>(world.random().below(nodes)), world.name(one));
  }
  run_until(world, 5'000, [&] { return world.found.size() == kSearches + kNewcomers; });
  for (const Found& one : world.found) {
    const bool is_newcomer = !one.found.closest.empty() && newcomers.contains(one.found.closest[0]);
    out.newcomers_found += is_newcomer && one.target == kad_key(world.name(one.found.closest[0])) ? 1 : 0;
  }
  out.newcomers = kNewcomers;
  out.searches = take_searches(world, kSearches + kNewcomers);

  const std::size_t messages = nodes < 10'000 ? 3 : 1;
  const std::uint64_t duplicates = world.duplicates();
  const std::uint64_t bytes = world.gossip_bytes();
  for (std::size_t n = 0; n < messages; ++n) {
    world.publish(static_cast<ContactId>(world.random().below(nodes)), kMessageBytes);
  }
  run_until(world, kSpreadMs, [&] { return measure_waves(world).delivery() == 1; });
  world.run_ms(2 * kLongestWayMs);  // what is under way arrives too
  const auto parts = static_cast<double>(nodes * messages);
  out.duplicates = static_cast<double>(world.duplicates() - duplicates) / parts;
  out.gossip_bytes = static_cast<double>(world.gossip_bytes() - bytes) / parts;
  out.gossip = measure_waves(world);
  print(out);
  return out;
}

void print_extrapolation(const std::vector<SizeFigures>& all) {
  std::vector<double> nodes, hops, asked, last_ms, bytes;
  for (const SizeFigures& one : all) {
    nodes.push_back(static_cast<double>(one.nodes));
    hops.push_back(one.searches.hops.mean());
    asked.push_back(one.searches.asked.mean());
    last_ms.push_back(one.gossip.after_ms.worst(0.99));
    bytes.push_back(static_cast<double>(one.bytes_a_node));
  }
  const Fit of_hops = fit(nodes, hops), of_asked = fit(nodes, asked), of_ms = fit(nodes, last_ms),
            of_bytes = fit(nodes, bytes);
  std::printf(
      "fits over %.0e to %.0e nodes, for each doubling: %+.3f hops, %+.2f questions, %+.1f ms until 99 %% have a "
      "message, %+.0f bytes a node\n",
      nodes.front(), nodes.back(), of_hops.per_doubling, of_asked.per_doubling, of_ms.per_doubling,
      of_bytes.per_doubling);
  for (const double at : {1e6, 1e9}) {
    if (at <= nodes.back()) continue;
    std::printf("EXTRAPOLATION, not measured: %.0e nodes: %.1f hops, %.0f questions, %.0f ms, %.0f bytes a node\n", at,
                of_hops.at(at), of_asked.at(at), of_ms.at(at), of_bytes.at(at));
  }
  EXPECT_LE(of_hops.per_doubling, 1);  // no more than a step a bit: the logarithm that Kademlia promises
  EXPECT_GT(of_hops.per_doubling, 0);
}

TEST(NetworkSim, SearchesAndMessagesReachTheirEndsAtEverySize) {
  std::vector<SizeFigures> all;
  for (std::size_t nodes = 1'000; nodes < wanted_nodes(); nodes *= 10) all.push_back(run_size(nodes));
  all.push_back(run_size(wanted_nodes()));
  for (const SizeFigures& one : all) {
    EXPECT_LE(one.bytes_a_node, kMaxBytesPerNode) << one.nodes;
    EXPECT_EQ(one.searches.ended, one.searches.begun) << one.nodes;
    EXPECT_GE(one.searches.success(), 0.99) << one.nodes;
    EXPECT_GE(one.searches.right.mean(), 0.97) << one.nodes;
    EXPECT_EQ(one.newcomers_found, one.newcomers) << one.nodes;
    EXPECT_EQ(one.gossip.expected, one.gossip.messages * (one.nodes + one.newcomers - 1)) << one.nodes;
    EXPECT_GE(one.gossip.delivery(), 0.999) << one.nodes;
    EXPECT_GT(one.duplicates, 0) << one.nodes;
    EXPECT_LE(one.duplicates, 8) << one.nodes;  // a mesh of eight sends it to each at most so often
    EXPECT_GE(one.least_mesh, 6U) << one.nodes;
    EXPECT_LE(one.most_mesh, 12U) << one.nodes;
  }
  ASSERT_GE(all.size(), 3U);
  print_extrapolation(all);
}

std::uint64_t trace_of(std::uint64_t seed) {
  World world(seed, {.lost_per_mille = 20}, 400);
  world.settle(300);
  world.run_ms(kMeshMs);
  search_some(world, 20);
  world.publish(world.any_alive(), kMessageBytes);
  world.kill(world.any_alive(), true);
  world.join();
  world.run_ms(30'000);
  EXPECT_EQ(world.found.size() + world.abandoned(), 20U);
  return world.trace();
}

TEST(NetworkSim, TheSameSeedIsTheSameTrace) {
  const std::uint64_t first = trace_of(7);
  std::printf("trace of seed 7: %016llx\n", static_cast<unsigned long long>(first));
  EXPECT_EQ(trace_of(7), first);
  EXPECT_NE(trace_of(8), first);
}

// So many die, each second one without a word, and as many come.
TEST(NetworkSim, ChurnLosesNoMessageAndNoSearch) {
  const std::size_t nodes = is_long() ? 10'000 : 1'000;
  const std::uint64_t minutes = is_long() ? 3 : 1;
  for (const std::size_t percent : {1U, 10U}) {
    World world(percent, {}, 2 * nodes);
    world.settle(nodes);
    world.run_ms(kMeshMs);
    const std::uint64_t a_minute = nodes * percent / 100;
    std::size_t died = 0;
    for (std::uint64_t second = 0; second < 60 * minutes; ++second) {
      const std::uint64_t due = (second + 1) * a_minute / 60;
      for (; died < due; ++died) {
        world.kill(world.any_alive(), died % 2 == 0);
        world.join();
      }
      search_some(world, 5);
      if (second % 3 == 0) world.publish(world.any_alive(), kMessageBytes);
      world.run_ms(1'000);
    }
    constexpr std::uint64_t kLateMs = 25'000;  // searches that wait for the dead
    world.run_ms(kLateMs);
    const SearchFigures searches = take_searches(world, 300 * minutes - world.abandoned());
    const GossipFigures gossip = measure_waves(world);
    std::printf(
        "%zu %% of %zu nodes a minute: %zu died; %.4f %% delivered, worst message %.2f %%, p99 %.0f ms; %.2f %% of "
        "searches found the nearest, hops %.2f, questions %.1f, p99 %.0f ms\n",
        percent, nodes, died, 100 * gossip.delivery(), 100 * gossip.worst_share, gossip.after_ms.worst(0.99),
        100 * searches.success(), searches.hops.mean(), searches.asked.mean(), searches.took_ms.worst(0.99));
    EXPECT_EQ(died, a_minute * minutes);
    EXPECT_EQ(world.alive(), nodes);
    EXPECT_EQ(searches.ended, searches.begun);
    EXPECT_GE(searches.success(), 0.99);
    EXPECT_GE(gossip.delivery(), 0.999);
  }
}

struct Heal {
  double own_side = 1;           // worst share that a message reached of its own side while parted
  std::uint64_t alone_ms = 0;    // after the silence was noticed: from then on each message reached all of its side
  std::uint64_t whole_ms = 0;    // after healing: from then on each message reached everybody in three heartbeats
  std::uint64_t allowed_ms = 0;  // three heartbeats and what is left of the back-off
  SearchFigures parted, after;
};

double share_of_side(const World& world, const Wave& wave, unsigned side) {
  std::size_t there = 0;
  std::size_t reached = 0;
  for (ContactId node = 0; node < wave.expected.size(); ++node) {
    if (!wave.expected[node] || world.side(node) != side) continue;
    ++there;
    reached += wave.reached[node] ? 1 : 0;
  }
  return static_cast<double>(reached) / static_cast<double>(there);
}

ContactId any_of_side(World& world, unsigned side) {
  for (;;) {
    if (const ContactId node = world.any_alive(); world.side(node) == side) return node;
  }
}

// After what is silent was noticed each side works alone. A node of a small side has lost nearly all its links and
// knows mostly nodes that it cannot reach: the last ones need a few more attempts.
void run_parted(World& world, Heal& out) {
  constexpr unsigned kMessages = 24;
  world.run_ms(WorldShape().silence_ms);
  const std::uint64_t noticed_ms = world.now_ms();
  world.run_ms(5'000);
  std::vector<std::pair<MessageId, unsigned>> sent;
  for (unsigned n = 0; n < kMessages; ++n) {
    sent.emplace_back(world.publish(any_of_side(world, n % 2), kMessageBytes), n % 2);
    world.run_ms(1'000);
  }
  world.run_ms(kSpreadMs);
  for (const auto& [id, side] : sent) {
    const Wave& wave = world.waves.at(id);
    const double share = share_of_side(world, wave, side);
    out.own_side = std::min(out.own_side, share);
    if (share < 1) out.alone_ms = wave.published_ms + 1'000 - noticed_ms;
    EXPECT_EQ(share_of_side(world, wave, 1 - side), 0);  // it was parted
  }
}

// The greatest number where it never did.
std::uint64_t until_nearly_all_ms(const Wave& wave, std::size_t all) {
  std::size_t reached = 0;
  for (std::size_t ms = 0; ms < wave.after_ms.size(); ++ms) {
    reached += wave.after_ms[ms];
    if (reached * 1'000 >= all * 999) return ms;
  }
  return ~std::uint64_t{0};
}

constexpr std::uint64_t kAloneMs = 20'000;

Heal part_and_heal(std::size_t nodes, std::size_t smaller) {
  World world(smaller, {}, nodes);
  world.settle(nodes);
  world.run_ms(kMeshMs);
  world.part([&](ContactId node) { return node % nodes < smaller ? 1U : 0U; });
  Heal out;
  run_parted(world, out);
  world.heal();
  world.waves.clear();
  const std::uint64_t healed_ms = world.now_ms();
  out.allowed_ms = world.last_retry_ms() - healed_ms + 3 * kHeartbeatMs;
  std::vector<MessageId> sent;
  for (std::uint64_t n = 0; n < 16; ++n) {
    sent.push_back(world.publish(world.any_alive(), kMessageBytes));
    if (n == 5) search_some(world, 200);
    world.run_ms(500);
  }
  world.run_ms(15'000);
  for (const MessageId& id : sent) {
    const Wave& wave = world.waves.at(id);
    const std::uint64_t took_ms = until_nearly_all_ms(wave, nodes - 1);
    if (took_ms > kSpreadMs) out.whole_ms = wave.published_ms + 500 - healed_ms;
  }
  out.after = take_searches(world, 200);
  return out;
}

TEST(NetworkSim, PartsFindTogether) {
  const std::size_t nodes = is_long() ? 10'000 : 1'000;
  for (const std::size_t percent : {50U, 10U}) {
    const Heal heal = part_and_heal(nodes, nodes * percent / 100);
    std::printf(
        "%zu/%zu of %zu nodes parted: %.2f %% of the own side reached, all of it from %llu ms on; after healing each "
        "message from %llu ms on (allowed %llu) reached 99.9 %% in three heartbeats; %.2f %% of searches found the "
        "nearest\n",
        100 - percent, percent, nodes, 100 * heal.own_side, static_cast<unsigned long long>(heal.alone_ms),
        static_cast<unsigned long long>(heal.whole_ms), static_cast<unsigned long long>(heal.allowed_ms),
        100 * heal.after.success());
    EXPECT_GE(heal.own_side, 0.99);
    EXPECT_LE(heal.alone_ms, kAloneMs);
    EXPECT_LE(heal.whole_ms, heal.allowed_ms);
    EXPECT_LT(heal.whole_ms, 8'000U);  // it did happen
    EXPECT_EQ(heal.after.ended, heal.after.begun);
    EXPECT_GE(heal.after.success(), 0.99);
  }
}

}  // namespace
}  // namespace micro::p2p::sim
