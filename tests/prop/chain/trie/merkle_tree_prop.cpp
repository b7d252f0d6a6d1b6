#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/state/overlay.hpp"
#include "chain/trie/merkle_tree.hpp"
#include "tests/gen/chain/trie_gen.hpp"

namespace micro {
namespace {

using Entries = std::vector<std::pair<StatePath, Bytes>>;

// The definition, read aloud: nothing stored, nothing shared with the tree but the three hashes.
Hash naive_root(std::span<const std::pair<StatePath, Bytes>> entries, std::size_t depth) {
  if (entries.empty()) return {};
  if (entries.size() == 1) return trie_leaf_hash(entries[0].first, trie_value_hash(entries[0].second));
  std::size_t left = 0;
  while (left < entries.size() && path_bit(entries[left].first, depth) == 0) ++left;
  return trie_node_hash(naive_root(entries.first(left), depth + 1), naive_root(entries.subspan(left), depth + 1));
}

Hash naive_root(const MapState& state) {
  const Entries entries(state.entries().begin(), state.entries().end());
  return naive_root(entries, 0);
}

void check_equal(const MerkleTree& tree, const MapState& model) {
  RC_ASSERT(tree.root().as<Hash>() == naive_root(model));
  RC_ASSERT(tree.size() == model.entries().size());
  for (int n = 0; n < 256; ++n) {
    Entries seen;
    Entries wanted;
    const auto module = static_cast<Module>(n);
    tree.scan(module, [&](const StatePath& p, ByteView v) { return seen.emplace_back(p, to_bytes(v)), true; });
    model.scan(module, [&](const StatePath& p, ByteView v) { return wanted.emplace_back(p, to_bytes(v)), true; });
    RC_ASSERT(seen == wanted);
  }
}

RC_GTEST_PROP(MerkleTreeProp, EqualsTheNaiveTreeThroughAnyBatches, ()) {
  MerkleTree tree;
  MapState model;
  const auto batches = *rc::gen::inRange(1, 5);
  for (int i = 0; i < batches; ++i) {
    const StateDiff diff = test::some_changes(*rc::gen::element<std::size_t>(4, 60, 700));
    const std::array diffs{&diff};
    const StateRoot before = tree.root();
    const StateRoot expected = tree.preview(diffs);
    RC_ASSERT(tree.root() == before);
    RC_ASSERT(tree.apply(diff) == expected);
    model.apply(diff);
    check_equal(tree, model);
  }
  for (int i = 0; i < 20; ++i) {
    const StatePath path = test::some_path();
    const auto a = tree.get(path);
    const auto b = model.get(path);
    RC_ASSERT(a.has_value() == b.has_value());
    if (a) RC_ASSERT(to_bytes(*a) == to_bytes(*b));
  }
}

RC_GTEST_PROP(MerkleTreeProp, APreviewOfManyDiffsIsTheRootAfterApplyingThemInTurn, ()) {
  MerkleTree tree;
  tree.apply(test::some_changes(100));
  std::vector<StateDiff> diffs;
  for (int i = 0; i < 3; ++i) diffs.push_back(test::some_changes(40));
  std::vector<const StateDiff*> views;
  for (const StateDiff& diff : diffs) views.push_back(&diff);
  const auto update = tree.prepare(views);
  MerkleTree other;
  tree.scan(Module::kAccounts, [&](const StatePath& p, ByteView v) { return other.apply({{p, to_bytes(v)}}), true; });
  tree.scan(Module::kServices, [&](const StatePath& p, ByteView v) { return other.apply({{p, to_bytes(v)}}), true; });
  RC_ASSERT(other.root() == tree.root());
  for (const StateDiff& diff : diffs) other.apply(diff);
  RC_ASSERT(other.root() == update.root);
  RC_ASSERT(tree.commit(update) == update.root);
  RC_ASSERT(!tree.is_current(update));
}

RC_GTEST_PROP(MerkleTreeProp, TheOrderOfHistoryDoesNotMatter, ()) {
  MerkleTree grown;
  for (int i = 0; i < 4; ++i) grown.apply(test::some_changes(200));
  std::vector<StateEntry> entries;
  for (int n = 0; n < 256; ++n) {
    grown.scan(static_cast<Module>(n),
               [&](const StatePath& p, ByteView v) { return entries.push_back({p, to_bytes(v)}), true; });
  }
  MerkleTree loaded;
  loaded.load(entries);
  RC_ASSERT(loaded.root() == grown.root());
  StateDiff clear;
  for (const StateEntry& entry : entries) clear.insert_or_assign(entry.path, std::nullopt);
  RC_ASSERT(grown.apply(clear) == StateRoot{});
  RC_ASSERT(grown.size() == 0U);
}

}  // namespace
}  // namespace micro
