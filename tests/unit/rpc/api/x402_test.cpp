#include "rpc/api/x402.hpp"

#include <gtest/gtest.h>

#include "genesis/json/base64.hpp"

namespace micro::x402 {
namespace {

template <class T>
T filled(std::uint8_t byte) {
  T out;
  out.data.fill(byte);
  return out;
}

Json decoded(const std::string& header) {
  const auto raw = from_base64(header);
  EXPECT_TRUE(raw.has_value());
  return *parse_json(as_text(*raw));
}
std::string encoded(const Json& json) {
  return to_base64(as_bytes(json.dump()));
}

const ChainId kChain = filled<ChainId>(0xab);

Offer offer() {
  Offer out;
  out.chain = kChain;
  out.resource = "/api/hello/hello";
  out.error = "payment required";
  out.service = filled<ServiceId>(1);
  out.host = filled<NodeId>(2);
  out.host_key = filled<Ed25519Key>(3);
  out.price = Amount(100);
  out.price_per_mgas = Amount(1'000);
  out.price_epoch = Epoch(7);
  out.least_max_price = Amount(106);
  out.dispute_epochs = 12;
  return out;
}

PaymentHeader payment() {
  PaymentHeader out;
  out.voucher.channel = filled<ChannelId>(4);
  out.voucher.seq = 3;
  out.voucher.cum = Amount(900);
  out.signature = filled<SchnorrSignature>(5);
  out.price_epoch = Epoch(7);
  return out;
}

TEST(X402, AnOfferSaysWhatAnyClientOfTheSchemeExpects) {
  const Json json = decoded(required_header(offer()));
  EXPECT_EQ(json["x402Version"], 2);
  EXPECT_EQ(json["resource"]["url"], "/api/hello/hello");
  ASSERT_EQ(json["accepts"].size(), 1U);
  const Json& accept = json["accepts"][0];
  EXPECT_EQ(accept["scheme"], "batch-settlement");
  EXPECT_EQ(accept["network"], "micro:abababababababababababababababab");
  EXPECT_EQ(accept["amount"], "106") << "µT, as text";
  EXPECT_EQ(accept["payTo"], offer().host.hex());
  EXPECT_EQ(accept["extra"]["withdrawDelay"], 12);
  EXPECT_FALSE(accept["extra"].contains("voucherState"));
}

TEST(X402, AnOfferIsReadBackWithTheStateOfTheLane) {
  Offer written = offer();
  EXPECT_EQ(*parse_required(kChain, required_header(written)), written);
  VoucherState state;
  state.voucher = payment().voucher;
  state.voucher_signature = payment().signature;
  state.receipt.cum_charged = Amount(800);
  state.receipt_signature = filled<Ed25519Signature>(6);
  written.state = state;
  const std::string header = required_header(written);
  EXPECT_LT(header.size(), kMaxHeaderBytes);
  EXPECT_EQ(*parse_required(kChain, header), written);
}

TEST(X402, APaymentIsReadBack) {
  const auto read = parse_payment(kChain, payment_header(kChain, payment()));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->voucher, payment().voucher);
  EXPECT_EQ(read->signature, payment().signature);
  EXPECT_EQ(read->price_epoch, Epoch(7));
}

TEST(X402, WhatWasChargedIsReadBack) {
  Settled settled;
  settled.chain = kChain;
  settled.receipt.charged = Amount(106);
  settled.signature = filled<Ed25519Signature>(8);
  settled.inputs.gas_limit = Gas(5);
  const std::string header = response_header(settled);
  EXPECT_EQ(decoded(header)["transaction"], "") << "vouchers settle later";
  EXPECT_EQ(decoded(header)["success"], true);
  EXPECT_EQ(decoded(header)["extra"]["chargedAmount"], "106");
  const auto read = parse_response(header);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->receipt, settled.receipt);
  EXPECT_EQ(read->inputs, settled.inputs);
  settled.receipt.outcome = CallOutcomeKind::kFailed;
  EXPECT_EQ(decoded(response_header(settled))["success"], false);
}

TEST(X402, AnotherNetworksPaymentIsNoPayment) {
  const ChainId other = filled<ChainId>(0xcd);
  EXPECT_EQ(parse_payment(other, payment_header(kChain, payment())).error().fault, Fault::kRejected);
  EXPECT_EQ(parse_required(other, required_header(offer())).error().fault, Fault::kRejected);
}

TEST(X402, WhatIsNoPaymentIsRefused) {
  EXPECT_FALSE(parse_payment(kChain, "").has_value());
  EXPECT_FALSE(parse_payment(kChain, "not base64!").has_value());
  EXPECT_FALSE(parse_payment(kChain, to_base64(as_bytes(std::string_view("{}")))).has_value());
  EXPECT_EQ(parse_payment(kChain, std::string(kMaxHeaderBytes + 1, 'A')).error().fault, Fault::kLimit);
  const Json good = decoded(payment_header(kChain, payment()));
  const auto refused = [&](auto change) {
    Json json = good;
    change(json);
    return !parse_payment(kChain, encoded(json)).has_value();
  };
  EXPECT_FALSE(refused([](Json&) {}));
  EXPECT_TRUE(refused([](Json& j) { j["x402Version"] = 1; }));
  EXPECT_TRUE(refused([](Json& j) { j.erase("accepted"); }));
  EXPECT_TRUE(refused([](Json& j) { j["accepted"]["scheme"] = "exact"; }));
  EXPECT_TRUE(refused([](Json& j) { j["payload"] = "text"; }));
  EXPECT_TRUE(refused([](Json& j) { j["payload"].erase("voucher"); }));
  EXPECT_TRUE(refused([](Json& j) { j["payload"]["voucher"] = "zz"; }));
  EXPECT_TRUE(refused([](Json& j) { j["payload"]["voucher"] = j["payload"]["voucher"].get<std::string>() + "00"; }));
  EXPECT_TRUE(refused([](Json& j) { j["payload"]["signature"] = "00"; }));
  EXPECT_TRUE(refused([](Json& j) { j["payload"].erase("priceEpoch"); }));
  EXPECT_TRUE(refused([](Json& j) { j["payload"]["priceEpoch"] = -1; }));
}

TEST(X402, AnIncompleteOfferIsRefused) {
  const Json good = decoded(required_header(offer()));
  ASSERT_TRUE(parse_required(kChain, encoded(good)).has_value());
  for (const char* name : {"service", "host", "hostKey", "price", "pricePerMgas", "priceEpoch", "withdrawDelay"}) {
    Json json = good;
    json["accepts"][0]["extra"].erase(name);
    EXPECT_FALSE(parse_required(kChain, encoded(json)).has_value()) << name;
  }
  for (const char* name : {"accepts", "resource", "error", "x402Version"}) {
    Json json = good;
    json.erase(name);
    EXPECT_FALSE(parse_required(kChain, encoded(json)).has_value()) << name;
  }
}

}  // namespace
}  // namespace micro::x402
