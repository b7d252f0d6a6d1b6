// Certificates that final blocks rest on, kept beyond finality: without them a fork that shows later convicts nobody.
// One file an epoch, as long as bonds answer for it and the disk budget allows. Nothing depends on it for safety: what
// is damaged is dropped, and the engine's journal does not rely on it.
#pragma once

#include <map>
#include <set>

#include "chain/types/block.hpp"
#include "consensus/journal/journal.hpp"

namespace micro {

/// A certificate of 100 members has 4.4 KB and a view leaves one or two: about 3 GiB hold a week of one view a second.
inline constexpr std::uint64_t kDefaultJustificationBytes = 4ull << 30;

class JustificationLog {
 public:
  /// `folder` exists and is the log's alone. kBusy when another process has it. Never more than `budget_bytes` on the
  /// disk, but for one record.
  static Result<std::unique_ptr<JustificationLog>> open(const std::string& folder, const ChainId& chain,
                                                        std::uint64_t budget_bytes = kDefaultJustificationBytes);

  /// From now on certificates are of this epoch; forgets epochs before `answerable_from`.
  Status begin(Epoch epoch, Epoch answerable_from);
  /// Keeps the first nullification of each view, and the first certificate of its block: a notarization or
  /// finalization. Over the budget the oldest epochs go first; where this epoch alone is too large, its further
  /// certificates are not kept, and counted.
  Status keep(const Certificate& certificate);
  /// What was kept is durable.
  Status sync() { return journal_->sync(); }
  /// Of an epoch, in the order of keeping; nothing where nothing is kept any more.
  [[nodiscard]] Result<std::vector<Certificate>> read(Epoch epoch) const;

  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::uint64_t not_kept() const { return not_kept_; }

 private:
  JustificationLog(std::string folder, std::unique_ptr<Journal> journal, std::uint64_t budget)
      : folder_(std::move(folder)), journal_(std::move(journal)), budget_(budget) {}
  Status make_room(std::uint64_t wanted);
  Status forget(Epoch epoch);
  [[nodiscard]] std::string file(Epoch epoch) const;

  std::string folder_;
  std::unique_ptr<Journal> journal_;
  std::uint64_t budget_;
  Epoch epoch_;
  std::map<Epoch, std::uint64_t> older_;  ///< bytes of the epochs before this one
  std::set<std::pair<View, bool>> kept_;  ///< whether a nullification
  std::uint64_t not_kept_ = 0;
};

}  // namespace micro
