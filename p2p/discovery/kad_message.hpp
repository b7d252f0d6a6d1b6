// What Kademlia says (specs/kad-dht of libp2p): one protobuf message behind its length, and the answer on the same
// stream. Records are read over, since this network keeps values in its ledger.
#pragma once

#include "p2p/discovery/peer_info.hpp"

namespace micro::p2p {

/// The protocol of a network of ours has the network's id in it: see network_protocol.
inline constexpr std::string_view kKadProtocol = "/micro/kad/1.0.0";

inline constexpr std::size_t kMaxKadMessageBytes = 128 * 1'024;
inline constexpr std::size_t kMaxKadNameBytes = 256;  ///< of what is looked for
inline constexpr std::size_t kMaxKadPeers = 128;      ///< in one list of a message

enum class KadType : std::uint8_t {
  kPutValue = 0,
  kGetValue = 1,
  kAddProvider = 2,
  kGetProviders = 3,
  kFindNode = 4,
  kPing = 5,
};

struct KadMessage {
  KadType type = KadType::kPing;
  Bytes name;                       ///< what is looked for: its SHA-256 is the key
  std::vector<PeerInfo> closer;     ///< nodes nearer to it
  std::vector<PeerInfo> providers;  ///< who has it
  bool operator==(const KadMessage&) const = default;

  /// kInvalid, kLimit. Addresses of unknown kinds are left out, and peers that nobody could be.
  static Result<KadMessage> decode(ByteView message);
  /// At most kMaxKadPeers of each list and kMaxPeerAddresses of each peer.
  [[nodiscard]] Bytes encode() const;
};

}  // namespace micro::p2p
