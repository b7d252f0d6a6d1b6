// The short ids of a compact block: their key, and where in the block the items are that they stand for.
#pragma once

#include "p2p/relay/frames.hpp"
#include "p2p/relay/siphash.hpp"

namespace micro::p2p {

/// The first half of SHA-256(header ‖ nonce, little-endian).
SipKey short_id_key(ByteView header, std::uint64_t nonce);
ShortItemId short_id_of(const SipKey& key, const ItemId& id);
/// The indexes in the block, in the order of the short ids.
std::vector<std::uint32_t> short_id_places(const CompactBlock& compact);
/// Not too many items, and those that came along stand in their order within the block.
bool is_sound(const CompactBlock& compact);

}  // namespace micro::p2p
