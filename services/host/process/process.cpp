#include "services/host/process/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "chain/base/check.hpp"

namespace micro {
namespace {

constexpr int kDrainMs = 500;      ///< after the exit, for output that is still in the pipe
constexpr int kFirstSafeFd = 100;  ///< parked copies: clear of every number a child may ask for
constexpr std::size_t kReadChunkBytes = 16 * 1'024;
constexpr std::size_t kMaxTreeProcesses = 4'096;

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { close(); }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

std::unexpected<Error> io_error(const std::string& what) {
  return fail(Fault::kIo, what + ": " + std::strerror(errno));
}

struct Pipe {
  Fd read, write;
};
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return io_error("cannot make a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::uint64_t now_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

/// The child's descriptors are first parked at high numbers, so that no dup2 overwrites one that is still needed.
class SpawnActions {
 public:
  SpawnActions() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Status map(int parent, int child) {
    Fd parked(::fcntl(parent, F_DUPFD_CLOEXEC, kFirstSafeFd));
    if (!parked.open()) return io_error("cannot copy a descriptor");
    ::posix_spawn_file_actions_adddup2(&actions_, parked.get(), child);
    highest_ = std::max(highest_, child);
    parked_.push_back(std::move(parked));
    return {};
  }
  Result<pid_t> spawn(const ProcessSpec& spec) {
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, highest_ + 1);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> argv, environment;
    for (const auto& a : spec.argv) argv.push_back(const_cast<char*>(a.c_str()));
    for (const auto& e : spec.environment) environment.push_back(const_cast<char*>(e.c_str()));
    argv.push_back(nullptr);
    environment.push_back(nullptr);
    pid_t pid = -1;
    const int rc = ::posix_spawn(&pid, spec.argv[0].c_str(), &actions_, &attributes_, argv.data(), environment.data());
    if (rc != 0) return fail(Fault::kIo, "cannot start " + spec.argv[0] + ": " + std::strerror(rc));
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  std::vector<Fd> parked_;
  int highest_ = 2;
};

class Child {
 public:
  explicit Child(const ProcessSpec& spec) : spec_(spec), started_ms_(now_ms()) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { kill_and_reap(); }

  Status start();
  Result<ProcessExit> supervise(int stop_fd);

 private:
  Status pump(int stop_fd, int timeout_ms);
  void feed();
  Status take(Fd& from, bool is_stdout);
  Status check_limits(bool stop_requested);
  void kill_and_reap();

  const ProcessSpec& spec_;
  std::uint64_t started_ms_;
  std::uint64_t last_watch_ms_ = 0;
  pid_t pid_ = -1;
  Fd pidfd_, in_, out_, err_;
  std::size_t fed_ = 0;
  bool exited_ = false;
  ProcessExit exit_;
};

Status Child::start() {
  Pipe in = TRY(make_pipe());
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  SpawnActions actions;
  TRY(actions.map(in.read.get(), 0));
  TRY(actions.map(spec_.merge_stdout ? err.write.get() : out.write.get(), 1));
  TRY(actions.map(err.write.get(), 2));
  for (const auto& fd : spec_.fds) {
    CHECK(fd.child >= 3 && fd.child < kFirstSafeFd, "a child's descriptor has a small number");
    TRY(actions.map(fd.parent, fd.child));
  }
  pid_ = TRY(actions.spawn(spec_));
  pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_.open()) return io_error("cannot watch the child");
  in_ = std::move(in.write);
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  for (const int fd : {in_.get(), out_.get(), err_.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  if (spec_.input.empty()) in_.close();
  return {};
}

/// write(2) to a pipe whose reader may be gone, without the signal that would end this process.
ssize_t write_quietly(int fd, ByteView bytes) {
  sigset_t pipe_signal, before;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t n = ::write(fd, bytes.data(), bytes.size());
  const int why = errno;
  const timespec at_once{};
  if (n < 0 && why == EPIPE && ::sigismember(&before, SIGPIPE) == 0) ::sigtimedwait(&pipe_signal, nullptr, &at_once);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = why;
  return n;
}

void Child::feed() {
  const ssize_t n = write_quietly(in_.get(), ByteView(spec_.input).subspan(fed_));
  if (n > 0) fed_ += static_cast<std::size_t>(n);
  const bool broken = n < 0 && errno != EAGAIN && errno != EINTR;
  if (broken || fed_ == spec_.input.size()) in_.close();
}

Status Child::take(Fd& from, bool is_stdout) {
  std::array<char, kReadChunkBytes> chunk;
  const ssize_t n = ::read(from.get(), chunk.data(), chunk.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (n <= 0) {
    from.close();
    return {};
  }
  const std::string_view text(chunk.data(), static_cast<std::size_t>(n));
  if (!is_stdout) {
    if (spec_.on_output) spec_.on_output(text);
    return {};
  }
  if (exit_.stdout_bytes.size() + text.size() > spec_.max_stdout_bytes) {
    return fail(Fault::kLimit, "the child wrote more than " + std::to_string(spec_.max_stdout_bytes) + " bytes");
  }
  const ByteView bytes = as_bytes(text);
  exit_.stdout_bytes.insert(exit_.stdout_bytes.end(), bytes.begin(), bytes.end());
  return {};
}

Status Child::pump(int stop_fd, int timeout_ms) {
  std::array<pollfd, 5> fds = {pollfd{.fd = stop_fd, .events = POLLIN, .revents = 0},
                               pollfd{.fd = exited_ ? -1 : pidfd_.get(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = in_.get(), .events = POLLOUT, .revents = 0},
                               pollfd{.fd = out_.get(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = err_.get(), .events = POLLIN, .revents = 0}};
  if (::poll(fds.data(), fds.size(), timeout_ms) < 0 && errno != EINTR) return io_error("poll failed");
  if (in_.open() && fds[2].revents != 0) feed();
  if (out_.open() && fds[3].revents != 0) TRY(take(out_, true));
  if (err_.open() && fds[4].revents != 0) TRY(take(err_, false));
  if (fds[1].revents != 0) {
    int status = 0;
    if (::waitpid(pid_, &status, 0) == pid_) {
      exit_.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
      exit_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    } else {
      return io_error("the child's status is lost");
    }
    exited_ = true;
  }
  return check_limits(fds[0].revents != 0);
}

Status Child::check_limits(bool stop_requested) {
  if (stop_requested) return fail(Fault::kInterrupted, "cancelled");
  const std::uint64_t now = now_ms();
  if (exited_) return {};
  if (now - started_ms_ >= spec_.wall_ms) {
    return fail(Fault::kBusy, "stopped after " + std::to_string(spec_.wall_ms / 1'000) + " s, the time limit");
  }
  if (spec_.watch && now - last_watch_ms_ >= kWatchIntervalMs) {
    last_watch_ms_ = now;
    return spec_.watch(pid_);
  }
  return {};
}

Result<ProcessExit> Child::supervise(int stop_fd) {
  while (!exited_) TRY(pump(stop_fd, kWatchIntervalMs));
  exit_.elapsed_ms = now_ms() - started_ms_;
  // A grandchild that outlives the child may hold the pipes; it gets no more than this.
  const std::uint64_t until = now_ms() + kDrainMs;
  while ((out_.open() || err_.open()) && now_ms() < until) TRY(pump(-1, 50));
  return std::move(exit_);
}

void Child::kill_and_reap() {
  if (pid_ <= 0) return;
  // After the exit the group's number is ours only as long as someone of it still holds a pipe.
  if (!exited_ || out_.open() || err_.open()) ::kill(-pid_, SIGKILL);
  if (exited_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<ProcessExit> run_process(const ProcessSpec& spec, std::stop_token stop) {
  CHECK(!spec.argv.empty() && spec.wall_ms > 0, "a child needs a program and a time limit");
  if (stop.stop_requested()) return fail(Fault::kInterrupted, "cancelled");
  const Fd stop_fd(::eventfd(0, EFD_CLOEXEC));
  if (!stop_fd.open()) return io_error("cannot make an event");
  const std::stop_callback on_stop(stop, [&stop_fd] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(stop_fd.get(), &one, sizeof one);
  });
  Child child(spec);
  TRY(child.start());
  return child.supervise(stop_fd.get());
}

TreeUse process_tree_use(int pid) {
  static const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  TreeUse use;
  std::vector<int> open = {pid};
  while (!open.empty() && use.processes < kMaxTreeProcesses) {
    const std::string folder = "/proc/" + std::to_string(open.back());
    open.pop_back();
    std::uint64_t total = 0, resident = 0;
    std::ifstream(folder + "/statm") >> total >> resident;
    use.resident_bytes += resident * page_bytes;
    ++use.processes;
    std::error_code gone;  // it may end while we look
    for (const auto& thread : std::filesystem::directory_iterator(folder + "/task", gone)) {
      std::ifstream children(thread.path() / "children");
      for (int child = 0; children >> child;) open.push_back(child);
    }
  }
  return use;
}

}  // namespace micro
