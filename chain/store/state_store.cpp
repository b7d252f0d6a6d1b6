#include "chain/store/state_store.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace micro {
namespace {

constexpr std::size_t kGenesisBatchBytes = 8u << 20;
constexpr std::size_t kBesideRecordBytes = 4'096;  ///< keys of old records and the meta
constexpr std::uint8_t kValueTable = 'v';
constexpr std::uint8_t kRecordTable = 'd';
constexpr std::size_t kValueKeyBytes = 1 + StatePath::kSize;

const ByteView kMetaKey = as_bytes("meta");

std::array<std::uint8_t, kValueKeyBytes> value_key(const StatePath& path) {
  std::array<std::uint8_t, kValueKeyBytes> key;
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

std::array<std::uint8_t, 9> record_key(Height height) {
  std::array<std::uint8_t, 9> key{kRecordTable};
  for (std::size_t i = 0; i < 8; ++i) key[1 + i] = static_cast<std::uint8_t>(height.value >> (56 - 8 * i));
  return key;
}

/// Each change as the key of its value, a byte that says whether there is one, then its size and the value.
Bytes record_of(const StateDiff& diff) {
  std::size_t bytes = 0;
  for (const auto& [path, value] : diff) bytes += kValueKeyBytes + 1 + (value ? 4 + value->size() : 0);
  Bytes out;
  out.reserve(bytes);
  Encoder head;
  for (const auto& [path, value] : diff) {
    head.clear().raw(value_key(path)).put(value.has_value());
    if (value) head.put(static_cast<std::uint32_t>(value->size()));
    out.insert(out.end(), head.bytes().begin(), head.bytes().end());
    if (value) out.insert(out.end(), value->begin(), value->end());
  }
  return out;
}

/// Calls `visit` with each change; the views point into `record`.
template <class Visit>
Status each_change(ByteView record, Visit visit) {
  Decoder in(record);
  while (!in.rest().empty()) {
    KvBatch::Op op{TRY(in.take(kValueKeyBytes)), {}};
    bool has_value = false;
    std::uint32_t size = 0;
    TRY(in.get(has_value));
    if (has_value) {
      TRY(in.get(size));
      op.value = TRY(in.take(size));
    }
    visit(op);
  }
  return {};
}

/// `entries` with `changes` made; both in path order.
std::vector<StateEntry> changed(std::vector<StateEntry> entries, const StateDiff& changes) {
  if (changes.empty()) return entries;
  std::vector<StateEntry> out;
  out.reserve(entries.size() + changes.size());
  auto old = entries.begin();
  for (const auto& [path, value] : changes) {
    for (; old != entries.end() && old->path < path; ++old) out.push_back(std::move(*old));
    if (old != entries.end() && old->path == path) ++old;
    if (value) out.push_back({path, *value});
  }
  std::move(old, entries.end(), std::back_inserter(out));
  return out;
}

}  // namespace

Result<std::optional<StateStore::Loaded>> StateStore::load() {
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
  out.entries = changed(std::move(out.entries), TRY(load_records(out.meta.height)));
  return std::optional(std::move(out));
}

/// What the records say, later ones last.
Result<StateDiff> StateStore::load_records(Height head) {
  const std::array<std::uint8_t, 1> first{kRecordTable};
  waiting_.clear();
  waiting_bytes_ = 0;
  placed_.clear();
  TRY(kv_->scan(first, after_prefix(first), Kv::Order::kAscending, [&](ByteView key, ByteView value) {
    Height height;
    for (const std::uint8_t byte : key.subspan(1)) height.value = height.value << 8 | byte;
    waiting_.push_back({height, to_bytes(value)});
    waiting_bytes_ += value.size();
    return true;
  }));
  if (!waiting_.empty() && waiting_.back().height > head) {
    return fail(Fault::kCorrupt, "the state holds changes of a block above its own height");
  }
  StateDiff all;
  for (const Record& record : waiting_) {
    const auto read = each_change(record.changes, [&](const KvBatch::Op& op) {
      StatePath path;
      std::copy(op.key.begin() + 1, op.key.end(), path.data.begin());
      all.insert_or_assign(path, op.value ? std::optional(to_bytes(*op.value)) : std::nullopt);
    });
    if (!read) return fail(Fault::kCorrupt, "the state's changes of block " + record.height.text() + " do not decode");
  }
  return all;
}

Status StateStore::write_genesis(const StateDiff& diff, const StateMeta& meta) {
  waiting_.clear();
  waiting_bytes_ = 0;
  placed_.clear();
  KvBatch batch;
  batch.erase(kMetaKey);
  TRY(kv_->write(batch));
  batch = {};
  for (const std::uint8_t table : {kRecordTable, kValueTable}) {
    const std::array<std::uint8_t, 1> first{table};
    TRY(kv_->scan(first, after_prefix(first), Kv::Order::kAscending,
                  [&](ByteView key, ByteView) { return batch.erase(key), true; }));
  }
  const bool in_files = diff.size() >= limits_.min_deferred;
  if (in_files) TRY(kv_->write(std::exchange(batch, {})));
  const auto store = [&] {
    std::vector<KvBatch::Op> entries;
    batch.each([&](const KvBatch::Op& op) { entries.push_back(op); });
    const Status stored = in_files ? kv_->ingest(entries) : kv_->write(batch);
    batch = {};
    return stored;
  };
  for (const auto& [path, value] : diff) {
    add(batch, path, value);
    if (batch.bytes() >= kGenesisBatchBytes) TRY(store());
  }
  if (in_files) TRY(store());
  batch.put(kMetaKey, encode(meta));
  return kv_->write(batch);
}

// While any values wait, all do: a later one that went to its place at once would be overwritten by them.
Status StateStore::write(const StateDiff& diff, const StateMeta& meta) {
  const bool waits = !waiting_.empty() || diff.size() >= limits_.min_deferred;
  KvBatch batch;
  Record record{meta.height, {}};
  if (waits) {
    record.changes = record_of(diff);
    batch.reserve(placed_.size() + 2, record.changes.size() + kBesideRecordBytes);
    batch.put(record_key(meta.height), record.changes);
  } else {
    for (const auto& [path, value] : diff) add(batch, path, value);
  }
  for (const Height height : placed_) batch.erase(record_key(height));
  batch.put(kMetaKey, encode(meta));
  TRY(kv_->write(batch));
  placed_.clear();
  if (!waits) return {};
  waiting_bytes_ += record.changes.size();
  waiting_.push_back(std::move(record));
  if (waiting_bytes_ < limits_.max_bytes && waiting_.size() < limits_.max_blocks) return {};
  return place_values();
}

// The records are removed with the next block's batch. Until then each start makes their changes again, on top of
// themselves.
Status StateStore::place_values() {
  std::vector<KvBatch::Op> changes;                            // the oldest first
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;  // sorted by what fits into a word first
  for (const Record& record : waiting_) {
    TRY(each_change(record.changes, [&](const KvBatch::Op& op) {
      order.emplace_back(first_bytes(op.key.subspan(1)), static_cast<std::uint32_t>(changes.size()));
      changes.push_back(op);
    }));
  }
  const auto compare = [&](std::uint32_t a, std::uint32_t b) {
    return std::memcmp(changes[a].key.data(), changes[b].key.data(), kValueKeyBytes);
  };
  std::ranges::sort(order, [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    const int keys = compare(a.second, b.second);
    return keys != 0 ? keys < 0 : a.second < b.second;
  });
  std::vector<KvBatch::Op> last;
  last.reserve(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool overwritten = i + 1 < order.size() && order[i].first == order[i + 1].first &&
                             compare(order[i].second, order[i + 1].second) == 0;
    if (!overwritten) last.push_back(changes[order[i].second]);
  }
  TRY(kv_->ingest(last));
  for (const Record& record : waiting_) placed_.push_back(record.height);
  waiting_.clear();
  waiting_bytes_ = 0;
  return {};
}

}  // namespace micro
