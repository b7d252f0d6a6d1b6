// One router among peers that say what the test wants.
#include "p2p/gossip/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gen/p2p/gossip_rig.hpp"

namespace micro::p2p {
namespace {

using test::GossipRig;
using test::Heard;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(GossipRouter, TellsPeersItsTopicsAndGraftsAsManyAsItWants) {
  GossipRig rig;
  for (std::uint64_t n = 1; n <= 20; ++n) rig.add(n);
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  EXPECT_EQ(rig.router.mesh("t").size(), 8U);
  std::size_t grafts = 0;
  for (std::uint64_t n = 1; n <= 20; ++n) {
    const Heard heard = rig.hear(test::peer(n));
    EXPECT_THAT(heard.subscribed, ElementsAre("t"));
    EXPECT_EQ(heard.grafts.size(), rig.router.mesh("t").count(test::peer(n)));
    grafts += heard.grafts.size();
  }
  EXPECT_EQ(grafts, 8U);
  const PeerId late = rig.add(21, false, "");
  EXPECT_THAT(rig.hear(late).subscribed, ElementsAre("t"));
}

TEST(GossipRouter, HandsOnWhatIsAcceptedToTheMeshButNotWhereItCameFrom) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  std::vector<PeerId> peers;
  for (std::uint64_t n = 1; n <= 4; ++n) peers.push_back(rig.add(n));
  for (const PeerId& peer : peers) rig.graft(peer);
  for (const PeerId& peer : peers) rig.hear(peer);
  rig.message(peers[0], "news");
  EXPECT_THAT(rig.delivered(), ElementsAre("news"));
  EXPECT_THAT(rig.hear(peers[2]).messages, IsEmpty());  // not before the application said so
  rig.message(peers[1], "news");                        // a second one has it
  rig.judge("news", Validation::kAccept);
  EXPECT_THAT(rig.hear(peers[0]).messages, IsEmpty());
  EXPECT_THAT(rig.hear(peers[1]).messages, IsEmpty());
  EXPECT_THAT(rig.hear(peers[2]).messages, ElementsAre("news"));
  EXPECT_THAT(rig.hear(peers[3]).messages, ElementsAre("news"));
  rig.message(peers[2], "news");
  EXPECT_THAT(rig.delivered(), IsEmpty());
  EXPECT_EQ(rig.router.stats().duplicates, 2U);
  EXPECT_GT(rig.score(peers[0]), rig.score(peers[1]));  // it was first
}

TEST(GossipRouter, WhatIsIgnoredIsNobodysFaultAndWhatIsRejectedIsEverySenders) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId first = rig.add(1);
  const PeerId second = rig.add(2);
  const PeerId third = rig.add(3);
  for (const PeerId& peer : {first, second, third}) rig.graft(peer);
  rig.message(first, "so so");
  rig.judge("so so", Validation::kIgnore);
  EXPECT_EQ(rig.score(first), 0);
  rig.message(first, "bad");
  rig.message(second, "bad");
  rig.judge("bad", Validation::kReject);
  EXPECT_EQ(rig.score(first), -100);
  EXPECT_EQ(rig.score(second), -100);
  rig.message(third, "bad");  // also when it is known to be
  EXPECT_EQ(rig.score(third), -100);
  rig.judge("bad", Validation::kAccept);  // a second word counts for nothing
  for (const PeerId& peer : {first, second, third}) EXPECT_THAT(rig.hear(peer).messages, IsEmpty());
}

TEST(GossipRouter, WhatNobodyAskedForIsNotRead) {
  GossipRig rig;
  const PeerId peer = rig.add(1);
  rig.message(peer, "of a topic that is not joined");
  EXPECT_THAT(rig.delivered(), IsEmpty());
  EXPECT_EQ(rig.router.pending(), 0U);
  EXPECT_TRUE(rig.router.on_frame(test::peer(9), as_bytes("from nobody"), rig.now).has_value());
}

