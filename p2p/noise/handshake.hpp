// Noise_XX_25519_ChaChaPoly_SHA256 (the Noise protocol framework, revision 34): three messages, after which both sides
// know each other's static key and share two ciphers. What the payloads mean is the caller's business.
//   -> e    <- e, ee, s, es    -> s, se
#pragma once

#include <optional>

#include "chain/base/random.hpp"
#include "p2p/noise/cipher.hpp"

namespace micro::p2p {

enum class Role : std::uint8_t { kInitiator, kResponder };

/// A secret of X25519 and its public half. The secret is wiped when it goes.
struct DhKeys {
  Hash secret;
  Hash public_key;

  static DhKeys from_secret(const Hash& secret);
  static DhKeys generate(Random& random) { return from_secret(random.draw<Hash>()); }
  DhKeys() = default;
  DhKeys(const DhKeys&) = default;
  DhKeys& operator=(const DhKeys&) = default;
  ~DhKeys();
};

/// Hash and key of everything said so far (Noise §5.2).
class SymmetricState {
 public:
  SymmetricState();
  ~SymmetricState();
  SymmetricState(const SymmetricState&) = default;
  SymmetricState& operator=(const SymmetricState&) = default;
  void mix_hash(ByteView bytes);
  void mix_key(const Hash& secret);
  void encrypt_and_hash(ByteView plain, Bytes& out);
  Result<Bytes> decrypt_and_hash(ByteView sealed);
  [[nodiscard]] std::size_t tag_bytes() const { return cipher_ ? kNoiseTagBytes : 0; }
  [[nodiscard]] std::pair<NoiseCipher, NoiseCipher> split() const;

 private:
  Hash hash_;
  Hash chaining_key_;
  std::optional<NoiseCipher> cipher_;
};

class NoiseHandshake {
 public:
  NoiseHandshake(Role role, const DhKeys& static_keys, const DhKeys& ephemeral, ByteView prologue = {});

  [[nodiscard]] bool finished() const { return message_ == kMessages; }
  [[nodiscard]] bool writes_next() const { return !finished() && (message_ % 2 == 0) == (role_ == Role::kInitiator); }
  /// Messages written and read so far.
  [[nodiscard]] unsigned message() const { return message_; }
  /// Appends the next message. kDenied where the other side's key gives an all-zero secret.
  Status write(ByteView payload, Bytes& out);
  /// The payload of the other side's message. After an error the handshake is dead.
  Result<Bytes> read(ByteView message);

  /// Valid once the message with it was read.
  [[nodiscard]] const Hash& remote_static() const { return remote_static_; }
  struct Ciphers {
    NoiseCipher send;
    NoiseCipher receive;
  };
  /// After the last message.
  [[nodiscard]] Ciphers split() const;

 private:
  static constexpr unsigned kMessages = 3;
  Status mix_dh(const DhKeys& ours, const Hash& theirs);

  Role role_;
  DhKeys static_;
  DhKeys ephemeral_;
  Hash remote_static_;
  Hash remote_ephemeral_;
  SymmetricState state_;
  unsigned message_ = 0;
};

}  // namespace micro::p2p
