#include "services/payment/disk/group_commit.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace micro::payment {

struct GroupCommit::Impl {
  PaymentStore& store;
  Report report;
  std::mutex mutex;
  std::condition_variable woken;
  std::vector<Persist> queue;
  bool stopping = false;
  std::thread thread;

  Impl(PaymentStore& s, Report r) : store(s), report(std::move(r)), thread([this] { work(); }) {}

  void work() {
    std::vector<Persist> taken;
    std::vector<Write> batch;
    for (;;) {
      taken.clear();
      batch.clear();
      {
        std::unique_lock lock(mutex);
        woken.wait(lock, [this] { return stopping || !queue.empty(); });
        if (queue.empty()) return;
        taken.swap(queue);
      }
      for (Persist& p : taken) std::move(p.writes.begin(), p.writes.end(), std::back_inserter(batch));
      const Status written = store.write(batch);
      if (!written) {
        report(std::unexpected(written.error()));
        return;
      }
      report(taken.back().token);
    }
  }
};

GroupCommit::GroupCommit(PaymentStore& store, Report report)
    : impl_(std::make_unique<Impl>(store, std::move(report))) {}

GroupCommit::~GroupCommit() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->woken.notify_one();
  impl_->thread.join();
}

void GroupCommit::submit(Persist persist) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->queue.push_back(std::move(persist));
  }
  impl_->woken.notify_one();
}

}  // namespace micro::payment
