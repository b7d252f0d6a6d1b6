// What goes into the wasm module and comes out of it. The module has no imports and knows no curve: where a signature
// matters and the host has not said whether it holds, it asks. The host checks what is asked (in a browser that takes a
// turn of its event loop) and calls again, until the answer is an outcome. `settle` is that loop.
#pragma once

#include "chain/codec/fields.hpp"
#include "chain/crypto/ed25519.hpp"
#include "consensus/light/script.hpp"

namespace micro::light {

inline constexpr std::size_t kMaxSignatures = 1u << 20;  ///< that a call asks for or is told of
inline constexpr std::size_t kMaxRounds = 64;            ///< of a script; each answers a whole pass over it

struct SignatureClaim {
  Ed25519Key key;
  Hash message;
  Ed25519Signature signature;
  static constexpr auto kFields = fields<&SignatureClaim::key, &SignatureClaim::message, &SignatureClaim::signature>;
  auto operator<=>(const SignatureClaim&) const = default;
};
struct KnownSignature {
  SignatureClaim claim;
  bool holds = false;  ///< by strict verification: canonical S, no small-order or non-canonical points
  static constexpr auto kFields = fields<&KnownSignature::claim, &KnownSignature::holds>;
};

struct Call {
  Script script;
  List<KnownSignature, kMaxSignatures> known;
  static constexpr auto kFields = fields<&Call::script, &Call::known>;
};
struct Needed {
  List<SignatureClaim, kMaxSignatures> claims;
  static constexpr auto kFields = fields<&Needed::claims>;
};
/// Needed as long as the outcome depends on signatures that the host said nothing of.
using Answer = std::variant<Needed, Outcome>;

/// Calls until there is an outcome. kLimit when there is none after kMaxRounds, which no script needs.
template <class CallModule, class Verify>
Result<Outcome> settle(const Script& script, CallModule call_module, Verify verify) {
  Call call{script, {}};
  for (std::size_t round = 0; round < kMaxRounds; ++round) {
    const Bytes bytes = TRY(call_module(encode(call)));
    Answer answer = TRY(decode<Answer>(bytes));
    if (auto* outcome = std::get_if<Outcome>(&answer)) return std::move(*outcome);
    for (const SignatureClaim& claim : std::get<Needed>(answer).claims) call.known.push_back({claim, verify(claim)});
  }
  return fail(Fault::kLimit, "the module asks for signatures without end");
}

}  // namespace micro::light
