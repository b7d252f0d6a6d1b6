// The second connection of a busy peer: made when bulk is wanted, named over a protocol of ours, so that other stacks,
// which do not speak it, keep one connection for everything. The shell of p2p/peers/lanes.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "p2p/net/session.hpp"
#include "p2p/peers/lanes.hpp"

namespace micro::p2p {

/// A byte asks (1) for a connection for bulk or names (2) the one it came on; a byte answers: 1, or 0 for no.
inline constexpr std::string_view kLaneProtocol = "/micro/lane/1.0.0";

class Lanes final : public std::enable_shared_from_this<Lanes> {
 public:
  /// What it needs of the host. They are called only between construction and `stop`.
  struct Ports {
    PeerId self;
    boost::asio::any_io_executor executor;
    /// Those of a peer whose handshake is done, the oldest first.
    std::function<std::vector<std::shared_ptr<Session>>(const PeerId&)> connections;
    std::function<Task<Result<std::shared_ptr<Session>>>(PeerId, Multiaddr)> dial;
    std::function<Instant()> now;
  };
  explicit Lanes(Ports ports) : ports_(std::move(ports)) {}

  /// The connection for a stream of this class now; null where there is none.
  [[nodiscard]] std::shared_ptr<Session> pick(const PeerId& peer, StreamClass of) const;
  /// Returns once there is a connection for bulk, or there will be none for now.
  static Task<void> ensure_bulk(std::shared_ptr<Lanes> self, PeerId peer);
  /// Answers a stream of kLaneProtocol.
  static Task<void> serve(std::weak_ptr<Lanes> weak, Stream stream);
  /// About once a second for each connection: one for bulk that nobody uses is closed by who dialed it.
  void swept(Session& session);
  /// The last connection of a peer is gone.
  void gone(const PeerId& peer) { makings_.erase(peer); }
  void stop();

 private:
  struct Making {
    explicit Making(const boost::asio::any_io_executor& executor) : changed(executor) {}
    Signal changed;
    bool running = false;
    Instant retry_at;
  };
  static Task<void> make(std::shared_ptr<Lanes> self, PeerId peer, std::shared_ptr<Making> making);
  static Task<bool> make_once(std::shared_ptr<Lanes> self, PeerId peer);
  static Task<bool> speaks_lanes(std::shared_ptr<Lanes> self, std::shared_ptr<Session> session);
  static Task<bool> say(std::shared_ptr<Session> session, std::uint8_t what);
  bool name(const Stream& stream);
  [[nodiscard]] bool has_bulk(const PeerId& peer) const;

  Ports ports_;
  std::map<PeerId, std::shared_ptr<Making>> makings_;
  bool stopped_ = false;
};

}  // namespace micro::p2p
