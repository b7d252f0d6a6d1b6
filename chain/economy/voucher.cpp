#include "chain/economy/voucher.hpp"

#include <algorithm>

namespace micro {

Hash request_hash(const CallRequestRecord& record) {
  return tagged_hash(domain::kRequest, encode(record));
}

Hash call_inputs_hash(const CallInputs& inputs) {
  return tagged_hash(domain::kCallInputs, encode(inputs));
}

Hash response_hash(std::uint16_t status, ByteView body) {
  Encoder e;
  e.put(status).raw(body);
  return sha256(e.bytes());
}

Hash voucher_hash(const Voucher& voucher) {
  return tagged_hash(domain::kVoucher, encode(voucher));
}

SchnorrSignature sign_voucher(const SecretKey& vkey, const Voucher& voucher) {
  return vkey.sign_schnorr(voucher_hash(voucher));
}

bool verify_voucher(const XOnlyKey& vkey, const Voucher& voucher, const SchnorrSignature& signature) {
  return verify_schnorr(vkey, voucher_hash(voucher), signature);
}

Hash receipt_hash(const CallReceipt& receipt) {
  return tagged_hash(domain::kCallReceipt, encode(receipt));
}

Ed25519Signature sign_receipt(const Ed25519Secret& host, const CallReceipt& receipt) {
  return host.sign(receipt_hash(receipt));
}

bool verify_receipt(const Ed25519Key& host, const CallReceipt& receipt, const Ed25519Signature& signature) {
  return verify_ed25519(host, receipt_hash(receipt), signature);
}

Hash claim_hash(const ChainId& chain, const ChannelId& channel, const List<LaneClaim, kMaxLanesPerChannel>& lanes) {
  return tagged_hash(domain::kClaim, {chain.view(), channel.view(), encode(lanes)});
}

Hash close_hash(const ChainId& chain, const ChannelId& channel, const List<LaneTotal, kMaxLanesPerChannel>& totals,
                Epoch valid_until) {
  Encoder e;
  e.put(totals).put(valid_until);
  return tagged_hash(domain::kClose, {chain.view(), channel.view(), e.bytes()});
}

Hash close_ask_hash(const ChannelId& channel) {
  return tagged_hash(domain::kCloseAsk, channel);
}

CallTerms call_terms(const ChainParams& params, Amount price, Amount price_per_mgas) {
  return {price, price_per_mgas, params.intrinsic_gas_per_call, params.intrinsic_gas_per_byte};
}

Result<Amount> gas_fee(Gas gas, Amount price_per_mgas) {
  return mul_div(price_per_mgas, gas.value, kGasPerPriceUnit, Round::kCeil);
}

Result<Gas> intrinsic_gas(const CallTerms& terms, std::uint64_t request_bytes, std::uint64_t response_bytes) {
  const std::uint64_t bytes = TRY(checked_add(request_bytes, response_bytes));
  const std::uint64_t moved = TRY(checked_mul(bytes, terms.intrinsic_gas_per_byte));
  return Gas(TRY(checked_add(terms.intrinsic_gas_per_call, moved)));
}

Result<Amount> least_max_price(const CallTerms& terms, std::uint64_t request_bytes) {
  const Gas intrinsic = TRY(intrinsic_gas(terms, request_bytes, 0));
  return checked_add(terms.price, TRY(gas_fee(intrinsic, terms.price_per_mgas)));
}

Result<Gas> call_gas_limit(const CallTerms& terms, Amount max_price, std::uint64_t request_bytes) {
  const Amount least = TRY(least_max_price(terms, request_bytes));
  if (max_price < least) {
    return fail(Fault::kFunds, "a maximum price of " + amount_text(max_price) + " is below " + amount_text(least),
                "offer at least " + amount_text(least) + " and what the work itself costs");
  }
  const Amount for_gas = TRY(checked_sub(max_price, terms.price));
  if (terms.price_per_mgas.is_zero()) return Gas(kMaxGasPerCall);
  const auto limit = mul_div(for_gas.micro, kGasPerPriceUnit, terms.price_per_mgas.micro, Round::kFloor);
  return Gas(limit ? std::min(*limit, kMaxGasPerCall) : kMaxGasPerCall);  // only a quotient above 2⁶⁴ fails
}

Result<CallCharge> charge_call(const CallTerms& terms, RunOutcome outcome, Gas gas_used, Gas gas_limit) {
  if (outcome == RunOutcome::kHostFailed) return CallCharge{};
  const bool completed = outcome == RunOutcome::kCompleted && gas_used <= gas_limit;
  const Gas gas = completed ? gas_used : gas_limit;
  const Amount base_fee = TRY(gas_fee(gas, terms.price_per_mgas));
  const Amount charged = completed ? TRY(checked_add(base_fee, terms.price)) : base_fee;
  return CallCharge{charged, base_fee, gas};
}

namespace {

Status check_names(const CallReceipt& r, const CallInputs& inputs, const Voucher& v) {
  if (r.channel != v.channel || r.lane != v.lane || r.seq != v.seq) {
    return fail(Fault::kMismatch, "the receipt is for another call");
  }
  if (r.req != v.req) return fail(Fault::kMismatch, "the receipt is for another request");
  if (r.outcome == CallOutcomeKind::kDone && r.inputs != call_inputs_hash(inputs)) {
    return fail(Fault::kMismatch, "the receipt commits to other inputs than those it came with");
  }
  return {};
}

Status check_price(const CallReceipt& r, const CallInputs& inputs, const CallTerms& terms) {
  if (r.outcome == CallOutcomeKind::kFailed) {
    if (!r.charged.is_zero() || !r.base_fee.is_zero()) return fail(Fault::kMismatch, "a failed call was charged");
    return {};
  }
  if (inputs.price_per_mgas != terms.price_per_mgas) return fail(Fault::kMismatch, "the gas price is not the epoch's");
  if (r.gas > inputs.gas_limit) return fail(Fault::kMismatch, "more gas than the limit was charged");
  const CallCharge completed = TRY(charge_call(terms, RunOutcome::kCompleted, r.gas, inputs.gas_limit));
  const CallCharge exhausted = TRY(charge_call(terms, RunOutcome::kExhausted, r.gas, inputs.gas_limit));
  const CallCharge stated{r.charged, r.base_fee, r.gas};
  if (stated != completed && stated != exhausted) {
    return fail(Fault::kMismatch, "the charge is neither the price and the gas nor the base fee of the limit");
  }
  return {};
}

}  // namespace

Status check_receipt(const CallReceipt& receipt, const CallInputs& inputs, const Voucher& voucher,
                     const LaneState& before, const CallTerms& terms) {
  TRY(check_names(receipt, inputs, voucher));
  if (receipt.seq != before.seq + 1) return fail(Fault::kMismatch, "the receipt is out of sequence");
  TRY(check_price(receipt, inputs, terms));
  if (receipt.outcome == CallOutcomeKind::kDone) {
    const Amount max_price = TRY(checked_sub(voucher.cum, before.cum_charged));
    const auto limit = call_gas_limit(terms, max_price, 0);
    if (!limit || inputs.gas_limit > *limit) return fail(Fault::kMismatch, "the gas limit is above what was offered");
  }
  if (receipt.cum_charged != TRY(checked_add(before.cum_charged, receipt.charged)) ||
      receipt.cum_base_fee != TRY(checked_add(before.cum_base_fee, receipt.base_fee))) {
    return fail(Fault::kMismatch, "the receipt's sums do not follow from those before it");
  }
  if (receipt.cum_charged > voucher.cum) return fail(Fault::kMismatch, "more was charged than the voucher promised");
  return {};
}

}  // namespace micro
