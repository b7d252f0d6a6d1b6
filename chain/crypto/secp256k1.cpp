#include "chain/crypto/secp256k1.hpp"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <sodium.h>

#include <cstring>

#include "chain/base/check.hpp"

namespace micro {
namespace {

// Blinded once with fresh randomness: signing then leaks less through timing. Verification does not use the blinding.
const secp256k1_context* context() {
  static const secp256k1_context* const shared = [] {
    secp256k1_context* made = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    SystemRandom random;
    const Hash seed = random.draw<Hash>();
    CHECK(secp256k1_context_randomize(made, seed.data.data()) == 1, "context accepts a seed");
    return made;
  }();
  return shared;
}

secp256k1_pubkey derive(ByteView secret) {
  secp256k1_pubkey key;
  CHECK(secp256k1_ec_pubkey_create(context(), &key, secret.data()) == 1, "a SecretKey is a valid scalar");
  return key;
}

}  // namespace

SecretKey::~SecretKey() { sodium_memzero(bytes_.data(), bytes_.size()); }

SecretKey SecretKey::generate(Random& random) {
  for (;;) {
    Hash bytes = random.draw<Hash>();
    auto key = from(bytes);
    sodium_memzero(bytes.data.data(), bytes.data.size());
    if (key) return *key;
  }
}

Result<SecretKey> SecretKey::from(ByteView bytes32) {
  if (bytes32.size() != 32 || secp256k1_ec_seckey_verify(context(), bytes32.data()) != 1) {
    return fail(Fault::kInvalid, "not a secp256k1 secret key");
  }
  SecretKey key;
  std::memcpy(key.bytes_.data(), bytes32.data(), 32);
  return key;
}

PublicKey SecretKey::public_key() const {
  const secp256k1_pubkey key = derive(view());
  PublicKey out;
  std::size_t size = out.data.size();
  secp256k1_ec_pubkey_serialize(context(), out.data.data(), &size, &key, SECP256K1_EC_COMPRESSED);
  return out;
}

XOnlyKey SecretKey::x_only_key() const {
  const secp256k1_pubkey key = derive(view());
  secp256k1_xonly_pubkey x_only;
  CHECK(secp256k1_xonly_pubkey_from_pubkey(context(), &x_only, nullptr, &key) == 1, "every key has an x");
  XOnlyKey out;
  secp256k1_xonly_pubkey_serialize(context(), out.data.data(), &x_only);
  return out;
}

EcdsaSignature SecretKey::sign_ecdsa(const Hash& message) const {
  secp256k1_ecdsa_signature signature;
  CHECK(secp256k1_ecdsa_sign(context(), &signature, message.data.data(), bytes_.data(), nullptr, nullptr) == 1,
        "signing with a valid key succeeds");
  EcdsaSignature out;
  secp256k1_ecdsa_signature_serialize_compact(context(), out.data.data(), &signature);
  return out;
}

SchnorrSignature SecretKey::sign_schnorr(const Hash& message) const {
  secp256k1_keypair pair;
  CHECK(secp256k1_keypair_create(context(), &pair, bytes_.data()) == 1, "a SecretKey is a valid scalar");
  SchnorrSignature out;
  static constexpr std::array<unsigned char, 32> kNoAux{};
  CHECK(secp256k1_schnorrsig_sign32(context(), out.data.data(), message.data.data(), &pair, kNoAux.data()) == 1,
        "signing with a valid key succeeds");
  sodium_memzero(&pair, sizeof pair);
  return out;
}

Result<SecretKey> SecretKey::tweak_add(ByteView tweak32) const {
  SecretKey out = *this;
  if (tweak32.size() != 32 || secp256k1_ec_seckey_tweak_add(context(), out.bytes_.data(), tweak32.data()) != 1) {
    return fail(Fault::kInvalid, "the tweak gives no valid key");
  }
  return out;
}

Result<ParsedKey> ParsedKey::from(const PublicKey& key) {
  secp256k1_pubkey parsed;
  if (secp256k1_ec_pubkey_parse(context(), &parsed, key.data.data(), key.data.size()) != 1) {
    return fail(Fault::kInvalid, "not a point on secp256k1");
  }
  static_assert(sizeof parsed.data == sizeof(ParsedKey::raw_));
  ParsedKey out;
  std::memcpy(out.raw_.data(), parsed.data, sizeof parsed.data);
  return out;
}

bool ParsedKey::verify_ecdsa(const Hash& message, const EcdsaSignature& signature) const {
  secp256k1_pubkey key;
  std::memcpy(key.data, raw_.data(), raw_.size());
  secp256k1_ecdsa_signature parsed;
  return secp256k1_ecdsa_signature_parse_compact(context(), &parsed, signature.data.data()) == 1 &&
         secp256k1_ecdsa_verify(context(), &parsed, message.data.data(), &key) == 1;
}

bool verify_ecdsa(const PublicKey& key, const Hash& message, const EcdsaSignature& signature) {
  const auto parsed = ParsedKey::from(key);
  return parsed && parsed->verify_ecdsa(message, signature);
}

bool verify_schnorr(const XOnlyKey& key, const Hash& message, const SchnorrSignature& signature) {
  secp256k1_xonly_pubkey parsed;
  return secp256k1_xonly_pubkey_parse(context(), &parsed, key.data.data()) == 1 &&
         secp256k1_schnorrsig_verify(context(), signature.data.data(), message.data.data(), message.data.size(),
                                     &parsed) == 1;
}

}  // namespace micro
