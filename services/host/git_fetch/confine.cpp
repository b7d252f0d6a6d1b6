#include "services/host/git_fetch/confine.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "services/build/source/source.hpp"

namespace micro::git {
namespace {

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM;
/// Everything of the first Landlock version: what is handled and not granted is refused.
constexpr std::uint64_t kHandled = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

Status allow(int ruleset, const std::string& path, std::uint64_t access) {
  const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return {};
  if (fd < 0) return fail(Fault::kIo, "cannot open " + path + ": " + std::strerror(errno));
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = fd;
  const long rc = ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  const int error = errno;
  ::close(fd);
  if (rc != 0) return fail(Fault::kIo, "cannot confine the fetch to " + path + ": " + std::strerror(error));
  return {};
}

}  // namespace

Status confine(const Job& job) {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = kHandled;
  const int ruleset = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
  if (ruleset < 0) return {};
  const bool local = job.kind == static_cast<std::uint8_t>(SourceKind::kLocal);
  TRY(allow(ruleset, local ? "/" : "/etc", kRead));
  // Name resolution and certificates of the system; the resolver's plugins are loaded from the libraries' folders.
  for (const char* path : {"/usr", "/lib", "/lib64", "/run/systemd/resolve", "/dev/urandom", "/dev/null"}) {
    TRY(allow(ruleset, path, path[1] == 'd' ? static_cast<std::uint64_t>(LANDLOCK_ACCESS_FS_READ_FILE) : kRead));
  }
  if (!job.ca_file.empty()) TRY(allow(ruleset, job.ca_file, LANDLOCK_ACCESS_FS_READ_FILE));
  if (!local) TRY(allow(ruleset, job.repo_dir, kRead | kWrite));
  TRY(allow(ruleset, job.tree_dir, kRead | kWrite));
  const long rc = ::syscall(SYS_landlock_restrict_self, ruleset, 0);
  const int error = errno;
  ::close(ruleset);
  if (rc != 0) return fail(Fault::kIo, std::string("cannot confine the fetch: ") + std::strerror(error));
  return {};
}

}  // namespace micro::git
