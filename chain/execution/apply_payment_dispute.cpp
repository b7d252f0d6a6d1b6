// A host's own receipt against its claim. The payer gets back what was claimed too much, the disputer its fee, and the
// bond burns ten times the lie. What is held pays first, the owner's part included; then the bond.
#include "chain/economy/voucher.hpp"
#include "chain/execution/handlers.hpp"
#include "chain/execution/payment_steps.hpp"

namespace micro {
namespace {

class Compensation {
 public:
  Compensation(TxScope& s, ChannelRecord& channel, OfferRecord& offer) : s_(s), channel_(channel), offer_(offer) {}

  /// To `account`, as far as held proceeds and the bond reach.
  Status give(Account& account, Amount amount) {
    const Amount held = min(amount, s_.live(channel_.held));
    const Amount from_held = withdraw_proceeds(channel_, held);
    if (!s_.move(channel_.held, account.purse, from_held, live_tokens(s_.when()))) return missing();
    const Amount from_bond = min(Amount(amount.micro - from_held.micro), bond());
    if (!s_.unpause(offer_.bond, offer_.bonded_at, account.purse, from_bond)) return missing();
    given_.micro += from_held.micro + from_bond.micro;
    bond_given_.micro += from_bond.micro;
    return {};
  }
  Status burn_held_first(Amount amount) {
    const Amount from_held = withdraw_proceeds(channel_, min(amount, s_.live(channel_.held)));
    if (!s_.burn(channel_.held, from_held)) return missing();
    burned_.micro += from_held.micro;
    return burn_bond(Amount(amount.micro - from_held.micro));
  }
  Status burn_bond(Amount amount) {
    const Amount part = min(amount, bond());
    if (!s_.burn_bond(offer_.bond, part)) return missing();
    burned_.micro += part.micro;
    bond_burned_.micro += part.micro;
    return {};
  }
  [[nodiscard]] Amount bond() const { return total(offer_.bond, kWholeBond); }
  [[nodiscard]] Amount given() const { return given_; }
  [[nodiscard]] Amount burned() const { return burned_; }
  [[nodiscard]] Amount bond_given() const { return bond_given_; }
  [[nodiscard]] Amount bond_burned() const { return bond_burned_; }

 private:
  static Status missing() { return fail(Fault::kCorrupt, "tokens that were counted are missing"); }
  TxScope& s_;
  ChannelRecord& channel_;
  OfferRecord& offer_;
  Amount given_, burned_, bond_given_, bond_burned_;
};

Status slash(TxScope& s, OfferRecord& offer, const Compensation& done) {
  if (done.bond_given().is_zero() && done.bond_burned().is_zero()) return {};
  if (offer.state == OfferState::kActive && done.bond() < s.params().min_bond) {
    static_cast<void>(TRY(withdraw_offer(s, offer)));
    s.emit(event::OfferWithdrawn{offer.owner, offer.offer, offer.end, offer.release});
  } else {
    s.store(path::offer(offer.offer), offer);
  }
  s.emit(event::BondSlashed{offer.owner, offer.offer, done.bond_given(), done.bond_burned()});
  return {};
}

/// The lane as the receipt proves it; the host claims nothing on this channel any more.
void correct_lane(ChannelRecord& channel, const CallReceipt& receipt, const Contradiction& lie, Epoch now) {
  LaneState& lane = channel.lanes[receipt.lane];
  lane.cum_charged.micro -= lie.overcharged.micro;
  lane.cum_base_fee.micro += lie.unburned_base_fee.micro;
  if (!channel.disputed) channel.disputed = now;
  if (channel.state == ChannelState::kOpen) {
    channel.state = ChannelState::kClosing;
    channel.close_requested = now;
  }
}

}  // namespace

Result<TxStatus> apply(TxScope& s, const Dispute& t) {
  auto opened = TRY(read_channel(s.view(), t.receipt.channel));
  if (!opened) return TxStatus::kNoSuchChannel;
  ChannelRecord& channel = opened->record;
  if (s.now() > dispute_deadline(channel, opened->end_eff, s.params())) return TxStatus::kTooLate;
  const auto lie = contradiction(channel, t.receipt);
  if (!lie) return lie.error();
  if (!verify_receipt(channel.terms.host_key, t.receipt, t.host_signature)) return TxStatus::kBadHostSignature;
  auto offer = TRY(s.load<OfferRecord>(path::offer(channel.offer)));
  if (!offer) return fail(Fault::kCorrupt, "a channel names an offer that is not stored");

  Account* payer = TRY(s.account(channel.payer));
  Compensation compensation(s, channel, *offer);
  TRY(compensation.give(*payer, lie->overcharged));
  const Amount refunded = compensation.given();
  TRY(compensation.give(s.payer(), s.fee()));
  TRY(compensation.burn_held_first(lie->unburned_base_fee));
  const Amount lied = TRY(checked_add(lie->overcharged, lie->unburned_base_fee));
  const auto penalty = mul_div(lied, kernel::kOverclaimPenaltyFactor, 1, Round::kFloor);
  TRY(compensation.burn_bond(penalty.value_or(Amount(kMaxSupplyMicro))));
  correct_lane(channel, t.receipt, *lie, s.now());
  TRY(slash(s, *offer, compensation));
  s.store(path::channel(channel.channel), channel);
  s.emit(event::ChannelDisputed{channel.channel, channel.payer, t.receipt.lane, refunded, compensation.burned()});
  return TxStatus::kOk;
}

}  // namespace micro
