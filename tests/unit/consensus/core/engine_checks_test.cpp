// What the engine has verified, what it does not, and how much of it waits.
#include "tests/unit/consensus/core/engine_rig.hpp"

namespace micro::test {
namespace {

using namespace simplex;  // NOLINT: the tests speak the engine's words

TEST_F(EngineTest, OnePeerCannotFillTheQueueOfChecks) {
  begin();
  node_->answer_checks = false;
  for (std::uint64_t i = 0; i < kMaxPendingPerPeer + 50; ++i) {
    Vote v = vote(other(), StatementKind::kNullify, 1);
    v.signature.data[0] = static_cast<std::uint8_t>(i);
    v.signature.data[1] = static_cast<std::uint8_t>(i >> 8);
    Votes votes;
    votes.votes.push_back(v);
    node_->receive(key(other(2)), votes);
  }
  EXPECT_EQ(node_->engine().footprint().pending_checks, kMaxPendingPerPeer);
  EXPECT_EQ(node_->count(Counter::kDroppedPending), 50U);
  Votes more;
  more.votes.push_back(vote(other(3), StatementKind::kNullify, 1));
  node_->receive(key(other(3)), more);
  EXPECT_EQ(node_->engine().footprint().pending_checks, kMaxPendingPerPeer + 1);
}

TEST_F(EngineTest, WhatWasVerifiedOnceIsNotVerifiedAgain) {
  begin();
  node_->keep_turns = true;
  const Certificate c = certificate(StatementKind::kNullify, 1);
  for (std::uint16_t i = 1; i < 3; ++i) hear_vote(vote(other(i), StatementKind::kNullify, 1));
  hear(c);
  hear(c);
  EXPECT_EQ(signatures_checked(), 4U) << "each member's signature once";
}

TEST_F(EngineTest, AVoteBeyondAQuorumIsNotVerified) {
  begin();
  const std::uint64_t v = reach_view(false);
  node_->keep_turns = true;
  node_->persisted = false;
  const Block block = block_on_tip();
  const BlockId id = block_id(block.header);
  node_->receive(key(leader(v)), proposal_of(v, block));
  // The leader's and this node's, which is on its way to the disk, need one more.
  std::vector<std::uint16_t> others;
  for (std::uint16_t i = 0; i < 4; ++i) {
    if (i != me_ && i != leader(v)) others.push_back(i);
  }
  for (const std::uint16_t i : others) hear_vote(vote(i, StatementKind::kNotarize, v, 0, id));
  EXPECT_EQ(node_->engine().footprint().pending_checks, 1U) << "it waits for the sync";
  EXPECT_EQ(node_->engine().view(), View(v));
  node_->feed(Persisted{1'000'000, 0});
  EXPECT_EQ(node_->engine().view(), View(v + 1));
  EXPECT_EQ(node_->engine().footprint().pending_checks, 0U);
  EXPECT_EQ(signatures_checked(), 2U) << "of the leader and of one other";
}

TEST_F(EngineTest, AVoteBeyondAQuorumIsLookedAtWhereVotesAreKept) {
  EngineConfig config;
  config.keeps_votes = true;
  begin(4, config);
  const std::uint64_t v = reach_view(false);
  node_->keep_turns = true;
  node_->persisted = false;
  const Block block = block_on_tip();
  const BlockId id = block_id(block.header);
  node_->receive(key(leader(v)), proposal_of(v, block));
  for (std::uint16_t i = 0; i < 4; ++i) {
    if (i != me_ && i != leader(v)) hear_vote(vote(i, StatementKind::kNotarize, v, 0, id));
  }
  node_->feed(Persisted{1'000'000, 0});
  EXPECT_EQ(signatures_checked(), 3U) << "each says something about its signer";
}

TEST_F(EngineTest, AVoteBehindAForgedOneStillCounts) {
  begin();
  const std::uint64_t v = reach_view(false);
  const Block block = block_on_tip();
  const BlockId id = block_id(block.header);
  node_->persisted = false;
  node_->keep_turns = true;
  node_->receive(key(leader(v)), proposal_of(v, block));
  node_->answer_checks = false;
  for (std::uint16_t i = 0; i < 4; ++i) {
    if (i == me_ || i == leader(v)) continue;
    Vote forged = vote(i, StatementKind::kNotarize, v, 0, id);
    forged.signature.data[0] ^= 1;
    hear_vote(forged);
    hear_vote(vote(i, StatementKind::kNotarize, v, 0, id));
  }
  node_->feed(Persisted{1'000'000, 0});
  EXPECT_EQ(node_->engine().view(), View(v)) << "nothing was verified yet";
  node_->answer_checks = true;
  node_->feed(Checked{last_batch(), {false}});
  EXPECT_EQ(node_->engine().view(), View(v + 1));
}

}  // namespace
}  // namespace micro::test
