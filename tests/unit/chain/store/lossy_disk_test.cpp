// RocksDB with the options of a node on a disk whose power goes at every single step: what was told as written is
// there, what was not is there whole or not at all. And the disk itself: it does lose what is not synced.
#include <gtest/gtest.h>

#include "tests/gen/disk/rocks_machine.hpp"

// The library forgets the memory of a table that it could not write: found by LeakSanitizer, and nothing of ours.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:rocksdb::DBImpl::SwitchMemtable";
}

namespace micro {
namespace {

using test::LossyDisk;
using test::RocksMachine;

using Content = std::map<std::string, std::string>;

std::string text_of(ByteView bytes) {
  return std::string(as_text(bytes));
}

/// A draw from a sequence of its own.
LossyDisk::Draw draws(std::uint64_t seed) {
  return [state = seed](std::uint64_t bound) mutable {
    state = (state + 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
    return bound == 0 ? 0 : (state >> 33) % bound;
  };
}

/// What a node does to a database: batches, files, starts.
struct Script {
  RocksUse use;
  std::vector<Content> after;  ///< after each write that was told as done

  static constexpr std::size_t kWrites = 7;
  /// The n-th write, with the content that follows from `before`.
  static Status write(Kv& kv, std::size_t n, Content& content) {
    KvBatch batch;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string key = "k" + std::to_string((n + i) % 4);
      const std::string value = std::string(200, 'v') + std::to_string(n * 10 + i);
      if (i == 2 && content.contains(key)) {
        batch.erase(as_bytes(key));
        content.erase(key);
      } else if (i < 2) {
        batch.put(as_bytes(key), as_bytes(value));
        content[key] = value;
      }
    }
    if (n % 3 != 2) return kv.write(batch);
    // The same as a file: over keys that the memtable holds.
    std::map<std::string, std::optional<std::string>> sorted;
    batch.each([&](const KvBatch::Op& op) {
      sorted[text_of(op.key)] = op.value ? std::optional(text_of(*op.value)) : std::nullopt;
    });
    std::vector<KvBatch::Op> ops;
    for (const auto& [key, value] : sorted) {
      ops.push_back({as_bytes(key), value ? std::optional(as_bytes(*value)) : std::nullopt});
    }
    return kv.ingest(ops);
  }
  static Content read(const Kv& kv) {
    Content out;
    EXPECT_TRUE(kv.scan({}, {}, Kv::Order::kAscending, [&](ByteView key, ByteView value) {
      out[text_of(key)] = text_of(value);
      return true;
    }));
    return out;
  }
  /// Two lives, half of the writes each. The contents before and after each write as far as it came; the last one was
  /// perhaps not told.
  void run(RocksMachine& machine) {
    Content content;
    after = {content};
    for (std::size_t life = 0; life < 2; ++life) {
      const auto kv = machine.open("/db", use);
      if (!kv) return;
      for (std::size_t n = life * kWrites / 2; n < (life + 1) * kWrites / 2; ++n) {
        const Status done = write(**kv, n, content);
        after.push_back(content);
        if (!done) return;
        ++told;
      }
    }
  }
  std::size_t told = 0;
};

class LossyDiskTest : public testing::TestWithParam<RocksUse> {};

TEST_P(LossyDiskTest, WhateverStepThePowerGoesAtNothingToldIsLost) {
  RocksMachine whole;
  Script all{GetParam(), {}};
  all.run(whole);
  ASSERT_EQ(all.told, Script::kWrites);
  const std::size_t steps = whole.disk().steps();
  ASSERT_GT(steps, 60U);
  for (std::size_t at = 1; at <= steps; ++at) {
    SCOPED_TRACE("step " + std::to_string(at));
    RocksMachine machine;
    machine.disk().cut_at(at);
    Script script{GetParam(), {}};
    script.run(machine);
    machine.disk().cut();
    machine.disk().lose_power(draws(at));
    const auto kv = machine.open("/db", GetParam());
    ASSERT_TRUE(kv.has_value()) << kv.error().message;
    const Content found = Script::read(**kv);
    EXPECT_TRUE(found == script.after[script.told] || found == script.after.back());
  }
}

TEST_P(LossyDiskTest, AWriteWhoseSyncFailsIsNotTold) {
  for (std::size_t at = 1; at <= 12; ++at) {
    SCOPED_TRACE("sync " + std::to_string(at));
    RocksMachine machine;
    Script script{GetParam(), {}};
    {
      const auto kv = machine.open("/db", GetParam());
      ASSERT_TRUE(kv.has_value());
      machine.disk().fail_sync_at(at);
      Content content;
      script.after = {content};
      for (std::size_t n = 0; n < Script::kWrites; ++n) {
        const Status done = Script::write(**kv, n, content);
        script.after.push_back(content);
        if (!done) break;
        ++script.told;
      }
      EXPECT_EQ(machine.disk().sync_failed(), script.told < Script::kWrites);
      machine.disk().cut();
    }
    machine.disk().lose_power(draws(at));
    const auto kv = machine.open("/db", GetParam());
    ASSERT_TRUE(kv.has_value()) << kv.error().message;
    const Content found = Script::read(**kv);
    EXPECT_TRUE(found == script.after[script.told] || found == script.after.back());
  }
}

/// How many of 40 power cuts at the end of the script lose something that was told.
std::size_t losses(RocksUse use, const std::string& without_syncs_of) {
  std::size_t out = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    RocksMachine machine;
    machine.disk().ignore_syncs_of(without_syncs_of);
    Script script{use, {}};
    script.run(machine);
    EXPECT_EQ(script.told, Script::kWrites);
    machine.disk().cut();
    machine.disk().lose_power(draws(seed));
    const auto kv = machine.open("/db", use);
    out += !kv || Script::read(**kv) != script.after.back() ? 1 : 0;
  }
  return out;
}

TEST_P(LossyDiskTest, SeesWhoForgetsToSync) {
  EXPECT_EQ(losses(GetParam(), ""), 0U);
  EXPECT_GT(losses(GetParam(), ".log"), 5U) << "the log";
  EXPECT_GT(losses(GetParam(), "/"), 5U) << "the folder";
}

TEST_P(LossyDiskTest, TheSameOperationsLeaveTheSameDisk) {
  std::vector<std::uint64_t> digests;
  for (int time = 0; time < 2; ++time) {
    RocksMachine machine;
    Script script{GetParam(), {}};
    script.run(machine);
    digests.push_back(machine.disk().digest());
    digests.push_back(machine.disk().steps());
  }
  EXPECT_EQ(digests[0], digests[2]);
  EXPECT_EQ(digests[1], digests[3]);
}

INSTANTIATE_TEST_SUITE_P(Uses, LossyDiskTest, testing::Values(RocksUse::kLedger, RocksUse::kState));

using Io = LossyDisk::Io;

/// A disk with a file /d/a of these bytes, synced, as its name is.
struct DiskWithFile {
  explicit DiskWithFile(std::string_view bytes) {
    EXPECT_EQ(disk.make_folder("/d"), Io::kOk);
    EXPECT_EQ(disk.create("/d/a", file), Io::kOk);
    EXPECT_EQ(disk.append(*file, as_bytes(bytes)), Io::kOk);
    EXPECT_EQ(disk.sync("/d/a", *file), Io::kOk);
    EXPECT_EQ(disk.sync_folder("/d"), Io::kOk);
  }
  LossyDisk disk;
  LossyDisk::FilePtr file;
};

TEST(LossyDisk, OnlySyncedBytesUnderSyncedNamesLast) {
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    DiskWithFile with("synced");
    auto& [disk, file] = with;
    ASSERT_EQ(disk.append(*file, as_bytes(" not")), Io::kOk);
    ASSERT_EQ(disk.rename("/d/a", "/d/b"), Io::kOk);
    ASSERT_EQ(disk.image().at("/d/a"), to_bytes("synced"));
    const LossyDisk::Lost lost = disk.lose_power(draws(seed));
    std::vector<std::string> names;
    ASSERT_EQ(disk.list("/d/", names), Io::kOk);
    EXPECT_EQ(names, std::vector<std::string>{lost.names == 1 ? "a" : "b"});
    ASSERT_EQ(disk.find("/d/" + names[0], file), Io::kOk);
    EXPECT_EQ(text_of(file->bytes).substr(0, 6), "synced");
    EXPECT_LE(file->bytes.size(), 10U);
    EXPECT_EQ(lost.gone == 1, file->bytes.size() == 6);
  }
}

