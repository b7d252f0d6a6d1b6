// What the gateway hears and what it asks for. Every question is answered by one event that carries the same id.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "chain/economy/voucher.hpp"
#include "chain/types/receipt.hpp"
#include "chain/types/transaction.hpp"
#include "services/payment/provider.hpp"

namespace micro::gateway {

/// Chosen by the shell: which caller an answer belongs to.
using CallId = std::uint64_t;

/// A call that the gateway pays for.
struct PaidCall {
  ServiceId service;
  NodeId host;
  Amount price;  ///< π as the ledger has it now
  CodeHash module;
  CallRequest request;  ///< body_hash and price_epoch are filled in by the gateway
  std::optional<Amount> max_price;
  std::optional<Address> owner;  ///< whose session key pays; any that lets the gateway pay otherwise
  std::string idempotency_key;
};

struct PaidReply {
  payment::Answer answer;
  Amount charged;
};

/// Calls of one service by one session key share a channel.
struct LaneKey {
  ServiceId service;
  Address session;
  auto operator<=>(const LaneKey&) const = default;
};

/// A session key, as far as its caps matter here.
struct Session {
  Address key;
  Amount per_call_cap;
  Amount window_cap;
};

/// A channel as its payer knows it.
struct Channel {
  ChannelId id;
  Ed25519Key receipt_key;
  Nonce opening_nonce;  ///< the voucher key is derived from it
  Amount price;         ///< π, frozen
  Amount max_call_price;
};

/// The same channel as the finalized ledger has it.
struct LedgerChannel {
  bool open = false;  ///< no close was requested
  Epoch end_eff;
  Amount deposit;
};

/// A voucher that is on disk, and the request that it pays for.
struct Promise {
  Channel channel;
  payment::SignedVoucher paid;
  CallRequestRecord request;
  Bytes body;          ///< of a listed one; empty when its caller brings it
  bool again = false;  ///< it may have been sent before
};

/// What the payer's books and the ledger say about a call before it is paid.
struct Found {
  std::optional<PaidReply> kept;        ///< the answer that this Idempotency-Key got
  std::optional<Promise> known;         ///< its voucher, which has to be sent again
  std::optional<Channel> channel;       ///< of `known`, else the one that lasts longest
  std::optional<LedgerChannel> ledger;  ///< nothing: the ledger has closed `channel` for good
};

/// A signed opening that is on disk until its channel is in the books or can never be.
struct OpeningNote {
  TxId id;
  LaneKey lane;
  Height valid_until;
};

enum class Verdict : std::uint8_t { kDone, kFailed, kDropped };
struct Judgement {
  Verdict verdict = Verdict::kDone;
  std::string reason;  ///< of kDropped
};

// --- events ---
/// A finalized block. `price_per_mgas` is p of its epoch.
struct TipAdvanced {
  Epoch epoch;
  Height height;
  Amount price_per_mgas;
};
struct CallArrived {
  CallId id = 0;
  PaidCall call;
};
/// Nobody waits any more. What is not signed yet is not signed; what was signed goes on to its outcome.
struct CallerLeft {
  CallId id = 0;
};
struct SessionChosen {
  CallId id = 0;
  Result<Session> session;
};
struct LaneFound {
  CallId id = 0;
  Result<Found> found;
};
struct ChannelForgotten {
  CallId id = 0;
  Status done;
};
/// kUnknownOutcome: the lane's last voucher has to be sent again first. kBusy: it waits for its answer.
struct VoucherSigned {
  CallId id = 0;
  Result<Promise> promise;
};
struct UnresolvedListed {
  CallId id = 0;
  Result<std::vector<Promise>> promises;
};
struct Answered {
  CallId id = 0;
  std::uint64_t sending = 0;  ///< of the SendVoucher that it answers
  payment::Answer answer;
};
struct ReceiptJudged {
  CallId id = 0;
  Result<Judgement> judgement;
};
struct ProofJudged {
  CallId id = 0;
  Result<bool> learnt;  ///< the lane continues where the host proved it to be
};
struct ToppedUp {
  CallId id = 0;
  Result<TxReceipt> receipt;
};
struct OpeningSigned {
  LaneKey lane;
  Result<OpeningNote> note;
};
struct OpeningEnded {
  LaneKey lane;
  TxId id;
  bool taken = false;  ///< the node accepted it: it may come into a block
  Result<TxReceipt> receipt;
};
struct TakenOver {
  TxId id;
  Result<bool> done;  ///< false: the ledger does not have the channel …
  Height as_of;       ///< … as of this block or a later one
};
struct TimeIsUp {
  CallId id = 0;
};

using Event = std::variant<TipAdvanced, CallArrived, CallerLeft, SessionChosen, LaneFound, ChannelForgotten,
                           VoucherSigned, UnresolvedListed, Answered, ReceiptJudged, ProofJudged, ToppedUp,
                           OpeningSigned, OpeningEnded, TakenOver, TimeIsUp>;

// --- effects ---
/// → SessionChosen
struct ChooseSession {
  CallId id = 0;
  std::optional<Address> owner;
  ServiceId service;
  Amount max_price;
  Epoch epoch;
};
/// → LaneFound
struct FindLane {
  CallId id = 0;
  LaneKey lane;
  std::string idempotency_key;
  CallRequestRecord request;
  Epoch epoch;
};
/// → ChannelForgotten
struct ForgetChannel {
  CallId id = 0;
  ChannelId channel;
};
/// → VoucherSigned, once it is on disk
struct SignVoucher {
  CallId id = 0;
  LaneKey lane;
  Channel channel;
  CallRequest request;
  Amount max_price;
  CallTerms terms;
  std::string idempotency_key;
  Epoch epoch;
  Amount deposit;
};
/// → UnresolvedListed. They count as sent from then on.
struct ListUnresolved {
  CallId id = 0;
  ChannelId channel;
};
/// → Answered, as often as the network likes
struct SendVoucher {
  CallId id = 0;
  std::uint64_t sending = 0;
  payment::SignedVoucher paid;
  CallRequest request;
  CodeHash module;
};
/// → ReceiptJudged
struct JudgeReceipt {
  CallId id = 0;
  ChannelId channel;
  std::uint8_t lane = 0;
  payment::Answer answer;
};
/// → ProofJudged
struct JudgeProof {
  CallId id = 0;
  ChannelId channel;
  std::uint8_t lane = 0;
  payment::LaneProof proof;
  bool answer_is_gone = false;
};
/// The lane's voucher has no outcome yet and nobody waits for it: ListUnresolved gives it again.
struct SetAside {
  ChannelId channel;
  std::uint8_t lane = 0;
};
/// → ToppedUp
struct TopUp {
  CallId id = 0;
  LaneKey lane;
  ChannelId channel;
  Amount amount;
};
/// → OpeningSigned, once it is on disk. `open.vkey` is the shell's to fill in.
struct SignOpening {
  LaneKey lane;
  OpenChannel open;
  Amount max_call_price;
};
/// → OpeningEnded
struct SubmitOpening {
  LaneKey lane;
  TxId id;
};
/// → TakenOver. Puts the channel of an opening into the payer's books, when the ledger has it.
struct TakeOver {
  TxId id;
};
struct ForgetOpening {
  TxId id;
};
/// → TimeIsUp
struct ArmTimer {
  CallId id = 0;
  std::uint64_t after_ms = 0;
};
struct Finish {
  CallId id = 0;
  Result<PaidReply> reply;
};

using Effect =
    std::variant<ChooseSession, FindLane, ForgetChannel, SignVoucher, ListUnresolved, SendVoucher, JudgeReceipt,
                 JudgeProof, SetAside, TopUp, SignOpening, SubmitOpening, TakeOver, ForgetOpening, ArmTimer, Finish>;
using Effects = std::vector<Effect>;

}  // namespace micro::gateway
