// Whether the builders of a version agree: k = min(build_quorum, nodes with an active offer) are asked, ⌈2k/3⌉ must
// give the same plan, toolchain and module. Different toolchains are no lie, but no agreement either.
#pragma once

#include <span>

#include "chain/records/records.hpp"

namespace micro {

enum class BuildVerdict : std::uint8_t {
  kWaiting,  ///< more attestations may decide it
  kAgreed,
  kIrreproducible,  ///< no quorum is possible any more
};

struct BuildOutcome {
  BuildVerdict verdict = BuildVerdict::kWaiting;
  const Attestation* agreed = nullptr;  ///< one of the largest equal group; null without attestations
  std::uint8_t equal = 0;               ///< size of that group, shown as "equal/asked"
  std::uint8_t asked = 0;               ///< k
};

constexpr std::uint32_t quorum_of(std::uint32_t k) {
  return (2 * k + 2) / 3;
}

/// Among groups of one size the one attested first leads.
BuildOutcome build_outcome(std::span<const Attestation> attestations, const ChainParams& params,
                           std::uint32_t nodes_with_offer);

}  // namespace micro
