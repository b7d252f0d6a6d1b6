#include "rpc/demo/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

extern char** environ;

namespace micro {
namespace {

constexpr int kStopGraceMs = 10'000;

/// Environment of this process with `extra` on top, in the form that exec wants.
class EnvBlock {
 public:
  explicit EnvBlock(const ProgramEnv& extra) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      if (!extra.contains(std::string(text.substr(0, text.find('='))))) lines_.emplace_back(text);
    }
    for (const auto& [name, value] : extra) lines_.push_back(name + "=" + value);
    for (std::string& line : lines_) pointers_.push_back(line.data());
    pointers_.push_back(nullptr);
  }
  char** data() { return pointers_.data(); }

 private:
  std::vector<std::string> lines_;
  std::vector<char*> pointers_;
};

std::vector<char*> argument_pointers(const std::vector<std::string>& argv) {
  std::vector<char*> out;
  for (const std::string& arg : argv) out.push_back(const_cast<char*>(arg.c_str()));
  out.push_back(nullptr);
  return out;
}

Result<pid_t> spawn(const std::vector<std::string>& argv, const ProgramEnv& env, int out_fd, int err_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  EnvBlock block(env);
  auto arguments = argument_pointers(argv);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, argv.front().c_str(), &actions, &attributes, arguments.data(), block.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(Fault::kIo, "cannot start " + argv.front() + ": " + std::strerror(error));
  return pid;
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Until both ends are closed, or one of the interrupts came: false then.
bool drain(int out_fd, int err_fd, const Interrupts& interrupts, ProgramResult& result) {
  std::array<pollfd, 3> fds{{{out_fd, POLLIN, 0}, {err_fd, POLLIN, 0}, {interrupts.fd(), POLLIN, 0}}};
  std::array<std::string*, 2> sinks{&result.out, &result.err};
  std::array<char, 65'536> chunk{};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return true;
    if (fds[2].revents != 0) return false;
    for (std::size_t i = 0; i < sinks.size(); ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      const ssize_t n = ::read(fds[i].fd, chunk.data(), chunk.size());
      if (n > 0) {
        sinks[i]->append(chunk.data(), static_cast<std::size_t>(n));
      } else if (n == 0 || errno != EINTR) {
        fds[i].fd = -1;
      }
    }
  }
  return true;
}

/// Exit code when the child has ended by now; it is gone then.
std::optional<int> ended_child(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
  return exit_code_of(status);
}

void end_child(pid_t pid) {
  ::kill(pid, SIGTERM);
  for (int waited = 0; waited < kStopGraceMs; waited += 10) {
    if (ended_child(pid)) return;
    ::poll(nullptr, 0, 10);
  }
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Interrupts::Interrupts() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&wanted, signal);
  ::pthread_sigmask(SIG_BLOCK, &wanted, &before_);
  fd_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Interrupts::~Interrupts() {
  if (fd_ < 0) return;
  // What came was answered: taken off here, so that it does not end the process once it may.
  signalfd_siginfo seen{};
  while (::read(fd_, &seen, sizeof seen) > 0) {
  }
  ::close(fd_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool Interrupts::wait(int ms) const {
  pollfd ready{fd_, POLLIN, 0};
  return ::poll(&ready, 1, ms) > 0;
}

Result<ProgramResult> run_program(const std::vector<std::string>& argv, const ProgramEnv& env,
                                  const Interrupts& interrupts) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0) return fail(Fault::kIo, "cannot make a pipe");
  if (::pipe2(err.data(), O_CLOEXEC) != 0) {
    ::close(out[0]), ::close(out[1]);
    return fail(Fault::kIo, "cannot make a pipe");
  }
  const auto pid = spawn(argv, env, out[1], err[1]);
  ::close(out[1]), ::close(err[1]);
  ProgramResult result;
  const bool whole = pid && drain(out[0], err[0], interrupts, result);
  ::close(out[0]), ::close(err[0]);
  if (!pid) return std::unexpected(pid.error());
  if (!whole) {
    end_child(*pid);
    return fail(Fault::kInterrupted, argv.front() + " was stopped");
  }
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = exit_code_of(status);
  return result;
}

Result<BackgroundProgram> BackgroundProgram::start(const std::vector<std::string>& argv, const ProgramEnv& env,
                                                   const std::filesystem::path& log_file) {
  const int fd = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return fail(Fault::kIo, "cannot open " + log_file.string());
  const auto pid = spawn(argv, env, fd, fd);
  ::close(fd);
  if (!pid) return std::unexpected(pid.error());
  return BackgroundProgram(*pid);
}

BackgroundProgram::~BackgroundProgram() {
  stop();
}

std::optional<int> BackgroundProgram::ended() {
  if (pid_ < 0) return 0;
  const auto code = ended_child(pid_);
  if (code) pid_ = -1;
  return code;
}

void BackgroundProgram::stop() {
  if (pid_ < 0) return;
  end_child(pid_);
  pid_ = -1;
}

std::filesystem::path own_program() {
  return std::filesystem::read_symlink("/proc/self/exe");
}

}  // namespace micro
