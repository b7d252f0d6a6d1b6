// The first thing that nodes of ours say to each other on a connection: which network they are of. Peers of another
// network part here; a stock peer does not know the protocol, stays connected and is never asked for anything of ours.
#pragma once

#include <vector>

#include "chain/codec/codec.hpp"
#include "p2p/wire/peer_id.hpp"

namespace micro::p2p {

/// The same in every network, so that nodes of two networks learn why they do not get on.
inline constexpr std::string_view kHelloProtocol = "/micro/hello/1.0.0";
inline constexpr std::uint16_t kHelloVersion = 1;
inline constexpr std::size_t kMaxHelloStatusBytes = 512;
inline constexpr std::size_t kMaxHelloBytes = 1'024;  ///< behind its length
inline constexpr std::size_t kNetworkDigits = 32;     ///< of a network's id, in protocol ids

struct Hello {
  std::uint16_t version = kHelloVersion;
  Hash network;                       ///< the hash of its genesis
  bool is_server = true;              ///< answers others
  Blob<kMaxHelloStatusBytes> status;  ///< the application's: how far its ledger is, say
  static constexpr auto kFields = fields<&Hello::version, &Hello::network, &Hello::is_server, &Hello::status>;
  bool operator==(const Hello&) const = default;
};

/// What the other side said. kMismatch for another network, kInvalid for what is none.
Result<Hello> check_hello(const Hash& network, ByteView message);

/// A protocol's id in a network: "/micro/kad/1.0.0" becomes "/micro/<32 hex digits>/kad/1.0.0". Whoever is of another
/// network never agrees on one.
std::string network_protocol(const Hash& network, std::string_view protocol);

}  // namespace micro::p2p
