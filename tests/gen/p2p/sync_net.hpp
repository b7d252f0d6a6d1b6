// Nodes that bring each other up to date, in memory and in virtual time: so many bytes a millisecond between two, some
// of them slow, some silent from one moment on.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "p2p/sync/node.hpp"
#include "tests/gen/p2p/addresses.hpp"
#include "tests/gen/p2p/memory_transport.hpp"

namespace micro::p2p::sync::test {

using p2p::test::MemoryNetwork;
using p2p::test::MemoryTransport;
using p2p::test::peer;

class NetworkClock final : public Clock {
 public:
  explicit NetworkClock(const MemoryNetwork& network) : network_(network) {}
  [[nodiscard]] Instant now() const override { return network_.now(); }
  [[nodiscard]] TimeMs wall() const override { return TimeMs(network_.now().ns / 1'000'000); }

 private:
  const MemoryNetwork& network_;
};

/// Has nothing.
struct NoSource final : Source {
  Result<StatusAnswer> status() override { return fail(Fault::kNotFound, "nothing here"); }
  Result<HeadersAnswer> headers(const Id&, std::uint64_t, std::size_t, std::size_t) override {
    return fail(Fault::kNotFound, "nothing here");
  }
  Result<Bytes> header(const Id&) override { return fail(Fault::kNotFound, "nothing here"); }
  Result<Bytes> block(std::uint64_t) override { return fail(Fault::kNotFound, "nothing here"); }
  Result<Bytes> block(const Id&) override { return fail(Fault::kNotFound, "nothing here"); }
  Result<StateAnswer> state(const Id&, const Key&, const Key&, std::size_t) override {
    return fail(Fault::kNotFound, "nothing here");
  }
};

/// Wants nothing.
struct NoSink final : Sink {
  Status check_headers(const Id&, std::uint64_t, const std::vector<HeaderBytes>&, ByteView) override { return no(); }
  Status check_header(const Id&, ByteView) override { return no(); }
  Status check_block(std::uint64_t, ByteView) override { return no(); }
  Status check_block(const Id&, ByteView) override { return no(); }
  Status check_state(const Id&, const Key&, const Key&, ByteView) override { return no(); }
  Status take_header(std::uint64_t, ByteView) override { return no(); }
  Status take_block(std::uint64_t, ByteView) override { return no(); }
  Status take_state(const Id&, const Key&, const Key&, ByteView) override { return no(); }
  Status take_header(const Id&, ByteView) override { return no(); }
  Status take_block(const Id&, ByteView) override { return no(); }
  static Status no() { return fail(Fault::kRefused, "nothing is wanted here"); }
};

struct SyncHost final : CallHandler {
  SyncHost(MemoryNetwork& network, const PeerId& id, Source& source, Sink& sink, const Clock& clock,
           const ServerLimits& limits = {})
      : self(id), transport(network, id, *this), node(transport, source, sink, clock, limits) {
    network.add(transport);
  }
  void on_result(CallId id, Result<Bytes> result) override { node.on_result(id, std::move(result)); }
  void on_call(IncomingCall call) override { node.on_call(std::move(call)); }
  void on_cancelled(CallId id) override { node.on_cancelled(id); }
  void on_ready(const PeerId& of) override { node.on_ready(of); }
  SyncClient& client() { return node.client(); }
  SyncServer& server() { return node.server(); }

  PeerId self;
  MemoryTransport transport;
  SyncNode node;
};

/// One node that lags, and others that it may ask.
class SyncNet {
 public:
  static constexpr std::size_t kFastBytesPerMs = 20'000;
  struct Server {
    std::unique_ptr<SyncHost> host;
    std::size_t bytes_per_ms = kFastBytesPerMs;
    bool is_silent = false;
  };

  SyncNet() : clock(network) {}

  Server& add_server(std::uint64_t number, Source& source, std::size_t bytes_per_ms = kFastBytesPerMs,
                     const ServerLimits& limits = {}) {
    Server& out = servers[peer(number)];
    out.host = std::make_unique<SyncHost>(network, peer(number), source, no_sink, clock, limits);
    out.bytes_per_ms = bytes_per_ms;
    if (client) client->client().add_peer(peer(number), network.now());
    return out;
  }
  /// A fresh process: what was under way before is gone, connections too.
  SyncHost& start_client(Sink& sink, const Progress& progress) {
    stop_client();
    client = std::make_unique<SyncHost>(network, peer(0), no_source, sink, clock);
    for (const auto& [id, server] : servers) client->client().add_peer(id, network.now());
    const Status started = client->client().start(progress, network.now());
    CHECK(started.has_value(), "progress of ours");
    return *client;
  }
  void stop_client() {
    if (!client) return;
    cut_all();
    client.reset();
  }
  /// The client is told, and may hand over what it has checked: what it says of its progress before is old.
  void cut_all() {
    for (const auto& [id, server] : servers) network.cut(peer(0), id);
  }
  /// Connections break, and the client is told.
  void lose(const PeerId& id) {
    network.cut(peer(0), id);
    client->client().remove_peer(id, network.now());
    servers.at(id).is_silent = true;
  }

  void step() {
    for (auto& [id, server] : servers) {
      if (server.is_silent) continue;
      network.travel(peer(0), id, server.bytes_per_ms);
      for (int n = 0; n < 8 && server.host->node.serve_one(); ++n) {
      }
    }
    network.advance_ms(1);
    // Like a shell: only at the times that were asked for.
    const auto wake = client->client().next_wake(network.now());
    if (wake && *wake <= network.now()) client->client().tick(network.now());
    for (Dropped& one : std::exchange(client->client().dropped(), {})) {
      dropped.push_back(one);
      network.cut(peer(0), one.peer);
      client->client().remove_peer(one.peer, network.now());
      servers.at(one.peer).is_silent = true;
    }
  }
  /// Milliseconds that passed until it holds; `most` if it never did.
  template <class Condition>
  std::size_t until(Condition condition, std::size_t most) {
    for (std::size_t n = 0; n < most; ++n) {
      if (condition()) return n;
      step();
    }
    return most;
  }
  bool finish(std::size_t most_ms) {
    until([&] { return client->client().done() || client->client().failure(); }, most_ms);
    return client->client().done() && !client->client().failure();
  }
  [[nodiscard]] const Dropped* drop_of(std::uint64_t number) const {
    for (const Dropped& one : dropped) {
      if (one.peer == peer(number)) return &one;
    }
    return nullptr;
  }

  MemoryNetwork network;
  NetworkClock clock;
  NoSource no_source;
  NoSink no_sink;
  std::map<PeerId, Server> servers;
  std::unique_ptr<SyncHost> client;
  std::vector<Dropped> dropped;
};

}  // namespace micro::p2p::sync::test
