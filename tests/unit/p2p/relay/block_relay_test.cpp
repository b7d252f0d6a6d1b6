// One relay of blocks among peers that say what the test wants.
#include "p2p/relay/block_relay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "p2p/relay/short_ids.hpp"
#include "tests/gen/p2p/relay_rig.hpp"

namespace micro::p2p {
namespace {

using test::block_key;
using test::header_of;
using test::item_of;
using test::only;
using test::peer;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<SharedItem> some_items(int count, std::string_view what = "item ") {
  std::vector<SharedItem> out;
  for (int n = 0; n < count; ++n) out.push_back(item_of(std::string(what) + std::to_string(n)));
  return out;
}

CompactBlock compact_of(const std::vector<SharedItem>& items, std::uint64_t nonce = 7,
                        const std::set<std::uint32_t>& prefilled = {}) {
  CompactBlock out;
  out.header = Blob<kMaxHeaderBytes>(header_of(items));
  out.nonce = nonce;
  const SipKey key = short_id_key(std::span(out.header), nonce);
  for (std::uint32_t n = 0; n < items.size(); ++n) {
    if (prefilled.contains(n)) {
      out.prefilled.push_back({.index = n, .item = ItemBlob(ByteView(*items[n]))});
    } else {
      out.short_ids.push_back(short_id_of(key, test::item_id(*items[n])));
    }
  }
  return out;
}

struct Rig {
  SeededRandom random{1};
  Instant now{1'000'000'000};
  test::TestPool pool;
  test::TestChain chain{pool};
  BlockRelay relay{chain, random};

  explicit Rig(std::size_t peers) {
    for (std::size_t n = 1; n <= peers; ++n) CHECK(relay.connected(peer(n), {}, now).has_value(), "there is room");
  }
  void say(std::uint64_t from, const BlockFrameOf& frame) {
    CHECK(relay.on_frame(peer(from), encode(frame), now).has_value(), "no peer of this test breaks the codec");
  }
  std::vector<BlockFrameOf> hear(std::uint64_t to) { return test::frames_for<BlockFrameOf>(relay, peer(to), now); }
  void judge_headers(ItemVerdict verdict = ItemVerdict::kAccept) {
    for (const HeaderToJudge& one : relay.take_headers()) relay.header_judged(one.block, verdict, now);
  }
  std::vector<ItemVerdict> judge_blocks() {
    std::vector<ItemVerdict> out;
    for (const BlockToJudge& one : relay.take_blocks()) {
      out.push_back(chain.judge(one));
      relay.block_judged(one.block, out.back(), now);
    }
    return out;
  }
  void fill_pool(const std::vector<SharedItem>& items) {
    for (const SharedItem& item : items) pool.add(as_text(*item));
  }
  void pass_ms(std::uint64_t ms) {
    now = now.plus_ms(ms);
    relay.expire(now);
  }
  static BlockItems items_for(const GetBlockItems& asked, const std::vector<SharedItem>& items) {
    BlockItems out{.block = asked.block, .items = {}};
    for (const std::uint32_t index : asked.indexes) out.items.emplace_back(ByteView(*items[index]));
    return out;
  }
};

TEST(BlockRelay, ABlockOfKnownItemsIsWholeAtOnce) {
  Rig rig(2);
  const auto items = some_items(50);
  rig.fill_pool(items);
  rig.say(1, compact_of(items));
  EXPECT_THAT(rig.relay.take_blocks(), IsEmpty());  // its header was not judged
  rig.judge_headers();
  EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kAccept));
  EXPECT_EQ(rig.relay.stats().at_once, 1U);
  EXPECT_TRUE(only<GetBlockItems>(rig.hear(1)).empty());
  EXPECT_THAT(only<NewHeader>(rig.hear(2)), SizeIs(1));
}

TEST(BlockRelay, WhatIsMissingIsAskedFor) {
  Rig rig(1);
  const auto items = some_items(20);
  rig.fill_pool({items.begin(), items.begin() + 15});
  rig.say(1, compact_of(items, 7, {17}));
  rig.judge_headers();
  const auto asked = only<GetBlockItems>(rig.hear(1));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_THAT(asked[0].indexes, ElementsAre(15, 16, 18, 19));
  rig.say(1, Rig::items_for(asked[0], items));
  EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kAccept));
  EXPECT_EQ(rig.relay.stats().prefilled, 1U);
  EXPECT_EQ(rig.relay.stats().from_pool, 15U);
  EXPECT_EQ(rig.relay.stats().fetched, 4U);
}

