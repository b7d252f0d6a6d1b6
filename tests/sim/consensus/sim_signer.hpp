// Keys of simulated nodes. Most runs use a stand-in for signatures that costs nothing and is wrong for any other key or
// message; some use Ed25519.
#pragma once

#include <optional>

#include "consensus/core/engine.hpp"
#include "tests/sim/consensus/scenario.hpp"

namespace micro::test {

class SimSigner final : public simplex::VoteSigner {
 public:
  SimSigner() = default;
  SimSigner(std::uint64_t seed, std::size_t member, bool real);
  Ed25519Signature sign(const Hash& message) override;
  [[nodiscard]] const Ed25519Key& key() const { return key_; }
  /// Where signatures are real.
  [[nodiscard]] const std::optional<Ed25519Secret>& secret() const { return secret_; }
  static bool holds(const simplex::SignatureCheck& check, bool real);

 private:
  Ed25519Key key_;
  std::optional<Ed25519Secret> secret_;
};

}  // namespace micro::test
