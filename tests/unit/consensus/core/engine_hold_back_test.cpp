// What becomes of transactions whose body nobody certified.
#include "tests/unit/consensus/core/engine_rig.hpp"

namespace micro::test {
namespace {

using namespace simplex;  // NOLINT: the tests speak the engine's words

class HoldBackTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineConfig config;
    config.free_views = 1'000;  // no smaller proposals here
    begin(4, config);
    for (std::uint64_t tx = 1; tx <= 4; ++tx) node_->ledger().submit(tx);
    node_->keep_turns = true;
    node_->feed(TxsWait{true});
    reach_view(true);
  }
  /// What the newest body was asked to hold, or not.
  [[nodiscard]] ProposeLimits asked() const {
    ProposeLimits out;
    for (const Effects& turn : node_->turns) {
      for (const Effect& effect : turn) {
        if (const auto* build = std::get_if<Build>(&effect)) out = build->limits;
      }
    }
    return out;
  }
  void nullify() { hear(certificate(StatementKind::kNullify, node_->engine().view().value)); }
  /// Somebody else's body, empty, is certified in the next view that this node does not lead.
  void others_go_on() {
    const std::uint64_t v = reach_view(false);
    const ChainHead head = node_->ledger().head();
    const TimeMs time(head.header.time.value + v);
    const Block block = node_->ledger().port().propose(head.id, time, {.max_bytes = 0, .max_txs = 0}).value();
    node_->receive(key(leader(v)), proposal_of(v, block));
    hear(certificate(StatementKind::kNotarize, v, 0, block_id(block.header)));
    hear(certificate(StatementKind::kNullify, v));  // it need not become final
  }
  void fail_here() {
    nullify();
    others_go_on();
    reach_view(true);
  }
  static std::vector<TxId> ids(std::vector<std::uint64_t> numbers) {
    std::vector<TxId> out;
    for (const std::uint64_t number : numbers) out.push_back(tx_id(model_tx(number).body));
    std::ranges::sort(out);
    return out;
  }
};

TEST_F(HoldBackTest, TheyStayOutOfTheNextBodyAndComeBackInHalves) {
  EXPECT_TRUE(asked().without.empty() && asked().only.empty());
  node_->ledger().submit(5);
  fail_here();
  EXPECT_EQ(node_->engine().footprint().held_back, 4U);
  EXPECT_EQ(asked().without, ids({1, 2, 3, 4}));
  EXPECT_TRUE(asked().only.empty()) << "first one for the others";
  node_->ledger().submit(6);
  fail_here();
  EXPECT_EQ(asked().only, ids({1, 2}));
  EXPECT_EQ(node_->count(Counter::kHeldBack), 2U);
  EXPECT_EQ(node_->count(Counter::kAttempts), 1U);
}

TEST_F(HoldBackTest, ACertifiedBodyIsToBlameForNothing) {
  const std::uint64_t v = node_->engine().view().value;
  BlockId id;
  for (const Statement& s : said(StatementKind::kNotarize)) id = s.block;
  nullify();
  hear(certificate(StatementKind::kNotarize, v, 0, id));  // a quorum that this node had not heard of
  others_go_on();
  EXPECT_EQ(node_->count(Counter::kHeldBack), 0U);
}

TEST_F(HoldBackTest, WhereNobodyGoesOnNoBodyIsToBlame) {
  for (int turn = 0; turn < 3; ++turn) {
    nullify();
    reach_view(true);
  }
  EXPECT_EQ(node_->engine().footprint().held_back, 0U);
  EXPECT_TRUE(asked().without.empty());
}

TEST_F(HoldBackTest, OnlyBodiesOfTheLastTurnAreJudged) {
  for (int turn = 0; turn < 3; ++turn) {
    nullify();
    reach_view(true);
  }
  nullify();
  others_go_on();
  EXPECT_EQ(node_->count(Counter::kHeldBack), 1U) << "of four that failed";
}

TEST_F(HoldBackTest, OfManyBodiesInATurnTheNewestAreJudged) {
  committees_ = small_committee(4, {6, 1, 1, 1});
  set_ = committees_.set(Epoch(0));
  EngineConfig config;
  config.free_views = 1'000;
  config.limits.max_txs = 8;
  node_.emplace(committees_, 0, config);
  node_->start();
  for (std::uint64_t tx = 1; tx <= 8; ++tx) node_->ledger().submit(tx);
  node_->feed(TxsWait{true});
  std::uint64_t led = 0;
  for (int view = 0; view < 13; ++view) {
    led += leader(node_->engine().view().value) == me_ ? 1 : 0;
    nullify();
  }
  ASSERT_GT(led, kMaxOwnBodies);
  others_go_on();
  EXPECT_EQ(node_->count(Counter::kHeldBack), kMaxOwnBodies);
  EXPECT_EQ(node_->engine().footprint().held_back, 8U) << "the same in each";
}

TEST_F(HoldBackTest, WhereNothingElseWaitsTheyComeBackAtOnce) {
  node_->take_out();
  fail_here();
  EXPECT_EQ(asked().only, ids({1, 2}));
  EXPECT_EQ(node_->count(Counter::kAttempts), 1U);
  EXPECT_EQ(said(StatementKind::kNotarize).size(), 2U) << "for somebody's empty body, and then for them";
}

TEST_F(HoldBackTest, AViewThatWasJumpedSaysNothingAboutItsBody) {
  hear(certificate(StatementKind::kNullify, node_->engine().view().value + 1));
  others_go_on();
  EXPECT_EQ(node_->count(Counter::kHeldBack), 0U);
}

}  // namespace
}  // namespace micro::test