TEST(BlockRelay, WhoIsFirstIsAskedToTellAtOnce) {
  Rig rig(5);
  for (std::uint64_t from = 1; from <= 4; ++from) {
    const auto items = some_items(3, "of " + std::to_string(from));
    rig.fill_pool(items);
    rig.say(from, NewHeader{.header = Blob<kMaxHeaderBytes>(header_of(items))});
    rig.judge_headers();
    const auto frames = rig.hear(from);
    EXPECT_THAT(only<GetCompact>(frames), SizeIs(1));
    rig.say(from, compact_of(items));
    EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kAccept));
    const auto modes = only<SetMode>(rig.hear(from));
    ASSERT_THAT(modes, SizeIs(1));
    EXPECT_TRUE(modes[0].at_once);
  }
  const auto modes = only<SetMode>(rig.hear(1));  // the fourth takes its place
  ASSERT_THAT(modes, SizeIs(1));
  EXPECT_FALSE(modes[0].at_once);
}

TEST(BlockRelay, WhoWantsToHearAtOnceHearsBeforeTheItemsAreThere) {
  Rig rig(3);
  rig.say(2, SetMode{.at_once = true});
  const auto items = some_items(5);
  rig.say(1, compact_of(items));
  rig.judge_headers();
  EXPECT_THAT(only<CompactBlock>(rig.hear(2)), SizeIs(1));
  EXPECT_THAT(rig.hear(3), IsEmpty());
  GetBlockItems ask{.block = block_key(header_of(items)), .indexes = {}};
  ask.indexes.assign({1, 2});
  rig.say(2, ask);
  EXPECT_THAT(rig.hear(2), IsEmpty());  // they are on their way
  rig.say(1, Rig::items_for(only<GetBlockItems>(rig.hear(1)).at(0), items));
  EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kAccept));
  const auto answers = only<BlockItems>(rig.hear(2));
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(answers[0].items.size(), 2U);
  EXPECT_EQ(as_text(answers[0].items[1]), "item 2");
  EXPECT_THAT(only<NewHeader>(rig.hear(3)), SizeIs(1));
}

TEST(BlockRelay, ABadHeaderIsAnOffenceAndGoesNoFurther) {
  Rig rig(3);
  rig.say(3, SetMode{.at_once = true});
  const auto items = some_items(5);
  rig.say(1, compact_of(items));
  rig.say(2, NewHeader{.header = Blob<kMaxHeaderBytes>(header_of(items))});
  rig.judge_headers(ItemVerdict::kReject);
  EXPECT_THAT(rig.relay.take_offences(), SizeIs(2));
  EXPECT_THAT(rig.hear(3), IsEmpty());
  EXPECT_EQ(rig.relay.jobs(), 0U);
  rig.say(1, NewHeader{.header = Blob<kMaxHeaderBytes>(as_bytes("none"))});
  CompactBlock unsound = compact_of(items, 7, {1, 2});
  std::swap(unsound.prefilled[0].index, unsound.prefilled[1].index);
  rig.say(2, unsound);
  EXPECT_THAT(rig.relay.take_offences(), SizeIs(2));
}

