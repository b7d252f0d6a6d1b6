// BLAKE2b-256 (RFC 7693, no key) of several short messages at once: one vector lane a message. libsodium's gives the
// same bytes one message at a time; this exists because a block needs some thirty hashes a transaction. Only
// chain/crypto/hash_batch uses it, and the light client where it runs as wasm.
#pragma once

#include <cstddef>
#include <cstdint>

namespace micro::blake2b {

inline constexpr std::size_t kBlockBytes = 128;
inline constexpr std::size_t kBlockWords = 16;
inline constexpr std::size_t kMaxLanes = 8;

/// Hashes one message a lane. `words[block][word][lane]`: the messages, padded with zeros to `blocks` blocks, as
/// little-endian words. `sizes[lane]`: bytes of each message, all within the last block. `out[word][lane]`: the first
/// four words of each state, which are the hash.
using Kernel = void (*)(const std::uint64_t* words, std::size_t blocks, const std::uint64_t* sizes, std::uint64_t* out);

struct Lanes {
  std::size_t count = 1;    ///< at most kMaxLanes
  Kernel kernel = nullptr;  ///< none: this processor has no such instructions
};

Lanes one_lane();     ///< any processor; for where libsodium is not
Lanes four_lanes();   ///< AVX2
Lanes eight_lanes();  ///< AVX-512
/// The quickest that this processor has; without a kernel where it has none.
Lanes best_lanes();

}  // namespace micro::blake2b
