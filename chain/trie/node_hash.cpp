#include "chain/trie/node_hash.hpp"

namespace micro {

TrieNode join_nodes(const TrieNode& left, const TrieNode& right) {
  if (left.kind == NodeKind::kEmpty && right.kind != NodeKind::kInner) return right;
  if (right.kind == NodeKind::kEmpty && left.kind != NodeKind::kInner) return left;
  return {trie_node_hash(left.hash, right.hash), NodeKind::kInner};
}

void join_nodes(std::span<const TrieNode> children, std::span<TrieNode> out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = join_nodes(children[2 * i], children[2 * i + 1]);
}

}  // namespace micro
