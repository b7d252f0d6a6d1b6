#include "services/build/builder/build_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

class BuildLogFile : public ::testing::Test {
 protected:
  [[nodiscard]] std::string content() const {
    std::ostringstream out;
    out << std::ifstream(path_).rdbuf();
    return out.str();
  }
  test::TempFolder folder_;
  std::string path_ = (folder_ / "build.log").string();
};

TEST_F(BuildLogFile, EachLineIsThereAtOnceForWhoeverFollows) {
  std::vector<std::string> seen;
  BuildLog log = BuildLog::open(path_, [&](std::string_view line) { seen.emplace_back(line); }).value();
  log.line("one");
  EXPECT_EQ(content(), "one\n");
  log.line("two");
  EXPECT_EQ(content(), "one\ntwo\n");
  EXPECT_THAT(seen, ::testing::ElementsAre("one", "two"));
}

TEST_F(BuildLogFile, AFloodIsCutAndTheTailIsKept) {
  BuildLog log = BuildLog::open(path_, {}).value();
  const std::string line(1'000, 'x');
  for (std::size_t i = 0; i < kMaxBuildLogBytes / 1'000 + 100; ++i) log.line(line);
  log.line("error: the last words");
  EXPECT_LT(content().size(), kMaxBuildLogBytes + 1'000);
  EXPECT_THAT(content(), ::testing::HasSubstr("the rest is left out"));
  EXPECT_THAT(log.tail(), ::testing::EndsWith("error: the last words"));
  EXPECT_TRUE(log.mentions("last words"));
}

TEST_F(BuildLogFile, ACompilerThatWasKilledIsNotTheSourcesFault) {
  BuildLog plain = BuildLog::open(path_, {}).value();
  plain.line("main.c:3: error: expected ';'");
  EXPECT_EQ(fault_of_build(plain, 1), Fault::kInvalid);
  EXPECT_EQ(fault_of_build(plain, 128 + 9), Fault::kBusy);
  EXPECT_EQ(fault_of_build(plain, 128 + 24), Fault::kInvalid) << "processor time is the source's";
  for (const char* line :
       {"go build html/template: compile: signal: killed", "clang: error: unable to execute command: Killed"}) {
    BuildLog log = BuildLog::open(path_, {}).value();
    log.line(line);
    EXPECT_EQ(fault_of_build(log, 1), Fault::kBusy) << line;
  }
}

TEST_F(BuildLogFile, AnUnwritablePlaceIsAnError) {
  EXPECT_FALSE(BuildLog::open((folder_ / "gone/build.log").string(), {}).has_value());
}

}  // namespace
}  // namespace micro
