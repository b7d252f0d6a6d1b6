#include "p2p/peers/manager.hpp"

#include <gtest/gtest.h>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

using test::address_in_group;
using test::peer;

const auto kAnywhere = [](const Multiaddr&) { return true; };

struct World {
  SeededRandom random{1};
  test::ListedAddresses source;
  Manager manager;
  Instant now{1};

  explicit World(std::vector<PeerAddress> list = {}, ManagerLimits limits = {})
      : source(std::move(list), random), manager(limits, peer(0), random) {}
  std::vector<ManagerEffect> step() { return manager.step(source, kAnywhere, now); }
  auto connect(ConnectionId id, const PeerAddress& at, Direction direction) {
    return manager.connected(id, at, direction, source, now);
  }
};

TEST(Manager, StaticPeersAreDialedAgainAfterAPause) {
  World world;
  ASSERT_TRUE(world.manager.add_static(peer(1), {address_in_group(1, 1), address_in_group(2, 1)}));
  const auto first = world.step();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].addresses.size(), 2U);
  EXPECT_TRUE(world.step().empty());  // it is being dialed
  world.manager.dial_failed(peer(1), world.source, world.now);
  EXPECT_TRUE(world.step().empty());
  world.now = world.now.plus_ms(2 * kFirstBackoffMs);
  ASSERT_EQ(world.step().size(), 1U);
  ASSERT_TRUE(world.connect(1, {peer(1), address_in_group(1, 1)}, Direction::kOutbound));
  EXPECT_TRUE(world.step().empty());
  EXPECT_TRUE(world.manager.is_protected(peer(1)));
}

TEST(Manager, AConnectionThatEndsAtOnceIsNotDialedAtOnceAgain) {
  World world({{peer(1), address_in_group(1, 1)}});
  ASSERT_EQ(world.step().size(), 1U);
  ASSERT_TRUE(world.connect(1, {peer(1), address_in_group(1, 1)}, Direction::kOutbound));
  world.manager.disconnected(1, {.fault = Fault::kUnreachable, .message = "gone"}, world.now);
  EXPECT_TRUE(world.step().empty());
  world.now = world.now.plus_ms(2 * kFirstBackoffMs);
  ASSERT_EQ(world.step().size(), 1U);
  ASSERT_TRUE(world.connect(2, {peer(1), address_in_group(1, 1)}, Direction::kOutbound));
  world.now = world.now.plus_ms(kFlappingMs);
  world.manager.disconnected(2, {.fault = Fault::kUnreachable, .message = "gone"}, world.now);
  EXPECT_EQ(world.step().size(), 1U);  // it had been there for long
}

// A search may be first to reach whom the book would choose: a node whose searches are quick would else end with no
// connection of its own choice.
TEST(Manager, WhomASearchReachedFillsASlotOnceTheBookChoosesIt) {
  const PeerAddress seed{peer(1), address_in_group(1, 1)};
  World world({seed}, {.full_outbound = 2, .block_only_outbound = 0});
  ASSERT_TRUE(world.connect(1, seed, Direction::kOutbound));
  EXPECT_EQ(world.manager.count(Slot::kAsked), 1U);
  EXPECT_TRUE(world.step().empty());  // no second connection
  EXPECT_EQ(world.manager.count(Slot::kFull), 1U);
  EXPECT_EQ(world.manager.count(Slot::kAsked), 0U);
}

TEST(Manager, WhomOnlyASearchChoseFillsNoSlot) {
  World world({{peer(1), address_in_group(1, 1)}}, {.full_outbound = 2, .block_only_outbound = 0});
  ASSERT_TRUE(
      world.connect(1, {peer(1), address_in_group(2, 1)}, Direction::kOutbound));  // elsewhere than the book says
  ASSERT_TRUE(world.connect(2, {peer(2), address_in_group(3, 1)}, Direction::kOutbound));
  EXPECT_TRUE(world.step().empty());
  EXPECT_EQ(world.manager.count(Slot::kAsked), 2U);
}

TEST(Manager, ASlotIsFilledFromASearchOnlyWhereItsNetworkIsFree) {
  const PeerAddress one{peer(1), address_in_group(1, 1)};
  const PeerAddress neighbour{peer(2), address_in_group(1, 2)};
  World world({one, neighbour}, {.full_outbound = 2, .block_only_outbound = 0});
  ASSERT_TRUE(world.connect(1, one, Direction::kOutbound));
  EXPECT_TRUE(world.step().empty());
  ASSERT_TRUE(world.connect(2, neighbour, Direction::kOutbound));
  EXPECT_TRUE(world.step().empty());
  EXPECT_EQ(world.manager.count(Slot::kFull), 1U);
}

TEST(Manager, ADialThatAnotherPartWonIsOverAndHeldAgainstNobody) {
  const PeerAddress one{peer(1), address_in_group(1, 1)};
  World world({one}, {.full_outbound = 1, .block_only_outbound = 0});
  ASSERT_EQ(world.step().size(), 1U);
  ASSERT_TRUE(world.connect(1, {peer(1), address_in_group(2, 1)}, Direction::kOutbound));
  world.manager.dial_joined(peer(1));
  world.manager.disconnected(1, {.fault = Fault::kUnreachable, .message = "gone"}, world.now);
  EXPECT_EQ(world.step().size(), 1U);  // at once again
}

