#include "services/host/process/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace micro {
namespace {

ProcessSpec shell(const std::string& script) {
  ProcessSpec spec;
  spec.argv = {"/bin/sh", "-c", script};
  spec.environment = {"PATH=/usr/bin:/bin"};
  spec.wall_ms = 20'000;
  spec.max_stdout_bytes = 4'096;
  return spec;
}

TEST(RunProcess, CarriesInputOutputAndStatus) {
  ProcessSpec spec = shell("cat; echo problem >&2; exit 7");
  std::string errors;
  spec.input = to_bytes("hello");
  spec.on_output = [&](std::string_view chunk) { errors += chunk; };
  const auto done = run_process(spec);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(as_text(done->stdout_bytes), "hello");
  EXPECT_EQ(errors, "problem\n");
  EXPECT_EQ(done->code, 7);
  EXPECT_FALSE(done->ok());
}

TEST(RunProcess, InheritsNothing) {
  ::setenv("MICRO_TEST_SECRET", "x", 1);
  const int leaked = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC on purpose
  const auto done = run_process(shell("env; ls /proc/self/fd | sort -n | tail -1"));
  ::close(leaked);
  ASSERT_TRUE(done.has_value());
  const std::string_view out = as_text(done->stdout_bytes);
  EXPECT_EQ(out.find("SECRET"), std::string_view::npos);
  EXPECT_TRUE(out.ends_with("\n3\n")) << out;  // 3 is ls's own view of the folder
}

TEST(RunProcess, PassesDescriptorsUnderTheirNumbers) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ProcessSpec spec = shell("echo through >&5");
  spec.fds = {{.parent = ends[1], .child = 5}};
  const auto done = run_process(spec);
  ASSERT_TRUE(done.has_value() && done->ok());
  char text[16] = {};
  EXPECT_EQ(::read(ends[0], text, sizeof text), 8);
  EXPECT_STREQ(text, "through\n");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(RunProcess, KillsAtTheTimeLimitWithEveryDescendant) {
  ProcessSpec spec = shell("(sleep 1000 & echo $!; wait)");
  spec.wall_ms = 300;
  spec.merge_stdout = true;
  std::string out;
  spec.on_output = [&](std::string_view chunk) { out += chunk; };
  const auto done = run_process(spec);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().fault, Fault::kBusy) << "an idle machine may need less time";
  const int sleeper = std::stoi(out);
  for (int i = 0; i < 1'000 && ::kill(sleeper, 0) == 0; ++i) {
    struct stat unused{};
    if (::stat(("/proc/" + std::to_string(sleeper)).c_str(), &unused) != 0) break;
    // A killed process stays visible until its new parent has taken note.
    if (process_tree_use(sleeper).resident_bytes == 0) break;
    std::this_thread::yield();
  }
  EXPECT_EQ(process_tree_use(sleeper).resident_bytes, 0u);
}

TEST(RunProcess, TooMuchOutputEndsIt) {
  const auto done = run_process(shell("yes"));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().fault, Fault::kLimit);
}

TEST(RunProcess, StopsWhenAsked) {
  std::stop_source stop;
  ProcessSpec spec = shell("echo ready >&2; sleep 1000");
  spec.on_output = [&](std::string_view) { stop.request_stop(); };
  const auto done = run_process(spec, stop.get_token());
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().fault, Fault::kInterrupted);
  EXPECT_EQ(run_process(shell("true"), stop.get_token()).error().fault, Fault::kInterrupted);
}

TEST(RunProcess, TheWatchSeesTheTreeAndCanEndIt) {
  ProcessSpec spec = shell("sleep 1000 & sleep 1000 & wait");
  std::size_t seen = 0;
  spec.watch = [&](int pid) -> Status {
    seen = process_tree_use(pid).processes;
    if (seen >= 3) return fail(Fault::kDenied, "enough");
    return {};
  };
  const auto done = run_process(spec);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().message, "enough");
  EXPECT_EQ(seen, 3u);
}

TEST(RunProcess, AMissingProgramIsAnError) {
  ProcessSpec spec = shell("");
  spec.argv = {"/nonexistent/program"};
  const auto done = run_process(spec);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().fault, Fault::kIo);
}

TEST(RunProcess, ASignalIsReported) {
  const auto done = run_process(shell("kill -SEGV $$"));
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->signal, SIGSEGV);
}

}  // namespace
}  // namespace micro
