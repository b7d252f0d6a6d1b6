#pragma once

#include <filesystem>
#include <string>

#include "chain/base/result.hpp"
#include "wallet/disk/file_descriptor.hpp"

namespace micro {

/// An exclusive lock of one process on a file that exists for nothing else. The system drops it when the process ends,
/// however it ends. A second lock on the same file is refused in the same process too.
class FileLock {
 public:
  /// kBusy when somebody holds it; `what` names the thing in the message ("lane 3 of channel 8f…").
  static Result<FileLock> acquire(const std::filesystem::path& path, const std::string& what);

 private:
  explicit FileLock(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

}  // namespace micro
