// The rules of the ledger, applied: a pure function from a view, a block's input and its transactions to receipts and a
// diff. It reads no clock and holds no state; the caller verified the signatures.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "chain/execution/context.hpp"
#include "chain/execution/policy_port.hpp"
#include "chain/execution/tx_scope.hpp"
#include "chain/state/state_view.hpp"
#include "chain/types/genesis.hpp"
#include "chain/types/receipt.hpp"

namespace micro {

struct BlockOutcome {
  std::vector<TxReceipt> receipts;     ///< of the included transactions, in order
  std::vector<Event> boundary_events;  ///< of the epoch transition
  StateDiff diff;
  bool boundary = false;
  Epoch epoch;                                  ///< that the transactions ran in
  std::optional<ValidatorSet> next_validators;  ///< of the epoch after, on boundary blocks
  struct PolicyIo {
    Bytes input;
    Bytes output;  ///< as returned by the policy; empty when it trapped
  };
  std::optional<PolicyIo> policy;  ///< when the policy ran: kept for ever for replays
};

enum class ExecutionMode : std::uint8_t {
  kValidate,  ///< a transaction that may not be included makes the block invalid (Fault::kInvalid)
  kBuild,     ///< such transactions are left out; `kept` says which stayed
};

/// Runs a block on top of `parent`. `kept`, when given, gets one entry per transaction; `facts`, when not empty, are
/// those of `txs`. Any other fault than kInvalid (kCorrupt: an invariant broke) is this node's own trouble: it must
/// stop and not vote.
Result<BlockOutcome> execute_block(const StateView& parent, const BlockInput& input, std::span<const SignedTx> txs,
                                   PolicyPort& policy, ExecutionMode mode, std::vector<bool>* kept = nullptr,
                                   std::span<const TxFacts> facts = {});

/// Everything short of execution, signature not included: kOk when a block `next` may include the transaction as the
/// one with nonce `expected` of its sender. For the mempool, which counts the sender's pending transactions itself.
TxStatus check_tx(const StateView& view, const BlockInput& next, const SignedTx& tx, Nonce expected);
/// The same for many transactions at one head: reads the parameters, the clock and the supply once.
class TxChecker {
 public:
  /// `view` outlives the checker and does not change meanwhile.
  static Result<TxChecker> open(const StateView& view, const BlockInput& next);
  TxChecker(TxChecker&&) noexcept;
  ~TxChecker();
  TxStatus check(const SignedTx& tx, const TxFacts& facts, Nonce expected);
  /// Of the transaction checked last, when it passed: what a block will take of its sender as fee (0 when the kind
  /// pays for itself and would), and what the sender has for fees.
  [[nodiscard]] Amount charge() const;
  [[nodiscard]] Amount funds() const;
  /// Reads ahead what checking these will need.
  void expect(std::span<const Address> senders);
  /// What next_nonce() says of the sender checked last, when its transaction passed.
  [[nodiscard]] Nonce sender_nonce() const;

 private:
  struct Impl;
  explicit TxChecker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};
/// Next nonce of a sender, an account or a session key: 0 when nothing is known of it. What `expected` starts from.
Nonce next_nonce(const StateView& view, const Address& sender);
/// fee_per_tx + fee_per_byte × encoded size.
Amount tx_fee(const ChainParams& params, std::size_t encoded_bytes);
/// Bytes of the encoded signed transaction.
std::size_t tx_size(const SignedTx& tx);

/// The state that a genesis describes; kInvalid says what is wrong with it.
Result<StateDiff> genesis_state(const Genesis& genesis);

}  // namespace micro
