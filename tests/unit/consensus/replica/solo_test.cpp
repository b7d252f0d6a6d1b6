// A network of one: the engine of its only validator over the real ledger, one step at a time, and what crashes leave.
#include <gtest/gtest.h>

#include "consensus/core/certificate.hpp"
#include "tests/gen/chain/solo_net.hpp"

namespace micro {
namespace {

using test::MemoryJournal;
using test::SmallNet;
using test::Solo;

TimeMs after(std::uint64_t ms) {
  return TimeMs(test::kGenesisTime.value + ms);
}
void submit(SmallNet& net, std::uint64_t nonce) {
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, nonce, 2, 5)).waits());
}

/// A network that has just begun.
class SoloTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(solo.start()); }
  SmallNet net;
  MemoryJournal journal;
  Solo solo{net, journal};
};

TEST_F(SoloTest, SealsOnlyWhenThereIsAReason) {
  EXPECT_FALSE(solo.step(after(10), false).value());
  EXPECT_FALSE(solo.step(after(10), true).value()) << "nothing really waits";
  submit(net, 0);
  const auto sealed = solo.step(after(20), true).value();
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->block.txs.size(), 1U);
  EXPECT_EQ(sealed->block.header.time, after(20));
  EXPECT_FALSE(solo.step(after(30), true).value()) << "no empty block follows";
}

