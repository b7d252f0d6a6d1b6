// A thread that does one job after the other, the most urgent first.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace micro {

class JobThread {
 public:
  using Job = std::function<void()>;
  /// Jobs have levels below `levels`; those of level 0 are done first, equal ones in the order in which they came.
  explicit JobThread(std::size_t levels);
  ~JobThread();
  JobThread(const JobThread&) = delete;
  JobThread& operator=(const JobThread&) = delete;

  /// False when `most` jobs of this level wait already: then it is not done.
  bool add(std::size_t level, Job job, std::size_t most = SIZE_MAX);
  /// Nothing waits and nothing is under way: whoever alone adds jobs may do a small one itself.
  [[nodiscard]] bool is_idle();
  /// Returns when the job under way is done; those that wait are dropped.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::deque<Job>> waiting_;
  bool working_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace micro
