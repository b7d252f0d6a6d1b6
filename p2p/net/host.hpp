// This node among its peers: listens, dials, gives each stream to the handler of its protocol, and answers identify,
// its push and ping. One thread: that of the io_context.
#pragma once

#include "chain/base/random.hpp"
#include "p2p/net/session.hpp"
#include "p2p/peers/budgets.hpp"
#include "p2p/peers/gater.hpp"
#include "p2p/peers/manager.hpp"

namespace boost::asio {
class io_context;
}

namespace micro::p2p {

inline constexpr std::uint64_t kManageMs = 1'000;  ///< between looks at what to dial

struct HostConfig {
  HostKey key;
  std::string agent = "micro";
  std::string protocol_version = "micro/1";
  bool muxer_in_handshake = true;  ///< false: for peers that are to negotiate it as of old
  bool second_connection = true;   ///< false: bulk shares one with everything, as with other stacks
  GaterLimits gater = {};
  ManagerLimits slots = {};
  BudgetLimits budgets = {};
};

using StreamHandler = std::function<Task<void>(Stream stream)>;

class Host {
 public:
  /// `clock` and `random` outlive the host.
  Host(boost::asio::io_context& io, HostConfig config, const Clock& clock, Random& random);
  /// Stops.
  ~Host();

  /// /ip4/…/tcp/… or ip6, port 0 for any. What it is bound to, with our peer id behind.
  Result<Multiaddr> listen(const Multiaddr& address);
  /// Connects and shakes hands; names are looked up. kMismatch where another peer answers than the address names,
  /// kDenied for addresses and peers that are banned or cannot be, kBusy for a peer that is connected already.
  Task<Result<std::shared_ptr<Session>>> dial(Multiaddr address);
  /// The same for several addresses of one peer: the first that answers is taken. Where another part of this node is
  /// dialing the same peer, what that one gets is taken.
  Task<Result<std::shared_ptr<Session>>> dial(PeerId peer, std::vector<Multiaddr> addresses);
  /// From now on the manager's slots and static peers are dialed. The source outlives the host or its `stop`.
  void manage(AddressSource& addresses);
  /// Each stream of a protocol goes to its handler, which writes as this class. Peers hear of it with the next identify
  /// or push.
  void handle(std::string protocol, StreamHandler handler, StreamClass of = StreamClass::kInteractive);
  /// A stream to a connected peer on which the first of these that is spoken there was agreed. Bulk goes on a
  /// connection of its own, which is made first where the peer knows how; else both share one. kUnreachable, kNotFound.
  Task<Result<Stream>> open(PeerId peer, std::vector<std::string> protocols,
                            StreamClass of = StreamClass::kInteractive);
  /// The connection that a stream of this class goes on now; null for a peer that is not connected.
  [[nodiscard]] std::shared_ptr<Session> session_with(const PeerId& peer,
                                                      StreamClass of = StreamClass::kInteractive) const;
  /// Called each time a peer has said something about itself, for as long as the host is there.
  void on_identified(std::function<void(const std::shared_ptr<Session>&)> watcher);
  /// Tells every connected peer that takes pushes what we are now.
  void push_identify();
  /// Closes listeners and sessions.
  void stop();

  [[nodiscard]] const PeerId& peer() const;
  [[nodiscard]] std::vector<std::shared_ptr<Session>> sessions() const;
  /// Static and protected peers, anchors, scores.
  Manager& manager();
  Gater& gater();
  /// For people and tools.
  [[nodiscard]] std::vector<ConnectionView> connection_views() const;
  [[nodiscard]] std::vector<PeerView> peer_views() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// One round trip over /ipfs/ping/1.0.0, in nanoseconds.
Task<Result<std::uint64_t>> ping(std::shared_ptr<Session> session, const Clock& clock, Random& random);

}  // namespace micro::p2p
