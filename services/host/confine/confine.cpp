#include "services/host/confine/confine.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

namespace micro {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;  // the sanitizer's own shadow is terabytes of private memory
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

std::unexpected<Error> os_error(const std::string& what) {
  return fail(Fault::kIo, what + ": " + std::strerror(errno));
}

Status limit(int resource, rlim_t value, const char* what) {
  const rlimit both{.rlim_cur = value, .rlim_max = value};
  if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &both) != 0)
    return os_error(std::string("cannot limit ") + what);
  return {};
}

// Rights of the first Landlock version: every way to touch a file.
constexpr std::uint64_t kAllRights =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
    LANDLOCK_ACCESS_FS_MAKE_SYM;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// "landlock" if it is in force, "no landlock: why" where the kernel has none.
Result<std::string> restrict_files(const std::optional<std::filesystem::path>& readable) {
  const landlock_ruleset_attr rules{.handled_access_fs = kAllRights};
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0)));
  if (ruleset.get() < 0) {
    if (errno == ENOSYS || errno == EOPNOTSUPP) return std::string("no landlock: ") + std::strerror(errno);
    return os_error("cannot make Landlock rules");
  }
  if (readable) {
    const Fd folder(::open(readable->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0) return os_error("cannot open " + readable->string());
    const landlock_path_beneath_attr rule{.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = folder.get()};
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
      return os_error("cannot add a Landlock rule");
    }
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return os_error("cannot enforce Landlock rules");
  return std::string("landlock");
}

/// What a worker that runs guests calls. Whatever is missing here fails with EPERM.
constexpr auto kAllowed = std::to_array<const char*>({"read",
                                                      "write",
                                                      "readv",
                                                      "writev",
                                                      "recvfrom",
                                                      "sendto",
                                                      "poll",
                                                      "ppoll",
                                                      "close",
                                                      "lseek",
                                                      "pread64",
                                                      "pwrite64",
                                                      "openat",
                                                      "fstat",
                                                      "newfstatat",
                                                      "statx",
                                                      "fcntl",
                                                      "dup",
                                                      "ftruncate",
                                                      "memfd_create",
                                                      "mmap",
                                                      "munmap",
                                                      "mprotect",
                                                      "madvise",
                                                      "mremap",
                                                      "brk",
                                                      "futex",
                                                      "clock_gettime",
                                                      "clock_nanosleep",
                                                      "nanosleep",
                                                      "gettimeofday",
                                                      "getpid",
                                                      "gettid",
                                                      "getrandom",
                                                      "rt_sigaction",
                                                      "rt_sigprocmask",
                                                      "rt_sigreturn",
                                                      "sigaltstack",
                                                      "restart_syscall",
                                                      "sched_yield",
                                                      "sched_getaffinity",
                                                      "set_robust_list",
                                                      "rseq",
                                                      "tgkill",
                                                      "exit",
                                                      "exit_group"});
/// How a sanitizer finds out whether an address is mapped.
constexpr auto kAllowedToSanitizers = std::to_array<const char*>({"pipe", "pipe2"});
/// What no fault of ours would ever call.
constexpr auto kDeadly = std::to_array<const char*>(
    {"execve",           "execveat",          "fork",   "vfork",   "clone",   "clone3", "ptrace",
     "process_vm_readv", "process_vm_writev", "socket", "connect", "bind",    "kill",   "bpf",
     "perf_event_open",  "userfaultfd",       "mount",  "setns",   "unshare", "keyctl", "io_uring_setup"});

struct ReleaseFilter {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};

Status add_rules(scmp_filter_ctx filter, std::uint32_t action, std::span<const char* const> names) {
  for (const char* name : names) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0) continue;  // not on this architecture
    if (const int rc = ::seccomp_rule_add(filter, action, number, 0); rc != 0) {
      return fail(Fault::kIo, std::string("cannot filter ") + name + ": " + std::strerror(-rc));
    }
  }
  return {};
}

}  // namespace

Result<std::string> confine_process(const std::optional<std::filesystem::path>& readable, std::uint64_t data_bytes,
                                    int keep_from) {
  // A parent that is gone already is noticed at the first read: its end of the socket or pipe is closed.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return os_error("cannot follow the parent");
  if (::syscall(SYS_close_range, keep_from, ~0U, 0) != 0) {
    for (int fd = keep_from; fd < ::sysconf(_SC_OPEN_MAX); ++fd) ::close(fd);
  }
  TRY(limit(RLIMIT_CORE, 0, "core dumps"));  // a dump would hold a guest's data
  TRY(limit(RLIMIT_FSIZE, 0, "file size"));
  TRY(limit(RLIMIT_NOFILE, 256, "open files"));
  if (!kSanitized) TRY(limit(RLIMIT_DATA, data_bytes, "memory"));
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return os_error("cannot refuse debuggers");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return os_error("cannot give up new privileges");
  return "rlimits, no new privileges, " + TRY(restrict_files(readable));
}

Status confine_system_calls() {
  const std::unique_ptr<void, ReleaseFilter> filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return fail(Fault::kIo, "cannot make a system call filter");
  ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  TRY(add_rules(filter.get(), SCMP_ACT_ALLOW, kAllowed));
  if (kSanitized) TRY(add_rules(filter.get(), SCMP_ACT_ALLOW, kAllowedToSanitizers));
  TRY(add_rules(filter.get(), SCMP_ACT_KILL_PROCESS, kDeadly));
  if (const int rc = ::seccomp_load(filter.get()); rc != 0) {
    return fail(Fault::kIo, std::string("cannot load the system call filter: ") + std::strerror(-rc));
  }
  return {};
}

}  // namespace micro