TEST(GossipRouter, AMessageThatNamesItsAuthorBreaksThePolicyButDoesNotPoisonItsId) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId bad = rig.add(1);
  const PeerId good = rig.add(2);
  RpcView rpc;
  MessageView& one = rpc.messages.emplace_back();
  one.topic = "t";
  one.data = as_bytes("vote");
  one.from = bad.view();
  rig.say(bad, rpc);
  EXPECT_EQ(rig.score(bad), -100);
  rig.message(good, "vote");
  EXPECT_THAT(rig.delivered(), ElementsAre("vote"));
}

TEST(GossipRouter, SignedMessagesAreCheckedAndKnownByAuthorAndNumber) {
  GossipConfig config{.signing = SigningPolicy::kStrictSign, .key = HostKey::from_seed(Hash{}), .id_of = author_id};
  GossipRig rig(config);
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1);
  const HostKey author = HostKey::from_seed(sha256(as_bytes("author")));
  const auto message = GossipMessage::write("t", as_bytes("x"), &author, 5, author_id).value();
  RpcView rpc;
  rpc.messages = {decode_message(message->wire()).value()};
  rig.say(peer, rpc);
  EXPECT_THAT(rig.delivered(), ElementsAre("x"));
  rpc.messages[0].data = as_bytes("y");
  rpc.messages[0].sequence = as_bytes("12345678");
  rig.say(peer, rpc);
  EXPECT_THAT(rig.delivered(), IsEmpty());
  EXPECT_EQ(rig.score(peer), -100);
  ASSERT_TRUE(rig.router.publish("t", as_bytes("mine"), rig.now).has_value());
  ASSERT_TRUE(rig.router.publish("t", as_bytes("mine"), rig.now).has_value());  // another number, another message
  EXPECT_THAT(rig.hear(peer).messages, ElementsAre("mine", "mine"));
}

TEST(GossipRouter, SaysEarlyThatItWantsNoMoreOfALongMessage) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId from = rig.add(1);
  const PeerId newer = rig.add(2);
  const PeerId older = rig.add(3, false, "t", {.protocol = std::string(kMeshsub11)});
  for (const PeerId& peer : {from, newer, older}) rig.graft(peer);
  const std::string lengthy(1'024, 'x');
  rig.message(from, lengthy);
  rig.message(from, "short");
  EXPECT_THAT(rig.hear(newer).dont_wants, ElementsAre(GossipRig::id_of(lengthy)));
  EXPECT_THAT(rig.hear(older).dont_wants, IsEmpty());
  EXPECT_THAT(rig.hear(from).dont_wants, IsEmpty());
  RpcView rpc;
  const MessageId id = GossipRig::id_of("short");
  rpc.dont_wants = {id.view()};
  rig.say(newer, rpc);
  rig.judge("short", Validation::kAccept);
  EXPECT_THAT(rig.hear(newer).messages, IsEmpty());
  EXPECT_THAT(rig.hear(older).messages, ElementsAre("short"));
}

TEST(GossipRouter, AMessageThatBecomesUnwantedWhileItWaitsIsNotSent) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId from = rig.add(1);
  const PeerId to = rig.add(2);
  rig.graft(to);
  rig.hear(to);
  rig.message(from, "a");
  rig.message(from, "b");
  rig.judge("a", Validation::kAccept);
  rig.judge("b", Validation::kAccept);
  const MessageId id = GossipRig::id_of("a");
  RpcView rpc;
  rpc.dont_wants = {id.view()};
  rig.say(to, rpc);
  EXPECT_THAT(rig.hear(to).messages, ElementsAre("b"));
  rig.beat(4);  // it is not held against the message for ever
  rig.asks(to, {id});
  EXPECT_THAT(rig.hear(to).messages, ElementsAre("a"));
}

