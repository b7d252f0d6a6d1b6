#include "chain/store/state_store.hpp"

namespace micro {
namespace {

constexpr std::size_t kGenesisBatchBytes = 8u << 20;
constexpr std::uint8_t kValueTable = 'v';

const ByteView kMetaKey = as_bytes("meta");

std::array<std::uint8_t, 33> value_key(const StatePath& path) {
  std::array<std::uint8_t, 33> key;
  key[0] = kValueTable;
  std::copy(path.data.begin(), path.data.end(), key.begin() + 1);
  return key;
}

void add(KvBatch& batch, const StatePath& path, const std::optional<Bytes>& value) {
  const auto key = value_key(path);
  if (value) {
    batch.put(key, *value);
  } else {
    batch.erase(key);
  }
}

}  // namespace

Result<std::optional<StateStore::Loaded>> StateStore::load() const {
  const auto meta = TRY(kv_->get(kMetaKey));
  if (!meta) return std::optional<Loaded>{};
  Loaded out;
  auto decoded = decode<StateMeta>(*meta);
  if (!decoded) return fail(Fault::kCorrupt, "the state's meta record: " + decoded.error().message);
  out.meta = *decoded;
  const std::array<std::uint8_t, 1> first{kValueTable};
  bool sizes_right = true;
  TRY(kv_->scan(first, after_prefix(first), Kv::Order::kAscending, [&](ByteView key, ByteView value) {
    const auto path = StatePath::from(key.subspan(1));
    sizes_right = path.has_value();
    if (sizes_right) out.entries.push_back({*path, to_bytes(value)});
    return sizes_right;
  }));
  if (!sizes_right) return fail(Fault::kCorrupt, "a key of the state has the wrong size");
  return std::optional(std::move(out));
}

Status StateStore::write_genesis(const StateDiff& diff, const StateMeta& meta) {
  const std::array<std::uint8_t, 1> first{kValueTable};
  KvBatch batch;
  batch.erase(kMetaKey);
  TRY(kv_->write(batch));
  batch = {};
  TRY(kv_->scan(first, after_prefix(first), Kv::Order::kAscending,
                [&](ByteView key, ByteView) { return batch.erase(key), true; }));
  for (const auto& [path, value] : diff) {
    add(batch, path, value);
    if (batch.bytes() < kGenesisBatchBytes) continue;
    TRY(kv_->write(batch));
    batch = {};
  }
  batch.put(kMetaKey, encode(meta));
  return kv_->write(batch);
}

Status StateStore::write(const StateDiff& diff, const StateMeta& meta) {
  KvBatch batch;
  for (const auto& [path, value] : diff) add(batch, path, value);
  batch.put(kMetaKey, encode(meta));
  return kv_->write(batch);
}

}  // namespace micro
