// Both sides of the protocol behind one transport.
#pragma once

#include "p2p/sync/client.hpp"
#include "p2p/sync/server.hpp"

namespace micro::p2p::sync {

class SyncNode final : public CallHandler {
 public:
  /// All outlive it. The transport is told of this handler by its maker.
  SyncNode(Transport& transport, Source& source, Sink& sink, const Clock& clock, const ServerLimits& limits = {})
      : transport_(transport), clock_(clock), client_(transport, sink), server_(transport, source, limits) {}

  void on_result(CallId id, Result<Bytes> result) override { client_.on_result(id, std::move(result), clock_.now()); }
  void on_call(IncomingCall call) override {
    if (call.method != kSyncMethod) return transport_.reply(call.id, fail(Fault::kNotFound, "no such method"));
    server_.on_call(std::move(call), clock_.now());
  }
  void on_cancelled(CallId id) override { server_.on_cancelled(id); }
  void on_ready(const PeerId& peer) override { client_.on_ready(peer, clock_.now()); }

  /// Answers one request and charges what it took; false when none waits.
  bool serve_one() {
    const Instant before = clock_.now();
    const auto peer = server_.step(before);
    if (!peer) return false;
    const Instant after = clock_.now();
    server_.charge_cpu(*peer, (after.ns - before.ns) / 1'000, after);
    return true;
  }

  SyncClient& client() { return client_; }
  SyncServer& server() { return server_; }

 private:
  Transport& transport_;
  const Clock& clock_;
  SyncClient client_;
  SyncServer server_;
};

}  // namespace micro::p2p::sync
