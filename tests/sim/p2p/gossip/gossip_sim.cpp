// Hundreds of routers on thin lines in virtual time: what arrives, how fast and at what cost; churn, partitions, and
// peers that flood, lie or keep silent.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/gen/p2p/frame_recorder.hpp"
#include "tests/gen/p2p/gossip_world.hpp"

namespace micro::p2p {
namespace {

using test::FrameNet;
using test::GossipWorld;
using Honest = GossipWorld::Honest;

constexpr std::uint64_t kSettleMs = 10'000;

std::string body(int number, std::size_t bytes = 500) {
  std::string out = "ok " + std::to_string(number) + " ";
  out.resize(std::max(out.size(), bytes), 'x');
  return out;
}

void build(GossipWorld& world, std::size_t nodes, std::size_t dials) {
  for (std::size_t n = 0; n < nodes; ++n) world.add();
  world.connect(dials);
  world.net.run_for_ms(kSettleMs);
}

std::vector<MessageId> publish_some(GossipWorld& world, int from, int count, std::uint64_t gap_ms, std::size_t bytes) {
  std::vector<MessageId> out;
  for (int n = 0; n < count; ++n) {
    out.push_back(world.publish(world.any(), body(from + n, bytes)));
    world.net.run_for_ms(gap_ms);
  }
  return out;
}

std::size_t worst_permille(const GossipWorld& world, const std::vector<MessageId>& ids) {
  std::size_t out = 1'000;
  for (const MessageId& id : ids) out = std::min(out, world.reached_permille(id));
  return out;
}
std::size_t mean_permille(const GossipWorld& world, const std::vector<MessageId>& ids) {
  std::size_t sum = 0;
  for (const MessageId& id : ids) sum += world.reached_permille(id);
  return sum / ids.size();
}

// Peers that make their own frames: what is in `say` is written to everybody once.
class Scripted : public test::FrameQueues {
 public:
  Status connected(const PeerId& peer, PeerFacts facts, Instant now) override {
    RpcView rpc;
    rpc.subscriptions = {{true, test::kWorldTopic}};
    rpc.grafts = {test::kWorldTopic};
    push(peer, encode_rpc(rpc));
    return FrameQueues::connected(peer, std::move(facts), now);
  }
  Status on_frame(const PeerId& /*from*/, ByteView /*frame*/, Instant /*now*/) override { return {}; }
  [[nodiscard]] Instant next_deadline() const override { return next_; }
  void expire(Instant now) override {
    next_ = now.plus_ms(200);
    act(now);
  }

 protected:
  virtual void act(Instant /*now*/) {}
  void push(const PeerId& to, Bytes frame) {
    auto& waiting = queued[to];
    if (waiting.size() < 20) waiting.push_back(std::move(frame));
  }

