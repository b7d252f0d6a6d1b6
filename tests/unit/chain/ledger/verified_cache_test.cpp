#include "chain/ledger/verified_cache.hpp"

#include <gtest/gtest.h>

#include "tests/gen/chain/small_net.hpp"

namespace micro {
namespace {

using test::SmallNet;

Hash nth(std::uint64_t n) {
  return blake2b_256(encode(n));
}

TEST(VerifiedCache, KeepsTheNewestAndForgetsTheOldest) {
  VerifiedCache cache;
  const Hash first = nth(0);
  cache.put({&first, 1});
  EXPECT_TRUE(cache.has(first));
  EXPECT_FALSE(cache.has(nth(1)));
  for (std::uint64_t n = 1; n <= 2 * kMaxVerifiedPerGeneration; ++n) {
    const Hash next = nth(n);
    cache.put({&next, 1});
  }
  EXPECT_FALSE(cache.has(first));
  EXPECT_TRUE(cache.has(nth(kMaxVerifiedPerGeneration + 1)));
  EXPECT_TRUE(cache.has(nth(2 * kMaxVerifiedPerGeneration)));
}

TEST(VerifiedCache, ATransactionOfABlockIsNotVerifiedAgainWhenItComesIn) {
  SmallNet proposer;
  SmallNet other;
  const SignedTx tx = proposer.transfer(1, 0, 2, 5);
  ASSERT_TRUE(proposer.ledger().submit(tx).waits());
  const ChainHead head = proposer.ledger().head().value();
  const Block block = proposer.ledger().propose(head.id, TimeMs(head.header.time.value + 1), {}).value();
  ASSERT_TRUE(other.ledger().execute(block));
  EXPECT_EQ(other.ledger().verifications(), 1U);
  EXPECT_TRUE(other.ledger().submit(tx).waits());
  EXPECT_EQ(other.ledger().verifications(), 1U);
  SignedTx forged = tx;
  forged.signature.data[40] ^= 1;
  EXPECT_EQ(other.ledger().submit(forged).status, TxStatus::kBadSignature) << "other bytes are another transaction";
  EXPECT_EQ(other.ledger().verifications(), 2U);
}

TEST(VerifiedCache, AWrongSignatureInABlockIsNotRemembered) {
  SmallNet proposer;
  SmallNet other;
  SignedTx tx = proposer.transfer(1, 0, 2, 5);
  ASSERT_TRUE(proposer.ledger().submit(tx).waits());
  const ChainHead head = proposer.ledger().head().value();
  Block block = proposer.ledger().propose(head.id, TimeMs(head.header.time.value + 1), {}).value();
  block.txs.front().signature.data[40] ^= 1;
  EXPECT_EQ(other.ledger().execute(block).error().fault, Fault::kInvalid);
  EXPECT_EQ(other.ledger().submit(block.txs.front()).status, TxStatus::kBadSignature);
}

}  // namespace
}  // namespace micro
