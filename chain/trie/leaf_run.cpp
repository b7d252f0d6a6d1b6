#include "chain/trie/leaf_run.hpp"

#include <algorithm>

namespace micro {

TrieNode hash_run(std::span<const LeafRef> leaves, std::size_t depth) {
  if (leaves.empty()) return {};
  if (leaves.size() == 1) return {*leaves[0].hash, NodeKind::kLeaf};
  const auto right =
      std::ranges::partition_point(leaves, [&](const LeafRef& l) { return path_bit(*l.path, depth) == 0; });
  const auto n = static_cast<std::size_t>(right - leaves.begin());
  return join_nodes(hash_run(leaves.first(n), depth + 1), hash_run(leaves.subspan(n), depth + 1));
}

}  // namespace micro