TEST(Manager, AnchorsComeFirst) {
  World world({{peer(1), address_in_group(1, 1)}}, {.full_outbound = 0, .block_only_outbound = 1});
  world.manager.set_anchors({{peer(2), address_in_group(2, 1)}});
  const auto effects = world.step();
  ASSERT_EQ(effects.size(), 1U);
  EXPECT_EQ(effects[0].peer, peer(2));
  ASSERT_TRUE(world.connect(1, {peer(2), address_in_group(2, 1)}, Direction::kOutbound));
  EXPECT_EQ(world.manager.anchors(), (std::vector<PeerAddress>{{peer(2), address_in_group(2, 1)}}));
}

TEST(Manager, AFeelerTellsTheBookAndEnds) {
  World world({{peer(1), address_in_group(1, 1)}}, {.full_outbound = 0, .block_only_outbound = 0});
  EXPECT_TRUE(world.step().empty());
  world.now = world.now.plus_ms(kFeelerMs);
  ASSERT_EQ(world.step().size(), 1U);
  EXPECT_EQ(world.connect(1, {peer(1), address_in_group(1, 1)}, Direction::kOutbound).error().fault, Fault::kBusy);
  EXPECT_TRUE(world.source.outcomes.at({peer(1), address_in_group(1, 1)}));
  EXPECT_TRUE(world.manager.connections(world.now).empty());
}

TEST(Manager, ThisNodeItselfIsNobodyToTalkTo) {
  World world;
  EXPECT_EQ(world.connect(1, {peer(0), address_in_group(1, 1)}, Direction::kOutbound).error().fault, Fault::kMismatch);
}

TEST(Manager, APeerHasTwoConnectionsAtMost) {
  World world;
  for (ConnectionId id = 1; id <= 2; ++id) {
    ASSERT_TRUE(world.connect(id, {peer(1), address_in_group(1, 1)}, Direction::kInbound));
  }
  EXPECT_EQ(world.connect(3, {peer(1), address_in_group(1, 1)}, Direction::kInbound).error().fault, Fault::kBusy);
}

TEST(Manager, ASecondConnectionTakesNoRoomAndEndsWithTheFirst) {
  World world({}, {.inbound = 2});
  for (ConnectionId id = 1; id <= 4; ++id) {
    const std::uint64_t who = (id + 1) / 2;
    const auto also = world.connect(id, {peer(who), address_in_group(1, 1)}, Direction::kInbound);
    ASSERT_TRUE(also && also->empty()) << id;
  }
  EXPECT_EQ(world.manager.count(Slot::kInbound), 2U);
  EXPECT_EQ(world.manager.count(Slot::kSecond), 2U);
  for (const ConnectionView& view : world.manager.connections(world.now)) {
    EXPECT_EQ(view.direction, Direction::kInbound) << view.connection;
  }
  const auto also = world.manager.disconnected(1, {.fault = Fault::kUnreachable, .message = "gone"}, world.now);
  ASSERT_EQ(also.size(), 1U);
  EXPECT_EQ(also[0].connection, 2U);
  const auto views = world.manager.peers();
  EXPECT_EQ(std::ranges::find(views, peer(1), &PeerView::peer)->last_disconnect_reason, "gone");
  EXPECT_TRUE(world.manager.disconnected(4, {.fault = Fault::kUnreachable, .message = "gone"}, world.now).empty());
  EXPECT_EQ(world.manager.connections(world.now).size(), 1U);
}

TEST(Manager, ShowsConnectionsAndWhyTheyEnded) {
  World world;
  const PeerAddress at{peer(1), address_in_group(1, 1)};
  ASSERT_TRUE(world.connect(5, at, Direction::kInbound));
  world.manager.on_identified(peer(1), "agent/1");
  world.manager.set_score(peer(1), -3);
  world.manager.on_round_trip(5, 7'000);
  world.now = world.now.plus_ms(1'500);
  const auto connections = world.manager.connections(world.now);
  ASSERT_EQ(connections.size(), 1U);
  EXPECT_EQ(
      connections[0],
      (ConnectionView{
          .connection = 5, .peer = peer(1), .address = at.address, .connected_ms = 1'500, .round_trip_ns = 7'000}));
  world.manager.disconnected(5, {.fault = Fault::kUnreachable, .message = std::string(1'000, 'x')}, world.now);
  const auto peers = world.manager.peers();
  ASSERT_EQ(peers.size(), 1U);
  EXPECT_EQ(peers[0], (PeerView{.peer = peer(1),
                                .addresses = {at.address},
                                .agent = "agent/1",
                                .score = -3,
                                .last_disconnect = world.now,
                                .last_disconnect_reason = std::string(kMaxReasonBytes, 'x')}));
}

TEST(Manager, RemembersTheLastThatWereHereAndNoMore) {
  World world;
  ASSERT_TRUE(world.connect(1, {peer(1), address_in_group(1, 1)}, Direction::kInbound));  // and stays
  for (std::uint64_t n = 2; n < kMaxRememberedPeers + 100; ++n) {
    world.now = world.now.plus_ms(1);
    ASSERT_TRUE(world.connect(n, {peer(n), address_in_group(1, 1)}, Direction::kInbound));
    world.manager.disconnected(n, {.fault = Fault::kUnreachable, .message = "gone"}, world.now);
  }
  const auto peers = world.manager.peers();
  EXPECT_EQ(peers.size(), kMaxRememberedPeers);
  const auto is_here = [&](std::uint64_t n) {
    return std::ranges::any_of(peers, [&](const PeerView& view) { return view.peer == peer(n); });
  };
  EXPECT_TRUE(is_here(1) && is_here(kMaxRememberedPeers + 99));
  EXPECT_FALSE(is_here(2));
}

}  // namespace
}  // namespace micro::p2p
