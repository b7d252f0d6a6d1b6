// Pays for calls with the node's session keys: finds or opens a channel, has a voucher signed, sends it, has the
// receipt judged. Sans-IO: events in, effects out, in order. The payer's books, keys and the ledger are behind the
// effects, so nothing here knows the wallet.
//
//   CallArrived → ChooseSession → FindLane ─┬─ a channel → SignVoucher → SendVoucher → JudgeReceipt → Finish
//                                           ├─ none, or it ends → SignOpening → SubmitOpening → TakeOver → FindLane
//                                           └─ this Idempotency-Key was paid for → Finish, or SendVoucher again
//
// A voucher is sent only after VoucherSigned, which means that it is on disk; one without an outcome is only ever sent
// again as the same bytes, and before any other is signed on its lane.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "services/gateway/events.hpp"

namespace micro::gateway {

inline constexpr std::size_t kMaxWaitingPaidCalls = 1'024;
/// A deposit covers this many calls at the call's price cap, within the session's window cap.
inline constexpr std::uint64_t kDepositCalls = 50;
inline constexpr std::uint64_t kResendAfterMs = 100;
inline constexpr std::uint32_t kMaxWaits = 100;      ///< of that time, for a host that is not ready
inline constexpr std::uint32_t kMaxAttempts = 3;     ///< to bring a lane in order before a call gives up
inline constexpr std::uint32_t kChannelBuckets = 7;  ///< a channel lasts as many, a week where a bucket is a day
/// Gas of a call whose caller names no price cap.
inline constexpr std::uint64_t kDefaultGas = 100'000'000;

class Gateway {
 public:
  /// `openings`: those that are on disk from before.
  Gateway(ChainParams params, const std::vector<OpeningNote>& openings);

  [[nodiscard]] Effects on(Event event);
  /// Calls without an end, those whose callers left included.
  [[nodiscard]] std::size_t waiting() const { return calls_.size(); }

 private:
  /// What a call waits for; any other event about it comes too late, or twice, and is passed over.
  enum class Wait : std::uint8_t {
    kSession,
    kLane,
    kForgotten,
    kTurn,     ///< in its lane's queue
    kSameKey,  ///< for the end of a call with its Idempotency-Key
    kVoucher,
    kUnresolved,
    kAnswer,
    kReceiptJudged,
    kProofJudged,
    kToppedUp,
    kTimeToProceed,
    kTimeToSend,
  };
  struct Call {
    CallId id = 0;
    PaidCall order;
    Amount max_price;
    Session session;
    Wait wait = Wait::kSession;
    bool left = false;
    bool topped_up = false;
    bool resolving = false;  ///< `promise` is that of somebody before
    std::uint32_t attempts = 0;
    std::uint32_t waits = 0;
    std::uint64_t sending = 0;
    Channel channel;
    std::optional<Promise> promise;
    std::optional<payment::Answer> answer;  ///< while it is judged
  };
  struct Lane {
    std::deque<CallId> queue;  ///< wait for a channel to open or for the lane to be free
    std::size_t active = 0;    ///< calls of this lane outside the queue
    bool opening = false;
    bool again = false;  ///< the opening is one of before
    std::optional<TxId> taking_over;
  };

  // gateway.cpp: from the arrival to the voucher
  void handle(TipAdvanced& e);
  void handle(CallArrived& e);
  void handle(CallerLeft& e);
  void handle(SessionChosen& e);
  void handle(LaneFound& e);
  void handle(ChannelForgotten& e);
  void handle(VoucherSigned& e);
  void handle(TimeIsUp& e);
  void proceed(Call& call);
  void sign(Call& call, const Channel& channel, Amount deposit);
  void queue(Call& call);
  void begin(Call& call);
  void release_key(const Call& call);
  void finish(Call& call, Result<PaidReply> reply);
  void wait(Call& call, Wait until);
  [[nodiscard]] bool is_ending(const LedgerChannel& channel) const;

  // gateway_open.cpp: channels and deposits
  void handle(OpeningSigned& e);
  void handle(OpeningEnded& e);
  void handle(TakenOver& e);
  void handle(ToppedUp& e);
  void open_channel(Call& call);
  void top_up(Call& call);
  void give_up(Lane& lane, const Error& error);
  void wake_all(Lane& lane);
  void forget_opening(const TxId& id);

  // gateway_settle.cpp: from the voucher to its outcome
  void handle(UnresolvedListed& e);
  void handle(Answered& e);
  void handle(ReceiptJudged& e);
  void handle(ProofJudged& e);
  void send(Call& call);
  void unsettled(Call& call);
  void outcome(Call& call, Result<PaidReply> reply);
  void set_aside(const Promise& promise);

  Call* find(CallId id, Wait wait);
  static LaneKey lane_of(const Call& call) { return {call.order.service, call.session.key}; }

  ChainParams params_;
  std::optional<TipAdvanced> tip_;
  std::map<CallId, Call> calls_;
  std::map<LaneKey, Lane> lanes_;
  /// By Idempotency-Key: the first of these is on its way, the others follow when it has ended.
  std::map<std::pair<LaneKey, std::string>, std::deque<CallId>> same_key_;
  std::map<TxId, OpeningNote> openings_;
  std::set<TxId> set_aside_;  // openings that the node refused to take again: they hold up no new one
  std::deque<CallId> ready_;  // go on before the event is done
  std::uint64_t sendings_ = 0;
  Effects effects_;
};

}  // namespace micro::gateway
