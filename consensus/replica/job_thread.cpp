#include "consensus/replica/job_thread.hpp"

#include <algorithm>

namespace micro {

JobThread::JobThread(std::size_t levels) : waiting_(levels), thread_([this] { run(); }) {}

JobThread::~JobThread() {
  stop();
}

bool JobThread::add(std::size_t level, Job job, std::size_t most) {
  {
    const std::lock_guard guard(mutex_);
    if (stopping_ || waiting_[level].size() >= most) return false;
    waiting_[level].push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

bool JobThread::is_idle() {
  const std::lock_guard guard(mutex_);
  return !working_ && std::ranges::all_of(waiting_, [](const auto& queue) { return queue.empty(); });
}

void JobThread::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void JobThread::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      working_ = false;
      const auto next = [this] { return std::ranges::find_if(waiting_, [](const auto& q) { return !q.empty(); }); };
      wake_.wait(lock, [&] { return stopping_ || next() != waiting_.end(); });
      if (stopping_) return;
      auto& queue = *next();
      job = std::move(queue.front());
      queue.pop_front();
      working_ = true;
    }
    job();
  }
}

}  // namespace micro