TEST(BlockRelay, AnotherAnnouncerIsAskedWhereOneKeepsSilent) {
  Rig rig(3);
  const auto items = some_items(5);
  rig.say(1, compact_of(items));
  rig.say(2, NewHeader{.header = Blob<kMaxHeaderBytes>(header_of(items))});
  rig.say(3, NewHeader{.header = Blob<kMaxHeaderBytes>(header_of(items))});
  rig.judge_headers();
  EXPECT_THAT(only<GetBlockItems>(rig.hear(1)), SizeIs(1));
  rig.pass_ms(kBlockItemsMs);
  const auto second = only<GetBlockItems>(rig.hear(2));
  ASSERT_THAT(second, SizeIs(1));
  rig.say(2, NoBlock{.block = second[0].block});
  const auto third = only<GetBlockItems>(rig.hear(3));
  ASSERT_THAT(third, SizeIs(1));
  rig.say(1, Rig::items_for(third[0], items));  // too late
  EXPECT_THAT(rig.judge_blocks(), IsEmpty());
  rig.relay.disconnected(peer(3), rig.now);
  EXPECT_EQ(rig.relay.jobs(), 0U);
  EXPECT_EQ(rig.relay.stats().given_up, 1U);
  EXPECT_THAT(rig.relay.take_offences(), IsEmpty());  // slowness is none
}

TEST(BlockRelay, WhatIsNoAnswerIsAnOffence) {
  Rig rig(3);
  const auto items = some_items(5);
  for (std::uint64_t from = 1; from <= 3; ++from) rig.say(from, compact_of(items));
  rig.judge_headers();
  const auto asked = only<GetBlockItems>(rig.hear(1));
  ASSERT_THAT(asked, SizeIs(1));
  rig.say(1, Rig::items_for(asked[0], {items[0], items[1], items[2], items[3], item_of("")}));  // nothing is no item
  BlockItems few = Rig::items_for(only<GetBlockItems>(rig.hear(2)).at(0), items);
  few.items.pop_back();
  rig.say(2, few);
  EXPECT_EQ(rig.relay.take_offences(), (std::map<PeerId, double>{{peer(1), 1.0}, {peer(2), 1.0}}));
  rig.say(3, Rig::items_for(only<GetBlockItems>(rig.hear(3)).at(0), items));
  EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kAccept));
}

// A good header before short ids of something else.
CompactBlock lie_about(const std::vector<SharedItem>& items, const std::vector<SharedItem>& others) {
  CompactBlock out = compact_of(others);
  out.header = Blob<kMaxHeaderBytes>(header_of(items));
  const SipKey key = short_id_key(std::span(out.header), out.nonce);
  for (std::size_t n = 0; n < others.size(); ++n) out.short_ids[n] = short_id_of(key, test::item_id(*others[n]));
  return out;
}

TEST(BlockRelay, WhoGivesTheTrueItemsIsNotAccusedOfAnothersShortIds) {
  Rig rig(2);
  const auto items = some_items(5);
  const CompactBlock lie = lie_about(items, some_items(5, "other "));
  rig.say(1, lie);
  rig.say(2, NewHeader{.header = lie.header});
  rig.judge_headers();
  rig.say(1, NoBlock{.block = block_key(header_of(items))});
  rig.say(2, Rig::items_for(only<GetBlockItems>(rig.hear(2)).at(0), items));
  EXPECT_THAT(rig.relay.take_offences(), IsEmpty());
  EXPECT_THAT(only<GetCompact>(rig.hear(2)), SizeIs(1));
  rig.say(1, lie);  // nobody asked for it
  rig.say(2, compact_of(items));
  rig.say(2, Rig::items_for(only<GetBlockItems>(rig.hear(2)).at(0), items));
  EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kAccept));
  EXPECT_EQ(only<SetMode>(rig.hear(2)).size(), 1U);  // and is to tell at once, not the liar
  EXPECT_THAT(only<SetMode>(rig.hear(1)), IsEmpty());
}

