#include "chain/store/memory_kv.hpp"

namespace micro {

Result<std::optional<Bytes>> MemoryKv::get(ByteView key) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(to_bytes(key));
  if (it == entries_.end()) return std::optional<Bytes>{};
  return std::optional(it->second);
}

Status MemoryKv::write(const KvBatch& batch) {
  const std::lock_guard lock(mutex_);
  if (broken_) return fail(Fault::kIo, "the memory store was told to fail");
  batch.each([&](const KvBatch::Op& op) {
    if (op.value) {
      entries_.insert_or_assign(to_bytes(op.key), to_bytes(*op.value));
    } else {
      entries_.erase(to_bytes(op.key));
    }
  });
  return {};
}

Status MemoryKv::ingest(std::span<const KvBatch::Op> entries) {
  const std::lock_guard lock(mutex_);
  if (broken_) return fail(Fault::kIo, "the memory store was told to fail");
  for (const KvBatch::Op& op : entries) {
    if (op.value) {
      entries_.insert_or_assign(to_bytes(op.key), to_bytes(*op.value));
    } else {
      entries_.erase(to_bytes(op.key));
    }
  }
  return {};
}

Status MemoryKv::scan(ByteView from, ByteView until, Order order, const Visitor& visit) const {
  const Image view = image();
  auto first = view.lower_bound(to_bytes(from));
  auto last = until.empty() ? view.end() : view.lower_bound(to_bytes(until));
  if (!until.empty() && to_bytes(until) <= to_bytes(from)) return {};
  if (order == Order::kAscending) {
    for (; first != last; ++first) {
      if (!visit(first->first, first->second)) break;
    }
    return {};
  }
  while (last != first) {
    --last;
    if (!visit(last->first, last->second)) break;
  }
  return {};
}

MemoryKv::Image MemoryKv::image() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

}  // namespace micro
