// Records by epoch within a disk budget: one file an epoch, removed when nothing can be done with it any more, or when
// there is no room. Nothing depends on it for safety: what is damaged is dropped.
#pragma once

#include <map>

#include "consensus/journal/journal.hpp"

namespace micro {

class EpochLog {
 public:
  /// `folder` exists and is the log's alone. kBusy when another process has it. Never more than `budget_bytes` on the
  /// disk, but for one record.
  static Result<EpochLog> open(const std::string& folder, const ChainId& chain, std::uint64_t budget_bytes);

  /// From now on records are of this epoch; those of epochs before `keep_from` go. What this epoch has already, in the
  /// order of writing.
  Result<std::vector<Bytes>> begin(Epoch epoch, Epoch keep_from);
  /// False when there is no room for it: over the budget the oldest epochs go first, but never this one.
  Result<bool> append(ByteView record);
  /// What was appended is durable.
  Status sync() { return journal_->sync(); }
  /// Of an epoch, in the order of writing; nothing where nothing is kept any more.
  [[nodiscard]] Result<std::vector<Bytes>> read(Epoch epoch) const;

  /// The epochs before this one that are kept, the oldest first.
  [[nodiscard]] std::vector<Epoch> older() const;
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  EpochLog(std::string folder, const ChainId& chain, std::unique_ptr<Journal> journal, std::uint64_t budget)
      : folder_(std::move(folder)), chain_(chain), journal_(std::move(journal)), budget_(budget) {}
  Status make_room(std::uint64_t wanted);
  Status forget(Epoch epoch);

  std::string folder_;
  ChainId chain_;
  std::unique_ptr<Journal> journal_;
  std::uint64_t budget_;
  Epoch epoch_;
  std::map<Epoch, std::uint64_t> older_;  ///< with the bytes of each
};

/// The epochs that a folder of such a log has something of, ascending.
Result<std::vector<Epoch>> epochs_of_log(const std::string& folder);
/// What a folder of such a log holds of an epoch, for whoever only reads; nothing where there is none.
Result<std::vector<Bytes>> read_epoch_log(const std::string& folder, Epoch epoch);

}  // namespace micro
