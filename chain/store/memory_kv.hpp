// A Kv in memory, for tests and for networks that live as long as a process. Copies are images of a disk.
#pragma once

#include <map>
#include <mutex>

#include "chain/store/kv.hpp"

namespace micro {

class MemoryKv final : public Kv {
 public:
  using Image = std::map<Bytes, Bytes>;
  MemoryKv() = default;
  explicit MemoryKv(Image image) : entries_(std::move(image)) {}

  [[nodiscard]] Result<std::optional<Bytes>> get(ByteView key) const override;
  Status write(const KvBatch& batch) override;
  Status ingest(std::span<const KvBatch::Op> entries) override;
  Status scan(ByteView from, ByteView until, Order order, const Visitor& visit) const override;

  [[nodiscard]] Image image() const;
  /// From now on every write fails with kIo and changes nothing, like a disk that is gone.
  void break_writes() { broken_ = true; }

 private:
  mutable std::mutex mutex_;
  Image entries_;
  bool broken_ = false;
};

}  // namespace micro
