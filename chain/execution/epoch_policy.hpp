// The policy at a boundary: what it sees, running it, checking and applying what it says.
#pragma once

#include "chain/execution/epoch_network.hpp"
#include "chain/execution/execute.hpp"
#include "chain/governance/constitution.hpp"

namespace micro {

/// Versions whose candidates one boundary ranks at most; the others wait for the next.
inline constexpr std::size_t kMaxRankedVersions = 256;

/// The policy's input and what its indices stand for. `versions` and `hosts` point into the network.
struct PolicyView {
  PolicyInput input;
  std::vector<const HostFacts*> hosts;
  std::vector<VersionFacts*> versions;
  bool something_to_decide = false;
};

/// Pseudonyms and order come from one tagged hash of the beacon, which the policy never sees; its randomness from
/// another.
PolicyView make_policy_view(const BlockState& state, Network& network);

/// Runs the policy in force when there is something to decide, and at the start of each bucket of Q epochs besides
/// (then it may rebalance). Applies its output whole or not at all.
Status run_policy(BlockState& state, Network& network, PolicyPort& port, BlockOutcome& out);

}  // namespace micro
