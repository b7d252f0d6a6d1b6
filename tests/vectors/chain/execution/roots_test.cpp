// Frozen roots of long generated histories over every kind of transaction and many epochs. The table is the same for
// every compiler, optimisation level and machine: two builds that differ anywhere in execution, codec, hashing or trie
// part ways here. After a deliberate change of the rules or of the generator, write it anew with
//   MICRO_WRITE_GOLDEN=1 vectors_chain_execution
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "chain/trie/merkle_tree.hpp"
#include "tests/gen/chain/any_tx.hpp"
#include "tests/vectors/csv.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kHistories = 6;
constexpr int kBlocks = 400;
constexpr int kBlocksPerRow = 50;

struct Row {
  std::string name;
  StateRoot state;
  Hash receipts;  ///< of all receipts and boundary events since the row before
  bool operator==(const Row&) const = default;
};

/// The tree follows by diffs, as a node's does.
std::vector<Row> history(std::uint64_t seed, std::vector<int>& applied) {
  test::ChannelWorld w({seed % 3, seed / 2 % 3, seed / 3 % 3});
  const bool late = seed % 2 == 0;  // the first lots are about to end: there is something to refresh
  if (late) {
    EXPECT_TRUE(w.end_epochs(116));
  }
  MerkleTree tree;
  for (const auto& [path, value] : w.state.entries()) tree.apply({{path, value}});
  SeededRandom random(seed);
  test::AnyTx txs(w, random);
  std::vector<Row> rows;
  Encoder seen;
  for (int n = 1; n <= kBlocks; ++n) {
    std::vector<SignedTx> block;
    for (auto count = test::draw_below(random, 4); count > 0; --count) block.push_back(txs.next());
    const bool boundary = test::draw_below(random, late ? 40 : 6) == 0;
    const auto out = w.run(block, boundary ? w.genesis.params.epoch_ms : 1, ExecutionMode::kBuild);
    if (!out) {
      ADD_FAILURE() << out.error().message;
      return rows;
    }
    for (const TxReceipt& receipt : out->receipts) {
      seen.put(receipt);
      txs.learn(receipt);
    }
    for (const Event& event : out->boundary_events) seen.put(event);
    tree.apply(out->diff);
    for (std::size_t i = 0, kept = 0; i < block.size() && kept < out->receipts.size(); ++i) {
      if (tx_id(block[i].body) != out->receipts[kept].tx) continue;
      applied[block[i].body.payload.index()] += out->receipts[kept++].status == TxStatus::kOk ? 1 : 0;
    }
    if (n % kBlocksPerRow != 0) continue;
    rows.push_back({std::to_string(seed) + "/" + std::to_string(n), tree.root(), blake2b_256(seen.take())});
    seen = Encoder();
  }
  return rows;
}

TEST(Roots, OfLongHistoriesAreFrozen) {
  std::vector<int> applied(kTxKinds);
  std::vector<Row> now;
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    for (Row& row : history(seed, applied)) now.push_back(std::move(row));
  }
  for (std::size_t kind = 0; kind < kTxKinds; ++kind) EXPECT_GT(applied[kind], 0) << tx_kind_name(kind);
  if (std::getenv("MICRO_WRITE_GOLDEN") != nullptr) {
    std::ofstream file(std::string(MICRO_VECTORS) + "/roots.csv");
    for (const Row& row : now) file << row.name << ',' << row.state.hex() << ',' << row.receipts.hex() << '\n';
  }
  const auto frozen = test::read_csv("roots.csv");
  ASSERT_EQ(frozen.size(), now.size());
  for (std::size_t i = 0; i < now.size(); ++i) {
    ASSERT_EQ(frozen[i].size(), 3U);
    ASSERT_EQ(frozen[i][0], now[i].name);
    ASSERT_EQ(frozen[i][2], now[i].receipts.hex()) << "receipts up to " << now[i].name << " are not what they were";
    ASSERT_EQ(frozen[i][1], now[i].state.hex()) << "the state at " << now[i].name << " is not what it was";
  }
}

}  // namespace
}  // namespace micro
