// The narrow waist between consensus and the ledger. The BFT engine uses it; an ABCI server
// would use the same four calls. Nothing here knows tokens.
#pragma once

#include <optional>

#include "chain/types/block.hpp"

namespace micro {

struct ProposeLimits {
  std::uint32_t max_bytes = 4u << 20;
  std::uint32_t max_txs = kMaxTxsPerBlock;
  std::vector<TxId> without = {};  ///< sorted: none of these, nor what their senders sent behind them
  std::vector<TxId> only = {};     ///< sorted: of these, unless none of them waits
};

/// Where a ledger stands: what consensus starts from.
struct ChainHead {
  ChainId chain;
  BlockId id;
  Header header;
  std::optional<Certificate> certificate;  ///< of the head; none for the genesis
  Epoch epoch;                             ///< that the next block runs in
  TimeMs epoch_started;
  std::uint32_t epoch_ms = 0;
  BlockId last_of_previous;  ///< the block that ended the epoch before; at first the genesis
};

class Ledger {
 public:
  virtual ~Ledger() = default;

  /// A block on top of `parent` from waiting transactions, executed, with all its roots. `time` exceeds the parent's.
  virtual Result<Block> propose(const BlockId& parent, TimeMs time, const ProposeLimits& limits) = 0;
  /// Runs a block that somebody else proposed; kMismatch when any root differs, kInvalid when it breaks a rule.
  /// Executing the same block again is free. The result is kept, unfinalized, until its height is finalized.
  virtual Status execute(const Block& block) = 0;
  /// Makes an executed block and its unfinalized ancestors permanent, in height order. Durable when it returns. No
  /// certificate where a later block's makes this one final too.
  virtual Status finalize(const BlockId& block, const std::optional<Certificate>& certificate) = 0;
  /// The committee of an epoch: of past ones, the current and the next, which the boundary before fixed.
  [[nodiscard]] virtual Result<ValidatorSet> validators(Epoch epoch) const = 0;
};

/// What is final, for whoever starts from it or asks for it. Safe from any thread.
class FinalChain {
 public:
  virtual ~FinalChain() = default;
  [[nodiscard]] virtual Result<ChainHead> head() const = 0;
  /// kNotFound when no final block has this id; the genesis has no block.
  [[nodiscard]] virtual Result<Block> final_block(const BlockId& id) const = 0;
  /// Of the block that ended this epoch; kNotFound while it goes on.
  [[nodiscard]] virtual Result<Certificate> boundary_certificate(Epoch epoch) const = 0;
};

}  // namespace micro
