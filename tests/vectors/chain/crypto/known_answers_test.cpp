// Answers that other implementations publish or give. Sources, by table:
//   blake2b   the reference code of RFC 7693 (Python's hashlib), digest size 32; "abc" and the tagged form spelled out
//   by hand sha256    FIPS 180-4 and the NIST examples for "", "abc" and a million times "a" ed25519   seeds and public
//   keys of RFC 8032 §7.1 tests 1 to 3; signatures of 32-byte messages by OpenSSL 3 ecdsa     the widely published RFC
//   6979 answers for secp256k1 with SHA-256 and key 1 aead      draft-irtf-cfrg-xchacha-03, A.3.1 argon2id
//   OpenSSL 3.2's Argon2id, one lane, 32 bytes
#include <gtest/gtest.h>

#include "chain/crypto/aead.hpp"
#include "chain/crypto/ed25519.hpp"
#include "chain/crypto/hash.hpp"
#include "chain/crypto/secp256k1.hpp"

namespace micro {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

Hash counting() {
  Hash h;
  for (std::size_t i = 0; i < h.data.size(); ++i) h.data[i] = static_cast<std::uint8_t>(i);
  return h;
}

TEST(KnownAnswers, Blake2b) {
  EXPECT_EQ(blake2b_256({}).hex(), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_EQ(blake2b_256(as_bytes("abc")).hex(), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(blake2b_256(all).hex(), "39a7eb9fedc19aabc83425c6755dd90e6f9d0c804964a1f4aaeea3b9fb599835");
}

TEST(KnownAnswers, TaggedAndKeyedHash) {
  const char* const tagged = "a2ca1c3ec10ff5aa73997a445a19a0f4e6b48a70375a4ee1bb2c0195b7b65806";
  EXPECT_EQ(tagged_hash(domain::kAddress, as_bytes("abc")).hex(), tagged);
  EXPECT_EQ(tagged_hash(domain::kAddress, {as_bytes("a"), as_bytes("bc")}).hex(), tagged);
  EXPECT_EQ(blake2b_256(as_bytes("\x10micro/address/v1abc")).hex(), tagged);
  EXPECT_EQ(keyed_hash(counting(), domain::kCallSeed, as_bytes("abc")).hex(),
            "badadde3a53bae2523b4a4b38b1770548d343432cfdff35b0ecc77fbf84c55cc");
}

TEST(KnownAnswers, Sha256) {
  EXPECT_EQ(sha256({}).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256(as_bytes("abc")).hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(Bytes(1'000'000, 'a')).hex(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

struct Ed25519Row {
  const char* seed;
  const char* key;
  const char* message;
  const char* signature;
};
constexpr Ed25519Row kEd25519[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
     "0000000000000000000000000000000000000000000000000000000000000000",
     "355c74053a380ab58b298de23adcca49f39b7ca50a2cec5b861f6c7fddf87c8a"
     "53b78c7bb3959268c0db1edeb0440786839ef5defaad623290076198560b3c02"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "ed19931f49cf7559f1474199dfbcce36cef99ed8c2faf414550fa01c8699bc99"
     "ca097b6e4764712829214b328f593b8f1db93ef2965b838d9770663b36882105"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "2df69ce99dae858f0115e9c53bbc376d43f98bee605aba46978bdcd98d7bed4f"
     "8276de79c5f17c09fa2d465286b5c6be2630b859f1fbd7fb1da5c859f003ad01"},
};

TEST(KnownAnswers, Ed25519) {
  for (const auto& row : kEd25519) {
    const auto secret = Ed25519Secret::from_seed(Hash::parse(row.seed).value());
    const Hash message = Hash::parse(row.message).value();
    EXPECT_EQ(secret.public_key().hex(), row.key);
    EXPECT_EQ(secret.seed().hex(), row.seed);
    EXPECT_EQ(secret.sign(message).hex(), row.signature);
    EXPECT_TRUE(verify_ed25519(secret.public_key(), message, Ed25519Signature::parse(row.signature).value()));
  }
}

TEST(KnownAnswers, EcdsaWithRfc6979Nonces) {
  const SecretKey one =
      SecretKey::from(hex("0000000000000000000000000000000000000000000000000000000000000001")).value();
  EXPECT_EQ(one.public_key().hex(), "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  EXPECT_EQ(one.sign_ecdsa(sha256(as_bytes("Satoshi Nakamoto"))).hex(),
            "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
            "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
  const auto rain = as_bytes("All those moments will be lost in time, like tears in rain. Time to die...");
  EXPECT_EQ(one.sign_ecdsa(sha256(rain)).hex(),
            "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b"
            "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21");
}

TEST(KnownAnswers, XChaCha20Poly1305) {
  const Hash key = Hash::parse("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f").value();
  const AeadNonce nonce = AeadNonce::parse("404142434445464748494a4b4c4d4e4f5051525354555657").value();
  const auto plain = as_bytes(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.");
  EXPECT_EQ(to_hex(aead_seal(key, nonce, hex("50515253c0c1c2c3c4c5c6c7"), plain)),
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
            "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
            "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
}

TEST(KnownAnswers, Argon2id) {
  KdfSalt salt;
  for (std::size_t i = 0; i < salt.data.size(); ++i) salt.data[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(derive_key("correct horse", salt, {.passes = 3, .memory_kib = 64}).value().hex(),
            "a1dc6a57c61d5fb470584e24085ea3216fd369c61bcd5f845745f9cb0ed02fca");
  EXPECT_EQ(derive_key("correct horse", salt, {.passes = 1, .memory_kib = 1024}).value().hex(),
            "77cce82a2481b757eb86f92a001910c970069038c7537a3ec40d22d50763d0f8");
}

}  // namespace
}  // namespace micro
