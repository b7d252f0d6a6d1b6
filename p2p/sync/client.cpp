#include "p2p/sync/client.hpp"

#include <algorithm>

namespace micro::p2p::sync {

SyncClient::SyncClient(Transport& transport, Sink& sink)
    : transport_(transport),
      sink_(sink),
      headers_by_id_(IdPlan::What::kHeaders, sink),
      blocks_by_id_(IdPlan::What::kBlocks, sink),
      plans_{&headers_by_id_, &blocks_by_id_} {}

SyncClient::~SyncClient() {
  for (const auto& [call, flight] : calls_) transport_.cancel(call);
}

// --- what to bring ---

Status SyncClient::start(const Progress& progress, Instant now) {
  TRY(check_progress(progress));
  for (auto it = flights_.begin(); it != flights_.end();) {
    const auto next = std::next(it);
    if (it->second.plan != nullptr) end(it, true);
    it = next;
  }
  anchor_ = progress.anchor;
  headers_ = std::make_unique<HeaderPlan>(anchor_, progress.headers, sink_);
  blocks_ = std::make_unique<BlockPlan>(progress.blocks, *headers_, sink_);
  state_ = progress.state ? std::make_unique<StatePlan>(*progress.state, sink_) : nullptr;
  plans_ = {&headers_by_id_, &blocks_by_id_, headers_.get(), blocks_.get()};
  if (state_) plans_.push_back(state_.get());
  failure_.reset();
  pump(now);
  return {};
}

Progress SyncClient::progress() const {
  Progress out;
  out.anchor = anchor_;
  if (headers_) out.headers = headers_->span();
  if (blocks_) out.blocks = blocks_->span();
  if (state_) out.state = state_->progress();
  return out;
}

Status SyncClient::want_header(const Id& id, Instant now) {
  TRY(headers_by_id_.want(id));
  pump(now);
  return {};
}

Status SyncClient::want_block(const Id& id, Instant now) {
  TRY(blocks_by_id_.want(id));
  pump(now);
  return {};
}

bool SyncClient::done() const {
  return std::ranges::all_of(plans_, [](const Plan* plan) { return plan->done(); });
}

/// Checked things go to the application, a few at a time.
void SyncClient::settle() {
  for (Plan* plan : plans_) {
    if (failure_) return;
    const Status status = plan->settle();
    if (!status) failure_ = status.error();
  }
}

void SyncClient::collect_unknown() {
  std::vector<PeerId> ids;
  for (const auto& [id, peer] : peers_) ids.push_back(id);
  ids.insert(ids.end(), waiting_.begin(), waiting_.end());  // they may have it
  for (IdPlan* plan : {&headers_by_id_, &blocks_by_id_}) {
    for (const Id& id : plan->unknown_to(ids)) {
      plan->forget(id);
      unknown_.push_back(id);
    }
  }
}

// --- peers ---

void SyncClient::add_peer(const PeerId& peer, Instant now) {
  if (liars_.contains(peer) || peers_.contains(peer)) return;
  if (peers_.size() >= kMaxSyncPeers) {
    if (std::ranges::find(waiting_, peer) == waiting_.end()) waiting_.push_back(peer);
    return;
  }
  peers_[peer];
  pump(now);
}

void SyncClient::remove_peer(const PeerId& peer, Instant now) {
  std::erase(waiting_, peer);
  const auto it = peers_.find(peer);
  if (it == peers_.end()) return;
  it->second.gone = true;
  sweep();
  pump(now);
}

void SyncClient::drop(const PeerId& peer, DropReason reason, std::string why) {
  const auto it = peers_.find(peer);
  if (it == peers_.end() || it->second.gone) return;
  it->second.gone = true;
  if (reason == DropReason::kLied && liars_.size() < kMaxLiars) liars_.insert(peer);
  dropped_.push_back({.peer = peer, .reason = reason, .why = std::move(why)});
}

/// Peers that are gone leave the list, and what they were asked for is open again. Their places go to who waits.
void SyncClient::sweep() {
  std::erase_if(peers_, [&](const auto& entry) {
    if (!entry.second.gone) return false;
    for (auto it = flights_.begin(); it != flights_.end();) {
      const auto next = std::next(it);
      if (it->second.peer == entry.first) end(it, true);
      it = next;
    }
    return true;
  });
  while (peers_.size() < kMaxSyncPeers && !waiting_.empty()) {
    peers_[waiting_.front()];
    waiting_.pop_front();
  }
}

/// Whoever has nothing of what is wanted, or nothing to say, would keep those out who have it.
void SyncClient::change_places(Instant now) {
  std::vector<PeerId> leaving;
  for (auto& [id, peer] : peers_) {
    if (!peer.used_at || !is_idle(peer)) peer.used_at = now;
    if (leaving.size() == waiting_.size() || now < peer.used_at->plus_ms(kIdlePlaceMs)) continue;
    peer.gone = true;
    leaving.push_back(id);
  }
  sweep();
  waiting_.insert(waiting_.end(), leaving.begin(), leaving.end());
  for (auto& [id, peer] : peers_) {
    if (!peer.used_at) peer.used_at = now;
  }
}

void SyncClient::pause(Peer& peer, Instant now) {
  peer.paused_until = std::max(peer.paused_until, now.plus_ms(peer.pause_ms));
  peer.pause_ms = std::min(kMaxPauseMs, 2 * peer.pause_ms);
}

std::vector<SyncPeerView> SyncClient::peers() const {
  std::vector<SyncPeerView> out;
  for (const auto& [id, peer] : peers_) {
    out.push_back({.peer = id,
                   .bytes_per_s = peer.pace.bytes_per_s(),
                   .bytes = peer.bytes,
                   .requests = peer.flights,
                   .highest = peer.status ? peer.status->highest : 0});
  }
  return out;
}

std::optional<StatusAnswer> SyncClient::status_of(const PeerId& peer) const {
  const auto it = peers_.find(peer);
  return it == peers_.end() ? std::nullopt : it->second.status;
}

// --- asking ---

/// Gives work to whoever has room, one request at a time and the quickest first, so that what holds up the rest is in
/// good hands.
void SyncClient::pump(Instant now) {
  pumped_ = now;
  settle();
  sweep();
  if (failure_) return;
  change_places(now);
  resend(now);
  std::vector<std::pair<std::uint64_t, PeerId>> order;  // by their rates
  for (auto& [id, peer] : peers_) {
    if (now < peer.paused_until) continue;
    const bool is_stale = now >= peer.ask_status_at && peer.flights == 0 && !done();
    if (!peer.status || is_stale) ask_status(id, peer, now);
    if (peer.status) order.emplace_back(peer.pace.bytes_per_s(), id);
  }
  std::ranges::sort(order, std::greater<>{});
  while (!order.empty()) {
    std::erase_if(order, [&](const auto& entry) {
      const PeerId& id = entry.second;
      Peer& peer = peers_.at(id);
      if (peer.gone || now < peer.paused_until || !peer.pace.has_room(peer.flights, peer.flight_bytes)) return true;
      return !ask_more(id, peer, now) && !steal(id, peer, now);
    });
  }
  collect_unknown();
  sweep();
}

Candidate SyncClient::candidate(const PeerId& id, const Peer& peer) {
  return {.peer = id, .status = &*peer.status, .want_bytes = peer.pace.want_bytes(), .is_idle = peer.flights == 0};
}

bool SyncClient::ask_more(const PeerId& id, Peer& peer, Instant now) {
  const Candidate whom = candidate(id, peer);
  for (Plan* plan : plans_) {
    if (plan->done()) continue;
    if (auto ask = plan->next(whom)) return begin(id, peer, plan, *std::move(ask), now);
  }
  return false;
}

/// Of what others are too slow with, what holds up the most.
bool SyncClient::steal(const PeerId& id, Peer& peer, Instant now) {
  const std::uint64_t rate = peer.pace.bytes_per_s();
  if (rate == 0) return false;
  const Candidate whom = candidate(id, peer);
  auto best = flights_.end();
  for (auto it = flights_.begin(); it != flights_.end(); ++it) {
    const Flight& flight = it->second;
    if (flight.plan == nullptr || flight.peer == id || now < flight.begun.plus_ms(kStealMs)) continue;
    const std::uint64_t theirs = peers_.at(flight.peer).pace.bytes_per_s();
    const bool is_overdue = now >= flight.overdue_at && (flight.is_refused || rate >= theirs / 2);
    const bool is_slow = theirs > 0 && rate / 4 >= theirs;
    if ((!is_overdue && !is_slow) || !flight.plan->can_answer(whom, flight.ask)) continue;
    if (best == flights_.end() || flight.plan->rank(flight.ask) < best->second.plan->rank(best->second.ask)) best = it;
  }
  if (best == flights_.end()) return false;
  const PeerId slower = best->second.peer;
  peers_.at(slower).pace.hold_back();
  const bool is_refused = best->second.is_refused;
  end(best, true);
  if (is_refused && ++peers_.at(slower).empty_promises >= kMaxEmptyPromises) {
    drop(slower, DropReason::kUseless, "it begins answers that it does not end");
  }
  return ask_more(id, peer, now);
}

void SyncClient::ask_status(const PeerId& id, Peer& peer, Instant now) {
  if (peer.asks_status) return;
  peer.ask_status_at = now.plus_ms(kStatusMs);
  peer.asks_status = begin(id, peer, nullptr, StatusAsk{}, now);
}

bool SyncClient::begin(const PeerId& id, Peer& peer, Plan* plan, Ask ask, Instant now) {
  const FlightId flight = ++last_flight_;
  const auto it = flights_.emplace(flight, Flight{}).first;
  it->second.peer = id;
  it->second.plan = plan;
  it->second.ask = std::move(ask);
  it->second.want_bytes = plan == nullptr ? kMinWantBytes : peer.pace.want_bytes();
  it->second.begun = now;
  it->second.late_at = peer.pace.late_at(peer.flight_bytes, now);
  it->second.overdue_at = peer.pace.overdue_at(peer.flight_bytes, now);
  ++peer.flights;
  peer.flight_bytes += it->second.want_bytes;
  if (send(it->second, peer, flight, now)) return true;
  end(it, true);
  return false;
}

Status SyncClient::send(Flight& flight, Peer& peer, FlightId id, Instant now) {
  const Request request{
      .ask = flight.ask, .want_bytes = flight.want_bytes, .offset = static_cast<std::uint32_t>(flight.answer.size())};
  const auto call = transport_.call(flight.peer, std::string(kSyncMethod), encode(request), flight.late_at);
  if (!call) {
    peer.waits_for_transport = call.error().fault == Fault::kBusy;  // which ends with on_ready
    pause(peer, now);
    return std::unexpected(call.error());
  }
  flight.call = *call;
  flight.sent = now;
  calls_[*call] = id;
  return {};
}

/// Answers of which a peer refused the next part for a while.
void SyncClient::resend(Instant now) {
  for (auto it = flights_.begin(); it != flights_.end();) {
    const auto next = std::next(it);
    Flight& flight = it->second;
    Peer& peer = peers_.at(flight.peer);
    if (!flight.call && now >= peer.paused_until) {
      flight.late_at = peer.pace.late_at(peer.flight_bytes, now);  // but it stays overdue for who waits for work
      if (!send(flight, peer, it->first, now)) end(it, true);
    }
    it = next;
  }
}

void SyncClient::end(Flights::iterator it, bool give_back) {
  Flight& flight = it->second;
  if (flight.call) {
    transport_.cancel(*flight.call);
    calls_.erase(*flight.call);
  }
  const auto peer = peers_.find(flight.peer);
  if (peer != peers_.end()) {
    --peer->second.flights;
    peer->second.flight_bytes -= flight.want_bytes;
    if (flight.plan == nullptr) peer->second.asks_status = false;
  }
  if (flight.total > 0) assembled_bytes_ -= flight.total;
  if (give_back && flight.plan != nullptr) flight.plan->give_back(flight.ask);
  flights_.erase(it);
}

// --- hearing ---

void SyncClient::on_result(CallId call, Result<Bytes> result, Instant now) {
  const auto known = calls_.extract(call);
  if (known.empty()) return;
  const auto it = flights_.find(known.mapped());
  it->second.call.reset();
  const PeerId id = it->second.peer;
  Peer& peer = peers_.at(id);
  if (!result) {
    on_failure(it, result.error(), now);
  } else {
    peer.bytes += result->size();
    peer.pace.on_reply(result->size(), it->second.want_bytes, it->second.sent, now);
    auto answer = decode_answer(*result);
    if (!answer) {
      drop(id, DropReason::kLied, "a malformed answer: " + answer.error().message);
    } else if (auto* part = std::get_if<Part>(&answer->body)) {
      on_part(it, std::move(*part), now);
    } else {
      on_refusal(it, std::get<Refusal>(answer->body), now);
    }
  }
  pump(now);
}

void SyncClient::on_part(Flights::iterator it, Part part, Instant now) {
  Flight& flight = it->second;
  Peer& peer = peers_.at(flight.peer);
  const std::size_t before = flight.answer.size();
  const bool is_first = before == 0;
  flight.is_refused = false;
  if (part.total == 0 || part.total > max_answer_bytes(flight.ask)) {
    return drop(flight.peer, DropReason::kLied, "an answer of a size that it cannot have");
  }
  // An honest node that forgot the answer between two parts and then had more to say.
  if (!is_first && part.total != flight.total) return on_empty_promise(it, "its answers change from part to part", now);
  if (part.bytes.size() != std::min<std::size_t>(flight.want_bytes, part.total - before)) {
    return drop(flight.peer, DropReason::kLied, "a part of another size than was asked for");
  }
  if (is_first && part.bytes.size() < part.total) {
    if (assembled_bytes_ + part.total > kMaxAssembledBytes) {
      pause(peer, now);
      return end(it, true);
    }
    flight.total = part.total;
    assembled_bytes_ += part.total;
    flight.answer.reserve(part.total);
  }
  flight.answer.insert(flight.answer.end(), part.bytes.begin(), part.bytes.end());
  if (flight.answer.size() == part.total) return complete(it);
  flight.late_at = peer.pace.late_at(peer.flight_bytes, now);
  flight.overdue_at = peer.pace.overdue_at(peer.flight_bytes, now);
  if (!send(flight, peer, it->first, now)) end(it, true);
}

void SyncClient::complete(Flights::iterator it) {
  const PeerId id = it->second.peer;
  Plan* const plan = it->second.plan;
  const Ask ask = std::move(it->second.ask);
  const Bytes answer = std::move(it->second.answer);
  const std::uint32_t want_bytes = it->second.want_bytes;
  end(it, false);
  Peer& peer = peers_.at(id);
  if (plan == nullptr) {
    auto status = decode<StatusAnswer>(answer);
    if (!status) return drop(id, DropReason::kLied, "a malformed status: " + status.error().message);
    peer.status = *std::move(status);
    return;
  }
  const auto all = plan->on_answer(id, ask, answer);
  if (!all) return drop(id, DropReason::kLied, all.error().message);
  if (!*all) peer.pace.on_some(answer.size(), want_bytes);
  peer.pause_ms = kPauseMs;
  peer.empty_promises = 0;
}

void SyncClient::on_refusal(Flights::iterator it, const Refusal& refusal, Instant now) {
  const PeerId id = it->second.peer;
  Peer& peer = peers_.at(id);
  if (refusal.kind == RefusalKind::kBusy) {
    peer.pace.hold_back();
    const std::uint64_t ms = std::clamp<std::uint64_t>(refusal.retry_ms, 10, kMaxPauseMs);
    peer.paused_until = std::max(peer.paused_until, now.plus_ms(ms));
    // An answer of which some is here is worth waiting for, until another could begin it.
    it->second.is_refused = true;
    if (it->second.answer.empty()) end(it, true);
    return;
  }
  if (std::holds_alternative<HeadersByIdAsk>(it->second.ask) || std::holds_alternative<BlocksByIdAsk>(it->second.ask)) {
    peer.empty_promises = kMaxEmptyPromises;  // it says so for each id
  }
  on_empty_promise(it, "it does not have what it says it has", now);
}

/// Once, that is news of a node that drops old things; again and again it is a game.
void SyncClient::on_empty_promise(Flights::iterator it, const char* what, Instant now) {
  const PeerId id = it->second.peer;
  Peer& peer = peers_.at(id);
  end(it, true);
  if (++peer.empty_promises >= kMaxEmptyPromises) return drop(id, DropReason::kUseless, what);
  peer.status.reset();
  pause(peer, now);
}

void SyncClient::on_failure(Flights::iterator it, const Error& error, Instant now) {
  const PeerId id = it->second.peer;
  Peer& peer = peers_.at(id);
  const bool was_late = now >= it->second.late_at;
  end(it, true);
  if (was_late) {
    peer.pace.on_stall();
    if (peer.pace.stalls() >= kMaxStalls) drop(id, DropReason::kSlow, "no answer in time, again and again");
    return;
  }
  // The connection broke, which its owner tells as well, or the peer cannot work: one that never can is of no use.
  pause(peer, now);
  const bool is_broken = error.fault == Fault::kUnknownOutcome || error.fault == Fault::kUnreachable;
  if (!is_broken && ++peer.empty_promises >= kMaxEmptyPromises) {
    drop(id, DropReason::kUseless, "it fails: " + error.message);
  }
}

void SyncClient::on_ready(const PeerId& peer, Instant now) {
  const auto it = peers_.find(peer);
  if (it == peers_.end() || !std::exchange(it->second.waits_for_transport, false)) return;
  it->second.paused_until = now;
  pump(now);
}

// --- time ---

void SyncClient::tick(Instant now) {
  pump(now);
}

std::optional<Instant> SyncClient::next_wake(Instant now) const {
  if (failure_ || done()) return std::nullopt;
  for (const Plan* plan : plans_) {
    if (plan->unsettled()) return now;
  }
  std::optional<Instant> out;
  const auto consider = [&](Instant at) { out = out ? std::min(*out, at) : at; };
  for (const auto& [id, peer] : peers_) {
    if (!waiting_.empty() && is_idle(peer) && peer.used_at) consider(peer.used_at->plus_ms(kIdlePlaceMs));
    if (pumped_ < peer.paused_until) {
      consider(peer.paused_until);
    } else if (peer.flights == 0) {
      consider(peer.ask_status_at);
    }
  }
  for (const auto& [id, flight] : flights_) {
    for (const Instant at : {flight.begun.plus_ms(kStealMs), flight.overdue_at}) {
      if (pumped_ < at) consider(at);
    }
  }
  return out;
}

}  // namespace micro::p2p::sync
