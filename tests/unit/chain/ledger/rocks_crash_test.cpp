// The same deaths with real RocksDB databases, closed and opened from their folders; and logs that end in the middle of
// a record, as a machine without power leaves them.
#include <filesystem>
#include <fstream>

#include "chain/store/rocks/rocks_kv.hpp"
#include "tests/gen/chain/crash_run.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;
using test::Fuse;
using test::Life;
using test::SmallNet;

struct RocksCrashTest : testing::Test {
  SmallNet whole;
  std::vector<Block> blocks = test::history_of(whole, 3);
  test::TempFolder folder;

  Life run(const fs::path& machine, Fuse& fuse, std::size_t up_to = 1'000) {
    return run(machine, fuse, LedgerOptions{}, up_to);
  }
  Life run(const fs::path& machine, Fuse& fuse, const LedgerOptions& options, std::size_t up_to = 1'000) {
    fs::create_directories(machine);
    auto ledger = open_rocks_kv(machine / "ledger", RocksUse::kLedger);
    auto state = open_rocks_kv(machine / "state", RocksUse::kState);
    EXPECT_TRUE(ledger.has_value() && state.has_value());
    if (!ledger || !state) return {};
    return test::live(whole.genesis(), std::move(*ledger), std::move(*state), fuse,
                      std::span(blocks).first(std::min(up_to, blocks.size())), options);
  }
  void expect_recovers(const fs::path& machine, Height acknowledged) {
    Fuse none;
    const Life last = run(machine, none);
    ASSERT_TRUE(last.opened);
    EXPECT_GE(last.head, acknowledged);
    EXPECT_EQ(last.header, blocks.back().header);
  }
  /// The newest write-ahead log of a database.
  static fs::path log_of(const fs::path& database) {
    fs::path newest;
    for (const auto& file : fs::directory_iterator(database)) {
      if (file.path().extension() == ".log" && file.path() > newest) newest = file.path();
    }
    return newest;
  }
};

TEST_F(RocksCrashTest, AtEveryWrite) {
  Fuse counted;
  ASSERT_EQ(run(folder.path() / "first", counted).header, blocks.back().header);
  for (std::size_t at = 1; at <= counted.writes; ++at) {
    for (const Fuse::Cut cut : {Fuse::Cut::kBefore, Fuse::Cut::kAfter}) {
      SCOPED_TRACE("write " + std::to_string(at));
      const fs::path machine = folder.path() / (std::to_string(at) + (cut == Fuse::Cut::kBefore ? "b" : "a"));
      Fuse fuse{at, cut};
      const Life dead = run(machine, fuse);
      ASSERT_TRUE(fuse.dead);
      expect_recovers(machine, dead.acknowledged);
      fs::remove_all(machine);
    }
  }
}

