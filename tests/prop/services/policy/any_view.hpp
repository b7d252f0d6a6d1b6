// Views as the kernel makes them: whatever is placed fits and is apart, candidates are those that could take a replica.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "chain/governance/policy_abi.hpp"

namespace micro::test {

class AnyView {
 public:
  PolicyInput make() {
    const auto hosts = *rc::gen::inRange<std::size_t>(0, 9);
    for (std::size_t i = 0; i < hosts; ++i) view_.hosts.push_back(any_host());
    const auto versions = *rc::gen::inRange<std::size_t>(0, 9);
    for (std::size_t i = 0; i < versions; ++i) view_.versions.push_back(any_version());
    // Candidates come last: the kernel ranks hosts by what is placed when the epoch starts.
    const bool all_may_move = *rc::gen::arbitrary<bool>();
    for (VersionView& v : view_.versions) add_candidates(v, all_may_move);
    view_.churn_cap = *rc::gen::inRange<std::uint32_t>(1, 4);
    return std::move(view_);
  }

 private:
  static HostView any_host() {
    HostView h;
    h.cluster = *rc::gen::inRange<std::uint32_t>(0, 6);
    h.log2_memory_mib = *rc::gen::inRange<std::uint8_t>(0, 14);
    h.leaving = *rc::gen::weightedElement<bool>({{5, false}, {1, true}});
    return h;
  }

  [[nodiscard]] bool has_room(const VersionView& v, std::uint32_t h) const {
    const HostView& host = view_.hosts[h];
    return std::uint64_t{host.used_ppm} + placement_share_ppm(v.log2_memory_mib, host.log2_memory_mib) <= kPpm;
  }

  VersionView any_version() {
    VersionView v;
    v.log2_memory_mib = *rc::gen::inRange<std::uint8_t>(0, 11);
    v.funded = *rc::gen::weightedElement<bool>({{4, true}, {1, false}});
    v.wanted = v.funded && *rc::gen::weightedElement<bool>({{5, true}, {1, false}});
    v.replicas = *rc::gen::inRange<std::uint8_t>(1, 4);
    std::set<std::uint32_t> clusters;
    // Sometimes more than wanted: the number of owners fell since they were placed.
    for (std::uint32_t h = 0; h < view_.hosts.size() && v.placed.size() < 5; ++h) {
      HostView& host = view_.hosts[h];
      if (!*rc::gen::arbitrary<bool>() || !has_room(v, h)) continue;
      if (!host.leaving && !clusters.insert(host.cluster).second) continue;
      host.used_ppm += placement_share_ppm(v.log2_memory_mib, host.log2_memory_mib);
      v.placed.push_back(h);
    }
    return v;
  }

  void add_candidates(VersionView& v, bool all_may_move) const {
    const auto staying = std::ranges::count_if(v.placed, [&](std::uint32_t h) { return !view_.hosts[h].leaving; });
    const bool settled = std::cmp_equal(staying, v.placed.size()) && v.placed.size() >= v.replicas;
    if (!v.funded || (settled && !all_may_move)) return;
    for (std::uint32_t h = 0; h < view_.hosts.size() && v.candidates.size() < 2u * v.replicas; ++h) {
      const bool holds = std::ranges::find(v.placed, h) != v.placed.end();
      if (!holds && !view_.hosts[h].leaving && has_room(v, h)) v.candidates.push_back(h);
    }
  }

  PolicyInput view_;
};

inline PolicyInput any_view() {
  return AnyView().make();
}

}  // namespace micro::test
