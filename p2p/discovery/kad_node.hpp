// Kademlia as peers speak it: Kad with contacts that have peer ids and addresses, and messages as bytes. Who connects
// and opens streams is the shell.
#pragma once

#include "p2p/discovery/kad.hpp"

namespace micro::p2p {

struct KadConfig {
  KadLimits limits = {};
  bool is_server = true;         ///< false: asks and is never asked
  bool local_addresses = false;  ///< take addresses of this machine or site for somewhere to go
};

struct KadOutgoing {
  RequestId request = 0;
  PeerInfo to;
  Bytes message;
  bool is_answered = true;  ///< false: a ping sent behind it is, once the peer has taken it
};
struct KadFoundPeers {
  LookupId lookup = 0;
  std::vector<PeerInfo> closest;
  std::vector<PeerInfo> providers;
  std::size_t asked = 0;
  unsigned hops = 0;
};

class KadNode {
 public:
  KadNode(KadConfig config, const PeerId& self, Random& random);

  Result<LookupId> find_node(Bytes name, Instant now) { return kad_.find_node(std::move(name), now); }
  /// Its nearest are the peer itself where it was found.
  Result<LookupId> find_peer(const PeerId& peer, Instant now) { return find_node(to_bytes(peer.view()), now); }
  Result<LookupId> find_providers(Bytes name, std::size_t enough, Instant now) {
    return kad_.find_providers(std::move(name), enough, now);
  }
  Result<LookupId> provide(Bytes name, Instant now) { return kad_.provide(std::move(name), now); }
  void withdraw(const Bytes& name) { kad_.withdraw(name); }

  void set_addresses(std::vector<Multiaddr> addresses) { addresses_ = std::move(addresses); }
  void add_seed(const PeerInfo& peer);
  /// `at`: where its connection ends. What it says of itself may be anything, and would make it a neighbour of nobody;
  /// empty where that is not known.
  void on_server(const PeerInfo& peer, Instant now, const Multiaddr& at = {});
  /// A peer that is connected, before it answers anything.
  void on_connected(const PeerId& peer, const Multiaddr& at);
  void on_client(const PeerId& peer);
  void forget(const PeerId& peer);

  /// The message to send back; nothing where none is due. An error: close the stream; kInvalid and kLimit are what no
  /// peer sends, kDenied what this node does not do.
  /// `at`: as for `on_server`.
  Result<std::optional<Bytes>> answer(const PeerInfo& from, ByteView message, Instant now, const Multiaddr& at = {});
  /// An error counts as no answer.
  Status on_reply(RequestId request, ByteView message, Instant now);
  void on_failed(RequestId request, Instant now) { kad_.on_failed(request, now); }
  void step(Instant now) { kad_.step(now); }
  [[nodiscard]] Instant next_wake() const { return kad_.next_wake(); }

  /// What happened since the last time.
  struct Effects {
    std::vector<KadOutgoing> outgoing;
    std::vector<KadFoundPeers> found;
  };
  Effects take_effects();
  [[nodiscard]] const Kad& kad() const { return kad_; }
  [[nodiscard]] std::size_t contacts() const { return contacts_.size(); }
  /// The peers of the routing table, nearest to this node first.
  [[nodiscard]] std::vector<PeerInfo> table() const;

 private:
  std::optional<ContactId> take(PeerInfo peer, Heard heard);
  std::vector<ContactId> take_all(const std::vector<PeerInfo>& peers, std::size_t most);
  [[nodiscard]] std::vector<PeerInfo> infos(const std::vector<ContactId>& contacts) const;
  [[nodiscard]] bool is_somewhere(const Multiaddr& address) const;
  void make_room();

  KadConfig config_;
  PeerId self_;
  std::vector<Multiaddr> addresses_;
  PeerContacts contacts_;
  Kad kad_;
};

}  // namespace micro::p2p
