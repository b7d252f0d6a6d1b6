// libp2p's secure channel (specs/noise): frames of a two-byte length, the XX handshake whose payload proves which peer
// holds the static key, then encrypted messages. Bytes in, bytes out; no sockets.
#pragma once

#include <string>
#include <vector>

#include "p2p/noise/handshake.hpp"
#include "p2p/wire/byte_queue.hpp"
#include "p2p/wire/identity.hpp"

namespace micro::p2p {

inline constexpr std::string_view kNoiseProtocol = "/noise";
inline constexpr std::size_t kNoiseLengthBytes = 2;
inline constexpr std::size_t kMaxNoiseFrameBytes = 65'535;  ///< behind its length
inline constexpr std::size_t kMaxNoisePlainBytes = kMaxNoiseFrameBytes - kNoiseTagBytes;
inline constexpr std::size_t kMaxHandshakeFrameBytes = 4'096;
inline constexpr std::size_t kMaxHandshakeMuxers = 16;
inline constexpr std::size_t kMaxMuxerNameBytes = 256;

struct NoiseConfig {
  Role role = Role::kInitiator;
  HostKey identity;
  DhKeys static_keys;                        ///< of the process; signed by the identity key
  DhKeys ephemeral;                          ///< of this connection alone
  std::optional<PeerId> expected_peer = {};  ///< whom we dialed
  std::vector<std::string> muxers = {};      ///< offered in the handshake; none: no extension is sent
  /// `prove_static_key` of the keys above, which a process needs once; made for this connection where it is missing.
  std::optional<Ed25519Signature> static_proof = {};
};

/// That the holder of the identity uses this static key (specs/noise, "noise-libp2p-static-key:").
Ed25519Signature prove_static_key(const HostKey& identity, const Hash& static_key);

/// A message of the channel, opened in place.
struct NoiseFrame {
  std::size_t taken = 0;          ///< bytes of the input that it took, its length included
  std::span<std::uint8_t> plain;  ///< a part of the input; empty during the handshake
};

class NoiseChannel {
 public:
  explicit NoiseChannel(NoiseConfig config);

  /// The initiator's first message; nothing for a responder.
  Status start(ByteQueue& out);
  /// The next whole frame of the input; nothing while bytes are missing. Answers of the handshake go to `out`.
  /// kMismatch for another peer than the dialed one; kDenied, kInvalid and kLimit end the connection too.
  Result<std::optional<NoiseFrame>> next(std::span<std::uint8_t> input, ByteQueue& out);
  /// Appends one frame. `plain` is at most kMaxNoisePlainBytes. Only once established.
  void seal(ByteView plain, ByteQueue& out);

  [[nodiscard]] bool established() const { return ciphers_.has_value(); }
  /// These hold once established.
  [[nodiscard]] const IdentityKey& remote_key() const { return remote_key_; }
  [[nodiscard]] const PeerId& remote_peer() const { return remote_peer_; }
  /// What the other side offered; empty without the extension.
  [[nodiscard]] const std::vector<std::string>& remote_muxers() const { return remote_muxers_; }
  [[nodiscard]] const std::vector<std::string>& our_muxers() const { return config_.muxers; }

 private:
  Status say(ByteView payload, ByteQueue& out);
  Status hear(ByteView message, ByteQueue& out);
  [[nodiscard]] Bytes our_payload() const;
  Status check_payload(ByteView payload);

  NoiseConfig config_;
  std::optional<NoiseHandshake> handshake_;
  std::optional<NoiseHandshake::Ciphers> ciphers_;
  IdentityKey remote_key_;
  PeerId remote_peer_;
  std::vector<std::string> remote_muxers_;
};

}  // namespace micro::p2p
