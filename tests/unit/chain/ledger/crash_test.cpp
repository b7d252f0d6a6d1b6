// Death at every durable write, on both sides of it, in the first start, between blocks, between the two databases and
// during the recovery from an earlier death.
#include "tests/gen/chain/crash_run.hpp"

namespace micro {
namespace {

using test::Fuse;
using test::Life;
using test::SmallNet;

struct CrashTest : testing::Test {
  SmallNet whole;
  std::vector<Block> blocks = test::history_of(whole, 5);

  struct Machine {
    std::shared_ptr<MemoryKv> ledger = std::make_shared<MemoryKv>();
    std::shared_ptr<MemoryKv> state = std::make_shared<MemoryKv>();
  };
  Life run(const Machine& machine, Fuse& fuse, const LedgerOptions& options = {}) {
    return test::live(whole.genesis(), machine.ledger, machine.state, fuse, blocks, options);
  }
  /// A life that nothing disturbs brings the machine to the end of the history, byte for byte.
  void expect_recovers(const Machine& machine, Height acknowledged) {
    Fuse none;
    const Life last = run(machine, none);
    ASSERT_TRUE(last.opened);
    EXPECT_GE(last.head, acknowledged);
    ASSERT_EQ(last.header, blocks.back().header);
    EXPECT_EQ(machine.ledger->image(), whole.disks().ledger);
    EXPECT_EQ(machine.state->image(), whole.disks().state);
  }
};

constexpr Fuse::Cut kCuts[] = {Fuse::Cut::kBefore, Fuse::Cut::kAfter};

TEST_F(CrashTest, AtEveryWriteAndAgainAtEveryWriteOfTheRecovery) {
  Fuse counted;
  const Machine first;
  ASSERT_EQ(run(first, counted).header, blocks.back().header);
  ASSERT_GE(counted.writes, 2 * blocks.size() + 4) << "genesis and two batches a block";
  std::size_t deaths = 0;
  for (std::size_t at = 1; at <= counted.writes; ++at) {
    for (const Fuse::Cut cut : kCuts) {
      for (std::size_t again = 1; again <= 4; ++again) {
        SCOPED_TRACE("write " + std::to_string(at) + ", then write " + std::to_string(again));
        const Machine machine;
        Fuse fuse{at, cut};
        const Life dead = run(machine, fuse);
        ASSERT_TRUE(fuse.dead);
        Fuse second{again, again % 2 == 0 ? Fuse::Cut::kAfter : cut};
        const Life recovering = run(machine, second);
        if (recovering.opened) {
          EXPECT_GE(recovering.acknowledged, dead.acknowledged) << "what was final stays final";
        }
        expect_recovers(machine, std::max(dead.acknowledged, recovering.acknowledged));
        deaths += 1 + (second.dead ? 1 : 0);
      }
    }
  }
  EXPECT_GE(deaths, 100U);
}

// Every block is large: index entries and values wait, and go to the databases as files after two or three blocks. The
// start itself compares the state that it loads with the root of its block, and the sum of all purses.
TEST_F(CrashTest, AtEveryWriteWhileEntriesAndValuesWait) {
  for (const std::size_t wait : {1U, 2U, 3U}) {
    LedgerOptions options;
    options.index = {.min_deferred = 1, .max_entries = 1'000, .max_blocks = wait};
    options.state = {.min_deferred = 1, .max_bytes = 1u << 20, .max_blocks = wait};
    Fuse counted;
    const Machine first;
    ASSERT_EQ(run(first, counted, options).header, blocks.back().header);
    ASSERT_GT(counted.writes, 2 * blocks.size() + 4 + blocks.size() / wait) << "and files";
    for (std::size_t at = 1; at <= counted.writes; ++at) {
      for (const Fuse::Cut cut : kCuts) {
        for (std::size_t again = 1; again <= 5; ++again) {
          SCOPED_TRACE("write " + std::to_string(at) + ", then write " + std::to_string(again));
          const Machine machine;
          Fuse fuse{at, cut};
          const Life dead = run(machine, fuse, options);
          Fuse second{again, again % 2 == 0 ? Fuse::Cut::kAfter : cut};
          const Life recovering = run(machine, second, options);
          Fuse none;
          const Life last = run(machine, none, options);
          ASSERT_TRUE(last.opened);
          EXPECT_GE(last.head, std::max(dead.acknowledged, recovering.acknowledged));
          ASSERT_EQ(last.header, blocks.back().header);
        }
      }
    }
  }
}

// What the disk keeps after the second batch failed is never ahead of what the first one promised.
TEST_F(CrashTest, TheStateIsNeverAheadOfItsBlocks) {
  Fuse counted;
  const Machine first;
  run(first, counted);
  for (std::size_t at = 1; at <= counted.writes; ++at) {
    for (const Fuse::Cut cut : kCuts) {
      const Machine machine;
      Fuse fuse{at, cut};
      run(machine, fuse);
      StateStore state(std::make_unique<MemoryKv>(machine.state->image()));
      const auto blocks_there =
          BlockStore::open(std::make_unique<MemoryKv>(machine.ledger->image()), chain_id(whole.genesis())).value();
      const auto loaded = state.load().value();
      if (!loaded) continue;
      ASSERT_TRUE(blocks_there.tip().has_value());
      EXPECT_LE(loaded->meta.height, blocks_there.tip()->height);
      EXPECT_LE(blocks_there.tip()->height.value, loaded->meta.height.value + 1);
    }
  }
}

}  // namespace
}  // namespace micro
