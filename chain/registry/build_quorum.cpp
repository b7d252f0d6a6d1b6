#include "chain/registry/build_quorum.hpp"

#include <algorithm>

namespace micro {
namespace {

bool same_build(const Attestation& a, const Attestation& b) {
  return a.plan_hash == b.plan_hash && a.toolchain_hash == b.toolchain_hash && a.wasm_hash == b.wasm_hash &&
         a.wasm_bytes == b.wasm_bytes;
}

}  // namespace

BuildOutcome build_outcome(std::span<const Attestation> attestations, const ChainParams& params,
                           std::uint32_t nodes_with_offer) {
  const std::uint32_t k = std::min(params.build_quorum, nodes_with_offer);
  BuildOutcome out;
  out.asked = static_cast<std::uint8_t>(k);
  for (const Attestation& a : attestations) {
    const auto equal = std::ranges::count_if(attestations, [&](const Attestation& b) { return same_build(a, b); });
    if (equal <= out.equal) continue;
    out.equal = static_cast<std::uint8_t>(equal);
    out.agreed = &a;
  }
  const auto given = static_cast<std::uint32_t>(attestations.size());
  const std::uint32_t still_to_come = k > given ? k - given : 0;
  if (k > 0 && out.equal >= quorum_of(k)) {
    out.verdict = BuildVerdict::kAgreed;
  } else if (k > 0 && out.equal + still_to_come < quorum_of(k)) {
    out.verdict = BuildVerdict::kIrreproducible;
  }
  return out;
}

}  // namespace micro
