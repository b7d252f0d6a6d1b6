#include "wallet/payer/lane.hpp"

namespace micro {
namespace {

CallTerms terms_of(const PayerChannel& channel, const SignedCall& call) {
  return {channel.price, call.price_per_mgas, call.intrinsic_gas_per_call, call.intrinsic_gas_per_byte};
}

LaneState totals_of(const CallReceipt& receipt) {
  LaneState out;
  out.seq = receipt.seq;
  out.cum_charged = receipt.cum_charged;
  out.cum_base_fee = receipt.cum_base_fee;
  return out;
}

std::unexpected<Error> does_not_follow(const char* what) {
  return fail(Fault::kCorrupt,
              std::string("an entry of the payment log does not follow from those before it: ") + what);
}

std::unexpected<Error> settles_nothing(const char* why) {
  return fail(Fault::kUnknownOutcome, std::string("the answer settles nothing: ") + why,
              "send the same voucher again; signing another could pay twice");
}

entry::Dropped drop(const std::string& reason, const SignedReceipt& evidence) {
  return {Text<kMaxDropReasonBytes>(reason.substr(0, kMaxDropReasonBytes)), evidence};
}

}  // namespace

entry::Opened PayerLane::opening(const PayerChannel& channel, std::uint8_t lane) {
  entry::Opened out;
  out.channel = channel.id;
  out.from.lane = lane;
  return out;
}

Result<PayerLane> PayerLane::restore(const PayerChannel& channel, std::uint8_t lane,
                                     const std::vector<Entry>& entries) {
  if (entries.empty() || !std::holds_alternative<entry::Opened>(entries.front()))
    return does_not_follow("no beginning");
  PayerLane out(channel, lane);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0 && std::holds_alternative<entry::Opened>(entries[i])) return does_not_follow("a second beginning");
    TRY(out.apply(entries[i]));
  }
  return out;
}

Status PayerLane::check_order(const SecretKey& vkey, const CallOrder& order) const {
  if (dropped_) {
    return fail(Fault::kDenied, "this host is not paid any more: " + dropped_->reason,
                "call the service at another host");
  }
  if (pending_) {
    return fail(Fault::kBusy, "the lane's last call has no outcome yet", "send its voucher again before a new one");
  }
  if (order.now >= channel_.end) return fail(Fault::kDenied, "the channel has ended", "open a new one");
  if (vkey.x_only_key() != channel_.vkey) return fail(Fault::kInvalid, "this key does not sign the channel's vouchers");
  if (order.request.service != channel_.service) return fail(Fault::kInvalid, "the channel pays another service");
  if (order.terms.price != channel_.price)
    return fail(Fault::kInvalid, "the channel's price is frozen at another amount");
  if (order.body.size() > kMaxPaidBodyBytes) {
    return fail(Fault::kLimit, "a paid request has at most " + std::to_string(kMaxPaidBodyBytes) + " bytes");
  }
  if (order.idempotency_key.size() > kMaxIdempotencyKeyBytes || !is_valid_utf8(order.idempotency_key)) {
    return fail(Fault::kInvalid, "an Idempotency-Key has at most 64 bytes of text");
  }
  if (order.request.body_hash != sha256(order.body))
    return fail(Fault::kInvalid, "the request's hash is not its body's");
  if (order.max_price > channel_.max_call_price) {
    return fail(
        Fault::kFunds,
        "up to " + amount_text(order.max_price) + " for this call, your cap is " + amount_text(channel_.max_call_price),
        "allow more with --max-price, or grant a session key with a higher cap");
  }
  return {};
}

Result<entry::Signed> PayerLane::prepare(const SecretKey& vkey, const CallOrder& order, Amount deposit,
                                         Amount committed_elsewhere) const {
  TRY(check_order(vkey, order));
  TRY(call_gas_limit(order.terms, order.max_price, order.body.size()));
  SignedCall call;
  call.request = order.request;
  call.body = Blob<kMaxPaidBodyBytes>(order.body);
  call.max_price = order.max_price;
  call.price_per_mgas = order.terms.price_per_mgas;
  call.intrinsic_gas_per_call = order.terms.intrinsic_gas_per_call;
  call.intrinsic_gas_per_byte = order.terms.intrinsic_gas_per_byte;
  call.idempotency_key.assign(order.idempotency_key);
  call.voucher.channel = channel_.id;
  call.voucher.lane = lane_;
  call.voucher.seq = TRY(checked_add(settled_.seq, 1));
  call.voucher.cum = TRY(checked_add(settled_.cum_charged, order.max_price));
  call.voucher.req = request_hash(order.request);
  call.voucher.accept_by = TimeMs(TRY(checked_add(order.wall.value, order.accept_ms)));
  const Amount promised = TRY(checked_add(call.voucher.cum, committed_elsewhere));
  if (promised > deposit) {
    return fail(Fault::kFunds,
                "the channel holds " + amount_text(deposit) + ", with this call " + amount_text(promised) +
                    " would be promised",
                "top the channel up");
  }
  call.signature = sign_voucher(vkey, call.voucher);
  // A computer that miscalculates must not send a signature that may reveal the key.
  if (!verify_voucher(channel_.vkey, call.voucher, call.signature)) return fail(Fault::kInternal, "signing went wrong");
  return entry::Signed{std::move(call)};
}

