// ChaCha20-Poly1305 (RFC 8439) as Noise uses it: a key, and a counter as nonce that never comes twice.
#pragma once

#include <memory>

#include "chain/base/fixed_bytes.hpp"

namespace micro::p2p {

inline constexpr std::size_t kNoiseTagBytes = 16;
/// From here OpenSSL, several times as fast as libsodium for long messages; below its fixed cost of a message is more.
inline constexpr std::size_t kLongMessageBytes = 256;

/// A CipherState of the Noise framework, revision 34, §5.1. Its key is wiped when it goes.
class NoiseCipher {
 public:
  NoiseCipher() = default;
  explicit NoiseCipher(const Hash& key) : key_(key) {}
  NoiseCipher(const NoiseCipher& other) : key_(other.key_), counter_(other.counter_) {}
  NoiseCipher& operator=(const NoiseCipher& other);
  ~NoiseCipher();

  /// `out` has room for `plain` and the tag; it may begin where `plain` does.
  void seal(ByteView header, ByteView plain, std::uint8_t* out);
  /// In place; what is returned is the front of `sealed`. kDenied for a changed byte, kLimit after 2^64 - 2 messages.
  Result<std::span<std::uint8_t>> open(ByteView header, std::span<std::uint8_t> sealed);

 private:
  struct Long;
  struct DeleteLong {
    void operator()(Long* of) const;
  };
  Long& for_long(bool seals);

  Hash key_;
  std::uint64_t counter_ = 0;
  std::unique_ptr<Long, DeleteLong> long_;  // made with the first long message; it either seals or opens
};

}  // namespace micro::p2p
