// The part of the trie that is not stored: the nodes above a sorted run of leaves.
#pragma once

#include <span>

#include "chain/trie/node_hash.hpp"

namespace micro {

struct LeafRef {
  const StatePath* path;
  const Hash* hash;
};

/// The node over `leaves` (ascending by path, all below one prefix of `depth` bits).
TrieNode hash_run(std::span<const LeafRef> leaves, std::size_t depth);

}  // namespace micro
