// The attacks that gossipsub 1.1 was hardened against (its evaluation report names them): eclipse, censorship, cold
// boot, covert flash. Attackers are routers like all others, so that they are in meshes and earn scores, until they
// hand nothing on of what they are after. Degradation, colocation, spam and lies are in gossip_sim.cpp.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/gen/p2p/gossip_world.hpp"

namespace micro::p2p {
namespace {

using test::FrameNet;
using test::GossipWorld;
using Honest = GossipWorld::Honest;

constexpr std::size_t kLeastPermille = 990;  // of the honest hear of it

// Shared by all attackers: what is not handed on, from when on.
struct Orders {
  std::function<bool(std::string_view data)> drops = [](std::string_view) { return false; };
};

class Turncoat final : public FrameProtocol {
 public:
  Turncoat(PeerId self, std::uint64_t seed, const Orders& orders)
      : random_(seed), router_(GossipConfig{}, self, random_), orders_(orders) {}
  void begin(Instant now) { CHECK(router_.join(test::kWorldTopic, now).has_value(), "one topic"); }

  Status connected(const PeerId& peer, PeerFacts facts, Instant now) override {
    return router_.connected(peer, std::move(facts), now);
  }
  void disconnected(const PeerId& peer, Instant now) override { router_.disconnected(peer, now); }
  Status on_frame(const PeerId& from, ByteView frame, Instant now) override {
    Status status = router_.on_frame(from, frame, now);
    for (const Delivery& one : router_.take_deliveries()) {
      router_.validated(one.message->id(), Validation::kAccept, now);
    }
    return status;
  }
  // What it is after is missing; the rest is as an honest node would say it.
  Bytes next_frame(const PeerId& to, Instant now) override {
    while (true) {
      const Bytes frame = router_.next_frame(to, now);
      auto rpc = decode_rpc(frame);
      if (frame.empty() || !rpc) return {};
      const auto dropped = std::erase_if(
          rpc->messages, [&](const MessageView& message) { return orders_.drops(as_text(message.data)); });
      dropped_ += dropped;
      if (dropped == 0) return frame;
      Bytes rest = encode_rpc(*rpc);
      if (!rest.empty()) return rest;
    }
  }
  std::vector<PeerId> take_ready() override { return router_.take_ready(); }
  [[nodiscard]] Instant next_deadline() const override { return router_.next_deadline(); }
  void expire(Instant now) override { router_.expire(now); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  SeededRandom random_;
  GossipRouter router_;
  const Orders& orders_;
  std::uint64_t dropped_ = 0;
};

struct Attack {
  explicit Attack(std::uint64_t seed) : world(seed) {}

  void add_honest(std::size_t count) {
    for (std::size_t n = 0; n < count; ++n) world.add();
  }
  // Each dials so many of the honest, or these alone.
  void add_attackers(std::size_t count, std::size_t links, Honest* victim = nullptr) {
    for (std::size_t n = 0; n < count; ++n) {
      const PeerId self = FrameNet::peer_of(world.net.size());
      attackers.push_back(std::make_unique<Turncoat>(self, world.random().draw_u64(), orders));
      Turncoat& one = *attackers.back();
      one.begin(world.net.now());
      const auto node = world.net.add(one, std::string(kMeshsub12));
      if (victim != nullptr) world.net.link(node, victim->node);
      for (std::size_t made = 0; made < links;) made += world.net.link(node, world.any().node) ? 1 : 0;
    }
  }
  // The mean over messages of how many of the honest they reach, in parts of a thousand.
  std::size_t publish(std::string_view kind, int count, Honest* from = nullptr) {
    std::vector<MessageId> ids;
    for (int n = 0; n < count; ++n) {
      const std::string data = "ok " + std::string(kind) + " " + std::to_string(++published);
      ids.push_back(world.publish(from != nullptr ? *from : world.any(), data));
      world.net.run_for_ms(500);
    }
    world.net.run_for_ms(5'000);
    std::size_t sum = 0;
    for (const MessageId& id : ids) sum += world.reached_permille(id);
    last = ids;
    return sum / ids.size();
  }
  [[nodiscard]] std::uint64_t dropped() const {
    std::uint64_t sum = 0;
    for (const auto& one : attackers) sum += one->dropped();
    return sum;
  }

  Orders orders;
  GossipWorld world;
  std::vector<std::unique_ptr<Turncoat>> attackers;
  std::vector<MessageId> last;
  int published = 0;
};

bool is_about(std::string_view data, std::string_view kind) {
  return data.starts_with("ok " + std::string(kind));
}

// Of the peers of one node ten in eleven are against it, and all of these came to it by themselves: it has dialed
// eight.
TEST(GossipAttacks, ANodeThatIsSurroundedHearsAndIsHeard) {
  Attack attack(21);
  attack.add_honest(100);
  attack.world.connect(8);
  Honest& victim = *attack.world.honest[0];
  attack.orders.drops = [](std::string_view) { return true; };
  attack.add_attackers(100, 2, &victim);
  attack.world.net.run_for_ms(10'000);
  EXPECT_GE(attack.publish("all", 20), kLeastPermille);
  std::size_t heard = 0;
  for (const MessageId& id : attack.last) heard += victim.got.count(id);
  EXPECT_EQ(heard, attack.last.size());
  EXPECT_GE(attack.publish("victim", 20, &victim), kLeastPermille);
  EXPECT_GT(attack.dropped(), 0U);
}

// More attackers than honest nodes are exemplary, except that no message of one node passes them.
TEST(GossipAttacks, WhoIsCensoredIsHeard) {
  Attack attack(22);
  attack.add_honest(100);
  attack.world.connect(8);
  attack.orders.drops = [](std::string_view data) { return is_about(data, "victim"); };
  attack.add_attackers(150, 10);
  attack.world.net.run_for_ms(10'000);
  EXPECT_GE(attack.publish("others", 10), kLeastPermille);
  EXPECT_GE(attack.publish("victim", 20, attack.world.honest[0].get()), kLeastPermille);
  EXPECT_GT(attack.dropped(), 0U);
}

// They are there first, and messages are published while meshes are still being made.
TEST(GossipAttacks, ANetworkThatStartsAmongAttackersHearsEverything) {
  Attack attack(23);
  attack.add_honest(100);
  attack.orders.drops = [](std::string_view) { return true; };
  attack.add_attackers(150, 10);
  attack.world.net.run_for_ms(5'000);  // nobody but attackers to be in a mesh with
  attack.world.connect(8);
  attack.world.net.run_for_ms(1'000);
  EXPECT_GE(attack.publish("all", 20), kLeastPermille);
  EXPECT_GT(attack.dropped(), 0U);
}

// For half a minute they do what they should and are liked for it; then all of them hand on nothing at once.
TEST(GossipAttacks, AttackersThatTurnAllAtOnceHoldNothingUp) {
  Attack attack(24);
  attack.add_honest(100);
  attack.world.connect(8);
  attack.add_attackers(150, 10);
  attack.world.net.run_for_ms(10'000);
  EXPECT_GE(attack.publish("before", 40), kLeastPermille);
  EXPECT_EQ(attack.dropped(), 0U);
  attack.orders.drops = [](std::string_view) { return true; };
  EXPECT_GE(attack.publish("after", 20), kLeastPermille);
  EXPECT_GT(attack.dropped(), 0U);
}

}  // namespace
}  // namespace micro::p2p
