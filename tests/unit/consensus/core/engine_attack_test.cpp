// What one member or a stranger can do to an engine whose others are honest: it never stops for good, spins, or signs
// what convicts it.
#include "tests/unit/consensus/core/engine_rig.hpp"

namespace micro::test {
namespace {

using namespace simplex;  // NOLINT: the tests speak the engine's words

class UnderAttack : public EngineTest {
 protected:
  void give(const Block& block) {
    Blocks answer;
    answer.blocks.push_back(block);
    node_->receive(key(0), answer);
  }
  void give_up_view() { hear(certificate(StatementKind::kNullify, node_->engine().view().value)); }
  /// A view of another leader, in which this node notarized a block of its own and the others nothing.
  void waste_view(std::uint64_t number) {
    const std::uint64_t v = reach_view(false);
    node_->receive(key(leader(v)), proposal_of(v, block_on_tip(number)));
    give_up_view();
  }
};

TEST_F(UnderAttack, AFinalBlockThatWasRefusedBeforeStopsTheNode) {
  begin();
  const std::uint64_t v = reach_view(false);
  Block block = block_on_tip();
  block.header.state_root.data[0] ^= 1;
  node_->receive(key(leader(v)), proposal_of(v, block));
  ASSERT_EQ(said(StatementKind::kNullify).size(), 1U) << "it executes differently here";
  ASSERT_FALSE(node_->halted);
  hear(certificate(StatementKind::kFinalize, v, 0, block_id(block.header)));
  ASSERT_TRUE(node_->halted) << "the others' chain goes where this node cannot follow";
  EXPECT_EQ(node_->halted->fault, Fault::kMismatch);
}

TEST_F(UnderAttack, BodiesOfViewsThatWereGivenUpMakeRoomForOthers) {
  begin();
  std::uint64_t number = 0;
  while (node_->engine().tree().size() < kMaxTreeBlocks && number < 2 * kMaxTreeBlocks) waste_view(++number);
  const std::uint64_t v = reach_view(false);
  node_->take_out();
  const Block block = block_on_tip(++number);
  node_->receive(key(leader(v)), proposal_of(v, block));
  EXPECT_EQ(said(StatementKind::kNotarize).size(), 1U) << "so many bodies were voted for in vain that none finds room";
  hear(certificate(StatementKind::kFinalize, v, 0, block_id(block.header)));
  EXPECT_EQ(node_->height(), 1U);
}

TEST_F(UnderAttack, WhatIsFinalFindsRoomAmongBodiesThatWereVotedForInVain) {
  begin();
  std::uint64_t number = 0;
  while (node_->engine().tree().size() < kMaxTreeBlocks && number < 2 * kMaxTreeBlocks) waste_view(++number);
  const Block block = block_on_tip(++number);
  const std::uint64_t v = node_->engine().view().value;
  hear(certificate(StatementKind::kFinalize, v, 0, block_id(block.header)));
  give(block);
  EXPECT_EQ(node_->height(), 1U);
}

TEST_F(UnderAttack, WhereTheNumberOfViewsStoppedItAFinalizationBelowLetsItGoOn) {
  EngineConfig config;
  config.open_views = 50;
  begin(4, config);
  const Block block = block_on_tip();
  hear(certificate(StatementKind::kNotarize, 1, 0, block_id(block.header)));
  for (std::uint64_t v = 2; v < 60; ++v) hear(certificate(StatementKind::kNullify, v));
  const View stopped = node_->engine().view();
  ASSERT_LT(stopped, View(60));
  hear(certificate(StatementKind::kFinalize, 1, 0, block_id(block.header)));
  give(block);
  ASSERT_EQ(node_->height(), 1U);
  EXPECT_GT(node_->engine().view(), stopped) << "its certificate is held, so nobody's word is of interest any more";
}

TEST_F(UnderAttack, NothingIsNotarizedInAViewThatItFinalized) {
  begin();
  std::uint64_t v = 6;
  while (leader(v) == me_) ++v;
  EngineConfig config;
  config.open_views = v;
  signers_.clear();
  begin(4, config);
  while (node_->engine().view() < View(v)) give_up_view();
  hear_vote(vote(other(), StatementKind::kNullify, v));  // the view's entry takes the last place
  ASSERT_GE(node_->engine().footprint().views, config.open_views);
  const Block one = block_on_tip(1);
  const Block two = block_on_tip(2);
  node_->take_out();
  hear(certificate(StatementKind::kNotarize, v, 0, block_id(one.header)));
  ASSERT_EQ(node_->engine().view(), View(v)) << "no further view is entered";
  give(one);
  ASSERT_EQ(said(StatementKind::kFinalize).size(), 1U);
  node_->receive(key(leader(v)), proposal_of(v, two));
  EXPECT_TRUE(said(StatementKind::kNotarize).empty()) << "with the Finalize of the other block it convicts this node";
}

TEST_F(UnderAttack, FinalizationsWithoutEndTakeNoMoreRoomThanViews) {
  EngineConfig config;
  config.open_views = 20;
  begin(4, config);
  BlockId id;
  for (std::uint64_t v = 100; v < 200; ++v) {
    id.data[0] = static_cast<std::uint8_t>(v);
    hear(certificate(StatementKind::kFinalize, v, v - 1, id));
  }
  EXPECT_EQ(node_->engine().final_view(), View(199)) << "the newest counts";
  EXPECT_LE(node_->engine().footprint().views, config.open_views + 1);
}

TEST_F(UnderAttack, ABlockOfTheFarthestFutureWaitsWithoutSpinning) {
  begin();
  const std::uint64_t v = reach_view(false);
  // A wait of 2^58 ms is a multiple of 2^64 ns.
  const std::uint64_t wait = std::uint64_t{1} << 58;
  const std::uint64_t now = node_->now().wall.value - node_->ledger().head().header.time.value;
  node_->receive(key(leader(v)), proposal_of(v, block_on_tip(now + EngineConfig().max_drift_ms + wait)));
  ASSERT_TRUE(node_->timer());
  EXPECT_GT(node_->timer()->ns, node_->now().at.ns) << "the engine would be woken again and again";
  EXPECT_GT(node_->count(Counter::kWaitedForClock), 0U);
}

}  // namespace
}  // namespace micro::test
