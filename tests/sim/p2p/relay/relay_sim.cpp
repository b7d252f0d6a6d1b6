// Relays of items and of blocks among a few hundred nodes in virtual time: what arrives, at what cost, and peers that
// promise and do not keep.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "tests/gen/p2p/frame_net.hpp"
#include "tests/gen/p2p/frame_recorder.hpp"
#include "tests/gen/p2p/relay_rig.hpp"

namespace micro::p2p {
namespace {

using test::FrameNet;

constexpr std::string_view kItems = "/test/items/1";
constexpr std::string_view kBlocks = "/test/blocks/1";

struct ItemNode {
  explicit ItemNode(std::uint64_t seed) : random(seed), relay(pool, random) {}
  SeededRandom random;
  test::TestPool pool;
  ItemRelay relay;
  FrameNet::Node node = 0;
};

class ItemWorld {
 public:
  explicit ItemWorld(std::uint64_t seed) : random(seed) {}
  void add() {
    nodes.push_back(std::make_unique<ItemNode>(random.draw_u64()));
    ItemNode& one = *nodes.back();
    one.node = net.add(one.relay, std::string(kItems), {}, [&one](Instant now) { judge(one, now); });
  }
  void connect(std::size_t dials) {
    for (const auto& one : nodes) {
      for (std::size_t made = 0; made < dials;) {
        made += net.link(one->node, any().node, {.delay_ms = 10 + random.draw_u64() % 100}) ? 1 : 0;
      }
    }
  }
  ItemNode& any() { return *nodes[random.draw_u64() % nodes.size()]; }
  void publish(ItemNode& from, std::string_view text) {
    from.relay.publish(from.pool.add(text), net.now());
    net.settle(from.node);
  }
  [[nodiscard]] std::size_t have(std::string_view text) const {
    const ItemId id = test::item_id(as_bytes(text));
    return static_cast<std::size_t>(
        std::ranges::count_if(nodes, [&](const auto& one) { return one->pool.items.contains(id); }));
  }
  [[nodiscard]] std::uint64_t timeouts() const {
    std::uint64_t all = 0;
    for (const auto& one : nodes) all += one->relay.stats().timeouts;
    return all;
  }
  SeededRandom random;
  FrameNet net;
  std::vector<std::unique_ptr<ItemNode>> nodes;

