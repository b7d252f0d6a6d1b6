#include "services/host/sandbox/sandbox.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/gen/no_namespaces.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

struct Ran {
  int code = -1;
  std::string out;
  Error error;
};

class Sandbox : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto available = sandbox_available();
    ASSERT_TRUE(available.has_value()) << available.error().message << "; " << available.error().hint;
  }
  static SandboxSpec script(const std::string& text) {
    SandboxSpec spec;
    spec.argv = {"/bin/sh", "-c", text};
    spec.environment = {"PATH=/usr/bin:/bin"};
    spec.limits.wall_ms = 20'000;
    return spec;
  }
  static Ran run(SandboxSpec spec, std::stop_token stop = {}) {
    Ran ran;
    spec.on_output = [&](std::string_view chunk) { ran.out += chunk; };
    const auto done = run_sandboxed(spec, std::move(stop));
    if (done) {
      ran.code = done->code;
    } else {
      ran.error = done.error();
    }
    return ran;
  }
  test::TempFolder folder_;
};

TEST_F(Sandbox, RunsAProgramAndReportsItsStatus) {
  const Ran ran = run(script("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(ran.code, 3) << ran.error.message;
  EXPECT_THAT(ran.out, HasSubstr("out\n"));
  EXPECT_THAT(ran.out, HasSubstr("err\n"));
}

TEST_F(Sandbox, SeesOnlyItsToolchain) {
  const Ran top = run(script("ls -1 /"));
  EXPECT_EQ(top.code, 0);
  for (const char* hidden : {"etc", "home", "root", "var", "run", "sys", "boot", "mnt", "srv", "opt", "work"}) {
    EXPECT_THAT("\n" + top.out, Not(HasSubstr("\n" + std::string(hidden) + "\n")));
  }
  const Ran reads = run(script("cat /etc/passwd /etc/shadow /root/.bashrc /proc/1/root/etc/passwd " +
                               (folder_ / "x").string() + " /usr/local/* && echo read"));
  EXPECT_NE(reads.code, 0);
  EXPECT_THAT(reads.out, Not(HasSubstr("root:")));
}

TEST_F(Sandbox, HostFilesStayInvisibleThroughEveryDoor) {
  std::ofstream(folder_ / "secret") << "host-secret";
  const std::string path = (folder_ / "secret").string();
  const Ran ran = run(script("for p in /proc/*/root /proc/*/cwd /..; do cat \"$p" + path +
                             "\"; done 2>/dev/null; "
                             "find / -name secret 2>/dev/null; cat " +
                             path + "; echo done"));
  EXPECT_THAT(ran.out, HasSubstr("done"));
  EXPECT_THAT(ran.out, Not(HasSubstr("host-secret")));
}

TEST_F(Sandbox, WritesOnlyToItsMemoryDisks) {
  fs::create_directories(folder_ / "src");
  std::ofstream(folder_ / "src/main.c") << "original";
  SandboxSpec spec = script(
      "for p in /x /src/x /usr/bin/x /usr/lib/x /dev/x /dev/shm/x /proc/sys/kernel/hostname /src/main.c; do "
      "(echo bad > $p) 2>/dev/null && echo \"wrote $p\"; done; echo fine > /tmp/x && echo fine > /out/x && cat "
      "/src/main.c");
  spec.read_only = {{(folder_ / "src").string(), "/src"}};
  const Ran ran = run(spec);
  EXPECT_EQ(ran.out, "original");
}

TEST_F(Sandbox, HasNoPrivilegeAndCannotGetOne) {
  const Ran ran = run(
      script("id -u; grep -E '^(CapEff|CapPrm|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status; "
             "unshare -U true && echo userns; unshare -m true && echo mountns; mount -t tmpfs x /tmp && echo mounted; "
             "chroot / true && echo chrooted; setpriv --reuid 0 true && [ $(id -u) != 0 ] && echo root"));
  EXPECT_THAT(ran.out, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(ran.out, HasSubstr("CapPrm:\t0000000000000000"));
  EXPECT_THAT(ran.out, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(ran.out, HasSubstr("Seccomp:\t2"));
  for (const char* gained : {"userns\n", "mountns\n", "mounted\n", "chrooted\n", "\nroot\n"}) {
    EXPECT_THAT(ran.out, Not(HasSubstr(gained)));
  }
}

TEST_F(Sandbox, HasNoNetwork) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const Ran ran =
      run(script("bash -c 'echo hello > /dev/tcp/127.0.0.1/" + port + "' && echo connected; cat /proc/net/dev"));
  EXPECT_THAT(ran.out, Not(HasSubstr("connected")));
  EXPECT_THAT(ran.out, Not(HasSubstr("eth")));
  ::fcntl(listener, F_SETFL, O_NONBLOCK);
  EXPECT_LT(::accept(listener, nullptr, nullptr), 0);
  ::close(listener);
}

TEST_F(Sandbox, AForkBombEndsAtItsLimit) {
  // Where forks fail a shell gives up: what must outlive the bomb does not fork any more.
  SandboxSpec spec = script("sh -c 'f() { f | f & }; f; sleep 1000' & exec sleep 1000");
  spec.limits.processes = 64;
  spec.limits.wall_ms = 2'000;
  const Ran ran = run(spec);
  EXPECT_THAT(ran.out, ::testing::ContainsRegex("Cannot fork|Resource temporarily|fork"));
  EXPECT_EQ(ran.error.fault, Fault::kBusy) << "the clock ended it";
  EXPECT_EQ(run(script("true")).code, 0);
}

TEST_F(Sandbox, TheClockEndsIt) {
  SandboxSpec spec = script("sleep 1000 & wait");
  spec.limits.wall_ms = 300;
  EXPECT_EQ(run(spec).error.fault, Fault::kBusy);
}

TEST_F(Sandbox, ProcessorTimeEndsIt) {
  SandboxSpec spec = script("while :; do :; done");
  spec.limits.cpu_s = 1;
  const Ran ran = run(spec);
  EXPECT_THAT(sandbox_exit_reason(ran.code), HasSubstr("processor time")) << ran.code;
}

TEST_F(Sandbox, MemoryOfAllProcessesTogetherIsLimited) {
  SandboxSpec spec =
      script("for i in 1 2 3 4; do (head -c 100000000 /dev/zero | tail -c 100000000 | sleep 1000) & done; wait");
  spec.limits.memory_bytes = 150ULL << 20;
  const Ran ran = run(spec);
  EXPECT_EQ(ran.error.fault, Fault::kLimit);
  EXPECT_THAT(ran.error.message, HasSubstr("150 MiB"));
}

TEST_F(Sandbox, AddressSpaceOfOneProcessIsLimited) {
  SandboxSpec spec = script("head -c 400000000 /dev/zero | tail -c 400000000 | wc -c");
  spec.limits.address_space_bytes = 100ULL << 20;
  EXPECT_THAT(run(spec).out, Not(HasSubstr("400000000")));
}

TEST_F(Sandbox, DisksAndFilesHaveASize) {
  SandboxSpec spec = script(
      "for d in /tmp /out; do for i in 1 2 3 4 5 6 7 8; do head -c 1000000 /dev/zero > $d/$i; done; "
      "du -sm $d | cut -f1; done");
  spec.limits.tmp_bytes = spec.limits.out_bytes = 3ULL << 20;
  const Ran ran = run(spec);
  EXPECT_THAT(ran.out, HasSubstr("No space left"));
  EXPECT_THAT(ran.out, ::testing::EndsWith("3\n"));
  SandboxSpec big = script("head -c 3000000 /dev/zero > /out/big");
  big.limits.file_bytes = 1ULL << 20;
  EXPECT_NE(run(big).code, 0);
}

TEST_F(Sandbox, WhatIsPrintedIsLimited) {
  SandboxSpec spec = script("yes");
  spec.limits.output_bytes = 1ULL << 20;
  const Ran ran = run(spec);
  EXPECT_EQ(ran.error.fault, Fault::kLimit);
  EXPECT_THAT(ran.error.message, HasSubstr("printed more than 1 MiB"));
  EXPECT_LE(ran.out.size(), spec.limits.output_bytes);
}

TEST_F(Sandbox, TheResultGoesThroughOneDescriptor) {
  const int fd = ::memfd_create("result", MFD_CLOEXEC);
  SandboxSpec spec = script("echo made > /out/x; cat /out/x >&3");
  spec.result_fd = fd;
  EXPECT_EQ(run(spec).code, 0);
  char text[8] = {};
  EXPECT_EQ(::pread(fd, text, sizeof text, 0), 5);
  EXPECT_STREQ(text, "made\n");
  ::close(fd);
}

TEST_F(Sandbox, StopsWhenAsked) {
  std::stop_source stop;
  SandboxSpec spec = script("echo ready; sleep 1000");
  std::string said;
  spec.on_output = [&](std::string_view) { stop.request_stop(); };
  const auto done = run_sandboxed(spec, stop.get_token());
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().fault, Fault::kInterrupted);
}

TEST_F(Sandbox, TheEnvironmentIsExactlyWhatWasGiven) {
  ::setenv("MICRO_TEST_SECRET", "x", 1);
  SandboxSpec spec = script("env | sort");
  spec.environment = {"PATH=/usr/bin:/bin", "A=b=c"};
  EXPECT_EQ(run(spec).out, "A=b=c\nPATH=/usr/bin:/bin\nPWD=/\n");
}

TEST_F(Sandbox, AMissingFolderRefusesInsteadOfRunningWithout) {
  SandboxSpec spec = script("echo ran");
  spec.read_only = {{(folder_ / "gone").string(), "/src"}};
  const Ran ran = run(spec);
  EXPECT_EQ(ran.error.fault, Fault::kDenied);
  EXPECT_THAT(ran.error.message, HasSubstr("no sandbox"));
}

TEST_F(Sandbox, AMachineThatForbidsNamespacesIsToldAndRunsNothing) {
  const std::string proof = folder_ / "ran";
  EXPECT_EQ(test::without_namespaces([&] {
              const Status available = sandbox_available();
              if (available || available.error().fault != Fault::kDenied) return 1;
              if (available.error().message.find("no sandbox: bwrap: ") != 0) return 2;
              if (available.error().hint.find("namespaces") == std::string::npos) return 3;
              SandboxSpec spec = script("echo x > " + proof);
              spec.writable = {{folder_.path().string(), folder_.path().string()}};
              const auto done = run_sandboxed(spec);
              if (done || done.error().fault != Fault::kDenied) return 4;
              return fs::exists(proof) ? 5 : 0;
            }),
            0);
}

}  // namespace
}  // namespace micro
