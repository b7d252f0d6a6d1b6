#include <gtest/gtest.h>

#include "chain/crypto/ed25519.hpp"
#include "chain/crypto/hash.hpp"
#include "chain/crypto/secp256k1.hpp"

namespace micro {
namespace {

// The order of secp256k1's group, and n − s: the other, high-S form of an ECDSA signature.
constexpr std::string_view kOrder = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

EcdsaSignature with_high_s(EcdsaSignature signature) {
  const Bytes n = from_hex(kOrder).value();
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int digit = n[i] - signature.data[32 + i] - borrow;
    borrow = digit < 0 ? 1 : 0;
    signature.data[32 + i] = static_cast<std::uint8_t>(digit + 256 * borrow);
  }
  return signature;
}

template <std::size_t N, class Tag>
FixedBytes<N, Tag> flipped(FixedBytes<N, Tag> bytes, std::size_t bit) {
  bytes.data[bit / 8] = static_cast<std::uint8_t>(bytes.data[bit / 8] ^ 1U << bit % 8);
  return bytes;
}

struct Case {
  SecretKey key;
  Hash message;
};
Case make_case(std::uint64_t seed) {
  SeededRandom random(seed);
  return {.key = SecretKey::generate(random), .message = random.draw<Hash>()};
}

TEST(SecretKey, RefusesZeroTheOrderAndOtherLengths) {
  EXPECT_FALSE(SecretKey::from(Bytes(32, 0)));
  EXPECT_FALSE(SecretKey::from(from_hex(kOrder).value()));
  EXPECT_FALSE(SecretKey::from(Bytes(32, 0xff)));
  EXPECT_FALSE(SecretKey::from(Bytes(31, 1)));
  Bytes largest = from_hex(kOrder).value();
  --largest.back();
  EXPECT_TRUE(SecretKey::from(largest));
}

TEST(Ecdsa, SignsDeterministicallyWithLowSAndVerifies) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto [key, message] = make_case(seed);
    const EcdsaSignature signature = key.sign_ecdsa(message);
    EXPECT_EQ(signature, key.sign_ecdsa(message));
    EXPECT_TRUE(verify_ecdsa(key.public_key(), message, signature));
    EXPECT_FALSE(verify_ecdsa(key.public_key(), message, with_high_s(signature))) << "one valid encoding";
    EXPECT_EQ(with_high_s(with_high_s(signature)), signature) << "the test's own arithmetic";
  }
}

TEST(Ecdsa, AnyFlippedBitFails) {
  const auto [key, message] = make_case(1);
  const EcdsaSignature signature = key.sign_ecdsa(message);
  for (std::size_t bit = 0; bit < 512; ++bit) {
    EXPECT_FALSE(verify_ecdsa(key.public_key(), message, flipped(signature, bit))) << bit;
  }
  for (std::size_t bit = 0; bit < 256; ++bit) {
    EXPECT_FALSE(verify_ecdsa(key.public_key(), flipped(message, bit), signature)) << bit;
  }
  EXPECT_FALSE(verify_ecdsa(make_case(2).key.public_key(), message, signature));
  EXPECT_FALSE(verify_ecdsa(key.public_key(), message, EcdsaSignature{}));
}

TEST(ParsedKey, RefusesWhatIsNoPoint) {
  EXPECT_FALSE(ParsedKey::from(PublicKey{}));
  PublicKey key = make_case(1).key.public_key();
  EXPECT_TRUE(ParsedKey::from(key));
  key.data[0] = 4;
  EXPECT_FALSE(ParsedKey::from(key)) << "only the compressed forms 2 and 3";
  key.data.fill(0xff);
  key.data[0] = 2;
  EXPECT_FALSE(ParsedKey::from(key)) << "x is not below the field's order";
}

TEST(Schnorr, SignsDeterministicallyAndAnyFlippedBitFails) {
  const auto [key, message] = make_case(3);
  const SchnorrSignature signature = key.sign_schnorr(message);
  EXPECT_EQ(signature, key.sign_schnorr(message));
  EXPECT_TRUE(verify_schnorr(key.x_only_key(), message, signature));
  for (std::size_t bit = 0; bit < 512; ++bit) {
    EXPECT_FALSE(verify_schnorr(key.x_only_key(), message, flipped(signature, bit))) << bit;
  }
  EXPECT_FALSE(verify_schnorr(key.x_only_key(), flipped(message, 9), signature));
  EXPECT_FALSE(verify_schnorr(XOnlyKey{}, message, signature));
}

TEST(TweakAdd, AddsScalarsModuloTheOrder) {
  Bytes one(32, 0);
  one.back() = 1;
  Bytes last = from_hex(kOrder).value();
  --last.back();
  const SecretKey key = SecretKey::from(one).value();
  EXPECT_EQ(to_hex(key.tweak_add(one)->view()).back(), '2');
  EXPECT_FALSE(key.tweak_add(last)) << "1 + (n − 1) is zero";
  EXPECT_FALSE(key.tweak_add(from_hex(kOrder).value()));
  EXPECT_FALSE(key.tweak_add(Bytes(31, 1)));
}

TEST(Ed25519, AnyFlippedBitFails) {
  SeededRandom random(4);
  const auto secret = Ed25519Secret::generate(random);
  const Hash message = random.draw<Hash>();
  const Ed25519Signature signature = secret.sign(message);
  EXPECT_TRUE(verify_ed25519(secret.public_key(), message, signature));
  for (std::size_t bit = 0; bit < 512; ++bit) {
    EXPECT_FALSE(verify_ed25519(secret.public_key(), message, flipped(signature, bit))) << bit;
  }
  EXPECT_FALSE(verify_ed25519(secret.public_key(), flipped(message, 0), signature));
}

// RFC 8032 §5.1.7: S must be below the group's order L, else adding L gives a second valid signature.
TEST(Ed25519, RefusesANonCanonicalS) {
  SeededRandom random(5);
  const auto secret = Ed25519Secret::generate(random);
  const Hash message = random.draw<Hash>();
  Ed25519Signature signature = secret.sign(message);
  const Bytes order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").value();
  int carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const int digit = signature.data[32 + i] + order[i] + carry;
    signature.data[32 + i] = static_cast<std::uint8_t>(digit & 0xff);
    carry = digit >> 8;
  }
  EXPECT_FALSE(verify_ed25519(secret.public_key(), message, signature));
}

TEST(Ed25519, RefusesKeysOfSmallOrder) {
  // The neutral element with R neutral and S zero satisfies the bare equation for every message.
  Ed25519Key neutral;
  neutral.data[0] = 1;
  Ed25519Signature forged;
  forged.data[0] = 1;
  EXPECT_FALSE(verify_ed25519(neutral, Hash{}, forged));
}

}  // namespace
}  // namespace micro
