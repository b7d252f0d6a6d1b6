// Proofs against a state root. The state is a canonical compact binary Merkle trie over paths: a leaf sits at its
// shortest unique prefix, an empty subtree hashes to zero, a subtree with one leaf is that leaf. The checks need no
// tree, so that a light client links nothing else.
//   value = H(kTrieValue ‖ bytes)   leaf = H(kTrieLeaf ‖ path ‖ value)   inner = H(kTrieNode ‖ left ‖ right)   empty =
//   0
#pragma once

#include <optional>
#include <vector>

#include "chain/codec/codec.hpp"
#include "chain/state/state_key.hpp"
#include "chain/types/ids.hpp"

namespace micro {

inline constexpr std::size_t kPathBits = 256;
/// A range proof holds the nodes along two edges.
inline constexpr std::size_t kMaxRangeNodes = 4 * kPathBits + 1;

/// Bit `depth` of a path, the highest bit of its first byte being bit 0.
inline constexpr unsigned path_bit(const StatePath& path, std::size_t depth) {
  return (path.data[depth / 8] >> (7 - depth % 8)) & 1u;
}

Hash trie_value_hash(ByteView value);
Hash trie_leaf_hash(const StatePath& path, const Hash& value_hash);
Hash trie_node_hash(const Hash& left, const Hash& right);

struct TrieLeaf {
  StatePath path;
  Hash value_hash;
  static constexpr auto kFields = fields<&TrieLeaf::path, &TrieLeaf::value_hash>;
  bool operator==(const TrieLeaf&) const = default;
};

/// Inclusion: the siblings on the way to the leaf. Absence: the siblings on the way to an empty place, or to another
/// leaf that occupies the prefix alone.
struct StateProof {
  List<Hash, kPathBits> siblings;  ///< from the root downwards; zero where the other side is empty
  std::optional<TrieLeaf> other;
  static constexpr auto kFields = fields<&StateProof::siblings, &StateProof::other>;
  bool operator==(const StateProof&) const = default;
};

/// True iff under `root` the path holds exactly `value`, or nothing when there is no value.
bool verify_proof(const StateRoot& root, const StatePath& path, std::optional<ByteView> value, const StateProof& proof);

/// One node that the edges of a range touch, in preorder.
struct RangeNode {
  enum class Kind : std::uint8_t {
    kEmpty = 0,
    kInner = 1,    ///< both children follow
    kLeaf = 2,     ///< a leaf outside the range, or inside and then equal to the entry
    kOutside = 3,  ///< a whole subtree outside the range, by its hash
  };
  Kind kind = Kind::kEmpty;
  std::optional<TrieLeaf> leaf;  ///< with kLeaf
  std::optional<Hash> hash;      ///< with kOutside
  static constexpr auto kFields = fields<&RangeNode::kind, &RangeNode::leaf, &RangeNode::hash>;
  bool operator==(const RangeNode&) const = default;
};
inline bool is_known(RangeNode::Kind k) {
  return k <= RangeNode::Kind::kOutside;
}

struct RangeProof {
  List<RangeNode, kMaxRangeNodes> nodes;
  static constexpr auto kFields = fields<&RangeProof::nodes>;
  bool operator==(const RangeProof&) const = default;
};

struct StateEntry {
  StatePath path;
  Bytes value;
};

/// True iff under `root` the paths in [first, last] are exactly those of `entries` (ascending), with their values.
bool verify_range(const StateRoot& root, const StatePath& first, const StatePath& last,
                  std::span<const StateEntry> entries, const RangeProof& proof);

}  // namespace micro