TEST(GossipRouter, AsksForWhatItIsToldOfWithinBudgets) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1);
  rig.message(peer, "known");
  rig.told(peer, {GossipRig::id_of("known"), GossipRig::id_of("new")});
  EXPECT_THAT(rig.hear(peer).iwants, ElementsAre(GossipRig::id_of("new")));
  std::vector<MessageId> many;
  for (int n = 0; n < 6'000; ++n) many.push_back(GossipRig::id_of(std::to_string(n)));
  rig.told(peer, many);
  EXPECT_EQ(rig.hear(peer).iwants.size(), kMaxIhaveIds - 1);
  rig.told(peer, {GossipRig::id_of("another")});
  EXPECT_THAT(rig.hear(peer).iwants, IsEmpty());
  rig.beat();
  for (std::size_t n = 0; n < kMaxIhaveMessages; ++n) rig.told(peer, {});
  rig.told(peer, {GossipRig::id_of("yet another")});
  EXPECT_THAT(rig.hear(peer).iwants, IsEmpty());
  rig.beat();
  rig.told(peer, {GossipRig::id_of("yet another")});
  EXPECT_THAT(rig.hear(peer).iwants, ElementsAre(GossipRig::id_of("yet another")));
  rig.told(peer, {GossipRig::id_of("elsewhere")}, "not joined");
  EXPECT_THAT(rig.hear(peer).iwants, IsEmpty());
}

TEST(GossipRouter, AFewPeersAreAskedForOneMessage) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  std::size_t asked = 0;
  for (std::uint64_t n = 1; n <= 10; ++n) {
    const PeerId peer = rig.add(n);
    rig.told(peer, {GossipRig::id_of("x")});
    asked += rig.hear(peer).iwants.size();
  }
  EXPECT_EQ(asked, 3U);
  rig.beat(4);  // they brought nothing: others are asked
  const PeerId late = rig.add(11);
  rig.told(late, {GossipRig::id_of("x")});
  EXPECT_EQ(rig.hear(late).iwants.size(), 1U);
}

TEST(GossipRouter, BrokenPromisesAreOffences) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId liar = rig.add(1);
  const PeerId honest = rig.add(2);
  for (int n = 0; n < 10; ++n) {
    const std::string data = "m" + std::to_string(n);
    rig.told(liar, {GossipRig::id_of("no " + data)});
    rig.told(honest, {GossipRig::id_of(data)});
    rig.message(honest, data);
    rig.judge(data, Validation::kAccept);
    rig.beat(5);
  }
  EXPECT_EQ(rig.router.stats().broken_promises, 10U);
  EXPECT_LT(rig.score(liar), -100);  // four over six, squared, times ten, a little faded
  EXPECT_GT(rig.score(honest), 0);
}

