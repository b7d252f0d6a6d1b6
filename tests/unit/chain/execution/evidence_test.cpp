// What a lie costs: the whole bond, once, and the seat for ever; and what is no proof.
#include "tests/gen/chain/committee_world.hpp"
#include "tests/gen/contradictions.hpp"

namespace micro {
namespace {

using test::CommitteeWorld;
using test::lie;
using test::person;

constexpr Amount kAtStake = CommitteeWorld::kBond;

struct Seated : CommitteeWorld {
  Seated() {
    seat_all(5);
    EXPECT_TRUE(run({}).has_value());
  }
};

TEST(Evidence, TakesTheBondOnceRewardsTheReporterAndEndsTheSeat) {
  Seated w;
  const Supply before = w.supply();
  const TxReceipt receipt = w.apply(w.make(77, w.evidence(1, 77)));  // the reporter has nothing
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  const auto& e = std::get<event::ValidatorConvicted>(receipt.events.at(0));
  EXPECT_EQ(e.owner, person(1));
  EXPECT_EQ(e.key, w.key(1));
  EXPECT_EQ(e.epoch, w.epoch());
  EXPECT_EQ(e.rewarded, Amount(kAtStake.micro / 20));
  EXPECT_EQ(e.burned.micro, kAtStake.micro - e.rewarded.micro);
  EXPECT_EQ(w.live(77).micro, e.rewarded.micro - receipt.fee.micro);
  EXPECT_EQ(w.supply().burned.value(), before.burned.value() + e.burned.micro + receipt.fee.micro);
  EXPECT_EQ(w.supply().paused.micro, before.paused.micro - kAtStake.micro);
  w.expect_whole();
  for (const std::uint64_t view : {7u, 8u}) {
    const auto again = w.evidence(w.consensus_key(1), w.epoch(), lie(w.epoch_id_of(w.epoch()), view), 2);
    EXPECT_EQ(w.apply(2, again).status, TxStatus::kConvicted);
  }
  EXPECT_EQ(w.apply(1, LeaveCommittee{w.key(1)}).status, TxStatus::kConvicted);
  EXPECT_EQ(w.apply(1, w.readiness(1)).status, TxStatus::kConvicted);
  const auto node = w.read<NodeId>(path::node_key(w.key(1)));
  EXPECT_EQ(w.apply(1, JoinCommittee{*node, kAtStake}).status, TxStatus::kConvicted);
  ASSERT_TRUE(w.end_epochs(2).has_value());
  EXPECT_EQ(w.weight(1, w.epoch()), 0u);
  ASSERT_TRUE(w.end_epochs(20).has_value());
  EXPECT_TRUE(w.seat_of(w.key(1)).has_value()) << "kept, so that the key stays out";
}

TEST(Evidence, ReachesWhoLeftUntilItsBondIsFree) {
  Seated w;
  const Epoch epoch = w.epoch();
  const auto proof = w.evidence(5, 2);
  ASSERT_EQ(w.apply(5, LeaveCommittee{w.key(5)}).status, TxStatus::kOk);
  ASSERT_TRUE(w.end_epochs(w.genesis.params.unbonding_epochs).has_value());
  EXPECT_EQ(w.epoch().value, epoch.value + w.genesis.params.unbonding_epochs);
  EXPECT_EQ(w.apply(2, proof).status, TxStatus::kOk) << "the last epoch in which it is taken";
  ASSERT_TRUE(w.end_epochs(20).has_value());
  EXPECT_EQ(w.supply().paused.micro, 4 * kAtStake.micro) << "nothing was given back";
  w.expect_whole();
}

TEST(Evidence, ThatIsTooOldIsRefused) {
  Seated w;
  const auto proof = w.evidence(1, 2);
  ASSERT_TRUE(w.end_epochs(w.genesis.params.unbonding_epochs + 1).has_value());
  EXPECT_EQ(w.apply(2, proof).status, TxStatus::kTooLate);
  ASSERT_TRUE(w.end_epochs(30).has_value());
  EXPECT_EQ(w.apply(2, proof).status, TxStatus::kTooLate) << "also when its epoch is forgotten";
}

TEST(Evidence, AgainstAKeyOfTheGenesisIsPaidByTheSender) {
  CommitteeWorld w;
  ASSERT_TRUE(w.run({}).has_value());
  const Ed25519Secret founder = test::machine_key(0);
  const auto proof = w.evidence(founder, Epoch(0), lie(w.epoch_id_of(Epoch(0))), 2);
  EXPECT_EQ(w.check(w.make(77, proof)), TxStatus::kCannotPayFee) << "not out of what another account has";
  const Amount before = w.live(2);
  const TxReceipt receipt = w.apply(3, proof);
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(w.live(2), before);
  EXPECT_TRUE(std::get<event::ValidatorConvicted>(receipt.events.at(0)).rewarded.is_zero());
  EXPECT_EQ(stake_of(*w.seat_of(founder.public_key())), 0u);
}

TEST(Evidence, ThatProvesNothingIsRefused) {
  Seated w;
  const Epoch now = w.epoch();
  const Hash id = w.epoch_id_of(now);
  const auto status = [&](SubmitEvidence e) { return w.apply(2, std::move(e)).status; };
  const auto told = [&](std::pair<Statement, Statement> pair, Epoch epoch) {
    return status(w.evidence(w.consensus_key(1), epoch, pair, 2));
  };
  EXPECT_EQ(status(w.evidence(7, 2)), TxStatus::kNoSuchSeat);
  auto pair = lie(id);
  pair.second = pair.first;
  EXPECT_EQ(told(pair, now), TxStatus::kNotContradictory);
  pair.second.kind = StatementKind::kFinalize;
  EXPECT_EQ(told(pair, now), TxStatus::kNotContradictory);
  pair = lie(id);
  pair.second.view = View(8);
  EXPECT_EQ(told(pair, now), TxStatus::kNotContradictory) << "two views";
  pair = lie(id);
  pair.second.epoch_id.data[0] ^= 1;
  EXPECT_EQ(told(pair, now), TxStatus::kNotContradictory) << "two epochs";
  EXPECT_EQ(told(lie(Hash{}), now), TxStatus::kWrongEpoch);
  EXPECT_EQ(told(lie(id), Epoch(now.value - 1)), TxStatus::kWrongEpoch);
  EXPECT_EQ(told(lie(id), now.next()), TxStatus::kWrongEpoch) << "an epoch to come";
  for (const bool first : {true, false}) {
    auto forged = w.evidence(1, 2);
    (first ? forged.first_signature : forged.second_signature).data[9] ^= 1;
    EXPECT_EQ(status(forged), TxStatus::kBadEvidence);
    auto borrowed = w.evidence(3, 2);
    borrowed.key = w.key(1);
    EXPECT_EQ(status(borrowed), TxStatus::kBadEvidence);
  }
  EXPECT_EQ(w.supply().paused.micro, 5 * kAtStake.micro);
  EXPECT_EQ(w.seat_of(w.key(1))->convicted, std::nullopt);
}

TEST(Evidence, EachPairThatNoHonestValidatorSignsConvicts) {
  const Seated seated;
  const Hash id = seated.epoch_id_of(seated.epoch());
  for (const test::StatementPair& pair : test::contradictions(id, 7)) {
    for (const bool swapped : {false, true}) {
      SCOPED_TRACE(pair.name);
      Seated w = seated;
      const auto told = swapped ? std::pair(pair.second, pair.first) : std::pair(pair.first, pair.second);
      EXPECT_EQ(w.apply(2, w.evidence(w.consensus_key(1), w.epoch(), told, 2)).status, TxStatus::kOk);
      EXPECT_EQ(w.seat_of(w.key(1))->convicted, w.epoch());
      EXPECT_EQ(w.supply().paused.micro, 4 * kAtStake.micro);
    }
  }
}

TEST(Evidence, WhatHonestValidatorsSignNeverConvicts) {
  Seated w;
  const Hash id = w.epoch_id_of(w.epoch());
  for (const test::StatementPair& pair : test::honest_pairs(id, 7)) {
    for (const bool swapped : {false, true}) {
      SCOPED_TRACE(pair.name);
      const auto told = swapped ? std::pair(pair.second, pair.first) : std::pair(pair.first, pair.second);
      const TxStatus status = w.apply(2, w.evidence(w.consensus_key(1), w.epoch(), told, 2)).status;
      // A rival end of the epoch before was final on the other side: its followers are not to blame.
      const bool is_of_rival = told.first.epoch_id != id;
      EXPECT_EQ(status, is_of_rival ? TxStatus::kWrongEpoch : TxStatus::kNotContradictory);
    }
  }
  EXPECT_EQ(w.seat_of(w.key(1))->convicted, std::nullopt);
  EXPECT_EQ(w.supply().paused.micro, 5 * kAtStake.micro);
}

TEST(Evidence, OfAnEpochInWhichTheKeyHadNoSeatIsRefused) {
  CommitteeWorld w;
  w.seat(1);
  EXPECT_EQ(w.apply(2, w.evidence(1, 2)).status, TxStatus::kNotSeated);
}

TEST(Evidence, ARewardIsNotLostInASessionKey) {
  Seated w;
  ASSERT_EQ(w.apply(2,
                    GrantSessionKey{
                        test::person_key(60).public_key(), Epoch(w.epoch().value + 5), Amount(1), Amount(1'000), 2, {}})
                .status,
            TxStatus::kOk);
  EXPECT_EQ(w.apply(2, w.evidence(1, 60)).status, TxStatus::kToSessionKey);
}

}  // namespace
}  // namespace micro
