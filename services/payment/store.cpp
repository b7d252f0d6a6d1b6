#include "services/payment/store.hpp"

namespace micro::payment {

Bytes lane_key(RecordKind kind, const ChannelId& channel, std::uint8_t lane) {
  Encoder e;
  e.put(kind).raw(channel).put(lane);
  return e.take();
}

Bytes closing_key(const ChannelId& channel) {
  Encoder e;
  e.put(RecordKind::kClosing).raw(channel);
  return e.take();
}

Bytes meta_key() {
  return encode(RecordKind::kMeta);
}

Status MemoryStore::write(std::span<const Write> batch) {
  for (const Write& w : batch) {
    if (w.value) {
      entries_.insert_or_assign(w.key, *w.value);
    } else {
      entries_.erase(w.key);
    }
  }
  ++syncs_;
  return {};
}

Result<std::optional<Bytes>> MemoryStore::get(ByteView key) const {
  const auto found = entries_.find(to_bytes(key));
  if (found == entries_.end()) return std::optional<Bytes>{};
  return std::optional<Bytes>(found->second);
}

Status MemoryStore::scan(const std::function<Status(ByteView, ByteView)>& visit) const {
  for (const auto& [key, value] : entries_) TRY(visit(key, value));
  return {};
}

Result<StoreMeta> open_books(PaymentStore& store, std::uint64_t noted_generation, Height tip) {
  const auto stored = TRY(store.get(meta_key()));
  StoreMeta meta;
  if (stored) {
    auto decoded = decode<StoreMeta>(*stored);
    if (!decoded) return fail(Fault::kCorrupt, "payments database: " + decoded.error().message);
    if (decoded->version != meta.version) return fail(Fault::kCorrupt, "payments database of another version");
    meta = *decoded;
  }
  if (!stored || meta.generation < noted_generation) meta.fence = std::max(meta.fence, tip);
  meta.generation = std::max(meta.generation, noted_generation) + 1;
  const Write write{meta_key(), encode(meta)};
  TRY(store.write({&write, 1}));
  return meta;
}

}  // namespace micro::payment
