#include "tests/e2e/crash/node_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>

namespace micro::crash {
namespace {

constexpr int kReadyMs = 30'000;  ///< a bound for a node that hangs

void write_text(const std::filesystem::path& file, std::string_view text) {
  std::ofstream(file) << text;
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

int open_pid(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

}  // namespace

NodeProcess::NodeProcess(std::string binary, std::filesystem::path folder)
    : binary_(std::move(binary)), folder_(std::move(folder)) {
  std::filesystem::create_directory(kept());
  write_text(folder_ / "password", "a long enough password");
  write_text(folder_ / "words", "test test test test test test test test test test test junk\n");
  write_text(folder_ / "node.toml", "[node]\njournal_kib = 4\n[network]\nepoch_ms = 250\n[log]\nlevel = \"warn\"\n");
  const std::string file = (folder_ / "shared").string();
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const bool sized = fd >= 0 && ::ftruncate(fd, sizeof(Shared)) == 0;
  void* const memory = sized ? ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (fd >= 0) ::close(fd);
  if (memory == MAP_FAILED) std::abort();
  shared_ = static_cast<Shared*>(memory);
}

NodeProcess::~NodeProcess() {
  kill();
  ::munmap(shared_, sizeof(Shared));
}

std::string NodeProcess::log() const {
  std::ifstream in(folder_ / "log");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

pid_t NodeProcess::spawn(const std::vector<std::string>& arguments, bool preloaded, int out) {
  std::vector<std::string> texts{binary_};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables{"HOME=" + folder_.string(),
                                     "PATH=" + std::string(std::getenv("PATH")),
                                     "XDG_CACHE_HOME=" + (folder_ / "cache").string(),
                                     "MICRO_PASSWORD_FILE=" + (folder_ / "password").string(),
                                     "MICRO_WALLETS=" + (folder_ / "wallets").string(),
                                     "MICRO_NO_INPUT=true"};
  if (preloaded) {
    variables.push_back("LD_PRELOAD=" MICRO_FAIL_POINTS);
    variables.push_back(std::string(kSharedVariable) + "=" + (folder_ / "shared").string());
    variables.push_back(std::string(kKeepVariable) + "=" + kept().string());
  }
  const auto pointers = [](std::vector<std::string>& from) {
    std::vector<char*> to;
    for (std::string& text : from) to.push_back(text.data());
    to.push_back(nullptr);
    return to;
  };
  const std::vector<char*> argv = pointers(texts);
  const std::vector<char*> environment = pointers(variables);
  const int log = ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t pid = ::fork();
  if (pid != 0) {
    ::close(log);
    return pid;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is ended from outside leaves no node
  ::setpgid(0, 0);
  ::dup2(out >= 0 ? out : log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execve(argv[0], argv.data(), environment.data());
  ::_exit(127);
}

int NodeProcess::run(const std::vector<std::string>& arguments) {
  const pid_t pid = spawn(arguments, false, -1);
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void NodeProcess::start(std::optional<Plan> plan) {
  shared_->fired = 0;
  shared_->armed = 0;
  if (plan) {
    shared_->op = plan->op;
    shared_->phase = plan->phase;
    shared_->index = plan->index;
    shared_->armed = 1;
  }
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) std::abort();
  started_ = SystemClock().now();
  pid_ = spawn({"server", "--config", (folder_ / "node.toml").string(), "--data", data().string(), "--socket",
                socket().string(), "--http", "127.0.0.1:0", "--json"},
               true, pipe[1]);
  ::close(pipe[1]);
  if (pid_ < 0) std::abort();
  ::setpgid(pid_, pid_);  // whoever of the two comes first
  out_ = pipe[0];
  death_ = open_pid(pid_);
}

bool NodeProcess::wait_ready() {
  std::string said;
  std::array<char, 4'096> chunk{};
  while (said.find("\"ready\"") == std::string::npos) {
    pollfd news{out_, POLLIN, 0};
    if (::poll(&news, 1, kReadyMs) <= 0) return false;
    const ssize_t n = ::read(out_, chunk.data(), chunk.size());
    if (n <= 0) return false;
    said.append(chunk.data(), static_cast<std::size_t>(n));
  }
  return true;
}

bool NodeProcess::wait_death(std::uint64_t ms) {
  pollfd death{death_, POLLIN, 0};
  return ::poll(&death, 1, static_cast<int>(ms)) > 0;
}

void NodeProcess::reap() {
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::close(out_);
  ::close(death_);
  pid_ = -1;
}

void NodeProcess::kill() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  reap();
}

int NodeProcess::stop() {
  ::kill(pid_, SIGTERM);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ::close(out_);
  ::close(death_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace micro::crash
