// Node and consensus keys: Ed25519 (RFC 8032) through libsodium, whose verification is strict: canonical S, and no
// small-order or non-canonical points. Single and batched checks give the same answer.
#pragma once

#include "chain/base/fixed_bytes.hpp"
#include "chain/base/random.hpp"

namespace micro {

using Ed25519Key = FixedBytes<32, struct Ed25519KeyTag>;
using Ed25519Signature = FixedBytes<64, struct Ed25519SignatureTag>;

class Ed25519Secret {
 public:
  Ed25519Secret() = default;
  Ed25519Secret(const Ed25519Secret&) = default;
  Ed25519Secret& operator=(const Ed25519Secret&) = default;
  ~Ed25519Secret();

  static Ed25519Secret generate(Random& random);
  static Ed25519Secret from_seed(const Hash& seed);
  [[nodiscard]] const Ed25519Key& public_key() const { return public_key_; }
  [[nodiscard]] Hash seed() const;
  /// Signs a message that already carries its domain (a tagged hash).
  [[nodiscard]] Ed25519Signature sign(const Hash& message) const;

 private:
  std::array<std::uint8_t, 64> expanded_{};
  Ed25519Key public_key_;
};

bool verify_ed25519(const Ed25519Key& key, const Hash& message, const Ed25519Signature& signature);

}  // namespace micro