// Two nodes that keep the rules, and behind the first a liar: what the first hands on before it has the items makes it
// no liar.
TEST(BlockRelay, WhoHandedOnALieIsNotAccusedOfIt) {
  Rig first(3);   // 1: the liar, 2: an honest peer, 3: the second node
  Rig second(1);  // 1: the first node
  const auto items = some_items(5);
  const CompactBlock lie = lie_about(items, some_items(7, "other "));  // and of a longer block
  first.say(3, SetMode{.at_once = true});
  first.say(1, lie);
  first.judge_headers();
  first.say(2, NewHeader{.header = lie.header});
  const auto pass_on = [&] {
    for (const BlockFrameOf& frame : first.hear(3)) second.say(1, frame);
    second.judge_headers();
    (void)second.judge_blocks();
    for (const BlockFrameOf& frame : second.hear(1)) first.say(3, frame);
    (void)first.judge_blocks();
  };
  pass_on();
  first.say(1, NoBlock{.block = block_key(header_of(items))});
  EXPECT_THAT(only<GetBlockItems>(first.hear(2)), SizeIs(1));
  first.say(2, compact_of(items));  // it has no such items, and says which it has
  first.say(2, Rig::items_for(only<GetBlockItems>(first.hear(2)).at(0), items));
  for (int n = 0; n < 4; ++n) pass_on();
  EXPECT_TRUE(second.chain.knows(block_key(header_of(items))));
  EXPECT_THAT(first.relay.take_offences(), IsEmpty());
  EXPECT_THAT(second.relay.take_offences(), IsEmpty());
}

// An item of the pool whose id is another's as far as a short id tells: made here by giving it that id.
TEST(BlockRelay, ACollisionIsNobodysFault) {
  Rig rig(1);
  const auto items = some_items(5);
  rig.fill_pool({items.begin() + 1, items.end()});
  rig.chain.strangers.emplace_back(test::item_id(*items[0]), item_of("a stranger"));
  rig.say(1, compact_of(items));
  rig.judge_headers();
  EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kReject));
  const auto asked = only<GetBlockItems>(rig.hear(1));
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_THAT(asked[0].indexes, SizeIs(5));
  rig.say(1, Rig::items_for(asked[0], items));
  EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kAccept));
  EXPECT_EQ(rig.relay.stats().collisions, 1U);
  EXPECT_THAT(rig.relay.take_offences(), IsEmpty());
}

TEST(BlockRelay, AnAmbiguousShortIdIsAskedFor) {
  Rig rig(1);
  const auto items = some_items(5);
  rig.fill_pool(items);
  rig.chain.strangers.emplace_back(test::item_id(*items[2]), item_of("a stranger"));
  rig.say(1, compact_of(items));
  rig.judge_headers();
  const auto asked = only<GetBlockItems>(rig.hear(1));
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_THAT(asked[0].indexes, ElementsAre(2));
}

TEST(BlockRelay, WhoMadeUpTheShortIdsThatHeWasAskedForIsMarkedAndAnotherIsAskedForHis) {
  Rig rig(3);
  const auto items = some_items(5);
  const auto others = some_items(5, "other ");
  const CompactBlock lie = lie_about(items, others);
  for (std::uint64_t from = 1; from <= 3; ++from) rig.say(from, NewHeader{.header = lie.header});
  rig.judge_headers();
  ASSERT_THAT(only<GetCompact>(rig.hear(1)), SizeIs(1));
  rig.say(1, lie);
  rig.say(1, Rig::items_for(only<GetBlockItems>(rig.hear(1)).at(0), others));
  EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kReject));
  EXPECT_EQ(rig.relay.take_offences(), (std::map<PeerId, double>{{peer(1), 1.0}}));
  ASSERT_THAT(only<GetCompact>(rig.hear(2)), SizeIs(1));
  rig.say(2, compact_of(items));
  rig.say(2, Rig::items_for(only<GetBlockItems>(rig.hear(2)).at(0), others));  // not those of its own short ids
  EXPECT_EQ(rig.relay.take_offences(), (std::map<PeerId, double>{{peer(2), 1.0}}));
  ASSERT_THAT(only<GetCompact>(rig.hear(3)), SizeIs(1));
  rig.fill_pool(items);
  rig.say(3, compact_of(items));
  EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kAccept));
}

