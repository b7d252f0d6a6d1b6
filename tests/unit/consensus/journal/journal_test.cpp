#include "consensus/journal/journal.hpp"

#include <gtest/gtest.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "tests/gen/temp_folder.hpp"

namespace {
int data_syncs = 0;
}

/// In place of the library's, for the whole program: what was synced cannot be seen in a file.
extern "C" int fdatasync(int file) {
  ++data_syncs;
  return static_cast<int>(::syscall(SYS_fdatasync, file));
}

namespace micro {
namespace {

class JournalTest : public testing::Test {
 protected:
  std::unique_ptr<Journal> open() { return Journal::open(folder_.path().string(), ChainId{}).value(); }
  [[nodiscard]] std::filesystem::path file(const std::string& epoch) const {
    return folder_.path() / epoch / "votes.log";
  }
  static void write_three(Journal& journal) {
    for (const char* text : {"one", "two", "three"}) {
      ASSERT_TRUE(journal.append(as_bytes(text)));
      ASSERT_TRUE(journal.sync());
    }
  }
  test::TempFolder folder_;
};

TEST_F(JournalTest, RemembersAcrossRestarts) {
  {
    const auto journal = open();
    EXPECT_FALSE(journal->newest().value());
    EXPECT_TRUE(journal->start(Epoch(3), Epoch(1)).value().empty());
    ASSERT_TRUE(journal->append(as_bytes("one")));
    ASSERT_TRUE(journal->append(as_bytes("two")));
    ASSERT_TRUE(journal->sync());
  }
  const auto journal = open();
  EXPECT_EQ(journal->newest().value(), Epoch(3));
  const auto records = journal->start(Epoch(3), Epoch(1)).value();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[1], to_bytes("two"));
}

// A killed process leaves them in the kernel's memory, where the next one reads them.
TEST_F(JournalTest, RecordsThatWereNeverSyncedAreSyncedBeforeTheyAreReadAgain) {
  {
    const auto journal = open();
    ASSERT_TRUE(journal->start(Epoch(0), Epoch(0)));
    ASSERT_TRUE(journal->append(as_bytes("a vote")));
  }
  const auto journal = open();
  const int before = data_syncs;
  EXPECT_EQ(journal->start(Epoch(0), Epoch(0)).value().size(), 1U);
  EXPECT_EQ(data_syncs, before + 1);
}

TEST_F(JournalTest, TwoProcessesNeverShareIt) {
  const auto journal = open();
  EXPECT_EQ(Journal::open(folder_.path().string(), ChainId{}).error().fault, Fault::kBusy);
}

TEST_F(JournalTest, OneFolderAnEpochAndOldOnesGo) {
  const auto journal = open();
  for (std::uint32_t e = 0; e < 5; ++e) {
    EXPECT_TRUE(journal->start(Epoch(e), Epoch(e > 1 ? e - 2 : 0)).value().empty());
    ASSERT_TRUE(journal->append(as_bytes("x")));
    ASSERT_TRUE(journal->sync());
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "1"));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "2"));
  EXPECT_EQ(journal->newest().value(), Epoch(4));
}

TEST_F(JournalTest, ATornTailIsCutAndDamageBeforeItStops) {
  {
    const auto journal = open();
    ASSERT_TRUE(journal->start(Epoch(0), Epoch(0)));
    write_three(*journal);
  }
  std::filesystem::resize_file(file("0"), std::filesystem::file_size(file("0")) - 2);
  std::uint64_t one_record = 0;
  {
    const auto journal = open();
    ASSERT_EQ(journal->start(Epoch(0), Epoch(0)).value().size(), 2U);
    const std::uint64_t before = journal->bytes();
    ASSERT_TRUE(journal->append(as_bytes("four")));
    ASSERT_TRUE(journal->sync());
    one_record = journal->bytes() - before;
  }
  {
    std::fstream raw(file("0"), std::ios::in | std::ios::out | std::ios::binary);
    raw.seekp(-static_cast<std::streamoff>(one_record + 1), std::ios::end);  // the last byte of the record before
    raw.put('!');
  }
  EXPECT_EQ(open()->start(Epoch(0), Epoch(0)).error().fault, Fault::kCorrupt);
}

// Else each sync would write the file's new size too.
TEST_F(JournalTest, TheFileGrowsSeldom) {
  const auto journal = open();
  ASSERT_TRUE(journal->start(Epoch(0), Epoch(0)));
  std::set<std::uintmax_t> sizes;
  const Bytes record(10'000, 1);
  for (std::uint64_t written = 0; written < kJournalAheadBytes * 5 / 2; written += record.size()) {
    ASSERT_TRUE(journal->append(record));
    ASSERT_TRUE(journal->sync());
    sizes.insert(std::filesystem::file_size(file("0")));
    ASSERT_GE(*sizes.rbegin(), journal->bytes());
  }
  EXPECT_EQ(sizes.size(), 3U);
}

TEST_F(JournalTest, WhatAKillLeavesBehindTheLastRecordIsCut) {
  const auto journal = open();
  ASSERT_TRUE(journal->start(Epoch(0), Epoch(0)));
  write_three(*journal);
  for (const std::size_t torn : {0U, 2U}) {
    const test::TempFolder left;
    std::filesystem::create_directory(left.path() / "0");
    const auto copy = left.path() / "0" / Journal::kRecordsFile;
    std::filesystem::copy_file(file("0"), copy);
    ASSERT_GT(std::filesystem::file_size(copy), journal->bytes());
    std::fstream raw(copy, std::ios::in | std::ios::out | std::ios::binary);
    raw.seekp(static_cast<std::streamoff>(journal->bytes() - torn));
    for (std::size_t n = 0; n < torn; ++n) raw.put('\0');
    raw.close();
    const auto next = Journal::open(left.path().string(), ChainId{}).value();
    EXPECT_EQ(next->start(Epoch(0), Epoch(0)).value().size(), torn == 0 ? 3U : 2U);
    EXPECT_EQ(std::filesystem::file_size(copy), next->bytes());
    ASSERT_TRUE(next->append(as_bytes("again")));
    EXPECT_EQ(next->rewrite({to_bytes("kept")}), Status{});
    EXPECT_EQ(std::filesystem::file_size(copy), next->bytes());
  }
}

TEST_F(JournalTest, RewritingReplacesAllRecordsAndAppendsGoOn) {
  {
    const auto journal = open();
    ASSERT_TRUE(journal->start(Epoch(0), Epoch(0)));
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(journal->append(Bytes(1'000, 1)));
    ASSERT_TRUE(journal->sync());
    const auto before = journal->bytes();
    ASSERT_TRUE(journal->rewrite({to_bytes("kept")}));
    EXPECT_LT(journal->bytes(), before / 100);
    ASSERT_TRUE(journal->append(as_bytes("after")));
    ASSERT_TRUE(journal->sync());
  }
  const auto records = open()->start(Epoch(0), Epoch(0)).value();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0], to_bytes("kept"));
  EXPECT_EQ(records[1], to_bytes("after"));
}

TEST_F(JournalTest, AnotherChainsJournalIsRefused) {
  ASSERT_TRUE(open()->start(Epoch(0), Epoch(0)));
  ChainId other;
  other.data.fill(1);
  const auto journal = Journal::open(folder_.path().string(), other).value();
  EXPECT_EQ(journal->start(Epoch(0), Epoch(0)).error().fault, Fault::kMismatch);
}

}  // namespace
}  // namespace micro
