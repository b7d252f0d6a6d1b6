// The provider's books in a database of their own, and the number beside it that tells an old copy from the original.
#pragma once

#include <filesystem>
#include <memory>

#include "chain/store/kv.hpp"
#include "services/payment/store.hpp"

namespace micro::payment {

/// A PaymentStore on any Kv. `kv` outlives it.
class KvStore final : public PaymentStore {
 public:
  explicit KvStore(Kv& kv) : kv_(kv) {}
  Status write(std::span<const Write> batch) override;
  Result<std::optional<Bytes>> get(ByteView key) const override;
  Status scan(const std::function<Status(ByteView, ByteView)>& visit) const override;

 private:
  Kv& kv_;
};

/// The generation that was noted in `file`; 0 when there is none yet. kCorrupt when it is not a number.
Result<std::uint64_t> read_generation(const std::filesystem::path& file);
/// Replaces the file as a whole and syncs it. After the database holds the same number, never before.
Status note_generation(const std::filesystem::path& file, std::uint64_t generation);

/// open_books with the number kept in `file`: reads it, opens, notes the new one. Also to be called at each new epoch,
/// so that a copy older than an epoch is recognised; the provider goes on with the fence it started with.
Result<StoreMeta> open_books(PaymentStore& store, const std::filesystem::path& file, Height tip);

}  // namespace micro::payment