 private:
  static void judge(ItemNode& one, Instant now) {
    for (const ReceivedItem& item : one.relay.take_received()) {
      const bool good = !as_text(*item.item).starts_with("bad");
      if (good) {
        one.pool.items[item.id] = item.item;
      } else {
        one.pool.refused.insert(item.id);
      }
      one.relay.judged(item.id, good ? ItemVerdict::kAccept : ItemVerdict::kReject, now);
    }
  }
};

std::string text_of(int number, std::size_t bytes) {
  std::string out = "item " + std::to_string(number);
  out.resize(bytes, '.');
  return out;
}

TEST(ItemRelaySim, EveryNodeGetsEveryItemAboutOnce) {
  ItemWorld world(1);
  constexpr std::size_t kNodes = 100;
  for (std::size_t n = 0; n < kNodes; ++n) world.add();
  world.connect(8);
  constexpr int kCount = 60;
  std::uint64_t payload = 0;
  for (int n = 0; n < kCount; ++n) {
    const std::string text = text_of(n, n % 4 == 0 ? 10'000 : 400);
    payload += text.size();
    world.publish(world.any(), text);
    world.net.run_for_ms(20);
  }
  world.net.run_for_ms(20'000);
  for (int n = 0; n < kCount; ++n) EXPECT_EQ(world.have(text_of(n, n % 4 == 0 ? 10'000 : 400)), kNodes);
  std::uint64_t sent = 0;
  std::uint64_t duplicates = 0;
  for (const auto& one : world.nodes) {
    sent += world.net.bytes_sent(one->node);
    duplicates += one->relay.stats().duplicates;
    EXPECT_EQ(one->relay.tracked(), 0U);
  }
  const std::uint64_t percent = sent * 100 / kNodes / payload;
  std::printf("100 nodes: %llu %% of the items' bytes sent a node, %llu duplicates an item and hundred nodes\n",
              static_cast<unsigned long long>(percent),
              static_cast<unsigned long long>(duplicates / kCount * 100 / kNodes));
  EXPECT_LE(percent, 250U);  // a mesh of eight would send seven times as much
  EXPECT_EQ(world.timeouts(), 0U);
}

// Announces all that it hears of and hands nothing over.
class Boaster final : public test::FrameQueues {
 public:
  Status on_frame(const PeerId& /*from*/, ByteView frame, Instant /*now*/) override {
    const auto said = decode<ItemFrameOf>(frame);
    if (!said) return {};
    if (const auto* one = std::get_if<AnnounceItems>(&*said)) boast(*one);
    if (const auto* hand = std::get_if<HandItems>(&*said)) {
      AnnounceItems news;
      for (const ItemBlob& item : hand->items) {
        news.items.push_back({.id = test::item_id(item), .bytes = static_cast<std::uint32_t>(item.size())});
      }
      boast(news);
    }
    return {};
  }

 private:
  void boast(AnnounceItems frame) {
    std::erase_if(frame.items, [this](const AnnouncedItem& one) { return !told_.insert(one.id).second; });
    if (frame.items.empty()) return;
    for (const auto& [peer, facts] : peers) queued[peer].push_back(encode(ItemFrameOf(frame)));
  }
  std::set<ItemId> told_;
};

TEST(ItemRelaySim, BoastersHoldItemsUpForAFewSecondsOnly) {
  ItemWorld world(2);
  for (int n = 0; n < 80; ++n) world.add();
  world.connect(6);
  std::vector<std::unique_ptr<Boaster>> boasters;
  for (int n = 0; n < 20; ++n) {
    boasters.push_back(std::make_unique<Boaster>());
    const auto node = world.net.add(*boasters.back(), std::string(kItems));
    for (int made = 0; made < 20;) made += world.net.link(node, world.any().node, {.delay_ms = 1}) ? 1 : 0;
  }
  for (int n = 0; n < 30; ++n) world.publish(world.any(), text_of(n, 8'000));  // too long to be pushed
  world.net.run_for_ms(60'000);
  for (int n = 0; n < 30; ++n) EXPECT_EQ(world.have(text_of(n, 8'000)), 80U);
  double marked = 0;
  for (const auto& one : world.nodes) {
    for (const auto& [peer, count] : one->relay.take_offences()) {
      EXPECT_GE(*world.net.node_of(peer), 80U);
      marked += count;
    }
  }
  EXPECT_GT(marked, 0);
  const std::uint64_t before = world.timeouts();
  world.publish(world.any(), text_of(99, 8'000));  // by now hardly anybody asks them
  world.net.run_for_ms(4'000);
  const std::size_t held_up = 80 - world.have(text_of(99, 8'000));
  world.net.run_for_ms(6'000);
  EXPECT_EQ(world.have(text_of(99, 8'000)), 80U);
  EXPECT_LE(held_up, world.timeouts() - before);  // only where a boaster was asked for the first time
  EXPECT_LE(held_up, 4U);
}

struct BlockNode {
  explicit BlockNode(std::uint64_t seed) : random(seed), chain(pool), relay(chain, random) {}
  SeededRandom random;
  test::TestPool pool;
  test::TestChain chain;
  BlockRelay relay;
  FrameNet::Node node = 0;
  std::map<BlockKey, Instant> got;
};

TEST(BlockRelaySim, BlocksSpreadFastAndForFewBytes) {
  SeededRandom random(3);
  FrameNet net;
  std::vector<std::unique_ptr<BlockNode>> nodes;
  constexpr std::size_t kNodes = 60;
  for (std::size_t n = 0; n < kNodes; ++n) {
    nodes.push_back(std::make_unique<BlockNode>(random.draw_u64()));
    BlockNode& one = *nodes.back();
    one.node = net.add(one.relay, std::string(kBlocks), {}, [&one](Instant now) {
      for (const HeaderToJudge& header : one.relay.take_headers()) {
        one.relay.header_judged(header.block, ItemVerdict::kAccept, now);
      }
      for (const BlockToJudge& block : one.relay.take_blocks()) {
        const ItemVerdict verdict = one.chain.judge(block);
        if (verdict == ItemVerdict::kAccept) one.got.emplace(block.block, now);
        one.relay.block_judged(block.block, verdict, now);
      }
    });
  }
  for (const auto& one : nodes) {
    for (int made = 0; made < 8;) {
      const auto& other = *nodes[random.draw_u64() % kNodes];
      made += net.link(one->node, other.node, {.delay_ms = 10 + random.draw_u64() % 60}) ? 1 : 0;
    }
  }
  constexpr int kBlocksMade = 6;
  constexpr int kItemsMade = 200;
  std::uint64_t payload = 0;
  std::uint64_t before = 0;
  std::uint64_t slowest_ms = 0;
  for (int made = 0; made < kBlocksMade; ++made) {
    std::vector<SharedItem> items;
    for (int n = 0; n < kItemsMade; ++n) items.push_back(test::item_of(text_of(made * 1'000 + n, 400)));
    for (const auto& one : nodes) {  // each lacks a few
      for (const SharedItem& item : items) {
        if (random.draw_u64() % 100 > 1) one->pool.add(as_text(*item));
      }
    }
    if (made == 2) {  // by now they know who is fast
      for (const auto& one : nodes) before += net.bytes_sent(one->node);
    }
    if (made >= 2) payload += kItemsMade * 400;
    BlockNode& miner = *nodes[random.draw_u64() % kNodes];
    const BlockKey block = miner.chain.add(items);
    const Instant start = net.now();
    miner.relay.publish(block, {}, start);
    net.settle(miner.node);
    net.run_for_ms(5'000);
    for (const auto& one : nodes) {
      EXPECT_TRUE(one->chain.knows(block));
      if (made >= 2 && one->got.contains(block)) {
        slowest_ms = std::max(slowest_ms, (one->got.at(block).ns - start.ns) / 1'000'000);
      }
    }
  }
  std::uint64_t sent = 0;
  std::uint64_t offences = 0;
  for (const auto& one : nodes) {
    sent += net.bytes_sent(one->node);
    offences += one->relay.take_offences().size();
    EXPECT_EQ(one->relay.jobs(), 0U);
  }
  const std::uint64_t percent = (sent - before) * 100 / kNodes / payload;
  std::printf("60 nodes, blocks of 80 kB, two percent of the items missing: slowest %llu ms, %llu %% sent a node\n",
              static_cast<unsigned long long>(slowest_ms), static_cast<unsigned long long>(percent));
  EXPECT_LE(slowest_ms, 2'000U);
  EXPECT_LE(percent, 30U);
  EXPECT_EQ(offences, 0U);
}

}  // namespace
}  // namespace micro::p2p
