// What the parts of a transfer's way cost when nothing else runs: what the network's figures are compared with.
#pragma once

#include "tests/bench/transfer_world.hpp"

namespace micro::bench {

/// Processor seconds a transfer, on one node.
struct UnitCosts {
  double verify = 0;
  double execute = 0;
  double trie = 0;
  double store = 0;  ///< both databases, their own threads included
  [[nodiscard]] double sum() const { return verify + execute + trie + store; }
};
UnitCosts unit_costs(const World& world);

/// Seconds for one block, the median.
struct BlockCosts {
  double build = 0;
  double execute = 0;  ///< of somebody else's, whose transactions wait here
};
BlockCosts block_costs(const World& world, std::size_t transfers);

/// Seconds of one fdatasync of a file that grew by a record, the median, while `writers` do nothing else.
double sync_seconds(std::size_t writers);

/// Of an unsorted list; 0 of none.
double median(std::vector<double> values);

}  // namespace micro::bench
