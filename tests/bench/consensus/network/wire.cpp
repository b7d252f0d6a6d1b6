#include "tests/bench/consensus/network/wire.hpp"

#include "chain/base/clock.hpp"
#include "tests/bench/transfer_world.hpp"

namespace micro::bench {

Wire::Wire(std::uint64_t delay_us, Arrived arrived)
    : delay_ns_(delay_us * 1'000), arrived_(std::move(arrived)), thread_([this] { run(); }) {}

Wire::~Wire() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Wire::send(const Ed25519Key& from, std::shared_ptr<const Bytes> bytes) {
  {
    const std::lock_guard guard(mutex_);
    items_.push_back({SystemClock().now().ns + delay_ns_, from, std::move(bytes)});
  }
  wake_.notify_one();
}

void Wire::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !items_.empty(); });
    if (stopping_) return;
    const std::uint64_t now = SystemClock().now().ns;
    if (items_.front().due_ns > now) {
      wake_.wait_for(lock, std::chrono::nanoseconds(items_.front().due_ns - now), [this] { return stopping_; });
      continue;
    }
    const Item item = std::move(items_.front());
    items_.pop_front();
    lock.unlock();
    arrived_(item.from, must(simplex::decode_message(*item.bytes)), item.bytes->size());
    lock.lock();
  }
}

}  // namespace micro::bench
