#include "chain/trie/merkle_tree.hpp"

#include <algorithm>

#include "chain/base/check.hpp"
#include "chain/crypto/hash_batch.hpp"
#include "chain/trie/leaf_run.hpp"

namespace micro {
namespace {

constexpr std::size_t kModuleBits = 8;
constexpr std::size_t kPrefetchNodes = 12;  ///< between asking for a node's memory and writing it
constexpr std::size_t kNodesPerLeaf = 8;    ///< about as many change with each leaf of a large block

/// A place in the trie, stored or not: a node of a dense array, or a run of a bucket's leaves.
class Cursor {
 public:
  explicit Cursor(const Subtree& tree) { enter(tree, 1); }

  [[nodiscard]] NodeKind kind() const {
    if (tree_ != nullptr) return tree_->node(at_).kind;
    return run_.empty() ? NodeKind::kEmpty : run_.size() == 1 ? NodeKind::kLeaf : NodeKind::kInner;
  }
  [[nodiscard]] Hash hash() const {
    if (tree_ != nullptr) return tree_->node(at_).hash;
    std::vector<LeafRef> refs;
    refs.reserve(run_.size());
    for (const StoredLeaf& leaf : run_) refs.push_back({&leaf.path, &leaf.hash});
    return hash_run(refs, depth_).hash;
  }
  [[nodiscard]] Cursor child(unsigned bit) const {
    Cursor out = *this;
    if (tree_ != nullptr) {
      out.enter(*tree_, 2 * at_ + bit);
      return out;
    }
    const auto right =
        std::ranges::partition_point(run_, [&](const StoredLeaf& l) { return path_bit(l.path, depth_) == 0; });
    const auto n = static_cast<std::size_t>(right - run_.begin());
    out.run_ = bit == 0 ? run_.first(n) : run_.subspan(n);
    out.depth_ = depth_ + 1;
    return out;
  }
  /// The one leaf below a node of kind kLeaf.
  [[nodiscard]] const StoredLeaf& leaf() const {
    Cursor at = *this;
    while (at.tree_ != nullptr) {
      const Cursor left = at.child(0);
      at = left.kind() == NodeKind::kEmpty ? at.child(1) : left;
    }
    return at.run_.front();
  }

 private:
  void enter(const Subtree& tree, std::size_t at) {
    tree_ = &tree;
    at_ = at;
    while (tree_->is_bucket(at_)) {
      if (const Subtree* deep = tree_->deep(at_)) {
        tree_ = deep;
        at_ = 1;
        continue;
      }
      run_ = tree_->leaves(at_);
      depth_ = tree_->bucket_depth();
      tree_ = nullptr;
      return;
    }
  }

