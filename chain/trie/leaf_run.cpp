#include "chain/trie/leaf_run.hpp"

#include <algorithm>

#include "chain/crypto/hash_batch.hpp"

namespace micro {

RunBatch::Node RunBatch::put(const TrieNode& node, std::size_t height) {
  nodes_.push_back(node);
  return {nodes_.size() - 1, height};
}

RunBatch::Node RunBatch::plan(std::span<const LeafRef> leaves, std::size_t depth) {
  if (leaves.empty()) return put({}, 0);
  if (leaves.size() == 1) return put({*leaves[0].hash, NodeKind::kLeaf}, 0);
  const auto right =
      std::ranges::partition_point(leaves, [&](const LeafRef& l) { return path_bit(*l.path, depth) == 0; });
  const auto n = static_cast<std::size_t>(right - leaves.begin());
  const Node a = plan(leaves.first(n), depth + 1);
  const Node b = plan(leaves.subspan(n), depth + 1);
  if (const auto floats = floating_node(nodes_[a.at].kind, nodes_[b.at].kind)) return *floats == 0 ? a : b;
  const Node out = put({{}, NodeKind::kInner}, std::max(a.height, b.height) + 1);
  if (joins_.size() < out.height) joins_.resize(out.height);
  joins_[out.height - 1].push_back({a.at, b.at, out.at});
  return out;
}

std::size_t RunBatch::add(std::span<const LeafRef> leaves, std::size_t depth) {
  runs_.push_back(plan(leaves, depth).at);
  return runs_.size() - 1;
}

std::vector<TrieNode> RunBatch::finish() {
  HashBatch batch(domain::kTrieNode);
  for (std::vector<Join>& level : joins_) {
    for (const Join& j : level) {
      batch.add({nodes_[j.left].hash.view(), nodes_[j.right].hash.view()}, nodes_[j.out].hash);
    }
    batch.flush();
    level.clear();
  }
  std::vector<TrieNode> out;
  out.reserve(runs_.size());
  for (const std::size_t at : runs_) out.push_back(nodes_[at]);
  runs_.clear();
  nodes_.clear();
  return out;
}

TrieNode hash_run(std::span<const LeafRef> leaves, std::size_t depth) {
  RunBatch batch;
  batch.add(leaves, depth);
  return batch.finish().front();
}

}  // namespace micro