 private:
  Instant next_;
};

TEST(GossipSim, EverybodyHearsEverythingFastAndNotTooOften) {
  constexpr std::size_t kNodes = 300;
  GossipWorld world(1);
  build(world, kNodes, 10);
  for (const auto& one : world.honest) {
    const std::size_t degree = one->router.mesh(test::kWorldTopic).size();
    EXPECT_GE(degree, 6U);
    EXPECT_LE(degree, 12U);
  }
  std::uint64_t before = 0;
  for (std::size_t n = 0; n < kNodes; ++n) before += world.net.bytes_sent(n);
  constexpr int kMessages = 20;
  const auto ids = publish_some(world, 0, kMessages, 100, 500);
  world.net.run_for_ms(3'000);
  EXPECT_EQ(worst_permille(world, ids), 1'000U);
  std::uint64_t slowest = 0;
  for (const MessageId& id : ids) slowest = std::max(slowest, world.spread_ms(id));
  EXPECT_LE(slowest, 1'000U);
  std::uint64_t after = 0;
  std::uint64_t duplicates = 0;
  for (std::size_t n = 0; n < kNodes; ++n) after += world.net.bytes_sent(n);
  for (const auto& one : world.honest) duplicates += one->router.stats().duplicates;
  const std::uint64_t copies_permille = duplicates * 1'000 / kNodes / kMessages;  // a node and message, in thousandths
  const std::uint64_t bytes_a_message = (after - before) / kNodes / kMessages;
  std::printf("300 nodes: slowest %llu ms, %llu.%03llu duplicates a message, %llu bytes sent a node and message\n",
              static_cast<unsigned long long>(slowest), static_cast<unsigned long long>(copies_permille / 1'000),
              static_cast<unsigned long long>(copies_permille % 1'000),
              static_cast<unsigned long long>(bytes_a_message));
  EXPECT_LE(copies_permille, 8'000U);  // a mesh of eight sends it to each at most so often
  EXPECT_LE(bytes_a_message, 8 * 700U);
}

TEST(GossipSim, LongMessagesAreNotSentToThoseThatHaveThem) {
  std::uint64_t duplicates[2] = {};
  for (const bool dont_want : {false, true}) {
    GossipWorld world(2);
    for (int n = 0; n < 60; ++n) world.add({.mesh = {.dont_want_bytes = dont_want ? 1'024U : kMaxRpcBytes}});
    world.connect(8);
    world.net.run_for_ms(kSettleMs);
    const auto ids = publish_some(world, 0, 3, 500, 60'000);
    world.net.run_for_ms(5'000);
    EXPECT_EQ(worst_permille(world, ids), 1'000U);
    for (const auto& one : world.honest) duplicates[dont_want ? 1 : 0] += one->router.stats().duplicates;
  }
  std::printf("60 kB messages: %llu duplicates, with IDONTWANT %llu\n", static_cast<unsigned long long>(duplicates[0]),
              static_cast<unsigned long long>(duplicates[1]));
  EXPECT_LT(duplicates[1] * 10, duplicates[0] * 9);
}

TEST(GossipSim, TheSameSeedGivesTheSameRun) {
  std::vector<std::uint64_t> traces;
  for (int run = 0; run < 2; ++run) {
    GossipWorld world(7);
    build(world, 100, 6);
    publish_some(world, 0, 20, 50, 300);
    world.net.run_for_ms(3'000);
    std::uint64_t trace = 0;
    for (std::size_t n = 0; n < world.net.size(); ++n) trace = trace * 31 + world.net.bytes_sent(n);
    for (const auto& one : world.honest) trace = trace * 31 + one->router.stats().duplicates;
    traces.push_back(trace);
  }
  EXPECT_EQ(traces[0], traces[1]);
}

// Each second a node of three hundred loses all its links and dials anew half a second later: a fifth of them a minute.
TEST(GossipSim, ChurnDoesNotHoldUpMessages) {
  GossipWorld world(3);
  build(world, 300, 8);
  std::vector<MessageId> ids;
  for (int round = 0; round < 30; ++round) {
    Honest& gone = world.any();
    world.net.isolate(gone.node);
    Honest* from = &world.any();
    while (from == &gone) from = &world.any();
    ids.push_back(world.publish(*from, body(round)));
    world.net.run_for_ms(500);
    world.dial(gone, 8);
    world.net.run_for_ms(500);
  }
  world.net.run_for_ms(5'000);
  EXPECT_GE(mean_permille(world, ids), 999U);
}

TEST(GossipSim, HalvesThatWerePartedFindTogether) {
  for (const std::size_t smaller : {100U, 20U}) {  // of two hundred
    GossipWorld world(4);
    build(world, 200, 8);
    for (std::size_t n = 0; n < smaller; ++n) world.net.set_side(world.honest[n]->node, 1);
    const MessageId apart = world.publish(*world.honest[0], body(1));
    world.net.run_for_ms(60'000);
    EXPECT_LE(world.reached_permille(apart), smaller * 5);
    for (std::size_t n = 0; n < smaller; ++n) world.net.set_side(world.honest[n]->node, 0);
    world.net.run_for_ms(3'000);
    const auto ids = publish_some(world, 10, 5, 200, 500);
    world.net.run_for_ms(3'000);
    EXPECT_EQ(worst_permille(world, ids), 1'000U) << smaller;
  }
}

TEST(GossipSim, AllNodesBeginAnewAtOnce) {
  GossipWorld world(5);
  build(world, 200, 8);
  for (const auto& one : world.honest) world.net.isolate(one->node);
  world.connect(8);
  world.net.run_for_ms(5'000);
  const auto ids = publish_some(world, 0, 5, 200, 500);
  world.net.run_for_ms(3'000);
  EXPECT_EQ(worst_permille(world, ids), 1'000U);
}

// --- those that do harm ---

class Spammer final : public Scripted {
  void act(Instant now) override {
    for (const auto& [peer, facts] : peers) {
      RpcView rpc;
      const std::string data = "bad " + std::to_string(now.ns) + peer.text();
      MessageView& one = rpc.messages.emplace_back();
      one.data = as_bytes(data);
      one.topic = test::kWorldTopic;
      push(peer, encode_rpc(rpc));
    }
  }
};

class Liar final : public Scripted {  // tells of hundreds of messages that there are not
  void act(Instant now) override {
    std::vector<std::string> names;
    for (int n = 0; n < 500; ++n)
      names.push_back(std::to_string(now.ns + static_cast<std::uint64_t>(n)) + "0123456789");
    RpcView rpc;
    IhaveView& one = rpc.ihaves.emplace_back();
    one.topic = test::kWorldTopic;
    for (const std::string& name : names) one.ids.push_back(as_bytes(name).first(20));
    const Bytes frame = encode_rpc(rpc);
    for (const auto& [peer, facts] : peers) push(peer, frame);
  }
};

class Asker final : public Scripted {  // asks for all that it hears of, over and over
 public:
  Status on_frame(const PeerId& from, ByteView frame, Instant /*now*/) override {
    received += frame.size();
    const auto rpc = decode_rpc(frame);
    if (!rpc) return {};
    for (const MessageView& message : rpc->messages) known.insert(content_id(message).value());
    RpcView ask;
    for (const MessageId& id : known) ask.iwants.push_back(id.view());
    if (!known.empty() && asked[from]++ < 200) push(from, encode_rpc(ask));
    return {};
  }
  std::set<MessageId> known;
  std::map<PeerId, int> asked;
  std::uint64_t received = 0;
};

class Silent final : public Scripted {};  // in every mesh that lets it in, and hands nothing on

template <class Attacker>
std::vector<std::unique_ptr<Attacker>> attack(GossipWorld& world, std::size_t count, std::size_t links,
                                              const std::string& address = {}) {
  std::vector<std::unique_ptr<Attacker>> out;
  for (std::size_t n = 0; n < count; ++n) {
    out.push_back(std::make_unique<Attacker>());
    const auto node = world.net.add(*out.back(), std::string(kMeshsub12), address);
    for (std::size_t made = 0; made < links;) made += world.net.link(node, world.any().node) ? 1 : 0;
  }
  return out;
}

template <class Attacker>
std::size_t meshes_with(const GossipWorld& world, std::size_t first_attacker) {
  std::size_t out = 0;
  for (const auto& one : world.honest) {
    for (const PeerId& peer : one->router.mesh(test::kWorldTopic)) {
      out += *world.net.node_of(peer) >= first_attacker ? 1 : 0;
    }
  }
  return out;
}

TEST(GossipSim, SpammersAreOutOfEveryMeshAndUnread) {
  GossipWorld world(6);
  build(world, 150, 8);
  const auto attackers = attack<Spammer>(world, 50, 20);
  world.net.run_for_ms(20'000);
  EXPECT_EQ(meshes_with<Spammer>(world, 150), 0U);
  std::uint64_t rejected = 0;
  for (const auto& one : world.honest) rejected += one->router.stats().rejected;
  world.net.run_for_ms(10'000);
  std::uint64_t later = 0;
  for (const auto& one : world.honest) later += one->router.stats().rejected;
  EXPECT_EQ(later, rejected);  // nothing of theirs is looked at any more
  const auto ids = publish_some(world, 0, 10, 200, 500);
  world.net.run_for_ms(3'000);
  EXPECT_EQ(worst_permille(world, ids), 1'000U);
}

TEST(GossipSim, PromisesThatAreNotKeptCostTheirPlace) {
  GossipWorld world(8);
  build(world, 60, 8);
  const auto attackers = attack<Liar>(world, 3, 10);
  world.net.run_for_ms(60'000);
  const auto ids = publish_some(world, 0, 10, 200, 500);
  world.net.run_for_ms(3'000);
  EXPECT_EQ(worst_permille(world, ids), 1'000U);
  EXPECT_EQ(meshes_with<Liar>(world, 60), 0U);
}

TEST(GossipSim, WhoAsksOverAndOverGetsLittle) {
  GossipWorld world(9);
  build(world, 60, 8);
  const auto attackers = attack<Asker>(world, 5, 20);
  world.net.run_for_ms(3'000);
  const auto ids = publish_some(world, 0, 10, 300, 20'000);
  world.net.run_for_ms(5'000);
  EXPECT_EQ(worst_permille(world, ids), 1'000U);
  for (const auto& one : attackers) {
    // Of each link what the mesh sends and three times again, and what is not of messages.
    EXPECT_LE(one->received, 20U * 10U * 20'500U * 4U + 1'000'000U);
    EXPECT_GE(one->received, 10U * 20'000U);
  }
}

TEST(GossipSim, SybilsOfOneAddressAreOutOfTheMesh) {
  GossipWorld world(10);
  build(world, 100, 8);
  const auto attackers = attack<Silent>(world, 200, 20, "one address");
  world.net.run_for_ms(5'000);
  EXPECT_EQ(meshes_with<Silent>(world, 100), 0U);
  const auto ids = publish_some(world, 0, 10, 200, 500);
  world.net.run_for_ms(3'000);
  EXPECT_EQ(worst_permille(world, ids), 1'000U);
}

// More than the honest, from many addresses, before the honest are there.
TEST(GossipSim, SilentPeersInTheMeshHoldNothingUp) {
  GossipWorld world(11);
  for (int n = 0; n < 100; ++n) world.add();
  world.connect(8);
  const auto attackers = attack<Silent>(world, 150, 10);
  world.net.run_for_ms(kSettleMs);
  const auto ids = publish_some(world, 0, 20, 200, 500);
  world.net.run_for_ms(5'000);
  EXPECT_GE(mean_permille(world, ids), 990U);
}

}  // namespace
}  // namespace micro::p2p