  const Subtree* tree_ = nullptr;
  std::size_t at_ = 0;
  std::span<const StoredLeaf> run_;
  std::size_t depth_ = 0;
};

TrieLeaf proof_leaf(const StoredLeaf& leaf) {
  return {leaf.path, trie_value_hash(leaf.value.view())};
}

/// The nodes that a checker of [first, last] cannot work out from the entries, in preorder.
void edge_nodes(const Cursor& at, const StatePath& low, std::size_t depth, const StatePath& first,
                const StatePath& last, RangeProof& out) {
  StatePath high = low;
  for (std::size_t i = depth; i < kPathBits; ++i) {
    high.data[i / 8] = static_cast<std::uint8_t>(high.data[i / 8] | (0x80u >> (i % 8)));
  }
  if (low >= first && high <= last) return;
  const NodeKind kind = at.kind();
  if (kind == NodeKind::kEmpty) {
    out.nodes.push_back({RangeNode::Kind::kEmpty, {}, {}});
  } else if (high < first || low > last) {
    out.nodes.push_back({RangeNode::Kind::kOutside, {}, at.hash()});
  } else if (kind == NodeKind::kLeaf) {
    out.nodes.push_back({RangeNode::Kind::kLeaf, proof_leaf(at.leaf()), {}});
  } else {
    out.nodes.push_back({RangeNode::Kind::kInner, {}, {}});
    StatePath upper = low;
    upper.data[depth / 8] = static_cast<std::uint8_t>(upper.data[depth / 8] | (0x80u >> (depth % 8)));
    edge_nodes(at.child(0), low, depth + 1, first, last, out);
    edge_nodes(at.child(1), upper, depth + 1, first, last, out);
  }
}

void hash_leaves(std::span<LeafChange> leaves) {
  HashBatch values(domain::kTrieValue);
  HashBatch hashes(domain::kTrieLeaf);
  for (LeafChange& leaf : leaves) {
    if (*leaf.value) values.add(**leaf.value, leaf.hash);
  }
  values.flush();
  for (LeafChange& leaf : leaves) {
    if (*leaf.value) hashes.add({leaf.path.view(), leaf.hash.view()}, leaf.hash);
  }
  hashes.flush();
}

}  // namespace

MerkleTree::MerkleTree() : top_(0, kModuleBits, true) {}

std::optional<ByteView> MerkleTree::get(const StatePath& path) const {
  const StoredLeaf* leaf = top_.find(path);
  if (leaf == nullptr) return std::nullopt;
  return leaf->value.view();
}

void MerkleTree::scan(Module module, const Visitor& visit) const {
  StatePath from;
  from.data[0] = static_cast<std::uint8_t>(module);
  top_.walk(from, [&](const StoredLeaf& leaf) {
    return module_of(leaf.path) == module && visit(leaf.path, leaf.value.view());
  });
}

MerkleTree::Update MerkleTree::prepare(std::span<const StateDiff* const> diffs) const {
  Update update;
  update.generation = generation_;
  for (const StateDiff* diff : diffs) {
    std::vector<LeafChange> merged;
    merged.reserve(update.leaves.size() + diff->size());
    auto old = update.leaves.cbegin();
    for (const auto& [path, value] : *diff) {
      while (old != update.leaves.cend() && old->path < path) merged.push_back(*old++);
      if (old != update.leaves.cend() && old->path == path) ++old;
      merged.push_back({path, &value, {}});
    }
    merged.insert(merged.end(), old, update.leaves.cend());
    update.leaves = std::move(merged);
  }
  hash_leaves(update.leaves);
  update.nodes.reserve(kNodesPerLeaf * update.leaves.size());
  update.root = top_.prepare(update.leaves, update.nodes).hash.as<StateRoot>();
  return update;
}

StateRoot MerkleTree::commit(const Update& update) {
  CHECK(is_current(update), "an update is committed to the tree that it was prepared from");
  ++generation_;
  const bool reshaped = top_.write(update.leaves);
  for (std::size_t i = 0; i < update.nodes.size(); ++i) {
    if (i + kPrefetchNodes < update.nodes.size()) {
      update.nodes[i + kPrefetchNodes].owner->expect(update.nodes[i + kPrefetchNodes].at);
    }
    update.nodes[i].owner->store(update.nodes[i].at, update.nodes[i].node);
  }
  if (reshaped) top_.settle(update.leaves);
  return root();
}

StateRoot MerkleTree::apply(const StateDiff& diff) {
  const std::array diffs{&diff};
  return commit(prepare(diffs));
}

void MerkleTree::load(std::vector<StateEntry> entries) {
  CHECK(top_.size() == 0, "only an empty tree is loaded");
  ++generation_;
  std::vector<StoredLeaf> leaves;
  leaves.reserve(entries.size());
  HashBatch values(domain::kTrieValue);
  HashBatch hashes(domain::kTrieLeaf);
  for (const StateEntry& entry : entries) {
    CHECK(leaves.empty() || leaves.back().path < entry.path, "entries are loaded in path order");
    leaves.push_back({entry.path, {}, TrieValue(entry.value)});
    values.add(entry.value, leaves.back().hash);
  }
  values.flush();
  for (StoredLeaf& leaf : leaves) hashes.add({leaf.path.view(), leaf.hash.view()}, leaf.hash);
  hashes.flush();
  top_.fill(std::move(leaves));
}

StateProof MerkleTree::prove(const StatePath& path) const {
  StateProof proof;
  Cursor at(top_);
  for (std::size_t depth = 0; at.kind() == NodeKind::kInner; ++depth) {
    const unsigned bit = path_bit(path, depth);
    proof.siblings.push_back(at.child(1 - bit).hash());
    at = at.child(bit);
  }
  if (at.kind() == NodeKind::kLeaf && at.leaf().path != path) proof.other = proof_leaf(at.leaf());
  return proof;
}

MerkleTree::Range MerkleTree::prove_range(const StatePath& first, const StatePath& last,
                                          const RangeLimits& limits) const {
  Range out;
  out.covered = last;
  std::size_t bytes = 0;
  top_.walk(first, [&](const StoredLeaf& leaf) {
    if (leaf.path > last) return false;
    const ByteView value = leaf.value.view();
    const bool is_full = out.entries.size() >= limits.max_entries || bytes >= limits.max_bytes ||
                         StatePath::kSize + value.size() > limits.max_bytes - bytes;
    if (!out.entries.empty() && is_full) {
      out.covered = out.entries.back().path;
      return false;
    }
    bytes += StatePath::kSize + value.size();
    out.entries.push_back({leaf.path, to_bytes(value)});
    return true;
  });
  edge_nodes(Cursor(top_), StatePath{}, 0, first, out.covered, out.proof);
  return out;
}

}  // namespace micro