Result<Judgement> PayerLane::judge(const CallAnswer& answer) const {
  if (!pending_) return fail(Fault::kNotFound, "no call waits for an answer on this lane");
  const CallReceipt& receipt = answer.receipt.receipt;
  const Voucher& voucher = pending_->voucher;
  if (!verify_receipt(channel_.receipt_key, receipt, answer.receipt.signature)) {
    return settles_nothing("the receipt is not signed by the host");
  }
  // An older answer that arrives late is signed and true, but about something else. After the loss of a log even its
  // number may be that of the pending call.
  if (receipt.channel != voucher.channel || receipt.lane != voucher.lane || receipt.seq != voucher.seq ||
      receipt.req != voucher.req) {
    return settles_nothing("its receipt is for another call");
  }
  const bool done = receipt.outcome == CallOutcomeKind::kDone;
  if (done && !answer.inputs) return settles_nothing("a receipt without its inputs cannot be checked");
  const auto honest =
      check_receipt(receipt, answer.inputs.value_or(CallInputs{}), voucher, settled_, terms_of(channel_, *pending_));
  Judgement out;
  if (!honest) {
    out.verdict = CallVerdict::kDropped;
    out.reason = honest.error().message;
    out.entries = {drop(out.reason, answer.receipt)};
    return out;
  }
  out.verdict = done ? CallVerdict::kDone : CallVerdict::kFailed;
  out.entries = {entry::Settled{answer.receipt}};
  if (done && receipt.resp != response_hash(answer.status, answer.body)) {
    // The sums hold, so the money is settled; the answer is not the one that was signed.
    out.verdict = CallVerdict::kDropped;
    out.reason = "the answer is not the one that the receipt is for";
    out.entries.emplace_back(drop(out.reason, answer.receipt));
    return out;
  }
  const bool may_be_asked_for = done && !pending_->idempotency_key.empty();
  if (may_be_asked_for && answer.body.size() <= kMaxKeptAnswerBytes &&
      answer.content_type.size() <= kMaxKeptContentTypeBytes && is_valid_utf8(answer.content_type)) {
    entry::Answered kept;
    kept.seq = receipt.seq;
    kept.status = answer.status;
    kept.content_type.assign(answer.content_type);
    kept.body = Blob<kMaxKeptAnswerBytes>(answer.body);
    kept.inputs = *answer.inputs;
    out.entries.emplace_back(std::move(kept));
  }
  return out;
}

Status PayerLane::check_proof(const LaneProof& proof) const {
  const Voucher& voucher = proof.voucher;
  const CallReceipt& receipt = proof.receipt.receipt;
  if (voucher.channel != channel_.id || voucher.lane != lane_) return fail(Fault::kDenied, "it is about another lane");
  if (!verify_voucher(channel_.vkey, voucher, proof.signature)) {
    return fail(Fault::kDenied, "the host shows no voucher that this wallet signed", "its word alone is not believed");
  }
  if (!verify_receipt(channel_.receipt_key, receipt, proof.receipt.signature)) {
    return fail(Fault::kDenied, "the host did not sign its account of the lane");
  }
  if (receipt.channel != voucher.channel || receipt.lane != voucher.lane || receipt.seq != voucher.seq ||
      receipt.req != voucher.req) {
    return fail(Fault::kDenied, "voucher and receipt are not of one call");
  }
  // Of calls that the log does not know only the bounds can be checked: those that the ledger enforces on claims.
  const Amount prices = Amount(TRY(checked_mul(channel_.price.micro, receipt.seq)));
  if (receipt.cum_charged > voucher.cum || receipt.cum_base_fee > receipt.cum_charged ||
      TRY(checked_sub(receipt.cum_charged, receipt.cum_base_fee)) > prices) {
    return fail(Fault::kMismatch, "the host's account is above what was promised");
  }
  return {};
}

