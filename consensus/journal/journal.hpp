// The engine's memory in files: one folder an epoch, one process a journal. What was appended is durable when `sync`
// returns. After any failure nothing works any more: what is on the disk is unknown, and the process has to stop.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "consensus/journal/format.hpp"

namespace micro {

/// Zeros behind the last record, written ahead: a sync then writes the record alone and not the file's new size too.
inline constexpr std::uint64_t kJournalAheadBytes = 256u << 10;

class Journal {
 public:
  static constexpr const char* kRecordsFile = "votes.log";  ///< in the epoch's folder
  /// `folder` exists. kBusy when another process signs with this journal, kMismatch when it is another chain's.
  /// `ahead_bytes`: none for one that is hardly ever synced.
  static Result<std::unique_ptr<Journal>> open(const std::string& folder, const ChainId& chain,
                                               std::uint64_t ahead_bytes = kJournalAheadBytes);
  ~Journal();

  /// The newest epoch that has a folder: none when this node never voted, or lost its memory.
  [[nodiscard]] Result<std::optional<Epoch>> newest() const;
  /// When this node last found itself without the journal of what it may have signed; nothing where it never did.
  [[nodiscard]] Result<std::optional<TimeMs>> forgot_at() const;
  /// Durable when it returns: an epoch's folder that is made afterwards looks like one of a node that remembers.
  [[nodiscard]] Status note_forgotten(TimeMs at) const;
  /// Opens the epoch's journal, making it if there is none, and removes those of epochs before `keep_from`. The records
  /// in the order of writing. kCorrupt when a synced one is damaged.
  Result<std::vector<Bytes>> start(Epoch epoch, Epoch keep_from);

  Status append(ByteView record);
  Status sync();
  /// The epoch's records are these from now on, or still the old ones after a crash.
  Status rewrite(const std::vector<Bytes>& records);
  [[nodiscard]] std::uint64_t bytes() const { return size_; }

 private:
  Journal(std::string folder, const ChainId& chain, int lock, std::uint64_t ahead_bytes)
      : folder_(std::move(folder)), chain_(chain), lock_(lock), ahead_bytes_(ahead_bytes) {}
  void close_file();
  Status load();
  Status write_ahead();
  Status begin_file(int file, JournalWriter& writer, std::uint64_t& size) const;
  Status remove_before(Epoch keep_from);
  [[nodiscard]] std::string path(Epoch epoch) const;

  std::string folder_;
  ChainId chain_;
  int lock_;
  std::uint64_t ahead_bytes_;
  int file_ = -1;
  Epoch epoch_;
  JournalWriter writer_;
  std::vector<Bytes> recovered_;
  std::uint64_t size_ = 0;        ///< of the records
  std::uint64_t file_bytes_ = 0;  ///< with the zeros
  bool unsynced_ = false;
  bool broken_ = false;
};

}  // namespace micro
