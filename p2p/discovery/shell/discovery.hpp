// How this node finds others: its address book with a file, hello with everybody, addresses from peers, seeds, and
// Kademlia, over real connections. One thread: that of the io_context.
#pragma once

#include <filesystem>

#include "p2p/discovery/address_book.hpp"
#include "p2p/discovery/hello.hpp"
#include "p2p/discovery/kad_node.hpp"
#include "p2p/discovery/shell/dns_client.hpp"
#include "p2p/net/host.hpp"

namespace micro::p2p {

inline constexpr std::uint64_t kSaveBookMs = 900'000;
inline constexpr std::uint64_t kAskPeersMs = 3'600'000;  ///< between two questions for addresses to one peer
inline constexpr std::uint64_t kUnusedMs = 30'000;       ///< then a connection that only a search made is closed
inline constexpr std::size_t kMaxKadRequests = 64;       ///< on their way at once; the others wait
inline constexpr std::size_t kMaxToldAddresses =
    2 * kMaxPeerAddresses;                            ///< that a connected peer says it has, one after the other
inline constexpr std::size_t kFewAddresses = 32;      ///< with fewer, seeds are asked
inline constexpr std::uint64_t kAskSeedsMs = 60'000;  ///< between two questions, while nobody was found

struct DiscoveryConfig {
  Hash network;                          ///< of its genesis
  std::filesystem::path book_file = {};  ///< empty: nothing is kept
  std::vector<PeerAddress> static_peers = {};
  std::vector<PeerAddress> seeds = {};
  std::vector<std::string> seed_names = {};
  KadConfig kad = {};
  std::string kad_protocol = {};  ///< empty: that of the network
};

class Discovery {
 public:
  /// All outlive it. `resolver` may be null: then names are not asked for.
  Discovery(boost::asio::io_context& io, Host& host, DiscoveryConfig config, const Clock& clock, Random& random,
            TxtResolver* resolver);
  /// Stops.
  ~Discovery();
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  /// Reads the book, registers protocols, begins. kCorrupt and kMismatch tell of a book that was not taken; all else
  /// runs then too. kLimit for too many static peers.
  Status start();
  /// Writes the book, and no more after that.
  Status stop();

  /// Where others reach this node, without its id: what records of providers say.
  void set_addresses(std::vector<Multiaddr> addresses);
  /// What hello says of this node from now on.
  void set_status(Bytes status);
  /// Called with each peer of this network once it has said hello.
  void on_hello(std::function<void(const PeerId&, const Hello&)> handler);
  /// What a connected peer of this network said; null for all others.
  [[nodiscard]] const Hello* hello_of(const PeerId& peer) const;

  /// The nodes nearest to a name; to a peer's id, the peer first where it was found.
  Task<Result<KadFoundPeers>> find_node(Bytes name);
  Task<Result<KadFoundPeers>> find_providers(Bytes name, std::size_t enough);
  /// Returns once the nearest nodes were told; they are told again from time to time. `closest` are those that took it.
  Task<Result<KadFoundPeers>> provide(Bytes name);

  /// Searches that somebody waits for.
  [[nodiscard]] std::size_t searching() const;

  AddressBook& book();
  KadNode& kad();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace micro::p2p
