#include "tests/sim/consensus/sim_signer.hpp"

namespace micro::test {
namespace {

/// Stands for a signature where only the simulated owner of a key makes them: cheap, and wrong for anything else.
Ed25519Signature model_signature(const Ed25519Key& key, const Hash& message) {
  Ed25519Signature out;
  for (std::size_t i = 0; i < 32; ++i) {
    out.data[i] = static_cast<std::uint8_t>(key.data[i] ^ message.data[i]);
    out.data[i + 32] = static_cast<std::uint8_t>(key.data[31 - i] + message.data[i]);
  }
  return out;
}

}  // namespace

SimSigner::SimSigner(std::uint64_t seed, std::size_t member, bool real) {
  Dice dice(seed * 1'000 + member);
  if (!real) {
    for (auto& byte : key_.data) byte = static_cast<std::uint8_t>(dice.next());
    return;
  }
  Hash key_seed;
  for (auto& byte : key_seed.data) byte = static_cast<std::uint8_t>(dice.next());
  secret_ = Ed25519Secret::from_seed(key_seed);
  key_ = secret_->public_key();
}

Ed25519Signature SimSigner::sign(const Hash& message) {
  return secret_ ? secret_->sign(message) : model_signature(key_, message);
}

bool SimSigner::holds(const simplex::SignatureCheck& check, bool real) {
  if (real) return verify_ed25519(check.key, check.message, check.signature);
  return check.signature == model_signature(check.key, check.message);
}

}  // namespace micro::test
