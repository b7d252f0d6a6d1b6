#include "services/payment/provider.hpp"

#include "chain/base/check.hpp"

namespace micro::payment {
namespace {

constexpr std::uint32_t kRetrySoonSeconds = 1;
constexpr std::uint32_t kRetryLaterSeconds = 5;

Answer plain(std::uint16_t status, std::string problem, std::uint32_t retry_after_s = 0) {
  Answer answer;
  answer.status = status;
  answer.problem = std::move(problem);
  answer.retry_after_s = retry_after_s;
  return answer;
}

}  // namespace

Provider::Provider(ProviderConfig config, const PaymentStore& store) : config_(std::move(config)), store_(store) {}

Effects Provider::on(const Event& event, TimeMs now) {
  effects_.clear();
  if (const auto* call = std::get_if<CallArrived>(&event)) {
    on_call(*call, now);
  } else if (const auto* disk = std::get_if<Persisted>(&event)) {
    on_persisted(disk->through);
  } else if (const auto* run = std::get_if<RunEnded>(&event)) {
    on_run_ended(*run);
  } else if (const auto* seen = std::get_if<ChannelSeen>(&event)) {
    on_channel(*seen);
  } else if (const auto* gone = std::get_if<ChannelGone>(&event)) {
    on_gone(gone->channel);
  } else if (const auto* tip = std::get_if<TipAdvanced>(&event)) {
    on_tip(*tip);
    run_deferred(now);
  } else if (const auto* deferred = std::get_if<RunDeferred>(&event)) {
    on_run_deferred(*deferred, now);
  } else if (const auto* close = std::get_if<CloseAsked>(&event)) {
    on_close_asked(*close);
  } else if (std::holds_alternative<LedgerRead>(event)) {
    on_ledger_read();
  } else if (std::holds_alternative<ClaimAsked>(event)) {
    claim_asked_ = true;
    for (auto& [id, channel] : channels_) consider_claim(channel);
    claim_asked_ = false;
  } else if (const auto* draining = std::get_if<Draining>(&event)) {
    on_draining(draining->on);
  }
  return std::move(effects_);
}

const XOnlyKey* Provider::voucher_key(const ChannelId& channel) const {
  const auto found = channels_.find(channel);
  return found != channels_.end() && found->second.record ? &found->second.record->vkey : nullptr;
}

// --- a call arrives ---

void Provider::on_call(const CallArrived& e, TimeMs now) {
  const Voucher& v = e.paid.voucher;
  const auto found = channels_.find(v.channel);
  if (found == channels_.end() || !found->second.record) {
    return respond(e.id, plain(402, "this host knows no such channel: open one, or wait until its opening is final"));
  }
  Channel& channel = found->second;
  if (channel.fenced) {
    return respond(e.id, plain(402, "this host lost its books of the channel: close it and open another"));
  }
  if (v.lane >= channel.lanes.size()) return respond(e.id, plain(402, "the channel has no such lane"));
  Lane& lane = channel.lanes[v.lane];
  const bool known = v.seq <= lane.totals.seq || (lane.flight && v.seq == lane.flight->paid.voucher.seq);
  if (known) return look_up(e, *channel.record, lane);
  if (lane.flight) return respond(e.id, plain(409, "the lane's call before this one has not ended"));
  if (!e.signature_checked && !verify_voucher(channel.record->vkey, v, e.paid.signature)) {
    return respond(e.id, plain(402, "the voucher's signature does not verify"));
  }
  if (v.seq != lane.totals.seq + 1) {
    Answer answer =
        plain(402, "out of sequence: the lane's next call is number " + std::to_string(lane.totals.seq + 1));
    answer.lane = lane.last;
    return respond(e.id, std::move(answer));
  }
  if (const auto wrong = check_bytes(e)) return respond(e.id, plain(wrong->status, wrong->problem));
  if (const auto busy = check_readiness(e, now)) {
    return respond(e.id, plain(busy->status, busy->problem, busy->retry_after_s));
  }
  if (channel.closing) return respond(e.id, plain(402, "the channel is being closed"));
  const Admission admission = admit(e, channel, now);
  if (!admission) return fail_call(e, lane, admission.error().status, admission.error().problem);
  accept(e, lane, *admission, now);
}

void Provider::look_up(const CallArrived& e, const ChannelRecord& record, Lane& lane) {
  const Voucher& v = e.paid.voucher;
  const bool in_flight = lane.flight && lane.flight->paid.voucher.seq == v.seq;
  if (in_flight) {
    if (lane.flight->paid != e.paid) return respond(e.id, plain(409, "another voucher with this number is in work"));
    return respond(e.id, plain(503, "the call is in work: send the same bytes again", kRetrySoonSeconds));
  }
  if (lane.last && lane.last->paid == e.paid) return resend(e, lane);
  Answer answer = plain(409, v.seq < lane.totals.seq ? "the call is over and its answer is no longer kept"
                                                     : "another voucher used this number");
  // A wallet that lost its records signs a number again: its signature shows that it may see where the lane is.
  if (e.signature_checked || verify_voucher(record.vkey, v, e.paid.signature)) {
    answer.status = 402;
    answer.lane = lane.last;
  }
  respond(e.id, std::move(answer));
}

void Provider::resend(const CallArrived& e, Lane& lane) {
  if (lane.resends >= config_.max_resends) {
    Answer answer = plain(429, "this answer was sent often enough");
    answer.lane = lane.last;  // small, and lets the payer settle without the answer
    return respond(e.id, std::move(answer));
  }
  ++lane.resends;
  const auto bytes = store_.get(lane_key(RecordKind::kEnded, e.paid.voucher.channel, e.paid.voucher.lane));
  if (!bytes || !*bytes) return respond(e.id, plain(503, "the books cannot be read", kRetryLaterSeconds));
  auto record = decode<EndedRecord>(**bytes);
  if (!record || record->paid != e.paid) return respond(e.id, plain(500, "the books are damaged"));
  Answer answer;
  answer.status = record->reply.status;
  answer.reply = std::move(record->reply);
  answer.receipt = SignedReceipt{record->receipt, record->receipt_signature};
  answer.inputs = record->inputs;
  respond(e.id, std::move(answer));
}

/// The voucher commits to exactly this request: otherwise somebody between changed it, and the number stays unused.
std::optional<Provider::Refusal> Provider::check_bytes(const CallArrived& e) const {
  if (sha256(e.request.body) != e.request.record.body_hash)
    return Refusal{400, "the body is not the one that was paid for"};
  if (request_hash(e.request.record) != e.paid.voucher.req) {
    return Refusal{400, "the request is not the one that was paid for"};
  }
  return std::nullopt;
}

/// What passes by itself: the same bytes may be sent again, and no number is used up.
std::optional<Provider::Refusal> Provider::check_readiness(const CallArrived& e, TimeMs now) const {
  const auto later = [](std::string why) { return Refusal{503, std::move(why), kRetryLaterSeconds}; };
  if (!tip_) return later("this host has not read the ledger yet");
  const std::uint64_t oldest_tip_ms = std::uint64_t{config_.params.dispute_epochs} * config_.params.epoch_ms / 4;
  if (now.value > tip_->time.value && now.value - tip_->time.value > oldest_tip_ms) {
    return later("this host has not heard from the ledger for too long to accept payments");
  }
  if (!e.module) return later("the service is not ready on this host");
  if (running_ >= config_.max_running) return later("this host has all the calls it can take");
  if (stored_bytes_ >= config_.max_stored_bytes) return later("this host's books are full");
  return std::nullopt;
}

std::optional<Amount> Provider::gas_price(Epoch epoch) const {
  if (epoch == tip_->epoch) return tip_->price_per_mgas;
  if (epoch.next() == tip_->epoch) return previous_price_;
  return std::nullopt;
}

std::uint32_t Provider::margin_epochs() const {
  return std::max(1U, config_.params.dispute_epochs / 4);
}

Provider::Admission Provider::admit(const CallArrived& e, const Channel& channel, TimeMs now) const {
  const auto refuse = [](std::string why) { return std::unexpected(Refusal{402, std::move(why)}); };
  const ChannelRecord& record = *channel.record;
  if (record.state != ChannelState::kOpen) return refuse("the channel is closing");
  if (e.request.record.service != record.service) return refuse("the channel pays for another service");
  if (now > e.paid.voucher.accept_by) return refuse("the voucher came too late");
  if (draining_ || tip_->epoch.value + margin_epochs() >= channel.end_eff.value) {
    return refuse("the channel ends too soon to accept another call");
  }
  const auto price = gas_price(e.request.record.price_epoch);
  if (!price) return refuse("the gas price is of another epoch: it is now epoch " + tip_->epoch.text());
  if (auto wrong = check_amounts(e.paid, channel)) return std::unexpected(std::move(*wrong));
  const Lane& lane = channel.lanes[e.paid.voucher.lane];
  const Amount max_price(e.paid.voucher.cum.micro - lane.totals.cum_charged.micro);
  const auto limit =
      call_gas_limit(call_terms(config_.params, record.terms.price, *price), max_price, e.request.bytes());
  if (!limit) return refuse(limit.error().message);
  return *limit;
}

std::optional<Provider::Refusal> Provider::check_amounts(const SignedVoucher& paid, const Channel& channel) const {
  u128 promised = paid.voucher.cum.micro;
  for (std::size_t i = 0; i < channel.lanes.size(); ++i) {
    const Lane& lane = channel.lanes[i];
    if (i == paid.voucher.lane) {
      if (paid.voucher.cum <= lane.totals.cum_charged) return Refusal{402, "the voucher adds nothing to what is owed"};
      continue;
    }
    promised += lane.flight ? lane.flight->paid.voucher.cum.micro : lane.totals.cum_charged.micro;
  }
  if (promised > channel.record->deposit.micro) return Refusal{402, "the vouchers together are above the deposit"};
  return std::nullopt;
}

void Provider::accept(const CallArrived& e, Lane& lane, Gas gas_limit, TimeMs now) {
  const Voucher& v = e.paid.voucher;
  const Hash seed = keyed_hash(config_.seed_secret, domain::kCallSeed, voucher_hash(v));
  const CallInputs inputs{now, seed, gas_limit, config_.engine, *gas_price(e.request.record.price_epoch)};
  lane.flight = AcceptedRecord{e.paid, e.request, *e.module, inputs};
  lane.caller = e.id;
  lane.phase = Phase::kAccepting;
  ++running_;
  Bytes value = encode(*lane.flight);
  account(lane.accepted_bytes, value.size());
  std::vector<Write> writes;
  writes.push_back({lane_key(RecordKind::kAccepted, v.channel, v.lane), std::move(value)});
  persist(std::move(writes), Pending::What::kAccepted, {v.channel, v.lane, v.seq});
}

void Provider::respond(CallId id, Answer answer) {
  effects_.emplace_back(Respond{id, std::move(answer)});
}

// --- disk ---

void Provider::persist(std::vector<Write> writes, Pending::What what, const RunKey& call) {
  pending_.push_back({next_token_, what, call});
  effects_.emplace_back(Persist{next_token_, std::move(writes)});
  ++next_token_;
}

void Provider::on_persisted(std::uint64_t through) {
  while (!pending_.empty() && pending_.front().token <= through) {
    const Pending done = pending_.front();
    pending_.pop_front();
    if (done.what == Pending::What::kNothing) continue;
    const auto found = channels_.find(done.call.channel);
    if (found == channels_.end()) continue;
    if (done.what == Pending::What::kClosing) {
      found->second.closing_synced = true;
      consider_close(found->second);
      continue;
    }
    Lane* lane = find_lane(done.call);
    if (lane == nullptr) continue;
    if (done.what == Pending::What::kAccepted) {
      start(*lane);
    } else {
      finish(found->second, *lane);
    }
  }
}

void Provider::account(std::uint64_t& of_lane, std::uint64_t bytes) {
  stored_bytes_ += bytes;
  stored_bytes_ -= of_lane;
  of_lane = bytes;
}

/// The lane that has exactly this call in flight.
Provider::Lane* Provider::find_lane(const RunKey& call) {
  const auto found = channels_.find(call.channel);
  if (found == channels_.end() || call.lane >= found->second.lanes.size()) return nullptr;
  Lane& lane = found->second.lanes[call.lane];
  return lane.flight && lane.flight->paid.voucher.seq == call.seq ? &lane : nullptr;
}

}  // namespace micro::payment
