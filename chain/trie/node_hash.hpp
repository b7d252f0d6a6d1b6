// Hashes of the trie's nodes, many at a time.
#pragma once

#include <span>

#include "chain/state/proof.hpp"

namespace micro {

enum class NodeKind : std::uint8_t {
  kEmpty = 0,
  kLeaf = 1,  ///< exactly one leaf below: it floats up past empty siblings
  kInner = 2,
};

struct TrieNode {
  Hash hash;
  NodeKind kind = NodeKind::kEmpty;
};

/// The parent of each pair of neighbours: out[i] of children[2i] and children[2i + 1].
void join_nodes(std::span<const TrieNode> children, std::span<TrieNode> out);
TrieNode join_nodes(const TrieNode& left, const TrieNode& right);

}  // namespace micro
