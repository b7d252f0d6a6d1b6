// What the engine drops where a queue or a list is full, and how far it fetches ahead when it is behind.
#include "tests/unit/consensus/core/engine_rig.hpp"

namespace micro::test {
namespace {

using namespace simplex;  // NOLINT: the tests speak the engine's words

Ed25519Key stranger(std::uint64_t number) {
  Ed25519Key out;
  for (std::size_t byte = 0; byte < 8; ++byte) out.data[byte] = static_cast<std::uint8_t>(number >> (8 * byte));
  out.data[31] = 0x5a;
  return out;
}

class EngineBounds : public EngineTest {
 protected:
  /// The checks that were asked for in the turns that were kept, the sizes of each batch.
  [[nodiscard]] std::vector<std::size_t> batches() const {
    std::vector<std::size_t> out;
    for (const Effects& turn : node_->turns) {
      for (const Effect& effect : turn) {
        if (const auto* check = std::get_if<Check>(&effect)) out.push_back(check->items.size());
      }
    }
    return out;
  }
  template <class T>
  [[nodiscard]] std::size_t kept() const {
    std::size_t out = 0;
    for (const Effects& turn : node_->turns) {
      out += static_cast<std::size_t>(
          std::ranges::count_if(turn, [](const Effect& effect) { return std::holds_alternative<T>(effect); }));
    }
    return out;
  }
  /// A vote as `from` hands it over, whoever signed it.
  void hand(const Ed25519Key& from, const Vote& v) {
    Votes votes;
    votes.votes.push_back(v);
    node_->receive(from, votes);
  }
  void ask(const Ed25519Key& from) { node_->receive(from, Ask{AskKind::kCertificates, View(1), View(1), {}, {}}); }
};

TEST_F(EngineBounds, TheNewestChecksGoAndABatchTakesSoManyOfTheOthers) {
  begin();
  node_->answer_checks = false;
  node_->keep_turns = true;
  Vote v = vote(other(), StatementKind::kNullify, 1);
  constexpr std::size_t kPeers = kMaxPendingChecks / kMaxPendingPerPeer;
  for (std::uint64_t i = 0; i < kMaxPendingChecks + 1; ++i) {
    v.signature.data[0] = static_cast<std::uint8_t>(i);
    v.signature.data[1] = static_cast<std::uint8_t>(i >> 8);
    hand(stranger(i % (kPeers + 1)), v);
  }
  EXPECT_EQ(node_->engine().footprint().pending_checks, kMaxPendingChecks);
  EXPECT_EQ(node_->count(Counter::kDroppedPending), 1U);
  EXPECT_EQ(batches(), std::vector<std::size_t>{1}) << "the first is on its way alone";
  node_->feed(Checked{last_batch(), {false}});
  EXPECT_EQ(batches(), (std::vector<std::size_t>{1, kMaxCheckBatchItems}));
}

TEST_F(EngineBounds, SingleVotesFarBelowAreDroppedAndNoLongerTaken) {
  begin();
  hear_vote(vote(other(), StatementKind::kNullify, 5));
  EXPECT_EQ(node_->engine().footprint().votes, 1U);
  hear(certificate(StatementKind::kNullify, 99));
  ASSERT_EQ(node_->engine().view(), View(100));
  EXPECT_EQ(node_->engine().footprint().votes, 0U);
  hear_vote(vote(other(), StatementKind::kNullify, 100 - kVoteWindowViews - 1));
  EXPECT_EQ(node_->engine().footprint().votes, 0U);
  hear_vote(vote(other(), StatementKind::kNullify, 100 - kVoteWindowViews));
  EXPECT_EQ(node_->engine().footprint().votes, 1U);
}

TEST_F(EngineBounds, StrangersBeyondThoseThatAreCountedGetNoAnswer) {
  begin();
  hear(certificate(StatementKind::kNullify, 1));
  node_->take_out();
  for (std::uint64_t i = 0; i < kMaxTrackedPeers; ++i) ask(stranger(i));
  EXPECT_EQ(node_->take_out().size(), kMaxTrackedPeers);
  ask(stranger(kMaxTrackedPeers));
  EXPECT_EQ(node_->take_out().size(), 0U);
  EXPECT_EQ(node_->engine().footprint().tracked_peers, kMaxTrackedPeers);
  ask(stranger(7));
  EXPECT_EQ(node_->take_out().size(), 1U) << "who is counted already goes on";
  node_->advance_ms(EngineConfig().delta_ms);
  node_->take_out();
  ask(stranger(kMaxTrackedPeers));
  EXPECT_EQ(node_->take_out().size(), 1U) << "each Δ counts anew";
}

TEST_F(EngineBounds, CertificatesOfLongEndedEpochsComeFromTheStore) {
  const Committees one = small_committee(1);
  InstantNode alone(one, 0, {}, 10);
  alone.start();
  const std::uint32_t epochs = kMaxOldBoundaries + 3;
  for (std::uint32_t e = 0; e < epochs; ++e) {
    for (int tries = 0; alone.engine().epoch() == Epoch(e) && tries < 100; ++tries) alone.advance_ms(100);
  }
  ASSERT_EQ(alone.engine().epoch(), Epoch(epochs));
  EXPECT_EQ(alone.engine().footprint().old_boundaries, kMaxOldBoundaries);
  alone.take_out();
  alone.keep_turns = true;
  for (const auto& [of, stored] : {std::pair{Epoch(0), true}, {Epoch(2), true}, {Epoch(3), false}}) {
    alone.turns.clear();
    const Ask status{AskKind::kStatus, View(0), {}, {}, {}};
    alone.feed(Received{stranger(1), {kMessageVersion, of, status}});
    const auto asks_store = [](const Effect& effect) { return std::holds_alternative<ServeBoundary>(effect); };
    EXPECT_EQ(std::ranges::any_of(alone.turns.at(0), asks_store), stored) << of.text();
    const auto out = alone.take_out();
    ASSERT_EQ(out.size(), 1U);
    const auto& held = std::get<Certificates>(out[0].message->body).certificates;
    ASSERT_EQ(held.size(), 1U);
    EXPECT_EQ(out[0].message->epoch, of);
  }
}

TEST_F(EngineBounds, LateVotesAreLookedAtUpToABudgetOfEachPeer) {
  EngineConfig config;
  config.keeps_votes = true;
  begin(4, config);
  hear(certificate(StatementKind::kNullify, 199));
  node_->keep_turns = true;
  const auto late = [&](std::uint64_t n) { return vote(other(), StatementKind::kNullify, 1 + n); };
  for (std::uint64_t n = 0; n < kMaxLateVotesPerPeer + 5; ++n) hand(stranger(1), late(n));
  EXPECT_EQ(kept<Witnessed>(), kMaxLateVotesPerPeer);
  EXPECT_EQ(node_->count(Counter::kDroppedPending), 5U);
  hand(stranger(2), late(100));
  EXPECT_EQ(kept<Witnessed>(), kMaxLateVotesPerPeer + 1) << "another peer has its own";
  node_->advance_ms(config.delta_ms);
  hand(stranger(1), late(101));
  EXPECT_EQ(kept<Witnessed>(), kMaxLateVotesPerPeer + 2) << "each Δ counts anew";
}

TEST_F(EngineBounds, LateVotesWaitOnlyWhileLittleDoes) {
  EngineConfig config;
  config.keeps_votes = true;
  begin(4, config);
  hear(certificate(StatementKind::kNullify, 199));
  node_->answer_checks = false;
  for (std::uint64_t n = 0; n < kMaxLateChecks + 5; ++n) {
    hand(stranger(n % 2), vote(other(), StatementKind::kNullify, 1 + n));
  }
  EXPECT_EQ(node_->engine().footprint().pending_checks, kMaxLateChecks);
  hear_vote(vote(other(), StatementKind::kNullify, 200));
  EXPECT_EQ(node_->engine().footprint().pending_checks, kMaxLateChecks + 1) << "one that counts has room";
}

TEST_F(EngineBounds, NothingMoreIsSignedWhileTheDiskHasTooMuchToAnswer) {
  EngineConfig config;
  config.retry_ms = 1'000'000'000;
  begin(4, config);
  node_->persisted = false;
  node_->keep_turns = true;
  std::size_t votes = 0;
  const auto give_up = [&] {
    node_->advance_ms(60'000);
    hear(certificate(StatementKind::kNullify, node_->engine().view().value));
    for (const Effects& turn : std::exchange(node_->turns, {})) {
      for (const Effect& effect : turn) {
        const auto* record = std::get_if<Persist>(&effect);
        votes += record != nullptr && std::holds_alternative<OwnVote>(decode<Record>(record->record).value()) ? 1 : 0;
      }
    }
  };
  for (std::size_t n = 0; n < kMaxUnsyncedVotes + 10; ++n) give_up();
  EXPECT_EQ(votes, kMaxUnsyncedVotes);
  node_->feed(Persisted{~std::uint64_t{0}, 0});
  give_up();
  EXPECT_GT(votes, kMaxUnsyncedVotes);
}

/// A node far ahead of this one.
class BehindTest : public EngineBounds {
 protected:
  void begin_behind(std::uint64_t by, const EngineConfig& config = {}) {
    begin(4, config);
    ahead_.emplace(committees_, 1);
    for (std::uint64_t h = 1; h <= by; ++h) {
      const BlockId parent = ahead_->ledger().head().id;
      const Block b = ahead_->ledger().port().propose(parent, TimeMs(1'767'225'600'000 + h), {}).value();
      ASSERT_TRUE(ahead_->ledger().port().finalize(block_id(b.header), std::nullopt));
    }
    tip_ = by;
  }
  void hear_that_it_is_final() {
    hear(certificate(StatementKind::kFinalize, tip_, tip_ - 1, ahead_->ledger().head().id));
  }
  /// Answers what is asked for, a few blocks a time, until all is committed; `look` sees every block asked for.
  template <class Look>
  void catch_up(Look look) {
    for (std::uint64_t round = 0; round < 20 * tip_ && node_->height() < tip_; ++round) {
      for (const auto& [to, message] : node_->take_out()) {
        const auto* wanted = std::get_if<Ask>(&message->body);
        if (wanted == nullptr || wanted->kind != AskKind::kBlocks) continue;
        look(ahead_->ledger().block(wanted->block)->header.height.value);
        Blocks answer;
        for (auto b = ahead_->ledger().block(wanted->block); b && answer.blocks.size() < 10;
             b = ahead_->ledger().block(answer.blocks.back().header.parent)) {
          if (b->header.height <= wanted->above) break;
          answer.blocks.push_back(*b);
        }
        if (!answer.blocks.empty()) node_->receive(*to, answer);
      }
      node_->advance_ms(100);
    }
    EXPECT_EQ(node_->height(), tip_);
    EXPECT_EQ(node_->ledger().head().id, ahead_->ledger().head().id);
    EXPECT_EQ(node_->engine().footprint().path_ids, 0U);
  }
  std::optional<InstantNode> ahead_;
  std::uint64_t tip_ = 0;
};

TEST_F(BehindTest, ItFetchesBackwardsAndCommitsForwards) {
  begin_behind(150);
  hear_that_it_is_final();
  std::vector<std::uint64_t> asked;
  catch_up([&](std::uint64_t height) { asked.push_back(height); });
  EXPECT_EQ(asked.front(), 150U);
  EXPECT_TRUE(std::ranges::is_sorted(asked, std::greater<>())) << "all of it has room here: nothing is fetched twice";
}

TEST_F(BehindTest, OnceTheWayIsKnownBodiesAreFetchedAWindowAhead) {
  begin_behind(kMaxTreeBlocks + 300);
  hear_that_it_is_final();
  std::size_t forwards = 0;
  catch_up([&](std::uint64_t height) {
    const std::uint64_t at = node_->height();
    if (at == 0) return;
    ++forwards;
    EXPECT_LE(height, at + kSyncWindowBlocks);
  });
  EXPECT_GT(forwards, 0U);
}

TEST_F(BehindTest, AWayThatIsTooLongIsWalkedAgainFromItsTop) {
  EngineConfig config;
  config.path_ids = 300;
  begin_behind(kMaxTreeBlocks + 300, config);
  hear_that_it_is_final();
  std::size_t longest = 0;
  catch_up([&](std::uint64_t) { longest = std::max(longest, node_->engine().footprint().path_ids); });
  EXPECT_EQ(longest, config.path_ids);
}

// As of a node whose ledger is ahead of its journal: it no longer knows what made its own tip final.
TEST_F(BehindTest, AFinalizationBelowTheTipHoldsNothingUp) {
  begin_behind(6);
  std::vector<Block> chain{*ahead_->ledger().block(ahead_->ledger().head().id)};
  while (chain.front().header.height.value > 1) {
    chain.insert(chain.begin(), *ahead_->ledger().block(chain.front().header.parent));
  }
  for (std::size_t n = 0; n < 3; ++n) {
    ASSERT_TRUE(node_->ledger().port().execute(chain[n]));
    ASSERT_TRUE(node_->ledger().port().finalize(block_id(chain[n].header), std::nullopt));
  }
  node_->restart();
  hear(certificate(StatementKind::kFinalize, 2, 1, block_id(chain[1].header)));
  hear_that_it_is_final();
  catch_up([](std::uint64_t) {});
}

// Bodies of certified blocks that nobody made final yet: each is asked for, but not all at once.
TEST_F(BehindTest, ItAsksForSoManyBlocksAtATime) {
  constexpr std::uint64_t kMissing = kMaxFetches + 4;
  begin_behind(kMissing);
  std::vector<BlockId> chain;
  for (BlockId id = ahead_->ledger().head().id; chain.size() < kMissing;) {
    chain.insert(chain.begin(), id);
    id = ahead_->ledger().block(id)->header.parent;
  }
  for (std::uint64_t v = 1; v <= kMissing; ++v) hear(certificate(StatementKind::kNotarize, v, v - 1, chain[v - 1]));
  std::set<BlockId> asked;
  std::size_t most = 0;
  for (std::size_t round = 0; round < 2 * kMissing && asked.size() < kMissing; ++round) {
    most = std::max(most, node_->engine().footprint().fetches);
    for (const auto& [to, message] : node_->take_out()) {
      const auto* wanted = std::get_if<Ask>(&message->body);
      if (wanted == nullptr || wanted->kind != AskKind::kBlocks) continue;
      asked.insert(wanted->block);
      Blocks answer;
      answer.blocks.push_back(*ahead_->ledger().block(wanted->block));
      node_->receive(*to, answer);
    }
    node_->advance_ms(100);
  }
  EXPECT_EQ(most, kMaxFetches);
  EXPECT_EQ(asked, std::set<BlockId>(chain.begin(), chain.end()));
}

// The ledger forgets what is executed too far ahead, and a node that cannot commit would execute in a circle.
TEST_F(BehindTest, ItExecutesOnlySoFarAheadOfTheCommits) {
  constexpr std::uint64_t kBlocks = kMaxExecutedAhead + 20;
  begin_behind(kBlocks);
  std::vector<Block> chain{*ahead_->ledger().block(ahead_->ledger().head().id)};
  while (chain.front().header.height.value > 1) {
    chain.insert(chain.begin(), *ahead_->ledger().block(chain.front().header.parent));
  }
  std::uint64_t highest = 0;
  node_->keep_turns = true;
  for (std::uint64_t v = 1; v <= kBlocks; ++v) {
    hear(certificate(StatementKind::kNotarize, v, v - 1, block_id(chain[v - 1].header)));
    for (const auto& [to, message] : node_->take_out()) {
      const auto* wanted = std::get_if<Ask>(&message->body);
      if (wanted == nullptr || wanted->kind != AskKind::kBlocks) continue;
      Blocks answer;
      answer.blocks.push_back(*ahead_->ledger().block(wanted->block));
      node_->receive(*to, answer);
    }
    for (const Effects& turn : std::exchange(node_->turns, {})) {
      for (const Effect& effect : turn) {
        if (const auto* execute = std::get_if<Execute>(&effect)) {
          highest = std::max(highest, execute->block->header.height.value);
        }
      }
    }
  }
  EXPECT_EQ(highest, kMaxExecutedAhead);
  hear_that_it_is_final();
  EXPECT_EQ(node_->height(), kBlocks);
}

}  // namespace
}  // namespace micro::test
