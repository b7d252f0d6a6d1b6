#include "consensus/journal/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace micro {

std::unexpected<Error> log_io_error(const std::string& what) {
  return fail(Fault::kIo, what + ": " + std::strerror(errno));
}

Result<Bytes> read_log(int file, const std::string& name) {
  struct stat info{};
  if (::fstat(file, &info) != 0) return log_io_error("reading " + name);
  Bytes out(static_cast<std::size_t>(info.st_size));
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(file, out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return log_io_error("reading " + name);
    done += static_cast<std::size_t>(n);
  }
  return out;
}

Status write_log(int file, ByteView bytes, std::uint64_t at, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return log_io_error("writing " + name);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Status sync_log_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return log_io_error("opening " + folder);
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!synced) return log_io_error("syncing " + folder);
  return {};
}

}  // namespace micro
