// Property 14 over channels: what a claim moves adds up to what was charged, splitting it never pays the host more and
// burns exactly the same, and what may be contradicted is exactly what is false.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/economy/channel.hpp"

namespace micro {
namespace {

std::uint64_t pick(std::uint64_t low, std::uint64_t high) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::uint64_t>(low, high + 1));
}

ChannelRecord any_channel() {
  ChannelRecord c;
  c.terms.price = Amount(pick(0, 3) == 0 ? pick(0, 3) : pick(0, 1'000'000'000));
  c.terms.host_share_ppm = static_cast<std::uint32_t>(pick(kernel::kMinHostSharePpm, kPpm));
  c.terms.burn_share_ppm = static_cast<std::uint32_t>(pick(kernel::kRefreshFeeFloorPpm + 1, kPpm - 1));
  c.deposit = Amount(pick(0, 5) == 0 ? kMaxSupplyMicro : pick(0, 1'000'000'000'000));
  c.lanes.resize(pick(1, 3));
  return c;
}

/// Later totals of a lane that an honest host could have.
LaneTotal grown(const ChannelTerms& terms, const LaneTotal& from) {
  const std::uint64_t calls = pick(0, 20);
  const std::uint64_t prices = terms.price.micro * pick(0, calls);
  const std::uint64_t base = calls == 0 ? 0 : pick(0, 1'000'000);
  return {from.lane, from.seq + calls, Amount(from.cum_charged.micro + prices + base),
          Amount(from.cum_base_fee.micro + base)};
}

RC_GTEST_PROP(Settling, MovesExactlyWhatIsChargedAndSplittingNeverGains, ()) {
  ChannelRecord whole = any_channel();
  ChannelRecord split = whole;
  const auto lane = static_cast<std::uint8_t>(pick(0, whole.lanes.size() - 1));
  LaneTotal at{lane, 0, Amount(0), Amount(0)};
  Settlement sum;
  const std::uint64_t parts = pick(1, 6);
  for (std::uint64_t i = 0; i < parts; ++i) {
    at = grown(whole.terms, at);
    const auto settled = settle(split, std::span(&at, 1));
    if (!settled) {
      RC_ASSERT(settled.error() == TxStatus::kOverDeposit);
      RC_ASSERT(at.cum_charged > split.deposit);
      RC_ASSERT(settle(whole, std::span(&at, 1)).error() == TxStatus::kOverDeposit);
      return;
    }
    RC_ASSERT(settled->burned.micro + settled->to_host.micro + settled->to_owner.micro == settled->charged.micro);
    record_totals(split, std::span(&at, 1));
    sum.charged.micro += settled->charged.micro;
    sum.burned.micro += settled->burned.micro;
    sum.to_host.micro += settled->to_host.micro;
  }
  const auto once = settle(whole, std::span(&at, 1));
  RC_ASSERT(once.has_value());
  RC_ASSERT(once->charged == sum.charged);
  RC_ASSERT(once->burned == sum.burned);
  RC_ASSERT(sum.to_host <= once->to_host);
  RC_ASSERT(once->to_host.micro - sum.to_host.micro < parts);
  // φ is never rounded down: nobody passes tokens through calls below its price.
  const u128 prices = at.cum_charged.micro - at.cum_base_fee.micro;
  RC_ASSERT(u128{once->burned.micro - at.cum_base_fee.micro} * kPpm >= prices * whole.terms.burn_share_ppm);
}

RC_GTEST_PROP(Settling, RefusesTotalsThatFallOrCostMoreThanThePrice, ()) {
  ChannelRecord c = any_channel();
  c.deposit = Amount(kMaxSupplyMicro);
  LaneTotal before = grown(c.terms, {0, 1, c.terms.price, Amount(0)});
  record_totals(c, std::span(&before, 1));
  LaneTotal worse = grown(c.terms, before);
  switch (pick(0, 4)) {
    case 0:
      worse.seq = before.seq - 1;
      break;
    case 1:
      RC_PRE(before.cum_charged.micro > before.cum_base_fee.micro);
      worse.cum_charged = Amount(before.cum_charged.micro - 1);
      worse.cum_base_fee = before.cum_base_fee;
      break;
    case 2:
      RC_PRE(before.cum_base_fee.micro > 0);
      worse.cum_base_fee = Amount(before.cum_base_fee.micro - 1);
      break;
    case 3:
      worse.cum_charged = Amount(worse.cum_base_fee.micro + c.terms.price.micro * worse.seq + 1);
      break;
    default:
      worse.cum_base_fee = Amount(worse.cum_charged.micro + 1);
  }
  const auto settled = settle(c, std::span(&worse, 1));
  RC_ASSERT(!settled.has_value());
  RC_ASSERT(settled.error() == TxStatus::kNotMonotone || settled.error() == TxStatus::kOverPrice);
}

/// A receipt of an honest lane never contradicts an honest claim of it, whatever came first; and a lie is measured.
RC_GTEST_PROP(Contradictions, AreExactlyTheLies, ()) {
  ChannelRecord c = any_channel();
  c.deposit = Amount(kMaxSupplyMicro);
  LaneTotal history[4] = {{0, 1, c.terms.price, Amount(0)}, {}, {}, {}};
  for (int i = 1; i < 4; ++i) history[i] = grown(c.terms, history[i - 1]);
  LaneTotal claimed = history[pick(0, 3)];
  const LaneTotal truth = history[pick(0, 3)];
  record_totals(c, std::span(&claimed, 1));
  CallReceipt receipt;
  receipt.channel = c.channel;
  receipt.seq = truth.seq;
  receipt.cum_charged = truth.cum_charged;
  receipt.cum_base_fee = truth.cum_base_fee;
  if (truth.seq != claimed.seq ||
      (truth.cum_charged == claimed.cum_charged && truth.cum_base_fee == claimed.cum_base_fee)) {
    RC_ASSERT(!contradiction(c, receipt).has_value());
  }
  const std::uint64_t lie = pick(1, 1'000'000);
  if (truth.seq >= claimed.seq) {
    c.lanes[0].cum_charged = Amount(truth.cum_charged.micro + lie);
    RC_ASSERT(contradiction(c, receipt)->overcharged == Amount(lie));
  }
  record_totals(c, std::span(&claimed, 1));
  if (truth.seq <= claimed.seq && truth.cum_base_fee.micro >= lie) {
    c.lanes[0].cum_base_fee = Amount(truth.cum_base_fee.micro - lie);
    RC_ASSERT(contradiction(c, receipt)->unburned_base_fee == Amount(lie));
  }
}

/// Deadlines follow one another, and nothing that ends sooner moves one of them back.
RC_GTEST_PROP(Deadlines, AreOrderedAndOnlyComeNearer, ()) {
  ChainParams params;
  params.dispute_epochs = static_cast<std::uint32_t>(pick(1, 50));
  params.bucket_epochs = static_cast<std::uint32_t>(pick(1, 100));
  ChannelRecord c;
  c.opened = Epoch(static_cast<std::uint32_t>(pick(0, 1'000)));
  c.end = Epoch(
      static_cast<std::uint32_t>(c.opened.value + pick(1, kernel::kMaxChannelEpochsInBuckets * params.bucket_epochs)));
  RC_ASSERT(c.end <= latest_end(params, c.opened));
  const auto some_end = [&] {
    return pick(0, 1) == 0 ? std::optional<Epoch>{}
                           : Epoch(static_cast<std::uint32_t>(pick(c.opened.value + 1, 3'500)));
  };
  const Epoch end_eff = effective_end(c, {some_end(), some_end()});
  RC_ASSERT(end_eff <= c.end);
  const Epoch open_until = claim_deadline(c, end_eff, params);
  RC_ASSERT(open_until.value == end_eff.value + params.dispute_epochs);
  ChannelRecord closing = c;
  closing.state = ChannelState::kClosing;
  closing.close_requested = Epoch(static_cast<std::uint32_t>(pick(c.opened.value, open_until.value)));
  const Epoch closing_until = claim_deadline(closing, end_eff, params);
  RC_ASSERT(closing_until == std::min(open_until, Epoch(closing.close_requested.value + params.dispute_epochs)));
  ChannelRecord disputed = closing;
  disputed.disputed = Epoch(static_cast<std::uint32_t>(pick(c.opened.value, 4'000)));
  RC_ASSERT(claim_deadline(disputed, end_eff, params) == std::min(closing_until, *disputed.disputed));
  for (const ChannelRecord* some : {&c, &closing, &disputed}) {
    const Epoch last = dispute_deadline(*some, end_eff, params);
    RC_ASSERT(last.value == claim_deadline(*some, end_eff, params).value + params.dispute_epochs);
    RC_ASSERT(last.value <= c.end.value + 2 * params.dispute_epochs);
    // Escrowed lots outlive whatever may still be paid out of them.
    RC_ASSERT(escrow_min_expiry(params, c.end) > last.next());
  }
}

}  // namespace
}  // namespace micro
