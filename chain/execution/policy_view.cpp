#include <algorithm>
#include <set>

#include "chain/execution/epoch_policy.hpp"
#include "chain/placement/rendezvous.hpp"

namespace micro {
namespace {

Pseudonym pseudonym(const Hash& salt, ByteView id) {
  const Hash hash = tagged_hash(domain::kPseudonym, {salt.view(), id});
  Pseudonym out;
  std::copy_n(hash.data.begin(), Pseudonym::kSize, out.data.begin());
  return out;
}

class ViewBuilder {
 public:
  ViewBuilder(const BlockState& state, Network& network)
      : state_(state), network_(network), salt_(tagged_hash(domain::kPolicySalt, state.clock.beacon.view())) {}

  PolicyView build() {
    view_.input.epoch = state_.clock.epoch;
    view_.input.randomness = tagged_hash(domain::kPolicyRandom, state_.clock.beacon.view());
    add_hosts();
    add_versions();
    view_.input.churn_cap = churn_cap(placements_);
    add_candidates();
    return std::move(view_);
  }

 private:
  // Nodes registered in the epoch that just ended may have known the beacon when they chose their keys: they wait.
  void add_hosts() {
    std::vector<std::pair<Pseudonym, const HostFacts*>> order;
    for (const HostFacts& host : network_.hosts) {
      if (host.registered < network_.ended) order.emplace_back(pseudonym(salt_, host.node), &host);
    }
    std::ranges::sort(order);
    if (order.size() > kernel::kMaxHostsPerView) order.resize(kernel::kMaxHostsPerView);
    std::map<Address, std::uint32_t> clusters;
    for (const auto& [name, host] : order) {
      const auto cluster = clusters.emplace(host->owner, static_cast<std::uint32_t>(clusters.size())).first->second;
      index_of_node_[host->node] = static_cast<std::uint32_t>(view_.hosts.size());
      view_.hosts.push_back(host);
      view_.input.hosts.push_back({name, cluster, floor_log2(host->capacity.memory_mib),
                                   floor_log2(host->capacity.cpu_milli), 0, host->leaving});
    }
  }

  /// The hosts that hold it; nothing when one of them is not in the view.
  [[nodiscard]] std::optional<List<std::uint32_t, kMaxCandidates>> placed_of(const VersionFacts& v) const {
    List<std::uint32_t, kMaxCandidates> placed;
    for (const Placement& p : v.placement.hosts) {
      if (p.end.value != 0) continue;
      const auto at = index_of_node_.find(p.node);
      if (at == index_of_node_.end()) return std::nullopt;
      placed.push_back(at->second);
    }
    return placed;
  }

