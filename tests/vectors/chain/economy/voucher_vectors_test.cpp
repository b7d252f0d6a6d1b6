// What payers and hosts in other languages must compute too. These bytes never change.
#include <gtest/gtest.h>

#include "chain/economy/voucher.hpp"

namespace micro {
namespace {

template <class T>
T filled(std::uint8_t byte) {
  T out;
  out.data.fill(byte);
  return out;
}

CallRequestRecord request() {
  CallRequestRecord r;
  r.method = Text<kMaxMethodBytes>("POST");
  r.service = filled<ServiceId>(0x51);
  r.target = Text<kMaxTargetBytes>("/add?a=1&b=2");
  r.content_type = Text<kMaxContentTypeBytes>("application/json");
  r.body_hash = sha256(as_bytes("{}"));
  r.price_epoch = Epoch(77);
  return r;
}

Voucher voucher() {
  return {filled<ChannelId>(0xc1), 2, 9, Amount(123'456), request_hash(request()), TimeMs(1'800'000'000'000)};
}

CallReceipt receipt() {
  const CallInputs inputs{TimeMs(1'800'000'000'001), filled<Hash>(0x5e), Gas(1'000'000), filled<Hash>(0xe1),
                          Amount(100)};
  return {.channel = filled<ChannelId>(0xc1),
          .lane = 2,
          .seq = 9,
          .req = request_hash(request()),
          .resp = response_hash(200, as_bytes("3")),
          .charged = Amount(1'006),
          .base_fee = Amount(6),
          .cum_charged = Amount(9'054),
          .cum_base_fee = Amount(54),
          .gas = Gas(51'113),
          .module = filled<CodeHash>(0x30),
          .epoch = Epoch(77),
          .inputs = call_inputs_hash(inputs)};
}

TEST(VoucherVectors, RequestAndVoucher) {
  EXPECT_EQ(request_hash(request()).hex(), "5922aab4cd6447612e49006c6a842b8c7bfa19e8106ca3ff8c25fcc67b254e96");
  EXPECT_EQ(to_hex(encode(voucher())),
            "c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c102090000000000000040e20100000000"
            "005922aab4cd6447612e49006c6a842b8c7bfa19e8106ca3ff8c25fcc67b254e9600505c18a3010000");
  EXPECT_EQ(voucher_hash(voucher()).hex(), "483412939a5b0a70b35063bd23131cc579693c65c3b6d30a964d8ed7e92f1f5d");
  const SecretKey key = *SecretKey::from(filled<Hash>(0x11));
  EXPECT_EQ(key.x_only_key().hex(), "4f355bdcb7cc0af728ef3cceb9615d90684bb5b2ca5f859ab0f0b704075871aa");
  EXPECT_EQ(sign_voucher(key, voucher()).hex(),
            "112c55edbf472b479119ef96a9be351164dd6776a99d5670d44ee3587bc2d631704d93d992f5b68f66006f4e9d449411"
            "a4c40372029dc687441f937968354c62");
}

TEST(VoucherVectors, Receipt) {
  EXPECT_EQ(receipt().resp.hex(), "1b48b55e46864a136452d21bdd7739cce067400a6a8f5ffb9d324dbf2c255170");
  EXPECT_EQ(receipt_hash(receipt()).hex(), "b80e6f4e2f310867f71d4b0b99a478c3c69ddf28dd7561c1790f3ef27e6e0671");
  EXPECT_EQ(sign_receipt(Ed25519Secret::from_seed(filled<Hash>(0x22)), receipt()).hex(),
            "456c59ade30faf4722106c07607e5b2a0ab12f1084691c0c82104b43a7e2e6a20301a679b7c2e3c940065e96a12a9b9a"
            "b3f629d8c1cfd2f4aaf4835211077807");
}

TEST(VoucherVectors, ClaimAndClose) {
  const SecretKey key = *SecretKey::from(filled<Hash>(0x11));
  List<LaneClaim, kMaxLanesPerChannel> lanes;
  lanes.push_back({voucher(), sign_voucher(key, voucher()), Amount(9'054), Amount(54)});
  EXPECT_EQ(claim_hash(filled<ChainId>(0xca), filled<ChannelId>(0xc1), lanes).hex(),
            "c8ab5a9ca215b2e20fe491426d02d8fc6ec6a9f225d19c717e22c4119be65e70");
  List<LaneTotal, kMaxLanesPerChannel> totals;
  totals.push_back({2, 9, Amount(9'054), Amount(54)});
  EXPECT_EQ(close_hash(filled<ChainId>(0xca), filled<ChannelId>(0xc1), totals, Epoch(80)).hex(),
            "cff0e586dc86bca28d7f5f7ba7c3f7ccabae2f687d7a343c561b0cdbf6cba9d8");
  EXPECT_EQ(close_ask_hash(filled<ChannelId>(0xc1)).hex(),
            "e261569b6dbef9a85c4764ec8c9ac8e47cdc006f3cb5bfc55b0250bbdc385a1a");
}

}  // namespace
}  // namespace micro
