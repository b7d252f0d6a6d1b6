#include "wallet/payer/lane.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/gen/model_host.hpp"

namespace micro {
namespace {

struct LaneWorld {
  test::PaymentWorld world;
  std::vector<Entry> log{PayerLane::opening(world.channel, 0)};
  PayerLane lane = PayerLane::restore(world.channel, 0, log).value();
  Bytes body = to_bytes("hello");

  void commit(const Entry& entry) {
    log.push_back(entry);
    ASSERT_TRUE(lane.apply(entry));
  }
  std::string_view key;
  SignedCall sign(Amount max_price = Amount(5'000)) {
    CallOrder order = world.order(body, max_price);
    order.idempotency_key = key;
    const auto entry = lane.prepare(world.vkey, order, world.deposit, Amount());
    EXPECT_TRUE(entry) << entry.error().message;
    commit(*entry);
    return entry->call;
  }
  Judgement call(test::HostMood mood = test::HostMood::kHonest) {
    const auto reply = world.host.receive(sign(), mood).reply.value();
    const auto judged = lane.judge(reply.answer());
    EXPECT_TRUE(judged) << judged.error().message;
    for (const auto& entry : judged->entries) commit(entry);
    return *judged;
  }
};
struct PayerLaneTest : testing::Test, LaneWorld {};

TEST_F(PayerLaneTest, PaysCallAfterCall) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(call().verdict, CallVerdict::kDone);
    EXPECT_EQ(lane.settled().seq, i);
    EXPECT_EQ(lane.settled(), world.host.state(0));
    EXPECT_FALSE(lane.pending());
  }
  EXPECT_EQ(lane.committed(), lane.settled().cum_charged);
}

TEST_F(PayerLaneTest, AVoucherPromisesTheMaximumOnTopOfWhatWasCharged) {
  call();
  const Amount charged = lane.settled().cum_charged;
  const SignedCall signed_call = sign(Amount(4'321));
  EXPECT_EQ(signed_call.voucher.cum, Amount(charged.micro + 4'321));
  EXPECT_EQ(lane.committed(), signed_call.voucher.cum);
  EXPECT_EQ(signed_call.voucher.accept_by, TimeMs(1'060'000));
}

TEST_F(PayerLaneTest, AFailedCallCostsNothingAndUsesItsNumberUp) {
  call();
  const Amount before = lane.settled().cum_charged;
  EXPECT_EQ(call(test::HostMood::kFails).verdict, CallVerdict::kFailed);
  EXPECT_EQ(lane.settled().seq, 2U);
  EXPECT_EQ(lane.settled().cum_charged, before);
  EXPECT_EQ(call().verdict, CallVerdict::kDone);
}

TEST_F(PayerLaneTest, ATrapCostsTheGasOfTheLimitWithoutThePrice) {
  EXPECT_EQ(call(test::HostMood::kTraps).verdict, CallVerdict::kDone);
  EXPECT_EQ(lane.settled().cum_charged, Amount(4'000));
}

TEST_F(PayerLaneTest, NothingIsSignedWhileACallIsPending) {
  sign();
  const Bytes other = to_bytes("other");
  EXPECT_EQ(lane.prepare(world.vkey, world.order(other), world.deposit, Amount()).error().fault, Fault::kBusy);
}

TEST_F(PayerLaneTest, RefusesOrdersThatContradictTheChannelOrTheCaps) {
  const auto refused = [&](const CallOrder& order, Amount deposit = Amount(1'000'000)) {
    const auto entry = lane.prepare(world.vkey, order, deposit, Amount(10));
    return entry ? Fault::kInternal : entry.error().fault;
  };
  EXPECT_EQ(refused(world.order(body, Amount(50'001))), Fault::kFunds);
  EXPECT_EQ(refused(world.order(body, Amount(1'004))), Fault::kFunds) << "below the price and the intrinsic gas";
  EXPECT_EQ(refused(world.order(body), Amount(5'009)), Fault::kFunds) << "the other lanes' promises count";
  CallOrder order = world.order(body);
  order.now = world.channel.end;
  EXPECT_EQ(refused(order), Fault::kDenied);
  order = world.order(body);
  order.terms.price = Amount(999);
  EXPECT_EQ(refused(order), Fault::kInvalid);
  order = world.order(body);
  order.request.service.data.fill(1);
  EXPECT_EQ(refused(order), Fault::kInvalid);
  order = world.order(body);
  order.request.body_hash.data[0] ^= 1;
  EXPECT_EQ(refused(order), Fault::kInvalid);
  const Bytes large(kMaxPaidBodyBytes + 1);
  EXPECT_EQ(refused(world.order(large)), Fault::kLimit);
  const SecretKey other = SecretKey::generate(world.random);
  EXPECT_EQ(lane.prepare(other, world.order(body), world.deposit, Amount()).error().fault, Fault::kInvalid);
  EXPECT_TRUE(lane.prepare(world.vkey, world.order(body), Amount(5'010), Amount(10)));
}

TEST_F(PayerLaneTest, ASignedLieDropsTheHostForEver) {
  using test::HostMood;
  for (const auto mood : {HostMood::kOvercharges, HostMood::kWrongSum, HostMood::kOtherInputs, HostMood::kOtherPrice,
                          HostMood::kChargesFailure, HostMood::kOtherAnswer}) {
    LaneWorld fresh;
    const auto judged = fresh.call(mood);
    EXPECT_EQ(judged.verdict, CallVerdict::kDropped) << static_cast<int>(mood);
    EXPECT_FALSE(judged.reason.empty());
    const auto next =
        fresh.lane.prepare(fresh.world.vkey, fresh.world.order(fresh.body), fresh.world.deposit, Amount());
    EXPECT_EQ(next.error().fault, Fault::kDenied);
    const auto again = PayerLane::restore(fresh.world.channel, 0, fresh.log);
    ASSERT_TRUE(again);
    ASSERT_TRUE(again->dropped());
    const auto& evidence = again->dropped()->evidence;
    EXPECT_TRUE(verify_receipt(fresh.world.channel.receipt_key, evidence.receipt, evidence.signature));
  }
}

TEST_F(PayerLaneTest, WhatTheHostDidNotSignSettlesNothing) {
  const SignedCall signed_call = sign();
  const auto reply = world.host.receive(signed_call).reply.value();
  auto forged = reply;
  forged.receipt.receipt.cum_charged = Amount(1);
  EXPECT_EQ(lane.judge(forged.answer()).error().fault, Fault::kUnknownOutcome);
  auto without_inputs = reply.answer();
  without_inputs.inputs.reset();
  EXPECT_EQ(lane.judge(without_inputs).error().fault, Fault::kUnknownOutcome);
  const auto judged = lane.judge(reply.answer());
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->verdict, CallVerdict::kDone);
}

TEST_F(PayerLaneTest, ALateAnswerToAnEarlierCallSettlesNothing) {
  const auto first = world.host.receive(sign()).reply.value();
  const auto judged = lane.judge(first.answer());
  ASSERT_TRUE(judged.has_value());
  for (const auto& entry : judged->entries) commit(entry);
  sign();
  EXPECT_EQ(lane.judge(first.answer()).error().fault, Fault::kUnknownOutcome);
  EXPECT_TRUE(lane.pending());
}

TEST_F(PayerLaneTest, ALostLogIsRebuiltOnlyFromTheWalletsOwnSignature) {
  call();
  call();
  LaneWorld lost;
  lost.sign();
  const LaneProof proof = world.host.proof(0).value();
  auto forged = proof;
  forged.voucher.cum = Amount(forged.voucher.cum.micro + 1);
  EXPECT_EQ(lost.lane.judge_proof(forged).error().fault, Fault::kDenied);
  forged = proof;
  forged.receipt.receipt.cum_charged = Amount(1);
  EXPECT_EQ(lost.lane.judge_proof(forged).error().fault, Fault::kDenied);
  forged = proof;
  forged.voucher.lane = 1;
  EXPECT_EQ(lost.lane.judge_proof(forged).error().fault, Fault::kDenied);
  const auto entry = lost.lane.judge_proof(proof);
  ASSERT_TRUE(entry) << entry.error().message;
  lost.commit(*entry);
  EXPECT_EQ(lost.lane.settled(), world.host.state(0));
  EXPECT_FALSE(lost.lane.pending());
  const auto next = world.host.receive(lost.sign()).reply;
  ASSERT_TRUE(next);
  EXPECT_EQ(lost.lane.judge(next->answer())->verdict, CallVerdict::kDone);
}

TEST_F(PayerLaneTest, AnAccountAboveThePromiseDropsTheHost) {
  const SignedCall signed_call = sign();
  auto receipt = world.host.receive(signed_call).reply->receipt.receipt;
  receipt.cum_charged = Amount(signed_call.voucher.cum.micro + 1);
  const LaneWorld lost;
  const auto entry = lost.lane.judge_proof({signed_call.voucher, signed_call.signature, world.host.sign(receipt)});
  ASSERT_TRUE(entry);
  EXPECT_TRUE(std::holds_alternative<entry::Dropped>(*entry));
}

TEST_F(PayerLaneTest, AnOlderAccountTeachesNothingAndTwoAccountsOfOneCallAreALie) {
  call();
  call();
  LaneProof proof = world.host.proof(0).value();
  world.host.forget_after(0, 1);
  EXPECT_EQ(lane.judge_proof(world.host.proof(0).value()).error().fault, Fault::kUnknownOutcome);
  proof.receipt.receipt.cum_charged.micro -= 1;
  proof.receipt = world.host.sign(proof.receipt.receipt);
  const auto entry = lane.judge_proof(proof);
  ASSERT_TRUE(entry);
  EXPECT_TRUE(std::holds_alternative<entry::Dropped>(*entry));
}

TEST_F(PayerLaneTest, AProofOfWhatIsKnownTeachesNothing) {
  call();
  EXPECT_EQ(lane.judge_proof(world.host.proof(0).value()).error().fault, Fault::kUnknownOutcome);
  const auto signed_call = sign();
  EXPECT_EQ(lane.judge_proof(world.host.proof(0).value()).error().fault, Fault::kUnknownOutcome);
  world.host.receive(signed_call);
  EXPECT_EQ(lane.judge_proof(world.host.proof(0).value()).error().fault, Fault::kUnknownOutcome)
      << "its own pending call was answered: the answer, not the proof, settles it";
}

TEST_F(PayerLaneTest, AProofThatThePendingCallFailedSettlesIt) {
  call();
  const LaneState before = lane.settled();
  world.host.receive(sign(), test::HostMood::kFails);
  const auto entry = lane.judge_proof(world.host.proof(0).value());
  ASSERT_TRUE(entry);
  commit(*entry);
  EXPECT_FALSE(lane.pending());
  EXPECT_EQ(lane.settled().seq, before.seq + 1);
  EXPECT_EQ(lane.settled().cum_charged, before.cum_charged);
}

TEST_F(PayerLaneTest, AReceiptWhoseAnswerIsGoneIsTakenWithinTheVouchersBounds) {
  call();
  const auto signed_call = sign();
  auto receipt = world.host.receive(signed_call).reply->receipt.receipt;
  const LaneProof proof = world.host.proof(0).value();
  const auto entry = lane.judge_proof(proof, true);
  ASSERT_TRUE(entry);
  receipt.cum_charged = Amount(signed_call.voucher.cum.micro + 1);
  EXPECT_TRUE(std::holds_alternative<entry::Dropped>(
      *lane.judge_proof({proof.voucher, proof.signature, world.host.sign(receipt)}, true)));
  commit(*entry);
  EXPECT_EQ(lane.settled(), world.host.state(0));
  EXPECT_EQ(call().verdict, CallVerdict::kDone);
}

TEST_F(PayerLaneTest, RefusesALogThatDoesNotFollow) {
  call();
  call();
  EXPECT_TRUE(PayerLane::restore(world.channel, 0, log));
  EXPECT_EQ(PayerLane::restore(world.channel, 1, log).error().fault, Fault::kCorrupt);
  EXPECT_EQ(PayerLane::restore(world.channel, 0, {}).error().fault, Fault::kCorrupt);
  for (std::size_t i = 0; i + 1 < log.size(); ++i) {
    auto missing = log;
    missing.erase(missing.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(PayerLane::restore(world.channel, 0, missing).error().fault, Fault::kCorrupt) << i;
    auto doubled = log;
    doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), log[i]);
    EXPECT_EQ(PayerLane::restore(world.channel, 0, doubled).error().fault, Fault::kCorrupt) << i;
  }
}

TEST_F(PayerLaneTest, OldAnswersMakeRoomForNewOnes) {
  const Bytes long_answer(kMaxKeptAnswerBytes, 'x');
  const auto kept = [&] {
    return static_cast<std::size_t>(
        std::ranges::count_if(lane.remembered(), [](const RememberedCall& c) { return c.answer.has_value(); }));
  };
  for (std::size_t i = 0; i < 3 * kKeptAnswersBytes / kMaxKeptAnswerBytes; ++i) {
    call();
    entry::Answered answered;
    answered.seq = lane.settled().seq;
    answered.body = Blob<kMaxKeptAnswerBytes>(long_answer);
    commit(answered);
    EXPECT_LE(kept(), kKeptAnswersBytes / kMaxKeptAnswerBytes);
    EXPECT_TRUE(lane.remembered().back().answer.has_value()) << "the newest stays";
  }
  EXPECT_EQ(kept(), kKeptAnswersBytes / kMaxKeptAnswerBytes);
  EXPECT_FALSE(lane.apply(Entry(entry::Answered{}))) << "of no call";
  const auto again = PayerLane::restore(world.channel, 0, log);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->compacted(), lane.compacted());
}

TEST_F(PayerLaneTest, ACompactedLogHasTheSameState) {
  key = "client";
  for (std::size_t i = 0; i < kRememberedCalls + 10; ++i) call();
  EXPECT_TRUE(lane.remembered().front().answer.has_value());
  sign();
  const auto compacted = lane.compacted();
  EXPECT_LT(compacted.size(), log.size());
  const auto again = PayerLane::restore(world.channel, 0, compacted);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->settled(), lane.settled());
  EXPECT_EQ(again->pending(), lane.pending());
  EXPECT_EQ(again->remembered().size(), kRememberedCalls);
  EXPECT_EQ(again->compacted(), compacted);
}

}  // namespace
}  // namespace micro
