#include "p2p/noise/cipher.hpp"

#include <sodium.h>

#include "chain/base/check.hpp"

namespace micro::p2p {
namespace {

using Nonce12 = std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

// Four zero bytes, then the counter, least significant byte first (Noise §12.3).
Nonce12 nonce_of(std::uint64_t counter) {
  Nonce12 nonce{};
  for (std::size_t at = 0; at < 8; ++at) nonce[4 + at] = static_cast<std::uint8_t>(counter >> (8 * at));
  return nonce;
}

}  // namespace

NoiseCipher::~NoiseCipher() {
  sodium_memzero(key_.data.data(), key_.data.size());
}

void NoiseCipher::seal(ByteView header, ByteView plain, std::uint8_t* out) {
  CHECK(counter_ != UINT64_MAX, "no connection lives for 2^64 messages");
  const Nonce12 nonce = nonce_of(counter_++);
  crypto_aead_chacha20poly1305_ietf_encrypt(out, nullptr, plain.data(), plain.size(), header.data(), header.size(),
                                            nullptr, nonce.data(), key_.data.data());
}

Result<std::span<std::uint8_t>> NoiseCipher::open(ByteView header, std::span<std::uint8_t> sealed) {
  if (counter_ == UINT64_MAX) return fail(Fault::kLimit, "too many messages under one key");
  const Nonce12 nonce = nonce_of(counter_);
  if (sealed.size() < kNoiseTagBytes ||
      crypto_aead_chacha20poly1305_ietf_decrypt(sealed.data(), nullptr, nullptr, sealed.data(), sealed.size(),
                                                header.data(), header.size(), nonce.data(), key_.data.data()) != 0) {
    return fail(Fault::kDenied, "an encrypted message was changed or is out of order");
  }
  ++counter_;
  return sealed.first(sealed.size() - kNoiseTagBytes);
}

}  // namespace micro::p2p
