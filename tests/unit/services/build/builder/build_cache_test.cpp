#include "services/build/builder/build_cache.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "services/build/builder/files.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

class BuildCacheFolder : public ::testing::Test {
 protected:
  BuildCacheFolder() { std::ofstream(log_) << "compiled\n"; }
  test::TempFolder folder_;
  std::string log_ = (folder_ / "log").string();
  BuildCache cache_{folder_.path().string()};
  Hash key_ = build_key_hash({});
  Bytes wasm_ = to_bytes("\0asm");
};

TEST_F(BuildCacheFolder, GivesBackWhatWasPut) {
  EXPECT_FALSE(cache_.find(key_).has_value());
  const auto put = cache_.put(key_, wasm_, log_);
  ASSERT_TRUE(put.has_value());
  const auto found = cache_.find(key_);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->wasm_sha256, sha256(wasm_).as<CodeHash>());
  EXPECT_EQ(read_file(found->wasm_path, 100).value(), wasm_);
  EXPECT_EQ(as_text(read_file(found->log_path, 100).value()), "compiled\n");
}

TEST_F(BuildCacheFolder, DamagedBytesDoNotCount) {
  const auto put = cache_.put(key_, wasm_, log_);
  std::ofstream(put->wasm_path, std::ios::app) << "x";
  EXPECT_FALSE(cache_.find(key_).has_value());
}

TEST_F(BuildCacheFolder, AnUnfinishedEntryDoesNotCount) {
  const auto put = cache_.put(key_, wasm_, log_);
  std::filesystem::remove(std::filesystem::path(put->wasm_path).parent_path() / "sha256");
  EXPECT_FALSE(cache_.find(key_).has_value());
}

TEST_F(BuildCacheFolder, EveryPartOfTheKeyCounts) {
  BuildKey key;
  const Hash base = build_key_hash(key);
  key.subdir = Text<512>("a");
  EXPECT_NE(build_key_hash(key), base);
  key = {};
  key.commit.data[0] = 1;
  EXPECT_NE(build_key_hash(key), base);
  key = {};
  key.plan.data[0] = 1;
  EXPECT_NE(build_key_hash(key), base);
  key = {};
  key.toolchain.data[0] = 1;
  EXPECT_NE(build_key_hash(key), base);
}

TEST_F(BuildCacheFolder, ALockIsWaitedForUntilSomebodyAsksToStop) {
  const std::string path = (folder_ / "lock").string();
  std::stop_source stop;
  auto first = FileLock::take(path, stop.get_token());
  ASSERT_TRUE(first.has_value());
  stop.request_stop();
  EXPECT_EQ(FileLock::take(path, stop.get_token()).error().fault, Fault::kInterrupted);
  {
    const FileLock gone = std::move(*first);
  }
  EXPECT_TRUE(FileLock::take(path, stop.get_token()).has_value());
}

TEST_F(BuildCacheFolder, WorkThatAKilledProcessLeftIsRemovedAfterADay) {
  const auto work = folder_ / "work";
  for (const char* name : {"work-old", "work-new", "other"}) std::filesystem::create_directories(work / name);
  const auto past = std::filesystem::file_time_type::clock::now() - std::chrono::hours(25);
  std::filesystem::last_write_time(work / "work-old", past);
  std::filesystem::last_write_time(work / "other", past);
  remove_stale_work(work.string());
  EXPECT_FALSE(std::filesystem::exists(work / "work-old"));
  EXPECT_TRUE(std::filesystem::exists(work / "work-new"));
  EXPECT_TRUE(std::filesystem::exists(work / "other"));
}

TEST_F(BuildCacheFolder, FilesAreNeverReadThroughLinks) {
  std::filesystem::create_symlink("/etc/hostname", folder_ / "link");
  EXPECT_FALSE(read_file((folder_ / "link").string(), 1'000).has_value());
  EXPECT_EQ(read_file("/dev/zero", 1'000).error().fault, Fault::kInvalid);
  EXPECT_EQ(read_file(folder_.path().string(), 1'000).error().fault, Fault::kInvalid);
}

TEST_F(BuildCacheFolder, OnlyTheNewestOfAKindAreKept) {
  namespace fs = std::filesystem;
  const fs::path folder = folder_ / "many";
  const auto past = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (int i = 0; i < 6; ++i) {
    const fs::path file = folder / ("log" + std::to_string(i)), sub = folder / ("build" + std::to_string(i));
    fs::create_directories(sub);
    std::ofstream(file) << "x";
    fs::last_write_time(file, past + std::chrono::seconds(i));
    fs::last_write_time(sub, past + std::chrono::seconds(i));
  }
  keep_newest(folder.string(), EntryKind::kFiles, 2);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(fs::exists(folder / ("log" + std::to_string(i))), i >= 4);
    EXPECT_TRUE(fs::exists(folder / ("build" + std::to_string(i))));
  }
  keep_newest(folder.string(), EntryKind::kFolders, 5);
  EXPECT_FALSE(fs::exists(folder / "build0"));
  EXPECT_TRUE(fs::exists(folder / "build1"));
}

}  // namespace
}  // namespace micro
