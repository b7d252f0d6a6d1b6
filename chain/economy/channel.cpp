#include "chain/economy/channel.hpp"

#include <algorithm>

#include "chain/base/check.hpp"
#include "chain/types/transaction.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kLeastDepositInFees = 20;
constexpr std::size_t kSignatureBytes = 1 + PublicKey::kSize + EcdsaSignature::kSize;

std::size_t signed_bytes(Payload payload) {
  TxBody body;
  body.payload = std::move(payload);
  return encode(body).size() + kSignatureBytes;
}

Amount fee_of(const ChainParams& params, std::size_t bytes) {
  return Amount(params.fee_per_tx.micro + params.fee_per_byte.micro * bytes);
}

Epoch later(Epoch from, std::uint64_t epochs) {
  const std::uint64_t sum = from.value + epochs;
  return Epoch(static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, ~std::uint32_t{0})));
}

/// Sums of amounts that are parts of one deposit, which is at most 2⁶².
Amount plus(Amount a, Amount b) {
  const auto sum = checked_add(a, b);
  CHECK(sum.has_value(), "parts of a deposit cannot overflow");
  return *sum;
}

Amount minus(Amount a, Amount b) {
  CHECK(b <= a, "the whole holds its parts");
  return Amount(a.micro - b.micro);
}

Verdict<Settlement> settle_lane(const ChannelTerms& terms, const LaneState& old, const LaneTotal& now) {
  const bool monotone = now.seq >= old.seq && now.cum_charged >= old.cum_charged &&
                        now.cum_base_fee >= old.cum_base_fee && now.cum_base_fee <= now.cum_charged;
  if (!monotone) return std::unexpected(TxStatus::kNotMonotone);
  const Amount charged = minus(now.cum_charged, old.cum_charged);
  if (minus(now.cum_base_fee, old.cum_base_fee) > charged) return std::unexpected(TxStatus::kNotMonotone);
  if (now.seq == old.seq && !charged.is_zero()) return std::unexpected(TxStatus::kNotMonotone);
  const u128 price_limit = static_cast<u128>(now.seq) * terms.price.micro;
  if (minus(now.cum_charged, now.cum_base_fee).micro > price_limit) return std::unexpected(TxStatus::kOverPrice);
  const auto burned_before = burned_of(terms, old.cum_charged, old.cum_base_fee);
  const auto burned_now = burned_of(terms, now.cum_charged, now.cum_base_fee);
  if (!burned_before || !burned_now) return std::unexpected(TxStatus::kOverflow);
  Settlement out;
  out.charged = charged;
  out.burned = minus(*burned_now, *burned_before);
  const Amount rest = minus(charged, out.burned);
  const auto to_host = mul_div(rest, terms.host_share_ppm, kPpm, Round::kFloor);
  if (!to_host) return std::unexpected(TxStatus::kOverflow);
  out.to_host = *to_host;
  out.to_owner = minus(rest, out.to_host);
  return out;
}

}  // namespace

std::size_t claim_tx_bytes(std::size_t lanes) {
  static const std::size_t kEmpty = signed_bytes(Claim{});
  static const std::size_t kLane = encode(LaneClaim{}).size();
  return kEmpty + kLane * lanes;
}

std::size_t finalize_tx_bytes() {
  static const std::size_t kBytes = signed_bytes(Finalize{});
  return kBytes;
}

Amount claim_fee(const ChainParams& params, std::size_t lanes) {
  return fee_of(params, claim_tx_bytes(lanes));
}

Amount finalize_fee(const ChainParams& params) {
  return fee_of(params, finalize_tx_bytes());
}

Result<Amount> least_deposit(const ChainParams& params, const ChannelTerms& terms, std::size_t lanes) {
  const std::uint64_t fees = TRY(checked_mul(claim_fee(params, 1).micro, kLeastDepositInFees));
  const std::uint64_t after_burn = kPpm - terms.burn_share_ppm;
  const std::uint64_t host_part = terms.host_share_ppm * after_burn;  // both at most 10⁶
  const std::uint64_t a_lane = TRY(mul_div(fees, std::uint64_t{kPpm} * kPpm, host_part, Round::kCeil));
  return Amount(TRY(checked_mul(a_lane, lanes)));
}

Epoch latest_end(const ChainParams& params, Epoch now) {
  return later(now, std::uint64_t{kernel::kMaxChannelEpochsInBuckets} * params.bucket_epochs);
}

Epoch escrow_min_expiry(const ChainParams& params, Epoch end) {
  return later(end, 2ULL * params.dispute_epochs + params.bucket_epochs + 1);
}

Epoch effective_end(const ChannelRecord& channel, const ServingEnds& ends) {
  Epoch end = channel.end;
  if (ends.offer) end = std::min(end, *ends.offer);
  if (ends.placement) end = std::min(end, *ends.placement);
  return end;
}

