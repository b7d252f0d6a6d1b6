#include "wallet/disk/append_log.hpp"

#include <gtest/gtest.h>

#include "tests/gen/temp_folder.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

std::vector<Bytes> sample_records() {
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < 5; ++i) out.push_back(Bytes(10 + 40 * i, static_cast<std::uint8_t>('a' + i)));
  return out;
}

Bytes sample_file(std::size_t count = 5) {
  Bytes file = to_bytes(log_header());
  Hash chain = log_seed();
  const auto records = sample_records();
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes bytes = encode_log_record(chain, records[i]);
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  return file;
}

TEST(AppendLog, KeepsRecordsOverReopening) {
  const test::TempFolder folder;
  const auto records = sample_records();
  for (const auto& record : records) {
    std::vector<Bytes> found;
    auto log = AppendLog::open(folder / "log", found);
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(found.size(), static_cast<std::size_t>(&record - records.data()));
    ASSERT_TRUE(log->append(record));
  }
  std::vector<Bytes> found;
  ASSERT_TRUE(AppendLog::open(folder / "log", found));
  EXPECT_EQ(found, records);
  EXPECT_EQ(read_file(folder / "log", kMaxAppendLogBytes).value(), sample_file());
}

TEST(AppendLog, CutAnywhereLosesOnlyTheRecordThatWasCut) {
  const Bytes whole = sample_file();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const auto contents = parse_log(ByteView(whole).first(size));
    ASSERT_TRUE(contents) << size;
    std::size_t expected = 0;
    while (expected < 5 && sample_file(expected + 1).size() <= size) ++expected;
    EXPECT_EQ(contents->records.size(), expected) << size;
  }
}

TEST(AppendLog, ContinuesAfterATornEnd) {
  const test::TempFolder folder;
  Bytes torn = sample_file();
  torn.resize(torn.size() - 3);
  ASSERT_TRUE(write_file_durably(folder / "log", torn, IfPresent::kReplace));
  std::vector<Bytes> found;
  {
    auto log = AppendLog::open(folder / "log", found);
    ASSERT_TRUE(log);
    ASSERT_EQ(found.size(), 4U);
    ASSERT_TRUE(log->append(as_bytes("after")));
  }
  ASSERT_TRUE(AppendLog::open(folder / "log", found));
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(as_text(found[4]), "after");
}

TEST(AppendLog, AFlippedBitNeverYieldsAChangedRecord) {
  const Bytes whole = sample_file();
  const auto records = sample_records();
  const std::size_t last_begins = sample_file(4).size();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    Bytes changed = whole;
    changed[at] ^= 0x10;
    const auto contents = parse_log(changed);
    if (!contents) continue;
    ASSERT_LE(contents->records.size(), 4U) << at;
    for (std::size_t i = 0; i < contents->records.size(); ++i) EXPECT_EQ(contents->records[i], records[i]);
    EXPECT_GE(at, last_begins) << "only the end of the file may be taken for torn";
  }
}

TEST(AppendLog, AMissingOrRepeatedRecordIsSeen) {
  Hash chain = log_seed();
  const auto records = sample_records();
  Bytes doubled = to_bytes(log_header());
  const Bytes first = encode_log_record(chain, records[0]);
  for (int i = 0; i < 3; ++i) doubled.insert(doubled.end(), first.begin(), first.end());
  EXPECT_EQ(parse_log(doubled).error().fault, Fault::kCorrupt);
}

TEST(AppendLog, AnUnwrittenFirstSectorIsATornEnd) {
  Bytes file = sample_file(4);
  const std::size_t begin = file.size();
  Hash chain;
  const Bytes record = encode_log_record(chain, Bytes(2000, 7));
  file.insert(file.end(), record.begin(), record.end());
  std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(begin), 512, 0);
  const auto contents = parse_log(file);
  ASSERT_TRUE(contents);
  EXPECT_EQ(contents->records.size(), 4U);
  EXPECT_EQ(contents->valid_bytes, begin);
}

TEST(AppendLog, RewriteReplacesAllRecords) {
  const test::TempFolder folder;
  std::vector<Bytes> found;
  auto log = AppendLog::open(folder / "log", found);
  ASSERT_TRUE(log);
  for (const auto& record : sample_records()) ASSERT_TRUE(log->append(record));
  ASSERT_TRUE(log->rewrite({to_bytes(as_bytes("snapshot"))}));
  ASSERT_TRUE(log->append(as_bytes("next")));
  ASSERT_TRUE(AppendLog::open(folder / "log", found));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(as_text(found[0]), "snapshot");
  EXPECT_EQ(as_text(found[1]), "next");
}

TEST(AppendLog, RefusesAForeignFile) {
  const test::TempFolder folder;
  ASSERT_TRUE(write_file_durably(folder / "log", as_bytes("something else entirely"), IfPresent::kReplace));
  std::vector<Bytes> found;
  const auto log = AppendLog::open(folder / "log", found);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().fault, Fault::kCorrupt);
}

}  // namespace
}  // namespace micro
