// Preloaded into a node: the calls by which it changes its disk pass here, are counted by what they do, and one of them
// can be the node's last. The node's own program is the one that people run.
#include "tests/e2e/crash/fail_points.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

namespace micro::crash {
namespace {

Shared* g_shared = nullptr;
std::string* g_keep = nullptr;
pid_t g_pid = 0;

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

std::string path_of(int fd) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  char path[4'096];
  const ssize_t n = ::readlink(link, path, sizeof path);
  return n > 0 ? std::string(path, static_cast<std::size_t>(n)) : std::string();
}

std::string path_at(int folder, const char* name) {
  if (name[0] == '/' || folder == AT_FDCWD) return name;
  return path_of(folder) + "/" + name;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The name behind "/FOLDER/", or nothing.
std::optional<std::string_view> below(std::string_view path, std::string_view folder) {
  const std::size_t at = path.rfind(folder);
  if (at == std::string_view::npos) return std::nullopt;
  return path.substr(at + folder.size());
}

std::optional<Op> append_to(std::string_view path) {
  if (below(path, "/journal/")) {
    if (path.ends_with("/votes.log")) return Op::kJournalAppend;
    if (path.ends_with("/votes.log.new")) return Op::kRewriteAppend;
  }
  if (below(path, "/proofs/") && path.ends_with("/votes.log")) return Op::kProofAppend;
  if (!path.ends_with(".log")) return std::nullopt;
  if (below(path, "/ledger/")) return Op::kBlockWrite;
  if (below(path, "/state/")) return Op::kStateWrite;
  return std::nullopt;
}

std::optional<Op> sync_of(std::string_view path) {
  if (path.ends_with("/journal")) return Op::kEpochSync;
  if (const auto name = below(path, "/journal/"); name && is_number(*name)) return Op::kRewriteFolder;
  const auto append = append_to(path);
  if (!append) return std::nullopt;
  switch (*append) {
    case Op::kJournalAppend:
      return Op::kJournalSync;
    case Op::kRewriteAppend:
      return Op::kRewriteSync;
    case Op::kBlockWrite:
      return Op::kBlockSync;
    case Op::kStateWrite:
      return Op::kStateSync;
    case Op::kProofAppend:
      return Op::kProofSync;
    default:
      return std::nullopt;
  }
}

std::optional<Op> removal_of(std::string_view path) {
  const auto name = below(path, "/journal/");
  if (!name) return std::nullopt;
  if (is_number(*name)) return Op::kPruneFolder;
  return path.ends_with("/votes.log") ? std::optional(Op::kPruneFile) : std::nullopt;
}

[[noreturn]] void die() {
  g_shared->fired = 1;
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

/// One call: counted when it starts, and the phase in which the process has to die, if it has to.
class Passing {
 public:
  explicit Passing(std::optional<Op> op) {
    if (!op || g_shared == nullptr || ::getpid() != g_pid) return;
    const std::uint64_t index = ++g_shared->done[static_cast<std::size_t>(*op)];
    if (g_shared->armed.load() == 1 && g_shared->op == *op && g_shared->index == index) end_ = g_shared->phase;
    if (end_ == Phase::kBefore) die();
  }
  [[nodiscard]] bool is_torn() const { return end_ == Phase::kTorn; }
  template <class T>
  T after(T result) const {
    const int error = errno;
    if (end_ == Phase::kAfter) die();
    errno = error;
    return result;
  }

 private:
  std::optional<Phase> end_;
};

/// Somewhere inside, another place each time.
std::size_t torn_size(std::size_t size) {
  return size < 2 ? 0 : 1 + (g_shared->index * 7'919) % (size - 1);
}

template <class Write>
ssize_t pass_write(int fd, std::size_t size, Write write) {
  const Passing passing(append_to(path_of(fd)));
  if (passing.is_torn()) {
    write(torn_size(size));
    die();
  }
  return passing.after(write(size));
}

/// A second name for each journal, so that what was signed can be read when the node has removed it.
void keep(const char* path) {
  if (g_keep == nullptr || ::getpid() != g_pid || !below(path, "/journal/")) return;
  const std::string_view name(path);
  if (!name.ends_with("/votes.log") && !name.ends_with("/votes.log.new")) return;
  struct stat info{};
  if (::stat(path, &info) != 0) return;
  (void)::link(path, (*g_keep + "/" + std::to_string(info.st_ino)).c_str());
}

int pass_open(const char* name, const char* path, int flags, mode_t mode) {
  const int fd = real<int (*)(const char*, int, ...)>(name)(path, flags, mode);
  const int error = errno;
  if (fd >= 0 && (flags & O_CREAT) != 0) keep(path);
  errno = error;
  return fd;
}

__attribute__((constructor)) void begin() {
  const char* const file = std::getenv(kSharedVariable);
  if (file == nullptr) return;
  const int fd = ::open(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED) return;
  if (const char* const folder = std::getenv(kKeepVariable)) g_keep = new std::string(folder);
  g_pid = ::getpid();
  g_shared = static_cast<Shared*>(memory);
  for (auto& count : g_shared->done) count = 0;
  ::unsetenv("LD_PRELOAD");  // the programs that the node starts are not under test
}

}  // namespace
}  // namespace micro::crash

// NOLINTBEGIN: names and signatures are those of the C library
extern "C" {

using namespace micro::crash;

ssize_t write(int fd, const void* data, size_t size) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t)>("write");
  return pass_write(fd, size, [&](std::size_t n) { return next(fd, data, n); });
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return pass_write(fd, size, [&](std::size_t n) { return next(fd, data, n, at); });
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return pass_write(fd, size, [&](std::size_t n) { return next(fd, data, n, at); });
}

int fdatasync(int fd) {
  static const auto next = real<int (*)(int)>("fdatasync");
  const Passing passing(sync_of(path_of(fd)));
  return passing.after(next(fd));
}

int fsync(int fd) {
  static const auto next = real<int (*)(int)>("fsync");
  const Passing passing(sync_of(path_of(fd)));
  return passing.after(next(fd));
}

int rename(const char* from, const char* to) noexcept {
  static const auto next = real<int (*)(const char*, const char*)>("rename");
  const bool is_rewrite = below(from, "/journal/") && std::string_view(from).ends_with("/votes.log.new");
  const Passing passing(is_rewrite ? std::optional(Op::kRewriteRename) : std::nullopt);
  return passing.after(next(from, to));
}

int mkdir(const char* path, mode_t mode) noexcept {
  static const auto next = real<int (*)(const char*, mode_t)>("mkdir");
  const auto name = below(path, "/journal/");
  const Passing passing(name && is_number(*name) ? std::optional(Op::kEpochFolder) : std::nullopt);
  return passing.after(next(path, mode));
}

int unlinkat(int folder, const char* name, int flags) noexcept {
  static const auto next = real<int (*)(int, const char*, int)>("unlinkat");
  const Passing passing(removal_of(path_at(folder, name)));
  return passing.after(next(folder, name, flags));
}

int remove(const char* path) noexcept {
  static const auto next = real<int (*)(const char*)>("remove");
  const Passing passing(removal_of(path));
  return passing.after(next(path));
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return pass_open("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return pass_open("open64", path, flags, mode);
}
}
// NOLINTEND
