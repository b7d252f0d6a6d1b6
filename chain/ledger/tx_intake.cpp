#include "chain/ledger/tx_intake.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>

namespace micro {
namespace {

constexpr std::size_t kTakeAtOnce = kVerifyChunk;
constexpr auto kLookAgain = std::chrono::milliseconds(200);
constexpr int kBehindEverythingElse = 10;  ///< nice

}  // namespace

TxIntake::TxIntake(LedgerImpl& ledger, const TxIntakeLimits& limits)
    : ledger_(ledger), limits_(limits), thread_([this] { run(); }) {}

TxIntake::~TxIntake() {
  stop();
}

bool TxIntake::offer(Bytes transaction) {
  {
    const std::lock_guard guard(mutex_);
    if (queued_.size() >= limits_.max_queued || queued_bytes_ + transaction.size() > limits_.max_queued_bytes) {
      return false;
    }
    queued_bytes_ += transaction.size();
    queued_.push_back(std::move(transaction));
    if (queued_.size() > 1) return true;  // its thread is awake, or waits for a block
  }
  wake_.notify_one();
  return true;
}

void TxIntake::drained() {
  {
    const std::lock_guard guard(mutex_);
    if (std::exchange(may_work_, true)) return;
  }
  wake_.notify_one();
}

void TxIntake::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

/// None when it is to stop.
std::vector<Bytes> TxIntake::take() {
  std::vector<Bytes> out;
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queued_.empty(); });
  const auto may_go_on = [this] { return stopping_ || may_work_; };
  while (!wake_.wait_for(lock, kLookAgain, may_go_on)) {
    lock.unlock();
    const bool has_room = ledger_.waiting() < limits_.max_waiting;  // not only blocks take transactions out
    lock.lock();
    may_work_ = may_work_ || has_room;
  }
  if (stopping_) return out;
  while (!queued_.empty() && out.size() < kTakeAtOnce) {
    queued_bytes_ -= queued_.front().size();
    out.push_back(std::move(queued_.front()));
    queued_.pop_front();
  }
  return out;
}

void TxIntake::run() {
  // Blocks come first: what waits for the processor here is refused soon, and what waits there stops every member.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kBehindEverythingElse);
  for (std::vector<Bytes> taken = take(); !taken.empty(); taken = take()) {
    std::vector<SignedTx> txs;
    txs.reserve(taken.size());
    for (const Bytes& bytes : taken) {
      if (auto tx = decode<SignedTx>(bytes)) txs.push_back(*std::move(tx));
    }
    ledger_.submit_batch(txs);
    {
      const std::lock_guard guard(mutex_);
      may_work_ = false;  // before the look: a block that comes in between sets it again
    }
    if (ledger_.waiting() < limits_.max_waiting) drained();
  }
}

}  // namespace micro
