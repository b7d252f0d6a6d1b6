// What a transition knows of hosts, services and versions, read once at the boundary.
#pragma once

#include <map>

#include "chain/execution/block_state.hpp"
#include "chain/types/event.hpp"

namespace micro {

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
  bool funded = false;         ///< the fund covers the wanted replicas for the next epoch
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
  std::vector<ServiceFacts> services;  ///< in path order, only those with versions
  std::uint32_t builders = 0;          ///< nodes with an active offer
};

Result<Network> read_network(const BlockState& state, Epoch ended);

/// Ends placements on hosts whose offer ended, and forgets those that ended long ago.
void end_placements(const BlockState& state, Network& network, std::vector<Event>& events);
/// Derives every version's status from its builds and its service's fund, and writes what changed.
Status update_statuses(BlockState& state, Network& network, std::vector<Event>& events);
/// Burns the next epoch's upkeep of every placed, active version: newest version first, earliest-expiring tokens first.
Result<Amount> charge_upkeep(BlockState& state, const Network& network);
/// Writes the placements that changed.
void store_placements(BlockState& state, const Network& network);

}  // namespace micro
