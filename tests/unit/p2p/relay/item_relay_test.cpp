// One relay of items among peers that say what the test wants.
#include "p2p/relay/item_relay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/gen/p2p/relay_rig.hpp"

namespace micro::p2p {
namespace {

using test::item_id;
using test::only;
using test::peer;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct Rig {
  SeededRandom random{1};
  Instant now{1'000'000'000};
  test::TestPool pool;
  ItemRelay relay;

  explicit Rig(std::size_t peers, bool relays = true) : relay(pool, random, relays) {
    for (std::size_t n = 1; n <= peers; ++n) CHECK(relay.connected(peer(n), {}, now).has_value(), "there is room");
  }
  void say(std::uint64_t from, const ItemFrameOf& frame) {
    CHECK(relay.on_frame(peer(from), encode(frame), now).has_value(), "no peer of this test breaks the codec");
  }
  void announce(std::uint64_t from, const std::vector<std::string>& texts) {
    AnnounceItems frame;
    for (const std::string& text : texts) {
      frame.items.push_back({.id = item_id(as_bytes(text)), .bytes = static_cast<std::uint32_t>(text.size())});
    }
    say(from, frame);
  }
  void hand(std::uint64_t from, const std::vector<std::string>& texts) {
    HandItems frame;
    for (const std::string& text : texts) frame.items.emplace_back(as_bytes(text));
    say(from, frame);
  }
  std::vector<ItemFrameOf> hear(std::uint64_t to) { return test::frames_for<ItemFrameOf>(relay, peer(to), now); }
  std::vector<std::string> asked(std::uint64_t of, const std::vector<std::string>& among) {
    std::vector<std::string> out;
    for (const WantItems& frame : only<WantItems>(hear(of))) {
      for (const ItemId& id : frame.ids) {
        for (const std::string& text : among) {
          if (item_id(as_bytes(text)) == id) out.push_back(text);
        }
      }
    }
    return out;
  }
  std::vector<std::string> received() {
    std::vector<std::string> out;
    for (const ReceivedItem& one : relay.take_received()) out.emplace_back(as_text(*one.item));
    return out;
  }
  void pass_ms(std::uint64_t ms) {
    const Instant until = now.plus_ms(ms);
    while (relay.next_deadline() <= until) {
      now = std::max(now, relay.next_deadline());
      relay.expire(now);
    }
    now = until;
  }
};

TEST(ItemRelay, SendsTheBodyToTheRootOfItsPeersAndTheIdToTheOthers) {
  Rig rig(16);
  rig.relay.publish(rig.pool.add("short"), rig.now);
  rig.relay.publish(rig.pool.add(std::string(kMaxPushedItemBytes + 1, 'x')), rig.now);
  std::size_t bodies = 0;
  std::size_t ids = 0;
  for (std::uint64_t n = 1; n <= 16; ++n) {
    const auto frames = rig.hear(n);
    for (const HandItems& frame : only<HandItems>(frames)) bodies += frame.items.size();
    for (const AnnounceItems& frame : only<AnnounceItems>(frames)) ids += frame.items.size();
  }
  EXPECT_EQ(bodies, 4U);
  EXPECT_EQ(ids, 12U + 16U);
}

TEST(ItemRelay, AsksHalfASecondLaterAndHandsOnWhatIsGood) {
  Rig rig(3);
  rig.announce(1, {"a"});
  EXPECT_THAT(rig.hear(1), IsEmpty());
  rig.pass_ms(499);
  EXPECT_THAT(rig.hear(1), IsEmpty());
  rig.pass_ms(1);
  EXPECT_THAT(rig.asked(1, {"a"}), ElementsAre("a"));
  rig.hand(1, {"a"});
  EXPECT_THAT(rig.received(), ElementsAre("a"));
  EXPECT_THAT(rig.hear(2), IsEmpty());
  rig.pool.add("a");
  rig.relay.judged(item_id(as_bytes("a")), ItemVerdict::kAccept, rig.now);
  EXPECT_TRUE(rig.relay.take_news_of(peer(1)));
  EXPECT_FALSE(rig.relay.take_news_of(peer(1))) << "asked for since the last time";
  EXPECT_FALSE(rig.relay.take_news_of(peer(2)));
  EXPECT_THAT(rig.hear(1), IsEmpty());  // it has it
  EXPECT_THAT(rig.hear(2), SizeIs(1));
  EXPECT_THAT(rig.hear(3), SizeIs(1));
}

TEST(ItemRelay, ABodyThatComesByItselfIsNotAskedFor) {
  Rig rig(2);
  rig.announce(1, {"a"});
  rig.hand(2, {"a"});
  EXPECT_THAT(rig.received(), ElementsAre("a"));
  rig.pass_ms(1'000);
  EXPECT_THAT(rig.hear(1), IsEmpty());
  rig.hand(1, {"a"});  // while it is judged
  EXPECT_THAT(rig.received(), IsEmpty());
  EXPECT_EQ(rig.relay.stats().duplicates, 1U);
}

TEST(ItemRelay, WhoDoesNotAnswerIsMarkedAndAnotherIsAsked) {
  Rig rig(2);
  rig.announce(1, {"a", "b"});
  rig.pass_ms(500);
  rig.announce(2, {"a"});
  EXPECT_THAT(rig.asked(1, {"a", "b"}), SizeIs(2));
  rig.pass_ms(4'999);
  EXPECT_THAT(rig.hear(2), IsEmpty());
  rig.pass_ms(1);
  EXPECT_THAT(rig.asked(2, {"a", "b"}), ElementsAre("a"));
  EXPECT_EQ(rig.relay.take_offences(), (std::map<PeerId, double>{{peer(1), 1.0}}));
  rig.announce(1, {"c"});
  rig.pass_ms(1'000);
  EXPECT_THAT(rig.hear(1), IsEmpty());  // nothing more until it answers
  rig.hand(1, {"b"});                   // late, and welcome
  EXPECT_THAT(rig.received(), ElementsAre("b"));
  rig.announce(1, {"d"});
  rig.pass_ms(500);
  EXPECT_THAT(rig.asked(1, {"c", "d"}), ElementsAre("d"));
}

TEST(ItemRelay, WhatOneHasNoMoreIsAskedOfAnother) {
  Rig rig(2);
  rig.announce(1, {"a"});
  rig.announce(2, {"a"});
  rig.pass_ms(500);
  const std::uint64_t first = rig.asked(1, {"a"}).empty() ? 2 : 1;
  rig.say(first, NoItems{.ids = {item_id(as_bytes("a"))}});
  EXPECT_THAT(rig.asked(3 - first, {"a"}), ElementsAre("a"));
  rig.relay.disconnected(peer(3 - first), rig.now);
  EXPECT_EQ(rig.relay.tracked(), 0U);
  EXPECT_THAT(rig.relay.take_offences(), IsEmpty());
}

TEST(ItemRelay, ARequestIsBoundedInNumberAndBytes) {
  Rig rig(2);
  std::vector<std::string> many;
  for (int n = 0; n < 300; ++n) many.push_back("item " + std::to_string(n));
  rig.announce(1, many);
  std::vector<std::string> large;
  for (int n = 0; n < 5; ++n) large.emplace_back(50'000, static_cast<char>('a' + n));
  rig.announce(2, large);
  rig.pass_ms(500);
  EXPECT_EQ(rig.asked(1, many).size(), kMaxPulledIds);
  const auto asked = rig.asked(2, large);
  EXPECT_EQ(asked.size(), 2U);
  rig.hand(2, asked);
  EXPECT_EQ(rig.asked(2, large).size(), 2U);  // the next ones at once
}

TEST(ItemRelay, AnnouncementsOfOnePeerAreBoundedAndHoldNobodyUp) {
  Rig rig(2);
  for (std::size_t n = 0; n < kMaxAnnouncedOfPeer + 10; n += 10) {
    std::vector<std::string> some;
    for (std::size_t k = 0; k < 10; ++k) some.push_back("invented " + std::to_string(n + k));
    rig.announce(1, some);
  }
  EXPECT_EQ(rig.relay.tracked(), kMaxAnnouncedOfPeer);
  rig.announce(2, {"real"});
  rig.pass_ms(500);
  EXPECT_THAT(rig.asked(2, {"real"}), ElementsAre("real"));
  rig.pass_ms(5'000);
  EXPECT_EQ(rig.relay.tracked(),
            0U);  // with the first silence all of them are gone, and the second peer was silent too
}

TEST(ItemRelay, OffencesAreNoted) {
  Rig rig(6);
  rig.say(1, AnnounceItems{.items = {{.id = {}, .bytes = kMaxRelayedItemBytes + 1}}});
  rig.hand(2, {std::string(kMaxPushedItemBytes + 1, 'x')});  // nobody asked for it
  rig.hand(3, {""});                                         // no item
  rig.hand(4, {"bad"});
  rig.relay.judged(item_id(as_bytes("bad")), ItemVerdict::kReject, rig.now);
  rig.hand(5, {"so so"});
  rig.relay.judged(item_id(as_bytes("so so")), ItemVerdict::kIgnore, rig.now);
  for (std::uint64_t n = 1; n <= 6; ++n) EXPECT_FALSE(rig.relay.take_news_of(peer(n)));
  const auto offences = rig.relay.take_offences();
  EXPECT_EQ(offences.size(), 4U);
  EXPECT_FALSE(offences.contains(peer(5)));
  EXPECT_FALSE(rig.relay.on_frame(peer(6), Bytes{9}, rig.now).has_value());
}

TEST(ItemRelay, AnswersOneRequestAtATimeWithWhatItHas) {
  Rig rig(1);
  std::vector<ItemId> ids;
  for (int n = 0; n < 4; ++n) ids.push_back(rig.pool.add(std::string(50'000, static_cast<char>('a' + n))));
  WantItems want;
  want.ids.assign(ids.begin(), ids.end());
  want.ids.push_back(item_id(as_bytes("not here")));
  rig.say(1, want);
  rig.say(1, want);  // before the first was answered
  const auto frames = rig.hear(1);
  const auto hands = only<HandItems>(frames);
  ASSERT_EQ(hands.size(), 1U);
  EXPECT_EQ(hands[0].items.size(), 2U);  // more is too much at once
  std::size_t refused = 0;
  for (const NoItems& one : only<NoItems>(frames)) refused += one.ids.size();
  EXPECT_EQ(refused, 3U + 5U);
  rig.say(1, want);
  EXPECT_EQ(only<HandItems>(rig.hear(1)).size(), 1U);
}

TEST(ItemRelay, TheApplicationIsNotFlooded) {
  Rig rig(6);
  for (std::uint64_t from = 1; from <= 6; ++from) {
    for (int n = 0; n < 300; ++n) rig.hand(from, {std::to_string(from) + "/" + std::to_string(n)});
  }
  EXPECT_EQ(rig.received().size(), kMaxJudgedItems);
  EXPECT_EQ(rig.relay.stats().passed_over, 6 * 300 - kMaxJudgedItems);
}

TEST(ItemRelay, WhatFindsNoRoomAtTheApplicationIsAskedForLater) {
  Rig rig(3);
  for (std::size_t n = 0; n < kMaxJudgedOfPeer; ++n) rig.hand(1, {std::to_string(n)});
  ASSERT_THAT(rig.received(), SizeIs(kMaxJudgedOfPeer));
  rig.announce(1, {"announced"});
  rig.hand(1, {"pushed"});
  rig.announce(2, {"announced by another too"});
  rig.hand(1, {"announced by another too"});
  EXPECT_THAT(rig.received(), IsEmpty());
  rig.pass_ms(600);
  EXPECT_THAT(rig.asked(2, {"announced by another too"}), SizeIs(1));
  EXPECT_THAT(rig.asked(1, {"announced", "pushed"}), IsEmpty());  // there is no room for more of it
  for (std::size_t n = 0; n < kMaxJudgedOfPeer; ++n) {
    rig.relay.judged(item_id(as_bytes(std::to_string(n))), ItemVerdict::kIgnore, rig.now);
  }
  rig.pass_ms(600);
  EXPECT_THAT(rig.asked(1, {"announced", "pushed"}), SizeIs(2));
}

TEST(ItemRelay, WhatOneSaysOfAnItemsSizeChangesNothingForAnother) {
  Rig rig(2);
  std::vector<std::string> texts;
  AnnounceItems as_small;
  for (int n = 0; n < 4; ++n) {
    texts.emplace_back(50'000, static_cast<char>('a' + n));
    as_small.items.push_back({.id = item_id(as_bytes(texts.back())), .bytes = 1});
  }
  rig.say(1, as_small);
  rig.announce(2, texts);
  rig.pass_ms(500);
  rig.relay.disconnected(peer(1), rig.now);
  EXPECT_THAT(rig.asked(2, texts), SizeIs(2));  // as many as it gives at once
}

// Many idle peers have announced nothing but what others are being asked for.
TEST(ItemRelay, FramesThatNobodyAskedForCostLittle) {
  constexpr std::uint64_t kPeers = 64;
  Rig rig(kPeers);
  const auto announce = [&](std::uint64_t from, std::uint64_t group) {
    AnnounceItems frame;
    for (std::size_t n = 0; n < kMaxPulledIds; ++n) {
      const std::string text = std::to_string(group) + "/" + std::to_string(n);
      frame.items.push_back({.id = item_id(as_bytes(text)), .bytes = 10});
    }
    rig.say(from, frame);
  };
  for (std::uint64_t from = 1; from <= 8; ++from) announce(from, from);
  rig.pass_ms(500);
  for (std::uint64_t from = 9; from <= kPeers; ++from) {
    for (std::uint64_t group = 1; group <= 8; ++group) announce(from, group);
  }
  const auto begin = std::chrono::steady_clock::now();
  for (int n = 0; n < 2'000; ++n) rig.say(9, HandItems{});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST(ItemRelay, ALightNodeTakesNothingInButHandsOutItsOwn) {
  Rig rig(2, false);
  rig.announce(1, {"a"});
  rig.hand(1, {"b"});
  rig.pass_ms(1'000);
  EXPECT_THAT(rig.received(), IsEmpty());
  EXPECT_THAT(rig.hear(1), IsEmpty());
  rig.relay.publish(rig.pool.add("own"), rig.now);
  EXPECT_EQ(rig.hear(1).size() + rig.hear(2).size(), 2U);
}

TEST(ItemRelay, EachFrameHasItsBytes) {
  const ItemId id = item_id(as_bytes("a"));
  EXPECT_EQ(to_hex(encode(ItemFrameOf(AnnounceItems{.items = {{.id = id, .bytes = 258}}}))),
            "0001000000" + id.hex() + "02010000");
  EXPECT_EQ(to_hex(encode(ItemFrameOf(WantItems{.ids = {id}}))), "0101000000" + id.hex());
  HandItems hand;
  hand.items.emplace_back(as_bytes("a"));
  EXPECT_EQ(to_hex(encode(ItemFrameOf(hand))), "02010000000100000061");
  EXPECT_EQ(to_hex(encode(ItemFrameOf(NoItems{.ids = {id}}))), "0301000000" + id.hex());
}

TEST(KnownIds, RemembersTheLastFewThousand) {
  KnownIds known(100);
  for (std::uint64_t n = 0; n < 1'000; ++n) {
    known.add(n);
    ASSERT_LE(known.size(), 100U);
    for (std::uint64_t back = 0; back < std::min<std::uint64_t>(n, 50); ++back) ASSERT_TRUE(known.has(n - back));
  }
  EXPECT_FALSE(known.has(0));
}

// The vector of the paper's appendix: key 00…0f, message 00…0e.
TEST(SipHash, IsTheOneOfThePaper) {
  SipKey key{};
  Bytes message;
  for (std::uint8_t n = 0; n < 16; ++n) key[n] = n;
  for (std::uint8_t n = 0; n < 15; ++n) message.push_back(n);
  EXPECT_EQ(siphash(key, message), 0xa129ca6149be45e5ULL);
}

}  // namespace
}  // namespace micro::p2p
