// A peer and where it says, or others say, that it is.
#pragma once

#include <vector>

#include "p2p/wire/multiaddr.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxPeerAddresses = 8;  ///< of one peer, in a message or kept

struct PeerInfo {
  PeerId peer;
  std::vector<Multiaddr> addresses;  ///< without the peer at their ends
  bool operator==(const PeerInfo&) const = default;
};

}  // namespace micro::p2p
