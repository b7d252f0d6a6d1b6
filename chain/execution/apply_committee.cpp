// Seats in the committee, and what a seat loses for a lie.
#include "chain/committee/seat_rules.hpp"
#include "chain/execution/handlers.hpp"

namespace micro {
namespace {

/// A key that the genesis named goes on sitting when it bonds; any other waits for its readiness.
bool may_take(const SeatRecord& seat) {
  return seat.founding > 0 && !seat.node;
}

struct Penalty {
  Amount rewarded;
  Amount burned;
};

/// The whole bond: a part becomes the reward, the rest burns.
Result<Penalty> slash(TxScope& s, SeatRecord& seat, Purse& reward) {
  const Amount bonded = total(seat.bond, kWholeBond);
  Penalty out;
  out.rewarded = TRY(mul_div(bonded, kernel::kReporterPpm, kPpm, Round::kFloor));
  out.burned = TRY(checked_sub(bonded, out.rewarded));
  if (!s.unpause(seat.bond, seat.bonded_at, reward, out.rewarded) || !s.burn_bond(seat.bond, out.burned)) {
    return fail(Fault::kCorrupt, "a bond does not hold what it holds");
  }
  return out;
}

Result<TxStatus> judge(const TxScope& s, const SubmitEvidence& t, const SeatRecord& seat) {
  if (seat.convicted) return TxStatus::kConvicted;
  const auto anchor = TRY(s.load<EpochAnchor>(path::epoch_anchor(t.epoch)));
  if (!is_answerable(t.epoch, s.now(), s.params())) return TxStatus::kTooLate;
  if (!anchor || t.first.epoch_id != anchor->epoch_id) return TxStatus::kWrongEpoch;
  if (!was_seated(seat, t.epoch)) return TxStatus::kNotSeated;
  if (!contradict(t.first, t.second)) return TxStatus::kNotContradictory;
  const bool is_signed = verify_ed25519(t.key, statement_hash(t.first), t.first_signature) &&
                         verify_ed25519(t.key, statement_hash(t.second), t.second_signature);
  return is_signed ? TxStatus::kOk : TxStatus::kBadEvidence;
}

}  // namespace

Result<TxStatus> apply(TxScope& s, const JoinCommittee& t) {
  const auto node = TRY(s.load<NodeRecord>(path::node(t.node)));
  if (!node) return TxStatus::kNoSuchNode;
  if (node->owner != s.sender()) return TxStatus::kNotOwner;
  if (t.bond < s.params().min_seat_bond) return TxStatus::kSeatBondTooSmall;
  SeatRecord seat;
  seat.key = node->consensus_key;
  if (auto stored = TRY(s.load<SeatRecord>(path::seat(seat.key)))) {
    if (stored->convicted) return TxStatus::kConvicted;
    if (!may_take(*stored)) return TxStatus::kSeatTaken;
    seat = std::move(*stored);
    seat.founding = 0;
    seat.ready = s.now();
  }
  seat.node = t.node;
  seat.owner = s.sender();
  seat.bonded_at = s.now();
  if (!s.pause(s.payer().purse, seat.bond, t.bond, live_tokens(s.when()))) return TxStatus::kInsufficientFunds;
  s.store(path::seat(seat.key), seat);
  s.emit(event::CommitteeJoined{seat.owner, t.node, seat.key, t.bond});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const LeaveCommittee& t) {
  auto seat = TRY(s.load<SeatRecord>(path::seat(t.key)));
  if (!seat) return TxStatus::kNoSuchSeat;
  if (!seat->node || seat->owner != s.sender()) return TxStatus::kNotOwner;
  if (seat->convicted) return TxStatus::kConvicted;
  if (seat->left) return TxStatus::kSeatLeft;
  seat->left = s.now();
  s.store(path::seat(t.key), *seat);
  s.emit(event::CommitteeLeft{seat->owner, t.key});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const ConfirmReadiness& t) {
  auto seat = TRY(s.load<SeatRecord>(path::seat(t.key)));
  if (!seat) return TxStatus::kNoSuchSeat;
  if (seat->convicted) return TxStatus::kConvicted;
  if (seat->left) return TxStatus::kSeatLeft;
  if (seat->ready || !seat->node) return TxStatus::kAlreadyReady;
  const bool is_recent = t.epoch <= s.now() && s.now().value - t.epoch.value <= 1;
  const auto anchor = TRY(s.load<EpochAnchor>(path::epoch_anchor(t.epoch)));
  if (!is_recent || !anchor || anchor->last_of_previous != t.boundary) return TxStatus::kUnknownBoundary;
  if (!verify_ed25519(t.key, readiness_hash(s.ctx().block.chain, t.key, t.epoch, t.boundary), t.signature)) {
    return TxStatus::kBadReadiness;
  }
  Account* owner = TRY(s.account(seat->owner));
  if (!s.pay_fee_from(owner->purse)) return TxStatus::kInsufficientFunds;
  seat->ready = s.now();
  s.store(path::seat(t.key), *seat);
  s.emit(event::ReadinessConfirmed{seat->owner, t.key, t.epoch});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const SubmitEvidence& t) {
  auto seat = TRY(s.load<SeatRecord>(path::seat(t.key)));
  if (!seat) return TxStatus::kNoSuchSeat;
  if (const TxStatus verdict = TRY(judge(s, t, *seat)); verdict != TxStatus::kOk) return verdict;
  if (s.view().get(path::session(t.reward_to))) return TxStatus::kToSessionKey;
  Account* reporter = TRY(s.account(t.reward_to));
  Purse reward;
  const Penalty penalty = TRY(slash(s, *seat, reward));
  // A reward too small for the fee, as of a key that bonded nothing: the sender pays. Never what the account that the
  // reward goes to has besides: anybody may name it.
  if (!s.pay_fee_from(reward) && !s.pay_fee_from(s.payer().purse)) return TxStatus::kInsufficientFunds;
  add_all(reporter->purse, reward);
  seat->convicted = t.epoch;
  seat->founding = 0;
  s.store(path::seat(t.key), *seat);
  s.emit(event::ValidatorConvicted{seat->owner, t.key, t.epoch, t.reward_to, penalty.rewarded, penalty.burned});
  return TxStatus::kOk;
}

}  // namespace micro
