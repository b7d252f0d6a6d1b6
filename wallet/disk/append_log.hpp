// A file of records that is only appended to. Each record carries a checksum over itself and everything before it, so a
// record that was lost, doubled, moved or changed is seen. Not for secrets: records are in clear.
#pragma once

#include <filesystem>
#include <vector>

#include "chain/base/fixed_bytes.hpp"
#include "wallet/disk/file_descriptor.hpp"

namespace micro {

inline constexpr std::size_t kMaxLogRecordBytes = 1u << 20;
inline constexpr std::size_t kMaxAppendLogBytes = 64u << 20;

/// What is left of a log after a crash.
struct LogContents {
  std::vector<Bytes> records;
  std::size_t valid_bytes = 0;  ///< where the next record begins
  Hash chain;                   ///< the last record's checksum
};

/// Every append is synced before the next begins, so only the last record can be torn: incomplete, failing its
/// checksum, or with a first sector that was never written. It was not acknowledged and is left out. Other damage is
/// kCorrupt.
Result<LogContents> parse_log(ByteView file);
/// The bytes that append one record to a log whose last checksum is `chain`; updates `chain`.
Bytes encode_log_record(Hash& chain, ByteView record);
/// A new log's first bytes and the checksum that its first record continues.
ByteView log_header();
Hash log_seed();

class AppendLog {
 public:
  /// Opens or creates it (0600), cuts off a torn tail and hands over the records. The caller holds a lock.
  static Result<AppendLog> open(const std::filesystem::path& path, std::vector<Bytes>& records);

  /// On disk when it returns. After a failed write or sync the log refuses everything (kIo): what the disk holds is
  /// unknown until it is opened again.
  Status append(ByteView record);
  /// Replaces all records at once, durably.
  Status rewrite(const std::vector<Bytes>& records);
  [[nodiscard]] std::size_t size_bytes() const { return size_; }

 private:
  AppendLog(std::filesystem::path path, FileDescriptor file, std::size_t size, const Hash& chain)
      : path_(std::move(path)), file_(std::move(file)), size_(size), chain_(chain) {}
  Status fail_for_good(std::string_view doing);

  std::filesystem::path path_;
  FileDescriptor file_;
  std::size_t size_ = 0;
  Hash chain_;
  bool broken_ = false;
};

}  // namespace micro