TEST(BlockRelay, ShortIdsThatNobodyAskedForAreNobodysFaultAndAnotherIsAskedFirst) {
  Rig rig(2);
  const auto items = some_items(5);
  const auto others = some_items(5, "other ");
  rig.say(1, lie_about(items, others));
  rig.say(2, NewHeader{.header = compact_of(items).header});
  rig.judge_headers();
  rig.say(1, Rig::items_for(only<GetBlockItems>(rig.hear(1)).at(0), others));
  EXPECT_THAT(rig.judge_blocks(), ElementsAre(ItemVerdict::kReject));
  EXPECT_THAT(rig.relay.take_offences(), IsEmpty());
  ASSERT_THAT(only<GetCompact>(rig.hear(2)), SizeIs(1));
  rig.say(2, NoBlock{.block = block_key(header_of(items))});
  EXPECT_THAT(only<GetCompact>(rig.hear(1)), SizeIs(1));
}

TEST(BlockRelay, WhoAsksForABlockThatIsMadeHereMeanwhileGetsIt) {
  Rig rig(2);
  const auto items = some_items(5);
  rig.say(1, compact_of(items));
  rig.judge_headers();
  GetBlockItems ask{.block = block_key(header_of(items)), .indexes = {}};
  ask.indexes.assign({0});
  rig.say(2, ask);
  rig.relay.publish(rig.chain.add(items), {}, rig.now);
  const auto frames = rig.hear(2);
  EXPECT_THAT(only<BlockItems>(frames), SizeIs(1));
  EXPECT_THAT(only<NoBlock>(frames), IsEmpty());
}

TEST(BlockRelay, OwnBlocksGoOutWithWhatPeersHardlyHave) {
  Rig rig(2);
  rig.say(1, SetMode{.at_once = true});
  auto items = some_items(3);
  items.push_back(item_of(std::string(kMaxPrefillBytes - 100, 'x')));
  items.push_back(item_of(std::string(101, 'y')));
  rig.relay.publish(rig.chain.add(items), {0, 3, 4}, rig.now);
  const auto compact = only<CompactBlock>(rig.hear(1));
  ASSERT_THAT(compact, SizeIs(1));
  ASSERT_THAT(compact[0].prefilled, SizeIs(2));  // the third is more than goes along
  EXPECT_EQ(compact[0].prefilled[1].index, 3U);
  EXPECT_TRUE(is_sound(compact[0]));
  EXPECT_THAT(short_id_places(compact[0]), ElementsAre(1, 2, 4));
  EXPECT_THAT(only<NewHeader>(rig.hear(2)), SizeIs(1));
}

TEST(BlockRelay, RequestsAreAnsweredWithinBounds) {
  Rig rig(1);
  const auto items = some_items(5);
  const BlockKey block = rig.chain.add(items);
  GetBlockItems ask{.block = block, .indexes = {}};
  ask.indexes.assign({0, 4});
  for (std::size_t n = 0; n < kMaxQueuedBlockAnswers + 2; ++n) rig.say(1, ask);
  rig.say(1, GetCompact{.block = block});
  rig.say(1, GetCompact{.block = BlockKey{}});
  const auto frames = rig.hear(1);
  EXPECT_THAT(only<BlockItems>(frames), SizeIs(kMaxQueuedBlockAnswers));
  EXPECT_THAT(only<NoBlock>(frames), SizeIs(4));
  ask.indexes.assign({4, 0});
  rig.say(1, ask);
  EXPECT_EQ(rig.relay.take_offences(), (std::map<PeerId, double>{{peer(1), 1.0}}));
  ask.indexes.assign({4, 5});  // it was told of another block under this header
  rig.say(1, ask);
  EXPECT_THAT(only<CompactBlock>(rig.hear(1)), SizeIs(1));
  EXPECT_THAT(rig.relay.take_offences(), IsEmpty());
}

