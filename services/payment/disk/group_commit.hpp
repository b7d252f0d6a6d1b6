// Many promises, one sync. Persist effects queue up while the disk is busy with those before them and then go down as
// one batch: at a sync of a few milliseconds this is what makes thousands of paid calls a second possible.
#pragma once

#include <functional>
#include <memory>

#include "services/payment/provider.hpp"

namespace micro::payment {

class GroupCommit {
 public:
  /// Called on the committer's thread, in order: the last token on disk, or why the disk failed. After a failure
  /// nothing more is written: the node must stop serving paid calls until it is started again.
  using Report = std::function<void(Result<std::uint64_t> through)>;

  /// `store` outlives this; nothing else writes to it meanwhile.
  GroupCommit(PaymentStore& store, Report report);
  /// Writes what was submitted before it ends.
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  /// From one thread, in the provider's order.
  void submit(Persist persist);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace micro::payment
