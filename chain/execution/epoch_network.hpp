// What a transition knows of hosts, services and versions, read once at the boundary.
#pragma once

#include <map>

#include "chain/execution/block_state.hpp"
#include "chain/execution/epoch_committee.hpp"
#include "chain/governance/policy_abi.hpp"
#include "chain/types/event.hpp"
#include "chain/types/receipt.hpp"

namespace micro {

// What one boundary does at most of each kind of work, since each piece leaves an event and a boundary's events are a
// list with a limit. The rest of a kind's work waits for the next boundary; what the policy decided always fits.
inline constexpr std::size_t kMaxBondReleases = 16'384;
inline constexpr std::size_t kMaxOrphansEnded = 16'384;
inline constexpr std::size_t kMaxPolicyEvents = 1 + kMaxPolicyDecisions;  ///< its run and its decisions
inline constexpr std::size_t kMaxStatusChanges = kMaxBoundaryEvents - kMaxBondReleases - kMaxOrphansEnded -
                                                 kMaxPolicyEvents - kMaxSeatEvents - 1;  ///< one ends the epoch
static_assert(kMaxStatusChanges >= 16'384 && kMaxStatusChanges < kMaxBoundaryEvents);

/// A host whose offer is active, or withdrawn and still draining.
struct HostFacts {
  NodeId node;
  OfferId offer;
  Address owner;
  Capacity capacity;
  bool leaving = false;
  Epoch registered;
};

struct VersionFacts {
  VersionRecord version;
  StatusRecord status;
  PlacementRecord placement;
  bool placement_stored = false;
  bool placement_changed = false;
  bool funded = false;         ///< active, and the fund covers the wanted replicas for the next epoch
  std::uint32_t replicas = 1;  ///< wanted
  [[nodiscard]] bool built() const {
    return status.state == VersionState::kActive || status.state == VersionState::kPaused;
  }
  [[nodiscard]] std::uint32_t in_force() const;
};

struct ServiceFacts {
  ServiceId service;
  std::vector<VersionFacts> versions;  ///< newest first
};

struct Network {
  Epoch ended;
  std::vector<HostFacts> hosts;  ///< in path order of their offers
  std::map<NodeId, std::size_t> host_of_node;
  /// In path order, only those with versions; it begins with one that the beacon names, so that nobody is always last
  /// where there is more to do than fits.
  std::vector<ServiceFacts> services;
  std::uint32_t builders = 0;  ///< nodes with an active offer
};

/// Where to begin among so many, drawn from the beacon's first bytes: nobody is always last where work is limited.
std::size_t first_by_beacon(const Hash& beacon, std::size_t count);

Result<Network> read_network(const BlockState& state, Epoch ended);

/// Ends placements on hosts whose offer ended, at most kMaxOrphansEnded, and forgets those that ended long ago.
void end_placements(const BlockState& state, Network& network, std::vector<Event>& events);
/// Derives every version's status from its builds and its service's fund, and writes what changed. After
/// kMaxStatusChanges a version keeps the state it has, and counts as not funded when it should have another.
Status update_statuses(BlockState& state, Network& network, std::vector<Event>& events);
/// Burns the next epoch's upkeep of every placed, funded version: newest version first, earliest-expiring tokens first.
Result<Amount> charge_upkeep(BlockState& state, const Network& network);
/// Writes the placements that changed.
void store_placements(BlockState& state, const Network& network);

}  // namespace micro