// Four of four MiB each for every peer that asks and does not read would be more than a node has.
TEST(BlockRelay, AnAnswerIsMadeWhenThereIsRoomForIt) {
  Rig rig(1);
  const BlockKey block = rig.chain.add(some_items(5));
  GetBlockItems ask{.block = block, .indexes = {}};
  ask.indexes.assign({0, 4});
  rig.say(1, ask);
  rig.say(1, GetCompact{.block = block});
  rig.chain.blocks.clear();
  const auto frames = rig.hear(1);
  EXPECT_THAT(only<NoBlock>(frames), SizeIs(2));
  EXPECT_THAT(frames, SizeIs(2));
}

TEST(BlockRelay, FewBlocksAreUnderWayAtOnce) {
  Rig rig(8);
  for (std::uint64_t from = 1; from <= 8; ++from) {
    for (int n = 0; n < 6; ++n) {
      const auto items = some_items(1, std::to_string(from) + "/" + std::to_string(n));
      rig.say(from, NewHeader{.header = Blob<kMaxHeaderBytes>(header_of(items))});
    }
    EXPECT_EQ(rig.relay.jobs(), std::min<std::size_t>(from * kMaxJobsOfPeer, kMaxBlockJobs));
  }
  rig.pass_ms(kBlockJudgeMs);  // the application does not answer
  EXPECT_EQ(rig.relay.jobs(), 0U);
}

TEST(BlockRelay, EachFrameHasItsBytes) {
  const auto hex = [](const BlockFrameOf& frame) { return to_hex(encode(frame)); };
  BlockKey block;
  block.data[0] = 0xab;
  EXPECT_EQ(hex(SetMode{.at_once = true}), "0001");
  NewHeader header;
  header.header = Blob<kMaxHeaderBytes>(as_bytes("h"));
  EXPECT_EQ(hex(header), "010100000068");
  CompactBlock compact{.header = header.header, .nonce = 258, .short_ids = {}, .prefilled = {}};
  compact.short_ids.push_back(ShortItemId{{1, 2, 3, 4, 5, 6}});
  compact.prefilled.push_back({.index = 1, .item = ItemBlob(as_bytes("i"))});
  EXPECT_EQ(hex(compact),
            "02"
            "0100000068"
            "0201000000000000"
            "01000000"
            "010203040506"
            "01000000"
            "01000000"
            "0100000069");
  EXPECT_EQ(hex(GetCompact{.block = block}), "03" + block.hex());
  GetBlockItems get{.block = block, .indexes = {}};
  get.indexes.assign({1});
  EXPECT_EQ(hex(get), "04" + block.hex() +
                          "01000000"
                          "01000000");
  BlockItems items{.block = block, .items = {}};
  items.items.emplace_back(as_bytes("i"));
  EXPECT_EQ(hex(items), "05" + block.hex() +
                            "01000000"
                            "0100000069");
  EXPECT_EQ(hex(NoBlock{.block = block}), "06" + block.hex());
}

// SHA-256("h" ‖ 0700000000000000) and SipHash over an id of zeros, both worked out elsewhere.
TEST(ShortIds, AreThoseOfBip152) {
  const SipKey key = short_id_key(as_bytes("h"), 7);
  EXPECT_EQ(to_hex(key), "3ec1282b26648e21edef9174a07ea08f");
  EXPECT_EQ(short_id_of(key, ItemId{}).hex(), "6813607c336c");
}

}  // namespace
}  // namespace micro::p2p
