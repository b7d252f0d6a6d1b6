// Peer ids of libp2p (specs/peer-ids): the multihash of the encoded public key. A key of at most 42 bytes is the id
// itself ("identity" hash), a longer one is hashed with SHA-256.
#pragma once

#include <array>

#include "chain/base/bytes.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxInlineKeyBytes = 42;
inline constexpr std::size_t kMaxPeerIdBytes = 2 + kMaxInlineKeyBytes;

class PeerId {
 public:
  PeerId() = default;
  /// The id of a key in its protobuf form.
  static PeerId of_encoded_key(ByteView encoded_key);
  /// From a multihash; kInvalid for any hash but the two, or a wrong length.
  static Result<PeerId> from(ByteView multihash);
  /// From base58btc ("12D3…", "Qm…") or a CIDv1 of a libp2p key in base32, base36 or base58btc.
  static Result<PeerId> parse(std::string_view text);

  [[nodiscard]] ByteView view() const { return {bytes_.data(), size_}; }
  operator ByteView() const { return view(); }  // NOLINT: every reader of bytes may read it
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// The encoded key, where the id holds it; empty otherwise.
  [[nodiscard]] ByteView inline_key() const;
  /// base58btc, what people see.
  [[nodiscard]] std::string text() const;
  /// CIDv1 (libp2p-key) in base32.
  [[nodiscard]] std::string cid_text() const;
  /// Bytes behind the size are zero, so that members compare.
  auto operator<=>(const PeerId&) const = default;

 private:
  std::array<std::uint8_t, kMaxPeerIdBytes> bytes_{};
  std::uint8_t size_ = 0;
};

}  // namespace micro::p2p
