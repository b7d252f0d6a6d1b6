// Transactions of bodies that this node proposed and whose view ended without certifying them, while others' were
// certified soon after. One of them may be why: it executes differently elsewhere, or takes too long. They stay out of
// this node's next bodies and come back alone, in a body of their own, half as many each time they fail again; so one
// that is poison ends up by itself and is tried ever more seldom, and the others are in a block soon. Other leaders do
// not wait for that.
#pragma once

#include <deque>
#include <vector>

#include "chain/types/transaction.hpp"

namespace micro::simplex {

inline constexpr std::size_t kMaxHeldBackTxs = 65'536;      ///< beyond, those held back the longest go free
inline constexpr std::uint32_t kMaxHeldBackDoublings = 10;  ///< of the own bodies between two attempts

class HeldBack {
 public:
  /// Who comes back in a body of its own, and how often each has failed.
  struct Attempt {
    std::vector<TxId> txs;
    std::uint32_t failures = 0;
  };

  /// The transactions of such a body, in its order, that had failed `failures` times before.
  void failed(std::vector<TxId> txs, std::uint32_t failures);
  /// What the next own body is to hold, `max_txs` at most; nothing is due: whatever else waits. Where nothing does,
  /// what failed only once is due at any time: mostly nothing was wrong with it.
  [[nodiscard]] Attempt due(std::size_t max_txs, bool nothing_else = false) const;
  /// An own body is proposed, with this attempt.
  void proposed(const Attempt& attempt);
  /// All of them, sorted.
  [[nodiscard]] std::vector<TxId> txs() const;
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Group {
    std::vector<TxId> txs;
    std::uint64_t due = 0;  ///< the number of the own body
    std::uint32_t failures = 0;
  };
  void hold(std::vector<TxId> txs, std::uint64_t due, std::uint32_t failures);

  std::deque<Group> groups_;  ///< in the order of failing
  std::size_t size_ = 0;
  std::uint64_t bodies_ = 0;  ///< that this node has proposed
  bool was_attempt_ = false;  ///< the last of them: what never failed has every second one
};

}  // namespace micro::simplex
