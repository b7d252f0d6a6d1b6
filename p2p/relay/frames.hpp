// What relays of items and of blocks say to each other, in the one codec. Items and headers are bytes that only the
// application understands.
#pragma once

#include <memory>

#include "chain/codec/codec.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxRelayedItemBytes = 64 * 1'024;
inline constexpr std::size_t kMaxPulledIds = 256;  ///< asked for at once
inline constexpr std::size_t kMaxAnnouncedAFrame = 1'024;
inline constexpr std::size_t kMaxHeaderBytes = 4 * 1'024;
inline constexpr std::size_t kMaxBlockItems = 65'536;
inline constexpr std::size_t kMaxRelayedBlockBytes = 4 << 20;                          ///< all items of one
inline constexpr std::size_t kMaxRelayFrameBytes = kMaxRelayedBlockBytes + (1 << 20);  ///< with what stands between

using ItemId = FixedBytes<32, struct RelayItemTag>;
using BlockKey = FixedBytes<32, struct RelayBlockTag>;
/// The low six bytes of SipHash-2-4 of an item's id, as BIP-152 has it.
using ShortItemId = FixedBytes<6, struct ShortItemTag>;
// Shared: one item is in the application's pool and on its way to several peers.
using SharedItem = std::shared_ptr<const Bytes>;
using ItemBlob = Blob<kMaxRelayedItemBytes>;

// --- items: announced, asked for, handed over ---

struct AnnouncedItem {
  ItemId id;
  std::uint32_t bytes = 0;
  static constexpr auto kFields = fields<&AnnouncedItem::id, &AnnouncedItem::bytes>;
};
struct AnnounceItems {
  List<AnnouncedItem, kMaxAnnouncedAFrame> items;
  static constexpr auto kFields = fields<&AnnounceItems::items>;
};
struct WantItems {
  List<ItemId, kMaxPulledIds> ids;
  static constexpr auto kFields = fields<&WantItems::ids>;
};
/// Asked for, or short and new.
struct HandItems {
  List<ItemBlob, kMaxPulledIds> items;
  static constexpr auto kFields = fields<&HandItems::items>;
};
/// Asked for, but not here any more or too much at once.
struct NoItems {
  List<ItemId, kMaxPulledIds> ids;
  static constexpr auto kFields = fields<&NoItems::ids>;
};
using ItemFrameOf = std::variant<AnnounceItems, WantItems, HandItems, NoItems>;

// --- blocks: a header and the items behind it, most of which the other side has ---

/// From now on: tell of new blocks as `CompactBlock` at once (BIP-152's high bandwidth), or as `NewHeader` once judged.
struct SetMode {
  bool at_once = false;
  static constexpr auto kFields = fields<&SetMode::at_once>;
};
struct NewHeader {
  Blob<kMaxHeaderBytes> header;
  static constexpr auto kFields = fields<&NewHeader::header>;
};
struct PrefilledItem {
  std::uint32_t index = 0;  ///< in the block; ascending
  ItemBlob item;
  static constexpr auto kFields = fields<&PrefilledItem::index, &PrefilledItem::item>;
};
/// The key of the short ids is the first half of SHA-256(header ‖ nonce, little-endian).
struct CompactBlock {
  Blob<kMaxHeaderBytes> header;
  std::uint64_t nonce = 0;
  List<ShortItemId, kMaxBlockItems> short_ids;  ///< of all items that are not prefilled, in their order
  List<PrefilledItem, kMaxPulledIds> prefilled;
  static constexpr auto kFields =
      fields<&CompactBlock::header, &CompactBlock::nonce, &CompactBlock::short_ids, &CompactBlock::prefilled>;
};
struct GetCompact {
  BlockKey block;
  static constexpr auto kFields = fields<&GetCompact::block>;
};
struct GetBlockItems {
  BlockKey block;
  List<std::uint32_t, kMaxBlockItems> indexes;  ///< ascending
  static constexpr auto kFields = fields<&GetBlockItems::block, &GetBlockItems::indexes>;
};
struct BlockItems {
  BlockKey block;
  List<ItemBlob, kMaxBlockItems> items;  ///< those asked for, in that order
  static constexpr auto kFields = fields<&BlockItems::block, &BlockItems::items>;
};
/// It is not here, or cannot be had now.
struct NoBlock {
  BlockKey block;
  static constexpr auto kFields = fields<&NoBlock::block>;
};
using BlockFrameOf = std::variant<SetMode, NewHeader, CompactBlock, GetCompact, GetBlockItems, BlockItems, NoBlock>;

}  // namespace micro::p2p
