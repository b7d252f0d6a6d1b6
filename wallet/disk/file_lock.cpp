#include "wallet/disk/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "wallet/disk/files.hpp"

namespace micro {

Result<FileLock> FileLock::acquire(const std::filesystem::path& path, const std::string& what) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) return fail_with_errno("cannot open", path);
  // flock belongs to this opening of the file; fcntl locks would let the same process lock it twice.
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(file));
  if (errno != EWOULDBLOCK) return fail_with_errno("cannot lock", path);
  return fail(Fault::kBusy, what + " is in use by another process", "wait for it, or stop it");
}

}  // namespace micro
