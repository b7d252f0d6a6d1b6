#include <gtest/gtest.h>

#include "chain/store/memory_kv.hpp"
#include "chain/store/state_store.hpp"

namespace micro {
namespace {

StatePath nth(std::uint8_t n) {
  const std::array<std::uint8_t, 1> key{n};
  return state_path(Module::kAccounts, key);
}

TEST(StateStore, IsEmptyUntilTheGenesisIsComplete) {
  auto kv = std::make_unique<MemoryKv>();
  KvBatch half;  // a node that died while it wrote its genesis
  half.put(as_bytes("v0123456789abcdef0123456789abcdef"), as_bytes("left over"));
  ASSERT_TRUE(kv->write(half));
  StateStore store(std::move(kv));
  EXPECT_FALSE(store.load().value().has_value());

  const StateMeta meta{ChainId{}, Height(0), BlockId{}, StateRoot{}, Epoch(1)};
  ASSERT_TRUE(store.write_genesis({{nth(1), Bytes{7}}}, meta));
  const auto loaded = store.load().value();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->meta, meta);
  ASSERT_EQ(loaded->entries.size(), 1U);
  EXPECT_EQ(loaded->entries[0].path, nth(1));
  EXPECT_EQ(loaded->entries[0].value, Bytes{7});
}

TEST(StateStore, ValuesAndMetaMoveTogether) {
  StateStore store(std::make_unique<MemoryKv>());
  ASSERT_TRUE(store.write_genesis({{nth(1), Bytes{1}}, {nth(2), Bytes{2}}}, StateMeta{}));
  StateMeta meta;
  meta.height = Height(9);
  ASSERT_TRUE(store.write({{nth(1), std::nullopt}, {nth(3), Bytes{3}}}, meta));
  const auto loaded = store.load().value();
  EXPECT_EQ(loaded->meta.height, Height(9));
  ASSERT_EQ(loaded->entries.size(), 2U);
  EXPECT_LT(loaded->entries[0].path, loaded->entries[1].path);
}

/// A store whose second block waits in a record that a test may damage.
std::unique_ptr<MemoryKv> with_record(void (*damage)(KvBatch&)) {
  auto kv = std::make_unique<MemoryKv>();
  MemoryKv* const disk = kv.get();
  StateStore store(std::move(kv), {.min_deferred = 1});
  StateMeta meta;
  EXPECT_TRUE(store.write_genesis({{nth(1), Bytes{1}}}, meta));
  meta.height = Height(1);
  EXPECT_TRUE(store.write({{nth(2), Bytes{2}}}, meta));
  KvBatch batch;
  damage(batch);
  EXPECT_TRUE(disk->write(batch));
  return std::make_unique<MemoryKv>(disk->image());
}

TEST(StateStore, ADamagedRecordIsReported) {
  const auto intact = StateStore(with_record([](KvBatch&) {})).load().value();
  EXPECT_EQ(intact->entries.size(), 2U);
  const auto cut = StateStore(with_record([](KvBatch& batch) {
                     batch.put(as_bytes(std::string_view("d\0\0\0\0\0\0\0\1", 9)), as_bytes("short"));
                   })).load();
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().fault, Fault::kCorrupt);
  const auto ahead = StateStore(with_record([](KvBatch& batch) {
                       batch.put(as_bytes(std::string_view("d\0\0\0\0\0\0\0\2", 9)), {});
                     })).load();
  ASSERT_FALSE(ahead.has_value());
  EXPECT_EQ(ahead.error().fault, Fault::kCorrupt);
}

// A node that begins anew on a folder keeps nothing of what waited there.
TEST(StateStore, AGenesisReplacesRecordsToo) {
  StateStore store(with_record([](KvBatch& batch) { batch.erase(as_bytes("meta")); }), {.min_deferred = 1});
  EXPECT_FALSE(store.load().value().has_value());
  ASSERT_TRUE(store.write_genesis({{nth(3), Bytes{3}}}, StateMeta{}));
  const auto loaded = store.load().value();
  ASSERT_EQ(loaded->entries.size(), 1U);
  EXPECT_EQ(loaded->entries[0].path, nth(3));
}

TEST(StateStore, ADamagedMetaIsReported) {
  auto kv = std::make_unique<MemoryKv>();
  KvBatch batch;
  batch.put(as_bytes("meta"), as_bytes("short"));
  ASSERT_TRUE(kv->write(batch));
  const auto loaded = StateStore(std::move(kv)).load();
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().fault, Fault::kCorrupt);
}

}  // namespace
}  // namespace micro
