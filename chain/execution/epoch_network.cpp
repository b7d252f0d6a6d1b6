#include "chain/execution/epoch_network.hpp"

#include <algorithm>
#include <set>

#include "chain/execution/all_records.hpp"
#include "chain/registry/build_quorum.hpp"

namespace micro {
namespace {

Status read_hosts(const BlockState& state, Network& network) {
  const Epoch now = state.clock.epoch;
  for (const OfferRecord& offer : TRY(all_records<OfferRecord>(state.overlay, Module::kOffers))) {
    const bool active = offer.state == OfferState::kActive;
    network.builders += active;
    if (!active && !(offer.state == OfferState::kWithdrawn && now < offer.end)) continue;
    const auto node = TRY(read_record<NodeRecord>(state.overlay, path::node(offer.node)));
    if (!node) return fail(Fault::kCorrupt, "an offer names a node that is not stored");
    network.host_of_node[offer.node] = network.hosts.size();
    network.hosts.push_back({offer.node, offer.offer, offer.owner, offer.capacity, !active, node->registered});
  }
  return {};
}

Result<VersionFacts> read_version(const BlockState& state, const VersionId& id) {
  VersionFacts facts;
  auto version = TRY(read_record<VersionRecord>(state.overlay, path::version(id)));
  if (!version) return fail(Fault::kCorrupt, "version " + id.brief() + " is named but not stored");
  facts.version = std::move(*version);
  facts.status.version = id;
  facts.status.service = facts.version.service;
  if (auto status = TRY(read_record<StatusRecord>(state.overlay, path::status(id)))) facts.status = *status;
  facts.placement.version = id;
  facts.placement.service = facts.version.service;
  if (auto placement = TRY(read_record<PlacementRecord>(state.overlay, path::placement(id)))) {
    facts.placement = std::move(*placement);
    facts.placement_stored = true;
  }
  return facts;
}

/// Owners with a host of at least this size: more replicas than that cannot be apart.
class ClusterCount {
 public:
  explicit ClusterCount(const Network& network) {
    for (const HostFacts& host : network.hosts) {
      if (!host.leaving) owners_[floor_log2(host.capacity.memory_mib)].insert(host.owner);
    }
  }
  [[nodiscard]] std::uint32_t able(std::uint8_t log2_mib) const {
    std::set<Address> all;
    for (auto it = owners_.lower_bound(log2_mib); it != owners_.end(); ++it)
      all.insert(it->second.begin(), it->second.end());
    return static_cast<std::uint32_t>(all.size());
  }

 private:
  std::map<std::uint8_t, std::set<Address>> owners_;
};

std::uint64_t epoch_cost(const ChainParams& params, const VersionFacts& facts, std::uint32_t replicas) {
  return params.upkeep_per_mib.micro * facts.version.memory_mib * replicas;  // bounded by check_params: below 2⁶²
}

Result<VersionState> build_state(const BlockState& state, const Network& network, VersionFacts& facts) {
  if (facts.built()) return VersionState::kActive;
  const auto build = TRY(read_record<BuildRecord>(state.overlay, path::build(facts.version.version)));
  std::span<const Attestation> attestations;
  if (build) attestations = build->attestations;
  const BuildOutcome outcome = build_outcome(attestations, state.ctx.params, network.builders);
  facts.status.attested = outcome.equal;
  facts.status.builders = outcome.asked;
  if (outcome.verdict == BuildVerdict::kWaiting) return VersionState::kAnnounced;
  if (outcome.verdict == BuildVerdict::kIrreproducible) return VersionState::kIrreproducible;
  facts.status.wasm_hash = outcome.agreed->wasm_hash;
  facts.status.wasm_bytes = outcome.agreed->wasm_bytes;
  return VersionState::kActive;
}

/// The state that a version has from now on, or the one it keeps because this boundary has changed enough.
Status update_status(BlockState& state, const Network& network, const ClusterCount& clusters, VersionFacts& v,
                     std::uint64_t& left, std::size_t& room, std::vector<Event>& events) {
  const ChainParams& params = state.ctx.params;
  const StatusRecord before = v.status;
  v.status.state = TRY(build_state(state, network, v));
  const std::uint32_t able = clusters.able(ceil_log2(v.version.memory_mib));
  v.replicas = std::min(params.replicas_min, std::max(able, 1u));
  const std::uint64_t cost = epoch_cost(params, v, std::max(v.replicas, v.in_force()));
  if (v.status.state == VersionState::kActive) {
    v.funded = cost <= left;
    if (!v.funded) v.status.state = VersionState::kPaused;
  }
  const bool changes = v.status.state != before.state;
  if (changes && room == 0) {
    v.status = before;
    v.funded = false;
  } else if (changes) {
    --room;
    v.status.since = state.clock.epoch;
    events.push_back(event::VersionStatusChanged{v.version.service, v.version.version,
                                                 static_cast<std::uint8_t>(before.state),
                                                 static_cast<std::uint8_t>(v.status.state)});
  }
  if (v.funded) left -= cost;
  const bool is_new = v.version.announced == network.ended && before.since.value == 0;
  if (!(v.status == before) || is_new) state.overlay.put_record(path::status(v.version.version), v.status);
  return {};
}

}  // namespace

std::size_t first_by_beacon(const Hash& beacon, std::size_t count) {
  std::uint64_t drawn = 0;
  for (std::size_t i = 0; i < sizeof drawn; ++i) drawn = drawn << 8 | beacon.data[i];
  return count == 0 ? 0 : static_cast<std::size_t>(drawn % count);
}

std::uint32_t VersionFacts::in_force() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(placement.hosts, [](const Placement& p) { return p.end.value == 0; }));
}

