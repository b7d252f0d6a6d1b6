// The keys that peers are known by (specs/peer-ids): Ed25519, which is ours, and secp256k1, which is accepted.
#pragma once

#include "chain/crypto/ed25519.hpp"
#include "p2p/wire/peer_id.hpp"

namespace micro::p2p {

enum class KeyType : std::uint8_t { kEd25519 = 1, kSecp256k1 = 2 };

inline constexpr std::size_t kMaxEncodedKeyBytes = 64;
inline constexpr std::size_t kMaxSignatureBytes = 72;  ///< Ed25519 has 64, ECDSA in DER up to 72

/// A public key of another peer, or ours.
struct IdentityKey {
  KeyType type = KeyType::kEd25519;
  Bytes data;  ///< 32 bytes, or 33 of a compressed point
  bool operator==(const IdentityKey&) const = default;

  /// From the protobuf PublicKey{1 type, 2 data}. kInvalid for other types and lengths.
  static Result<IdentityKey> decode(ByteView encoded);
  [[nodiscard]] Bytes encode() const;
  [[nodiscard]] PeerId peer_id() const { return PeerId::of_encoded_key(encode()); }
  /// Ed25519 over the message, or ECDSA in DER over its SHA-256.
  [[nodiscard]] bool verify(ByteView message, ByteView signature) const;
};

/// This node's own key. Wiped when it goes.
class HostKey {
 public:
  static HostKey generate(Random& random);
  static HostKey from_seed(const Hash& seed);
  HostKey(const HostKey&) = default;
  HostKey& operator=(const HostKey&) = default;
  ~HostKey();

  [[nodiscard]] const IdentityKey& public_key() const { return public_key_; }
  [[nodiscard]] const PeerId& peer_id() const { return peer_id_; }
  [[nodiscard]] Ed25519Signature sign(ByteView message) const;

 private:
  HostKey() = default;
  std::array<std::uint8_t, 64> expanded_{};
  IdentityKey public_key_;
  PeerId peer_id_;
};

}  // namespace micro::p2p
