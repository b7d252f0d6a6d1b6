#include "rpc/daemon/kv_payment_store.hpp"

#include "chain/store/rocks/rocks_kv.hpp"

namespace micro {
namespace {

class KvPaymentStore final : public payment::PaymentStore {
 public:
  explicit KvPaymentStore(std::unique_ptr<Kv> kv) : kv_(std::move(kv)) {}

  Status write(std::span<const payment::Write> writes) override {
    KvBatch batch;
    for (const payment::Write& write : writes) {
      if (write.value) {
        batch.put(write.key, *write.value);
      } else {
        batch.erase(write.key);
      }
    }
    return batch.empty() ? Status{} : kv_->write(batch);
  }
  Result<std::optional<Bytes>> get(ByteView key) const override { return kv_->get(key); }
  Status scan(const std::function<Status(ByteView, ByteView)>& visit) const override {
    static constexpr std::uint8_t kFirstKey = 0;  // below every record's letter
    Status status;
    TRY(kv_->scan(ByteView(&kFirstKey, 1), {}, Kv::Order::kAscending, [&](ByteView key, ByteView value) {
      status = visit(key, value);
      return status.has_value();
    }));
    return status;
  }

 private:
  std::unique_ptr<Kv> kv_;
};

}  // namespace

Result<std::unique_ptr<payment::PaymentStore>> open_payment_books(const std::filesystem::path& folder) {
  auto kv = TRY(open_rocks_kv(folder.string(), RocksUse::kLedger));
  std::unique_ptr<payment::PaymentStore> store = std::make_unique<KvPaymentStore>(std::move(kv));
  return store;
}

}  // namespace micro
