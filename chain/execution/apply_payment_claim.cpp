// Channels pay: claims, cooperative closes, and the end.
#include "chain/economy/voucher.hpp"
#include "chain/execution/handlers.hpp"
#include "chain/execution/payment_steps.hpp"

namespace micro {
namespace {

/// Signed vouchers, signed totals, nothing above what was promised.
TxStatus check_vouchers(const TxScope& s, const ChannelRecord& channel, const Claim& t) {
  for (const LaneClaim& lane : t.lanes) {
    if (lane.voucher.channel != channel.channel) return TxStatus::kBadVoucher;
    if (lane.cum_charged > lane.voucher.cum) return TxStatus::kOverVoucher;
  }
  const Hash statement = claim_hash(s.ctx().block.chain, channel.channel, t.lanes);
  if (!verify_ed25519(channel.terms.host_key, statement, t.host_signature)) return TxStatus::kBadHostSignature;
  for (const LaneClaim& lane : t.lanes) {
    if (!verify_voucher(channel.vkey, lane.voucher, lane.voucher_signature)) return TxStatus::kBadVoucher;
  }
  return TxStatus::kOk;
}

std::vector<LaneTotal> totals_of(const Claim& t) {
  std::vector<LaneTotal> totals;
  for (const LaneClaim& lane : t.lanes) {
    totals.push_back({lane.voucher.lane, lane.voucher.seq, lane.cum_charged, lane.cum_base_fee});
  }
  return totals;
}

Status release_mature(TxScope& s, ChannelRecord& channel) {
  const HeldProceeds due = release_proceeds(channel, s.now(), s.params(), false);
  if (due.to_host.is_zero() && due.to_owner.is_zero()) return {};
  const PaidOut paid = TRY(pay_out(s, channel, channel.held, due.to_host, due.to_owner));
  s.emit(event::ProceedsReleased{channel.channel, channel.host_owner, channel.owner, paid.to_host, paid.to_owner});
  return {};
}

}  // namespace

Result<TxStatus> apply(TxScope& s, const Claim& t) {
  auto opened = TRY(read_channel(s.view(), t.channel));
  if (!opened) return TxStatus::kNoSuchChannel;
  ChannelRecord& channel = opened->record;
  if (channel.state == ChannelState::kClosed) return TxStatus::kChannelClosed;
  if (channel.disputed) return TxStatus::kAlreadyDisputed;
  if (s.now() > claim_deadline(channel, opened->end_eff, s.params())) return TxStatus::kTooLate;
  if (t.lanes.empty()) return TxStatus::kNothingToClaim;
  const std::vector<LaneTotal> totals = totals_of(t);
  const auto settled = settle(channel, totals);
  if (!settled) return settled.error();
  if (settled->charged.is_zero()) return TxStatus::kNothingToClaim;
  if (settled->to_host < s.fee()) return TxStatus::kBelowClaimFee;
  if (const TxStatus status = check_vouchers(s, channel, t); status != TxStatus::kOk) return status;

  TRY(release_mature(s, channel));
  const Amount to_host(settled->to_host.micro - s.fee().micro);
  const Amount held = TRY(checked_add(to_host, settled->to_owner));
  const bool paid = s.burn(channel.escrow, settled->burned) && s.pay_fee_from(channel.escrow) &&
                    s.move(channel.escrow, channel.held, held, live_tokens(s.when()));
  if (!paid) return fail(Fault::kCorrupt, "an escrow holds less than its deposit");
  record_totals(channel, totals);
  hold_proceeds(channel, s.now(), to_host, settled->to_owner);
  s.store(path::channel(channel.channel), channel);
  s.emit(event::Claimed{channel.channel, channel.host_owner, channel.owner, settled->charged, settled->burned, to_host,
                        settled->to_owner, s.fee(), true});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const CoopClose& t) {
  auto opened = TRY(read_channel(s.view(), t.channel));
  if (!opened) return TxStatus::kNoSuchChannel;
  ChannelRecord& channel = opened->record;
  if (channel.payer != s.payer().address) return TxStatus::kNotPayer;
  if (!signer_allows(s, channel.service)) return TxStatus::kSessionService;
  if (channel.state == ChannelState::kClosed) return TxStatus::kChannelClosed;
  if (channel.disputed) return TxStatus::kAlreadyDisputed;
  if (s.now() > t.valid_until || s.now() > claim_deadline(channel, opened->end_eff, s.params())) {
    return TxStatus::kTooLate;
  }
  const auto settled = settle(channel, t.totals);
  if (!settled) return settled.error();
  const Hash statement = close_hash(s.ctx().block.chain, channel.channel, t.totals, t.valid_until);
  if (!verify_ed25519(channel.terms.host_key, statement, t.host_signature)) return TxStatus::kBadHostSignature;

  const HeldProceeds held = release_proceeds(channel, s.now(), s.params(), true);
  const PaidOut before = TRY(pay_out(s, channel, channel.held, held.to_host, held.to_owner));
  if (!s.burn(channel.escrow, settled->burned)) return fail(Fault::kCorrupt, "an escrow holds less than its deposit");
  const PaidOut now = TRY(pay_out(s, channel, channel.escrow, settled->to_host, settled->to_owner));
  const Amount refund = TRY(refund_escrow(s, channel));
  TRY(clear_held(s, channel));
  s.erase(path::channel(channel.channel));
  s.emit(event::Claimed{channel.channel, channel.host_owner, channel.owner, settled->charged, settled->burned,
                        now.to_host, now.to_owner, Amount(0), false});
  s.emit(event::ChannelClosed{channel.channel, channel.payer, channel.host_owner, channel.owner, refund,
                              TRY(checked_add(before.to_host, now.to_host)),
                              TRY(checked_add(before.to_owner, now.to_owner))});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const Finalize& t) {
  auto opened = TRY(read_channel(s.view(), t.channel));
  if (!opened) return TxStatus::kNoSuchChannel;
  ChannelRecord& channel = opened->record;
  const bool refund_due =
      channel.state != ChannelState::kClosed && s.now() > claim_deadline(channel, opened->end_eff, s.params());
  const bool undisputable = s.now() > dispute_deadline(channel, opened->end_eff, s.params()) ||
                            (refund_due && claimed_total(channel).is_zero());
  HeldProceeds due = release_proceeds(channel, s.now(), s.params(), undisputable);
  const bool has_proceeds = !due.to_host.is_zero() || !due.to_owner.is_zero();
  if (!refund_due && !undisputable && !has_proceeds) return TxStatus::kTooEarly;

  // Who ends a channel is not charged. Whoever only wants proceeds released a little sooner pays for it.
  if (refund_due && s.fee() <= channel.prepaid && s.pay_fee_from(channel.escrow)) {
    channel.prepaid.micro -= s.fee().micro;
  } else if (undisputable && s.fee() <= due.to_host && s.pay_fee_from(channel.held)) {
    due.to_host.micro -= s.fee().micro;
  } else if (!s.pay_fee_from(s.payer().purse)) {
    return TxStatus::kInsufficientFunds;
  }
  const PaidOut paid = TRY(pay_out(s, channel, channel.held, due.to_host, due.to_owner));
  Amount refund;
  if (refund_due || undisputable) {
    refund = TRY(refund_escrow(s, channel));
    channel.state = ChannelState::kClosed;
  }
  if (undisputable) {
    TRY(clear_held(s, channel));
    s.erase(path::channel(channel.channel));
  } else {
    s.store(path::channel(channel.channel), channel);
  }
  if (refund_due || undisputable) {
    s.emit(event::ChannelClosed{channel.channel, channel.payer, channel.host_owner, channel.owner, refund, paid.to_host,
                                paid.to_owner});
  } else {
    s.emit(event::ProceedsReleased{channel.channel, channel.host_owner, channel.owner, paid.to_host, paid.to_owner});
  }
  return TxStatus::kOk;
}

}  // namespace micro
