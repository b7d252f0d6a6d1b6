#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/trie/merkle_tree.hpp"
#include "tests/gen/chain/trie_gen.hpp"

namespace micro {
namespace {

/// Mostly small: what a proof is made of shows in a few entries, and now and then many.
std::size_t some_size() {
  return test::below(20) == 0 ? 300 : *rc::gen::element<std::size_t>(0, 1, 2, 8, 30);
}

std::optional<Bytes> value_at(const MerkleTree& tree, const StatePath& path) {
  const auto value = tree.get(path);
  return value ? std::optional(to_bytes(*value)) : std::nullopt;
}

/// Half of the time a path that is there, when there is one.
StatePath mixed_path(const MerkleTree& tree) {
  std::vector<StatePath> there;
  for (const Module module : {Module::kAccounts, Module::kServices}) {
    tree.scan(module, [&](const StatePath& path, ByteView) { return there.push_back(path), true; });
  }
  if (there.empty() || test::below(2) == 0) return test::some_path();
  return there[test::below<std::size_t>(there.size())];
}

bool holds(const StateRoot& root, const StatePath& path, const std::optional<Bytes>& value, const StateProof& proof) {
  return verify_proof(root, path, value ? std::optional<ByteView>(*value) : std::nullopt, proof);
}

std::uint8_t one_bit() {
  return static_cast<std::uint8_t>(1U << test::below(8));
}

template <class Fixed>
Fixed flipped(Fixed bytes) {
  bytes.data[test::below<std::size_t>(bytes.data.size())] ^= one_bit();
  return bytes;
}

RC_GTEST_PROP(ProofProp, InclusionAndAbsenceVerify, ()) {
  MerkleTree tree;
  tree.apply(test::some_changes(some_size()));
  for (int i = 0; i < 10; ++i) {
    const StatePath path = mixed_path(tree);
    RC_ASSERT(holds(tree.root(), path, value_at(tree, path), tree.prove(path)));
  }
}

RC_GTEST_PROP(ProofProp, AnyMutationFails, ()) {
  MerkleTree tree;
  tree.apply(test::some_changes(some_size()));
  const StatePath path = mixed_path(tree);
  const auto value = value_at(tree, path);
  const StateProof proof = tree.prove(path);
  RC_TAG(value.has_value() ? "inclusion" : proof.other ? "absence beside a leaf" : "absence in an empty place");

  RC_ASSERT(!holds(flipped(tree.root()), path, value, proof));
  if (value) {
    RC_ASSERT(!holds(tree.root(), flipped(path), value, proof));
    RC_ASSERT(!holds(tree.root(), path, std::nullopt, proof));
    Bytes longer = *value;
    longer.push_back(0);
    RC_ASSERT(!holds(tree.root(), path, longer, proof));
    if (!value->empty()) {
      Bytes other = *value;
      other[test::below<std::size_t>(other.size())] ^= one_bit();
      RC_ASSERT(!holds(tree.root(), path, other, proof));
    }
  } else {
    RC_ASSERT(!holds(tree.root(), path, Bytes{}, proof));
  }
  StateProof bad = proof;
  bad.siblings.push_back(flipped(Hash{}));
  RC_ASSERT(!holds(tree.root(), path, value, bad));
  if (!proof.siblings.empty()) {
    bad = proof;
    bad.siblings.pop_back();
    RC_ASSERT(!holds(tree.root(), path, value, bad));
    bad = proof;
    Hash& sibling = bad.siblings[test::below<std::size_t>(bad.siblings.size())];
    sibling = flipped(sibling);
    RC_ASSERT(!holds(tree.root(), path, value, bad));
  }
  if (proof.other) {
    bad = proof;
    bad.other->path = flipped(bad.other->path);
    RC_ASSERT(!holds(tree.root(), path, value, bad));
    bad = proof;
    bad.other->value_hash = flipped(bad.other->value_hash);
    RC_ASSERT(!holds(tree.root(), path, value, bad));
    bad = proof;
    bad.other.reset();
    RC_ASSERT(!holds(tree.root(), path, value, bad));
  }
}

RC_GTEST_PROP(ProofProp, NobodyProvesAbsenceOfWhatIsThere, ()) {
  MerkleTree tree;
  tree.apply(test::some_changes(1 + some_size()));
  const StatePath there = mixed_path(tree);
  RC_PRE(tree.get(there).has_value());
  // Proofs made for other paths, and shortened forms of the own one.
  StateProof proof = tree.prove(test::below(2) == 0 ? there : test::some_path());
  for (;;) {
    RC_ASSERT(!holds(tree.root(), there, std::nullopt, proof));
    if (proof.siblings.empty()) break;
    proof.siblings.pop_back();
  }
}

RC_GTEST_PROP(ProofProp, RangesVerifyAndTheirMutationsFail, ()) {
  MerkleTree tree;
  tree.apply(test::some_changes(some_size()));
  StatePath first = test::below(4) == 0 ? StatePath{} : test::some_path();
  StatePath last = test::some_path();
  if (test::below(4) == 0) last.data.fill(0xff);
  if (last < first) std::swap(first, last);
  auto range = tree.prove_range(first, last, {.max_entries = *rc::gen::element<std::size_t>(1, 5, 100, 1000)});
  RC_ASSERT(verify_range(tree.root(), first, range.covered, range.entries, range.proof));
  RC_ASSERT(!verify_range(flipped(tree.root()), first, range.covered, range.entries, range.proof));

  if (!range.proof.nodes.empty()) {
    RangeProof bad = range.proof;
    auto& node = bad.nodes[test::below<std::size_t>(bad.nodes.size())];
    if (node.hash) node.hash = flipped(*node.hash);
    if (node.leaf) node.leaf->value_hash = flipped(node.leaf->value_hash);
    if (node.kind == RangeNode::Kind::kInner) node.kind = RangeNode::Kind::kEmpty;
    if (bad != range.proof) RC_ASSERT(!verify_range(tree.root(), first, range.covered, range.entries, bad));
    bad = range.proof;
    bad.nodes.pop_back();
    RC_ASSERT(!verify_range(tree.root(), first, range.covered, range.entries, bad));
  }
  if (range.entries.empty()) return;
  auto entries = range.entries;
  const auto at = test::below<std::size_t>(entries.size());
  entries[at].value.push_back(1);
  RC_ASSERT(!verify_range(tree.root(), first, range.covered, entries, range.proof));
  entries = range.entries;
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(at));
  RC_ASSERT(!verify_range(tree.root(), first, range.covered, entries, range.proof));
}

}  // namespace
}  // namespace micro
