#include "p2p/net/lanes.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

namespace micro::p2p {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::uint8_t kAskForBulk = 1;
constexpr std::uint8_t kNameBulk = 2;

using Sessions = std::vector<std::shared_ptr<Session>>;

// Their places in the list are their ids here, from 1.
std::vector<LaneConnection> seen(const Sessions& sessions) {
  std::vector<LaneConnection> out;
  for (const auto& session : sessions) {
    out.push_back({.id = out.size() + 1, .dialed = session->dialed(), .bulk = session->is_bulk()});
  }
  return out;
}

template <class Late>
std::shared_ptr<asio::steady_timer> after_lane_time(const asio::any_io_executor& executor, Late late) {
  auto timer = std::make_shared<asio::steady_timer>(executor, std::chrono::milliseconds(kLaneMs));
  timer->async_wait([late = std::move(late)](const error_code& error) {
    if (!error) late();
  });
  return timer;
}

}  // namespace

std::shared_ptr<Session> Lanes::pick(const PeerId& peer, StreamClass of) const {
  if (stopped_) return nullptr;
  const Sessions sessions = ports_.connections(peer);
  const auto id = lane_for(seen(sessions), of);
  return id ? sessions[*id - 1] : nullptr;
}

bool Lanes::has_bulk(const PeerId& peer) const {
  const auto session = pick(peer, StreamClass::kBulk);
  return session != nullptr && session->is_bulk();
}

Task<void> Lanes::ensure_bulk(std::shared_ptr<Lanes> self, PeerId peer) {
  if (self->stopped_ || self->has_bulk(peer) || !self->pick(peer, StreamClass::kInteractive)) co_return;
  auto& entry = self->makings_[peer];
  if (!entry) entry = std::make_shared<Making>(self->ports_.executor);
  const auto making = entry;
  if (!making->running && self->ports_.now() >= making->retry_at) {
    making->running = true;
    // On its own: several may wait for it, and each may be cancelled.
    asio::co_spawn(self->ports_.executor, make(self, peer, making), [making](const std::exception_ptr&) {
      making->running = false;
      making->changed.notify();
    });
  }
  while (making->running) co_await making->changed.wait();
}

Task<void> Lanes::make(std::shared_ptr<Lanes> self, PeerId peer, std::shared_ptr<Making> making) {
  const bool made = co_await make_once(self, peer);
  if (!self->stopped_) making->retry_at = self->ports_.now().plus_ms(made ? kLaneAgainMs : kLaneRetryMs);
}

Task<bool> Lanes::make_once(std::shared_ptr<Lanes> self, PeerId peer) {
  const auto first = self->pick(peer, StreamClass::kInteractive);
  if (!first || !co_await speaks_lanes(self, first) || self->stopped_) co_return false;
  Sessions sessions = self->ports_.connections(peer);
  LaneStep step = lane_step(seen(sessions), self->ports_.self, peer);
  if (step.kind == LaneStep::Kind::kDial) {
    const auto dialed = co_await self->ports_.dial(peer, sessions[step.connection - 1]->remote_address());
    if (!dialed || self->stopped_) co_return false;
    sessions = self->ports_.connections(peer);
    step = lane_step(seen(sessions), self->ports_.self, peer);
  }
  if (step.kind == LaneStep::Kind::kName) {
    const auto named = sessions[step.connection - 1];
    const bool agreed = co_await say(named, kNameBulk);
    if (agreed && named->is_open()) named->set_bulk();
  } else if (step.kind == LaneStep::Kind::kAsk) {
    (void)co_await say(sessions[step.connection - 1], kAskForBulk);
  }
  co_return self->has_bulk(peer);
}

Task<bool> Lanes::speaks_lanes(std::shared_ptr<Lanes> self, std::shared_ptr<Session> session) {
  const auto late = std::make_shared<bool>(false);
  const auto timer = after_lane_time(self->ports_.executor, [late, weak = std::weak_ptr(session)] {
    *late = true;
    if (const auto waiting = weak.lock()) waiting->identify_changed().notify();
  });
  while (session->is_open() && !session->identify() && !*late) co_await session->identify_changed().wait();
  timer->cancel();
  if (!session->is_open() || !session->identify()) co_return false;
  co_return std::ranges::find(session->identify()->protocols, kLaneProtocol) != session->identify()->protocols.end();
}

Task<bool> Lanes::say(std::shared_ptr<Session> session, std::uint8_t what) {
  auto opened = co_await session->open({std::string(kLaneProtocol)});
  if (!opened) co_return false;
  const auto stream = std::make_shared<Stream>(std::move(*opened));
  const auto executor = co_await asio::this_coro::executor;
  const auto timer = after_lane_time(executor, [weak = std::weak_ptr(stream)] {
    if (const auto waiting = weak.lock()) waiting->reset();
  });
  std::uint8_t answer = 0;
  const Status sent = co_await stream->write(std::span(&what, 1));
  stream->finish();
  const Status heard = sent ? co_await stream->read_exactly(std::span(&answer, 1)) : sent;
  timer->cancel();
  co_return heard&& answer == 1;
}

Task<void> Lanes::serve(std::weak_ptr<Lanes> weak, Stream stream) {
  std::uint8_t what = 0;
  if (!co_await stream.read_exactly(std::span(&what, 1))) co_return;
  const auto self = weak.lock();
  if (!self || self->stopped_) co_return;
  const PeerId peer = stream.session()->peer();
  std::uint8_t answer = 0;
  if (what == kNameBulk) {
    answer = self->name(stream) ? 1 : 0;
  } else if (what == kAskForBulk &&
             lane_step(seen(self->ports_.connections(peer)), self->ports_.self, peer).kind != LaneStep::Kind::kAsk) {
    co_await ensure_bulk(self, peer);
    answer = self->has_bulk(peer) ? 1 : 0;
  }
  if (co_await stream.write(std::span(&answer, 1))) stream.finish();
  (void)co_await stream.read(std::span(&what, 1));  // the other side finishes too, and nothing is cut off
}

// Only who dialed a connection names it, and one a peer.
bool Lanes::name(const Stream& stream) {
  Session& session = *stream.session();
  if (session.dialed() || has_bulk(session.peer()) || ports_.connections(session.peer()).size() < 2) return false;
  session.set_bulk();
  return true;
}

void Lanes::swept(Session& session) {
  if (stopped_ || !session.is_bulk() || !session.dialed()) return;
  if (ports_.now() < session.used().plus_ms(kLaneIdleMs)) return;
  session.close({.fault = Fault::kInterrupted, .message = "no bulk for a while"});
}

void Lanes::stop() {
  stopped_ = true;
  for (const auto& [peer, making] : std::exchange(makings_, {})) making->changed.notify();
  ports_.connections = nullptr;
  ports_.dial = nullptr;
  ports_.now = nullptr;
}

}  // namespace micro::p2p
