// A lane on disk: its lock, its log and the state that the log describes. Internal to wallet/payer.
#pragma once

#include <filesystem>

#include "wallet/disk/append_log.hpp"
#include "wallet/disk/file_lock.hpp"
#include "wallet/payer/lane.hpp"

namespace micro {

/// A log longer than this is shortened when a call is settled.
inline constexpr std::size_t kCompactLaneBytes = 4u << 20;

class LaneFile {
 public:
  /// Opens or begins the lane's log and locks it: kBusy while another process has it.
  static Result<LaneFile> open(const std::filesystem::path& folder, const PayerChannel& channel, std::uint8_t lane,
                               std::size_t compact_bytes = kCompactLaneBytes);
  static bool exists(const std::filesystem::path& folder, std::uint8_t lane);
  /// The promise of a lane that somebody else has open, as far as its log is written.
  static Result<Amount> peek_committed(const std::filesystem::path& folder, const PayerChannel& channel,
                                       std::uint8_t lane);

  [[nodiscard]] const PayerLane& lane() const { return lane_; }
  /// Durable, then applied.
  Status commit(const Entry& entry);
  /// Applied now, durable with the next commit or flush. Only for what the host would tell again: a receipt. After a
  /// crash before that, the call is pending again, and sending it again brings the same receipt.
  Status apply_now_write_later(const Entry& entry);
  Status flush();

 private:
  LaneFile(FileLock lock, AppendLog log, PayerLane lane, std::size_t compact_bytes)
      : lock_(std::move(lock)), log_(std::move(log)), lane_(std::move(lane)), compact_bytes_(compact_bytes) {}
  Status write(std::vector<Entry> entries);

  FileLock lock_;
  AppendLog log_;
  PayerLane lane_;
  std::size_t compact_bytes_;
  std::vector<Entry> unwritten_;
};

}  // namespace micro
