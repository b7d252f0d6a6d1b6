#include "rpc/replay/replay.hpp"

#include "chain/crypto/hash.hpp"
#include "chain/types/params.hpp"
#include "services/policy/wasm_policy.hpp"

namespace micro {

Result<Bytes> replay_policy(ByteView wasm, ByteView input, const Hash& engine) {
  const Hash own = tagged_hash(domain::kEngineConfig, as_bytes(WasmPolicy::configuration()));
  if (own != engine) {
    return fail(
        Fault::kMismatch,
        "the decision was made with another engine (" + engine.brief() + "…, this program has " + own.brief() + "…)",
        "replay it with the release of micro that the network ran then");
  }
  const auto policy = TRY(WasmPolicy::create());
  auto outcome = TRY(policy->run(wasm, input, kernel::kPolicyFuel));
  if (!outcome.ok) return fail(Fault::kRefused, "the rules fail on this input: " + outcome.trap);
  return std::move(outcome.output);
}

}  // namespace micro
