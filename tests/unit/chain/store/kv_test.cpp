#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "chain/store/memory_kv.hpp"
#include "chain/store/rocks/rocks_kv.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

enum class Which : std::uint8_t { kMemory, kLedger, kState };

/// What any kind has to do.
class KvTest : public testing::TestWithParam<Which> {
 protected:
  std::unique_ptr<Kv> open() {
    if (GetParam() == Which::kMemory) return std::make_unique<MemoryKv>();
    auto kv = open_rocks_kv(folder_.path() / "db", GetParam() == Which::kLedger ? RocksUse::kLedger : RocksUse::kState);
    EXPECT_TRUE(kv.has_value()) << kv.error().message;
    return std::move(*kv);
  }
  static void put(Kv& kv, std::string_view key, std::string_view value) {
    KvBatch batch;
    batch.put(as_bytes(key), as_bytes(value));
    ASSERT_TRUE(kv.write(batch));
  }
  static std::vector<std::string> keys(const Kv& kv, std::string_view from, std::string_view until, Kv::Order order,
                                       std::size_t limit = 100) {
    std::vector<std::string> out;
    EXPECT_TRUE(kv.scan(as_bytes(from), as_bytes(until), order, [&](ByteView key, ByteView) {
      out.emplace_back(as_text(key));
      return out.size() < limit;
    }));
    return out;
  }
  test::TempFolder folder_;
};

TEST_P(KvTest, ReadsWhatWasWritten) {
  const auto kv = open();
  put(*kv, "a", "1");
  put(*kv, "empty", "");
  EXPECT_EQ(kv->get(as_bytes("a")).value(), to_bytes("1"));
  EXPECT_EQ(kv->get(as_bytes("empty")).value(), Bytes{});
  EXPECT_EQ(kv->get(as_bytes("b")).value(), std::nullopt);
}

TEST_P(KvTest, ABatchAppliesInOrder) {
  const auto kv = open();
  put(*kv, "gone", "x");
  KvBatch batch;
  batch.put(as_bytes("k"), as_bytes("first"));
  batch.erase(as_bytes("gone"));
  batch.put(as_bytes("k"), as_bytes("second"));
  ASSERT_TRUE(kv->write(batch));
  EXPECT_EQ(kv->get(as_bytes("k")).value(), to_bytes("second"));
  EXPECT_EQ(kv->get(as_bytes("gone")).value(), std::nullopt);
}

TEST_P(KvTest, ScansRangesInBothOrders) {
  const auto kv = open();
  for (const char* key : {"a", "b1", "b2", "b3", "c"}) put(*kv, key, "v");
  using testing::ElementsAre;
  EXPECT_THAT(keys(*kv, "b", "c", Kv::Order::kAscending), ElementsAre("b1", "b2", "b3"));
  EXPECT_THAT(keys(*kv, "b", "c", Kv::Order::kDescending), ElementsAre("b3", "b2", "b1"));
  EXPECT_THAT(keys(*kv, "b2", "", Kv::Order::kAscending), ElementsAre("b2", "b3", "c"));
  EXPECT_THAT(keys(*kv, "", "b2", Kv::Order::kDescending, 1), ElementsAre("b1"));
  EXPECT_TRUE(keys(*kv, "c", "b", Kv::Order::kAscending).empty());
  EXPECT_TRUE(keys(*kv, "c", "b", Kv::Order::kDescending).empty());
}

TEST_P(KvTest, IngestedEntriesStandBesideWrittenOnes) {
  const auto kv = open();
  put(*kv, "a2", "written");
  put(*kv, "b", "written");
  KvBatch batch;
  for (const char* key : {"a1", "a3", "b", "c1", "c2"}) batch.put(as_bytes(key), as_bytes("ingested"));
  std::vector<KvBatch::Op> ops;
  batch.each([&](const KvBatch::Op& op) { ops.push_back(op); });
  ASSERT_TRUE(kv->ingest(ops));
  ASSERT_TRUE(kv->ingest({}));
  using testing::ElementsAre;
  EXPECT_THAT(keys(*kv, "a", "", Kv::Order::kAscending), ElementsAre("a1", "a2", "a3", "b", "c1", "c2"));
  EXPECT_EQ(kv->get(as_bytes("a2")).value(), to_bytes("written"));
  EXPECT_EQ(kv->get(as_bytes("b")).value(), to_bytes("ingested"));
  put(*kv, "c1", "later");
  EXPECT_EQ(kv->get(as_bytes("c1")).value(), to_bytes("later"));
}

