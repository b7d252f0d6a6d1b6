// XChaCha20-Poly1305 and Argon2id, both libsodium's, for secrets at rest.
#pragma once

#include "chain/base/fixed_bytes.hpp"
#include "chain/base/random.hpp"

namespace micro {

using AeadNonce = FixedBytes<24, struct AeadNonceTag>;
using KdfSalt = FixedBytes<16, struct KdfSaltTag>;

/// Ciphertext with its 16-byte tag; `header` is authenticated, not hidden.
Bytes aead_seal(const Hash& key, const AeadNonce& nonce, ByteView header, ByteView plain);
/// kDenied on any change of key, nonce, header or ciphertext.
Result<Bytes> aead_open(const Hash& key, const AeadNonce& nonce, ByteView header, ByteView sealed);

struct KdfCost {
  std::uint32_t passes = 3;
  std::uint32_t memory_kib = 256 * 1024;
};
/// Argon2id (RFC 9106), one lane.
Result<Hash> derive_key(std::string_view password, const KdfSalt& salt, KdfCost cost);

}  // namespace micro