Epoch claim_deadline(const ChannelRecord& channel, Epoch end_eff, const ChainParams& params) {
  Epoch deadline = later(end_eff, params.dispute_epochs);
  if (channel.state == ChannelState::kClosing) {
    deadline = std::min(deadline, later(channel.close_requested, params.dispute_epochs));
  }
  if (channel.disputed) deadline = std::min(deadline, *channel.disputed);
  return deadline;
}

Epoch dispute_deadline(const ChannelRecord& channel, Epoch end_eff, const ChainParams& params) {
  return later(claim_deadline(channel, end_eff, params), params.dispute_epochs);
}

bool is_mature(const HeldProceeds& proceeds, Epoch now, const ChainParams& params) {
  return now > later(proceeds.claimed, params.dispute_epochs);
}

Result<Amount> burned_of(const ChannelTerms& terms, Amount cum_charged, Amount cum_base_fee) {
  const Amount prices = TRY(checked_sub(cum_charged, cum_base_fee));
  return checked_add(cum_base_fee, TRY(mul_div(prices, terms.burn_share_ppm, kPpm, Round::kCeil)));
}

Verdict<Settlement> settle(const ChannelRecord& channel, std::span<const LaneTotal> totals) {
  Settlement sum;
  std::optional<std::uint8_t> last;
  for (const LaneTotal& total : totals) {
    if (total.lane >= channel.lanes.size() || (last && total.lane <= *last)) {
      return std::unexpected(TxStatus::kBadVoucher);
    }
    last = total.lane;
    const auto lane = settle_lane(channel.terms, channel.lanes[total.lane], total);
    if (!lane) return std::unexpected(lane.error());
    // Each lane alone is checked against the deposit before it is added, so that no sum can pass 2⁶⁴.
    if (lane->charged > channel.deposit) return std::unexpected(TxStatus::kOverDeposit);
    sum.charged = plus(sum.charged, lane->charged);
    sum.burned = plus(sum.burned, lane->burned);
    sum.to_host = plus(sum.to_host, lane->to_host);
    sum.to_owner = plus(sum.to_owner, lane->to_owner);
    if (sum.charged > minus(channel.deposit, claimed_total(channel))) return std::unexpected(TxStatus::kOverDeposit);
  }
  return sum;
}

void record_totals(ChannelRecord& channel, std::span<const LaneTotal> totals) {
  for (const LaneTotal& t : totals) channel.lanes[t.lane] = {t.seq, t.cum_charged, t.cum_base_fee};
}

Amount claimed_total(const ChannelRecord& channel) {
  Amount sum;
  for (const LaneState& lane : channel.lanes) sum = plus(sum, lane.cum_charged);
  return sum;
}

void hold_proceeds(ChannelRecord& channel, Epoch now, Amount to_host, Amount to_owner) {
  auto& list = channel.proceeds;
  const bool same_epoch = !list.empty() && list.back().claimed == now;
  if (!same_epoch && list.size() < kMaxHeldProceeds) {
    list.push_back({now, to_host, to_owner});
    return;
  }
  HeldProceeds& newest = list.back();
  newest = {now, plus(newest.to_host, to_host), plus(newest.to_owner, to_owner)};
}

HeldProceeds release_proceeds(ChannelRecord& channel, Epoch now, const ChainParams& params, bool all) {
  HeldProceeds sum{now, Amount(0), Amount(0)};
  std::erase_if(channel.proceeds, [&](const HeldProceeds& p) {
    if (!all && !is_mature(p, now, params)) return false;
    sum.to_host = plus(sum.to_host, p.to_host);
    sum.to_owner = plus(sum.to_owner, p.to_owner);
    return true;
  });
  return sum;
}

Amount withdraw_proceeds(ChannelRecord& channel, Amount amount) {
  Amount left = amount;
  for (std::size_t i = channel.proceeds.size(); i-- > 0;) {
    for (Amount* part : {&channel.proceeds[i].to_host, &channel.proceeds[i].to_owner}) {
      const Amount taken = min(left, *part);
      *part = minus(*part, taken);
      left = minus(left, taken);
    }
  }
  return minus(amount, left);
}

Verdict<Contradiction> contradiction(const ChannelRecord& channel, const CallReceipt& receipt) {
  if (receipt.channel != channel.channel || receipt.lane >= channel.lanes.size()) {
    return std::unexpected(TxStatus::kNoContradiction);
  }
  const LaneState& claimed = channel.lanes[receipt.lane];
  Contradiction out;
  if (receipt.seq >= claimed.seq && receipt.cum_charged < claimed.cum_charged) {
    out.overcharged = minus(claimed.cum_charged, receipt.cum_charged);
  }
  if (receipt.seq <= claimed.seq && receipt.cum_base_fee > claimed.cum_base_fee) {
    out.unburned_base_fee = minus(receipt.cum_base_fee, claimed.cum_base_fee);
  }
  if (out.overcharged.is_zero() && out.unburned_base_fee.is_zero()) {
    return std::unexpected(TxStatus::kNoContradiction);
  }
  return out;
}

}  // namespace micro