TEST(GossipRouter, HandsOutAMessageThreeTimesAndNoMoreThanTheBudget) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1, false, "");
  const MessageId id = rig.router.publish("t", as_bytes("mine"), rig.now).value();
  for (int n = 0; n < 5; ++n) rig.asks(peer, {id, GossipRig::id_of("nobody has this")});
  EXPECT_EQ(rig.hear(peer).messages.size(), 3U);
  std::vector<MessageId> large;
  for (int n = 0; n < 8; ++n) {
    large.push_back(
        rig.router.publish("t", as_bytes(std::string(900'000, 'a' + static_cast<char>(n))), rig.now).value());
  }
  std::size_t got = 0;
  for (const MessageId& one : large) {
    rig.asks(peer, {one});
    got += rig.hear(peer).messages.size();
  }
  EXPECT_EQ(got, 5U);  // the fifth reaches beyond four MiB
  rig.asks(peer, std::vector<MessageId>(kMaxIwantIds, id));
  EXPECT_GT(rig.router.stats().over_budget, 0U);
  rig.beat();
  rig.asks(peer, {large.back()});
  EXPECT_EQ(rig.hear(peer).messages.size(), 1U);
}

TEST(GossipRouter, WhoComesBackTooEarlyIsSentAwayAndMarked) {
  GossipRig rig;
  const PeerId peer = rig.add(1);
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  EXPECT_THAT(rig.hear(peer).grafts, ElementsAre("t"));
  rig.router.scores().set_application(peer, -1);
  rig.beat();
  EXPECT_THAT(rig.hear(peer).prunes, ElementsAre(Heard::Prune{"t", 60, 0}));
  rig.router.scores().set_application(peer, 0);
  for (int n = 0; n < 4; ++n) rig.graft(peer);  // at once: two offences each
  EXPECT_EQ(rig.hear(peer).prunes.size(), 1U);  // said once
  EXPECT_LT(rig.score(peer), -30);
  EXPECT_FALSE(rig.router.mesh("t").contains(peer));
}

TEST(GossipRouter, AfterTheBackoffAPeerIsWelcomeAgain) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1);
  rig.graft(peer);
  RpcView rpc;
  rpc.prunes = {{.topic = "t", .peers = {}, .backoff_s = 20}};
  rig.say(peer, rpc);
  rig.hear(peer);
  rig.beat(20);
  EXPECT_THAT(rig.hear(peer).grafts, IsEmpty());  // our clock may be ahead of its: one more heartbeat
  rig.beat(3);
  EXPECT_THAT(rig.hear(peer).grafts, ElementsAre("t"));
  EXPECT_GE(rig.score(peer), 0);  // nobody holds anything against it
}

TEST(GossipRouter, AFullMeshTakesInOnlyPeersThatWeDialed) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  for (std::uint64_t n = 1; n <= 12; ++n) rig.graft(rig.add(n));
  EXPECT_EQ(rig.router.mesh("t").size(), 12U);
  const PeerId inbound = rig.add(13);
  rig.graft(inbound);
  EXPECT_THAT(rig.hear(inbound).prunes, ElementsAre(Heard::Prune{"t", 60, 0}));
  const PeerId outbound = rig.add(14, true);
  rig.graft(outbound);
  EXPECT_TRUE(rig.router.mesh("t").contains(outbound));
}

TEST(GossipRouter, TooLargeAMeshKeepsTheBestAndThoseThatWeDialed) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  for (std::uint64_t n = 1; n <= 12; ++n) rig.graft(rig.add(n));
  for (std::uint64_t n = 13; n <= 20; ++n) rig.graft(rig.add(n, true));
  for (std::uint64_t n = 1; n <= 5; ++n) rig.router.scores().set_application(test::peer(n), 10);
  EXPECT_EQ(rig.router.mesh("t").size(), 20U);
  rig.beat();
  const auto mesh = rig.router.mesh("t");
  EXPECT_EQ(mesh.size(), 8U);
  for (std::uint64_t n = 1; n <= 5; ++n) EXPECT_TRUE(mesh.contains(test::peer(n)));
  std::size_t outbound = 0;
  for (std::uint64_t n = 13; n <= 20; ++n) outbound += mesh.count(test::peer(n));
  EXPECT_EQ(outbound, 3U);
}

TEST(GossipRouter, AMeshWithoutPeersThatWeDialedTakesSomeIn) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  for (std::uint64_t n = 1; n <= 8; ++n) rig.graft(rig.add(n));
  for (std::uint64_t n = 9; n <= 20; ++n) rig.add(n, true);
  rig.beat();
  EXPECT_EQ(rig.router.mesh("t").size(), 11U);
}

