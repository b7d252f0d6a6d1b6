// The port for calls over real connections: one stream a peer for the calls that this end makes, one for those of the
// other end. The rules are those of p2p/calls; here are streams, timers and numbers.
#pragma once

#include "p2p/calls/transport.hpp"
#include "p2p/net/host.hpp"

namespace micro::p2p {

inline constexpr std::string_view kCallProtocol = "/micro/call/1.0.0";
/// What requests of all peers and replies to them may hold, a reply that is not there yet as much as it may become.
/// Above it a peer has one request at work.
inline constexpr std::size_t kMaxOwedBytes = 64 << 20;

class CallTransport final : public Transport {
 public:
  /// All of these outlive it. Registers its protocol with the host: what moves much has one, and so streams, of its
  /// own.
  CallTransport(boost::asio::io_context& io, Host& host, const Clock& clock, CallHandler& handler,
                std::string protocol = std::string(kCallProtocol));
  /// Whoever called hears nothing more.
  ~CallTransport() override;
  CallTransport(const CallTransport&) = delete;
  CallTransport& operator=(const CallTransport&) = delete;

  Result<CallId> call(const PeerId& peer, std::string method, Bytes body, Instant deadline) override;
  void cancel(CallId id) override;
  void reply(CallId id, Result<Bytes> result) override;
  /// Calls of either direction that are under way.
  [[nodiscard]] std::size_t under_way() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace micro::p2p
