// The host's side of paid calls: which voucher is accepted, what is written before what is said, what is claimed when.
// Sans-IO: events in, effects out, in order. The shell performs them and reports back; it may gather the writes of many
// Persist effects into one synced batch and report only the last token.
//
//   CallArrived → Persist(ACCEPTED) → [Persisted] → Run → [RunEnded] → Persist(ended) → [Persisted] → Respond
//
// A promise is on disk before the work starts and an end is on disk before its receipt leaves, so that a crash at any
// point neither runs a call twice with two results, nor loses what was earned, nor signs two receipts for one number.
#pragma once

#include <deque>
#include <unordered_map>

#include "chain/economy/channel.hpp"
#include "chain/economy/voucher.hpp"
#include "chain/types/transaction.hpp"
#include "services/payment/store.hpp"

namespace micro::payment {

/// How long a promised call waits for its service before it fails and costs nothing.
inline constexpr std::uint64_t kMaxDeferMs = 600'000;

/// Chosen by the shell: which waiting caller an answer belongs to.
using CallId = std::uint64_t;

struct ProviderConfig {
  ChainId chain;
  NodeId node;
  Ed25519Secret node_key;
  Hash seed_secret;  ///< makes the calls' random seeds unpredictable for callers
  Hash engine;       ///< engine version and configuration
  ChainParams params;
  std::uint32_t claim_fees = 100;     ///< claim when the host's part is worth this many fees of a claim
  std::uint32_t max_running = 1'024;  ///< calls accepted and not ended, over all channels
  std::uint32_t max_resends = 16;     ///< stored answers given for one number
  std::uint64_t max_stored_bytes = 1ULL << 30;
  std::uint32_t close_valid_epochs = 2;  ///< how long a signed cooperative close may be submitted
};

// --- events ---
/// A channel of this host, new or changed, as the finalized ledger has it.
struct ChannelSeen {
  ChannelRecord record;
  Epoch end_eff;
};
struct ChannelGone {
  ChannelId channel;
};
/// All channels of this host were seen: what is stored about others is forgotten.
struct LedgerRead {};
/// A finalized block. `price_per_mgas` is p of its epoch.
struct TipAdvanced {
  Epoch epoch;
  TimeMs time;
  Amount price_per_mgas;
};
struct CallArrived {
  CallId id = 0;
  SignedVoucher paid;
  CallRequest request;
  std::optional<CodeHash> module;  ///< the version that would answer, when it is ready here
  bool signature_checked = false;  ///< the shell verified it already, with voucher_key()
};
struct Persisted {
  std::uint64_t through = 0;  ///< token of the last Persist that is on disk
};
struct RunKey {
  ChannelId channel;
  std::uint8_t lane = 0;
  std::uint64_t seq = 0;
};
struct RunEnded {
  RunKey call;
  RunOutcome outcome = RunOutcome::kHostFailed;
  Gas gas;  ///< of the run alone, without intrinsic gas
  CallReply reply;
};
/// The service cannot run here at this moment (the node has just started, the worker died): asked again with the next
/// block, and given up after kMaxDeferMs.
struct RunDeferred {
  RunKey call;
};
/// The payer asks for a cooperative close. Signed by the channel's vkey over close_ask_hash.
struct CloseAsked {
  CallId id = 0;
  ChannelId channel;
  SchnorrSignature signature;
};
/// The offer is about to be withdrawn or the node to be drained: claim everything, accept nothing. Off when the node
/// offers its resources again.
struct Draining {
  bool on = true;
};
/// The owner wants its earnings on the ledger: claim whatever is worth more than the claim's fee, once.
struct ClaimAsked {};

using Event = std::variant<ChannelSeen, ChannelGone, LedgerRead, TipAdvanced, CallArrived, Persisted, RunEnded,
                           RunDeferred, CloseAsked, Draining, ClaimAsked>;

// --- effects ---
struct Persist {
  std::uint64_t token = 0;
  std::vector<Write> writes;
};
struct Run {
  RunKey call;
  CallRequest request;
  CodeHash module;
  CallInputs inputs;
  Gas gas_limit;  ///< for the run alone: inputs.gas_limit without intrinsic gas
};
struct SignedReceipt {
  CallReceipt receipt;
  Ed25519Signature signature;
};
/// The lane's last call, by which a payer that lost its records finds its place again: both sides signed it.
struct LaneProof {
  SignedVoucher paid;
  SignedReceipt receipt;
};
struct Answer {
  std::uint16_t status = 0;              ///< of HTTP
  CallReply reply;                       ///< with a receipt: of the service when DONE, why not when FAILED
  std::optional<SignedReceipt> receipt;  ///< when the number is used up: DONE or FAILED
  CallInputs inputs;                     ///< with the receipt of a DONE call
  std::optional<LaneProof> lane;         ///< with a 402 or 429 to a caller who proved to be the payer
  std::string problem;                   ///< a sentence, when there is no receipt
  std::uint32_t retry_after_s = 0;       ///< with 503: send the same bytes again
};
struct Respond {
  CallId id = 0;
  Answer answer;
};
/// The shell wraps it into a transaction of the node's owner.
struct SubmitClaim {
  Claim claim;
};
struct SubmitFinalize {
  ChannelId channel;
};
struct CloseSigned {
  CallId id = 0;
  Result<CoopClose> close;
};

using Effect = std::variant<Persist, Run, Respond, SubmitClaim, SubmitFinalize, CloseSigned>;
using Effects = std::vector<Effect>;

/// What the books of one channel say, beside what the ledger knows of it.
struct ChannelBooks {
  ChannelId channel;
  ServiceId service;
  Address payer;
  std::uint64_t calls = 0;  ///< that ended; one that FAILED counts and costs nothing
  Amount charged;           ///< by all of them
  Amount base_fee;          ///< the part of it that pays gas
  Amount earned;            ///< the host's part of what was charged
  Amount claimable;         ///< the part of it that no claim on the ledger covers; zero when this host cannot claim
  Amount claim_fee;         ///< what a claim of that would cost; the host claims only what is worth more
  bool claim_sent = false;  ///< a claim is on its way, or was lately: until the ledger shows it or the epoch ends
};

class Provider {
 public:
  /// `store` is only read, for stored answers; it outlives the provider.
  Provider(ProviderConfig config, const PaymentStore& store);