// Every block is large: entries and values wait, and go to the databases as files.
TEST_F(RocksCrashTest, AtEveryWriteWhileEntriesAndValuesWait) {
  LedgerOptions options;
  options.index = {.min_deferred = 1, .max_entries = 1'000, .max_blocks = 2};
  options.state = {.min_deferred = 1, .max_bytes = 1u << 20, .max_blocks = 2};
  Fuse counted;
  ASSERT_EQ(run(folder.path() / "first", counted, options).header, blocks.back().header);
  for (std::size_t at = 1; at <= counted.writes; ++at) {
    for (const Fuse::Cut cut : {Fuse::Cut::kBefore, Fuse::Cut::kAfter}) {
      SCOPED_TRACE("write " + std::to_string(at));
      const fs::path machine = folder.path() / (std::to_string(at) + (cut == Fuse::Cut::kBefore ? "b" : "a"));
      Fuse fuse{at, cut};
      const Life dead = run(machine, fuse, options);
      ASSERT_TRUE(fuse.dead);
      Fuse none;
      const Life last = run(machine, none, options);
      ASSERT_TRUE(last.opened);
      EXPECT_GE(last.head, dead.acknowledged);
      EXPECT_EQ(last.header, blocks.back().header);
      fs::remove_all(machine);
    }
  }
}

// A log is cut within the last batch of one database: that batch never was, whatever is left of its bytes. The other
// database stands as it did at that moment: the ledger's batch is synced before the state's begins.
TEST_F(RocksCrashTest, ALogCutWithinItsLastBatchLosesThatBatchOnly) {
  const fs::path before = folder.path() / "before";
  const fs::path after = folder.path() / "after";
  Fuse none;
  ASSERT_EQ(run(before, none, 2).head, Height(2));
  fs::copy(before, after, fs::copy_options::recursive);
  // The third block's two batches, written into logs that were not rolled since: sizes tell where they begin.
  auto ledger = open_rocks_kv(after / "ledger", RocksUse::kLedger);
  auto state = open_rocks_kv(after / "state", RocksUse::kState);
  ASSERT_TRUE(ledger.has_value() && state.has_value());
  const auto ledger_begin = fs::file_size(log_of(after / "ledger"));
  const auto state_begin = fs::file_size(log_of(after / "state"));
  Fuse counted;
  ASSERT_EQ(test::live(whole.genesis(), std::move(*ledger), std::move(*state), counted, blocks).head, Height(3));
  for (const bool in_ledger : {true, false}) {
    const fs::path name = in_ledger ? "ledger" : "state";
    const auto begin = in_ledger ? ledger_begin : state_begin;
    const auto end = fs::file_size(log_of(after / name));
    ASSERT_GT(end, begin + 40) << "the batch is in the log";
    for (std::uintmax_t cut = begin; cut < end; cut += std::max<std::uintmax_t>(1, (end - begin) / 24)) {
      SCOPED_TRACE(name.string() + " cut to " + std::to_string(cut) + " of " + std::to_string(end));
      const fs::path machine = folder.path() / "cut";
      fs::copy(after, machine, fs::copy_options::recursive);
      fs::resize_file(log_of(machine / name), cut);
      if (in_ledger) {  // the state's batch of this block had not begun
        fs::remove_all(machine / "state");
        fs::copy(before / "state", machine / "state", fs::copy_options::recursive);
      }
      Fuse at_once{1, Fuse::Cut::kBefore};
      const Life found = run(machine, at_once);
      if (found.opened) {
        EXPECT_EQ(found.acknowledged, Height(in_ledger ? 2 : 3));
      }
      expect_recovers(machine, Height(in_ledger ? 2 : 3));
      fs::remove_all(machine);
    }
  }
}

// One flipped byte anywhere in what a database keeps: the start says so, or it changed nothing that counts.
TEST_F(RocksCrashTest, ADamagedFileIsFoundOrHarmless) {
  const fs::path good = folder.path() / "good";
  Fuse none;
  ASSERT_EQ(run(good, none).head, Height(3));
  std::size_t found = 0, tried = 0;
  for (const char* name : {"ledger", "state"}) {
    for (const auto& file : fs::directory_iterator(good / name)) {
      const auto size = fs::file_size(file.path());
      const bool is_data = file.path().extension() == ".log" || file.path().extension() == ".sst" ||
                           file.path().extension() == ".blob" ||
                           file.path().filename().string().starts_with("MANIFEST");
      if (!is_data || size == 0) continue;
      for (std::uintmax_t at = size / 8; at < size; at += std::max<std::uintmax_t>(1, size / 5)) {
        SCOPED_TRACE(file.path().string() + " at " + std::to_string(at));
        const fs::path machine = folder.path() / "rotten";
        fs::copy(good, machine, fs::copy_options::recursive);
        {
          std::fstream io(machine / name / file.path().filename(), std::ios::in | std::ios::out | std::ios::binary);
          io.seekg(static_cast<std::streamoff>(at));
          const int byte = io.get();
          io.seekp(static_cast<std::streamoff>(at));
          io.put(static_cast<char>(byte ^ 0x40));
        }
        ++tried;
        auto ledger = open_rocks_kv(machine / "ledger", RocksUse::kLedger);
        auto state = open_rocks_kv(machine / "state", RocksUse::kState);
        if (!ledger || !state) {
          ++found;
          EXPECT_EQ((ledger ? state : ledger).error().fault, Fault::kCorrupt);
          fs::remove_all(machine);
          continue;
        }
        test::NoPolicy policy;
        const auto opened = LedgerImpl::open(whole.genesis(), std::move(*ledger), std::move(*state), policy, {});
        if (!opened) {
          ++found;
          EXPECT_FALSE(opened.error().message.empty());
        } else {
          // A tail that was cut off is a state of before; then the blocks bring it back, or fewer blocks are final.
          const Header head = (*opened)->head().value().header;
          ASSERT_LE(head.height.value, 3U);
          EXPECT_TRUE(head.height.value == 0 || head == blocks[head.height.value - 1].header);
        }
        fs::remove_all(machine);
      }
    }
  }
  EXPECT_GT(tried, 15U);
  EXPECT_GT(found, tried / 2);
}

}  // namespace
}  // namespace micro
