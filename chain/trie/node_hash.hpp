// Hashes of the trie's nodes, many at a time.
#pragma once

#include <optional>
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

/// Which of two neighbours (0: left) is its own parent, because the other is empty; nothing where they are hashed
/// together.
inline std::optional<unsigned> floating_node(NodeKind left, NodeKind right) {
  if (left == NodeKind::kEmpty && right != NodeKind::kInner) return 1;
  if (right == NodeKind::kEmpty && left != NodeKind::kInner) return 0;
  return std::nullopt;
}

/// The parent of each pair of neighbours: out[i] of children[2i] and children[2i + 1].
void join_nodes(std::span<const TrieNode> children, std::span<TrieNode> out);

}  // namespace micro