  /// Once, before the first event: reads the books. What was accepted runs again when its channel is seen.
  Status recover(const StoreMeta& meta);
  [[nodiscard]] Effects on(const Event& event, TimeMs now);

  /// The key that signs a channel's vouchers, for shells that verify on other threads.
  [[nodiscard]] const XOnlyKey* voucher_key(const ChannelId& channel) const;
  [[nodiscard]] std::size_t running() const { return running_; }
  [[nodiscard]] std::uint64_t stored_bytes() const { return stored_bytes_; }
  /// Of every channel that the ledger has, by id. The same before and after a restart.
  [[nodiscard]] std::vector<ChannelBooks> books() const;

 private:
  enum class Phase : std::uint8_t { kIdle, kAccepting, kRunning, kEnding };
  struct Lane {
    Phase phase = Phase::kIdle;
    LaneState totals;                      // after the last call that ended
    std::optional<LaneProof> last;         // the last call that ended
    std::optional<LaneClaim> claimable;    // of the last call that was DONE
    std::optional<AcceptedRecord> flight;  // while not idle
    std::optional<EndedRecord> ending;     // while its record is on its way to the disk
    std::optional<CallId> caller;          // who waits for the call in flight
    std::uint32_t resends = 0;
    std::optional<TimeMs> deferred;  // since when the call in flight waits for its service
    std::uint64_t accepted_bytes = 0;
    std::uint64_t ended_bytes = 0;
  };
  struct Channel {
    std::optional<ChannelRecord> record;  // nothing: known only from the books so far
    Epoch end_eff;
    bool fenced = false;
    std::optional<Epoch> closing;  // valid_until of a cooperative close
    bool closing_synced = false;
    std::optional<CallId> close_caller;
    std::vector<Lane> lanes;
    std::optional<Epoch> claim_sent;  // epoch of the last claim that the ledger does not show yet
    std::optional<Epoch> finalize_sent;
  };
  struct Pending {  // what a token on disk allows
    enum class What : std::uint8_t { kAccepted, kEnded, kClosing, kNothing };
    std::uint64_t token = 0;
    What what = What::kNothing;
    RunKey call;
  };
  struct Refusal {
    std::uint16_t status = 0;
    std::string problem;
    std::uint32_t retry_after_s = 0;
  };
  using Admission = std::expected<Gas, Refusal>;  // the gas limit of the call

