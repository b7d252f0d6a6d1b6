// What peers might do to one router to hold something up, to have it work, or to have it accuse others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gen/p2p/gossip_rig.hpp"

namespace micro::p2p {
namespace {

using test::GossipRig;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(GossipTricks, WhoTellsOfAMessageAgainAndAgainKeepsNobodyElseFromBeingAsked) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId liar = rig.add(1);
  std::size_t asked = 0;
  for (int n = 0; n < 5; ++n) {
    rig.told(liar, {GossipRig::id_of("x")});
    asked += rig.hear(liar).iwants.size();
  }
  EXPECT_EQ(asked, 1U);
  const PeerId honest = rig.add(2);
  rig.told(honest, {GossipRig::id_of("x")});
  EXPECT_THAT(rig.hear(honest).iwants, ElementsAre(GossipRig::id_of("x")));
}

TEST(GossipTricks, APeerThatLeavesMakesRoomForAnotherToBeAsked) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  for (std::uint64_t n = 1; n <= 3; ++n) rig.told(rig.add(n), {GossipRig::id_of("x")});
  rig.router.disconnected(test::peer(2), rig.now);
  const PeerId late = rig.add(4);
  rig.told(late, {GossipRig::id_of("x")});
  EXPECT_EQ(rig.hear(late).iwants.size(), 1U);
}

TEST(GossipTricks, LongMessagesOfOnePeerLeaveRoomForThoseOfOthers) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId loud = rig.add(1);
  const PeerId quiet = rig.add(2);
  for (std::size_t n = 0; n < kMaxPendingBytes / 1'000'000 + 1; ++n) {
    rig.message(loud, std::string(1'000'000, static_cast<char>('a' + n)));
  }
  EXPECT_EQ(rig.router.pending(), kMaxPendingBytesPerPeer / 1'000'000);
  rig.message(quiet, "q");
  EXPECT_EQ(rig.delivered().back(), "q");
  EXPECT_EQ(rig.score(loud), 0);
}

// It would be an offence to come back to it before its time.
TEST(GossipTricks, WhoLeftATopicIsLeftInPeaceForAsLongAsItSays) {
  for (const std::uint64_t backoff_s : {0U, 20U}) {  // 0: it only unsubscribes
    GossipRig rig;
    ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
    const PeerId peer = rig.add(1);
    rig.graft(peer);
    RpcView rpc;
    rpc.subscriptions = {{false, "t"}};
    if (backoff_s > 0) rpc.prunes = {{.topic = "t", .peers = {}, .backoff_s = backoff_s}};
    rig.say(peer, rpc);
    rig.subscribe(peer, "t");
    rig.beat(backoff_s > 0 ? 19 : 9);
    EXPECT_THAT(rig.hear(peer).grafts, IsEmpty());
    rig.beat(4);
    EXPECT_THAT(rig.hear(peer).grafts, ElementsAre("t"));
    EXPECT_GE(rig.score(peer), 0);
  }
}

// Each would cost a look through all messages that are kept.
TEST(GossipTricks, NobodyComesAndGoesAsOftenAsItLikes) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId pruning = rig.add(1);
  const PeerId leaving = rig.add(2);
  for (int n = 0; n < 20; ++n) {
    RpcView rpc;
    rpc.grafts = {"t"};
    rpc.prunes = {{.topic = "t", .peers = {}, .backoff_s = 0}};
    rig.say(pruning, rpc);
    rig.graft(leaving);
    rig.subscribe(leaving, "t", false);
    rig.subscribe(leaving, "t");
  }
  EXPECT_LT(rig.score(pruning), -2'500);
  EXPECT_LT(rig.score(leaving), -2'500);
}

TEST(GossipTricks, NobodyIsAccusedOfMessagesOfATopicThatWasLeft) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1);
  rig.told(peer, {GossipRig::id_of("x")});
  EXPECT_EQ(rig.hear(peer).iwants.size(), 1U);
  rig.router.leave("t", rig.now);
  rig.message(peer, "x");
  rig.beat(5);
  EXPECT_EQ(rig.router.stats().broken_promises, 0U);
}

TEST(GossipTricks, NobodyIsAccusedOfAMessageOfOursThatWeForgot) {
  GossipRig rig({.signing = SigningPolicy::kStrictSign, .key = HostKey::from_seed(Hash{}), .id_of = author_id});
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1);
  RpcView rpc;
  MessageView& old = rpc.messages.emplace_back();
  old.topic = "t";
  old.data = as_bytes("from before the restart");
  const PeerId self = test::peer(0);
  old.from = self.view();
  old.sequence = as_bytes("12345678");
  rig.told(peer, {author_id(old).value()});
  EXPECT_EQ(rig.hear(peer).iwants.size(), 1U);
  rig.say(peer, rpc);
  rig.beat(5);
  EXPECT_THAT(rig.delivered(), IsEmpty());
  EXPECT_EQ(rig.router.stats().broken_promises, 0U);
}

// It came late and asks for all there is, which is more than waits for one peer.
TEST(GossipTricks, WhatFoundNoRoomWasNotHandedOut) {
  GossipRig rig;
  std::vector<MessageId> ids;
  for (std::size_t n = 0; n < 4 * kMaxQueuedAnswers; ++n) {
    ids.push_back(rig.router.publish("t", as_bytes(std::to_string(n)), rig.now).value());
  }
  const PeerId late = rig.add(1);
  std::set<MessageId> got;
  for (int n = 0; n < 4; ++n) {
    rig.asks(late, ids);
    for (const std::string& data : rig.hear(late).messages) got.insert(GossipRig::id_of(data));
    std::erase_if(ids, [&](const MessageId& id) { return got.contains(id); });
    rig.beat();
  }
  EXPECT_EQ(got.size(), 4 * kMaxQueuedAnswers);
}

}  // namespace
}  // namespace micro::p2p
