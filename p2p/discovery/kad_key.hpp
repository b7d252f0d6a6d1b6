// The space of Kademlia: keys are SHA-256 of what is looked for, and how far two of them are is their XOR as a number.
#pragma once

#include <bit>

#include "chain/crypto/hash.hpp"

namespace micro::p2p {

using KadKey = FixedBytes<32, struct KadKeyTag>;
inline constexpr unsigned kKadKeyBits = 256;

/// Of a peer id's multihash, a content's multihash or any other name.
inline KadKey kad_key(ByteView name) {
  return sha256(name).as<KadKey>();
}

namespace kad_detail {
inline std::uint64_t word(const KadKey& key, std::size_t at) {
  std::uint64_t out = 0;
  std::memcpy(&out, key.data.data() + 8 * at, sizeof out);
  if constexpr (std::endian::native == std::endian::little) out = __builtin_bswap64(out);
  return out;
}
}  // namespace kad_detail

/// How many leading bits two keys share; kKadKeyBits where they are equal.
inline unsigned common_bits(const KadKey& a, const KadKey& b) {
  for (unsigned at = 0; at < 4; ++at) {
    const std::uint64_t differ = kad_detail::word(a, at) ^ kad_detail::word(b, at);
    if (differ != 0) return 64 * at + static_cast<unsigned>(std::countl_zero(differ));
  }
  return kKadKeyBits;
}

/// Whether `a` is nearer to the target than `b`.
inline bool is_nearer(const KadKey& target, const KadKey& a, const KadKey& b) {
  for (std::size_t at = 0; at < 4; ++at) {
    const std::uint64_t there = kad_detail::word(target, at);
    const std::uint64_t one = kad_detail::word(a, at) ^ there;
    const std::uint64_t other = kad_detail::word(b, at) ^ there;
    if (one != other) return one < other;
  }
  return false;
}

inline KadKey distance_of(const KadKey& a, const KadKey& b) {
  KadKey out;
  for (std::size_t at = 0; at < out.data.size(); ++at) out.data[at] = a.data[at] ^ b.data[at];
  return out;
}

}  // namespace micro::p2p
