#include "services/host/sandbox/seccomp_filter.hpp"

#include <asm/ioctls.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace micro {
namespace {

/// What compilers, linkers and a shell need: files, memory, threads, children, time. Names that an architecture lacks
/// are skipped. Not here, so refused: sockets, mount and namespaces, ptrace, keys, bpf, io_uring, modules, clocks,
/// personality.
constexpr std::string_view kAllowed =
    // files
    "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat openat2 creat "
    "close close_range stat fstat lstat newfstatat statx statfs fstatfs lseek access faccessat faccessat2 "
    "dup dup2 dup3 fcntl flock fsync fdatasync sync_file_range truncate ftruncate fallocate fadvise64 "
    "copy_file_range sendfile getdents getdents64 getcwd chdir fchdir rename renameat renameat2 mkdir "
    "mkdirat rmdir unlink unlinkat link linkat symlink symlinkat readlink readlinkat chmod fchmod "
    "fchmodat fchmodat2 chown fchown lchown fchownat umask utime utimes futimesat utimensat pipe pipe2 "
    "memfd_create "
    // waiting
    "select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 "
    "eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime signalfd4 "
    // memory
    "mmap munmap mprotect mremap madvise msync mincore brk membarrier "
    // signals
    "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigpending rt_sigtimedwait sigaltstack "
    "kill tkill tgkill pause pidfd_open pidfd_send_signal restart_syscall "
    // time
    "nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time getitimer setitimer alarm "
    "timer_create timer_settime timer_delete times getrusage "
    // processes and threads (clone is below)
    "fork vfork execve execveat exit exit_group wait4 waitid futex futex_waitv set_tid_address "
    "set_robust_list get_robust_list rseq arch_prctl prctl sched_yield sched_getaffinity "
    "sched_setaffinity sched_getparam sched_getscheduler getpriority setpriority getcpu "
    // identity: read it, and give up the one that the sandbox starts with
    "getpid gettid getppid getpgrp getpgid setpgid getsid setsid getuid geteuid getgid getegid getresuid "
    "getresgid getgroups setuid setgid setresuid setresgid setgroups capget capset "
    // limits and facts
    "getrlimit setrlimit prlimit64 sysinfo uname getrandom";

constexpr std::uint64_t kNamespaceFlags =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
/// Asking a terminal; never TIOCSTI, which types into it.
constexpr std::array<std::uint64_t, 5> kIoctls = {TCGETS, TIOCGWINSZ, FIONREAD, FIOCLEX, FIONBIO};

struct Release {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

std::unexpected<Error> filter_fail(const std::string& what, int rc) {
  return fail(Fault::kInternal, "cannot make the system call filter: " + what + ": " + std::strerror(-rc));
}

Status add_rules(scmp_filter_ctx filter) {
  std::string_view rest = kAllowed;
  while (!rest.empty()) {
    const std::string name(rest.substr(0, rest.find(' ')));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    const int number = ::seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR || number < 0) continue;
    if (const int rc = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0); rc != 0) return filter_fail(name, rc);
  }
  // clone3 hides its flags behind a pointer, so it stays refused and the C library falls back to clone.
  const scmp_arg_cmp no_namespace = SCMP_A0(SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0);
  if (const int rc = ::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &no_namespace); rc != 0) {
    return filter_fail("clone", rc);
  }
  for (const std::uint64_t request : kIoctls) {
    const scmp_arg_cmp is_it = SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffULL, request);
    if (const int rc = ::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, &is_it); rc != 0) {
      return filter_fail("ioctl", rc);
    }
  }
  return {};
}

}  // namespace

Result<int> make_seccomp_filter() {
  const Filter filter(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
  if (!filter) return filter_fail("no memory", -ENOMEM);
  if (const int rc = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS); rc != 0) {
    return filter_fail("architecture", rc);
  }
  TRY(add_rules(filter.get()));
  const int fd = ::memfd_create("seccomp", MFD_CLOEXEC);
  if (fd < 0) return filter_fail("memory file", -errno);
  const int rc = ::seccomp_export_bpf(filter.get(), fd);
  if (rc != 0 || ::lseek(fd, 0, SEEK_SET) != 0) {
    ::close(fd);
    return filter_fail("export", rc != 0 ? rc : -errno);
  }
  return fd;
}

}  // namespace micro
