// What is measured of a world, and what follows from several.
#pragma once

#include <string>

#include "tests/sim/p2p/network/world.hpp"

namespace micro::p2p::sim {

/// Bytes that are allocated now, by anybody in this process.
std::size_t allocated_bytes();
/// Of the process, as the kernel counts them.
std::size_t resident_bytes();

/// Numbers that were seen.
struct Seen {
  std::vector<double> all;
  void add(double one) { all.push_back(one); }
  [[nodiscard]] double mean() const;
  [[nodiscard]] double worst(double share) const;  ///< 0.99: what 99 of 100 do not exceed
};

struct SearchFigures {
  std::size_t begun = 0;
  std::size_t ended = 0;
  std::size_t nearest = 0;  ///< that found the very nearest
  Seen right;               ///< share of the 20 truly nearest that were found
  Seen hops, asked, took_ms;
  [[nodiscard]] double success() const;
};
/// Of the searches that ended since the last time, of so many that were begun by nodes that are still there.
SearchFigures take_searches(World& world, std::size_t begun);

struct GossipFigures {
  std::size_t messages = 0;
  std::size_t expected = 0;  ///< nodes that were there from publishing until now, of all messages
  std::size_t reached = 0;   ///< of those
  double worst_share = 1;    ///< of one message
  Seen after_ms;             ///< a sample a node and message, up to now
  [[nodiscard]] double delivery() const;
};
GossipFigures measure_waves(const World& world);
/// Of one message, of the nodes that were there and still are.
double share_of(const World& world, const Wave& wave);

/// The line through the points with the least squares, over the logarithm of `x` to base two.
struct Fit {
  double at_one = 0;
  double per_doubling = 0;
  [[nodiscard]] double at(double x) const;
};
Fit fit(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace micro::p2p::sim
