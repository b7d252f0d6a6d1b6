#include "chain/state/proof.hpp"

#include <algorithm>

namespace micro {
namespace {

bool shares_prefix(const StatePath& a, const StatePath& b, std::size_t bits) {
  for (std::size_t i = 0; i < bits / 8; ++i) {
    if (a.data[i] != b.data[i]) return false;
  }
  for (std::size_t i = bits / 8 * 8; i < bits; ++i) {
    if (path_bit(a, i) != path_bit(b, i)) return false;
  }
  return true;
}

/// A subtree as seen by its parent: with `single` it holds one leaf, which floats up past empty siblings.
struct Part {
  Hash hash;
  bool single = false;
};

Part join(const Part& left, const Part& right) {
  const bool no_left = left.hash.is_zero();
  const bool no_right = right.hash.is_zero();
  if (no_left && no_right) return {};
  if (no_right && left.single) return left;
  if (no_left && right.single) return right;
  return {trie_node_hash(left.hash, right.hash), false};
}

class RangeCheck {
 public:
  RangeCheck(const StatePath& first, const StatePath& last, std::span<const RangeNode> nodes)
      : first_(first), last_(last), nodes_(nodes) {}

  /// `low` is the smallest path below this node.
  std::optional<Part> node(const StatePath& low, std::size_t depth, std::span<const StateEntry> entries) {
    StatePath high = low;
    for (std::size_t i = depth; i < kPathBits; ++i) {
      high.data[i / 8] = static_cast<std::uint8_t>(high.data[i / 8] | (0x80u >> (i % 8)));
    }
    if (low >= first_ && high <= last_) return inside(depth, entries);
    const bool outside = high < first_ || low > last_;
    if (used_ == nodes_.size()) return std::nullopt;
    const RangeNode& given = nodes_[used_++];
    if (given.leaf.has_value() != (given.kind == RangeNode::Kind::kLeaf)) return std::nullopt;
    if (given.hash.has_value() != (given.kind == RangeNode::Kind::kOutside)) return std::nullopt;
    // A whole subtree outside has one form only.
    if (outside && (given.kind == RangeNode::Kind::kInner || given.kind == RangeNode::Kind::kLeaf)) return std::nullopt;
    switch (given.kind) {
      case RangeNode::Kind::kEmpty:
        return entries.empty() ? std::optional<Part>(Part{}) : std::nullopt;
      case RangeNode::Kind::kLeaf:
        return leaf(*given.leaf, low, depth, entries);
      case RangeNode::Kind::kOutside:
        if (!outside || !entries.empty() || given.hash->is_zero()) return std::nullopt;
        return Part{*given.hash, false};
      case RangeNode::Kind::kInner:
        return inner(low, depth, entries);
    }
    return std::nullopt;
  }
  [[nodiscard]] bool all_used() const { return used_ == nodes_.size(); }

 private:
  std::optional<Part> leaf(const TrieLeaf& given, const StatePath& low, std::size_t depth,
                           std::span<const StateEntry> entries) const {
    if (!shares_prefix(given.path, low, depth)) return std::nullopt;
    const bool in_range = given.path >= first_ && given.path <= last_;
    if (in_range != (entries.size() == 1) || entries.size() > 1) return std::nullopt;
    if (in_range && (entries[0].path != given.path || trie_value_hash(entries[0].value) != given.value_hash)) {
      return std::nullopt;
    }
    return Part{trie_leaf_hash(given.path, given.value_hash), true};
  }
  std::optional<Part> inner(const StatePath& low, std::size_t depth, std::span<const StateEntry> entries) {
    if (depth == kPathBits) return std::nullopt;
    const auto [left_entries, right_entries] = halves(entries, depth);
    StatePath high_half = low;
    high_half.data[depth / 8] = static_cast<std::uint8_t>(high_half.data[depth / 8] | (0x80u >> (depth % 8)));
    const auto left = node(low, depth + 1, left_entries);
    if (!left) return std::nullopt;
    const auto right = node(high_half, depth + 1, right_entries);
    if (!right) return std::nullopt;
    return Part{trie_node_hash(left->hash, right->hash), false};
  }
  static Part inside(std::size_t depth, std::span<const StateEntry> entries) {
    if (entries.empty()) return {};
    if (entries.size() == 1) return {trie_leaf_hash(entries[0].path, trie_value_hash(entries[0].value)), true};
    const auto [left, right] = halves(entries, depth);
    return join(inside(depth + 1, left), inside(depth + 1, right));
  }
  static std::pair<std::span<const StateEntry>, std::span<const StateEntry>> halves(std::span<const StateEntry> entries,
                                                                                    std::size_t depth) {
    const auto it =
        std::ranges::partition_point(entries, [&](const StateEntry& e) { return path_bit(e.path, depth) == 0; });
    const auto n = static_cast<std::size_t>(it - entries.begin());
    return {entries.first(n), entries.subspan(n)};
  }

  StatePath first_;
  StatePath last_;
  std::span<const RangeNode> nodes_;
  std::size_t used_ = 0;
};

}  // namespace

Hash trie_value_hash(ByteView value) {
  return tagged_hash(domain::kTrieValue, value);
}
Hash trie_leaf_hash(const StatePath& path, const Hash& value_hash) {
  return tagged_hash(domain::kTrieLeaf, {path.view(), value_hash.view()});
}
Hash trie_node_hash(const Hash& left, const Hash& right) {
  return tagged_hash(domain::kTrieNode, {left.view(), right.view()});
}

bool verify_proof(const StateRoot& root, const StatePath& path, std::optional<ByteView> value,
                  const StateProof& proof) {
  const std::size_t depth = proof.siblings.size();
  if (depth > kPathBits) return false;
  Hash hash;
  if (value) {
    if (proof.other) return false;
    hash = trie_leaf_hash(path, trie_value_hash(*value));
  } else if (proof.other) {
    if (proof.other->path == path || !shares_prefix(proof.other->path, path, depth)) return false;
    hash = trie_leaf_hash(proof.other->path, proof.other->value_hash);
  }
  // What ends the way is an empty place or a single leaf: beside an empty sibling it would have moved up.
  if (depth > 0 && proof.siblings.back().is_zero()) return false;
  for (std::size_t i = depth; i-- > 0;) {
    hash = path_bit(path, i) == 0 ? trie_node_hash(hash, proof.siblings[i]) : trie_node_hash(proof.siblings[i], hash);
  }
  return hash == root.as<Hash>();
}

bool verify_range(const StateRoot& root, const StatePath& first, const StatePath& last,
                  std::span<const StateEntry> entries, const RangeProof& proof) {
  if (last < first) return false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].path < first || entries[i].path > last) return false;
    if (i > 0 && !(entries[i - 1].path < entries[i].path)) return false;
  }
  RangeCheck check(first, last, proof.nodes);
  const auto part = check.node(StatePath{}, 0, entries);
  return part && check.all_used() && part->hash == root.as<Hash>();
}

}  // namespace micro
