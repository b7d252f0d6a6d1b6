// Applications for relays: a pool of items whose ids are their hashes, and a chain of blocks of them. An item that
// begins with "bad" is worth nothing; a header names the hash of all items of its block.
#pragma once

#include "chain/base/check.hpp"
#include "chain/crypto/hash.hpp"
#include "p2p/relay/block_relay.hpp"
#include "p2p/relay/item_relay.hpp"
#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p::test {

inline ItemId item_id(ByteView item) {
  return sha256(item).as<ItemId>();
}
inline SharedItem item_of(std::string_view text) {
  return std::make_shared<const Bytes>(to_bytes(text));
}

class TestPool : public ItemPool {
 public:
  [[nodiscard]] Result<ItemId> id_of(ByteView item) const override {
    if (item.empty()) return fail(Fault::kInvalid, "nothing is no item");
    return item_id(item);
  }
  [[nodiscard]] bool knows(const ItemId& id) const override { return items.contains(id) || refused.contains(id); }
  [[nodiscard]] SharedItem find(const ItemId& id) const override {
    const auto found = items.find(id);
    return found == items.end() ? nullptr : found->second;
  }
  ItemId add(std::string_view text) {
    const ItemId id = item_id(as_bytes(text));
    items[id] = item_of(text);
    return id;
  }
  std::map<ItemId, SharedItem> items;
  std::set<ItemId> refused;
};

/// The hash of all items, which is what a header holds behind one byte.
inline Bytes header_of(const std::vector<SharedItem>& items) {
  Bytes all;
  for (const SharedItem& item : items) all.insert(all.end(), item->begin(), item->end());
  const Hash hash = sha256(all);
  Bytes out{'h'};
  out.insert(out.end(), hash.data.begin(), hash.data.end());
  return out;
}
inline BlockKey block_key(ByteView header) {
  return sha256(header).as<BlockKey>();
}

class TestChain final : public BlockSource {
 public:
  explicit TestChain(const TestPool& pool) : pool_(pool) {}
  [[nodiscard]] Result<BlockKey> key_of(ByteView header) const override {
    if (header.size() != 1 + Hash::kSize) return fail(Fault::kInvalid, "no header");
    return block_key(header);
  }
  [[nodiscard]] bool knows(const BlockKey& block) const override { return blocks.contains(block); }
  [[nodiscard]] std::optional<BlockParts> find(const BlockKey& block) const override {
    const auto found = blocks.find(block);
    if (found == blocks.end()) return std::nullopt;
    return found->second;
  }
  [[nodiscard]] Result<ItemId> id_of(ByteView item) const override { return pool_.id_of(item); }
  void each_item(const std::function<void(const ItemId&, const SharedItem&)>& visit) const override {
    for (const auto& [id, item] : pool_.items) visit(id, item);
    for (const auto& [id, item] : strangers) visit(id, item);
  }
  BlockKey add(const std::vector<SharedItem>& items) {
    const Bytes header = header_of(items);
    blocks[block_key(header)] = {.header = header, .items = items};
    return block_key(header);
  }
  /// Accepted only if the items are those that the header names.
  ItemVerdict judge(const BlockToJudge& one) {
    if (header_of(one.parts.items) != one.parts.header) return ItemVerdict::kReject;
    blocks[one.block] = one.parts;
    return ItemVerdict::kAccept;
  }
  std::map<BlockKey, BlockParts> blocks;
  std::vector<std::pair<ItemId, SharedItem>> strangers;  // of the pool too, with ids that a test made up

 private:
  const TestPool& pool_;
};

/// What a core has for a peer, decoded.
template <class Frame>
std::vector<Frame> frames_for(FrameProtocol& core, const PeerId& peer, Instant now) {
  std::vector<Frame> out;
  for (Bytes bytes = core.next_frame(peer, now); !bytes.empty(); bytes = core.next_frame(peer, now)) {
    auto frame = decode<Frame>(bytes);
    CHECK(frame.has_value(), "a relay writes what can be read");
    out.push_back(std::move(*frame));
  }
  return out;
}
template <class One, class Frame>
std::vector<One> only(const std::vector<Frame>& frames) {
  std::vector<One> out;
  for (const Frame& frame : frames) {
    if (const auto* one = std::get_if<One>(&frame)) out.push_back(*one);
  }
  return out;
}

}  // namespace micro::p2p::test
