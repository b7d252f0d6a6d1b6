// A policy's output against the constitution. Everything is judged from the view that the policy saw, so that whoever
// holds the kept input and output comes to the same verdict.
#include <algorithm>
#include <set>

#include "chain/governance/constitution.hpp"

namespace micro {
namespace {

bool contains(std::span<const std::uint32_t> list, std::uint32_t item) {
  return std::ranges::find(list, item) != list.end();
}

/// What the decisions of an output do to one version.
struct Tally {
  std::vector<const PolicyDecision*> places;
  std::vector<const PolicyDecision*> drains;
  std::uint32_t moves_in = 0;
  std::uint32_t moves_out = 0;
};

class OutputCheck {
 public:
  OutputCheck(const PolicyInput& input, const PolicyOutput& output)
      : in_(input), out_(output), tallies_(input.versions.size()), used_(input.hosts.size()) {}

  PolicyFault run() {
    if (out_.abi != kPolicyAbiVersion) return PolicyFault::kMalformed;
    for (const PolicyDecision& d : out_.decisions) {
      if (const PolicyFault fault = check_one(d); fault != PolicyFault::kNone) return fault;
    }
    for (std::size_t v = 0; v < tallies_.size(); ++v) {
      if (const PolicyFault fault = check_version(in_.versions[v], tallies_[v]); fault != PolicyFault::kNone)
        return fault;
    }
    if (const PolicyFault fault = check_capacity(); fault != PolicyFault::kNone) return fault;
    return moves_ > in_.churn_cap ? PolicyFault::kTooMuchChurn : PolicyFault::kNone;
  }

 private:
  [[nodiscard]] std::uint32_t staying(const VersionView& v) const {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(v.placed, [&](std::uint32_t h) { return !in_.hosts[h].leaving; }));
  }

  PolicyFault check_one(const PolicyDecision& d) {
    if (d.version >= in_.versions.size() || d.host >= in_.hosts.size()) return PolicyFault::kUnknownIndex;
    if (!seen_.insert({d.version, d.host}).second) return PolicyFault::kDuplicate;
    return d.kind == DecisionKind::kPlace ? check_place(d) : check_drain(d);
  }

  PolicyFault check_place(const PolicyDecision& d) {
    const VersionView& v = in_.versions[d.version];
    if (!v.wanted || !v.funded || contains(v.placed, d.host)) return PolicyFault::kNotPlaceable;
    if (!contains(v.candidates, d.host) || in_.hosts[d.host].leaving) return PolicyFault::kNotACandidate;
    const bool true_reason = d.reason == DecisionReason::kRebalanced ||
                             (d.reason == DecisionReason::kFirstPlacement && v.placed.empty()) ||
                             (d.reason == DecisionReason::kRepair && !v.placed.empty() && staying(v) < v.replicas);
    if (!true_reason) return PolicyFault::kUntrueReason;
    Tally& tally = tallies_[d.version];
    tally.places.push_back(&d);
    tally.moves_in += d.reason == DecisionReason::kRebalanced;
    used_[d.host] += share(v, d.host);
    return PolicyFault::kNone;
  }

  PolicyFault check_drain(const PolicyDecision& d) {
    const VersionView& v = in_.versions[d.version];
    if (!contains(v.placed, d.host)) return PolicyFault::kNotPlaced;
    const bool leaving = in_.hosts[d.host].leaving;
    const bool true_reason = (d.reason == DecisionReason::kUnfunded && !v.funded) ||
                             (d.reason == DecisionReason::kExpired && v.funded && !v.wanted) ||
                             (d.reason == DecisionReason::kHostLeaving && leaving) ||
                             (d.reason == DecisionReason::kRebalanced && v.funded && v.wanted && !leaving);
    if (!true_reason) return PolicyFault::kUntrueReason;
    Tally& tally = tallies_[d.version];
    tally.drains.push_back(&d);
    tally.moves_out += d.reason == DecisionReason::kRebalanced;
    used_[d.host] -= share(v, d.host);
    return PolicyFault::kNone;
  }

  PolicyFault check_version(const VersionView& v, const Tally& tally) {
    if (tally.moves_in != tally.moves_out) return PolicyFault::kUntrueReason;
    moves_ += tally.moves_in;
    const std::uint32_t before = staying(v);
    std::uint32_t after = before + static_cast<std::uint32_t>(tally.places.size());
    for (const PolicyDecision* d : tally.drains) after -= !in_.hosts[d->host].leaving;
    if (after > std::max<std::uint32_t>(before, v.replicas)) return PolicyFault::kTooManyReplicas;
    // What the fund was asked to cover is the greater of what is in force and what is wanted: a replacement that leaves
    // the old placement in force would cost more than the service has.
    const std::size_t in_force = v.placed.size() + tally.places.size() - tally.drains.size();
    if (in_force > std::max<std::size_t>(v.placed.size(), v.replicas)) return PolicyFault::kTooManyReplicas;
    if (v.wanted && v.funded && after < std::min<std::uint32_t>(before, v.replicas))
      return PolicyFault::kTooFewReplicas;
    return tally.places.empty() ? PolicyFault::kNone : check_clusters(v, tally);
  }

  [[nodiscard]] PolicyFault check_clusters(const VersionView& v, const Tally& tally) const {
    std::set<std::uint32_t> clusters;
    for (const std::uint32_t h : v.placed) {
      const bool drained = std::ranges::any_of(tally.drains, [&](const PolicyDecision* d) { return d->host == h; });
      if (!drained && !in_.hosts[h].leaving) clusters.insert(in_.hosts[h].cluster);
    }
    for (const PolicyDecision* d : tally.places) {
      if (!clusters.insert(in_.hosts[d->host].cluster).second) return PolicyFault::kSharedCluster;
    }
    return PolicyFault::kNone;
  }

  [[nodiscard]] PolicyFault check_capacity() const {
    for (std::size_t h = 0; h < used_.size(); ++h) {
      const std::int64_t used = in_.hosts[h].used_ppm + used_[h];
      if (used_[h] > 0 && used > kPpm) return PolicyFault::kNoCapacity;
    }
    return PolicyFault::kNone;
  }

  [[nodiscard]] std::int64_t share(const VersionView& v, std::uint32_t host) const {
    return placement_share_ppm(v.log2_memory_mib, in_.hosts[host].log2_memory_mib);
  }

  const PolicyInput& in_;
  const PolicyOutput& out_;
  std::vector<Tally> tallies_;
  std::vector<std::int64_t> used_;  // change of each host's used_ppm
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen_;
  std::uint32_t moves_ = 0;
};

}  // namespace

std::string_view policy_fault_text(PolicyFault fault) {
  switch (fault) {
#define X(name, number, text) \
  case PolicyFault::name:     \
    return text;
    MICRO_POLICY_FAULTS(X)
#undef X
  }
  return "unknown fault";
}

std::uint32_t churn_cap(std::uint64_t placements_in_force) {
  const std::uint64_t allowed = placements_in_force * kernel::kMaxChurnPpm / kPpm;
  return allowed < 1 ? 1 : static_cast<std::uint32_t>(std::min<std::uint64_t>(allowed, kMaxPolicyDecisions));
}

PolicyFault check_output(const PolicyInput& input, const PolicyOutput& output) {
  return OutputCheck(input, output).run();
}

}  // namespace micro
