#include "chain/crypto/aead.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

struct Sealed {
  Hash key;
  AeadNonce nonce;
  Bytes header = to_bytes("header");
  Bytes plain = to_bytes("a secret of some length");
  Bytes bytes;
};

Sealed make_sealed() {
  SeededRandom random(1);
  Sealed s{.key = random.draw<Hash>(), .nonce = random.draw<AeadNonce>(), .bytes = {}};
  s.bytes = aead_seal(s.key, s.nonce, s.header, s.plain);
  return s;
}

TEST(Aead, OpensWhatItSealed) {
  const Sealed s = make_sealed();
  EXPECT_EQ(aead_open(s.key, s.nonce, s.header, s.bytes).value(), s.plain);
  EXPECT_EQ(s.bytes.size(), s.plain.size() + 16);
  EXPECT_TRUE(aead_open(s.key, s.nonce, {}, aead_seal(s.key, s.nonce, {}, {})).value().empty());
}

TEST(Aead, AnyFlippedBitAndAnyTruncationIsDenied) {
  const Sealed s = make_sealed();
  for (std::size_t bit = 0; bit < s.bytes.size() * 8; ++bit) {
    Bytes damaged = s.bytes;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
    EXPECT_EQ(aead_open(s.key, s.nonce, s.header, damaged).error().fault, Fault::kDenied);
  }
  for (std::size_t n = 0; n < s.bytes.size(); ++n) {
    EXPECT_FALSE(aead_open(s.key, s.nonce, s.header, ByteView(s.bytes).first(n)));
  }
}

TEST(Aead, AnotherKeyNonceOrHeaderIsDenied) {
  const Sealed s = make_sealed();
  Hash key = s.key;
  key.data[0] ^= 1;
  AeadNonce nonce = s.nonce;
  nonce.data[23] ^= 1;
  EXPECT_FALSE(aead_open(key, s.nonce, s.header, s.bytes));
  EXPECT_FALSE(aead_open(s.key, nonce, s.header, s.bytes));
  EXPECT_FALSE(aead_open(s.key, s.nonce, as_bytes("headeR"), s.bytes));
  EXPECT_FALSE(aead_open(s.key, s.nonce, {}, s.bytes));
}

TEST(DeriveKey, DependsOnEveryInput) {
  const KdfCost cheap{.passes = 1, .memory_kib = 64};
  KdfSalt salt;
  const Hash base = derive_key("password", salt, cheap).value();
  EXPECT_EQ(base, derive_key("password", salt, cheap).value());
  EXPECT_NE(base, derive_key("Password", salt, cheap).value());
  EXPECT_NE(base, derive_key("password", salt, {.passes = 2, .memory_kib = 64}).value());
  EXPECT_NE(base, derive_key("password", salt, {.passes = 1, .memory_kib = 128}).value());
  salt.data[0] = 1;
  EXPECT_NE(base, derive_key("password", salt, cheap).value());
}

TEST(DeriveKey, SaysWhenMemoryDoesNotSuffice) {
  const auto got = derive_key("password", {}, {.passes = 1, .memory_kib = 0});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().fault, Fault::kLimit);
}

}  // namespace
}  // namespace micro