TEST_P(KvTest, IngestingRemovesToo) {
  const auto kv = open();
  put(*kv, "a", "written");
  put(*kv, "c", "written");
  const std::vector<KvBatch::Op> ops{{as_bytes("a"), std::nullopt}, {as_bytes("b"), as_bytes("ingested")}};
  ASSERT_TRUE(kv->ingest(ops));
  EXPECT_EQ(kv->get(as_bytes("a")).value(), std::nullopt);
  using testing::ElementsAre;
  EXPECT_THAT(keys(*kv, "", "", Kv::Order::kAscending), ElementsAre("b", "c"));
  put(*kv, "a", "again");
  EXPECT_EQ(kv->get(as_bytes("a")).value(), to_bytes("again"));
}

// A process that dies right after the database took a file over leaves the name it was written under, which then is a
// second link to that file.
TEST(RocksKv, WhatACrashLeftOfAnIngestedFileDoesNoHarm) {
  const test::TempFolder folder;
  const auto db = folder.path() / "db";
  const auto ingest = [](Kv& kv, std::string_view key) {
    KvBatch batch;
    batch.put(as_bytes(key), as_bytes("v"));
    std::vector<KvBatch::Op> ops;
    batch.each([&](const KvBatch::Op& op) { ops.push_back(op); });
    return kv.ingest(ops);
  };
  {
    const auto kv = open_rocks_kv(db, RocksUse::kLedger).value();
    ASSERT_TRUE(ingest(*kv, "first"));
  }
  for (const auto& file : std::filesystem::directory_iterator(db)) {
    if (file.path().extension() == ".sst") std::filesystem::create_hard_link(file.path(), db / "incoming");
  }
  ASSERT_TRUE(std::filesystem::exists(db / "incoming"));
  {
    const auto kv = open_rocks_kv(db, RocksUse::kLedger).value();
    ASSERT_TRUE(ingest(*kv, "second"));
  }
  const auto kv = open_rocks_kv(db, RocksUse::kLedger).value();
  EXPECT_EQ(kv->get(as_bytes("first")).value(), to_bytes("v"));
  EXPECT_EQ(kv->get(as_bytes("second")).value(), to_bytes("v"));
}

/// What is on a disk has to do besides.
class DiskKvTest : public KvTest {};

TEST_P(DiskKvTest, KeepsEverythingAcrossReopening) {
  const std::string large(100'000, 'x');
  {
    const auto kv = open();
    put(*kv, "large", large);
    put(*kv, "small", "1");
  }
  const auto kv = open();
  EXPECT_EQ(kv->get(as_bytes("large")).value(), to_bytes(large));
  EXPECT_EQ(kv->get(as_bytes("small")).value(), to_bytes("1"));
}

TEST_P(DiskKvTest, ASecondOwnerIsRefused) {
  const auto kv = open();
  const auto second = open_rocks_kv(folder_.path() / "db", RocksUse::kLedger);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().fault, Fault::kIo);
  EXPECT_FALSE(second.error().hint.empty());
}

// Cutting the log loses unsynced tails only; damage in its middle is reported instead of dropping what follows.
TEST_P(DiskKvTest, DamageInTheMiddleOfTheLogIsReported) {
  {
    const auto kv = open();
    for (int i = 0; i < 20; ++i) put(*kv, "key" + std::to_string(i), std::string(3'000, 'v'));
  }
  std::filesystem::path log;
  for (const auto& file : std::filesystem::directory_iterator(folder_.path() / "db")) {
    if (file.path().extension() == ".log") log = file.path();
  }
  ASSERT_FALSE(log.empty());
  {
    std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20'000);
    file.put('!');
  }
  const auto kv = open_rocks_kv(folder_.path() / "db", RocksUse::kLedger);
  ASSERT_FALSE(kv.has_value());
  EXPECT_EQ(kv.error().fault, Fault::kCorrupt);
}

std::string name_of(const testing::TestParamInfo<Which>& info) {
  return info.param == Which::kMemory ? "Memory" : info.param == Which::kLedger ? "Ledger" : "State";
}

INSTANTIATE_TEST_SUITE_P(Each, KvTest, testing::Values(Which::kMemory, Which::kLedger, Which::kState), name_of);
INSTANTIATE_TEST_SUITE_P(Each, DiskKvTest, testing::Values(Which::kLedger, Which::kState), name_of);

TEST(KvKeys, AfterPrefixIsTheFirstKeyBehind) {
  EXPECT_EQ(after_prefix(Bytes{1, 2}), (Bytes{1, 3}));
  EXPECT_EQ(after_prefix(Bytes{1, 0xff, 0xff}), Bytes{2});
  EXPECT_EQ(after_prefix(Bytes{0xff}), Bytes{});
}

}  // namespace
}  // namespace micro
