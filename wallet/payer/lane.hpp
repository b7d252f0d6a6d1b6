// One lane of a channel from the payer's side, without disk or network. The shell makes each entry durable, then
// applies it, and only then sends anything.
//
//   idle ── prepare → Signed ──► pending ── judge: DONE or FAILED → Settled (→ Answered) ──► idle
//                                  │  └──── judge: a signed lie → Dropped ──► dropped, for ever
//                                  └─ no answer: stays pending; only the same bytes are sent again
#pragma once

#include <deque>
#include <optional>

#include "wallet/payer/entry.hpp"

namespace micro {

/// Calls of which voucher and receipt are remembered, for clients that ask again.
inline constexpr std::size_t kRememberedCalls = 64;
/// Of their answers together; the oldest are forgotten first.
inline constexpr std::size_t kKeptAnswersBytes = 1u << 20;
inline constexpr std::uint64_t kDefaultAcceptMs = 60'000;

/// What the caller wants, and what the ledger says at that time.
struct CallOrder {
  CallRequestRecord request;
  ByteView body;
  Amount max_price;
  CallTerms terms;  ///< price must be the channel's; p is that of request.price_epoch
  std::string_view idempotency_key;
  Epoch now;
  TimeMs wall;
  std::uint64_t accept_ms = kDefaultAcceptMs;
};

/// What came back for a voucher.
struct CallAnswer {
  SignedReceipt receipt;
  std::optional<CallInputs> inputs;  ///< always with a DONE
  std::uint16_t status = 0;
  ByteView body;
  std::string_view content_type = {};
};

enum class CallVerdict : std::uint8_t {
  kDone,     ///< answered and charged as signed
  kFailed,   ///< not charged; the sequence number is used up; a new voucher may be signed
  kDropped,  ///< the host signed something false: it is never paid again
};

struct Judgement {
  CallVerdict verdict = CallVerdict::kDone;
  std::string reason;  ///< of kDropped
  std::vector<Entry> entries;
};

struct RememberedCall {
  SignedCall call;
  SignedReceipt receipt;
  std::optional<entry::Answered> answer;  ///< of a call with an Idempotency-Key that was DONE, while there is room
};

class PayerLane {
 public:
  static entry::Opened opening(const PayerChannel& channel, std::uint8_t lane);
  /// Folds the entries of a log. kCorrupt when one does not follow from those before it.
  static Result<PayerLane> restore(const PayerChannel& channel, std::uint8_t lane, const std::vector<Entry>& entries);

  /// Signs the next voucher; nothing may be sent before the entry is durable. kBusy while a call is pending, kDenied
  /// after a drop or the channel's end, kFunds above the payer's cap, below the least price, or when
  /// `committed_elsewhere` (the other lanes' promises) and this one exceed `deposit`. kInvalid for an order that
  /// contradicts the channel.
  [[nodiscard]] Result<entry::Signed> prepare(const SecretKey& vkey, const CallOrder& order, Amount deposit,
                                              Amount committed_elsewhere) const;

  /// Judges an answer to the pending call. kUnknownOutcome when it settles nothing: not signed by the host, or about
  /// another call. Then the same bytes are sent again, and no others.
  [[nodiscard]] Result<Judgement> judge(const CallAnswer& answer) const;

  /// Judges a corrective 402. The entry is Adopted when the host proves, with the payer's own signature, that this lane
  /// went further than its log (the log was lost, or another copy of the wallet paid), and Dropped when the host signed
  /// an account that contradicts an earlier one. kDenied without the payer's signature, kUnknownOutcome when it proves
  /// nothing new: send the pending voucher again. A proof about the pending call itself settles it when it FAILED; when
  /// it is DONE, its answer can be had by sending again and is better, for it can be checked: only with
  /// `answer_is_gone`, after the host has shown that it keeps the answer no more, is the receipt taken within the
  /// bounds of the voucher.
  [[nodiscard]] Result<Entry> judge_proof(const LaneProof& proof, bool answer_is_gone = false) const;

  /// After the entry is durable. kCorrupt when it does not follow.
  Status apply(const Entry& entry);

  [[nodiscard]] const LaneState& settled() const { return settled_; }
  [[nodiscard]] const std::optional<SignedCall>& pending() const { return pending_; }
  [[nodiscard]] const std::optional<entry::Dropped>& dropped() const { return dropped_; }
  /// The most that this lane may cost by now.
  [[nodiscard]] Amount committed() const { return pending_ ? pending_->voucher.cum : settled_.cum_charged; }
  /// The last calls, oldest first.
  [[nodiscard]] const std::deque<RememberedCall>& remembered() const { return remembered_; }
  /// A shorter log with the same state: what is forgotten is only older than remembered().
  [[nodiscard]] std::vector<Entry> compacted() const;

 private:
  PayerLane(PayerChannel channel, std::uint8_t lane) : channel_(std::move(channel)), lane_(lane) {}
  Status apply_one(const entry::Opened& e);
  Status apply_one(const entry::Signed& e);
  Status apply_one(const entry::Settled& e);
  Status apply_one(const entry::Adopted& e);
  Status apply_one(const entry::Dropped& e);
  Status apply_one(const entry::Answered& e);
  [[nodiscard]] Status check_order(const SecretKey& vkey, const CallOrder& order) const;
  [[nodiscard]] Status check_proof(const LaneProof& proof) const;

  PayerChannel channel_;
  std::uint8_t lane_ = 0;
  LaneState settled_;
  LaneState remembered_from_;  ///< totals before remembered_.front()
  std::optional<SignedCall> pending_;
  std::optional<entry::Dropped> dropped_;
  std::deque<RememberedCall> remembered_;
  std::size_t kept_bytes_ = 0;  ///< of the answers in it
};

}  // namespace micro
