#include "chain/crypto/aead.hpp"

#include <sodium.h>

namespace micro {

Bytes aead_seal(const Hash& key, const AeadNonce& nonce, ByteView header, ByteView plain) {
  Bytes out(plain.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES);
  unsigned long long size = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(out.data(), &size, plain.data(), plain.size(), header.data(),
                                             header.size(), nullptr, nonce.data.data(), key.data.data());
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<Bytes> aead_open(const Hash& key, const AeadNonce& nonce, ByteView header, ByteView sealed) {
  if (sealed.size() < crypto_aead_xchacha20poly1305_ietf_ABYTES)
    return fail(Fault::kDenied, "sealed data is too short");
  Bytes out(sealed.size() - crypto_aead_xchacha20poly1305_ietf_ABYTES);
  unsigned long long size = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(out.data(), &size, nullptr, sealed.data(), sealed.size(),
                                                 header.data(), header.size(), nonce.data.data(),
                                                 key.data.data()) != 0) {
    return fail(Fault::kDenied, "wrong key or damaged data");
  }
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<Hash> derive_key(std::string_view password, const KdfSalt& salt, KdfCost cost) {
  Hash out;
  const std::size_t memory_bytes = static_cast<std::size_t>(cost.memory_kib) * 1024;
  if (crypto_pwhash(out.data.data(), out.data.size(), password.data(), password.size(), salt.data.data(), cost.passes,
                    memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(Fault::kLimit, "not enough memory to derive the key",
                "free " + std::to_string(cost.memory_kib / 1024) + " MiB and try again");
  }
  return out;
}

}  // namespace micro
