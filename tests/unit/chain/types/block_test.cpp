#include "chain/types/block.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace micro {
namespace {

std::vector<Hash> leaves_from(std::uint64_t seed, std::size_t count) {
  SeededRandom random(seed);
  std::vector<Hash> leaves(count);
  for (Hash& leaf : leaves) leaf = random.draw<Hash>();
  return leaves;
}

RC_GTEST_PROP(MerkleRootProp, EveryLeafHasAProofAndNoOtherLeafDoes, ()) {
  const auto count = *rc::gen::inRange<std::uint32_t>(1, 70);
  const auto leaves = leaves_from(*rc::gen::arbitrary<std::uint64_t>(), count);
  const auto index = *rc::gen::inRange<std::uint32_t>(0, count);
  const Hash root = merkle_root(leaves);
  MerkleProof proof = merkle_prove(leaves, index);
  RC_ASSERT(merkle_verify(root, leaves[index], proof));

  Hash other = leaves[index];
  other.data[*rc::gen::inRange<std::size_t>(0, 32)] ^= 1;
  RC_ASSERT(!merkle_verify(root, other, proof));
  if (!proof.path.empty()) {
    MerkleProof bent = proof;
    bent.path[*rc::gen::inRange<std::size_t>(0, bent.path.size())].data[0] ^= 1;
    RC_ASSERT(!merkle_verify(root, leaves[index], bent));
    MerkleProof cut = proof;
    cut.path.pop_back();
    RC_ASSERT(!merkle_verify(root, leaves[index], cut));
  }
  MerkleProof longer = proof;
  longer.path.push_back(root);
  RC_ASSERT(!merkle_verify(root, leaves[index], longer));
}

TEST(MerkleRoot, DependsOnOrderAndCount) {
  const auto leaves = leaves_from(1, 3);
  const std::vector<Hash> swapped{leaves[1], leaves[0], leaves[2]};
  const std::vector<Hash> doubled{leaves[0], leaves[1], leaves[2], leaves[2]};
  EXPECT_NE(merkle_root(leaves), merkle_root(swapped));
  EXPECT_NE(merkle_root(leaves), merkle_root(doubled));
  EXPECT_TRUE(merkle_root({}).is_zero());
}

TEST(Header, EveryFieldIsInTheBlockId) {
  const Header base;
  const BlockId id = block_id(base);
  const auto differs = [&](auto change) {
    Header header;
    change(header);
    return block_id(header) != id;
  };
  EXPECT_TRUE(differs([](Header& h) { h.version = 2; }));
  EXPECT_TRUE(differs([](Header& h) { h.height = Height(1); }));
  EXPECT_TRUE(differs([](Header& h) { h.epoch = Epoch(1); }));
  EXPECT_TRUE(differs([](Header& h) { h.boundary = true; }));
  EXPECT_TRUE(differs([](Header& h) { h.parent.data[0] = 1; }));
  EXPECT_TRUE(differs([](Header& h) { h.time = TimeMs(1); }));
  EXPECT_TRUE(differs([](Header& h) { h.txs_root.data[0] = 1; }));
  EXPECT_TRUE(differs([](Header& h) { h.receipts_root.data[0] = 1; }));
  EXPECT_TRUE(differs([](Header& h) { h.events_root.data[0] = 1; }));
  EXPECT_TRUE(differs([](Header& h) { h.state_root.data[0] = 1; }));
  EXPECT_TRUE(differs([](Header& h) { h.headers_root.data[0] = 1; }));
  EXPECT_TRUE(differs([](Header& h) { h.next_validators.data[0] = 1; }));
}

}  // namespace
}  // namespace micro
