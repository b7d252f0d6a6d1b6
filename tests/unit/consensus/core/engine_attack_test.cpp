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

TEST_F(UnderAttack, StrangersCannotCrowdOutTheMembersVotes) {
  begin();
  node_->answer_checks = false;
  node_->keep_turns = true;
  Vote junk = vote(other(), StatementKind::kNullify, 1);
  for (std::uint64_t i = 0; i < kMaxPendingChecks; ++i) {
    Ed25519Key from;
    from.data[0] = static_cast<std::uint8_t>(i / kMaxPendingPerPeer);
    junk.signature.data[0] = static_cast<std::uint8_t>(i);
    junk.signature.data[1] = static_cast<std::uint8_t>(i >> 8);
    Votes votes;
    votes.votes.push_back(junk);
    node_->receive(from, votes);
  }
  ASSERT_EQ(node_->engine().footprint().pending_checks, kMaxPendingChecks);
  for (std::uint16_t n = 1; n < 4; ++n) hear_vote(vote(other(n), StatementKind::kNullify, 1));
  EXPECT_EQ(node_->engine().footprint().pending_checks, kMaxPendingChecks);
  // Two batches at most: the one on its way, and the next.
  for (int batch = 0; batch < 2 && node_->engine().view() == View(1); ++batch) {
    std::vector<bool> holds;
    for (const Effects& turn : node_->turns) {
      for (const Effect& effect : turn) {
        const auto* check = std::get_if<Check>(&effect);
        if (check == nullptr || check->batch != last_batch()) continue;
        for (const CheckItem& item : check->items) holds.push_back(SimSigner::holds(item.signatures.at(0), false));
      }
    }
    node_->feed(Checked{last_batch(), holds});
  }
  EXPECT_EQ(node_->engine().view(), View(2));
}

TEST_F(UnderAttack, BodiesThatWaitForVerificationAreFewHoweverManyCome) {
  begin();
  const std::uint64_t v = reach_view(false);
  node_->answer_checks = false;
  Proposal junk = proposal_of(v, block_on_tip());
  junk.vote.signature.data[0] ^= 1;
  const auto send = [&](std::uint8_t peer) {
    Ed25519Key from;
    from.data[0] = peer;
    node_->receive(from, junk);
  };
  for (int n = 0; n < 50; ++n) send(1);
  EXPECT_EQ(node_->engine().footprint().pending_bodies, kMaxPendingBodiesPerPeer);
  for (std::uint8_t peer = 2; peer < 40; ++peer) {
    for (int n = 0; n < 5; ++n) send(peer);
  }
  EXPECT_EQ(node_->engine().footprint().pending_bodies, kMaxPendingBodies);
  const std::uint64_t before = node_->count(Counter::kDroppedPending);
  send(77);
  EXPECT_EQ(node_->engine().footprint().pending_bodies, kMaxPendingBodies);
  EXPECT_EQ(node_->count(Counter::kDroppedPending), before + 1) << "somebody else's fourth made way";
}

TEST_F(UnderAttack, CertificatesInABatchAreCountedBySignatures) {
  begin();
  node_->answer_checks = false;
  node_->keep_turns = true;
  Certificate forged = certificate(StatementKind::kNullify, 1);
  for (std::uint64_t n = 0; n < kMaxPendingPerPeer; ++n) {
    forged.signatures[0].data[0] = static_cast<std::uint8_t>(n);
    forged.signatures[0].data[1] = static_cast<std::uint8_t>(n >> 8);
    hear(forged);
  }
  node_->feed(Checked{last_batch(), {false}});
  EXPECT_EQ(signatures_checked(), forged.signatures.size() + kMaxCheckBatchSignatures);
}

TEST_F(UnderAttack, AViewThatEndedWhileTheDiskDidNotAnswerIsGivenUpLater) {
  EngineConfig config;
  config.retry_ms = 1'000;
  begin(4, config);
  node_->persisted = false;
  for (std::size_t n = 0; n < kMaxUnsyncedVotes; ++n) {
    node_->advance_ms(60'000);
    give_up_view();
  }
  const View v = node_->engine().view();
  for (int n = 0; n < 3; ++n) node_->advance_ms(60'000);
  node_->take_out();
  node_->persisted = true;
  node_->feed(Persisted{~std::uint64_t{0}, 0});
  for (int n = 0; n < 3; ++n) node_->advance_ms(60'000);
  const auto told = said(StatementKind::kNullify);
  EXPECT_TRUE(std::ranges::find(told, v, &Statement::view) != told.end())
      << "its timers are over, and nothing else makes it give the view up";
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
