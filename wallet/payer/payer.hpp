// Pays for calls over channels, in the order of economy: what was signed is on disk before it is sent; a call without
// an outcome is only ever sent again as the same bytes; a new voucher needs a receipt. Blocking (it syncs files) and
// for one thread at a time. Several processes may use one folder: each lane belongs to one of them.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "wallet/payer/lane.hpp"

namespace micro {

/// A voucher that is safe to send, and the request that it pays for.
struct Payment {
  SignedCall call;
  bool again = false;  ///< it may have been sent before
  /// Of find_payment: it is over, and this is what its client has to get. Nothing is sent.
  struct Kept {
    SignedReceipt receipt;
    entry::Answered answer;
  };
  std::optional<Kept> kept = std::nullopt;
};

struct PayerConfig {
  std::size_t compact_lane_bytes = 4u << 20;
};

class Payer {
 public:
  /// Makes the folder (0700) when there is none.
  static Result<Payer> open(const std::filesystem::path& folder, PayerConfig config = {});
  Payer(Payer&&) noexcept;
  Payer& operator=(Payer&&) noexcept;
  /// Writes what is unwritten, as flush does; its failure costs a resend after the next start, and no money.
  ~Payer();

  /// Keeps a channel whose OpenChannel is finalized. Again with equal terms: nothing. kRejected with other terms.
  Status add_channel(const PayerChannel& channel);
  [[nodiscard]] std::vector<PayerChannel> channels() const;
  /// The channel of `session` that pays this service now: not ended, its host not dropped; the one that lasts longest.
  [[nodiscard]] Result<PayerChannel> find_channel(const ServiceId& service, const Address& session, Epoch now) const;
  /// Forgets a channel that the ledger has closed for good. kBusy while a lane of it is in use elsewhere.
  Status forget_channel(const ChannelId& channel);

  /// Signs a voucher on a free lane and makes it durable. kBusy when each lane waits for an answer, kUnknownOutcome
  /// when the only lanes left are those that unresolved() lists; the faults of PayerLane::prepare.
  Result<Payment> pay(const ChannelId& channel, const SecretKey& vkey, const CallOrder& order, Amount deposit);
  /// The answer to a payment, judged and noted. kUnknownOutcome: as lost(), send the same bytes again.
  Result<Judgement> answer(const ChannelId& channel, std::uint8_t lane, const CallAnswer& answer);
  /// No answer came, or none that settles. The lane is set aside until its outcome is known.
  Status lost(const ChannelId& channel, std::uint8_t lane);
  /// Calls whose outcome is unknown, also from before a restart: to be sent again, byte for byte. They count as sent
  /// from here on, until answer() or lost().
  Result<std::vector<Payment>> unresolved(const ChannelId& channel);
  /// A corrective 402. True when the lane now continues where the host proved it to be; false when nothing was learnt,
  /// and the pending voucher is to be sent again. `answer_is_gone`: see PayerLane::judge_proof. kDenied: not proved.
  /// kMismatch: the host is dropped.
  Result<bool> correct(const ChannelId& channel, std::uint8_t lane, const LaneProof& proof,
                       bool answer_is_gone = false);
  /// The payment of an earlier call with this key: pending, or answered and then without its body, which the client
  /// sends anew. With its answer, if that was kept; else it is to be sent again as it was. Nothing for a key that is
  /// not remembered or whose call failed. kInvalid when it was for another request; the epoch of the gas price may
  /// differ, since a retry comes later.
  Result<std::optional<Payment>> find_payment(const ChannelId& channel, std::string_view idempotency_key,
                                              const CallRequestRecord& request);

  /// Totals by lane, for CoopClose and for people; lanes of other processes are left out.
  Result<std::vector<LaneTotal>> totals(const ChannelId& channel);
  /// The newest receipts of a lane, as evidence for a Dispute.
  Result<std::vector<SignedReceipt>> receipts(const ChannelId& channel, std::uint8_t lane);
  /// Why the host is not paid any more; empty while it is.
  [[nodiscard]] Result<std::string> drop_reason(const ChannelId& channel) const;
  Status flush();

 private:
  struct Impl;
  explicit Payer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace micro
