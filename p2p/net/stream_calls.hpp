// The port for streaming calls over real connections: a stream a call, on the connection of its class.
#pragma once

#include "p2p/calls/stream_transport.hpp"
#include "p2p/net/host.hpp"

namespace micro::p2p {

inline constexpr std::string_view kStreamCallProtocol = "/micro/stream/1.0.0";
inline constexpr std::string_view kBulkCallProtocol = "/micro/bulk/1.0.0";
inline constexpr std::uint64_t kLingerMs = 5'000;  ///< for the last bytes of a call that is over

class StreamCalls final : public StreamTransport {
 public:
  /// All of these outlive it. Registers its protocols with the host.
  StreamCalls(boost::asio::io_context& io, Host& host, const Clock& clock, StreamCallHandler& handler);
  /// Whoever called hears nothing more.
  ~StreamCalls() override;
  StreamCalls(const StreamCalls&) = delete;
  StreamCalls& operator=(const StreamCalls&) = delete;

  Result<CallId> open(const PeerId& peer, std::string method, StreamClass of, Instant deadline) override;
  Status send(CallId id, Bytes item) override;
  std::optional<Bytes> take(CallId id) override;
  void finish(CallId id) override;
  void abort(CallId id, Error why) override;
  /// Calls of either direction that are under way.
  [[nodiscard]] std::size_t under_way() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace micro::p2p
