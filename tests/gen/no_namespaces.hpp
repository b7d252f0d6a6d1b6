// A process as in a container that forbids namespaces, which is where bubblewrap cannot make a sandbox.
#pragma once

#include <sched.h>
#include <seccomp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <functional>

namespace micro::test {

/// From here on this process and its children get EPERM for every new namespace.
inline bool forbid_namespaces() {
  constexpr std::uint64_t kNamespaces =
      CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr) return false;
  bool ok = ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 0) == 0 &&
            ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
  for (std::uint64_t bit = 1; bit != 0; bit <<= 1) {
    if ((kNamespaces & bit) == 0) continue;
    const scmp_arg_cmp wanted = SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit);
    ok = ok && ::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, &wanted) == 0;
  }
  ok = ok && ::seccomp_load(filter) == 0;
  ::seccomp_release(filter);
  return ok;
}

/// Exit status of `body` in a forked process without namespaces; -1 when it did not exit.
inline int without_namespaces(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(forbid_namespaces() ? body() : 99);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace micro::test
