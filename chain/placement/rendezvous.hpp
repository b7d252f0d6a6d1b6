// Weighted rendezvous hashing in integers (Thaler and Ravishankar 1998; the logarithmic weighting of Mosharaf and
// others): a key ranks the hosts by w/ℓ with ℓ = −log₂ of a uniform hash, so a host is first with probability w/W, and
// when a host goes only its own keys move. No floats: ℓ is fixed point with 32 fraction bits, and scores are compared
// by cross products.
#pragma once

#include <span>
#include <vector>

#include "chain/types/ids.hpp"

namespace micro {

struct RendezvousHost {
  NodeId node;
  std::uint64_t weight = 0;   ///< zero never takes part
  std::uint32_t cluster = 0;  ///< replicas prefer distinct ones
};

/// −log₂(h / 2⁶⁴) with 32 fraction bits, by repeated squaring; h = 0 counts as 1.
std::uint64_t neg_log2_q32(std::uint64_t h);
/// The uniform 64 bits of (salt, node).
std::uint64_t rendezvous_hash(const Hash& salt, const NodeId& node);

/// Indices of the best `count` hosts, best first: the best of each cluster, and only when there are fewer clusters than
/// `count`, further hosts of the same ones. Ties go to the smaller id.
std::vector<std::uint32_t> rank_hosts(const Hash& salt, std::span<const RendezvousHost> hosts, std::size_t count);

}  // namespace micro
