// The sequencer of one: the whole committee is one key. It decides when to seal a block, and signs the same statement
// that a larger committee would, so that everything behind the ledger's port works alike. No clock, no threads, no
// files of its own.
#pragma once

#include <optional>

#include "chain/types/ledger_port.hpp"

namespace micro {

/// A statement that is about to be signed, and the block it is about.
struct SignedStatement {
  Statement statement;
  Block block;
  static constexpr auto kFields = std::tuple{&SignedStatement::statement, &SignedStatement::block};
};

/// Remembers what this key signed, across crashes. consensus/journal keeps it in a file.
class StatementLog {
 public:
  virtual ~StatementLog() = default;
  /// Durable when it returns. kDenied unless it is above the last one by (epoch, view), or equal to it: a key never
  /// signs two statements for one view. Any other fault: nothing may be signed, stop.
  virtual Status record(const SignedStatement& statement) = 0;
  /// The newest that was there when the log was opened: what a start goes on from.
  [[nodiscard]] virtual const std::optional<SignedStatement>& last() const = 0;
};

struct Sealed {
  Block block;
  BlockId id;
  Certificate certificate;
};

class Sequencer {
 public:
  /// kDenied when `key` is not alone the committee of the head's epoch. A block that was signed for but not finalized,
  /// because the process died in between, is finalized now, with the same statement; `head` is where the ledger stood.
  static Result<Sequencer> start(Ledger& ledger, StatementLog& log, const Ed25519Secret& key, const ChainHead& head,
                                 const ProposeLimits& limits);

  /// Seals a block when transactions wait, or when the epoch is over: then also without any. Nothing when there is no
  /// reason. A fault is this node's own trouble: stop.
  Result<std::optional<Sealed>> step(TimeMs now, bool txs_wait);
  /// When the next step has work even if no transaction comes.
  [[nodiscard]] TimeMs epoch_end() const { return TimeMs(head_.epoch_started.value + head_.epoch_ms); }

 private:
  Sequencer(Ledger& ledger, StatementLog& log, const Ed25519Secret& key, const ChainHead& head,
            const ProposeLimits& limits)
      : ledger_(&ledger), log_(&log), key_(key), head_(head), limits_(limits) {}
  Status enter_epoch();
  Status resume();
  Result<Sealed> seal(Block block, const Statement& statement);

  Ledger* ledger_;
  StatementLog* log_;
  Ed25519Secret key_;
  ChainHead head_;
  ProposeLimits limits_;
  ValidatorSet set_;
  Hash epoch_id_;
  View parent_view_;  ///< of the head, 0 where the epoch begins
  View next_view_;
};

}  // namespace micro
