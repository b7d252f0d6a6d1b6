#include "services/payment/disk/kv_store.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "chain/store/memory_kv.hpp"
#include "chain/store/rocks/rocks_kv.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::payment {
namespace {

using test::TempFolder;

Write put(std::uint8_t key, std::uint8_t value) {
  return {Bytes{key}, Bytes{value}};
}

TEST(KvStore, WritesReadsRemovesAndScansInOrder) {
  const TempFolder folder;
  const auto kv = *open_rocks_kv((folder / "payments").string(), RocksUse::kState);
  KvStore store(*kv);
  const std::vector<Write> first{put(3, 30), put(1, 10), put(2, 20)};
  ASSERT_TRUE(store.write(first));
  const std::vector<Write> second{{Bytes{2}, std::nullopt}, put(3, 31)};
  ASSERT_TRUE(store.write(second));
  EXPECT_EQ(**store.get(Bytes{3}), Bytes{31});
  EXPECT_FALSE(*store.get(Bytes{2}));
  std::vector<Bytes> keys;
  ASSERT_TRUE(store.scan([&](ByteView key, ByteView) -> Status {
    keys.push_back(to_bytes(key));
    return {};
  }));
  EXPECT_EQ(keys, (std::vector<Bytes>{{1}, {3}}));
  const Status stopped = store.scan([](ByteView, ByteView) -> Status { return fail(Fault::kCorrupt, "x"); });
  EXPECT_EQ(stopped.error().fault, Fault::kCorrupt);
}

TEST(Books, AFreshDatabaseIsFencedAtTheTip) {
  const TempFolder folder;
  MemoryKv kv;
  KvStore store(kv);
  const StoreMeta meta = *open_books(store, folder / "generation", Height(77));
  EXPECT_EQ(meta.fence, Height(77));
  EXPECT_EQ(meta.generation, 1U);
  EXPECT_EQ(*read_generation(folder / "generation"), 1U);
}

TEST(Books, StartingAgainFencesNothingNew) {
  const TempFolder folder;
  MemoryKv kv;
  KvStore store(kv);
  static_cast<void>(open_books(store, folder / "generation", Height(7)));
  EXPECT_EQ(open_books(store, folder / "generation", Height(99))->fence, Height(7));
}

TEST(Books, ACrashBetweenDatabaseAndFileFencesNothingNew) {
  const TempFolder folder;
  MemoryKv kv;
  KvStore store(kv);
  static_cast<void>(open_books(store, folder / "generation", Height(7)));
  static_cast<void>(open_books(store, 1, Height(8)));  // the database moved on, the file did not
  EXPECT_EQ(open_books(store, folder / "generation", Height(99))->fence, Height(7));
}

TEST(Books, AnOldCopyIsFencedAtTheTip) {
  const TempFolder folder;
  MemoryKv kv;
  KvStore store(kv);
  static_cast<void>(open_books(store, folder / "generation", Height(7)));
  MemoryKv copy(kv.image());
  static_cast<void>(open_books(store, folder / "generation", Height(8)));
  KvStore restored(copy);
  EXPECT_EQ(open_books(restored, folder / "generation", Height(99))->fence, Height(99));
  MemoryKv empty;
  KvStore lost(empty);
  EXPECT_EQ(open_books(lost, folder / "generation", Height(120))->fence, Height(120));
}

TEST(Books, ADamagedNumberIsNotGuessed) {
  const TempFolder folder;
  for (const char* text : {"", "12", "x\n", "12\n\n", "99999999999999999999999\n"}) {
    std::ofstream(folder / "generation") << text;
    EXPECT_EQ(read_generation(folder / "generation").error().fault, Fault::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace micro::payment