TEST(GossipRouter, ABadPeerIsNeitherHeardNorToldAnything) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1);
  const MessageId id = rig.router.publish("t", as_bytes("before"), rig.now).value();
  rig.hear(peer);
  rig.router.scores().set_application(peer, -600);  // below the threshold of gossip
  rig.asks(peer, {id});
  rig.told(peer, {GossipRig::id_of("x")});
  rig.beat();
  Heard heard = rig.hear(peer);
  EXPECT_TRUE(heard.messages.empty() && heard.iwants.empty() && heard.ihaves.empty());
  ASSERT_TRUE(rig.router.publish("t", as_bytes("still"), rig.now).has_value());
  EXPECT_THAT(rig.hear(peer).messages, ElementsAre("still"));
  rig.router.scores().set_application(peer, -1'100);  // of publishing
  ASSERT_TRUE(rig.router.publish("t", as_bytes("not"), rig.now).has_value());
  EXPECT_THAT(rig.hear(peer).messages, IsEmpty());
  rig.message(peer, "heard");
  EXPECT_THAT(rig.delivered(), ElementsAre("heard"));
  rig.router.scores().set_application(peer, -2'600);  // of everything
  rig.message(peer, "not heard");
  EXPECT_THAT(rig.delivered(), IsEmpty());
  EXPECT_EQ(rig.router.stats().not_read, 1U);
}

TEST(GossipRouter, DirectPeersAreHandedEverythingAndNeverJudged) {
  GossipRig rig({.direct = {test::peer(1)}});
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId direct = rig.add(1);
  const PeerId other = rig.add(2);
  rig.router.scores().set_application(direct, -10'000);
  rig.graft(direct);
  EXPECT_EQ(rig.hear(direct).prunes.size(), 1U);  // outside the mesh
  rig.message(other, "a");
  rig.judge("a", Validation::kAccept);
  EXPECT_THAT(rig.hear(direct).messages, ElementsAre("a"));
  rig.message(direct, "b");
  EXPECT_EQ(rig.delivered().size(), 2U);
}

TEST(GossipRouter, SuggestedPeersAreTakenOnlyFromTheBestAndOnlySigned) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1);
  const HostKey named = HostKey::from_seed(sha256(as_bytes("named")));
  const HostKey other = HostKey::from_seed(sha256(as_bytes("other")));
  const Bytes record = PeerRecord{.peer = named.peer_id(), .sequence = 1, .addresses = {test::address(7)}}.seal(named);
  RpcView rpc;
  rpc.prunes = {{.topic = "t",
                 .peers = {{named.peer_id().view(), record},
                           {other.peer_id().view(), record},
                           {other.peer_id().view(), {}},
                           {as_bytes("no peer"), record}},
                 .backoff_s = 60}};
  rig.say(peer, rpc);
  EXPECT_TRUE(rig.router.take_suggestions().empty());
  rig.router.scores().set_application(peer, 1'000);
  rig.say(peer, rpc);
  const auto suggestions = rig.router.take_suggestions();
  ASSERT_EQ(suggestions.size(), 1U);
  EXPECT_EQ(suggestions[0].peer, named.peer_id());
  EXPECT_THAT(suggestions[0].addresses, ElementsAre(test::address(7)));
}

TEST(GossipRouter, WhoIsSentAwayHearsOfOthersWithTheirRecords) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  for (std::uint64_t n = 1; n <= 30; ++n) {
    rig.graft(rig.add(n, false, "t", {.protocol = {}, .outbound = false, .address = {}, .record = Bytes(n, 7)}));
  }
  const Heard heard = rig.hear(test::peer(30));
  ASSERT_EQ(heard.prunes.size(), 1U);
  EXPECT_EQ(heard.prunes[0].peers, 16U);
}

TEST(GossipRouter, TooMuchForTheApplicationIsPassedOverAndMayComeAgain) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId loud = rig.add(1);
  const PeerId quiet = rig.add(2);
  for (std::size_t n = 0; n <= kMaxPendingPerPeer; ++n) rig.message(loud, "m" + std::to_string(n));
  EXPECT_EQ(rig.router.pending(), kMaxPendingPerPeer);
  EXPECT_EQ(rig.router.stats().overloaded, 1U);
  rig.message(quiet, "q");  // others still find room
  EXPECT_EQ(rig.router.pending(), kMaxPendingPerPeer + 1);
  EXPECT_EQ(rig.score(loud), 0);
  rig.judge("m0", Validation::kIgnore);
  const std::string last = "m" + std::to_string(kMaxPendingPerPeer);
  rig.message(loud, last);
  EXPECT_EQ(rig.delivered().back(), last);
}

