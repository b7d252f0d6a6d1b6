#include "services/build/builder/files.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

namespace micro {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLockPoll{50};

std::unexpected<Error> io_error(const std::string& path) {
  return fail(Fault::kIo, path + ": " + std::strerror(errno));
}

struct Fd {
  int fd;
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
};

Status write_all(int fd, const std::string& path, ByteView content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(path);
    content = content.subspan(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return io_error(path);
  return {};
}

}  // namespace

Result<Bytes> read_file(const std::string& path, std::size_t max_bytes) {
  const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (file.fd < 0 && errno == ENOENT) return fail(Fault::kNotFound, path + " does not exist");
  if (file.fd < 0) return io_error(path);
  struct stat info{};
  if (::fstat(file.fd, &info) != 0) return io_error(path);
  if (!S_ISREG(info.st_mode)) return fail(Fault::kInvalid, path + " is not a plain file");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > max_bytes) {
    return fail(Fault::kLimit,
                path + " has " + std::to_string(size) + " bytes, the limit is " + std::to_string(max_bytes));
  }
  Bytes out(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t n = ::read(file.fd, out.data() + at, size - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Fault::kIo, path + " ends too early");
    at += static_cast<std::size_t>(n);
  }
  return out;
}

Status write_file_atomically(const std::string& path, ByteView content) {
  std::string temporary = path + ".XXXXXX";
  {
    const Fd file{::mkostemp(temporary.data(), O_CLOEXEC)};
    if (file.fd < 0) return io_error(path);
    if (const auto written = write_all(file.fd, path, content); !written) {
      ::unlink(temporary.c_str());
      return written;
    }
    ::fchmod(file.fd, 0644);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_error(path);
  const Fd folder{::open(fs::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd < 0 || ::fsync(folder.fd) != 0) return io_error(path);
  return {};
}

Status make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail(Fault::kIo, "cannot make " + path + ": " + error.message());
  return {};
}

Result<WorkFolder> WorkFolder::make(const std::string& parent) {
  TRY(make_folder(parent));
  std::string name = parent + "/work-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return io_error(parent);
  WorkFolder out;
  out.path_ = std::move(name);
  return out;
}
WorkFolder::WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
WorkFolder& WorkFolder::operator=(WorkFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}
WorkFolder::~WorkFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

void remove_stale_work(const std::string& parent) {
  std::error_code error;
  const auto yesterday = fs::file_time_type::clock::now() - std::chrono::hours(24);
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    const bool ours = entry.path().filename().string().starts_with("work-");
    const auto written = entry.last_write_time(error);
    if (ours && !error && written < yesterday) fs::remove_all(entry.path(), error);
  }
}

void keep_newest(const std::string& folder, EntryKind kind, std::size_t keep) {
  std::vector<std::pair<fs::file_time_type, fs::path>> entries;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const bool wanted = kind == EntryKind::kFolders ? entry.is_directory(error) : entry.is_regular_file(error);
    const auto written = entry.last_write_time(error);
    if (wanted && !error) entries.emplace_back(written, entry.path());
  }
  if (entries.size() <= keep) return;
  std::ranges::sort(entries);
  for (std::size_t i = 0; i < entries.size() - keep; ++i) fs::remove_all(entries[i].second, error);
}

Result<FileLock> FileLock::take(const std::string& path, const std::stop_token& stop) {
  FileLock out;
  out.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (out.fd_ < 0) return io_error(path);
  while (::flock(out.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR && errno != EWOULDBLOCK) return io_error(path);
    if (stop.stop_requested()) return fail(Fault::kInterrupted, "cancelled");
    std::this_thread::sleep_for(kLockPoll);
  }
  return out;
}
FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace micro
