#include "chain/economy/voucher.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

template <class T>
T filled(std::uint8_t byte) {
  T out;
  out.data.fill(byte);
  return out;
}

SecretKey key_of(std::uint8_t byte) {
  return *SecretKey::from(filled<Hash>(byte));
}

Voucher sample_voucher() {
  return {filled<ChannelId>(1), 2, 3, Amount(400), filled<Hash>(5), TimeMs(6)};
}

constexpr CallTerms kTerms{Amount(1'000), Amount(100), 50'000, 10};

TEST(Voucher, SignatureCoversEveryField) {
  const SecretKey key = key_of(7);
  const Voucher voucher = sample_voucher();
  const SchnorrSignature signature = sign_voucher(key, voucher);
  EXPECT_TRUE(verify_voucher(key.x_only_key(), voucher, signature));
  EXPECT_EQ(signature, sign_voucher(key, voucher));
  std::vector<Voucher> forged(6, voucher);
  forged[0].channel = filled<ChannelId>(9);
  forged[1].lane = 3;
  forged[2].seq = 4;
  forged[3].cum = Amount(401);
  forged[4].req = filled<Hash>(6);
  forged[5].accept_by = TimeMs(7);
  for (const Voucher& other : forged) EXPECT_FALSE(verify_voucher(key.x_only_key(), other, signature));
  EXPECT_FALSE(verify_voucher(key_of(8).x_only_key(), voucher, signature));
}

TEST(Voucher, HashOfTheEncodingIsFrozen) {
  EXPECT_EQ(voucher_hash(sample_voucher()), tagged_hash(domain::kVoucher, encode(sample_voucher())));
  EXPECT_EQ(encode(sample_voucher()).size(), 32U + 1 + 8 + 8 + 32 + 8);
}

TEST(CallReceipt, SignatureCoversAmountsAndOutcome) {
  const auto host = Ed25519Secret::from_seed(filled<Hash>(3));
  CallReceipt receipt{.channel = filled<ChannelId>(1), .seq = 1, .charged = Amount(5), .cum_charged = Amount(5)};
  const Ed25519Signature signature = sign_receipt(host, receipt);
  EXPECT_TRUE(verify_receipt(host.public_key(), receipt, signature));
  receipt.cum_charged = Amount(4);
  EXPECT_FALSE(verify_receipt(host.public_key(), receipt, signature));
  receipt.cum_charged = Amount(5);
  receipt.outcome = CallOutcomeKind::kFailed;
  EXPECT_FALSE(verify_receipt(host.public_key(), receipt, signature));
}

TEST(Statements, DifferByChainChannelAndPurpose) {
  const List<LaneTotal, kMaxLanesPerChannel> totals{{0, 1, Amount(2), Amount(1)}};
  const Hash close = close_hash(filled<ChainId>(1), filled<ChannelId>(2), totals, Epoch(3));
  EXPECT_NE(close, close_hash(filled<ChainId>(9), filled<ChannelId>(2), totals, Epoch(3)));
  EXPECT_NE(close, close_hash(filled<ChainId>(1), filled<ChannelId>(9), totals, Epoch(3)));
  EXPECT_NE(close, close_hash(filled<ChainId>(1), filled<ChannelId>(2), totals, Epoch(4)));
  const List<LaneClaim, kMaxLanesPerChannel> none;
  EXPECT_NE(claim_hash(filled<ChainId>(1), filled<ChannelId>(2), none),
            claim_hash(filled<ChainId>(2), filled<ChannelId>(2), none));
}

TEST(Prices, FeeOfGasIsRoundedUpOnce) {
  EXPECT_EQ(*gas_fee(Gas(0), Amount(100)), Amount(0));
  EXPECT_EQ(*gas_fee(Gas(1), Amount(100)), Amount(1));
  EXPECT_EQ(*gas_fee(Gas(10'000), Amount(100)), Amount(1));
  EXPECT_EQ(*gas_fee(Gas(10'001), Amount(100)), Amount(2));
  EXPECT_FALSE(gas_fee(Gas(~0ULL), Amount(~0ULL)));
}

TEST(Prices, RefusesAnOfferBelowPriceAndIntrinsicGas) {
  // 50,000 + 10 · 100 gas → ceil(5.1) = 6 µT
  EXPECT_EQ(*least_max_price(kTerms, 100), Amount(1'006));
  const auto refused = call_gas_limit(kTerms, Amount(1'005), 100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::kFunds);
  EXPECT_EQ(*call_gas_limit(kTerms, Amount(1'006), 100), Gas(60'000));
}

TEST(Prices, FreeGasIsStillLimited) {
  const CallTerms free{Amount(10), Amount(0), 50'000, 10};
  EXPECT_EQ(*call_gas_limit(free, Amount(10), 0), Gas(kMaxGasPerCall));
  EXPECT_EQ(*call_gas_limit(kTerms, Amount(~0ULL), 0), Gas(kMaxGasPerCall));
}

TEST(Prices, TrapPaysTheBaseFeeOfTheWholeLimitAndNoPrice) {
  EXPECT_EQ(*charge_call(kTerms, RunOutcome::kCompleted, Gas(90'000), Gas(1'000'000)),
            (CallCharge{Amount(1'009), Amount(9), Gas(90'000)}));
  EXPECT_EQ(*charge_call(kTerms, RunOutcome::kExhausted, Gas(90'000), Gas(1'000'000)),
            (CallCharge{Amount(100), Amount(100), Gas(1'000'000)}));
  EXPECT_EQ(*charge_call(kTerms, RunOutcome::kCompleted, Gas(1'000'001), Gas(1'000'000)),
            (CallCharge{Amount(100), Amount(100), Gas(1'000'000)}));
  EXPECT_EQ(*charge_call(kTerms, RunOutcome::kHostFailed, Gas(90'000), Gas(1'000'000)), CallCharge{});
}

struct ReceiptCheck : testing::Test {
  LaneState before{4, Amount(10'000), Amount(400)};
  Voucher voucher{filled<ChannelId>(1), 0, 5, Amount(13'000), filled<Hash>(5), TimeMs(6)};
  CallInputs inputs{TimeMs(1), filled<Hash>(2), Gas(20'000'000), filled<Hash>(3), Amount(100)};
  CallReceipt receipt{.channel = voucher.channel,
                      .lane = 0,
                      .seq = 5,
                      .req = voucher.req,
                      .charged = Amount(1'100),
                      .base_fee = Amount(100),
                      .cum_charged = Amount(11'100),
                      .cum_base_fee = Amount(500),
                      .gas = Gas(1'000'000),
                      .inputs = call_inputs_hash(inputs)};
  Fault fault() const { return check_receipt(receipt, inputs, voucher, before, kTerms).error().fault; }
};

TEST_F(ReceiptCheck, AcceptsAnHonestOne) {
  EXPECT_TRUE(check_receipt(receipt, inputs, voucher, before, kTerms));
}

TEST_F(ReceiptCheck, AcceptsAFailedOneThatChargesNothing) {
  receipt = {.channel = voucher.channel,
             .lane = 0,
             .seq = 5,
             .outcome = CallOutcomeKind::kFailed,
             .req = voucher.req,
             .cum_charged = before.cum_charged,
             .cum_base_fee = before.cum_base_fee};
  EXPECT_TRUE(check_receipt(receipt, inputs, voucher, before, kTerms));
  receipt.cum_charged = Amount(10'001);
  EXPECT_EQ(fault(), Fault::kMismatch);
}

TEST_F(ReceiptCheck, RefusesOneMicroTokenTooMuch) {
  receipt.charged = Amount(1'101);
  receipt.cum_charged = Amount(11'101);
  EXPECT_EQ(fault(), Fault::kMismatch);
}

TEST_F(ReceiptCheck, RefusesBaseFeeThatHidesAsPrice) {
  receipt.base_fee = Amount(99);
  receipt.cum_base_fee = Amount(499);
  EXPECT_EQ(fault(), Fault::kMismatch);
}

TEST_F(ReceiptCheck, RefusesWrongSumsSequenceInputsAndLimit) {
  const CallReceipt honest = receipt;
  receipt.cum_charged = Amount(11'099);
  EXPECT_EQ(fault(), Fault::kMismatch);
  receipt = honest;
  receipt.seq = 6;
  EXPECT_EQ(fault(), Fault::kMismatch);
  receipt = honest;
  inputs.seed = filled<Hash>(9);
  EXPECT_EQ(fault(), Fault::kMismatch);
  inputs.gas_limit = Gas(20'000'001);  // (13,000 − 10,000 − 1,000) µT buy 20,000,000
  receipt.inputs = call_inputs_hash(inputs);
  EXPECT_EQ(fault(), Fault::kMismatch);
}

TEST_F(ReceiptCheck, RefusesAnotherGasPriceThanTheEpochs) {
  inputs.price_per_mgas = Amount(101);
  receipt.inputs = call_inputs_hash(inputs);
  EXPECT_EQ(fault(), Fault::kMismatch);
}

}  // namespace
}  // namespace micro
