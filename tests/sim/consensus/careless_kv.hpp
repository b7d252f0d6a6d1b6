// The real ledger's two databases, and what they would be if they were written without care.
#pragma once

#include "tests/gen/disk/rocks_machine.hpp"
#include "tests/sim/consensus/sim_ledger.hpp"

namespace micro::test {

/// Splits each batch, or holds it back until another database wrote.
class CarelessKv final : public Kv {
 public:
  explicit CarelessKv(std::unique_ptr<Kv> kv) : kv_(std::move(kv)) {}
  /// This one's batches wait for that one's.
  void wait_for(CarelessKv& other) { other.behind_ = this; }

  [[nodiscard]] Result<std::optional<Bytes>> get(ByteView key) const override { return kv_->get(key); }
  Status write(const KvBatch& batch) override {
    if (broken_disk == DiskMutant::kCommitInTwo) return write_in_two(batch);
    if (broken_disk != DiskMutant::kStateBeforeBlock) return kv_->write(batch);
    if (behind_ == nullptr) {  // the ledger's
      TRY(write_late());
      late_ = batch;
      return {};
    }
    TRY(kv_->write(batch));
    return behind_->write_late();
  }
  Status ingest(std::span<const KvBatch::Op> entries) override { return kv_->ingest(entries); }
  Status scan(ByteView from, ByteView until, Order order, const Visitor& visit) const override {
    return kv_->scan(from, until, order, visit);
  }

 private:
  Status write_late() {
    if (late_.empty()) return {};
    return kv_->write(std::exchange(late_, {}));
  }
  Status write_in_two(const KvBatch& batch) {
    KvBatch first, second;
    batch.each([&](const KvBatch::Op& op) {
      KvBatch& half = first.size() < batch.size() / 2 ? first : second;
      if (op.value) {
        half.put(op.key, *op.value);
      } else {
        half.erase(op.key);
      }
    });
    if (!first.empty()) TRY(kv_->write(first));
    return kv_->write(second);
  }

  std::unique_ptr<Kv> kv_;
  CarelessKv* behind_ = nullptr;  ///< whose batches wait for this one's
  KvBatch late_;
};

struct Databases {
  std::unique_ptr<Kv> ledger;
  std::unique_ptr<Kv> state;
};

inline Result<Databases> open_databases(RocksMachine& machine) {
  machine.disk().ignore_syncs_of(broken_disk == DiskMutant::kCommitUnsynced ? ".log" : "");
  auto ledger = std::make_unique<CarelessKv>(TRY(machine.open("/ledger", RocksUse::kLedger)));
  auto state = std::make_unique<CarelessKv>(TRY(machine.open("/state", RocksUse::kState)));
  ledger->wait_for(*state);
  return Databases{std::move(ledger), std::move(state)};
}

}  // namespace micro::test
