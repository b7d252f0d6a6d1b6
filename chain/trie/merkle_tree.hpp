// The finalized state: every value in memory, and the canonical Merkle trie of chain/state/proof.hpp over them, laid
// out as chain/trie/subtree.hpp says, one subtree a module. Only the newest state is kept; unfinalized blocks are
// overlays on top, whose root is computed without writing.
#pragma once

#include "chain/state/state_view.hpp"
#include "chain/trie/subtree.hpp"

namespace micro {

class MerkleTree final : public StateView {
 public:
  MerkleTree();

  // --- StateView ---
  [[nodiscard]] std::optional<ByteView> get(const StatePath& path) const override;
  void scan(Module module, const Visitor& visit) const override;
  void prefetch(std::span<const StatePath> paths) const override { top_.prefetch(paths); }

  [[nodiscard]] StateRoot root() const { return top_.root().hash.as<StateRoot>(); }
  [[nodiscard]] std::size_t size() const { return top_.size(); }

  /// What writing diffs would do, worked out without doing it. Holds for the tree it was made from until the next
  /// commit, and points into the diffs.
  struct Update {
    StateRoot root;
    std::vector<LeafChange> leaves;
    std::vector<NodeChange> nodes;
    std::uint64_t generation = 0;
  };
  /// The diffs are written in their order: a later one wins.
  [[nodiscard]] Update prepare(std::span<const StateDiff* const> diffs) const;
  [[nodiscard]] StateRoot preview(std::span<const StateDiff* const> diffs) const { return prepare(diffs).root; }
  /// False when the tree was committed to since `update` was prepared.
  [[nodiscard]] bool is_current(const Update& update) const { return update.generation == generation_; }
  StateRoot commit(const Update& update);
  StateRoot apply(const StateDiff& diff);

  /// Fills an empty tree: entries ascending by path. Quicker than apply, and hashes each node once.
  void load(std::vector<StateEntry> entries);

  /// Inclusion when the path holds a value, else absence.
  [[nodiscard]] StateProof prove(const StatePath& path) const;
  /// Entries of [first, last] from the first on, and the last path that they cover: the range proved is [first,
  /// covered].
  struct Range {
    std::vector<StateEntry> entries;
    StatePath covered;
    RangeProof proof;
  };
  /// Where a range ends before `last`. One entry is given whatever the limits, so that who goes on behind `covered`
  /// gets to the end.
  struct RangeLimits {
    std::size_t max_entries = SIZE_MAX;
    std::size_t max_bytes = SIZE_MAX;  ///< of paths and values
  };
  [[nodiscard]] Range prove_range(const StatePath& first, const StatePath& last, const RangeLimits& limits) const;

 private:
  Subtree top_;  ///< over the 256 modules
  std::uint64_t generation_ = 0;
};

}  // namespace micro
