// A machine that dies at its n-th durable write, in whichever database that falls. What was synced is on the disks; the
// process finds out by an error, as after a failed sync.
#pragma once

#include <memory>
#include <optional>

#include "chain/store/kv.hpp"

namespace micro::test {

/// Shared by all databases of one process.
struct Fuse {
  enum class Cut : std::uint8_t {
    kBefore,  ///< nothing of the write reaches the disk
    kAfter,   ///< all of it does, and nobody is told
  };
  std::optional<std::size_t> at;  ///< the write that kills, from 1; never without
  Cut cut = Cut::kBefore;
  std::size_t writes = 0;
  bool dead = false;
};

class CrashKv final : public Kv {
 public:
  CrashKv(std::shared_ptr<Kv> disk, Fuse& fuse) : disk_(std::move(disk)), fuse_(&fuse) {}

  [[nodiscard]] Result<std::optional<Bytes>> get(ByteView key) const override { return disk_->get(key); }
  Status write(const KvBatch& batch) override {
    return durable([&] { return disk_->write(batch); });
  }
  Status ingest(std::span<const KvBatch::Op> entries) override {
    return durable([&] { return disk_->ingest(entries); });
  }
  Status scan(ByteView from, ByteView until, Order order, const Visitor& visit) const override {
    return disk_->scan(from, until, order, visit);
  }

 private:
  template <class Write>
  Status durable(Write write) {
    if (fuse_->dead) return died();
    if (++fuse_->writes != fuse_->at) return write();
    fuse_->dead = true;
    if (fuse_->cut == Fuse::Cut::kAfter) TRY(write());
    return died();
  }
  static Status died() { return fail(Fault::kIo, "the machine lost its power"); }

  std::shared_ptr<Kv> disk_;
  Fuse* fuse_;
};

}  // namespace micro::test
