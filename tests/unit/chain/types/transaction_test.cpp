#include "chain/types/transaction.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "chain/types/address.hpp"

namespace micro {
namespace {

SignedTx signed_transfer(std::uint64_t seed) {
  SeededRandom random(seed);
  const SecretKey key = SecretKey::generate(random);
  TxBody body;
  body.chain = random.draw<ChainId>();
  body.sender = address_of(key.public_key());
  body.nonce = Nonce(random.draw_u64());
  body.valid_until = Height(random.draw_u64());
  body.max_fee = Amount(random.draw_u64());
  body.payload = Transfer{random.draw<Address>(), Amount(random.draw_u64()), Text<kMaxMemoBytes>("for the coffee")};
  return sign_tx(body, key);
}

RC_GTEST_PROP(SignedTxProp, AnyBitFlipIsRefused, ()) {
  const SignedTx tx = signed_transfer(*rc::gen::inRange<std::uint64_t>(0, 1'000));
  RC_ASSERT(verify_tx_signature(tx).has_value());
  Bytes bytes = encode(tx);
  const auto bit = *rc::gen::inRange<std::size_t>(0, bytes.size() * 8);
  bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  const auto changed = decode<SignedTx>(bytes);
  if (changed) RC_ASSERT(!verify_tx_signature(*changed).has_value());
}

RC_GTEST_PROP(SignedTxProp, EveryTruncationIsRefused, ()) {
  const Bytes bytes = encode(signed_transfer(7));
  const auto size = *rc::gen::inRange<std::size_t>(0, bytes.size());
  RC_ASSERT(!decode<SignedTx>(ByteView(bytes).first(size)).has_value());
}

TEST(TxId, IgnoresTheSignatureAndNothingElse) {
  SignedTx tx = signed_transfer(1);
  const TxId id = tx_id(tx.body);
  tx.signature.data[5] ^= 1;
  EXPECT_EQ(tx_id(tx.body), id);
  tx.body.nonce = tx.body.nonce.next();
  EXPECT_NE(tx_id(tx.body), id);
}

TEST(SignedTx, AnotherKeyMayNotSignForTheSender) {
  SignedTx tx = signed_transfer(1);
  SeededRandom random(99);
  const SecretKey thief = SecretKey::generate(random);
  const SignedTx forged = sign_tx(tx.body, thief);
  ASSERT_FALSE(verify_tx_signature(forged).has_value());
}

TEST(Address, ReadsBackAndRefusesOtherNetworks) {
  SeededRandom random(3);
  const Address address = address_of(SecretKey::generate(random).public_key());
  for (const auto kind : {NetworkKind::kMain, NetworkKind::kTest, NetworkKind::kDev}) {
    const std::string text = address_text(kind, address);
    EXPECT_LE(text.size(), 90U);
    EXPECT_EQ(*parse_address(kind, text), address);
    const auto other = kind == NetworkKind::kDev ? NetworkKind::kMain : NetworkKind::kDev;
    EXPECT_FALSE(parse_address(other, text).has_value());
  }
}

TEST(TxKinds, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kTxKinds; ++i) names.insert(tx_kind_name(i));
  EXPECT_EQ(names.size(), kTxKinds);
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(tx_kind_name(kTxKinds), "unknown");
}

}  // namespace
}  // namespace micro
