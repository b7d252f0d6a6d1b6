#include "chain/ledger/work_pool.hpp"

#include <algorithm>

namespace micro {

WorkPool::WorkPool(std::size_t threads) {
  for (std::size_t i = 1; i < threads; ++i) {
    threads_.emplace_back([this] { serve(); });
  }
}

WorkPool::~WorkPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkPool::take_chunks(Job& job) {
  for (;;) {
    const std::size_t start = job.next.fetch_add(job.chunk);
    if (start >= job.items) return;
    (*job.work)(start, std::min(job.items, start + job.chunk));
  }
}

void WorkPool::serve() {
  std::uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || (job_ != nullptr && jobs_ != seen); });
    if (stopping_) return;
    seen = jobs_;
    Job& job = *job_;
    ++inside_;
    lock.unlock();
    take_chunks(job);
    lock.lock();
    if (--inside_ == 0) idle_.notify_all();
  }
}

void WorkPool::each(std::size_t items, std::size_t chunk, const Work& work) {
  Job job;
  job.work = &work;
  job.items = items;
  job.chunk = chunk;
  const std::unique_lock caller(callers_, std::try_to_lock);
  if (!caller.owns_lock() || threads_.empty() || items <= chunk) return take_chunks(job);
  {
    const std::lock_guard lock(mutex_);
    job_ = &job;
    ++jobs_;
  }
  wake_.notify_all();
  take_chunks(job);
  std::unique_lock lock(mutex_);
  job_ = nullptr;  // nobody enters any more
  idle_.wait(lock, [&] { return inside_ == 0; });
}

}  // namespace micro
