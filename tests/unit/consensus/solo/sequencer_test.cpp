#include "consensus/solo/sequencer.hpp"

#include <gtest/gtest.h>

#include "consensus/core/certificate.hpp"
#include "tests/gen/chain/solo_net.hpp"

namespace micro {
namespace {

using test::MemoryLog;
using test::SmallNet;

TimeMs after(std::uint64_t ms) {
  return TimeMs(test::kGenesisTime.value + ms);
}

TEST(Sequencer, SealsOnlyWhenThereIsAReason) {
  SmallNet net;
  MemoryLog log;
  Sequencer solo = test::start_sequencer(net, log).value();
  EXPECT_FALSE(solo.step(after(10), false).value());
  EXPECT_FALSE(solo.step(after(10), true).value()) << "nothing really waits";
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
  const auto sealed = solo.step(after(20), true).value();
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->block.txs.size(), 1U);
  EXPECT_EQ(sealed->block.header.time, after(20));
  EXPECT_EQ(net.ledger().head().value().id, sealed->id);
  EXPECT_EQ(solo.epoch_end(), after(1'000));
}

TEST(Sequencer, SealsTheBoundaryWhenIdleAndOneEpochHoweverLate) {
  SmallNet net;
  MemoryLog log;
  Sequencer solo = test::start_sequencer(net, log).value();
  EXPECT_FALSE(solo.step(after(999), false).value());
  const auto sealed = solo.step(after(50'000), false).value();
  ASSERT_TRUE(sealed);
  EXPECT_TRUE(sealed->block.header.boundary);
  EXPECT_EQ(net.ledger().head().value().epoch, Epoch(1));
  EXPECT_EQ(solo.epoch_end(), after(51'000));
  EXPECT_FALSE(solo.step(after(50'001), false).value());
  EXPECT_EQ(solo.step(after(51'000), false).value()->certificate.statement.view, View(1));
}

TEST(Sequencer, AClockThatGoesBackStillMakesTimeRise) {
  SmallNet net;
  MemoryLog log;
  Sequencer solo = test::start_sequencer(net, log).value();
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
  ASSERT_TRUE(solo.step(after(500), true).value());
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 1, 2, 5)).waits());
  EXPECT_EQ(solo.step(after(100), true).value()->block.header.time, after(501));
}

TEST(Sequencer, ViewsRiseAndCertificatesVerify) {
  SmallNet net;
  MemoryLog log;
  Sequencer solo = test::start_sequencer(net, log).value();
  const BlockId genesis = net.ledger().head().value().id;
  const ValidatorSet& set = net.genesis().validators;
  const Hash epoch = epoch_id(chain_id(net.genesis()), Epoch(0), genesis, validator_set_hash(set));
  for (std::uint64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(net.ledger().submit(net.transfer(1, i, 2, 5)).waits());
    const auto sealed = solo.step(after(10 * (i + 1)), true).value();
    ASSERT_TRUE(sealed);
    EXPECT_EQ(sealed->certificate.statement.view, View(i + 1));
    EXPECT_EQ(sealed->certificate.statement.parent_view, View(i));
    EXPECT_TRUE(check_certificate(sealed->certificate, set, epoch));
  }
}

TEST(Sequencer, AnotherKeyIsRefused) {
  SmallNet net;
  MemoryLog log;
  const auto solo = test::start_sequencer(net, log, 2);
  ASSERT_FALSE(solo.has_value());
  EXPECT_EQ(solo.error().fault, Fault::kDenied);
}

TEST(Sequencer, SignsNothingThatIsNotInTheLog) {
  SmallNet net;
  MemoryLog log;
  Sequencer solo = test::start_sequencer(net, log).value();
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
  log.broken = true;
  EXPECT_EQ(solo.step(after(1), true).error().fault, Fault::kIo);
  EXPECT_EQ(net.ledger().head().value().header.height, Height(0));
}

// --- after a crash ---

TEST(Sequencer, FinalizesTheBlockThatItSignedForBeforeTheCrash) {
  SmallNet net;
  MemoryLog log;
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
  Sequencer solo = test::start_sequencer(net, log).value();
  net.ledger_db().break_writes();  // dies behind the log, before the block is stored
  EXPECT_FALSE(solo.step(after(5), true));
  ASSERT_EQ(log.all.size(), 1U);

  SmallNet again(net.genesis(), net.disks());
  Sequencer resumed = test::start_sequencer(again, log).value();
  const ChainHead head = again.ledger().head().value();
  EXPECT_EQ(head.id, log.all[0].statement.block);
  EXPECT_EQ(head.certificate->statement, log.all[0].statement);
  ASSERT_TRUE(again.ledger().submit(again.transfer(1, 1, 2, 5)).waits());
  EXPECT_EQ(resumed.step(after(6), true).value()->certificate.statement.view, View(2));
}

TEST(Sequencer, GoesOnFromTheTipAcrossARestart) {
  SmallNet net;
  MemoryLog log;
  {
    Sequencer solo = test::start_sequencer(net, log).value();
    ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
    ASSERT_TRUE(solo.step(after(5), true).value());
  }
  SmallNet again(net.genesis(), net.disks());
  Sequencer solo = test::start_sequencer(again, log).value();
  ASSERT_TRUE(again.ledger().submit(again.transfer(1, 1, 2, 5)).waits());
  const auto sealed = solo.step(after(6), true).value();
  EXPECT_EQ(sealed->certificate.statement.view, View(2));
  EXPECT_EQ(sealed->certificate.statement.parent_view, View(1));
}

TEST(Sequencer, WithoutItsLogItSkipsTheViewThatItMayHaveUsed) {
  SmallNet net;
  MemoryLog log;
  {
    Sequencer solo = test::start_sequencer(net, log).value();
    ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
    ASSERT_TRUE(solo.step(after(5), true).value());
  }
  SmallNet again(net.genesis(), net.disks());
  MemoryLog lost;
  Sequencer solo = test::start_sequencer(again, lost).value();
  ASSERT_TRUE(again.ledger().submit(again.transfer(1, 1, 2, 5)).waits());
  EXPECT_EQ(solo.step(after(6), true).value()->certificate.statement.view, View(3));
}

TEST(Sequencer, ARestoredLedgerThatIsBehindTheLogIsRefused) {
  SmallNet net;
  MemoryLog log;
  const auto old = net.disks();
  Sequencer solo = test::start_sequencer(net, log).value();
  for (std::uint64_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(net.ledger().submit(net.transfer(1, i, 2, 5)).waits());
    ASSERT_TRUE(solo.step(after(10 + i), true).value());
  }
  SmallNet restored(net.genesis(), old);
  const auto refused = test::start_sequencer(restored, log);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().fault, Fault::kCorrupt);
}

// The process dies at any write of either database, again and again: one view never gets two statements, and every
// block that was told to anyone stays.
TEST(Sequencer, NeverSignsTwoStatementsForOneView) {
  for (int seed = 0; seed < 40; ++seed) {
    MemoryLog log;
    test::Disks disks;
    std::vector<BlockId> told;
    std::uint64_t random = 0x9e37'79b9'7f4a'7c15ULL * static_cast<std::uint64_t>(seed + 1);
    std::uint64_t now = 1;
    for (int life = 0; life < 6; ++life) {
      SmallNet net(test::small_genesis(), disks);
      ASSERT_TRUE(net.opened());
      auto solo = test::start_sequencer(net, log);
      ASSERT_TRUE(solo.has_value()) << solo.error().message;
      for (int step = 0; step < 5; ++step) {
        random = random * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
        now += random >> 55;
        const auto nonce = net.ledger().pending_nonce(test::address_of_key(1));
        net.ledger().submit(net.transfer(1, nonce.value, 2, 5));
        if (random >> 40 & 1) {
          if (random >> 41 & 1) net.ledger_db().break_writes();
          if (random >> 42 & 1) net.state_db().break_writes();
        }
        const auto sealed = solo->step(after(now), true);
        if (!sealed) break;
        if (*sealed) told.push_back((*sealed)->id);
      }
      disks = net.disks();
    }
    SmallNet last(test::small_genesis(), disks);
    for (const BlockId& id : told) EXPECT_TRUE(last.ledger().blocks().height_of(id));
    for (std::size_t i = 1; i < log.all.size(); ++i) {
      const auto& a = log.all[i - 1];
      const auto& b = log.all[i];
      EXPECT_TRUE(a.statement.epoch_id != b.statement.epoch_id || a.statement.view < b.statement.view);
      EXPECT_EQ(b.block.header.height, a.block.header.height.next()) << "a height was signed for twice";
    }
  }
}

}  // namespace
}  // namespace micro
