#include "chain/trie/node_hash.hpp"

#include "chain/crypto/hash_batch.hpp"

namespace micro {

void join_nodes(std::span<const TrieNode> children, std::span<TrieNode> out) {
  HashBatch batch(domain::kTrieNode);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const TrieNode& left = children[2 * i];
    const TrieNode& right = children[2 * i + 1];
    if (const auto floats = floating_node(left.kind, right.kind)) {
      out[i] = *floats == 0 ? left : right;
      continue;
    }
    out[i].kind = NodeKind::kInner;
    batch.add({left.hash.view(), right.hash.view()}, out[i].hash);
  }
  batch.flush();
}

}  // namespace micro