  void add_load(const VersionView& v) {
    for (const std::uint32_t h : v.placed) {
      HostView& host = view_.input.hosts[h];
      const std::uint64_t used =
          std::uint64_t{host.used_ppm} + placement_share_ppm(v.log2_memory_mib, host.log2_memory_mib);
      host.used_ppm = static_cast<std::uint32_t>(std::min<std::uint64_t>(used, 0xffff'ffffu));
    }
    placements_ += v.placed.size();
  }

  [[nodiscard]] std::uint32_t staying(const VersionView& v) const {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(v.placed, [&](std::uint32_t h) { return !view_.input.hosts[h].leaving; }));
  }

  void add_versions() {
    std::vector<std::tuple<bool, VersionView, VersionFacts*>> found;
    for (ServiceFacts& service : network_.services) {
      for (VersionFacts& v : service.versions) {
        if (!v.built()) continue;
        auto placed = placed_of(v);
        if (!placed) continue;
        VersionView shown;
        shown.version = pseudonym(salt_, v.version.version);
        shown.log2_memory_mib = ceil_log2(v.version.memory_mib);
        shown.funded = v.funded;
        shown.wanted = v.funded;
        shown.replicas = static_cast<std::uint8_t>(v.replicas);
        shown.placed = std::move(*placed);
        add_load(shown);
        const bool settled = v.funded ? staying(shown) == shown.placed.size() && shown.placed.size() >= v.replicas
                                      : shown.placed.empty();
        found.emplace_back(settled, std::move(shown), &v);
      }
    }
    // Versions that need something come first when there are more than a view holds; the shown order is the shuffled
    // one.
    std::ranges::sort(found, [](const auto& a, const auto& b) {
      return std::pair(std::get<0>(a), std::get<1>(a).version) < std::pair(std::get<0>(b), std::get<1>(b).version);
    });
    if (found.size() > kernel::kMaxServicesPerView) found.resize(kernel::kMaxServicesPerView);
    std::ranges::sort(found, {}, [](const auto& f) { return std::get<1>(f).version; });
    for (auto& [settled, shown, facts] : found) {
      settled_.push_back(settled);
      view_.input.versions.push_back(std::move(shown));
      view_.versions.push_back(facts);
    }
  }

  void add_candidates() {
    const bool all_may_move = state_.clock.epoch.value % state_.ctx.params.bucket_epochs == 0;
    std::size_t ranked = 0;
    for (std::size_t i = 0; i < view_.versions.size(); ++i) {
      VersionView& shown = view_.input.versions[i];
      VersionFacts& facts = *view_.versions[i];
      if (!settled_[i] && (!shown.funded || staying(shown) < shown.placed.size())) view_.something_to_decide = true;
      const bool has_room = facts.placement.hosts.size() + kernel::kMaxReplicas <= kMaxPlacementsPerVersion;
      if (!shown.funded || !has_room || (settled_[i] && !all_may_move) || ranked == kMaxRankedVersions) continue;
      ++ranked;
      shown.candidates = candidates_of(shown, facts);
      const auto is_new = [&](std::uint32_t h) { return std::ranges::find(shown.placed, h) == shown.placed.end(); };
      if (std::ranges::any_of(shown.candidates, is_new)) view_.something_to_decide = true;
    }
  }

  List<std::uint32_t, kMaxCandidates> candidates_of(const VersionView& shown, VersionFacts& facts) {
    const std::uint64_t life = std::uint64_t{kernel::kLifeBuckets} * state_.ctx.params.bucket_epochs;
    const bool unsalted = facts.placement.salt.is_zero();
    if (unsalted || facts.placement.salted.value + life <= network_.ended.value) draw_salt(facts);
    auto out = ranked(shown, facts.placement);
    const std::size_t missing = shown.replicas - std::min<std::size_t>(staying(shown), shown.replicas);
    if (out.size() < std::max<std::size_t>(missing, 1) && facts.placement.salted != network_.ended) {
      draw_salt(facts);  // too few hosts are as old as the salt: all that are here now take part
      out = ranked(shown, facts.placement);
    }
    return out;
  }

  void draw_salt(VersionFacts& facts) const {
    facts.placement.salt = tagged_hash(domain::kRendezvous, {state_.clock.beacon.view(), facts.version.version.view()});
    facts.placement.salted = network_.ended;
    facts.placement_changed = true;
  }

  /// Hosts that stay, are as old as the salt and have room; not those that hold it.
  [[nodiscard]] List<std::uint32_t, kMaxCandidates> ranked(const VersionView& shown,
                                                           const PlacementRecord& record) const {
    std::vector<RendezvousHost> able;
    std::vector<std::uint32_t> index;
    for (std::uint32_t h = 0; h < view_.hosts.size(); ++h) {
      const HostView& host = view_.input.hosts[h];
      const std::uint64_t used =
          std::uint64_t{host.used_ppm} + placement_share_ppm(shown.log2_memory_mib, host.log2_memory_mib);
      if (host.leaving || used > kPpm || view_.hosts[h]->registered >= record.salted) continue;
      if (std::ranges::find(shown.placed, h) != shown.placed.end()) continue;
      able.push_back({view_.hosts[h]->node, view_.hosts[h]->capacity.memory_mib, host.cluster});
      index.push_back(h);
    }
    List<std::uint32_t, kMaxCandidates> out;
    for (const std::uint32_t at : rank_hosts(record.salt, able, 2u * shown.replicas)) out.push_back(index[at]);
    return out;
  }

  const BlockState& state_;
  Network& network_;
  Hash salt_;
  PolicyView view_;
  std::map<NodeId, std::uint32_t> index_of_node_;
  std::vector<bool> settled_;
  std::uint64_t placements_ = 0;
};

}  // namespace

PolicyView make_policy_view(const BlockState& state, Network& network) {
  return ViewBuilder(state, network).build();
}

}  // namespace micro
