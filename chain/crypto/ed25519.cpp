#include "chain/crypto/ed25519.hpp"

#include <sodium.h>

#include <cstring>

namespace micro {

Ed25519Secret::~Ed25519Secret() { sodium_memzero(expanded_.data(), expanded_.size()); }

Ed25519Secret Ed25519Secret::generate(Random& random) {
  Hash seed = random.draw<Hash>();
  Ed25519Secret out = from_seed(seed);
  sodium_memzero(seed.data.data(), seed.data.size());
  return out;
}

Ed25519Secret Ed25519Secret::from_seed(const Hash& seed) {
  Ed25519Secret out;
  crypto_sign_seed_keypair(out.public_key_.data.data(), out.expanded_.data(), seed.data.data());
  return out;
}

Hash Ed25519Secret::seed() const {
  Hash out;
  crypto_sign_ed25519_sk_to_seed(out.data.data(), expanded_.data());
  return out;
}

Ed25519Signature Ed25519Secret::sign(const Hash& message) const {
  Ed25519Signature out;
  crypto_sign_detached(out.data.data(), nullptr, message.data.data(), message.data.size(), expanded_.data());
  return out;
}

bool verify_ed25519(const Ed25519Key& key, const Hash& message, const Ed25519Signature& signature) {
  return crypto_sign_verify_detached(signature.data.data(), message.data.data(), message.data.size(),
                                     key.data.data()) == 0;
}

}  // namespace micro
