#include "services/host/sandbox/sandbox.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>

#include "chain/base/check.hpp"
#include "chain/base/random.hpp"
#include "services/host/process/lines.hpp"
#include "services/host/process/process.hpp"
#include "services/host/sandbox/seccomp_filter.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBwrap = "/usr/bin/bwrap";
constexpr const char* kPrlimit = "/usr/bin/prlimit";
constexpr const char* kSetpriv = "/usr/bin/setpriv";
constexpr int kSeccompFd = 4;
constexpr int kResultFd = 3;
/// Started as root, the program gets an account of its own from a range that Debian leaves unused: the kernel does not
/// count root's processes against a limit. Several builds at once rarely share one, and then only the count.
constexpr std::uint32_t kFirstAccount = 60'600;
constexpr std::uint32_t kAccounts = 500;
/// Programs, libraries and headers; not /usr/local, /usr/share, /etc or anything of the machine's own.
constexpr std::array kSystemFolders = {"/usr/bin",   "/usr/lib",     "/usr/lib32",
                                       "/usr/lib64", "/usr/libexec", "/usr/include"};
constexpr std::array kOldFolders = {"/bin", "/lib", "/lib32", "/lib64"};

bool as_root() {
  return ::geteuid() == 0;
}

class Arguments {
 public:
  void add(std::initializer_list<std::string> items) { all_.insert(all_.end(), items); }
  void add(const std::vector<std::string>& items) { all_.insert(all_.end(), items.begin(), items.end()); }
  [[nodiscard]] std::vector<std::string> take() { return std::move(all_); }

 private:
  std::vector<std::string> all_;
};

void add_isolation(Arguments& out) {
  out.add({kBwrap, "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL", "--hostname", "build"});
  if (as_root()) {
    // Root needs no user namespace, and without one the account below is a real one that limits apply to.
    out.add({"--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"});
    out.add({"--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"});
  } else {
    out.add({"--unshare-all", "--unshare-user", "--disable-userns"});
  }
  out.add({"--seccomp", std::to_string(kSeccompFd)});
}

void add_files(Arguments& out, const SandboxSpec& spec) {
  out.add({"--perms", "0755", "--dir", "/usr"});  // a folder that a bind makes on its way is for its owner only
  for (const char* folder : kSystemFolders) out.add({"--ro-bind-try", folder, folder});
  for (const char* folder : kOldFolders) {
    std::error_code error;
    const fs::path target = fs::read_symlink(folder, error);
    if (!error) {
      out.add({"--symlink", target.string(), folder});
    } else {
      out.add({"--ro-bind-try", folder, folder});
    }
  }
  out.add({"--proc", "/proc", "--dev", "/dev"});
  out.add({"--size", std::to_string(spec.limits.tmp_bytes), "--perms", "1777", "--tmpfs", "/tmp"});
  out.add({"--size", std::to_string(spec.limits.out_bytes), "--perms", "1777", "--tmpfs", "/out"});
  for (const auto& bind : spec.read_only) out.add({"--ro-bind", bind.host, bind.inside});
  for (const auto& bind : spec.writable) out.add({"--bind", bind.host, bind.inside});
  // The memory disks that hold / and /dev have no size of their own.
  out.add({"--remount-ro", "/dev", "--remount-ro", "/"});
}

void add_limits(Arguments& out, const SandboxLimits& limits, std::uint32_t account) {
  const auto both = [](const char* name, std::uint64_t value) {
    return std::string("--") + name + "=" + std::to_string(value) + ":" + std::to_string(value);
  };
  // The first limit says why it ends (SIGXCPU), the second means it.
  const std::string cpu = "--cpu=" + std::to_string(limits.cpu_s) + ":" + std::to_string(limits.cpu_s + 2);
  out.add({kPrlimit, both("as", limits.address_space_bytes), cpu, both("fsize", limits.file_bytes),
           both("nproc", limits.processes), both("nofile", limits.open_files), both("core", 0), both("memlock", 0),
           both("msgqueue", 0), "--"});
  if (!as_root()) return;
  const std::string id = std::to_string(account);
  out.add({kSetpriv, "--reuid", id, "--regid", id, "--clear-groups", "--inh-caps=-all", "--no-new-privs", "--"});
}

