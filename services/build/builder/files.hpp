// Small file helpers of the builder.
#pragma once

#include <stop_token>
#include <string>

#include "chain/base/bytes.hpp"

namespace micro {

/// Reads a regular file, never through a link. Errors: kNotFound, kLimit, kIo.
Result<Bytes> read_file(const std::string& path, std::size_t max_bytes);

/// Written, synced, renamed into place: there is the whole file or the one before.
Status write_file_atomically(const std::string& path, ByteView content);

Status make_folder(const std::string& path);

/// A folder of its own below `parent`, removed with everything in it.
class WorkFolder {
 public:
  static Result<WorkFolder> make(const std::string& parent);
  WorkFolder(WorkFolder&& other) noexcept;
  WorkFolder& operator=(WorkFolder&& other) noexcept;
  ~WorkFolder();
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The caller moved it elsewhere: nothing is left to remove.
  void release() { path_.clear(); }

 private:
  WorkFolder() = default;
  std::string path_;
};

/// Removes what processes that were killed left in `parent`: work folders older than a day.
void remove_stale_work(const std::string& parent);

enum class EntryKind : unsigned char { kFolders, kFiles };
/// Removes the longest unwritten entries of one kind in `folder` until at most `keep` are left.
void keep_newest(const std::string& folder, EntryKind kind, std::size_t keep);

/// An exclusive lock on a file that is made when missing. The kernel drops it when the process ends.
class FileLock {
 public:
  /// Waits until it is free, or fails with kInterrupted.
  static Result<FileLock> take(const std::string& path, const std::stop_token& stop);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) = delete;
  ~FileLock();

 private:
  FileLock() = default;
  int fd_ = -1;
};

}  // namespace micro
