#include "p2p/noise/cipher.hpp"

#include <openssl/evp.h>
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

struct NoiseCipher::Long {
  Long(const Hash& key, bool for_sealing) : context(EVP_CIPHER_CTX_new()), seals(for_sealing) {
    CHECK(context != nullptr && EVP_CipherInit_ex(context, EVP_chacha20_poly1305(), nullptr, key.data.data(), nullptr,
                                                  seals ? 1 : 0) == 1,
          "OpenSSL has this cipher");
  }
  ~Long() { EVP_CIPHER_CTX_free(context); }  // wipes the key
  Long(const Long&) = delete;
  Long& operator=(const Long&) = delete;

  // False only where the tag does not fit.
  bool run(const Nonce12& nonce, ByteView header, ByteView in, std::uint8_t* out, std::uint8_t* tag) {
    constexpr int kTagBytes = static_cast<int>(kNoiseTagBytes);
    int size = 0;
    bool done = EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce.data(), -1) == 1;
    if (!seals) done = done && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) == 1;
    if (!header.empty()) {
      done = done && EVP_CipherUpdate(context, nullptr, &size, header.data(), static_cast<int>(header.size())) == 1;
    }
    done = done && EVP_CipherUpdate(context, out, &size, in.data(), static_cast<int>(in.size())) == 1;
    CHECK(done, "sizes that the cipher takes");
    if (EVP_CipherFinal_ex(context, out + size, &size) != 1) return false;
    return !seals || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) == 1;
  }

  EVP_CIPHER_CTX* context;
  bool seals;
};

void NoiseCipher::DeleteLong::operator()(Long* of) const {
  delete of;
}

NoiseCipher::Long& NoiseCipher::for_long(bool seals) {
  if (!long_ || long_->seals != seals) long_.reset(new Long(key_, seals));
  return *long_;
}

NoiseCipher& NoiseCipher::operator=(const NoiseCipher& other) {
  key_ = other.key_;
  counter_ = other.counter_;
  long_.reset();
  return *this;
}

NoiseCipher::~NoiseCipher() {
  sodium_memzero(key_.data.data(), key_.data.size());
}

void NoiseCipher::seal(ByteView header, ByteView plain, std::uint8_t* out) {
  CHECK(counter_ != UINT64_MAX, "no connection lives for 2^64 messages");
  const Nonce12 nonce = nonce_of(counter_++);
  if (plain.size() >= kLongMessageBytes) {
    CHECK(for_long(true).run(nonce, header, plain, out, out + plain.size()), "sealing cannot fail");
    return;
  }
  crypto_aead_chacha20poly1305_ietf_encrypt(out, nullptr, plain.data(), plain.size(), header.data(), header.size(),
                                            nullptr, nonce.data(), key_.data.data());
}

Result<std::span<std::uint8_t>> NoiseCipher::open(ByteView header, std::span<std::uint8_t> sealed) {
  if (counter_ == UINT64_MAX) return fail(Fault::kLimit, "too many messages under one key");
  const Nonce12 nonce = nonce_of(counter_);
  bool opened = sealed.size() >= kNoiseTagBytes;
  if (opened) {
    const auto body = sealed.first(sealed.size() - kNoiseTagBytes);
    opened = body.size() >= kLongMessageBytes
                 ? for_long(false).run(nonce, header, body, body.data(), body.data() + body.size())
                 : crypto_aead_chacha20poly1305_ietf_decrypt(sealed.data(), nullptr, nullptr, sealed.data(),
                                                             sealed.size(), header.data(), header.size(), nonce.data(),
                                                             key_.data.data()) == 0;
  }
  if (!opened) return fail(Fault::kDenied, "an encrypted message was changed or is out of order");
  ++counter_;
  return sealed.first(sealed.size() - kNoiseTagBytes);
}

}  // namespace micro::p2p
