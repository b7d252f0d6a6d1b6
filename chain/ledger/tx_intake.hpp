// Where transactions of clients and peers arrive, encoded, before anybody has looked at them. What a node cannot work
// on in time is refused here, for the price of a lock: decoded and verified, it would take the processors that make
// blocks of what waits already, and the more was offered the less would become final. One thread: a sender's
// transactions stay in their order.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "chain/ledger/ledger_impl.hpp"

namespace micro {

struct TxIntakeLimits {
  std::size_t max_queued = 2'048;           ///< transactions that nobody has looked at
  std::size_t max_queued_bytes = 8u << 20;  ///< of them
  std::size_t max_waiting = 6'000;          ///< in the mempool, some blocks' worth: above, the queue stands
};

class TxIntake {
 public:
  /// `ledger` outlives the intake.
  TxIntake(LedgerImpl& ledger, const TxIntakeLimits& limits);
  ~TxIntake();
  TxIntake(const TxIntake&) = delete;
  TxIntake& operator=(const TxIntake&) = delete;

  /// False when there is no place: the newest are refused, and whoever sent them may try again.
  bool offer(Bytes transaction);
  /// Blocks took transactions out of the mempool.
  void drained();
  void stop();

 private:
  void run();
  std::vector<Bytes> take();

  LedgerImpl& ledger_;
  TxIntakeLimits limits_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Bytes> queued_;
  std::size_t queued_bytes_ = 0;
  bool may_work_ = true;  ///< the mempool had room, or a block came since
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace micro
