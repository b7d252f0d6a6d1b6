// What a confined child can still do. Each case runs in a process of its own, which the confinement stays with.
#include "services/host/confine/confine.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>

#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kMemory = 1ULL << 30;

/// Exit status of a forked child that runs `body`; 1000 + the signal that killed it.
int in_child(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? 1'000 + WTERMSIG(status) : WEXITSTATUS(status);
}

class Confine : public ::testing::Test {
 protected:
  Confine() { std::ofstream(folder_ / "module") << "x"; }
  bool confined() const { return confine_process(folder_.path(), kMemory, 3).has_value(); }
  test::TempFolder folder_;
};

TEST_F(Confine, OnlyTheFolderCanBeReadAndNothingWritten) {
  const std::string inside = folder_ / "module";
  EXPECT_EQ(in_child([&] {
              if (!confined()) return 1;
              if (::open(inside.c_str(), O_RDONLY) < 0) return 2;
              if (::open("/etc/passwd", O_RDONLY) >= 0) return 3;
              if (::open(inside.c_str(), O_WRONLY) >= 0) return 4;
              if (::open((folder_ / "new").c_str(), O_CREAT | O_WRONLY, 0600) >= 0) return 5;
              return 0;
            }),
            0);
}

TEST_F(Confine, DescriptorsAreClosed) {
  const int open_file = ::open("/dev/null", O_RDONLY);
  EXPECT_EQ(in_child([&] { return confined() && ::fcntl(open_file, F_GETFD) < 0 && errno == EBADF ? 0 : 1; }), 0);
  ::close(open_file);
}

TEST_F(Confine, OtherProgramsAndSocketsKillTheProcess) {
  EXPECT_EQ(in_child([&] {
              if (!confined() || !confine_system_calls()) return 1;
              return ::socket(AF_INET, SOCK_STREAM, 0) < 0 ? 2 : 3;
            }),
            1'000 + SIGSYS);
  EXPECT_EQ(in_child([&] {
              if (!confined() || !confine_system_calls()) return 1;
              ::execl("/bin/true", "true", nullptr);
              return 2;
            }),
            1'000 + SIGSYS);
  EXPECT_EQ(in_child([&] {
              if (!confined() || !confine_system_calls()) return 1;
              return ::fork() < 0 ? 2 : 3;
            }),
            1'000 + SIGSYS);
}

TEST_F(Confine, UnlistedSystemCallsFail) {
  EXPECT_EQ(in_child([&] {
              if (!confined() || !confine_system_calls()) return 1;
              return ::chdir("/") < 0 && errno == EPERM ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace micro