  void on_channel(const ChannelSeen& e);
  void on_gone(const ChannelId& id);
  void on_ledger_read();
  void on_tip(const TipAdvanced& e);
  void on_call(const CallArrived& e, TimeMs now);
  void on_persisted(std::uint64_t through);
  void on_run_ended(const RunEnded& e);
  void on_close_asked(const CloseAsked& e);
  void on_run_deferred(const RunDeferred& e, TimeMs now);
  void run_deferred(TimeMs now);
  void on_draining(bool on);

  // admission (provider.cpp)
  void look_up(const CallArrived& e, const ChannelRecord& record, Lane& lane);
  void resend(const CallArrived& e, Lane& lane);
  [[nodiscard]] std::optional<Refusal> check_bytes(const CallArrived& e) const;
  [[nodiscard]] std::optional<Refusal> check_readiness(const CallArrived& e, TimeMs now) const;
  [[nodiscard]] Admission admit(const CallArrived& e, const Channel& channel, TimeMs now) const;
  [[nodiscard]] std::optional<Refusal> check_amounts(const SignedVoucher& paid, const Channel& channel) const;
  void accept(const CallArrived& e, Lane& lane, Gas gas_limit, TimeMs now);
  void respond(CallId id, Answer answer);
  [[nodiscard]] std::optional<Amount> gas_price(Epoch epoch) const;

  // the end of a call (provider_end.cpp)
  void start(Lane& lane);
  void end_call(Lane& lane, CallReceipt receipt, const CallInputs& inputs, CallReply reply);
  void fail_call(const CallArrived& e, Lane& lane, std::uint16_t status, std::string_view problem);
  void finish(Channel& channel, Lane& lane);
  [[nodiscard]] CallReceipt receipt_of(const Lane& lane, const SignedVoucher& paid) const;

  // claims and closes (provider_claim.cpp)
  void consider_claim(Channel& channel);
  void consider_close(Channel& channel);
  void consider_finalize(Channel& channel);
  [[nodiscard]] bool is_urgent(const Channel& channel) const;
  [[nodiscard]] std::uint32_t margin_epochs() const;

  void persist(std::vector<Write> writes, Pending::What what, const RunKey& call);
  void account(std::uint64_t& of_lane, std::uint64_t bytes);
  Lane* find_lane(const RunKey& call);
  Status recover_entry(ByteView key, ByteView value);
  Status recover_accepted(Lane& lane, const ChannelId& id, std::uint8_t number, AcceptedRecord record,
                          std::size_t bytes);
  Status recover_ended(Lane& lane, const ChannelId& id, std::uint8_t number, const EndedRecord& record,
                       std::size_t bytes);
  void take_over(Channel& channel);
  void let_go(Lane& lane);

  ProviderConfig config_;
  const PaymentStore& store_;
  std::unordered_map<ChannelId, Channel> channels_;
  std::deque<Pending> pending_;
  std::uint64_t next_token_ = 1;
  Effects effects_;
  Height fence_;
  std::optional<TipAdvanced> tip_;
  std::optional<Amount> previous_price_;  // p of the epoch before
  std::vector<RunKey> deferred_;          // calls whose service was not ready
  std::size_t running_ = 0;
  std::uint64_t stored_bytes_ = 0;
  bool draining_ = false;
  bool claim_asked_ = false;  // while ClaimAsked is handled
};

}  // namespace micro::payment
