// The second half of a call: run it, account for it, make the end durable, then answer.
#include "services/payment/provider.hpp"

namespace micro::payment {
namespace {

CallReply text_reply(std::uint16_t status, std::string_view text) {
  CallReply reply;
  reply.status = status;
  reply.content_type = Text<kMaxReplyContentTypeBytes>("text/plain; charset=utf-8");
  reply.body = Blob<kMaxReplyBodyBytes>(as_bytes(text));
  return reply;
}

}  // namespace

void Provider::start(Lane& lane) {
  const AcceptedRecord& flight = *lane.flight;
  const Voucher& v = flight.paid.voucher;
  const CallTerms terms = call_terms(config_.params, Amount(0), flight.inputs.price_per_mgas);
  const auto intrinsic = intrinsic_gas(terms, flight.request.bytes(), 0);
  const Gas limit = flight.inputs.gas_limit;
  const Gas of_run = intrinsic && *intrinsic <= limit ? Gas(limit.value - intrinsic->value) : Gas(0);
  lane.phase = Phase::kRunning;
  effects_.emplace_back(Run{{v.channel, v.lane, v.seq}, flight.request, flight.module, flight.inputs, of_run});
}

CallReceipt Provider::receipt_of(const Lane& lane, const SignedVoucher& paid) const {
  CallReceipt receipt;
  receipt.channel = paid.voucher.channel;
  receipt.lane = paid.voucher.lane;
  receipt.seq = paid.voucher.seq;
  receipt.outcome = CallOutcomeKind::kFailed;
  receipt.req = paid.voucher.req;
  receipt.cum_charged = lane.totals.cum_charged;
  receipt.cum_base_fee = lane.totals.cum_base_fee;
  return receipt;
}

void Provider::on_run_ended(const RunEnded& e) {
  Lane* lane = find_lane(e.call);
  if (lane == nullptr || lane->phase != Phase::kRunning) return;
  --running_;
  const Channel& channel = channels_.find(e.call.channel)->second;
  const AcceptedRecord& flight = *lane->flight;
  const CallTerms terms = call_terms(config_.params, channel.record->terms.price, flight.inputs.price_per_mgas);
  RunOutcome outcome = e.outcome;
  CallReply reply = e.reply;
  Gas gas;
  if (outcome == RunOutcome::kCompleted) {
    const auto intrinsic = intrinsic_gas(terms, flight.request.bytes(), reply.body.size());
    const auto sum = intrinsic ? checked_add(intrinsic->value, e.gas.value) : Result<std::uint64_t>(~0ULL);
    gas = Gas(sum.value_or(~0ULL));
    if (gas > flight.inputs.gas_limit) {
      outcome = RunOutcome::kExhausted;
      reply = text_reply(500, "the call and its answer cost more gas than was offered: offer a higher maximum price");
    }
  }
  CallReceipt receipt = receipt_of(*lane, flight.paid);
  receipt.module = flight.module;
  receipt.epoch = flight.request.record.price_epoch;
  receipt.inputs = call_inputs_hash(flight.inputs);
  const auto charge = charge_call(terms, outcome, gas, flight.inputs.gas_limit);
  const auto cum_charged = charge ? checked_add(receipt.cum_charged, charge->charged) : Result<Amount>(Amount(0));
  const auto cum_base_fee = charge ? checked_add(receipt.cum_base_fee, charge->base_fee) : Result<Amount>(Amount(0));
  if (!charge || !cum_charged || !cum_base_fee || outcome == RunOutcome::kHostFailed) {
    return end_call(*lane, receipt, flight.inputs,
                    text_reply(500, "this host failed to run the call: nothing was charged"));
  }
  receipt.outcome = CallOutcomeKind::kDone;
  receipt.charged = charge->charged;
  receipt.base_fee = charge->base_fee;
  receipt.gas = charge->gas;
  receipt.cum_charged = *cum_charged;
  receipt.cum_base_fee = *cum_base_fee;
  end_call(*lane, receipt, flight.inputs, std::move(reply));
}

void Provider::on_run_deferred(const RunDeferred& e, TimeMs now) {
  Lane* lane = find_lane(e.call);
  if (lane == nullptr || lane->phase != Phase::kRunning) return;
  if (!lane->deferred) lane->deferred = now;
  deferred_.push_back(e.call);
}

void Provider::run_deferred(TimeMs now) {
  for (const RunKey& call : std::exchange(deferred_, {})) {
    Lane* lane = find_lane(call);
    if (lane == nullptr || lane->phase != Phase::kRunning || !lane->deferred) continue;
    if (now.value > lane->deferred->value + kMaxDeferMs) {
      on_run_ended({call, RunOutcome::kHostFailed, Gas(0), {}});
    } else {
      start(*lane);
    }
  }
}

void Provider::fail_call(const CallArrived& e, Lane& lane, std::uint16_t status, std::string_view problem) {
  lane.flight = AcceptedRecord{e.paid, {}, {}, {}};  // only its number matters from here on
  lane.caller = e.id;
  end_call(lane, receipt_of(lane, e.paid), {}, text_reply(status, problem));
}

void Provider::end_call(Lane& lane, CallReceipt receipt, const CallInputs& inputs, CallReply reply) {
  receipt.resp = response_hash(reply.status, reply.body);
  const bool done = receipt.outcome == CallOutcomeKind::kDone;
  lane.ending = EndedRecord{lane.flight->paid,
                            receipt,
                            sign_receipt(config_.node_key, receipt),
                            inputs,
                            std::move(reply),
                            done ? std::nullopt : lane.claimable};
  lane.phase = Phase::kEnding;
  Bytes value = encode(*lane.ending);
  account(lane.ended_bytes, value.size());
  account(lane.accepted_bytes, 0);
  std::vector<Write> writes;
  writes.push_back({lane_key(RecordKind::kEnded, receipt.channel, receipt.lane), std::move(value)});
  writes.push_back({lane_key(RecordKind::kAccepted, receipt.channel, receipt.lane), std::nullopt});
  persist(std::move(writes), Pending::What::kEnded, {receipt.channel, receipt.lane, receipt.seq});
}

void Provider::finish(Channel& channel, Lane& lane) {
  EndedRecord ended = std::move(*lane.ending);
  const CallReceipt& r = ended.receipt;
  lane.totals = {r.seq, r.cum_charged, r.cum_base_fee};
  lane.last = LaneProof{ended.paid, {r, ended.receipt_signature}};
  if (r.outcome == CallOutcomeKind::kDone) {
    lane.claimable = LaneClaim{ended.paid.voucher, ended.paid.signature, r.cum_charged, r.cum_base_fee};
  }
  lane.flight.reset();
  lane.ending.reset();
  lane.resends = 0;
  lane.deferred.reset();
  lane.phase = Phase::kIdle;
  if (lane.caller) {
    Answer answer;
    answer.status = ended.reply.status;
    answer.receipt = lane.last->receipt;
    answer.inputs = ended.inputs;
    answer.reply = std::move(ended.reply);
    respond(*lane.caller, std::move(answer));
    lane.caller.reset();
  }
  consider_claim(channel);
  consider_close(channel);
}

}  // namespace micro::payment
