// What peers tell each other about themselves (specs/identify), and the signed record of a peer's addresses
// (RFC 0002 and 0003 of libp2p's specs). Bytes only; who sends when is the session's business.
#pragma once

#include <vector>

#include "p2p/wire/identity.hpp"
#include "p2p/wire/multiaddr.hpp"

namespace micro::p2p {

inline constexpr std::string_view kIdentifyProtocol = "/ipfs/id/1.0.0";
inline constexpr std::string_view kIdentifyPushProtocol = "/ipfs/id/push/1.0.0";
inline constexpr std::string_view kPingProtocol = "/ipfs/ping/1.0.0";

inline constexpr std::size_t kMaxIdentifySentBytes = 4 * 1024;     ///< one message of ours
inline constexpr std::size_t kMaxIdentifyMessageBytes = 8 * 1024;  ///< one of theirs
inline constexpr std::size_t kMaxIdentifyMessages = 10;            ///< a stream may carry several, merged
inline constexpr std::size_t kMaxProtocolNameBytes = 256;
inline constexpr std::size_t kMaxListedProtocols = 256;
inline constexpr std::size_t kMaxListedAddresses = 64;
inline constexpr std::size_t kMaxAgentBytes = 256;

struct Identify {
  std::optional<IdentityKey> public_key;
  std::vector<Multiaddr> listen_addresses;  ///< those that we understand
  std::vector<std::string> protocols;
  std::optional<Multiaddr> observed_address;
  std::string protocol_version;
  std::string agent_version;
  Bytes signed_peer_record;  ///< an envelope, unchecked

  /// Over the limits: kLimit. Addresses that nobody here understands are left out, as peers add kinds.
  static Result<Identify> decode(ByteView message);
  /// All that a stream said: messages behind their lengths, merged. Over kMaxIdentifyMessages: kLimit.
  static Result<Identify> decode_all(ByteView stream);
  /// Takes over what the later message of a stream says.
  void merge(Identify&& later);
  [[nodiscard]] Bytes encode() const;
  /// As it goes over a stream.
  [[nodiscard]] Bytes encode_with_length() const;
  bool operator==(const Identify&) const = default;
};

/// The addresses of a peer with the time it said so. `sequence` grows.
struct PeerRecord {
  PeerId peer;
  std::uint64_t sequence = 0;
  std::vector<Multiaddr> addresses;
  bool operator==(const PeerRecord&) const = default;

  [[nodiscard]] Bytes seal(const HostKey& key) const;
  /// Checks signature and that the signer is the peer it speaks of: kMismatch.
  static Result<PeerRecord> open(ByteView envelope);
};

}  // namespace micro::p2p