Result<Entry> PayerLane::judge_proof(const LaneProof& proof, bool answer_is_gone) const {
  if (dropped_) return fail(Fault::kDenied, "this host is not paid any more: " + dropped_->reason);
  const auto sound = check_proof(proof);
  if (!sound && sound.error().fault == Fault::kMismatch) return drop(sound.error().message, proof.receipt);
  if (!sound) return std::unexpected(sound.error());
  const CallReceipt& receipt = proof.receipt.receipt;
  // Not yet a lie: an answer to an earlier sending may come late.
  if (receipt.seq < settled_.seq) return settles_nothing("the log is further than this account");
  if (receipt.seq == settled_.seq && totals_of(receipt) != settled_) {
    return drop("the host signed two accounts of one call", proof.receipt);
  }
  if (receipt.seq == settled_.seq) return settles_nothing("the host is where the log is");
  const bool is_pending = pending_ && proof.voucher == pending_->voucher;
  if (is_pending && receipt.outcome == CallOutcomeKind::kFailed)
    return TRY(judge({proof.receipt, {}, 0, {}})).entries.front();
  if (is_pending && !answer_is_gone)
    return settles_nothing("the call was answered, and sending it again brings the answer");
  if (receipt.cum_charged < settled_.cum_charged || receipt.cum_base_fee < settled_.cum_base_fee) {
    return drop("the host's sums went down", proof.receipt);
  }
  return entry::Adopted{proof};
}

Status PayerLane::apply(const Entry& entry) {
  return std::visit([this](const auto& e) { return apply_one(e); }, entry);
}

Status PayerLane::apply_one(const entry::Opened& e) {
  if (e.channel != channel_.id || e.from.lane != lane_) return does_not_follow("it is of another lane");
  settled_.seq = e.from.seq;
  settled_.cum_charged = e.from.cum_charged;
  settled_.cum_base_fee = e.from.cum_base_fee;
  remembered_from_ = settled_;
  return {};
}

Status PayerLane::apply_one(const entry::Signed& e) {
  const Voucher& voucher = e.call.voucher;
  if (pending_ || dropped_) return does_not_follow("a voucher while another waits");
  if (voucher.channel != channel_.id || voucher.lane != lane_ || voucher.seq != settled_.seq + 1 ||
      voucher.cum < settled_.cum_charged) {
    return does_not_follow("a voucher out of sequence");
  }
  pending_ = e.call;
  return {};
}

Status PayerLane::apply_one(const entry::Settled& e) {
  const CallReceipt& receipt = e.receipt.receipt;
  if (!pending_ || receipt.seq != pending_->voucher.seq || receipt.req != pending_->voucher.req ||
      receipt.cum_charged > pending_->voucher.cum || receipt.cum_charged < settled_.cum_charged) {
    return does_not_follow("a receipt without its voucher");
  }
  pending_->body = {};
  remembered_.push_back({std::move(*pending_), e.receipt, std::nullopt});
  pending_.reset();
  settled_ = totals_of(receipt);
  if (remembered_.size() > kRememberedCalls) {
    remembered_from_ = totals_of(remembered_.front().receipt.receipt);
    if (const auto& answer = remembered_.front().answer) kept_bytes_ -= answer->body.size();
    remembered_.pop_front();
  }
  return {};
}

Status PayerLane::apply_one(const entry::Adopted& e) {
  const CallReceipt& receipt = e.proof.receipt.receipt;
  if (dropped_ || receipt.seq <= settled_.seq || receipt.cum_charged < settled_.cum_charged) {
    return does_not_follow("an adopted state that is older");
  }
  pending_.reset();
  remembered_.clear();  // the calls between are unknown: totals no longer follow one from another
  kept_bytes_ = 0;
  settled_ = totals_of(receipt);
  remembered_from_ = settled_;
  return {};
}

Status PayerLane::apply_one(const entry::Dropped& e) {
  if (dropped_) return does_not_follow("a second drop");
  dropped_ = e;
  return {};
}

Status PayerLane::apply_one(const entry::Answered& e) {
  if (pending_ || remembered_.empty() || remembered_.back().receipt.receipt.seq != e.seq || remembered_.back().answer) {
    return does_not_follow("an answer without its receipt");
  }
  remembered_.back().answer = e;
  kept_bytes_ += e.body.size();
  for (RememberedCall& call : remembered_) {
    if (kept_bytes_ <= kKeptAnswersBytes) break;
    if (!call.answer) continue;
    kept_bytes_ -= call.answer->body.size();
    call.answer.reset();
  }
  return {};
}

std::vector<Entry> PayerLane::compacted() const {
  entry::Opened opened = opening(channel_, lane_);
  opened.from.seq = remembered_from_.seq;
  opened.from.cum_charged = remembered_from_.cum_charged;
  opened.from.cum_base_fee = remembered_from_.cum_base_fee;
  std::vector<Entry> out{opened};
  for (const auto& [call, receipt, answer] : remembered_) {
    out.emplace_back(entry::Signed{call});
    out.emplace_back(entry::Settled{receipt});
    if (answer) out.emplace_back(*answer);
  }
  if (pending_) out.emplace_back(entry::Signed{*pending_});
  if (dropped_) out.emplace_back(*dropped_);
  return out;
}

}  // namespace micro
