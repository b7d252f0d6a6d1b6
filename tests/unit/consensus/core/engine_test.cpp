// Single rules and bounds of the engine, with the other members' words put into its ears.
#include "consensus/core/engine.hpp"

#include <gtest/gtest.h>

#include "consensus/core/certificate.hpp"
#include "tests/unit/consensus/core/engine_rig.hpp"

namespace micro::test {
namespace {

using namespace simplex;  // NOLINT: the tests speak the engine's words

TEST_F(EngineTest, AlonePublishesAndFinalizesByItself) {
  begin(1);
  node_->ledger().submit(7);
  node_->feed(TxsWait{true});
  ASSERT_GE(node_->height(), 1U);
  EXPECT_EQ(node_->chain().blocks[0].txs.size(), 1U);
  const Certificate& c = *node_->chain().certificates[0];
  EXPECT_EQ(c.statement.kind, StatementKind::kFinalize);
  EXPECT_TRUE(check_certificate_shape(c, set_, node_->engine().epoch_id()));
}

TEST_F(EngineTest, AQuorumMovesItThroughAView) {
  begin();
  const std::uint64_t v = reach_view(false);
  node_->take_out();
  const Block block = block_on_tip();
  const BlockId id = block_id(block.header);
  node_->receive(key(leader(v)), proposal_of(v, block));
  ASSERT_EQ(said(StatementKind::kNotarize).size(), 1U);
  for (std::uint16_t i = 0; i < 4; ++i) {
    if (i != me_) hear_vote(vote(i, StatementKind::kNotarize, v, 0, id));
  }
  EXPECT_EQ(node_->engine().view(), View(v + 1));
  ASSERT_EQ(said(StatementKind::kFinalize).size(), 1U);
  for (std::uint16_t i = 0; i < 4; ++i) {
    if (i != me_) hear_vote(vote(i, StatementKind::kFinalize, v, 0, id));
  }
  EXPECT_EQ(node_->height(), 1U);
  EXPECT_EQ(node_->engine().floor(), View(v));
}

TEST_F(EngineTest, NothingIsSaidBeforeItIsWritten) {
  begin();
  node_->keep_turns = true;
  for (int i = 0; i < 12; ++i) {
    const std::uint64_t v = node_->engine().view().value;
    node_->advance_ms(60'000);
    hear(certificate(StatementKind::kNullify, v));
  }
  std::size_t votes = 0;
  std::set<Bytes> written;
  for (const Effects& turn : node_->turns) {
    bool journal_is_over = false;
    for (const Effect& effect : turn) {
      if (const auto* record = std::get_if<Persist>(&effect)) {
        EXPECT_FALSE(journal_is_over) << "all records of a turn come before all that leaves";
        const auto decoded = decode<Record>(record->record).value();
        if (const auto* own = std::get_if<OwnVote>(&decoded)) written.insert(encode(own->vote));
        continue;
      }
      if (!std::holds_alternative<OpenJournal>(effect)) journal_is_over = true;
      const auto* all = std::get_if<Broadcast>(&effect);
      const auto* said_votes = all != nullptr ? std::get_if<Votes>(&all->message->body) : nullptr;
      if (said_votes == nullptr) continue;
      for (const Vote& v : said_votes->votes) {
        ++votes;
        EXPECT_TRUE(written.contains(encode(v))) << "a vote leaves that is in no record";
      }
    }
  }
  EXPECT_GE(votes, 10U);
}

TEST_F(EngineTest, AVoteIsWrittenAfterTheBodyThatItIsFor) {
  begin();
  node_->keep_turns = true;
  node_->ledger().submit(7);
  node_->feed(TxsWait{true});
  reach_view(true);  // proposes at once
  hear(certificate(StatementKind::kNullify, node_->engine().view().value));
  const std::uint64_t v = reach_view(false);
  node_->receive(key(leader(v)), proposal_of(v, block_on_tip()));
  std::set<BlockId> bodies;
  std::size_t votes = 0;
  for (const Effects& turn : node_->turns) {
    for (const Effect& effect : turn) {
      const auto* written = std::get_if<Persist>(&effect);
      if (written == nullptr) continue;
      const auto record = decode<Record>(written->record).value();
      if (const auto* body = std::get_if<Body>(&record)) bodies.insert(block_id(body->block.header));
      if (const auto* other = std::get_if<Accepted>(&record); other != nullptr && other->block) {
        bodies.insert(block_id(other->block->header));
      }
      const auto* own = std::get_if<OwnVote>(&record);
      if (own == nullptr || own->vote.statement.kind != StatementKind::kNotarize) continue;
      ++votes;
      EXPECT_TRUE(bodies.contains(own->vote.statement.block)) << "a journal cut here has a vote without its block";
    }
  }
  EXPECT_EQ(votes, 2U) << "one of a leader, one of a voter";
}

TEST_F(EngineTest, OwnVotesCountOnlyWhenTheyAreOnTheDisk) {
  begin();
  node_->persisted = false;
  const std::uint64_t v = reach_view(false);
  const Block block = block_on_tip();
  node_->receive(key(leader(v)), proposal_of(v, block));
  std::uint16_t third = 0;
  while (third == me_ || third == leader(v)) ++third;
  hear_vote(vote(third, StatementKind::kNotarize, v, 0, block_id(block.header)));
  EXPECT_EQ(node_->engine().view(), View(v)) << "two of four, and an own vote that a crash could still take";
  node_->feed(Persisted{1'000'000, 0});
  EXPECT_EQ(node_->engine().view(), View(v + 1));
}

TEST_F(EngineTest, AViewIsAsLongAsThePaceAtLeastUnlessOneDecidesAlone) {
  begin();
  node_.emplace(committees_, 0, EngineConfig{}, 1'000'000, 50);
  node_->start();
  hear(certificate(StatementKind::kNullify, 1));
  reach_view(true);
  node_->ledger().submit(1);
  node_->feed(TxsWait{true});
  node_->advance_ms(49);
  EXPECT_EQ(node_->count(Counter::kProposed), 0U);
  node_->advance_ms(1);
  EXPECT_EQ(node_->count(Counter::kProposed), 1U);

  const Committees one = small_committee(1);
  InstantNode alone(one, 0, {}, 1'000'000, 50);
  alone.start();
  for (std::uint64_t tx = 1; tx < 4; ++tx) {
    alone.ledger().submit(tx);
    alone.feed(TxsWait{true});
    EXPECT_EQ(alone.height(), tx);
  }
}

TEST_F(EngineTest, VotesAreUrgentAndWhatTheyRestOnIsNot) {
  begin();
  node_->keep_turns = true;
  const std::uint64_t v = reach_view(true);
  node_->ledger().submit(1);
  node_->feed(TxsWait{true});
  hear(certificate(StatementKind::kNullify, v));
  std::size_t urgent = 0;
  std::size_t others = 0;
  for (const Effects& turn : node_->turns) {
    for (const Effect& effect : turn) {
      const auto* record = std::get_if<Persist>(&effect);
      if (record == nullptr) continue;
      EXPECT_EQ(record->urgent, std::holds_alternative<OwnVote>(decode<Record>(record->record).value()));
      ++(record->urgent ? urgent : others);
    }
  }
  EXPECT_GE(urgent, 1U);
  EXPECT_GE(others, 2U) << "the view that it entered, its body";
}

TEST_F(EngineTest, AFinalizationOverUncommittedAncestorsIsUrgent) {
  begin();
  node_->keep_turns = true;
  BlockId unknown;
  unknown.data[0] = 7;
  hear(certificate(StatementKind::kFinalize, 3, 2, unknown));
  std::size_t urgent = 0;
  for (const Effects& turn : node_->turns) {
    for (const Effect& effect : turn) {
      const auto* record = std::get_if<Persist>(&effect);
      const bool is_held = record != nullptr && std::holds_alternative<Held>(decode<Record>(record->record).value());
      urgent += is_held && record->urgent ? 1 : 0;
    }
  }
  EXPECT_EQ(urgent, 1U);
}

TEST_F(EngineTest, WhoNeverVotesSyncsNowAndThen) {
  begin();
  node_->keep_turns = true;
  std::size_t unsynced = 0;
  std::size_t syncs = 0;
  for (std::uint64_t v = 1; syncs < 2 && v < 20'000; ++v) {
    hear(certificate(StatementKind::kNullify, v));
    for (const Effects& turn : std::exchange(node_->turns, {})) {
      bool urgent = false;
      for (const Effect& effect : turn) {
        const auto* record = std::get_if<Persist>(&effect);
        if (record == nullptr) continue;
        ASSERT_FALSE(std::holds_alternative<OwnVote>(decode<Record>(record->record).value()));
        unsynced += record->record.size();
        urgent = urgent || record->urgent;
      }
      if (!urgent) continue;
      EXPECT_GT(unsynced + 1'000, kMaxUnsyncedBytes) << "not sooner than it has to";
      unsynced = 0;
      ++syncs;
    }
    ASSERT_LT(unsynced, kMaxUnsyncedBytes + 1'000);
  }
  EXPECT_EQ(syncs, 2U);
}

TEST_F(EngineTest, ATimedOutViewIsNullifiedOnceAndSaidAgain) {
  EngineConfig config;
  config.standstill_ms = 1'000'000'000;  // which would say it too
  begin(4, config);
  reach_view(false);
  node_->take_out();
  node_->advance_ms(60'000);
  EXPECT_EQ(said(StatementKind::kNullify).size(), 1U);
  node_->advance_ms(2'000);
  EXPECT_EQ(said(StatementKind::kNullify).size(), 1U);
  EXPECT_GE(node_->count(Counter::kNullifyRetried), 1U);
}

TEST_F(EngineTest, TimersGrowWithViewsThatAreNotFinalAndHaveACap) {
  EngineConfig config;
  config.growth_cap_ppm = 2'000'000;
  begin(4, config);
  std::vector<std::uint64_t> waits;
  for (int i = 0; i < 12; ++i) {
    const std::uint64_t v = reach_view(false);
    waits.push_back(node_->engine().view().value);
    const auto start = node_->now().at;
    while (node_->engine().views().find(View(v)) == node_->engine().views().end() ||
           !node_->engine().views().at(View(v)).own_nullify) {
      node_->advance_ms(10);
    }
    waits.back() = (node_->now().at.ns - start.ns) / 1'000'000;
    hear(certificate(StatementKind::kNullify, v));
  }
  EXPECT_LT(waits.front(), waits[3]);
  EXPECT_LE(waits.back(), 2 * (2 * config.delta_ms + config.build_ms + config.idle_ms) + 20);
  EXPECT_NEAR(static_cast<double>(waits[10]), static_cast<double>(waits[11]), 20.0);
}

TEST_F(EngineTest, AProposalThatLiesIsNullifiedAtOnceAndAMissingPieceIsWaitedFor) {
  begin();
  const std::uint64_t v = reach_view(false);
  Block wrong = block_on_tip();
  wrong.header.state_root.data[0] ^= 1;
  node_->take_out();
  node_->receive(key(leader(v)), proposal_of(v, wrong));
  EXPECT_EQ(said(StatementKind::kNullify).size(), 1U);
  EXPECT_EQ(node_->count(Counter::kRejectedBlocks), 1U);
}

TEST_F(EngineTest, AWrongBodyIsItsCarriersFault) {
  begin();
  const std::uint64_t v = reach_view(false);
  const Block block = block_on_tip();
  Proposal proposal = proposal_of(v, block);
  proposal.block->txs.push_back(model_tx(9));
  node_->take_out();
  node_->receive(key(leader(v)), proposal);
  EXPECT_EQ(node_->blames.size(), 1U);
  EXPECT_TRUE(said(StatementKind::kNullify).empty());
  // The real body comes when it is asked for, and the proposal is as good as any.
  Blocks answer;
  answer.blocks.push_back(block);
  node_->receive(key(leader(v)), answer);
  EXPECT_EQ(said(StatementKind::kNotarize).size(), 1U);
}

TEST_F(EngineTest, ABlockFromTheFutureWaits) {
  begin();
  const std::uint64_t v = reach_view(false);
  node_->take_out();
  const Block block = block_on_tip(6'000);
  node_->receive(key(leader(v)), proposal_of(v, block));
  EXPECT_TRUE(said(StatementKind::kNotarize).empty());
  EXPECT_EQ(node_->count(Counter::kWaitedForClock), 1U);
  ASSERT_TRUE(node_->timer());
  node_->advance_ms(1'000);
  EXPECT_EQ(said(StatementKind::kNotarize).size(), 1U);
}

TEST_F(EngineTest, TwoBlocksOfOneLeaderAreEvidenceAndOnlyTwoAreKept) {
  begin();
  const std::uint64_t v = reach_view(false);
  for (std::uint64_t i = 1; i <= 4; ++i) node_->receive(key(leader(v)), proposal_of(v, block_on_tip(i)));
  EXPECT_EQ(node_->evidence.size(), 1U);
  EXPECT_EQ(node_->evidence[0].first.signer, leader(v));
  EXPECT_EQ(node_->evidence[0].key, key(leader(v)));
  EXPECT_LE(node_->engine().views().at(View(v)).proposals.size(), kMaxProposalsPerView);
  EXPECT_EQ(said(StatementKind::kNotarize).size(), 1U);
}

TEST_F(EngineTest, AForeignEpochsWordsAreWorthless) {
  begin();
  Vote stale = vote(other(), StatementKind::kNullify, 1);
  stale.statement.epoch_id.data[0] ^= 1;
  stale.signature = signers_[other()].sign(statement_hash(stale.statement));
  hear_vote(stale);
  EXPECT_EQ(node_->engine().footprint().votes, 0U);
  EXPECT_EQ(node_->count(Counter::kStaleEpoch), 1U);
}

// --- bounds ---

TEST_F(EngineTest, VotesFarAheadAreDroppedAndCertificatesAreNot) {
  begin();
  hear_vote(vote(other(), StatementKind::kNullify, 1 + kMaxViewsAhead));
  EXPECT_EQ(node_->engine().footprint().votes, 1U);
  hear_vote(vote(other(), StatementKind::kNullify, 2 + kMaxViewsAhead));
  EXPECT_EQ(node_->engine().footprint().votes, 1U);
  EXPECT_EQ(node_->count(Counter::kDroppedAhead), 1U);
  hear(certificate(StatementKind::kNullify, 5'000));
  EXPECT_EQ(node_->engine().view(), View(5'001));
}

TEST_F(EngineTest, APeerGetsSoManyAnswersWithinADelta) {
  begin();
  hear(certificate(StatementKind::kNullify, 1));
  node_->take_out();
  for (std::uint32_t i = 0; i < kMaxAnswersPerPeer + 10; ++i) {
    node_->receive(key(1), Ask{AskKind::kCertificates, View(1), View(1), {}, {}});
  }
  EXPECT_EQ(node_->take_out().size(), kMaxAnswersPerPeer);
  EXPECT_EQ(node_->count(Counter::kDroppedAnswers), 10U);
  node_->advance_ms(1'000);
  node_->take_out();
  node_->receive(key(1), Ask{AskKind::kCertificates, View(1), View(1), {}, {}});
  EXPECT_EQ(node_->take_out().size(), 1U);
}

TEST_F(EngineTest, AStandstillSendsEverythingInTurnsOfACap) {
  EngineConfig config;
  config.retry_ms = 1'000'000'000;
  begin(4, config);
  for (std::uint64_t v = 1; v <= 150; ++v) hear(certificate(StatementKind::kNullify, v));
  node_->take_out();
  std::set<View> seen;
  for (int round = 0; round < 4; ++round) {
    node_->advance_ms(config.standstill_ms);
    std::size_t items = 0;
    for (const auto& [to, message] : node_->take_out()) {
      if (const auto* held = std::get_if<Certificates>(&message->body)) {
        items += held->certificates.size();
        for (const Certificate& c : held->certificates) seen.insert(c.statement.view);
      }
    }
    EXPECT_LE(items, config.standstill_items);
  }
  EXPECT_EQ(seen.size(), 150U);
  EXPECT_GE(node_->count(Counter::kStandstillsCapped), 3U);
}

TEST_F(EngineTest, ProposalsShrinkToNothingWhileNothingIsFinal) {
  EngineConfig config;
  config.limits.max_txs = 64;
  begin(4, config);
  for (std::uint64_t tx = 1; tx <= 500; ++tx) node_->ledger().submit(tx);
  node_->feed(TxsWait{true});
  node_->keep_turns = true;
  for (std::uint64_t v = node_->engine().view().value; v <= 40; ++v) hear(certificate(StatementKind::kNullify, v));
  std::vector<std::uint32_t> limits;
  for (const Effects& turn : node_->turns) {
    for (const Effect& effect : turn) {
      if (const auto* build = std::get_if<Build>(&effect)) limits.push_back(build->limits.max_txs);
    }
  }
  ASSERT_GE(limits.size(), 5U);
  EXPECT_TRUE(std::ranges::is_sorted(limits, std::greater<>()));
  EXPECT_EQ(limits.back(), 0U);
}

// --- restarts ---

TEST_F(EngineTest, AfterARestartItNullifiesTheLastViewAndVotesForNothingNewThere) {
  begin();
  const std::uint64_t v = reach_view(false);
  node_->restart();
  EXPECT_EQ(node_->engine().view(), View(v));
  EXPECT_EQ(said(StatementKind::kNullify).back().view, View(v));
  node_->receive(key(leader(v)), proposal_of(v, block_on_tip()));
  EXPECT_TRUE(said(StatementKind::kNotarize).empty());
}

TEST_F(EngineTest, OwnVotesCountAgainAfterARestart) {
  begin();
  const std::uint64_t v = reach_view(false);
  node_->advance_ms(60'000);
  node_->restart();
  for (std::uint16_t i = 0, others = 0; others < 2; ++i) {
    if (i == me_) continue;
    hear_vote(vote(i, StatementKind::kNullify, v));
    ++others;
  }
  EXPECT_EQ(node_->engine().view(), View(v + 1)) << "two of four and the own one from the journal";
}

TEST_F(EngineTest, WithoutMemoryItIsSilent) {
  EngineConfig config;
  config.vote_after = TimeMs(1'767'225'600'001);
  begin(4, config);
  node_->advance_ms(60'000);
  node_->receive(key(leader(1)), proposal_of(1, block_on_tip()));
  EXPECT_TRUE(said(StatementKind::kNullify).empty());
  EXPECT_FALSE(node_->engine().votes());
}

TEST_F(EngineTest, TwoContradictingCertificatesStopItWithTheProof) {
  begin();
  BlockId a;
  a.data.fill(1);
  BlockId b;
  b.data.fill(2);
  hear(certificate(StatementKind::kNotarize, 3, 0, a));
  EXPECT_FALSE(node_->halted);
  hear(certificate(StatementKind::kNotarize, 3, 0, b));
  ASSERT_TRUE(node_->halted);
  EXPECT_EQ(node_->halted->fault, Fault::kMismatch);
}

TEST_F(EngineTest, ABodyIsAskedOfWhoSignedItsCertificateNotOfWhoeverVoted) {
  begin();
  BlockId certified;
  certified.data.fill(1);
  BlockId rival;
  rival.data.fill(2);
  const std::uint64_t v = reach_view(false);
  hear_vote(vote(other(1), StatementKind::kNotarize, v, 0, rival));
  hear(certificate(StatementKind::kNotarize, v, 0, certified));
  std::set<Ed25519Key> asked;
  for (int i = 0; i < 40; ++i) {
    node_->advance_ms(1'000);
    for (const auto& [to, message] : node_->take_out()) {
      const auto* ask = std::get_if<Ask>(&message->body);
      if (ask != nullptr && ask->kind == AskKind::kBlocks && ask->block == certified) asked.insert(*to);
    }
  }
  EXPECT_EQ(asked.size(), 3U);
}

TEST_F(EngineTest, ALeaderThatGaveItsViewUpBeforehandIsNotWaitedFor) {
  begin();
  std::uint64_t v = node_->engine().view().value;
  while (leader(v + 1) == me_) hear(certificate(StatementKind::kNullify, v++));
  hear_vote(vote(leader(v + 1), StatementKind::kNullify, v + 1));
  node_->take_out();
  hear(certificate(StatementKind::kNullify, v));
  const auto told = said(StatementKind::kNullify);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].view, View(v + 1));
  EXPECT_EQ(node_->count(Counter::kNullifiedWithLeader), 1U);
}

TEST_F(EngineTest, HaltsOnTwoCertificatesOfAViewThatNoHonestQuorumGives) {
  BlockId one, two;
  one.data[0] = 1;
  two.data[0] = 2;
  struct Case {
    StatementKind first;
    BlockId of_first;
    StatementKind second;
    BlockId of_second;
    bool halts;
  };
  constexpr auto kNotarize = StatementKind::kNotarize;
  constexpr auto kNullify = StatementKind::kNullify;
  constexpr auto kFinalize = StatementKind::kFinalize;
  for (const Case& c : {Case{kNotarize, one, kNotarize, two, true}, Case{kNullify, {}, kFinalize, one, true},
                        Case{kFinalize, one, kNullify, {}, true}, Case{kNotarize, one, kFinalize, two, true},
                        Case{kFinalize, one, kNotarize, two, true}, Case{kNotarize, one, kNullify, {}, false},
                        Case{kNullify, {}, kNotarize, one, false}, Case{kNotarize, one, kFinalize, one, false}}) {
    signers_.clear();
    begin();
    hear(certificate(c.first, 3, 0, c.of_first));
    hear(certificate(c.second, 3, 0, c.of_second));
    EXPECT_EQ(node_->halted.has_value(), c.halts);
    if (c.halts) {
      EXPECT_EQ(node_->halted->fault, Fault::kMismatch);
    }
  }
}

TEST_F(EngineTest, EntersNoMoreViewsThanItKeepsUntilAFinalizationCarriesItOver) {
  EngineConfig config;
  config.open_views = 500;
  begin(4, config);
  const std::size_t most = config.open_views;
  for (std::uint64_t v = 1; v <= most + 8; ++v) hear(certificate(StatementKind::kNullify, v));
  const View stopped = node_->engine().view();
  EXPECT_LE(node_->engine().footprint().views, most + 1);
  EXPECT_LE(stopped.value, most + 1);
  EXPECT_FALSE(node_->halted);
  const Block block = block_on_tip();
  hear(certificate(StatementKind::kFinalize, most + 100, most + 99, block_id(block.header)));
  Blocks answer;
  answer.blocks.push_back(block);
  node_->receive(key(0), answer);
  EXPECT_EQ(node_->height(), 1U);
  EXPECT_EQ(node_->engine().view(), View(most + 101));
  EXPECT_LE(node_->engine().footprint().views, 2U);
}

}  // namespace
}  // namespace micro::test