TEST(GossipRouter, AnApplicationThatDoesNotAnswerHasIgnored) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1);
  rig.message(peer, "x");
  rig.router.disconnected(peer, rig.now);
  rig.add(1);  // the same peer again, while its message is at the application
  rig.beat(32);
  EXPECT_EQ(rig.router.pending(), 0U);
  EXPECT_EQ(rig.router.stats().ignored, 1U);
  rig.judge("x", Validation::kReject);
  EXPECT_EQ(rig.router.stats().rejected, 0U);
}

TEST(GossipRouter, LeavingSendsTheMeshAwayForAShortWhile) {
  GossipRig rig;
  const PeerId peer = rig.add(1);
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  rig.hear(peer);
  rig.router.leave("t", rig.now);
  const Heard heard = rig.hear(peer);
  EXPECT_THAT(heard.unsubscribed, ElementsAre("t"));
  EXPECT_THAT(heard.prunes, ElementsAre(Heard::Prune{"t", 10, 0}));
  rig.message(peer, "late");
  EXPECT_THAT(rig.delivered(), IsEmpty());
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  EXPECT_THAT(rig.hear(peer).grafts, IsEmpty());
  rig.beat(12);
  EXPECT_THAT(rig.hear(peer).grafts, ElementsAre("t"));
}

TEST(GossipRouter, PublishesToTopicsItHasNotJoined) {
  GossipRig rig({.mesh = {.flood_publish = false}});
  std::vector<PeerId> peers;
  for (std::uint64_t n = 1; n <= 20; ++n) peers.push_back(rig.add(n));
  const auto reached = [&] {
    std::set<PeerId> out;
    for (const PeerId& peer : peers) {
      if (!rig.hear(peer).messages.empty()) out.insert(peer);
    }
    return out;
  };
  ASSERT_TRUE(rig.router.publish("t", as_bytes("a"), rig.now).has_value());
  const auto first = reached();
  EXPECT_EQ(first.size(), 8U);
  rig.beat(5);
  ASSERT_TRUE(rig.router.publish("t", as_bytes("b"), rig.now).has_value());
  EXPECT_EQ(reached(), first);  // the same peers for a while
  EXPECT_FALSE(rig.router.publish("t", as_bytes("b"), rig.now).has_value());
  rig.beat(70);
  ASSERT_TRUE(rig.router.publish("t", as_bytes("c"), rig.now).has_value());
  EXPECT_NE(reached(), first);
}

TEST(GossipRouter, WhatNoPeerMaySendIsAnErrorAndWhatIsTooMuchAnOffence) {
  GossipRig rig;
  const PeerId peer = rig.add(1);
  EXPECT_EQ(rig.router.on_frame(peer, Bytes{0x0a}, rig.now).error().fault, Fault::kInvalid);
  RpcView rpc;
  rpc.grafts.resize(kMaxRpcControls + 1);
  for (int n = 0; n < 8; ++n) EXPECT_TRUE(rig.router.on_frame(peer, encode_rpc(rpc), rig.now).has_value());
  EXPECT_EQ(rig.score(peer), -40);
}

TEST(GossipRouter, WhatPeersSubscribeToIsBounded) {
  GossipRig rig;
  for (std::uint64_t n = 1; n <= 60; ++n) {
    const PeerId peer = rig.add(n, false, "");
    for (int t = 0; t < 200; ++t) rig.subscribe(peer, std::to_string(n) + "/" + std::to_string(t));
  }
  EXPECT_EQ(rig.router.topics(), kMaxTopics);
  for (std::uint64_t n = 1; n <= 60; ++n) rig.router.disconnected(test::peer(n), rig.now);
  EXPECT_EQ(rig.router.topics(), 0U);
}

