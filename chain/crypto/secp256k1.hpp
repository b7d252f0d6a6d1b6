// Account keys: ECDSA over secp256k1 with low S for transactions, BIP-340 Schnorr for vouchers. libsecp256k1 does the
// curve.
#pragma once

#include "chain/base/fixed_bytes.hpp"
#include "chain/base/random.hpp"

namespace micro {

using PublicKey = FixedBytes<33, struct PublicKeyTag>;   ///< compressed
using XOnlyKey = FixedBytes<32, struct XOnlyKeyTag>;     ///< BIP-340
using EcdsaSignature = FixedBytes<64, struct EcdsaTag>;  ///< r‖s, s ≤ n/2
using SchnorrSignature = FixedBytes<64, struct SchnorrTag>;

/// A secret scalar; wiped when it goes.
class SecretKey {
 public:
  SecretKey() = default;
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();

  static SecretKey generate(Random& random);
  /// Refuses zero and values not below the group order.
  static Result<SecretKey> from(ByteView bytes32);
  [[nodiscard]] ByteView view() const { return {bytes_.data(), bytes_.size()}; }

  [[nodiscard]] PublicKey public_key() const;
  [[nodiscard]] XOnlyKey x_only_key() const;
  /// RFC 6979 nonce: the same key and hash give the same signature.
  [[nodiscard]] EcdsaSignature sign_ecdsa(const Hash& message) const;
  /// BIP-340 with all-zero auxiliary randomness: signing again gives the same bytes.
  [[nodiscard]] SchnorrSignature sign_schnorr(const Hash& message) const;
  /// BIP-32 child scalar: this + tweak mod n; fails where the sum is zero or the tweak out of range.
  [[nodiscard]] Result<SecretKey> tweak_add(ByteView tweak32) const;

 private:
  std::array<std::uint8_t, 32> bytes_{};
};

/// A public key that was parsed once (6.7 µs); verifying with it costs only the curve work.
class ParsedKey {
 public:
  static Result<ParsedKey> from(const PublicKey& key);
  /// False for high S too: one message, one key, one valid encoding.
  [[nodiscard]] bool verify_ecdsa(const Hash& message, const EcdsaSignature& signature) const;

 private:
  std::array<std::uint8_t, 64> raw_{};
};

bool verify_ecdsa(const PublicKey& key, const Hash& message, const EcdsaSignature& signature);
bool verify_schnorr(const XOnlyKey& key, const Hash& message, const SchnorrSignature& signature);

}  // namespace micro