Result<Network> read_network(const BlockState& state, Epoch ended) {
  Network network;
  network.ended = ended;
  TRY(read_hosts(state, network));
  for (const ServiceRecord& service : TRY(all_records<ServiceRecord>(state.overlay, Module::kServices))) {
    if (!service.newest) continue;
    ServiceFacts facts{service.service, {}};
    std::optional<VersionId> next = service.newest;
    while (next) {
      facts.versions.push_back(TRY(read_version(state, *next)));
      next = facts.versions.back().version.previous;
    }
    network.services.push_back(std::move(facts));
  }
  const auto first = first_by_beacon(state.clock.beacon, network.services.size());
  std::ranges::rotate(network.services, network.services.begin() + static_cast<std::ptrdiff_t>(first));
  return network;
}

namespace {

// The host's offer ended: no decision takes the placement off, it is over.
void end_orphans(const Network& network, VersionFacts& v, Epoch now, std::size_t& room, std::vector<Event>& events) {
  for (Placement& p : v.placement.hosts) {
    if (room == 0) return;
    if (p.end.value != 0) continue;
    const auto host = network.host_of_node.find(p.node);
    if (host != network.host_of_node.end() && network.hosts[host->second].offer == p.offer) continue;
    p.end = now;
    --room;
    v.placement_changed = true;
    events.push_back(event::Drained{0, v.version.version, v.version.service, p.node,
                                    static_cast<std::uint16_t>(DecisionReason::kHostLeaving), now});
  }
}

// Ended placements stay until every channel that was opened under them has passed its own end and its disputes:
// forgotten sooner, a channel's deadlines would open again. Only a record without room for new placements forgets
// earlier.
void forget_old(VersionFacts& v, Epoch now, std::uint64_t kept_epochs) {
  auto& hosts = v.placement.hosts;
  const auto old = [&](const Placement& p) { return p.end.value != 0 && p.end.value + kept_epochs < now.value; };
  v.placement_changed |= std::erase_if(hosts, old) > 0;
  while (hosts.size() + kernel::kMaxReplicas > kMaxPlacementsPerVersion) {
    const auto ended = [&](const Placement& p) { return p.end.value != 0 && p.end <= now; };
    const auto first = std::ranges::find_if(hosts, ended);
    if (first == hosts.end()) return;
    hosts.erase(first);
    v.placement_changed = true;
  }
}

}  // namespace

void end_placements(const BlockState& state, Network& network, std::vector<Event>& events) {
  const ChainParams& params = state.ctx.params;
  const std::uint64_t kept =
      std::uint64_t{kernel::kMaxChannelEpochsInBuckets} * params.bucket_epochs + 2ull * params.dispute_epochs;
  std::size_t room = kMaxOrphansEnded;
  for (ServiceFacts& service : network.services) {
    for (VersionFacts& v : service.versions) {
      end_orphans(network, v, state.clock.epoch, room, events);
      forget_old(v, state.clock.epoch, kept);
    }
  }
}

Status update_statuses(BlockState& state, Network& network, std::vector<Event>& events) {
  const ClusterCount clusters(network);
  std::size_t room = kMaxStatusChanges;
  for (ServiceFacts& service : network.services) {
    const auto fund = TRY(read_record<FundRecord>(state.overlay, path::fund(service.service)));
    std::uint64_t left = fund ? live_total(fund->purse, state.book.when()).micro : 0;
    for (VersionFacts& v : service.versions) TRY(update_status(state, network, clusters, v, left, room, events));
  }
  return {};
}

Result<Amount> charge_upkeep(BlockState& state, const Network& network) {
  TxScope scope(state.overlay, state.book, state.ctx);
  std::uint64_t charged = 0;
  for (const ServiceFacts& service : network.services) {
    std::uint64_t cost = 0;
    for (const VersionFacts& v : service.versions) {
      if (v.funded) cost += epoch_cost(state.ctx.params, v, v.in_force());
    }
    if (cost == 0) continue;
    scope.begin_transition();
    auto fund = TRY(scope.load<FundRecord>(path::fund(service.service)));
    if (!fund || !scope.burn(fund->purse, Amount(cost))) {
      return fail(Fault::kInternal, "a version is active that its service's fund does not cover");
    }
    drop_gone(fund->purse, scope.when());
    scope.store(path::fund(service.service), *fund);
    TRY(scope.finish_transition());
    charged += cost;
  }
  return Amount(charged);
}

void store_placements(BlockState& state, const Network& network) {
  for (const ServiceFacts& service : network.services) {
    for (const VersionFacts& v : service.versions) {
      if (v.placement_changed) state.overlay.put_record(path::placement(v.version.version), v.placement);
    }
  }
}

}  // namespace micro
