// What no network and no policy may do. Changing anything here is a hard fork.
#pragma once

#include "chain/governance/policy_abi.hpp"
#include "chain/types/params.hpp"

namespace micro {

/// The parameters of a genesis are in range: rates below one, φ(1−σ) > ρ₀ with σ = 0, U ≥ 2D + drain + 1, a fee for
/// every transaction and far from overflow. kInvalid names the parameter and the bound.
Status check_params(const ChainParams& params);

/// Why a run of the policy counts as failed. Frozen numbers: they stand in events.
#define MICRO_POLICY_FAULTS(X)                                                                        \
  X(kNone, 0, "nothing is wrong")                                                                     \
  X(kTrapped, 1, "the policy trapped or ran out of fuel")                                             \
  X(kMalformed, 2, "the output is not one of this ABI")                                               \
  X(kUnknownIndex, 3, "a decision names a version or host that is not in the view")                   \
  X(kDuplicate, 4, "two decisions concern the same version and host")                                 \
  X(kNotPlaceable, 5, "a version was placed that is not wanted, not funded, or on that host already") \
  X(kNotACandidate, 6, "a version was placed on a host that is not its candidate, or leaves")         \
  X(kSharedCluster, 7, "two replicas of a version would share an owner")                              \
  X(kNoCapacity, 8, "a host would hold more than it offers")                                          \
  X(kNotPlaced, 9, "a version was drained from a host that does not hold it")                         \
  X(kUntrueReason, 10, "a decision's reason is not true")                                             \
  X(kTooManyReplicas, 11, "a version would run on more hosts than wanted")                            \
  X(kTooFewReplicas, 12, "a funded version would run on fewer hosts than it must")                    \
  X(kTooMuchChurn, 13, "more voluntary moves than an epoch allows")

enum class PolicyFault : std::uint16_t {
#define X(name, number, text) name = number,
  MICRO_POLICY_FAULTS(X)
#undef X
};
std::string_view policy_fault_text(PolicyFault fault);

/// Voluntary moves that one epoch allows: 1 % of the placements in force, at least one.
std::uint32_t churn_cap(std::uint64_t placements_in_force);
/// Checks a policy's whole output against what it saw. The two kept byte strings are enough to check it again. kNone,
/// or the first fault found; then nothing of the output applies.
PolicyFault check_output(const PolicyInput& input, const PolicyOutput& output);

}  // namespace micro
