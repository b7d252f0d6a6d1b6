#include "p2p/relay/siphash.hpp"

#include <sodium.h>

namespace micro::p2p {

static_assert(crypto_shorthash_siphash24_KEYBYTES == std::tuple_size_v<SipKey>);

std::uint64_t siphash(const SipKey& key, ByteView bytes) {
  std::array<std::uint8_t, crypto_shorthash_siphash24_BYTES> hash{};
  crypto_shorthash_siphash24(hash.data(), bytes.data(), bytes.size(), key.data());
  std::uint64_t out = 0;
  for (std::size_t n = hash.size(); n-- > 0;) out = out << 8 | hash[n];
  return out;
}

}  // namespace micro::p2p
