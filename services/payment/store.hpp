// What the provider keeps on disk, and the port to it. One slot a lane for the call in flight and one for the last that
// ended: the payer signs call n + 1 only after it has the receipt of n, so nothing older is ever asked for.
//
//   'a' channel lane → AcceptedRecord   a promise to run it: written and synced before it runs, gone when it ended
//   'd' channel lane → EndedRecord      written and synced before its receipt leaves
//   'x' channel      → ClosingRecord    written and synced before a cooperative close is signed
//   'm'              → StoreMeta
#pragma once

#include <functional>

#include "chain/codec/fields.hpp"
#include "services/payment/call.hpp"

namespace micro::payment {

struct SignedVoucher {
  Voucher voucher;
  SchnorrSignature signature;
  static constexpr auto kFields = fields<&SignedVoucher::voucher, &SignedVoucher::signature>;
  bool operator==(const SignedVoucher&) const = default;
};

struct AcceptedRecord {
  SignedVoucher paid;
  CallRequest request;
  CodeHash module;
  CallInputs inputs;  ///< time, seed, gas limit, engine and gas price: pinned
  static constexpr auto kFields =
      fields<&AcceptedRecord::paid, &AcceptedRecord::request, &AcceptedRecord::module, &AcceptedRecord::inputs>;
  bool operator==(const AcceptedRecord&) const = default;
};

struct EndedRecord {
  SignedVoucher paid;
  CallReceipt receipt;
  Ed25519Signature receipt_signature;
  CallInputs inputs;
  CallReply reply;
  std::optional<LaneClaim> claimable;  ///< of the last call that was DONE, when this one is not
  static constexpr auto kFields = fields<&EndedRecord::paid, &EndedRecord::receipt, &EndedRecord::receipt_signature,
                                         &EndedRecord::inputs, &EndedRecord::reply, &EndedRecord::claimable>;
  bool operator==(const EndedRecord&) const = default;
};

struct ClosingRecord {
  Epoch valid_until;
  static constexpr auto kFields = fields<&ClosingRecord::valid_until>;
  bool operator==(const ClosingRecord&) const = default;
};

/// `generation` rises at every start and epoch, here first and then in a file beside the database: a database with an
/// older number than the file was restored from a copy.
struct StoreMeta {
  std::uint8_t version = 1;
  std::uint64_t generation = 0;
  Height fence;  ///< channels opened at this height or below are neither served nor claimed
  static constexpr auto kFields = fields<&StoreMeta::version, &StoreMeta::generation, &StoreMeta::fence>;
  bool operator==(const StoreMeta&) const = default;
};

enum class RecordKind : std::uint8_t { kAccepted = 'a', kEnded = 'd', kClosing = 'x', kMeta = 'm' };

Bytes lane_key(RecordKind kind, const ChannelId& channel, std::uint8_t lane);
Bytes closing_key(const ChannelId& channel);
Bytes meta_key();

struct Write {
  Bytes key;
  std::optional<Bytes> value;  ///< nothing: remove it
};

class PaymentStore {
 public:
  virtual ~PaymentStore() = default;
  /// All of it or nothing, and on disk when it returns. After an error nothing more may be written: what is on disk is
  /// unknown until the database is opened again.
  virtual Status write(std::span<const Write> batch) = 0;
  virtual Result<std::optional<Bytes>> get(ByteView key) const = 0;
  /// Every entry in order of keys.
  virtual Status scan(const std::function<Status(ByteView key, ByteView value)>& visit) const = 0;
};

/// The store of tests: a map, and a count of syncs.
class MemoryStore final : public PaymentStore {
 public:
  Status write(std::span<const Write> batch) override;
  Result<std::optional<Bytes>> get(ByteView key) const override;
  Status scan(const std::function<Status(ByteView, ByteView)>& visit) const override;
  [[nodiscard]] std::size_t syncs() const { return syncs_; }
  [[nodiscard]] const std::map<Bytes, Bytes>& entries() const { return entries_; }

 private:
  std::map<Bytes, Bytes> entries_;
  std::size_t syncs_ = 0;
};

/// Opens the books: raises the generation, and fences off all channels up to `tip` when the database is older than the
/// generation that was noted beside it. A fresh database is fenced at the tip too: it knows nothing of what came
/// before.
Result<StoreMeta> open_books(PaymentStore& store, std::uint64_t noted_generation, Height tip);

}  // namespace micro::payment