TEST_F(SoloTest, SealsTheBoundaryWhenIdleAndOneEpochHoweverLate) {
  EXPECT_FALSE(solo.step(after(999), false).value());
  const auto sealed = solo.step(after(50'000), false).value();
  ASSERT_TRUE(sealed);
  EXPECT_TRUE(sealed->block.header.boundary);
  EXPECT_EQ(net.ledger().head().value().epoch, Epoch(1));
  EXPECT_FALSE(solo.step(after(50'001), false).value());
  const auto next = solo.step(after(51'000), false).value();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->certificate.statement.view, View(1)) << "views begin anew with the epoch";
}

TEST_F(SoloTest, ViewsRiseAndCertificatesVerify) {
  const ChainHead head = net.ledger().head().value();
  const ValidatorSet& set = net.genesis().validators;
  const Hash epoch = epoch_id(head.chain, head.epoch, head.last_of_previous, validator_set_hash(set));
  View parent;
  for (std::uint64_t i = 0; i < 3; ++i) {
    submit(net, i);
    const auto sealed = solo.step(after(10 * (i + 1)), true).value();
    ASSERT_TRUE(sealed);
    EXPECT_TRUE(check_certificate(sealed->certificate, set, epoch));
    EXPECT_EQ(sealed->certificate.statement.parent_view, parent);
    EXPECT_GT(sealed->certificate.statement.view, parent);
    parent = sealed->certificate.statement.view;
  }
}

TEST(SmallBlocks, FollowEachOtherUntilNothingWaits) {
  SmallNet net;
  MemoryJournal journal;
  Solo solo(net, journal, {.max_txs = 6});
  ASSERT_TRUE(solo.start());
  for (std::uint64_t i = 0; i < 20; ++i) submit(net, i);
  ASSERT_TRUE(solo.step(after(10), true).value());
  EXPECT_FALSE(net.ledger().txs_wait());
  EXPECT_EQ(net.ledger().head().value().header.height, Height(4));
}

// --- after a crash ---

TEST_F(SoloTest, FinalizesTheBlockThatItSignedForBeforeTheCrash) {
  submit(net, 0);
  net.ledger_db().break_writes();  // dies behind the journal, before the block is stored
  EXPECT_FALSE(solo.step(after(5), true));
  ASSERT_FALSE(journal.votes.empty());

  SmallNet again(net.genesis(), net.disks());
  Solo resumed(again, journal);
  ASSERT_TRUE(resumed.start(after(6)));
  const ChainHead head = again.ledger().head().value();
  EXPECT_EQ(head.id, journal.votes.front().statement.block);
  submit(again, 1);
  const auto sealed = resumed.step(after(7), true).value();
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->block.header.height, Height(2));
}

TEST_F(SoloTest, GoesOnFromTheTipAcrossARestart) {
  submit(net, 0);
  const auto first = solo.step(after(5), true).value();
  ASSERT_TRUE(first);
  SmallNet again(net.genesis(), net.disks());
  Solo resumed(again, journal);
  ASSERT_TRUE(resumed.start(after(6)));
  submit(again, 1);
  const auto sealed = resumed.step(after(7), true).value();
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->certificate.statement.parent_view, first->certificate.statement.view);
}

// Restored from a backup, say: the journal knows more than the ledger, all of it durable.
TEST_F(SoloTest, ALedgerBehindItsJournalIsMadeAgainFromIt) {
  const auto old = net.disks();
  for (std::uint64_t n = 0; n < 3; ++n) {
    submit(net, n);
    ASSERT_TRUE(solo.step(after(5 + n), true).value());
  }
  SmallNet restored(net.genesis(), old);
  Solo again(restored, journal);
  ASSERT_TRUE(again.start(after(9)));
  EXPECT_EQ(restored.ledger().head().value().id, net.ledger().head().value().id);
  submit(restored, 3);
  EXPECT_TRUE(again.step(after(10), true).value());
}

TEST_F(SoloTest, WithoutItsJournalItNeverUsesAViewThatItMayHaveUsed) {
  submit(net, 0);
  ASSERT_TRUE(solo.step(after(5), true).value());
  SmallNet again(net.genesis(), net.disks());
  MemoryJournal lost;
  Solo resumed(again, lost);
  ASSERT_TRUE(resumed.start(after(6)));
  submit(again, 1);
  const auto sealed = resumed.step(after(7), true).value();
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->block.txs.size(), 1U);
  EXPECT_GT(sealed->certificate.statement.view.value, simplex::kForgottenViews);
  EXPECT_TRUE(check_certificate(sealed->certificate, net.genesis().validators, resumed.engine().epoch_id()));

  SmallNet third(net.genesis(), again.disks());
  Solo once_more(third, lost);
  ASSERT_TRUE(once_more.start(after(8)));
  submit(third, 2);
  EXPECT_TRUE(once_more.step(after(9), true).value());
}

// The process dies at any write of either database, again and again: one view never gets two statements of a kind, and
// every block that was told to anyone stays.
TEST(SoloLives, NeverSignsTwoStatementsForOneView) {
  std::size_t all_told = 0;
  for (int seed = 0; seed < 40; ++seed) {
    MemoryJournal journal;
    test::Disks disks;
    std::vector<BlockId> told;
    std::uint64_t random = 0x9e37'79b9'7f4a'7c15ULL * static_cast<std::uint64_t>(seed + 1);
    std::uint64_t now = 1;
    for (int life = 0; life < 6; ++life) {
      SmallNet net(test::small_genesis(), disks);
      ASSERT_TRUE(net.opened());
      Solo solo(net, journal);
      ASSERT_TRUE(solo.start(after(now)));
      for (int step = 0; step < 5; ++step) {
        random = random * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
        now += random >> 55;
        const auto nonce = net.ledger().pending_nonce(test::address_of_key(1));
        net.ledger().submit(net.transfer(1, nonce.value, 2, 5));
        if (random >> 40 & 1) {
          if (random >> 41 & 1) net.ledger_db().break_writes();
          if (random >> 42 & 1) net.state_db().break_writes();
        }
        const auto sealed = solo.step(after(now), true);
        if (!sealed) break;
        if (*sealed) told.push_back((*sealed)->id);
      }
      disks = net.disks();
    }
    SmallNet last(test::small_genesis(), disks);
    all_told += told.size();
    for (const BlockId& id : told) EXPECT_TRUE(last.ledger().blocks().height_of(id));
    std::map<std::tuple<Hash, View, StatementKind>, Statement> said;
    for (const simplex::Vote& vote : journal.votes) {
      const Statement& s = vote.statement;
      const auto [known, is_new] = said.try_emplace({s.epoch_id, s.view, s.kind}, s);
      EXPECT_TRUE(is_new || known->second == s) << seed;
      EXPECT_FALSE(s.kind == StatementKind::kFinalize && said.contains({s.epoch_id, s.view, StatementKind::kNullify}));
      EXPECT_FALSE(s.kind == StatementKind::kNullify && said.contains({s.epoch_id, s.view, StatementKind::kFinalize}));
    }
  }
  EXPECT_GE(all_told, 200U);
}

}  // namespace
}  // namespace micro