TEST(GossipRouter, MadeUpTopicsTakeNobodysPlace) {
  GossipRig rig({.notes_topic = [](std::string_view topic) { return topic.starts_with("our/"); }});
  for (std::uint64_t n = 1; n <= 40; ++n) {
    const PeerId peer = rig.add(n, false, "");
    for (int t = 0; t < 120; ++t) rig.subscribe(peer, std::to_string(n) + "/" + std::to_string(t));
  }
  const PeerId honest = rig.add(50, false, "our/blocks");
  ASSERT_TRUE(rig.router.join("our/blocks", rig.now).has_value());
  EXPECT_THAT(rig.router.mesh("our/blocks"), ElementsAre(honest));
  EXPECT_EQ(rig.router.topics(), 1U);
}

TEST(GossipRouter, JoinsWhateverPeersTalkOf) {
  GossipRig rig;
  for (std::uint64_t n = 1; n <= 40; ++n) {
    const PeerId peer = rig.add(n, false, "");
    for (int t = 0; t < 120; ++t) rig.subscribe(peer, std::to_string(n) + "/" + std::to_string(t));
  }
  EXPECT_EQ(rig.router.topics(), kMaxTopics);
  for (std::size_t n = 0; n < kMaxJoinedTopics; ++n) {
    EXPECT_TRUE(rig.router.join("own" + std::to_string(n), rig.now).has_value());
  }
  EXPECT_FALSE(rig.router.join("one more", rig.now).has_value());
}

TEST(GossipRouter, TheRestOfABadFrameIsNotRead) {
  GossipConfig config{.signing = SigningPolicy::kStrictSign, .key = HostKey::from_seed(Hash{}), .id_of = author_id};
  GossipRig rig(config);
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1);
  const HostKey author = HostKey::from_seed(sha256(as_bytes("author")));
  const auto good = GossipMessage::write("t", as_bytes("x"), &author, 5, author_id).value();
  RpcView rpc;
  for (std::uint64_t n = 0; n < 10; ++n) {
    MessageView bad = decode_message(good->wire()).value();
    bad.data = as_bytes("y");
    rpc.messages.push_back(bad);
  }
  rpc.messages.push_back(decode_message(good->wire()).value());
  rig.say(peer, rpc);
  EXPECT_THAT(rig.delivered(), IsEmpty());
  EXPECT_EQ(rig.score(peer), -3'600);  // six of them were enough
}

TEST(GossipRouter, ABadScoreOutlivesItsConnection) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  const PeerId peer = rig.add(1);
  rig.message(peer, "bad");
  rig.judge("bad", Validation::kReject);
  rig.router.disconnected(peer, rig.now);
  rig.add(1);
  EXPECT_EQ(rig.score(peer), -100);
  rig.graft(peer);
  EXPECT_THAT(rig.router.mesh("t"), IsEmpty());
}

TEST(GossipRouter, AMeshThatBringsLittleTakesInBetterPeers) {
  GossipRig rig;
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  for (std::uint64_t n = 1; n <= 8; ++n) rig.graft(rig.add(n, n <= 3));
  for (std::uint64_t n = 9; n <= 12; ++n) rig.router.scores().set_application(rig.add(n), 2);
  rig.beat(59);
  EXPECT_EQ(rig.router.mesh("t").size(), 8U);
  rig.beat();
  EXPECT_EQ(rig.router.mesh("t").size(), 10U);
}

TEST(GossipRouter, VotesOvertakeWhatIsHandedOn) {
  GossipRig rig({.urgent_topics = {"votes"}});
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  ASSERT_TRUE(rig.router.join("votes", rig.now).has_value());
  const PeerId from = rig.add(1);
  const PeerId to = rig.add(2);
  rig.subscribe(to, "votes");
  rig.graft(to);
  rig.graft(to, "votes");
  rig.hear(to);
  rig.message(from, "bulk");
  rig.judge("bulk", Validation::kAccept);
  rig.message(from, "vote", "votes");
  rig.judge("vote", Validation::kAccept, "votes");
  ASSERT_TRUE(rig.router.publish("t", as_bytes("own"), rig.now).has_value());
  EXPECT_THAT(rig.hear(to).messages, ElementsAre("vote", "own", "bulk"));
}

}  // namespace
}  // namespace micro::p2p
