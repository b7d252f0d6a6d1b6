// The paying gateway, event by event.
#include "services/gateway/gateway.hpp"

#include <gtest/gtest.h>

namespace micro::gateway {
namespace {

constexpr Amount kPrice{1'000};

template <class T>
T filled(std::uint8_t byte) {
  T out;
  out.data.fill(byte);
  return out;
}

const LaneKey kLane{filled<ServiceId>(7), filled<Address>(9)};
const Ed25519Secret kHost = Ed25519Secret::from_seed(filled<Hash>(3));

struct GatewayTest : testing::Test {
  Gateway gateway{ChainParams{}, {}};
  Effects effects;

  void SetUp() override { hear(TipAdvanced{Epoch(10), Height(100), Amount(100)}); }

  void hear(Event event) { effects = gateway.on(std::move(event)); }
  /// The effect of this kind among the last ones; fails the test when there is none.
  template <class Kind>
  Kind take() {
    for (const Effect& effect : effects) {
      if (const auto* found = std::get_if<Kind>(&effect)) return *found;
    }
    ADD_FAILURE() << "no such effect among " << effects.size();
    return {};
  }
  template <class Kind>
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(effects, [](const Effect& e) { return std::holds_alternative<Kind>(e); }));
  }

  static PaidCall order(std::string key = {}) {
    PaidCall out;
    out.service = kLane.service;
    out.price = kPrice;
    out.max_price = Amount(5'000);
    out.idempotency_key = std::move(key);
    return out;
  }
  static Channel channel() { return {filled<ChannelId>(4), kHost.public_key(), Nonce(0), kPrice, Amount(9'000)}; }
  static LedgerChannel lasting() { return {true, Epoch(178), Amount(250'000)}; }
  static Promise promise(std::uint64_t seq, bool again = false) {
    Promise out;
    out.channel = channel();
    out.paid.voucher.channel = out.channel.id;
    out.paid.voucher.seq = seq;
    out.paid.voucher.cum = Amount(5'000 * seq);
    out.request.price_epoch = Epoch(10);
    out.again = again;
    return out;
  }
  static payment::Answer answered(std::uint64_t seq, std::uint16_t status = 200,
                                  CallOutcomeKind outcome = CallOutcomeKind::kDone) {
    payment::Answer out;
    out.status = out.reply.status = status;
    CallReceipt receipt;
    receipt.channel = channel().id;
    receipt.seq = seq;
    receipt.outcome = outcome;
    receipt.charged = Amount(1'100);
    receipt.resp = response_hash(status, out.reply.body);
    out.receipt = payment::SignedReceipt{receipt, sign_receipt(kHost, receipt)};
    return out;
  }
  static payment::Answer not_ready() {
    payment::Answer out;
    out.status = 503;
    out.problem = "still starting";
    return out;
  }

  void arrive(CallId id, std::string key = {}) {
    hear(CallArrived{id, order(std::move(key))});
    hear(SessionChosen{id, Session{kLane.session, Amount(9'000), Amount(1'000'000)}});
  }
  void find_channel(CallId id, LedgerChannel ledger = lasting()) {
    hear(LaneFound{id, Found{{}, {}, channel(), ledger}});
  }
  void sign(CallId id, std::uint64_t seq) { hear(VoucherSigned{id, promise(seq)}); }
  /// As far as the host's having it.
  SendVoucher pay(CallId id, std::uint64_t seq, std::string key = {}) {
    arrive(id, std::move(key));
    find_channel(id);
    sign(id, seq);
    return take<SendVoucher>();
  }
};

TEST_F(GatewayTest, PaysForACall) {
  arrive(1);
  EXPECT_EQ(take<FindLane>().lane, kLane);
  find_channel(1);
  const auto wanted = take<SignVoucher>();
  EXPECT_EQ(wanted.request.record.price_epoch, Epoch(10));
  EXPECT_EQ(wanted.deposit, Amount(250'000));
  EXPECT_EQ(count<SendVoucher>(), 0U) << "nothing leaves before the voucher is on disk";
  sign(1, 1);
  const auto sent = take<SendVoucher>();
  EXPECT_EQ(sent.paid.voucher, promise(1).paid.voucher);
  hear(Answered{1, sent.sending, answered(1)});
  EXPECT_EQ(count<Finish>(), 0U) << "nobody is told before the receipt is judged";
  hear(ReceiptJudged{1, Judgement{}});
  const auto finish = take<Finish>();
  ASSERT_TRUE(finish.reply);
  EXPECT_EQ(finish.reply->charged, Amount(1'100));
  EXPECT_EQ(gateway.waiting(), 0U);
}

TEST_F(GatewayTest, RefusesBeforeTheLedgerIsReadAndAboveItsLimit) {
  Gateway fresh{ChainParams{}, {}};
  const Effects refused = fresh.on(CallArrived{1, order()});
  EXPECT_EQ(std::get<Finish>(refused.at(0)).reply.error().fault, Fault::kBusy);
  for (CallId id = 1; id <= kMaxWaitingPaidCalls; ++id) hear(CallArrived{id, order()});
  EXPECT_EQ(count<ChooseSession>(), 1U);
  hear(CallArrived{9'999, order()});
  EXPECT_EQ(take<Finish>().reply.error().fault, Fault::kBusy);
}

TEST_F(GatewayTest, ARefusedBudgetSignsNothing) {
  hear(CallArrived{1, order()});
  hear(SessionChosen{1, fail(Fault::kFunds, "above the cap")});
  EXPECT_EQ(take<Finish>().reply.error(), (Error{Fault::kFunds, "above the cap"}));
  hear(CallArrived{2, order()});
  hear(SessionChosen{2, fail(Fault::kNotFound, "none")});
  const auto finish = take<Finish>();
  EXPECT_EQ(finish.reply.error().fault, Fault::kDenied);
  EXPECT_NE(finish.reply.error().hint.find("wallet session create"), std::string::npos);
}

TEST_F(GatewayTest, OpensOneChannelForAllThatWaitAndTheyTakeTurns) {
  for (const CallId id : {1U, 2U}) {
    arrive(id);
    hear(LaneFound{id, Found{}});
    EXPECT_EQ(count<SignOpening>(), id == 1 ? 1U : 0U);
  }
  const OpeningNote note{filled<TxId>(1), kLane, Height(1'100)};
  hear(OpeningSigned{kLane, note});
  EXPECT_EQ(take<SubmitOpening>().id, note.id);
  hear(OpeningEnded{kLane, note.id, true, TxReceipt{note.id, TxStatus::kOk, Amount(1), {}}});
  EXPECT_EQ(take<TakeOver>().id, note.id);
  hear(TakenOver{note.id, true, Height(100)});
  EXPECT_EQ(count<FindLane>(), 2U);
  find_channel(1);
  find_channel(2);
  sign(1, 1);
  const auto first = take<SendVoucher>();
  hear(VoucherSigned{2, fail(Fault::kBusy, "the lane waits")});
  EXPECT_TRUE(effects.empty()) << "it waits for its turn";
  hear(Answered{1, first.sending, answered(1)});
  hear(ReceiptJudged{1, Judgement{}});
  EXPECT_EQ(take<FindLane>().id, 2U);
}

TEST_F(GatewayTest, AnOpeningThatTheLedgerRefusesEndsAllThatWait) {
  arrive(1);
  hear(LaneFound{1, Found{}});
  const OpeningNote note{filled<TxId>(1), kLane, Height(1'100)};
  hear(OpeningSigned{kLane, note});
  hear(OpeningEnded{kLane, note.id, true, TxReceipt{note.id, TxStatus::kSessionCap, Amount(1), {}}});
  EXPECT_EQ(take<ForgetOpening>().id, note.id);
  EXPECT_EQ(take<Finish>().reply.error().fault, Fault::kFunds);
}

TEST_F(GatewayTest, AnOpeningOfUnknownOutcomeIsSentAgainAndNoneIsSignedBeside) {
  arrive(1);
  hear(LaneFound{1, Found{}});
  const OpeningNote note{filled<TxId>(1), kLane, Height(1'100)};
  hear(OpeningSigned{kLane, note});
  hear(OpeningEnded{kLane, note.id, true, fail(Fault::kUnknownOutcome, "no block yet")});
  EXPECT_EQ(take<Finish>().reply.error().fault, Fault::kUnknownOutcome);
  EXPECT_EQ(count<ForgetOpening>(), 0U);
  arrive(2);
  hear(LaneFound{2, Found{}});
  EXPECT_EQ(count<SignOpening>(), 0U);
  EXPECT_EQ(take<SubmitOpening>().id, note.id);
}

TEST_F(GatewayTest, AfterARestartTheOpeningsOnDiskAreTakenOverOrForgotten) {
  const OpeningNote note{filled<TxId>(1), kLane, Height(1'100)};
  gateway = Gateway{ChainParams{}, {note}};
  hear(TipAdvanced{Epoch(10), Height(100), Amount(100)});
  EXPECT_EQ(take<TakeOver>().id, note.id);
  hear(TakenOver{note.id, false, Height(100)});
  EXPECT_TRUE(effects.empty()) << "it may still come";
  hear(TipAdvanced{Epoch(20), Height(1'101), Amount(100)});
  hear(TakenOver{note.id, false, Height(1'100)});
  EXPECT_TRUE(effects.empty()) << "it may be in the block after that";
  hear(TakenOver{note.id, false, Height(1'101)});
  EXPECT_EQ(take<ForgetOpening>().id, note.id);
  hear(TipAdvanced{Epoch(21), Height(1'102), Amount(100)});
  EXPECT_TRUE(effects.empty());
}

TEST_F(GatewayTest, AHostThatIsNotReadyGetsTheSameBytesUntilTheCallGivesUp) {
  auto sent = pay(1, 1);
  for (std::uint32_t i = 0; i < kMaxWaits; ++i) {
    hear(Answered{1, sent.sending, not_ready()});
    EXPECT_EQ(take<ArmTimer>().after_ms, kResendAfterMs);
    hear(TimeIsUp{1});
    const auto again = take<SendVoucher>();
    EXPECT_EQ(again.paid.voucher, sent.paid.voucher);
    sent = again;
  }
  hear(Answered{1, sent.sending, not_ready()});
  EXPECT_EQ(take<SetAside>().channel, channel().id);
  EXPECT_EQ(take<Finish>().reply.error().fault, Fault::kUnknownOutcome);
}

TEST_F(GatewayTest, AnAnswerToAnEarlierSendingIsPassedOver) {
  const auto first = pay(1, 1);
  hear(Answered{1, first.sending, not_ready()});
  hear(TimeIsUp{1});
  const auto second = take<SendVoucher>();
  hear(Answered{1, first.sending, not_ready()});
  EXPECT_TRUE(effects.empty());
  hear(TimeIsUp{1});
  EXPECT_TRUE(effects.empty());
  hear(Answered{1, second.sending, answered(1)});
  EXPECT_EQ(count<JudgeReceipt>(), 1U);
}

TEST_F(GatewayTest, ACallWithoutOutcomeIsResolvedBeforeAnotherIsSigned) {
  arrive(1);
  find_channel(1);
  hear(VoucherSigned{1, fail(Fault::kUnknownOutcome, "an earlier one")});
  EXPECT_EQ(take<ListUnresolved>().channel, channel().id);
  Promise second = promise(1, true);
  second.paid.voucher.lane = 1;
  hear(UnresolvedListed{1, std::vector{promise(1, true), second}});
  EXPECT_EQ(take<SetAside>().lane, 1) << "its turn comes with the next attempt";
  const auto sent = take<SendVoucher>();
  EXPECT_EQ(sent.paid.voucher, promise(1).paid.voucher);
  hear(Answered{1, sent.sending, answered(1)});
  hear(ReceiptJudged{1, Judgement{}});
  EXPECT_EQ(count<Finish>(), 0U) << "that was somebody else's answer";
  EXPECT_EQ(count<FindLane>(), 1U);
}

TEST_F(GatewayTest, AFailedCallIsNotSentAgainEvenWhenItsReasonPasses) {
  const auto sent = pay(1, 1);
  hear(Answered{1, sent.sending, answered(1, 503, CallOutcomeKind::kFailed)});
  hear(ReceiptJudged{1, Judgement{Verdict::kFailed, ""}});
  EXPECT_EQ(count<ArmTimer>(), 0U);
  EXPECT_EQ(take<Finish>().reply.error().fault, Fault::kBusy);
}

TEST_F(GatewayTest, TwoCallsAtOnceWithOneKeyAreOnePayment) {
  const auto sent = pay(1, 1, "order-1");
  arrive(2, "order-1");
  EXPECT_TRUE(effects.empty()) << "it would not find what the first is about to sign";
  hear(Answered{1, sent.sending, answered(1)});
  hear(ReceiptJudged{1, Judgement{}});
  EXPECT_EQ(take<FindLane>().id, 2U);
  hear(LaneFound{2, Found{PaidReply{answered(1), Amount(1'100)}, {}, {}, {}}});
  EXPECT_TRUE(take<Finish>().reply);
}

// Its first sender has noted the outcome; the books know of no call that waits.
TEST_F(GatewayTest, ARetryIsAnsweredWithWhatWasSettledAFailureIncluded) {
  for (const auto outcome : {CallOutcomeKind::kDone, CallOutcomeKind::kFailed}) {
    arrive(1, "order-1");
    hear(LaneFound{1, Found{{}, promise(4, true), channel(), lasting()}});
    const auto sent = take<SendVoucher>();
    hear(Answered{1, sent.sending, answered(4, 500, outcome)});
    hear(ReceiptJudged{1, fail(Fault::kNotFound, "no call waits")});
    EXPECT_EQ(take<Finish>().reply.has_value(), outcome == CallOutcomeKind::kDone);
  }
}

TEST_F(GatewayTest, ACallThatFailedOverAnEpochIsSignedAnew) {
  const auto sent = pay(1, 1);
  hear(TipAdvanced{Epoch(11), Height(101), Amount(100)});
  hear(Answered{1, sent.sending, answered(1, 402, CallOutcomeKind::kFailed)});
  hear(ReceiptJudged{1, Judgement{Verdict::kFailed, ""}});
  EXPECT_EQ(count<Finish>(), 0U);
  find_channel(1);
  EXPECT_EQ(take<SignVoucher>().request.record.price_epoch, Epoch(11));
}

TEST_F(GatewayTest, AHostThatLiesIsNotPaidAndItsAnswerNotPassedOn) {
  const auto sent = pay(1, 1);
  hear(Answered{1, sent.sending, answered(1)});
  hear(ReceiptJudged{1, Judgement{Verdict::kDropped, "the sums do not follow"}});
  EXPECT_EQ(take<Finish>().reply.error().fault, Fault::kMismatch);
}

TEST_F(GatewayTest, ACallerWhoLeavesBeforeTheVoucherPaysNothing) {
  arrive(1);
  hear(CallerLeft{1});
  EXPECT_EQ(take<Finish>().reply.error().fault, Fault::kInterrupted);
  find_channel(1);
  EXPECT_TRUE(effects.empty()) << "no voucher for nobody";
  EXPECT_EQ(gateway.waiting(), 0U);
}

TEST_F(GatewayTest, ACallerWhoLeavesAfterTheVoucherIsChargedOnceAndTheLaneGoesOn) {
  const auto sent = pay(1, 1);
  arrive(2);
  find_channel(2);
  hear(VoucherSigned{2, fail(Fault::kBusy, "the lane waits")});
  hear(CallerLeft{1});
  EXPECT_EQ(count<Finish>(), 1U);
  hear(CallerLeft{1});
  EXPECT_TRUE(effects.empty());
  hear(Answered{1, sent.sending, answered(1)});
  EXPECT_EQ(count<JudgeReceipt>(), 1U);
  hear(ReceiptJudged{1, Judgement{}});
  EXPECT_EQ(count<Finish>(), 0U);
  EXPECT_EQ(take<FindLane>().id, 2U);
}

TEST_F(GatewayTest, ACallerWhoLeavesTheQueueIsNotWoken) {
  const auto sent = pay(1, 1);
  for (const CallId id : {2U, 3U}) {
    arrive(id);
    find_channel(id);
    hear(VoucherSigned{id, fail(Fault::kBusy, "the lane waits")});
  }
  hear(CallerLeft{2});
  hear(Answered{1, sent.sending, answered(1)});
  hear(ReceiptJudged{1, Judgement{}});
  EXPECT_EQ(take<FindLane>().id, 3U);
}

TEST_F(GatewayTest, ARetryOfACallOverAChannelThatEndsIsTheSameVoucher) {
  arrive(1, "order-1");
  hear(LaneFound{1, Found{{}, promise(4, true), channel(), LedgerChannel{true, Epoch(11), Amount(250'000)}}});
  EXPECT_EQ(count<SignOpening>(), 0U);
  EXPECT_EQ(take<SendVoucher>().paid.voucher, promise(4).paid.voucher);
}

TEST_F(GatewayTest, ALaneThatSomebodyElseHoldsIsTriedAgainAndNotForEver) {
  arrive(1);
  for (std::uint32_t i = 0; i <= kMaxWaits; ++i) {
    find_channel(1);
    hear(VoucherSigned{1, fail(Fault::kBusy, "another process has the lane")});
    EXPECT_EQ(count<ArmTimer>(), i < kMaxWaits ? 1U : 0U);
    if (i < kMaxWaits) hear(TimeIsUp{1});
  }
  EXPECT_EQ(take<Finish>().reply.error().fault, Fault::kBusy);
}

TEST_F(GatewayTest, ASpentDepositIsToppedUpOnce) {
  arrive(1);
  find_channel(1);
  hear(VoucherSigned{1, fail(Fault::kFunds, "spent")});
  EXPECT_EQ(take<TopUp>().amount, Amount(250'000));
  hear(ToppedUp{1, TxReceipt{{}, TxStatus::kOk, Amount(1), {}}});
  find_channel(1);
  hear(VoucherSigned{1, fail(Fault::kFunds, "still spent")});
  EXPECT_EQ(count<TopUp>(), 0U);
  EXPECT_EQ(take<Finish>().reply.error().fault, Fault::kFunds);
}

TEST_F(GatewayTest, AChannelThatTheLedgerClosedForGoodIsForgottenFirst) {
  arrive(1);
  hear(LaneFound{1, Found{{}, {}, channel(), {}}});
  EXPECT_EQ(take<ForgetChannel>().channel, channel().id);
  hear(ChannelForgotten{1, {}});
  EXPECT_EQ(count<FindLane>(), 1U);
}

}  // namespace
}  // namespace micro::gateway