TEST(LossyDisk, AFailedSyncIsNotMadeUpForByTheNext) {
  DiskWithFile with("");
  auto& [disk, file] = with;
  ASSERT_EQ(disk.append(*file, as_bytes("x")), Io::kOk);
  disk.fail_sync_at(1);
  EXPECT_EQ(disk.sync("/d/a", *file), Io::kFailed);
  EXPECT_TRUE(disk.sync_failed());
  EXPECT_EQ(disk.sync("/d/a", *file), Io::kOk);
  EXPECT_EQ(disk.image().at("/d/a"), Bytes{});
}

TEST(LossyDisk, AnOverwriteIsThereOrNot) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 32; ++seed) {
    DiskWithFile with("before");
    auto& [disk, file] = with;
    ASSERT_EQ(disk.overwrite(*file, 2, as_bytes("X")), Io::kOk);
    EXPECT_EQ(disk.image().at("/d/a"), to_bytes("before"));
    disk.lose_power(draws(seed));
    seen.insert(text_of(file->bytes));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"before", "beXore"}));
}

TEST(LossyDisk, WithoutPowerNothingHappens) {
  LossyDisk disk;
  ASSERT_EQ(disk.make_folder("/d"), Io::kOk);
  disk.cut_at(2);
  LossyDisk::FilePtr file;
  ASSERT_EQ(disk.create("/d/a", file), Io::kOk);
  EXPECT_EQ(disk.append(*file, as_bytes("x")), Io::kFailed);
  EXPECT_FALSE(disk.has_power());
  EXPECT_EQ(disk.sync_folder("/d"), Io::kFailed);
  disk.lose_power([](std::uint64_t) { return 0; });
  EXPECT_TRUE(disk.has_power());
  EXPECT_EQ(disk.find("/d/a", file), Io::kMissing);
}

}  // namespace
}  // namespace micro
