#include "services/gateway/gateway.hpp"

namespace micro::gateway {

Gateway::Gateway(ChainParams params, const std::vector<OpeningNote>& openings) : params_(std::move(params)) {
  for (const OpeningNote& note : openings) openings_.emplace(note.id, note);
}

Effects Gateway::on(Event event) {
  effects_.clear();
  std::visit([this](auto& e) { handle(e); }, event);
  while (!ready_.empty()) {
    const auto found = calls_.find(ready_.front());
    ready_.pop_front();
    if (found != calls_.end()) proceed(found->second);
  }
  return std::move(effects_);
}

Gateway::Call* Gateway::find(CallId id, Wait wait) {
  const auto found = calls_.find(id);
  return found != calls_.end() && found->second.wait == wait ? &found->second : nullptr;
}

void Gateway::handle(TipAdvanced& e) {
  tip_ = e;
  for (const auto& [id, note] : openings_) effects_.emplace_back(TakeOver{id});
}

void Gateway::handle(CallArrived& e) {
  const auto refuse = [&](Error error) { effects_.emplace_back(Finish{e.id, std::unexpected(std::move(error))}); };
  if (!tip_) return refuse({Fault::kBusy, "the node has not read the ledger yet", "try again in a moment"});
  if (calls_.size() >= kMaxWaitingPaidCalls)
    return refuse({Fault::kBusy, "too many paid calls wait already", "try again in a moment"});
  const auto gas = gas_fee(Gas(kDefaultGas), tip_->price_per_mgas);
  const auto usual = gas ? checked_add(e.call.price, *gas) : gas;
  if (!usual) return refuse(usual.error());
  Call& call = calls_[e.id];
  call.id = e.id;
  call.order = std::move(e.call);
  call.max_price = call.order.max_price.value_or(*usual);
  call.order.request.record.body_hash = sha256(call.order.request.body);
  effects_.emplace_back(ChooseSession{call.id, call.order.owner, call.order.service, call.max_price, tip_->epoch});
}

void Gateway::handle(CallerLeft& e) {
  const auto found = calls_.find(e.id);
  if (found == calls_.end()) return;
  Call& call = found->second;
  if (std::exchange(call.left, true)) return;
  effects_.emplace_back(Finish{call.id, fail(Fault::kInterrupted, "the caller left")});
  if (call.wait == Wait::kSession) {
    calls_.erase(found);
  } else if (call.wait == Wait::kTurn) {
    std::erase(lanes_[lane_of(call)].queue, call.id);
    release_key(call);
    calls_.erase(found);
  } else if (call.wait == Wait::kSameKey) {
    release_key(call);
    calls_.erase(found);
  }
}

void Gateway::handle(SessionChosen& e) {
  Call* call = find(e.id, Wait::kSession);
  if (call == nullptr) return;
  if (!e.session) {
    Error why = std::move(e.session.error());
    if (why.fault == Fault::kNotFound) {
      why = {Fault::kDenied, "no session key pays for this call", "grant one with `micro wallet session create`"};
    }
    effects_.emplace_back(Finish{call->id, std::unexpected(std::move(why))});
    calls_.erase(e.id);
    return;
  }
  call->session = *e.session;
  begin(*call);
}

/// Two calls at once with one Idempotency-Key would both find that it was not paid for yet.
void Gateway::begin(Call& call) {
  if (!call.order.idempotency_key.empty()) {
    auto& sharing = same_key_[{lane_of(call), call.order.idempotency_key}];
    sharing.push_back(call.id);
    call.wait = Wait::kSameKey;
    if (sharing.size() > 1) return;
  }
  ++lanes_[lane_of(call)].active;
  proceed(call);
}

void Gateway::release_key(const Call& call) {
  const auto found = same_key_.find({lane_of(call), call.order.idempotency_key});
  if (found == same_key_.end()) return;
  auto& sharing = found->second;
  const bool was_first = sharing.front() == call.id;
  std::erase(sharing, call.id);
  if (sharing.empty()) {
    same_key_.erase(found);
  } else if (was_first) {
    calls_[sharing.front()].wait = Wait::kLane;
    ++lanes_[lane_of(call)].active;
    ready_.push_back(sharing.front());
  }
}

void Gateway::proceed(Call& call) {
  if (call.left || call.attempts > kMaxAttempts) {
    return finish(call,
                  fail(Fault::kBusy, "an earlier call on this channel has no outcome yet", "try again in a moment"));
  }
  call.wait = Wait::kLane;
  call.promise.reset();
  call.order.request.record.price_epoch = tip_->epoch;  // it may have waited over a boundary
  effects_.emplace_back(
      FindLane{call.id, lane_of(call), call.order.idempotency_key, call.order.request.record, tip_->epoch});
}

/// The host accepts no calls so close to the end of a channel, and none once its close is requested.
bool Gateway::is_ending(const LedgerChannel& channel) const {
  const std::uint32_t margin = std::max(1U, params_.dispute_epochs / 4);
  return !channel.open || tip_->epoch.value + margin >= channel.end_eff.value;
}

void Gateway::handle(LaneFound& e) {
  Call* call = find(e.id, Wait::kLane);
  if (call == nullptr) return;
  if (!e.found) return finish(*call, std::unexpected(std::move(e.found.error())));
  Found& found = *e.found;
  if (found.kept) return finish(*call, std::move(*found.kept));
  if (found.channel && !found.ledger) {
    call->wait = Wait::kForgotten;
    effects_.emplace_back(ForgetChannel{call->id, found.channel->id});
    return;
  }
  if (found.known) {
    call->promise = std::move(found.known);
    return send(*call);
  }
  if (!found.channel) return open_channel(*call);
  if (is_ending(*found.ledger)) {
    ++call->attempts;
    return open_channel(*call);  // the new one lasts longer, so it is the one that is found
  }
  sign(*call, *found.channel, found.ledger->deposit);
}

void Gateway::handle(ChannelForgotten& e) {
  Call* call = find(e.id, Wait::kForgotten);
  if (call == nullptr) return;
  if (!e.done) return finish(*call, std::unexpected(std::move(e.done.error())));
  ++call->attempts;
  proceed(*call);
}

void Gateway::sign(Call& call, const Channel& channel, Amount deposit) {
  if (call.left) return finish(call, fail(Fault::kInterrupted, "the caller left"));
  call.wait = Wait::kVoucher;
  call.channel = channel;
  call.order.request.record.price_epoch = tip_->epoch;
  SignVoucher out;
  out.id = call.id;
  out.lane = lane_of(call);
  out.channel = channel;
  out.request = call.order.request;
  out.max_price = call.max_price;
  out.terms = call_terms(params_, channel.price, tip_->price_per_mgas);
  out.idempotency_key = call.order.idempotency_key;
  out.epoch = tip_->epoch;
  out.deposit = deposit;
  effects_.emplace_back(std::move(out));
}

void Gateway::handle(VoucherSigned& e) {
  Call* call = find(e.id, Wait::kVoucher);
  if (call == nullptr) return;
  if (e.promise) {
    call->promise = std::move(*e.promise);
    return send(*call);
  }
  const Fault fault = e.promise.error().fault;
  if (fault == Fault::kUnknownOutcome) {
    ++call->attempts;
    call->wait = Wait::kUnresolved;
    effects_.emplace_back(ListUnresolved{call->id, call->channel.id});
    return;
  }
  if (fault == Fault::kBusy) {
    // Whoever has the lane wakes the next one; nobody would when it is somebody outside, or has ended meanwhile.
    if (lanes_[lane_of(*call)].active > 1) return queue(*call);
    if (++call->waits <= kMaxWaits) return wait(*call, Wait::kTimeToProceed);
  }
  const bool spent = fault == Fault::kFunds && call->max_price <= call->channel.max_call_price;
  if (spent && !call->topped_up && !call->left) return top_up(*call);
  finish(*call, std::unexpected(std::move(e.promise.error())));
}

void Gateway::queue(Call& call) {
  if (call.left) return finish(call, fail(Fault::kInterrupted, "the caller left"));
  Lane& lane = lanes_[lane_of(call)];
  --lane.active;
  call.wait = Wait::kTurn;
  lane.queue.push_back(call.id);
}

void Gateway::wait(Call& call, Wait until) {
  call.wait = until;
  effects_.emplace_back(ArmTimer{call.id, kResendAfterMs});
}

void Gateway::handle(TimeIsUp& e) {
  if (Call* call = find(e.id, Wait::kTimeToProceed)) return proceed(*call);
  if (Call* call = find(e.id, Wait::kTimeToSend)) return send(*call);
}

void Gateway::finish(Call& call, Result<PaidReply> reply) {
  if (!call.left) effects_.emplace_back(Finish{call.id, std::move(reply)});
  const LaneKey key = lane_of(call);
  release_key(call);
  calls_.erase(call.id);
  Lane& lane = lanes_[key];
  --lane.active;
  // However it ended, nobody else may wait for its lane in vain.
  if (!lane.opening && !lane.queue.empty()) {
    ready_.push_back(lane.queue.front());
    lane.queue.pop_front();
    ++lane.active;
    calls_[ready_.back()].wait = Wait::kLane;
  }
  if (lane.active == 0 && lane.queue.empty() && !lane.opening) lanes_.erase(key);
}

}  // namespace micro::gateway
