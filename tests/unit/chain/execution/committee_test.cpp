// Seats through real transactions: who joins, when it sits, how long its bond answers, and how the committee follows.
#include "chain/execution/epoch_committee.hpp"
#include "tests/gen/chain/committee_world.hpp"

namespace micro {
namespace {

using test::CommitteeWorld;
using test::person;

constexpr Amount kBond = CommitteeWorld::kBond;

template <class T>
std::vector<T> events_of(const std::vector<Event>& events) {
  std::vector<T> out;
  for (const Event& e : events) {
    if (const auto* one = std::get_if<T>(&e)) out.push_back(*one);
  }
  return out;
}

TEST(Committee, OfTheFirstTwoEpochsIsTheGenesis) {
  CommitteeWorld w;
  EXPECT_EQ(w.read<ValidatorSet>(path::validators(Epoch(0))), w.genesis.validators);
  EXPECT_EQ(w.read<ValidatorSet>(path::validators(Epoch(1))), w.genesis.validators);
  const auto seat = w.seat_of(test::machine_key(0).public_key());
  ASSERT_TRUE(seat.has_value());
  EXPECT_EQ(seat->founding, 1u);
  EXPECT_TRUE(seat->seated);
}

TEST(Committee, WhoJoinsAndIsReadySitsAfterOneWholeEpoch) {
  CommitteeWorld w;
  for (std::uint64_t n = 1; n <= 4; ++n) w.seat(n);
  const auto first = w.end_epoch();
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_EQ(first->next_validators, w.genesis.validators) << "of epoch 1: fixed before anybody joined";
  EXPECT_EQ(w.weight(1, Epoch(1)), 0u);
  EXPECT_EQ(w.weight(1, Epoch(2)), 62'499'999u) << "a quarter of the weight, by four and the genesis's 1 µT";
  const auto fixed = events_of<event::CommitteeFixed>(first->boundary_events);
  ASSERT_EQ(fixed.size(), 1u);
  EXPECT_EQ(fixed[0].epoch, Epoch(2));
  EXPECT_EQ(fixed[0].members, 5u);
  const auto second = w.end_epoch();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(validator_set_hash(*second->next_validators), fixed[0].set) << "what the header names at its end";
  EXPECT_EQ(w.seat_of(w.key(1))->first_seated, Epoch(2));
  EXPECT_FALSE(w.state.get(path::validators(Epoch(0)))) << "only this epoch's and the next are kept";
  ASSERT_TRUE(w.end_epochs(4).has_value());
  EXPECT_GE(w.weight(1, w.epoch()), 249'999'990u);
  w.expect_whole();
}

TEST(Committee, WithoutReadinessNobodySits) {
  CommitteeWorld w;
  for (std::uint64_t n = 1; n <= 4; ++n) w.join(n);
  ASSERT_TRUE(w.end_epochs(3).has_value());
  EXPECT_EQ(w.read<ValidatorSet>(path::validators(w.epoch())), w.genesis.validators);
  ASSERT_TRUE(w.run({}).has_value()) << "the block that makes the epoch's anchor";
  for (std::uint64_t n = 1; n <= 4; ++n) EXPECT_EQ(w.apply(n, w.readiness(n)).status, TxStatus::kOk);
  const Epoch confirmed = w.epoch();
  ASSERT_TRUE(w.end_epoch().has_value());
  EXPECT_EQ(w.weight(1, confirmed.next()), 0u);
  EXPECT_GT(w.weight(1, confirmed.next().next()), 0u);
}

TEST(Committee, StaysAsItIsWhenTooFewCouldSit) {
  CommitteeWorld w;
  w.seat_all(5);
  const auto before = w.read<ValidatorSet>(path::validators(w.epoch()));
  for (std::uint64_t n = 1; n <= 3; ++n) EXPECT_EQ(w.apply(n, LeaveCommittee{w.key(n)}).status, TxStatus::kOk);
  ASSERT_TRUE(w.end_epochs(20).has_value());
  EXPECT_EQ(w.read<ValidatorSet>(path::validators(w.epoch())), before) << "two and the genesis's key are not four";
  EXPECT_TRUE(w.seat_of(w.key(1))->seated);
  EXPECT_EQ(w.supply().paused.micro, 5 * kBond.micro) << "whoever sits answers";
}

TEST(Join, Refuses) {
  CommitteeWorld w;
  EXPECT_EQ(w.apply(1, JoinCommittee{NodeId{}, kBond}).status, TxStatus::kNoSuchNode);
  const NodeId node = w.add_node(1, 1);
  EXPECT_EQ(w.apply(2, JoinCommittee{node, kBond}).status, TxStatus::kNotOwner);
  EXPECT_EQ(w.apply(1, JoinCommittee{node, Amount(kBond.micro - 1)}).status, TxStatus::kSeatBondTooSmall);
  EXPECT_EQ(w.apply(1, JoinCommittee{node, Amount(1'000'000'000)}).status, TxStatus::kInsufficientFunds);
  const Amount before = w.live(1);
  const TxReceipt joined = w.apply(1, JoinCommittee{node, kBond});
  ASSERT_EQ(joined.status, TxStatus::kOk);
  EXPECT_EQ(std::get<event::CommitteeJoined>(joined.events.at(0)).key, w.key(1));
  EXPECT_EQ(w.live(1).micro, before.micro - kBond.micro - joined.fee.micro);
  EXPECT_EQ(w.supply().paused, kBond);
  EXPECT_EQ(w.apply(1, JoinCommittee{node, kBond}).status, TxStatus::kSeatTaken);
  w.expect_whole();
}

TEST(Join, ASeatStaysWithItsKeyWhenTheNodeChangesIt) {
  CommitteeWorld w;
  const NodeId node = w.join(1);
  const RegisterNode fresh = w.registration(1, 30);
  EXPECT_EQ(
      w.apply(1, RotateNodeKey{node, fresh.node_key, fresh.consensus_key, fresh.node_proof, fresh.consensus_proof})
          .status,
      TxStatus::kOk);
  // The old key's holder could register it again, but not get a second seat for it.
  EXPECT_EQ(w.apply(1, w.registration(1, 1)).status, TxStatus::kOk);
  const auto again = w.read<NodeId>(path::node_key(w.key(1)));
  EXPECT_EQ(w.apply(1, JoinCommittee{*again, kBond}).status, TxStatus::kSeatTaken);
  EXPECT_EQ(w.apply(1, JoinCommittee{node, kBond}).status, TxStatus::kOk) << "the new key gets one of its own";
  EXPECT_TRUE(w.seat_of(w.key(1)) && w.seat_of(w.key(30)));
  EXPECT_EQ(w.supply().paused.micro, 2 * kBond.micro);
}

TEST(Join, AKeyOfTheGenesisBondsAndGoesOnSitting) {
  CommitteeWorld w;
  const Ed25519Secret founder = test::machine_key(0);
  const Ed25519Secret node_key = test::machine_key(90);
  const Hash proof = node_proof_hash(w.chain, person(1), node_key.public_key(), founder.public_key());
  const TxReceipt made =
      w.apply(1, RegisterNode{node_key.public_key(), founder.public_key(), node_key.sign(proof), founder.sign(proof)});
  const NodeId node = std::get<event::NodeRegistered>(made.events.at(0)).node;
  ASSERT_EQ(w.apply(1, JoinCommittee{node, kBond}).status, TxStatus::kOk);
  const auto seat = w.seat_of(founder.public_key());
  EXPECT_EQ(seat->founding, 0u);
  EXPECT_TRUE(seat->seated && seat->ready);
  EXPECT_EQ(stake_of(*seat), kBond.micro);
  EXPECT_EQ(w.apply(1, JoinCommittee{node, kBond}).status, TxStatus::kSeatTaken);
}

TEST(Readiness, IsPaidByTheSeatsOwnerAndTakenOnce) {
  CommitteeWorld w;
  w.join(1);
  ASSERT_TRUE(w.end_epoch().has_value());
  ASSERT_TRUE(w.run({}).has_value()) << "the block that makes the epoch's anchor";
  const Amount before = w.live(1);
  const SignedTx tx = w.make(77, w.readiness(1));  // has no account
  EXPECT_EQ(w.check(tx), TxStatus::kOk);
  const TxReceipt receipt = w.apply(tx);
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(w.live(1).micro, before.micro - receipt.fee.micro);
  EXPECT_EQ(w.apply(2, w.readiness(1)).status, TxStatus::kAlreadyReady);
}

TEST(Readiness, Refuses) {
  CommitteeWorld w;
  EXPECT_EQ(w.apply(1, w.readiness(1)).status, TxStatus::kNoSuchSeat);
  w.join(1);
  EXPECT_EQ(w.apply(1, w.readiness(1, Epoch(1))).status, TxStatus::kUnknownBoundary) << "of an epoch to come";
  ConfirmReadiness wrong = w.readiness(1);
  wrong.boundary.data[0] ^= 1;
  EXPECT_EQ(w.apply(1, wrong).status, TxStatus::kUnknownBoundary);
  wrong = w.readiness(1);
  wrong.signature.data[0] ^= 1;
  EXPECT_EQ(w.apply(1, wrong).status, TxStatus::kBadReadiness);
  ConfirmReadiness other = w.readiness(2);
  other.key = w.key(1);
  EXPECT_EQ(w.apply(1, other).status, TxStatus::kBadReadiness);
  ASSERT_TRUE(w.end_epochs(2).has_value());
  EXPECT_EQ(w.apply(1, w.readiness(1, Epoch(0))).status, TxStatus::kUnknownBoundary) << "too old to be a promise";
  EXPECT_EQ(w.apply(1, w.readiness(1, Epoch(1))).status, TxStatus::kOk) << "the epoch before is recent enough";
  w.join(2);
  EXPECT_EQ(w.apply(2, LeaveCommittee{w.key(2)}).status, TxStatus::kOk);
  EXPECT_EQ(w.apply(2, w.readiness(2)).status, TxStatus::kSeatLeft);
  w.join(3);
  const Amount all = w.live(3);
  const TxReceipt sent = w.apply(3, Transfer{person(4), Amount(all.micro - 400), {}});
  ASSERT_EQ(sent.status, TxStatus::kOk);
  EXPECT_EQ(w.apply(4, w.readiness(3)).status, TxStatus::kInsufficientFunds);
}

TEST(Leave, TheBondComesBackWhenNothingCanBeProvenAgainstItAnyMore) {
  CommitteeWorld w;
  w.seat_all(5);
  ASSERT_TRUE(w.run({}).has_value());
  const Epoch left = w.epoch();
  EXPECT_EQ(w.apply(1, LeaveCommittee{w.key(5)}).status, TxStatus::kNotOwner);
  ASSERT_EQ(w.apply(5, LeaveCommittee{w.key(5)}).status, TxStatus::kOk);
  EXPECT_EQ(w.apply(5, LeaveCommittee{w.key(5)}).status, TxStatus::kSeatLeft);
  EXPECT_EQ(w.apply(5, LeaveCommittee{w.key(77)}).status, TxStatus::kNoSuchSeat);
  EXPECT_EQ(w.apply(5, LeaveCommittee{test::machine_key(0).public_key()}).status, TxStatus::kNotOwner);
  const Amount before = w.live(5);
  ASSERT_TRUE(w.end_epoch().has_value());
  EXPECT_GT(w.weight(5, left.next()), 0u) << "that committee was fixed before";
  EXPECT_EQ(w.weight(5, left.next().next()), 0u);
  EXPECT_EQ(w.seat_of(w.key(5))->last_seated, left.next());
  const Epoch release(left.next().value + w.genesis.params.unbonding_epochs + 1);
  while (w.epoch().next() < release) {
    const auto out = w.end_epoch();
    ASSERT_TRUE(out && events_of<event::SeatReleased>(out->boundary_events).empty());
  }
  const auto out = w.end_epoch();
  const auto released = events_of<event::SeatReleased>(out->boundary_events);
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].amount, kBond);
  EXPECT_EQ(w.live(5).micro, before.micro + kBond.micro);
  EXPECT_FALSE(w.seat_of(w.key(5)).has_value());
  w.expect_whole();
  const auto node = w.read<NodeId>(path::node_key(w.key(5)));
  EXPECT_EQ(w.apply(5, JoinCommittee{*node, kBond}).status, TxStatus::kOk) << "it may come back";
}

TEST(Leave, ABondGainsNoLifeInTheCommittee) {
  CommitteeWorld w;
  w.seat(1);
  const Lot bonded = w.seat_of(w.key(1))->bond.lots.at(0);
  ASSERT_EQ(w.apply(1, LeaveCommittee{w.key(1)}).status, TxStatus::kOk);
  ASSERT_TRUE(w.end_epochs(12).has_value());
  EXPECT_FALSE(w.seat_of(w.key(1)).has_value());
  const auto lots = w.account(1).purse.lots;
  for (const Lot& lot : lots) {
    const std::uint32_t paused = w.genesis.params.unbonding_epochs + 1;
    EXPECT_LE(lot.expiry.value, bonded.expiry.value + paused);
    EXPECT_EQ(lot.expiry.value % w.genesis.params.bucket_epochs, 0u);
  }
  w.expect_whole();
}

/// Seats of person 1 whose bonds are free, put straight into the state.
void add_free_seats(CommitteeWorld& w, std::size_t count) {
  StateDiff diff;
  SupplyBook book = SupplyBook::from(w.supply(), w.lots()).value();
  for (std::uint64_t n = 0; n < count; ++n) {
    SeatRecord seat;
    seat.key = test::seed_of(5'000 + n).as<Ed25519Key>();
    seat.node = NodeId{};
    seat.owner = person(1);
    seat.bonded_at = w.epoch();
    seat.left = Epoch(0);
    const Lot lot{fresh_expiry(w.lots()), LotClass::kToken, Amount(1'000)};
    add_lot(seat.bond, lot);
    book.mint(lot);
    book.pause(lot);
    diff.insert_or_assign(path::seat(seat.key), encode(seat));
  }
  diff.insert_or_assign(path::supply(), encode(book.record()));
  w.state.apply(diff);
}

TEST(Leave, MoreFreeBondsThanABoundaryHasRoomForGoBackAtTheNext) {
  CommitteeWorld w;
  ASSERT_TRUE(w.end_epochs(9).has_value());
  add_free_seats(w, kMaxSeatReleases + 5);
  w.expect_whole();
  EXPECT_EQ(events_of<event::SeatReleased>(w.end_epoch()->boundary_events).size(), kMaxSeatReleases);
  w.expect_whole();
  EXPECT_EQ(events_of<event::SeatReleased>(w.end_epoch()->boundary_events).size(), 5u);
  EXPECT_EQ(w.supply().paused, Amount(0));
}

}  // namespace
}  // namespace micro
