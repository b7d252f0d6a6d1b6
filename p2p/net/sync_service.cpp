#include "p2p/net/sync_service.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "p2p/sync/node.hpp"

namespace micro::p2p {

namespace asio = boost::asio;

class SyncService::Impl final : public CallHandler, public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, Host& host, const Clock& clock, sync::Source& source, sync::Sink& sink,
       SyncServiceConfig config)
      : io_(io),
        host_(host),
        clock_(clock),
        config_(std::move(config)),
        transport_(io, host, clock, *this, config_.protocol),
        node_(transport_, source, sink, clock, config_.limits),
        timer_(io) {}

  void begin() { turn_soon(); }
  void stop() { timer_.cancel(); }

  void on_result(CallId id, Result<Bytes> result) override {
    node_.on_result(id, std::move(result));
    turn_soon();
  }
  void on_call(IncomingCall call) override {
    node_.on_call(std::move(call));
    turn_soon();
  }
  void on_cancelled(CallId id) override { node_.on_cancelled(id); }
  void on_ready(const PeerId& peer) override {
    node_.on_ready(peer);
    turn_soon();
  }

  void turn_soon() {
    if (std::exchange(is_posted_, true)) return;
    asio::post(io_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->turn();
    });
  }
  sync::SyncClient& client() { return node_.client(); }
  [[nodiscard]] Instant now() const { return clock_.now(); }

 private:
  void turn() {
    is_posted_ = false;
    if (now() >= look_at_) look_at_sessions();
    const auto wake = client().next_wake(now());
    if (wake && *wake <= now()) client().tick(now());
    node_.serve_one();
    for (const sync::Dropped& one : std::exchange(client().dropped(), {})) on_dropped(one);
    const auto next = client().next_wake(now());
    if (node_.server().has_work() || (next && *next <= now())) return turn_soon();
    wait_until(next ? std::min(*next, look_at_) : look_at_);
  }

  void wait_until(Instant at) {
    const std::uint64_t now_ns = now().ns;
    timer_.expires_after(std::chrono::nanoseconds(at.ns > now_ns ? at.ns - now_ns : 0));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->turn_soon();
    });
  }

  void look_at_sessions() {
    look_at_ = now().plus_ms(kLookAtSessionsMs);
    std::erase_if(shunned_, [&](const auto& entry) { return entry.second <= now(); });
    std::set<PeerId> there;
    for (const auto& session : host_.sessions()) {
      if (!session->is_open() || !session->secured() || !session->identify()) continue;
      const auto& spoken = session->identify()->protocols;
      if (std::ranges::find(spoken, config_.protocol) != spoken.end()) there.insert(session->peer());
    }
    for (const PeerId& peer : known_) {
      if (!there.contains(peer)) client().remove_peer(peer, now());
    }
    for (const PeerId& peer : there) {
      if (!shunned_.contains(peer)) client().add_peer(peer, now());
    }
    known_ = std::move(there);
  }

  void on_dropped(const sync::Dropped& one) {
    if (shunned_.size() < kMaxShunned) shunned_[one.peer] = now().plus_ms(kShunMs);
    if (config_.on_dropped) config_.on_dropped(one);
    if (one.reason != sync::DropReason::kLied) return;
    host_.gater().ban(one.peer, now());
    for (const auto& session : host_.sessions()) {
      if (session->secured() && session->peer() == one.peer) {
        session->close({.fault = Fault::kDenied, .message = "synchronization: " + one.why});
      }
    }
  }

  asio::io_context& io_;
  Host& host_;
  const Clock& clock_;
  SyncServiceConfig config_;
  CallTransport transport_;
  sync::SyncNode node_;
  asio::steady_timer timer_;
  std::set<PeerId> known_;
  std::map<PeerId, Instant> shunned_;
  Instant look_at_;
  bool is_posted_ = false;
};

SyncService::SyncService(asio::io_context& io, Host& host, const Clock& clock, sync::Source& source, sync::Sink& sink,
                         SyncServiceConfig config)
    : impl_(std::make_shared<Impl>(io, host, clock, source, sink, std::move(config))) {
  impl_->begin();
}
SyncService::~SyncService() {
  impl_->stop();
}
Status SyncService::start(const sync::Progress& progress) {
  impl_->turn_soon();
  return impl_->client().start(progress, impl_->now());
}
Status SyncService::want_header(const sync::Id& id) {
  impl_->turn_soon();
  return impl_->client().want_header(id, impl_->now());
}
Status SyncService::want_block(const sync::Id& id) {
  impl_->turn_soon();
  return impl_->client().want_block(id, impl_->now());
}
sync::SyncClient& SyncService::client() {
  return impl_->client();
}

}  // namespace micro::p2p
