#include "tests/gen/chain/channel_world.hpp"

namespace micro {
namespace {

using test::ChannelWorld;

constexpr std::uint64_t kPayer = 0, kHost = 1, kStranger = 3;

struct Disputes : testing::Test {
  ChannelWorld w;
  ChannelId id;
  void SetUp() override { id = w.open(); }
  TxStatus status(std::uint64_t sender, Payload payload) { return w.apply(sender, std::move(payload)).status; }
  void claim(LaneTotal total) { ASSERT_EQ(status(kHost, w.claim(id, total)), TxStatus::kOk); }
};

TEST_F(Disputes, AnHonestClaimIsNotContradicted) {
  claim({0, 5, Amount(500'000), Amount(50'000)});
  EXPECT_EQ(status(kPayer, w.dispute(id, {0, 5, Amount(500'000), Amount(50'000)})), TxStatus::kNoContradiction);
  EXPECT_EQ(status(kPayer, w.dispute(id, {0, 4, Amount(400'000), Amount(40'000)})), TxStatus::kNoContradiction);
  EXPECT_EQ(status(kPayer, w.dispute(id, {0, 6, Amount(600'000), Amount(60'000)})), TxStatus::kNoContradiction);
  EXPECT_EQ(status(kPayer, w.dispute(id, {3, 5, Amount(0), Amount(0)})), TxStatus::kNoContradiction);
  EXPECT_EQ(status(kPayer, w.dispute({}, {0, 5, Amount(0), Amount(0)})), TxStatus::kNoSuchChannel);
}

TEST_F(Disputes, AnOverclaimIsRefundedAndCostsTenTimesAsMuch) {
  claim({0, 5, Amount(500'000), Amount(0)});
  const Amount payer = w.live(kPayer), bond = w.bond();
  Dispute forged = w.dispute(id, {0, 5, Amount(300'000), Amount(0)});
  forged.host_signature.data[1] ^= 1;
  EXPECT_EQ(status(kStranger, forged), TxStatus::kBadHostSignature);
  const Amount stranger = w.live(kStranger);
  const TxReceipt receipt = w.apply(kStranger, w.dispute(id, {0, 5, Amount(300'000), Amount(0)}));
  ASSERT_EQ(receipt.status, TxStatus::kOk) << tx_status_text(receipt.status);
  EXPECT_EQ(w.live(kPayer).micro, payer.micro + 200'000);
  EXPECT_EQ(w.live(kStranger), stranger) << "the disputer's fee came back";
  EXPECT_EQ(w.bond().micro, bond.micro - 2'000'000) << "held proceeds paid the refund, the bond the penalty";
  EXPECT_EQ(w.channel(id)->lanes[0].cum_charged, Amount(300'000));
}

TEST_F(Disputes, WhatIsHeldPaysFirstThenTheBond) {
  claim({0, 90, Amount(9'000'000), Amount(0)});
  const std::uint64_t held = live_total(w.channel(id)->held, w.lots()).micro;
  const Amount payer = w.live(kPayer), bond = w.bond();
  const TxReceipt receipt = w.apply(kPayer, w.dispute(id, {0, 90, Amount(100'000), Amount(0)}));
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(w.live(kPayer).micro, payer.micro + 8'900'000);
  EXPECT_TRUE(w.channel(id)->held.lots.empty());
  EXPECT_LT(held, 8'900'000U);
  EXPECT_EQ(w.bond(), Amount(0)) << "ten times the lie is above the bond of " << bond.micro;
}

TEST_F(Disputes, HiddenBaseFeeIsBurnedAndPunished) {
  claim({0, 5, Amount(500'000), Amount(10'000)});
  const Amount bond = w.bond(), payer = w.live(kPayer);
  const auto burned = w.supply().burned.value();
  const TxReceipt receipt = w.apply(kStranger, w.dispute(id, {0, 4, Amount(400'000), Amount(30'000)}));
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(w.bond().micro, bond.micro - 200'000);
  EXPECT_EQ(w.live(kPayer), payer);
  EXPECT_EQ(w.supply().burned.value() - burned, 20'000U + 200'000 + receipt.fee.micro);
}

TEST_F(Disputes, TheSameReceiptProvesNothingTwice) {
  claim({0, 5, Amount(500'000), Amount(0)});
  ASSERT_EQ(status(kPayer, w.dispute(id, {0, 5, Amount(300'000), Amount(0)})), TxStatus::kOk);
  EXPECT_EQ(status(kPayer, w.dispute(id, {0, 5, Amount(300'000), Amount(0)})), TxStatus::kNoContradiction);
  EXPECT_EQ(status(kPayer, w.dispute(id, {0, 6, Amount(299'999), Amount(0)})), TxStatus::kOk);
}

TEST_F(Disputes, EndTheHostsClaims) {
  claim({0, 5, Amount(500'000), Amount(0)});
  ASSERT_EQ(status(kPayer, w.dispute(id, {0, 5, Amount(300'000), Amount(0)})), TxStatus::kOk);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 9, Amount(900'000), Amount(0)})), TxStatus::kAlreadyDisputed);
  EXPECT_EQ(status(kPayer, w.close(id, {{0, 9, Amount(900'000), Amount(0)}}, Epoch(9))), TxStatus::kAlreadyDisputed);
  EXPECT_EQ(status(kPayer, Finalize{id}), TxStatus::kTooEarly);
  w.to_epoch(1);
  EXPECT_EQ(status(kPayer, Finalize{id}), TxStatus::kOk) << "the payer has its rest an epoch later";
  w.to_epoch(3);
  EXPECT_EQ(status(kPayer, Finalize{id}), TxStatus::kOk);
  EXPECT_FALSE(w.channel(id));
}

TEST_F(Disputes, ComeUntilDAfterTheLastClaimInclusive) {
  w.to_epoch(22);
  claim({0, 5, Amount(500'000), Amount(0)});
  w.to_epoch(24);
  EXPECT_EQ(status(kPayer, w.dispute(id, {0, 5, Amount(300'000), Amount(0)})), TxStatus::kOk);
  ChannelWorld late;
  const ChannelId other = late.open();
  late.to_epoch(22);
  ASSERT_EQ(late.apply(kHost, late.claim(other, {0, 5, Amount(500'000), Amount(0)})).status, TxStatus::kOk);
  late.to_epoch(25);
  EXPECT_EQ(late.apply(kPayer, late.dispute(other, {0, 5, Amount(300'000), Amount(0)})).status, TxStatus::kTooLate);
}

TEST_F(Disputes, ReachProceedsThatWerePaidOutLongAgo) {
  claim({0, 5, Amount(500'000), Amount(0)});
  w.to_epoch(5);
  ASSERT_EQ(status(kHost, Finalize{id}), TxStatus::kOk);
  const Amount payer = w.live(kPayer), bond = w.bond();
  const TxReceipt receipt = w.apply(kStranger, w.dispute(id, {0, 5, Amount(400'000), Amount(0)}));
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(w.live(kPayer).micro, payer.micro + 100'000);
  EXPECT_EQ(w.bond().micro, bond.micro - 1'100'000 - receipt.fee.micro);
}

TEST_F(Disputes, ABondBelowTheMinimumEndsTheOffer) {
  claim({0, 50, Amount(5'000'000), Amount(0)});
  ASSERT_EQ(status(kPayer, w.dispute(id, {0, 50, Amount(900'000), Amount(0)})), TxStatus::kOk);
  const auto offer = *w.read<OfferRecord>(path::offer(w.offer));
  EXPECT_EQ(offer.state, OfferState::kWithdrawn);
  EXPECT_EQ(offer.end, Epoch(2));
}

TEST_F(Disputes, ReachABondThatIsLeaving) {
  claim({0, 5, Amount(500'000), Amount(0)});
  ASSERT_EQ(status(kHost, WithdrawOffer{w.offer}), TxStatus::kOk);
  const Amount bond = w.bond();
  w.to_epoch(6);  // serves until 2, claims until 4, disputes until 6; the bond goes back at 8
  ASSERT_EQ(status(kPayer, w.dispute(id, {0, 5, Amount(400'000), Amount(0)})), TxStatus::kOk);
  EXPECT_LT(w.bond(), bond);
}

}  // namespace
}  // namespace micro
