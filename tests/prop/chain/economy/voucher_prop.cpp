#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/economy/voucher.hpp"

namespace micro {
namespace {

CallTerms any_terms() {
  return {Amount(*rc::gen::inRange<std::uint64_t>(0, 1'000'000)), Amount(*rc::gen::inRange<std::uint64_t>(0, 100'000)),
          *rc::gen::inRange<std::uint64_t>(0, 1'000'000), *rc::gen::inRange<std::uint64_t>(0, 1'000)};
}

// Whatever the call does inside its limit, it never costs more than the payer offered.
RC_GTEST_PROP(Prices, NeverChargeMoreThanOffered, ()) {
  const CallTerms terms = any_terms();
  const auto bytes = *rc::gen::inRange<std::uint64_t>(0, 100'000);
  const Amount offered(*rc::gen::inRange<std::uint64_t>(0, 10'000'000'000));
  const auto limit = call_gas_limit(terms, offered, bytes);
  if (!limit) {
    RC_ASSERT(offered < *least_max_price(terms, bytes));
    RC_DISCARD("refused");
  }
  RC_ASSERT(*limit >= *intrinsic_gas(terms, bytes, 0));
  const Gas used(*rc::gen::inRange<std::uint64_t>(0, limit->value * 2 + 1));
  const auto outcome = *rc::gen::element(RunOutcome::kCompleted, RunOutcome::kExhausted, RunOutcome::kHostFailed);
  const CallCharge charge = *charge_call(terms, outcome, used, *limit);
  RC_ASSERT(charge.charged <= offered);
  RC_ASSERT(charge.base_fee <= charge.charged);
  RC_ASSERT(charge.charged.micro - charge.base_fee.micro <= terms.price.micro);
}

// What the host's arithmetic makes, the payer's check accepts; one micro-token more in any amount, it refuses.
RC_GTEST_PROP(Prices, PayerAcceptsExactlyTheHonestCharge, ()) {
  const CallTerms terms = any_terms();
  const LaneState before{*rc::gen::inRange<std::uint64_t>(0, 1'000),
                         Amount(*rc::gen::inRange<std::uint64_t>(500, 1'000'000)), Amount(500)};
  const Amount least = *least_max_price(terms, 0);
  const Amount max_price(least.micro + *rc::gen::inRange<std::uint64_t>(0, 1'000'000));
  const Voucher voucher{{}, 1, before.seq + 1, Amount(before.cum_charged.micro + max_price.micro), {}, {}};
  const Gas limit = *call_gas_limit(terms, max_price, 0);
  const CallInputs inputs{TimeMs(1), {}, limit, {}, terms.price_per_mgas};
  const auto outcome = *rc::gen::element(RunOutcome::kCompleted, RunOutcome::kExhausted);
  const CallCharge charge = *charge_call(terms, outcome, Gas(*rc::gen::inRange<std::uint64_t>(0, limit.value)), limit);
  CallReceipt receipt{.lane = 1,
                      .seq = voucher.seq,
                      .charged = charge.charged,
                      .base_fee = charge.base_fee,
                      .cum_charged = Amount(before.cum_charged.micro + charge.charged.micro),
                      .cum_base_fee = Amount(before.cum_base_fee.micro + charge.base_fee.micro),
                      .gas = charge.gas,
                      .inputs = call_inputs_hash(inputs)};
  RC_ASSERT(check_receipt(receipt, inputs, voucher, before, terms).has_value());
  Amount* const amounts[]{&receipt.charged, &receipt.base_fee, &receipt.cum_charged, &receipt.cum_base_fee};
  ++amounts[*rc::gen::inRange(0, 4)]->micro;
  RC_ASSERT(!check_receipt(receipt, inputs, voucher, before, terms).has_value());
}

}  // namespace
}  // namespace micro
