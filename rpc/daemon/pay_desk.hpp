// Paid calls on one thread of their own, where files may be synced: the payer's side (session keys, channels, vouchers)
// and the provider's side (books, receipts, claims). Neither believes the other; here they only share a thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "chain/economy/voucher.hpp"
#include "chain/execution/channel_view.hpp"
#include "chain/records/channel_record.hpp"
#include "chain/records/records.hpp"
#include "chain/types/receipt.hpp"
#include "services/gateway/events.hpp"
#include "services/payment/provider.hpp"
#include "wallet/keystore/session_store.hpp"

namespace micro {

inline constexpr std::uint64_t kFinalWaitMs = 30'000;

/// What the desk needs from the rest of the node. Safe to call from its thread; callbacks may come on any thread.
struct PayPorts {
  std::function<Result<TxId>(SignedTx)> submit;
  std::function<void(TxId, std::uint64_t timeout_ms, std::function<void(Result<TxReceipt>)>)> wait_final;
  std::function<Nonce(const Address&)> next_nonce;  ///< waiting transactions counted
  std::function<Height()> height;
  std::function<Result<std::optional<OpenedChannel>>(const ChannelId&)> channel;
  /// Answers with RunEnded, or with RunDeferred while the service is not up.
  std::function<void(payment::Run, std::function<void(payment::Event)>)> run;
  std::function<void(std::string)> warn;
};

struct PayConfig {
  std::filesystem::path folder;  ///< payer's logs and session keys
  ChainId chain;
  NetworkKind kind = NetworkKind::kDev;
  ChainParams params;
  Hash engine;
  Ed25519Secret node_key;
  Hash call_secret;
  SecretKey operating;
};

using gateway::PaidCall;
using gateway::PaidReply;

class PayDesk {
 public:
  /// Opens session keys, the payer's logs and the provider's books (`store` outlives the desk).
  static Result<std::unique_ptr<PayDesk>> open(PayConfig config, PayPorts ports, payment::PaymentStore& store,
                                               std::uint64_t noted_generation, Height tip, Random& random);
  virtual ~PayDesk() = default;

  virtual void start() = 0;
  virtual void stop() = 0;

  // All of these may be called from any thread; `done` comes on the desk's thread.
  virtual gateway::CallId call(PaidCall call, std::function<void(Result<PaidReply>)> done) = 0;
  /// Nobody waits for the answer any more (`done` comes at once): what is not signed yet is not paid for.
  virtual void leave(gateway::CallId call) = 0;
  /// A caller's own voucher.
  virtual void call_with_voucher(payment::SignedVoucher paid, CallRequest request, std::optional<CodeHash> module,
                                 std::function<void(payment::Answer)> done) = 0;
  /// After each finalized block: tip first, then the channels of this host that changed.
  virtual void tip(payment::TipAdvanced tip) = 0;
  /// This node's identity on the ledger, once it is registered.
  virtual void host_is(NodeId node) = 0;
  /// The node's offer was withdrawn (or slashed below the minimum): claim all, accept nothing; or it offers again.
  virtual void leaving(bool on) = 0;
  virtual void channels(std::vector<payment::ChannelSeen> seen, std::vector<ChannelId> gone, bool all) = 0;
  /// Transactions of the claims that are worth their fee.
  virtual void claim(std::function<void(std::vector<TxId>)> done) = 0;

  // Session keys.
  virtual void new_session(std::string label, Address owner, SessionCaps caps,
                           std::function<void(Result<SessionKey>)> done) = 0;
  virtual void sessions(std::function<void(std::vector<SessionKey>)> done) = 0;
  virtual void forget_session(Address key, std::function<void(Status)> done) = 0;
  virtual void books(std::function<void(std::vector<payment::ChannelBooks>)> done) = 0;
};

}  // namespace micro
