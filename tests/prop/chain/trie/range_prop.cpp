// Range proofs against the naive meaning of a range: what is proved is exactly what a sorted map holds there, and no
// change of entries, ends or nodes makes a checker believe anything else.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/trie/merkle_tree.hpp"
#include "tests/gen/chain/trie_gen.hpp"

namespace micro {
namespace {

using Model = std::map<StatePath, Bytes>;

struct Claim {
  StatePath first;
  StatePath last;
  std::vector<StateEntry> entries;
  RangeProof proof;
};

Model model_of(const StateDiff& diff) {
  Model out;
  for (const auto& [path, value] : diff) {
    if (value) out[path] = *value;
  }
  return out;
}

bool is_exact(const Model& model, const Claim& claim) {
  auto it = model.lower_bound(claim.first);
  for (const StateEntry& entry : claim.entries) {
    if (it == model.end() || it->first > claim.last || it->first != entry.path || it->second != entry.value)
      return false;
    ++it;
  }
  return claim.first <= claim.last && (it == model.end() || it->first > claim.last);
}

bool holds(const StateRoot& root, const Claim& claim) {
  return verify_range(root, claim.first, claim.last, claim.entries, claim.proof);
}

/// Ends that are there, just beside what is there, at the rims, or anywhere.
StatePath some_end(const Model& model) {
  StatePath path = test::some_path();
  const auto shape = test::below(5);
  if (shape == 0) return {};
  if (shape == 1) path.data.fill(0xff);
  if (shape > 2 && !model.empty()) {
    path = std::next(model.begin(), test::below<std::ptrdiff_t>(std::ssize(model)))->first;
    if (shape == 4) path.data.back() ^= 1;
  }
  return path;
}

std::pair<StatePath, StatePath> some_ends(const Model& model) {
  const StatePath a = some_end(model);
  const StatePath b = some_end(model);
  return std::minmax(a, b);
}

MerkleTree::RangeLimits some_limits() {
  return {.max_entries = *rc::gen::element<std::size_t>(0, 1, 5, 100, SIZE_MAX),
          .max_bytes = *rc::gen::element<std::size_t>(0, 40, 500, 20'000, SIZE_MAX)};
}

Claim claim_of(const MerkleTree& tree, const Model& model) {
  const auto [first, last] = some_ends(model);
  MerkleTree::Range range = tree.prove_range(first, last, some_limits());
  return {first, range.covered, std::move(range.entries), std::move(range.proof)};
}

StateDiff some_state() {
  return test::some_changes(*rc::gen::element<std::size_t>(0, 1, 3, 20, 200));
}

RC_GTEST_PROP(RangeProp, GivesExactlyWhatIsThereWithinItsLimits, ()) {
  const StateDiff diff = some_state();
  const Model model = model_of(diff);
  MerkleTree tree;
  tree.apply(diff);
  const auto [first, last] = some_ends(model);
  const MerkleTree::RangeLimits limits = some_limits();
  const MerkleTree::Range range = tree.prove_range(first, last, limits);
  const Claim claim{first, range.covered, range.entries, range.proof};
  RC_ASSERT(range.covered >= first && range.covered <= last);
  RC_ASSERT(is_exact(model, claim));
  RC_ASSERT(holds(tree.root(), claim));
  RC_ASSERT(decode<RangeProof>(encode(range.proof)).value() == range.proof);
  std::size_t bytes = 0;
  for (const StateEntry& entry : range.entries) bytes += StatePath::kSize + entry.value.size();
  RC_ASSERT(range.entries.size() <= std::max<std::size_t>(1, limits.max_entries));
  RC_ASSERT(range.entries.size() <= 1 || bytes <= limits.max_bytes);
  // Cut off only where there is more, and not before there is something.
  if (range.covered != last) RC_ASSERT(!range.entries.empty() && range.entries.back().path == range.covered);
}

RC_GTEST_PROP(RangeProp, AStateIsBroughtOverInPieces, ()) {
  const StateDiff diff = some_state();
  MerkleTree tree;
  tree.apply(diff);
  const MerkleTree::RangeLimits limits = some_limits();
  std::vector<StateEntry> all;
  StatePath first;
  StatePath end;
  end.data.fill(0xff);
  for (bool more = true; more;) {
    const MerkleTree::Range range = tree.prove_range(first, end, limits);
    RC_ASSERT(verify_range(tree.root(), first, range.covered, range.entries, range.proof));
    all.insert(all.end(), range.entries.begin(), range.entries.end());
    more = range.covered != end;
    first = range.covered;
    for (std::size_t n = StatePath::kSize; more && n-- > 0;) {
      if (++first.data[n] != 0) break;
    }
  }
  MerkleTree other;
  other.load(std::move(all));
  RC_ASSERT(other.root() == tree.root());
  RC_ASSERT(other.size() == tree.size());
}

void change_entries(Claim& claim, const Model& model) {
  auto& entries = claim.entries;
  const auto at = static_cast<std::ptrdiff_t>(test::below<std::size_t>(entries.size() + 1));
  const bool is_end = at == std::ssize(entries);
  switch (test::below(6)) {
    case 0:
      if (!is_end) entries.erase(entries.begin() + at);
      return;
    case 1:
      entries.insert(entries.begin() + at, {test::some_path(), Bytes{1}});
      return;
    case 2:
      if (!is_end) entries[static_cast<std::size_t>(at)].value.push_back(0);
      return;
    case 3:
      if (!is_end) entries[static_cast<std::size_t>(at)].path.data.back() ^= 1;
      return;
    case 4:
      if (!is_end && !entries.empty()) std::swap(entries[static_cast<std::size_t>(at)], entries.front());
      return;
    default:  // what is somewhere else, and true there
      if (!model.empty()) {
        const auto there = std::next(model.begin(), test::below<std::ptrdiff_t>(std::ssize(model)));
        entries.insert(entries.begin() + at, {there->first, there->second});
      }
  }
}

void change_nodes(RangeProof& proof, const RangeProof& other) {
  auto& nodes = proof.nodes;
  const auto at = test::below<std::size_t>(nodes.size() + 1);
  const bool is_end = at == nodes.size();
  switch (test::below(6)) {
    case 0:
      if (!is_end) nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    case 1:
      if (!other.nodes.empty()) {
        nodes.insert(nodes.begin() + static_cast<std::ptrdiff_t>(at), other.nodes[at % other.nodes.size()]);
      }
      return;
    case 2:
      if (!is_end) std::swap(nodes[at], nodes.back());
      return;
    case 3:
      if (!is_end) nodes[at] = {RangeNode::Kind::kEmpty, {}, {}};
      return;
    case 4:
      if (!is_end && !other.nodes.empty()) nodes[at] = other.nodes[at % other.nodes.size()];
      return;
    default:  // a leaf as if it were a whole subtree, and the other way round
      if (is_end) return;
      if (nodes[at].leaf) {
        nodes[at] = {RangeNode::Kind::kOutside, {}, trie_leaf_hash(nodes[at].leaf->path, nodes[at].leaf->value_hash)};
      } else {
        nodes[at].kind = RangeNode::Kind::kInner;
        nodes[at].hash.reset();
      }
  }
}

RC_GTEST_PROP(RangeProp, NothingButTheTruthIsBelieved, ()) {
  const StateDiff diff = some_state();
  const Model model = model_of(diff);
  MerkleTree tree;
  tree.apply(diff);
  Claim claim = claim_of(tree, model);
  const Claim other = claim_of(tree, model);
  const int changes = 1 + test::below(3);
  for (int n = 0; n < changes; ++n) {
    switch (test::below(6)) {
      case 0:
      case 1:
        change_entries(claim, model);
        break;
      case 2:
      case 3:
        change_nodes(claim.proof, other.proof);
        break;
      case 4:
        claim.first = some_end(model);
        break;
      default:
        claim.last = some_end(model);
    }
  }
  const bool believed = holds(tree.root(), claim);
  RC_CLASSIFY(believed, "still true");
  if (believed) RC_ASSERT(is_exact(model, claim));
}

// Who leaves something out, adds or changes it, and proves that as well as can be done: with a tree of its own.
RC_GTEST_PROP(RangeProp, AProofOfAnotherStateIsNoProof, ()) {
  const StateDiff diff = some_state();
  const Model model = model_of(diff);
  MerkleTree tree;
  tree.apply(diff);
  const Claim claim = claim_of(tree, model);
  StateDiff change;
  if (!claim.entries.empty() && test::below(3) > 0) {
    const StateEntry& one = claim.entries[test::below<std::size_t>(claim.entries.size())];
    change[one.path] = test::below(2) == 0 ? std::nullopt : std::optional<Bytes>(Bytes{1, 2, 3, 4});
  } else {
    change[test::some_path()] = Bytes{9, 9, 9, 9, 9};
  }
  MerkleTree liar;
  liar.apply(diff);
  liar.apply(change);
  RC_PRE(liar.root() != tree.root());
  const MerkleTree::Range lie = liar.prove_range(claim.first, claim.last, {});
  RC_ASSERT(verify_range(liar.root(), claim.first, lie.covered, lie.entries, lie.proof));
  for (const RangeProof* proof : {&lie.proof, &claim.proof}) {
    const Claim told{claim.first, lie.covered, lie.entries, *proof};
    if (holds(tree.root(), told)) RC_ASSERT(is_exact(model, told));
  }
}

}  // namespace
}  // namespace micro