std::vector<std::string> command_line(const SandboxSpec& spec, std::uint32_t account) {
  Arguments out;
  add_isolation(out);
  add_files(out, spec);
  for (const auto& variable : spec.environment) {
    const auto equals = variable.find('=');
    CHECK(equals != std::string::npos, "an environment entry is KEY=value");
    out.add({"--setenv", variable.substr(0, equals), variable.substr(equals + 1)});
  }
  out.add({"--chdir", spec.working_dir, "--"});
  add_limits(out, spec.limits, account);
  out.add(spec.argv);
  return out.take();
}

Status check_programs() {
  for (const auto& [program, package] :
       {std::pair{kBwrap, "bubblewrap"}, std::pair{kPrlimit, "util-linux"}, std::pair{kSetpriv, "util-linux"}}) {
    if (::access(program, X_OK) != 0) {
      return fail(Fault::kDenied, std::string("no sandbox: ") + program + " is missing",
                  std::string("install it: apt install ") + package);
    }
  }
  return {};
}

class OwnedFd {
 public:
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() { ::close(fd_); }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string mib(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

}  // namespace

Result<SandboxExit> run_sandboxed(const SandboxSpec& spec, std::stop_token stop) {
  CHECK(!spec.argv.empty(), "a sandbox runs a program");
  TRY(check_programs());
  const OwnedFd filter(TRY(make_seccomp_filter()));
  SystemRandom random;
  const auto account = kFirstAccount + static_cast<std::uint32_t>(random.draw_u64() % kAccounts);
  ProcessSpec process;
  process.argv = command_line(spec, account);
  process.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  process.wall_ms = spec.limits.wall_ms;
  process.merge_stdout = true;
  process.fds = {{.parent = filter.get(), .child = kSeccompFd}};
  if (spec.result_fd >= 0) process.fds.push_back({.parent = spec.result_fd, .child = kResultFd});
  std::string first_words;  // bwrap's own complaint, when it cannot start
  std::uint64_t printed = 0;
  process.on_output = [&](std::string_view chunk) {
    printed += chunk.size();
    if (printed > spec.limits.output_bytes) return;  // the watch ends it
    if (first_words.size() < 512) first_words += chunk.substr(0, 512 - first_words.size());
    if (spec.on_output) spec.on_output(chunk);
  };
  SandboxExit out;
  process.watch = [&](int pid) -> Status {
    if (printed > spec.limits.output_bytes) {
      return fail(Fault::kLimit, "stopped: it printed more than " + mib(spec.limits.output_bytes));
    }
    const TreeUse use = process_tree_use(pid);
    out.peak_memory_bytes = std::max(out.peak_memory_bytes, use.resident_bytes);
    if (use.resident_bytes <= spec.limits.memory_bytes) return {};
    return fail(Fault::kLimit, "stopped: it used more than " + mib(spec.limits.memory_bytes) + " of memory");
  };
  const ProcessExit done = TRY(run_process(process, std::move(stop)));
  if (done.code == 1 && first_words.starts_with("bwrap: ")) {
    return fail(Fault::kDenied, "no sandbox: " + escape_line(first_words.substr(0, first_words.find('\n'))),
                "the machine must let this account make namespaces: run as root, or allow unprivileged user namespaces "
                "(in a container: start it with them allowed)");
  }
  out.code = done.signal != 0 ? 128 + done.signal : done.code;
  out.elapsed_ms = done.elapsed_ms;
  return out;
}

Status sandbox_available() {
  SandboxSpec spec;
  spec.argv = {"/bin/sh", "-c", "test ! -e /etc/passwd && test ! -e /root && test ! -e /home"};
  spec.limits.wall_ms = 10'000;
  std::string said;
  spec.on_output = [&said](std::string_view chunk) { said += chunk.substr(0, 512); };
  const SandboxExit done = TRY(run_sandboxed(spec));
  if (done.code == 0) return {};
  return fail(Fault::kDenied,
              "no sandbox: a trial run ended with status " + std::to_string(done.code) + " " + escape_line(said),
              "see `bwrap --help` and the kernel's log for the reason");
}

std::string sandbox_exit_reason(int code) {
  switch (code) {
    case 128 + SIGXCPU:
      return "it used more processor time than allowed";
    case 128 + SIGXFSZ:
      return "it wrote a larger file than allowed";
    case 128 + SIGKILL:
      return "it was killed, mostly for want of memory";
    case 128 + SIGSEGV:
    case 128 + SIGABRT:
    case 128 + SIGBUS:
      return "it crashed, which is also what running out of memory looks like";
    case 128 + SIGSYS:
      return "it made a system call that is refused";
    default:
      return "";
  }
}

}  // namespace micro
