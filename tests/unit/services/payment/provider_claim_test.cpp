#include <gtest/gtest.h>

#include "tests/gen/services/payment_rig.hpp"

namespace micro::payment {
namespace {

struct Claims : testing::Test {
  Rig rig{2};
  NaivePayer payer = rig.payer();
  void call_once(Amount max_price = Amount(5'000)) {
    const CallRequest request = rig.request();
    const CallId id = rig.call(payer.sign(request, max_price), request);
    rig.finish_run();
    const Answer& answer = rig.answers.at(id);
    ASSERT_TRUE(payer.settle(*answer.receipt, answer.inputs, rig.host_key()));
  }
  Amount fee() const { return claim_fee(rig.config.params, 1); }
  void request_close() {
    rig.record.state = ChannelState::kClosing;
    rig.record.close_requested = rig.epoch;
    rig.send(ChannelSeen{rig.record, rig.record.end});
  }
};

TEST_F(Claims, ByThemselvesAtAThreshold) {
  rig.config.claim_fees = 3;
  rig.start();
  int calls = 0;
  while (rig.claims.empty() && calls < 100) {
    call_once();
    ++calls;
  }
  // One call gives the host floor((1,006 − 6 − 50) · 0.7) = 665 µT.
  EXPECT_EQ(static_cast<std::uint64_t>(calls), 3 * fee().micro / 665 + 1);
  const Claim& claim = rig.claims.at(0);
  ASSERT_EQ(claim.lanes.size(), 1U);
  EXPECT_EQ(claim.lanes[0].cum_charged, payer.state().cum_charged);
  EXPECT_TRUE(verify_voucher(rig.record.vkey, claim.lanes[0].voucher, claim.lanes[0].voucher_signature));
  EXPECT_TRUE(
      verify_ed25519(rig.host_key(), claim_hash(rig.config.chain, claim.channel, claim.lanes), claim.host_signature));
}

TEST_F(Claims, OnceUntilTheLedgerShowsThem) {
  rig.config.claim_fees = 1;
  rig.start();
  while (rig.claims.empty()) call_once();
  call_once();
  EXPECT_EQ(rig.claims.size(), 1U);
  rig.next_epoch();
  EXPECT_EQ(rig.claims.size(), 2U) << "a claim that did not arrive is sent again";
  rig.record.lanes[0] = payer.state();
  rig.send(ChannelSeen{rig.record, rig.record.end});
  rig.next_epoch();
  EXPECT_EQ(rig.claims.size(), 2U);
}

TEST_F(Claims, WhatIsWorthMoreThanTheFeeWhenTheChannelCloses) {
  call_once();
  EXPECT_TRUE(rig.claims.empty());
  request_close();
  const bool worth = 665 > fee().micro;
  EXPECT_EQ(rig.claims.size(), worth ? 1U : 0U);
}

TEST_F(Claims, TheBooksCountACallOnceAndSurviveARestart) {
  call_once();
  const CallRequest request = rig.request();
  const SignedVoucher paid = payer.sign(request, Amount(5'000));
  const CallId id = rig.call(paid, request);
  rig.finish_run();
  ASSERT_TRUE(payer.settle(*rig.answers.at(id).receipt, rig.answers.at(id).inputs, rig.host_key()));
  const auto expect = [&](Amount claimable, const char* when) {
    const auto books = rig.provider->books();
    ASSERT_EQ(books.size(), 1U) << when;
    EXPECT_EQ(books[0].calls, 2U) << when;
    EXPECT_EQ(books[0].charged, payer.state().cum_charged) << when;
    EXPECT_EQ(books[0].base_fee, payer.state().cum_base_fee) << when;
    EXPECT_EQ(books[0].earned, Amount(1'330)) << when;  // floor((2,012 − 12 − 100) · 0.7)
    EXPECT_EQ(books[0].claimable, claimable) << when;
  };
  expect(Amount(1'330), "after two calls");
  rig.call(paid, request);
  expect(Amount(1'330), "after an answer that was given again");
  rig.start();
  expect(Amount(1'330), "after a restart");
  rig.record.lanes[0] = payer.state();
  rig.send(ChannelSeen{rig.record, rig.record.end});
  expect(Amount(), "after the ledger took the claim");
}

TEST_F(Claims, TheBooksSayWhatAClaimWouldCostAndWhetherOneIsOnItsWay) {
  EXPECT_EQ(rig.provider->books().at(0).claim_fee, claim_fee(rig.config.params, 0)) << "nothing to claim";
  call_once();
  const ChannelBooks small = rig.provider->books().at(0);
  EXPECT_EQ(small.claim_fee, fee());
  EXPECT_FALSE(small.claim_sent);
  rig.send(ClaimAsked{});
  EXPECT_EQ(rig.claims.empty(), small.claimable <= small.claim_fee) << "only what is worth more than its fee";
  EXPECT_EQ(rig.provider->books().at(0).claim_sent, !rig.claims.empty());
  while (rig.claims.empty()) {
    call_once();
    rig.send(ClaimAsked{});
  }
  const ChannelBooks claimed = rig.provider->books().at(0);
  EXPECT_TRUE(claimed.claim_sent);
  EXPECT_GT(claimed.claimable, claimed.claim_fee);
}

TEST_F(Claims, BeforeTheEndAndBeforeDraining) {
  call_once();
  call_once();
  Rig& r = rig;
  r.send(Draining{});
  EXPECT_EQ(r.claims.size(), 1U);
  r.claims.clear();
  rig.epoch = Epoch(195);
  rig.start();
  EXPECT_TRUE(rig.claims.empty());
  rig.next_epoch();
  EXPECT_TRUE(rig.claims.empty());
  rig.next_epoch();  // 197 + 3 ≥ 200
  EXPECT_EQ(rig.claims.size(), 1U);
}

TEST_F(Claims, NotAfterTheDeadline) {
  call_once();
  call_once();
  rig.epoch = Epoch(212);
  rig.start();
  EXPECT_EQ(rig.claims.size(), 1U);
  rig.claims.clear();
  rig.epoch = Epoch(213);
  rig.start();
  EXPECT_TRUE(rig.claims.empty());
}

TEST_F(Claims, OnlyOfCallsThatAreDone) {
  call_once();
  call_once();
  const CallRequest request = rig.request();
  rig.call(payer.sign(request, Amount(100'000)), request);  // accepted, not ended
  request_close();
  ASSERT_EQ(rig.claims.size(), 1U);
  EXPECT_EQ(rig.claims[0].lanes[0].voucher.seq, 2U);
  EXPECT_EQ(rig.claims[0].lanes[0].cum_charged, payer.state().cum_charged);
}

TEST_F(Claims, SurviveARestartAndAFailedCall) {
  call_once();
  call_once();
  const CallRequest request = rig.request();
  const CallId id = rig.call(payer.sign(request, Amount(1)), request);
  ASSERT_EQ(rig.answers.at(id).receipt->receipt.outcome, CallOutcomeKind::kFailed);
  rig.start();
  request_close();
  ASSERT_EQ(rig.claims.size(), 1U);
  EXPECT_EQ(rig.claims[0].lanes[0].voucher.seq, 2U);
}

TEST_F(Claims, AreFollowedByFinalizeWhenNothingCanHappenAnyMore) {
  rig.epoch = Epoch(224);  // 200 + 12 + 12
  rig.start();
  EXPECT_TRUE(rig.finalizes.empty());
  rig.next_epoch();
  ASSERT_EQ(rig.finalizes.size(), 1U);
}

// --- cooperative close ---

struct Closing : Claims {
  CloseAsked ask(CallId id) const {
    return {id, rig.record.channel, NaivePayer::vkey().sign_schnorr(close_ask_hash(rig.record.channel))};
  }
};

TEST_F(Closing, SignsTheTotalsOnceNoCallIsInWork) {
  call_once();
  const CallRequest request = rig.request();
  rig.call(payer.sign(request, Amount(5'000)), request);
  rig.send(ask(900));
  EXPECT_TRUE(rig.closes.empty());
  EXPECT_EQ(rig.answers.at(rig.call(rig.payer(1).sign(request, Amount(5'000)), request)).status, 402)
      << "vouchers are refused on all lanes";
  rig.finish_run();
  ASSERT_EQ(rig.closes.size(), 1U);
  const CoopClose close = *rig.closes[0].close;
  ASSERT_EQ(close.totals.size(), 1U);
  EXPECT_EQ(close.totals[0].seq, 2U);
  EXPECT_TRUE(verify_ed25519(rig.host_key(),
                             close_hash(rig.config.chain, close.channel, close.totals, close.valid_until),
                             close.host_signature));
}

TEST_F(Closing, IsOnDiskBeforeItIsSigned) {
  rig.sync_at_once = false;
  rig.send(ask(900));
  EXPECT_TRUE(rig.closes.empty());
  rig.sync();
  EXPECT_EQ(rig.closes.size(), 1U);
  rig.start();
  rig.sync_at_once = true;
  const CallRequest request = rig.request();
  EXPECT_EQ(rig.answers.at(rig.call(payer.sign(request, Amount(5'000)), request)).status, 402);
}

TEST_F(Closing, NeedsThePayersSignature) {
  CloseAsked forged = ask(900);
  forged.signature.data[3] ^= 1;
  rig.send(forged);
  ASSERT_EQ(rig.closes.size(), 1U);
  EXPECT_EQ(rig.closes[0].close.error().fault, Fault::kDenied);
  const CallRequest request = rig.request();
  rig.call(payer.sign(request, Amount(5'000)), request);
  EXPECT_EQ(rig.runs.size(), 1U);
}

}  // namespace
}  // namespace micro::payment
