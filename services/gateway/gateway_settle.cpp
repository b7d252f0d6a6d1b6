// From a voucher to its outcome. An answer that settles nothing leaves the voucher as it is: the same bytes go out
// again, by this call or by the next one on the lane.
#include "services/gateway/gateway.hpp"

namespace micro::gateway {
namespace {

constexpr std::uint16_t kPaymentRequired = 402;
constexpr std::uint16_t kGone = 429;  // the stored answer is not given any more

Error explain(const payment::Answer& answer) {
  const std::string why = answer.problem.empty() ? std::string(as_text(answer.reply.body)) : answer.problem;
  const bool later = answer.status == 503 || answer.status == kGone;
  return {later ? Fault::kBusy : Fault::kRejected, why, later ? "try again in a moment" : ""};
}

/// An answer that was settled before and is asked for again: nothing is owed for it anew.
bool is_same_again(const Promise& promise, const payment::Answer& answer) {
  const CallReceipt& receipt = answer.receipt->receipt;
  const Voucher& voucher = promise.paid.voucher;
  return promise.again && receipt.channel == voucher.channel && receipt.lane == voucher.lane &&
         receipt.req == voucher.req && receipt.seq == voucher.seq &&
         verify_receipt(promise.channel.receipt_key, receipt, answer.receipt->signature) &&
         receipt.resp == response_hash(answer.reply.status, answer.reply.body);
}

}  // namespace

void Gateway::send(Call& call) {
  const Promise& promise = *call.promise;
  call.wait = Wait::kAnswer;
  call.sending = ++sendings_;
  SendVoucher out;
  out.id = call.id;
  out.sending = call.sending;
  out.paid = promise.paid;
  out.request.record = promise.request;
  if (call.resolving) {
    out.request.body.assign(promise.body.begin(), promise.body.end());
  } else {
    out.request.body = call.order.request.body;
  }
  out.module = call.order.module;
  effects_.emplace_back(std::move(out));
}

void Gateway::handle(UnresolvedListed& e) {
  Call* call = find(e.id, Wait::kUnresolved);
  if (call == nullptr) return;
  if (!e.promises) return finish(*call, std::unexpected(std::move(e.promises.error())));
  if (e.promises->empty()) return proceed(*call);
  // The turn of the others comes with the next attempt.
  for (std::size_t i = 1; i < e.promises->size(); ++i) set_aside((*e.promises)[i]);
  call->promise = std::move(e.promises->front());
  call->resolving = true;
  send(*call);
}

void Gateway::handle(Answered& e) {
  Call* call = find(e.id, Wait::kAnswer);
  if (call == nullptr || call->sending != e.sending) return;
  call->answer = std::move(e.answer);
  if (!call->answer->receipt && !call->answer->lane) return unsettled(*call);
  const Voucher& voucher = call->promise->paid.voucher;
  if (call->answer->receipt) {
    call->wait = Wait::kReceiptJudged;
    effects_.emplace_back(JudgeReceipt{call->id, voucher.channel, voucher.lane, *call->answer});
  } else {
    call->wait = Wait::kProofJudged;
    effects_.emplace_back(
        JudgeProof{call->id, voucher.channel, voucher.lane, *call->answer->lane, call->answer->status == kGone});
  }
}

void Gateway::handle(ReceiptJudged& e) {
  Call* call = find(e.id, Wait::kReceiptJudged);
  if (call == nullptr) return;
  payment::Answer answer = std::move(*call->answer);
  call->answer.reset();
  const Amount charged = answer.receipt->receipt.charged;
  if (!e.judgement && e.judgement.error().fault == Fault::kNotFound && is_same_again(*call->promise, answer)) {
    const bool done = answer.receipt->receipt.outcome == CallOutcomeKind::kDone;
    e.judgement = Judgement{done ? Verdict::kDone : Verdict::kFailed, ""};
  }
  if (!e.judgement) return outcome(*call, std::unexpected(std::move(e.judgement.error())));
  if (e.judgement->verdict == Verdict::kDropped) {
    return outcome(*call, fail(Fault::kMismatch,
                               "the host signed something false and is not paid any more: " + e.judgement->reason));
  }
  if (e.judgement->verdict == Verdict::kFailed) {
    // Its number is used up and cost nothing. When the epoch changed while the bytes waited for a host that then
    // refused to begin, that is why, and the call is signed anew for the gas price of now.
    if (answer.reply.status == kPaymentRequired && call->promise->request.price_epoch != tip_->epoch)
      return outcome(*call, fail(Fault::kInterrupted, "the epoch changed while the call waited"));
    if (call->resolving) return outcome(*call, fail(Fault::kRejected, "it failed"));
    return finish(*call, std::unexpected(explain(answer)));  // there is nothing to send again, busy or not
  }
  outcome(*call, PaidReply{std::move(answer), charged});
}

void Gateway::handle(ProofJudged& e) {
  Call* call = find(e.id, Wait::kProofJudged);
  if (call == nullptr) return;
  if (e.learnt && *e.learnt) {
    call->answer.reset();
    return outcome(*call, fail(Fault::kInterrupted, "the lane continues where the host proved it to be"));
  }
  if (!e.learnt && e.learnt.error().fault == Fault::kMismatch)
    return outcome(*call, std::unexpected(std::move(e.learnt.error())));
  unsettled(*call);
}

void Gateway::unsettled(Call& call) {
  Error why = explain(*call.answer);
  call.answer.reset();
  if (why.fault != Fault::kBusy) set_aside(*call.promise);
  outcome(call, std::unexpected(std::move(why)));
}

void Gateway::set_aside(const Promise& promise) {
  effects_.emplace_back(SetAside{promise.paid.voucher.channel, promise.paid.voucher.lane});
}

/// kBusy: nothing yet, the same bytes have to be sent again. kInterrupted: a new voucher may be signed.
void Gateway::outcome(Call& call, Result<PaidReply> reply) {
  const bool busy = !reply && reply.error().fault == Fault::kBusy;
  if (std::exchange(call.resolving, false)) {  // whoever made that call is gone
    if (!busy) return proceed(call);
    set_aside(*call.promise);
    --call.attempts;
    if (call.left || ++call.waits > kMaxWaits) return finish(call, std::move(reply));
    return wait(call, Wait::kTimeToProceed);
  }
  if (busy && ++call.waits <= kMaxWaits) return wait(call, Wait::kTimeToSend);
  if (busy) {
    set_aside(*call.promise);
    return finish(call, fail(Fault::kUnknownOutcome, reply.error().message + "; the call may still be run and charged",
                             "send it again with the same Idempotency-Key: it is then paid at most once"));
  }
  if (!reply && reply.error().fault == Fault::kInterrupted) {
    ++call.attempts;
    return proceed(call);
  }
  finish(call, std::move(reply));
}

}  // namespace micro::gateway
