#include "tests/sim/p2p/network/figures.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

namespace micro::p2p::sim {

std::size_t allocated_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

double Seen::mean() const {
  return all.empty() ? 0 : std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
}

double Seen::worst(double share) const {
  if (all.empty()) return 0;
  std::vector<double> sorted = all;
  const auto at = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size()))) - 1;
  std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(at));
  return sorted[at];
}

double SearchFigures::success() const {
  return begun == 0 ? 0 : static_cast<double>(nearest) / static_cast<double>(begun);
}

SearchFigures take_searches(World& world, std::size_t begun) {
  SearchFigures out;
  out.begun = begun;
  for (const Found& one : std::exchange(world.found, {})) {
    ++out.ended;
    const auto is_found = [&](ContactId node) { return std::ranges::count(one.found.closest, node) > 0; };
    out.nearest += is_found(one.truth.at(0)) ? 1 : 0;
    const auto right = static_cast<double>(std::ranges::count_if(one.truth, is_found));
    out.right.add(right / static_cast<double>(one.truth.size()));
    out.hops.add(one.found.hops);
    out.asked.add(static_cast<double>(one.found.asked));
    out.took_ms.add(static_cast<double>(one.ended_ms - one.begun_ms));
  }
  return out;
}

double GossipFigures::delivery() const {
  return expected == 0 ? 0 : static_cast<double>(reached) / static_cast<double>(expected);
}

double share_of(const World& world, const Wave& wave) {
  std::size_t expected = 0;
  std::size_t reached = 0;
  for (ContactId node = 0; node < wave.expected.size(); ++node) {
    if (!wave.expected[node] || !world.is_alive(node)) continue;
    ++expected;
    reached += wave.reached[node] ? 1 : 0;
  }
  return static_cast<double>(reached) / static_cast<double>(expected);
}

GossipFigures measure_waves(const World& world) {
  GossipFigures out;
  for (const auto& [id, wave] : world.waves) {
    ++out.messages;
    for (ContactId node = 0; node < wave.expected.size(); ++node) {
      if (!wave.expected[node] || !world.is_alive(node)) continue;
      ++out.expected;
      out.reached += wave.reached[node] ? 1 : 0;
    }
    out.worst_share = std::min(out.worst_share, share_of(world, wave));
    for (std::size_t ms = 0; ms < wave.after_ms.size(); ++ms) {
      out.after_ms.all.insert(out.after_ms.all.end(), wave.after_ms[ms], static_cast<double>(ms));
    }
  }
  return out;
}

double Fit::at(double x) const {
  return at_one + per_doubling * std::log2(x);
}

Fit fit(const std::vector<double>& x, const std::vector<double>& y) {
  const auto count = static_cast<double>(x.size());
  double sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  for (std::size_t n = 0; n < x.size(); ++n) {
    const double log_x = std::log2(x[n]);
    sum_x += log_x;
    sum_y += y[n];
    sum_xx += log_x * log_x;
    sum_xy += log_x * y[n];
  }
  Fit out;
  out.per_doubling = (count * sum_xy - sum_x * sum_y) / (count * sum_xx - sum_x * sum_x);
  out.at_one = (sum_y - out.per_doubling * sum_x) / count;
  return out;
}

}  // namespace micro::p2p::sim
