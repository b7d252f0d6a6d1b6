#include "services/payment/provider.hpp"

#include <gtest/gtest.h>

#include "tests/gen/services/payment_rig.hpp"

namespace micro::payment {
namespace {

constexpr Amount kEnough{5'000};

TEST(Provider, AcceptsRunsChargesAndSigns) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const CallId id = rig.call(payer.sign(request, kEnough), request);
  ASSERT_EQ(rig.runs.size(), 1U);
  EXPECT_EQ(rig.runs[0].request, request);
  // (5,000 − 1,000) µT at 100 µT a million; 50,000 a call and 10 for each of 3 bytes are not the run's.
  EXPECT_EQ(rig.runs[0].inputs.gas_limit, Gas(40'000'000));
  EXPECT_EQ(rig.runs[0].gas_limit, Gas(40'000'000 - 50'030));
  rig.finish_run();
  const Answer& answer = rig.answers.at(id);
  EXPECT_EQ(answer.status, 200);
  ASSERT_TRUE(answer.receipt);
  // 50,000 + 10 · (3 + 8) + 1,003 gas → ceil(5.11…) = 6 µT
  EXPECT_EQ(answer.receipt->receipt.charged, Amount(1'006));
  EXPECT_EQ(answer.receipt->receipt.resp, response_hash(200, answer.reply.body));
  EXPECT_TRUE(payer.settle(*answer.receipt, answer.inputs, rig.host_key()));
  EXPECT_EQ(rig.provider->running(), 0U);
}

TEST(Provider, NothingRunsBeforeThePromiseIsOnDisk) {
  Rig rig;
  rig.sync_at_once = false;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const CallId id = rig.call(payer.sign(request, kEnough), request);
  EXPECT_TRUE(rig.runs.empty());
  rig.sync();
  ASSERT_EQ(rig.runs.size(), 1U);
  rig.finish_run();
  EXPECT_FALSE(rig.answers.contains(id)) << "a receipt left before its record was on disk";
  rig.sync();
  EXPECT_TRUE(rig.answers.contains(id));
}

TEST(Provider, ManyPromisesShareOneSync) {
  Rig rig(16);
  rig.sync_at_once = false;
  const std::size_t before = rig.store.syncs();
  const CallRequest request = rig.request();
  for (std::uint8_t lane = 0; lane < 16; ++lane) rig.call(rig.payer(lane).sign(request, kEnough), request);
  rig.sync();
  EXPECT_EQ(rig.runs.size(), 16U);
  EXPECT_EQ(rig.store.syncs(), before + 1);
}

TEST(Provider, SameBytesGetTheStoredAnswer) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const SignedVoucher paid = payer.sign(request, kEnough);
  const Answer first = (rig.call(paid, request), rig.finish_run(), rig.answers.at(1));
  const CallId again = rig.call(paid, request);
  EXPECT_TRUE(rig.runs.empty());
  const Answer& second = rig.answers.at(again);
  EXPECT_EQ(second.reply, first.reply);
  EXPECT_EQ(second.receipt->receipt, first.receipt->receipt);
  EXPECT_EQ(second.receipt->signature, first.receipt->signature);
}

TEST(Provider, ResendsOfOneAnswerAreLimited) {
  Rig rig;
  rig.config.max_resends = 2;
  rig.start();
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const SignedVoucher paid = payer.sign(request, kEnough);
  rig.call(paid, request);
  rig.finish_run();
  EXPECT_EQ(rig.answers.at(rig.call(paid, request)).status, 200);
  EXPECT_EQ(rig.answers.at(rig.call(paid, request)).status, 200);
  EXPECT_EQ(rig.answers.at(rig.call(paid, request)).status, 429);
}

TEST(Provider, SameBytesInWorkAreAskedToWait) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const SignedVoucher paid = payer.sign(request, kEnough);
  rig.call(paid, request);
  const Answer& again = rig.answers.at(rig.call(paid, request));
  EXPECT_EQ(again.status, 503);
  EXPECT_EQ(again.retry_after_s, 1U);
  EXPECT_EQ(rig.runs.size(), 1U);
}

TEST(Provider, OtherBytesUnderAUsedNumberConflict) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const SignedVoucher paid = payer.sign(request, kEnough);
  const SignedVoucher other = rig.payer().sign(request, Amount(6'000));
  rig.call(paid, request);
  EXPECT_EQ(rig.answers.at(rig.call(other, request)).status, 409);
  rig.finish_run();
  const Answer& corrective = rig.answers.at(rig.call(other, request));
  EXPECT_EQ(corrective.status, 402);
  ASSERT_TRUE(corrective.lane) << "its payer may have lost its records";
  EXPECT_EQ(corrective.lane->paid, paid);
  EXPECT_FALSE(corrective.receipt);
  SignedVoucher resigned = paid;
  resigned.signature.data[5] ^= 1;
  const Answer& forged = rig.answers.at(rig.call(resigned, request));
  EXPECT_EQ(forged.status, 409) << "a stored answer for half a voucher";
  EXPECT_FALSE(forged.lane);
}

TEST(Provider, ForgedOrMisdirectedVouchersChangeNothing) {
  Rig rig(2);
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const SignedVoucher good = payer.sign(request, kEnough);
  std::vector<SignedVoucher> bad(4, good);
  bad[0].signature.data[0] ^= 1;
  bad[1].voucher.lane = 1;
  bad[2].voucher.cum = Amount(4'999);
  bad[3].voucher.channel = filled<ChannelId>(99);
  const auto before = rig.store.entries();
  for (const SignedVoucher& v : bad) {
    const Answer& answer = rig.answers.at(rig.call(v, request));
    EXPECT_EQ(answer.status, 402);
    EXPECT_FALSE(answer.receipt);
    EXPECT_FALSE(answer.lane);
  }
  EXPECT_EQ(rig.store.entries(), before);
  EXPECT_TRUE(rig.runs.empty());
}

TEST(Provider, ARequestThatWasNotPaidForUsesUpNothing) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const SignedVoucher paid = payer.sign(rig.request("1+1"), kEnough);
  CallRequest changed = rig.request("1+1");
  changed.body = Blob<kMaxRequestBodyBytes>(as_bytes("9+9"));
  EXPECT_EQ(rig.answers.at(rig.call(paid, changed)).status, 400);
  EXPECT_EQ(rig.answers.at(rig.call(paid, rig.request("9+9"))).status, 400);
  rig.call(paid, rig.request("1+1"));
  EXPECT_EQ(rig.runs.size(), 1U);
}

TEST(Provider, OutOfSequenceShowsThePayerBothSignatures) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const SignedVoucher first = payer.sign(request, kEnough);
  rig.call(first, request);
  rig.finish_run();
  NaivePayer lost = rig.payer();
  lost.sign(request, kEnough);
  SignedVoucher ahead = first;
  ahead.voucher.seq = 3;
  ahead.signature = sign_voucher(NaivePayer::vkey(), ahead.voucher);
  const Answer& answer = rig.answers.at(rig.call(ahead, request));
  EXPECT_EQ(answer.status, 402);
  ASSERT_TRUE(answer.lane);
  EXPECT_EQ(answer.lane->paid, first);
  EXPECT_TRUE(verify_receipt(rig.host_key(), answer.lane->receipt.receipt, answer.lane->receipt.signature));
}

// --- refused, but the number is used up ---

struct Refused : testing::Test {
  Rig rig;
  NaivePayer payer = rig.payer();
  void expect_failed(const CallRequest& request, const SignedVoucher& paid) {
    const Answer answer = rig.answers.at(rig.call(paid, request));
    EXPECT_EQ(answer.status, 402);
    ASSERT_TRUE(answer.receipt) << answer.problem;
    EXPECT_EQ(answer.receipt->receipt.outcome, CallOutcomeKind::kFailed);
    EXPECT_EQ(answer.receipt->receipt.resp, response_hash(402, answer.reply.body));
    EXPECT_TRUE(payer.settle(*answer.receipt, answer.inputs, rig.host_key()));
    EXPECT_TRUE(rig.runs.empty());
    // The same bytes give the same answer; the next number works.
    EXPECT_EQ(rig.answers.at(rig.call(paid, request)).receipt->receipt, answer.receipt->receipt);
  }
};

TEST_F(Refused, BelowTheLeastPrice) {
  const CallRequest request = rig.request();
  expect_failed(request, payer.sign(request, Amount(1'005)));
  rig.call(payer.sign(request, Amount(1'006)), request);
  EXPECT_EQ(rig.runs.size(), 1U);
}

TEST_F(Refused, OfAnotherEpochsPrice) {
  CallRequest request = rig.request();
  request.record.price_epoch = Epoch(rig.epoch.value + 1);
  expect_failed(request, payer.sign(request, kEnough));
}

TEST_F(Refused, AfterItsAcceptBy) {
  const CallRequest request = rig.request();
  expect_failed(request, payer.sign(request, kEnough, TimeMs(rig.now.value - 1)));
  rig.call(payer.sign(request, kEnough, rig.now), request);
  EXPECT_EQ(rig.runs.size(), 1U);
}

TEST_F(Refused, AboveTheDeposit) {
  const CallRequest request = rig.request();
  expect_failed(request, payer.sign(request, Amount(1'000'001)));
  rig.call(payer.sign(request, Amount(1'000'000)), request);
  EXPECT_EQ(rig.runs.size(), 1U);
}

TEST_F(Refused, NearTheEnd) {
  rig.epoch = Epoch(196);  // margin 3: 196 + 3 < 200
  rig.start();
  rig.call(payer.sign(rig.request(), kEnough), rig.request());
  ASSERT_EQ(rig.runs.size(), 1U);
  rig.finish_run();
  const Answer done = rig.answers.at(rig.next_id - 1);
  ASSERT_TRUE(payer.settle(*done.receipt, done.inputs, rig.host_key()));
  rig.next_epoch();
  const CallRequest request = rig.request();
  expect_failed(request, payer.sign(request, kEnough));
}

TEST_F(Refused, WhileClosing) {
  rig.record.state = ChannelState::kClosing;
  rig.record.close_requested = rig.epoch;
  rig.send(ChannelSeen{rig.record, rig.record.end});
  const CallRequest request = rig.request();
  expect_failed(request, payer.sign(request, kEnough));
}

TEST_F(Refused, ForAnotherService) {
  CallRequest request = rig.request();
  request.record.service = filled<ServiceId>(77);
  expect_failed(request, payer.sign(request, kEnough));
}

TEST(Provider, VouchersOfAllLanesTogetherStayBelowTheDeposit) {
  Rig rig(2);
  const CallRequest request = rig.request();
  rig.call(rig.payer(0).sign(request, Amount(600'000)), request);
  ASSERT_EQ(rig.runs.size(), 1U);
  const Answer refused = rig.answers.at(rig.call(rig.payer(1).sign(request, Amount(400'001)), request));
  EXPECT_EQ(refused.receipt->receipt.outcome, CallOutcomeKind::kFailed);
}

// --- not now ---

struct NotNow : testing::Test {
  Rig rig;
  NaivePayer payer = rig.payer();
  CallRequest request = rig.request();
  SignedVoucher paid = payer.sign(request, kEnough);
  void expect_later(bool ready = true) {
    const Answer answer = rig.answers.at(rig.call(paid, request, ready));
    EXPECT_EQ(answer.status, 503);
    EXPECT_GT(answer.retry_after_s, 0U);
    EXPECT_FALSE(answer.receipt);
    EXPECT_TRUE(rig.runs.empty());
  }
};

TEST_F(NotNow, WithoutAReadyModule) {
  expect_later(false);
  rig.call(paid, request);
  EXPECT_EQ(rig.runs.size(), 1U);
}

TEST_F(NotNow, WhenTheLedgerIsOlderThanAQuarterOfD) {
  const std::uint64_t limit_ms = 12ULL * 3'600'000 / 4;
  rig.now = TimeMs(Rig::kStartMs + limit_ms + 1);
  expect_later();
  rig.now = TimeMs(Rig::kStartMs + limit_ms);
  rig.call(paid, request);
  EXPECT_EQ(rig.runs.size(), 1U);
}

TEST_F(NotNow, WhenTheBooksAreFull) {
  rig.config.max_stored_bytes = 1;
  rig.start();
  rig.call(paid, request);
  ASSERT_EQ(rig.runs.size(), 1U);
  rig.finish_run();
  const Answer done = rig.answers.at(rig.next_id - 1);
  ASSERT_TRUE(payer.settle(*done.receipt, done.inputs, rig.host_key()));
  paid = payer.sign(request, kEnough);
  expect_later();
}

// --- how runs end ---

TEST(Provider, ATrapPaysTheBaseFeeOfTheWholeLimit) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const CallId id = rig.call(payer.sign(request, kEnough), request);
  RunEnded trap = Rig::result_of(rig.runs[0]);
  trap.outcome = RunOutcome::kExhausted;
  rig.send(trap);
  const Answer& answer = rig.answers.at(id);
  EXPECT_EQ(answer.receipt->receipt.charged, Amount(4'000));
  EXPECT_EQ(answer.receipt->receipt.base_fee, Amount(4'000));
  EXPECT_TRUE(payer.settle(*answer.receipt, answer.inputs, rig.host_key()));
}

TEST(Provider, AnAnswerTooLongForItsGasIsWithheldAndPaysNoPrice) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const CallId id = rig.call(payer.sign(request, Amount(1'006)), request);  // 60,000 gas: 9,970 after the request
  RunEnded end = Rig::result_of(rig.runs[0]);
  end.reply.body.resize(1'000, 'x');
  rig.send(end);
  const Answer& answer = rig.answers.at(id);
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.receipt->receipt.charged, Amount(6));
  EXPECT_TRUE(payer.settle(*answer.receipt, answer.inputs, rig.host_key()));
}

TEST(Provider, AFailureOfTheHostCostsNothing) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const CallId id = rig.call(payer.sign(request, kEnough), request);
  RunEnded end = Rig::result_of(rig.runs[0]);
  end.outcome = RunOutcome::kHostFailed;
  rig.send(end);
  const Answer& answer = rig.answers.at(id);
  EXPECT_EQ(answer.receipt->receipt.outcome, CallOutcomeKind::kFailed);
  EXPECT_TRUE(payer.settle(*answer.receipt, answer.inputs, rig.host_key()));
  EXPECT_EQ(payer.state().cum_charged, Amount(0));
}

// --- starts ---

TEST(Provider, APromiseIsKeptAfterACrash) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const SignedVoucher paid = payer.sign(request, kEnough);
  rig.call(paid, request);
  const auto before = rig.runs.at(0);
  rig.now.value += 60'000;
  rig.start();
  ASSERT_EQ(rig.runs.size(), 1U);
  EXPECT_EQ(rig.runs[0].inputs, before.inputs) << "time and seed are those of the promise";
  EXPECT_EQ(rig.runs[0].request, before.request);
  EXPECT_EQ(rig.runs[0].module, before.module);
  rig.finish_run();
  const Answer& answer = rig.answers.at(rig.call(paid, request));
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(payer.settle(*answer.receipt, answer.inputs, rig.host_key()));
}

TEST(Provider, ACallWhoseServiceIsNotUpYetWaitsForIt) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const CallId id = rig.call(payer.sign(request, kEnough), request);
  const auto first = rig.runs.at(0);
  rig.runs.clear();
  rig.send(RunDeferred{first.call});
  EXPECT_TRUE(rig.runs.empty());
  rig.send(TipAdvanced{rig.epoch, rig.now, rig.config.params.price_per_mgas});
  ASSERT_EQ(rig.runs.size(), 1U);
  EXPECT_EQ(rig.runs[0].inputs, first.inputs);
  rig.finish_run();
  EXPECT_EQ(rig.answers.at(id).status, 200);
  EXPECT_EQ(rig.provider->running(), 0U);
}

TEST(Provider, ACallWhoseServiceNeverComesFailsAndCostsNothing) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const CallId id = rig.call(payer.sign(request, kEnough), request);
  const auto call = rig.runs.at(0).call;
  rig.send(RunDeferred{call});
  rig.now.value += kMaxDeferMs;
  rig.send(TipAdvanced{rig.epoch, rig.now, rig.config.params.price_per_mgas});
  EXPECT_FALSE(rig.answers.contains(id));
  rig.send(RunDeferred{call});
  rig.now.value += 1;
  rig.send(TipAdvanced{rig.epoch, rig.now, rig.config.params.price_per_mgas});
  EXPECT_EQ(rig.answers.at(id).receipt->receipt.outcome, CallOutcomeKind::kFailed);
  EXPECT_EQ(rig.provider->running(), 0U);
}

TEST(Provider, ARestoredDatabaseServesAndClaimsNoOldChannel) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  rig.call(payer.sign(request, kEnough), request);
  rig.finish_run();
  const MemoryStore copy = rig.store;
  rig.start();  // the generation beside the database moves on
  rig.start();
  rig.store = copy;
  rig.record.opened_at = Height(4);  // at or below the tip at which the books are opened
  rig.start();
  const SignedVoucher next = payer.sign(request, kEnough);
  const Answer& answer = rig.answers.at(rig.call(next, request));
  EXPECT_EQ(answer.status, 402);
  EXPECT_FALSE(answer.receipt);
  rig.send(Draining{});
  EXPECT_TRUE(rig.claims.empty());
}

TEST(Provider, BooksBehindTheLedgersClaimsAreNotTrusted) {
  Rig rig;
  rig.record.lanes[0] = {7, Amount(7'000), Amount(10)};
  rig.start();
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  EXPECT_EQ(rig.answers.at(rig.call(payer.sign(request, kEnough), request)).status, 402);
  EXPECT_TRUE(rig.runs.empty());
}

TEST(Provider, AClosedChannelLeavesNothingBehind) {
  Rig rig;
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  rig.call(payer.sign(request, kEnough), request);
  rig.finish_run();
  rig.send(ChannelGone{rig.record.channel});
  EXPECT_EQ(rig.store.entries().size(), 1U) << "only the meta record stays";
  EXPECT_EQ(rig.provider->stored_bytes(), 0U);
}

TEST(Provider, SeedsDifferByCallAndBySecret) {
  Rig rig(2);
  Rig other(2);
  other.config.seed_secret = filled<Hash>(0x44);
  other.start();
  const CallRequest request = rig.request();
  rig.call(rig.payer(0).sign(request, kEnough), request);
  rig.call(rig.payer(1).sign(request, kEnough), request);
  other.call(other.payer(0).sign(request, kEnough), request);
  EXPECT_NE(rig.runs.at(0).inputs.seed, rig.runs.at(1).inputs.seed);
  EXPECT_NE(rig.runs.at(0).inputs.seed, other.runs.at(0).inputs.seed);
}

}  // namespace
}  // namespace micro::payment
