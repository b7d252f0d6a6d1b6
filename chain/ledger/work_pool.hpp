// Threads that share one list of equal pieces of work: each takes the next small chunk until none is left, the caller
// too. Splitting a list in fixed halves instead leaves one core idle whenever the other also has something else to do.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace micro {

class WorkPool {
 public:
  /// `threads` in all, the caller's included; 1 works without any of its own.
  explicit WorkPool(std::size_t threads);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  /// Calls `work(begin, end)` for chunks that together are [0, items), in any order, and returns when all are done.
  /// While another caller's work runs, this one does its own alone.
  using Work = std::function<void(std::size_t begin, std::size_t end)>;
  void each(std::size_t items, std::size_t chunk, const Work& work);

 private:
  struct Job {
    const Work* work = nullptr;
    std::size_t items = 0;
    std::size_t chunk = 0;
    std::atomic<std::size_t> next = 0;
  };
  static void take_chunks(Job& job);
  void serve();

  std::mutex callers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  Job* job_ = nullptr;
  std::uint64_t jobs_ = 0;  ///< so that a thread enters each job once
  std::size_t inside_ = 0;  ///< threads that hold the job
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace micro
