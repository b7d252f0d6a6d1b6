// Both relays fed with frames: the first byte picks one, then a chain of frames, each from a peer that the byte before
// it names.
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/p2p/relay_rig.hpp"

namespace micro::test {
namespace {

using namespace p2p;
using p2p::test::block_key;
using p2p::test::header_of;
using p2p::test::item_of;
using p2p::test::peer;

constexpr std::size_t kRelayPeers = 6;

template <class Frame>
void read_all(FrameProtocol& core, Instant now) {
  for (std::size_t n = 0; n < kRelayPeers; ++n) (void)p2p::test::frames_for<Frame>(core, peer(n), now);
}

struct FedItems {
  SeededRandom random{1};
  p2p::test::TestPool pool;
  ItemRelay core{pool, random};
  explicit FedItems(Instant now) { core.publish(pool.add("mine"), now); }
  void look(Instant now) {
    for (const ReceivedItem& one : core.take_received()) {
      const auto verdict = static_cast<ItemVerdict>(one.item->size() % 3);
      if (verdict == ItemVerdict::kAccept) pool.items[one.id] = one.item;
      core.judged(one.id, verdict, now);
    }
    read_all<ItemFrameOf>(core, now);
    (void)core.take_offences();
  }
};

struct FedBlocks {
  SeededRandom random{1};
  p2p::test::TestPool pool;
  p2p::test::TestChain chain{pool};
  BlockRelay core{chain, random};
  explicit FedBlocks(Instant now) {
    pool.add("a");
    core.publish(chain.add({item_of("a"), item_of("b")}), {}, now);
  }
  void look(Instant now) {
    for (const HeaderToJudge& one : core.take_headers()) {
      core.header_judged(one.block, one.header.back() < 0xf0 ? ItemVerdict::kAccept : ItemVerdict::kReject, now);
    }
    for (const BlockToJudge& one : core.take_blocks()) core.block_judged(one.block, chain.judge(one), now);
    read_all<BlockFrameOf>(core, now);
    (void)core.take_offences();
    CHECK(core.jobs() <= kMaxBlockJobs, "few blocks are under way");
  }
};

template <class Fed>
bool feed(ByteView input) {
  Instant now{1'000'000'000};
  Fed fed(now);
  for (std::size_t n = 0; n < kRelayPeers; ++n)
    CHECK(fed.core.connected(peer(n), {}, now).has_value(), "there is room");
  bool accepted = true;
  while (input.size() >= 3) {
    const std::uint8_t who = input[0];
    const std::size_t size = std::min<std::size_t>(input[1] + input[2] * 256U, input.size() - 3);
    accepted = fed.core.on_frame(peer(who % kRelayPeers), input.subspan(3, size), now).has_value() && accepted;
    input = input.subspan(3 + size);
    if ((who & 0x08) == 0) fed.look(now);
    if (who >= 0x80) {
      now = now.plus_ms(who * 10U);
      fed.core.expire(now);
    }
    if (who >= 0xf0) {
      fed.core.disconnected(peer(who % kRelayPeers), now);
      CHECK(fed.core.connected(peer(who % kRelayPeers), {}, now).has_value(), "it was gone");
    }
  }
  fed.look(now);
  return accepted;
}

template <class Frame>
void put(Bytes& out, std::uint8_t who, const Frame& frame) {
  const Bytes bytes = encode(frame);
  out.push_back(who);
  out.push_back(static_cast<std::uint8_t>(bytes.size()));
  out.push_back(static_cast<std::uint8_t>(bytes.size() >> 8));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty() || input[0] > 1) return false;
  return input[0] == 0 ? feed<FedItems>(input.subspan(1)) : feed<FedBlocks>(input.subspan(1));
}

std::vector<Bytes> fuzz_seeds() {
  Bytes items{0};
  const ItemId id = p2p::test::item_id(as_bytes("x"));
  HandItems hand;
  hand.items.emplace_back(as_bytes("x"));
  put(items, 0, ItemFrameOf(AnnounceItems{.items = {{.id = id, .bytes = 1}}}));
  put(items, 0xc1, ItemFrameOf(AnnounceItems{.items = {{.id = id, .bytes = 1}}}));
  put(items, 2, ItemFrameOf(WantItems{.ids = {p2p::test::item_id(as_bytes("mine")), id}}));
  put(items, 1, ItemFrameOf(NoItems{.ids = {id}}));
  put(items, 0, ItemFrameOf(hand));
  put(items, 0xf3, ItemFrameOf(hand));
  Bytes blocks{1};
  const std::vector<SharedItem> body{item_of("a"), item_of("c")};
  CompactBlock compact;
  compact.header = Blob<kMaxHeaderBytes>(header_of(body));
  compact.short_ids.resize(1);
  compact.prefilled.push_back({.index = 1, .item = ItemBlob(as_bytes("c"))});
  const BlockKey block = block_key(compact.header);
  GetBlockItems get{.block = block, .indexes = {}};
  get.indexes.assign({0, 1});
  BlockItems answer{.block = block, .items = {}};
  answer.items.emplace_back(as_bytes("a"));
  put(blocks, 0, BlockFrameOf(SetMode{.at_once = true}));
  put(blocks, 1, BlockFrameOf(NewHeader{.header = compact.header}));
  put(blocks, 2, BlockFrameOf(compact));
  put(blocks, 3, BlockFrameOf(GetCompact{.block = block}));
  put(blocks, 4, BlockFrameOf(get));
  put(blocks, 0xc2, BlockFrameOf(answer));
  put(blocks, 1, BlockFrameOf(answer));
  put(blocks, 0xf2, BlockFrameOf(NoBlock{.block = block}));
  return {items, blocks};
}

}  // namespace micro::test
