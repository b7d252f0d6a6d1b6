// Certificates that final blocks rest on, kept beyond finality: without them a fork that shows later convicts nobody.
// Kept as long as bonds answer for their epoch and the disk budget allows.
#pragma once

#include <set>

#include "chain/codec/fields.hpp"
#include "chain/types/block.hpp"
#include "consensus/journal/epoch_log.hpp"

namespace micro {

/// A certificate of 100 members has 4.4 KB and a view leaves one or two: about 3 GiB hold a week of one view a second.
inline constexpr std::uint64_t kDefaultJustificationBytes = 4ull << 30;

/// An epoch's first record: what its certificates are checked against.
struct JustifiedEpoch {
  ChainId chain;
  Epoch epoch;
  BlockId last_of_previous;                   ///< that ended the epoch before
  ValidatorSet set;                           ///< the epoch's committee
  std::optional<Certificate> ended_previous;  ///< that block's finalization; none for the first epoch
  static constexpr auto kFields =
      fields<&JustifiedEpoch::chain, &JustifiedEpoch::epoch, &JustifiedEpoch::last_of_previous, &JustifiedEpoch::set,
             &JustifiedEpoch::ended_previous>;
};

/// What a node kept of an epoch.
struct Justifications {
  JustifiedEpoch head;
  std::vector<Certificate> certificates;  ///< in the order of keeping
};

class JustificationLog {
 public:
  /// As EpochLog::open.
  static Result<std::unique_ptr<JustificationLog>> open(const std::string& folder, const ChainId& chain,
                                                        std::uint64_t budget_bytes = kDefaultJustificationBytes);

  /// From now on certificates are of this epoch; forgets epochs before `answerable_from`.
  Status begin(const JustifiedEpoch& head, Epoch answerable_from);
  /// Keeps the first nullification of each view, and the first certificate of its block: a notarization or
  /// finalization. Over the budget the oldest epochs go first; where this epoch alone is too large, its further
  /// certificates are not kept, and counted.
  Status keep(const Certificate& certificate);
  /// What was kept is durable.
  Status sync() { return log_.sync(); }
  /// Of an epoch, in the order of keeping; nothing where nothing is kept any more.
  [[nodiscard]] Result<std::vector<Certificate>> read(Epoch epoch) const;

  [[nodiscard]] std::uint64_t bytes() const { return log_.bytes(); }
  [[nodiscard]] std::uint64_t not_kept() const { return not_kept_; }

 private:
  explicit JustificationLog(EpochLog log) : log_(std::move(log)) {}

  EpochLog log_;
  std::set<std::pair<View, bool>> kept_;  ///< whether a nullification
  std::uint64_t not_kept_ = 0;
};

/// What a node's folder of them holds of each epoch, ascending, for whoever only reads: also beside a running node, or
/// in a copy. Epochs without their first record are left out.
Result<std::vector<Justifications>> read_justifications(const std::string& folder);

}  // namespace micro
