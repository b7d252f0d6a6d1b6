// The part of the trie that is not stored: the nodes above a sorted run of leaves.
#pragma once

#include <span>
#include <vector>

#include "chain/trie/node_hash.hpp"

namespace micro {

struct LeafRef {
  const StatePath* path;
  const Hash* hash;
};

/// The nodes over many runs, hashed level by level so that hashes of all runs share the processor's vector lanes.
class RunBatch {
 public:
  /// A run of leaves (ascending by path, all below one prefix of `depth` bits); gives the index of its node in
  /// the next finish().
  std::size_t add(std::span<const LeafRef> leaves, std::size_t depth);
  /// The nodes of all runs added since the last one.
  [[nodiscard]] std::vector<TrieNode> finish();

 private:
  struct Node {
    std::size_t at = 0;      ///< in nodes_
    std::size_t height = 0;  ///< hashes above a leaf
  };
  struct Join {
    std::size_t left = 0;
    std::size_t right = 0;
    std::size_t out = 0;
  };
  Node plan(std::span<const LeafRef> leaves, std::size_t depth);
  Node put(const TrieNode& node, std::size_t height);

  std::vector<std::size_t> runs_;         ///< the node of each in nodes_
  std::vector<TrieNode> nodes_;           ///< kinds are known when a run is added, hashes of inner nodes later
  std::vector<std::vector<Join>> joins_;  ///< by height
};

/// The node over one run.
TrieNode hash_run(std::span<const LeafRef> leaves, std::size_t depth);

}  // namespace micro
