#include "rpc/daemon/config/config.hpp"
#include "rpc/settings/settings_file.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "rpc/daemon/data_dir.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

class ConfigTest : public ::testing::Test {
 protected:
  Status read(const std::string& text) {
    std::ofstream(folder_ / "node.toml") << text;
    return read_config_file(folder_ / "node.toml", config_);
  }
  test::TempFolder folder_;
  NodeConfig config_;
};

TEST(LeftFolders, OfKilledProcessesGoAndAllOthersStay) {
  const test::TempFolder parent;
  for (const char* name : {"micro-dev-killed", "micro-dev-living", "micro-dev-begins", "other"}) {
    std::filesystem::create_directories(parent / name / "ledger");
  }
  for (const char* name : {"micro-dev-killed", "other"}) std::ofstream(parent / name / "lock") << "4711";
  const auto held = ProcessLock::take(parent / "micro-dev-living" / "lock", "");
  ASSERT_TRUE(held);
  clear_left_folders(parent.path(), "micro-dev-");
  EXPECT_FALSE(std::filesystem::exists(parent / "micro-dev-killed"));
  EXPECT_TRUE(std::filesystem::exists(parent / "micro-dev-living" / "ledger"));
  EXPECT_TRUE(std::filesystem::exists(parent / "micro-dev-begins")) << "its process has not locked it yet";
  EXPECT_TRUE(std::filesystem::exists(parent / "other"));
}

TEST_F(ConfigTest, TakesWhatIsThereAndLeavesTheRest) {
  ASSERT_TRUE(
      read("[node]\ndata = \"/d\"\n[http]\nlisten = \"127.0.0.1:9\"\nfree_calls = true\n"
           "[network]\nepoch_ms = 200\nbucket_epochs = 4\n[services]\nworkers = 3\n[log]\nlevel = \"debug\"\n"));
  EXPECT_EQ(config_.data_dir, "/d");
  EXPECT_EQ(config_.http_port, 9);
  EXPECT_TRUE(config_.free_calls);
  EXPECT_EQ(config_.epoch_ms, 200U);
  EXPECT_EQ(config_.worker_processes, 3U);
  EXPECT_EQ(config_.log_level, "debug");
  EXPECT_EQ(config_.dispute_epochs, NodeConfig{}.dispute_epochs);
}

TEST_F(ConfigTest, RefusesWhatItDoesNotKnowAndNamesTheLine) {
  const auto refused = [&](const std::string& text, const char* part) {
    const Status status = read(text);
    ASSERT_FALSE(status.has_value()) << text;
    EXPECT_EQ(status.error().fault, Fault::kInvalid);
    EXPECT_NE(status.error().message.find(part), std::string::npos) << status.error().message;
  };
  refused("[http]\nlisen = \"x\"\n", "line 2: unknown setting http.lisen");
  refused("port = 1\n", "unknown setting port");
  refused("[network]\nepoch_ms = 49\n", "line 2: network.epoch_ms must be a number from 50");
  refused("[network]\nepoch_ms = \"200\"\n", "must be a number");
  refused("[node]\njournal_kib = 0\n", "node.journal_kib must be a number from 1");
  refused("[node]\nproofs_mib = 0\n", "node.proofs_mib must be a number from 1");
  refused("[http]\nfree_calls = 1\n", "must be true or false");
  refused("[http\n", "line 1");
  refused("[\bhttp]\n", "not TOML");  // its parser has an assertion for that
  refused(std::string(kMaxSettingsBytes + 1, '#'), "is longer than");
  EXPECT_EQ(read_config_file(folder_ / "nowhere.toml", config_).error().fault, Fault::kInvalid);
  EXPECT_TRUE(read(std::string(kMaxSettingsBytes, '#')));
}

TEST_F(ConfigTest, ListensOnLoopbackOnly) {
  for (const char* good : {"127.0.0.1:8080", "localhost:1", "127.9.9.9:2", "[::1]:3", "8080", ":0"}) {
    EXPECT_TRUE(parse_http_listen(good, config_).has_value()) << good;
  }
  for (const char* bad : {"0.0.0.0:8080", "192.168.0.1:80", "example.org:80", "127.0.0.1:", "127.0.0.1:65536", "x", "",
                          "127.evil.example:80", "127.0.0.1.2:80"}) {
    EXPECT_FALSE(parse_http_listen(bad, config_).has_value()) << bad;
  }
}

TEST_F(ConfigTest, ALockNamesWhoHoldsIt) {
  const auto file = folder_ / "lock";
  {
    const auto held = ProcessLock::take(file, "somebody is here");
    ASSERT_TRUE(held.has_value());
    const auto second = ProcessLock::take(file, "somebody is here");
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().fault, Fault::kDenied) << "locked: exit code 5";
    EXPECT_EQ(second.error().message, "somebody is here (process " + std::to_string(::getpid()) + ")");
  }
  EXPECT_TRUE(ProcessLock::take(file, "somebody is here").has_value());
}

// A killed process leaves its lock to a child that it was just starting: here the child lives until a pipe is closed.
TEST(ProcessLockTest, WaitsForTheChildrenOfAKilledHolder) {
  const test::TempFolder folder;
  const auto file = folder.path() / "lock";
  int alive[2] = {};
  int ready[2] = {};
  ASSERT_EQ(::pipe(alive), 0);
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t holder = ::fork();
  if (holder == 0) {
    const auto held = ProcessLock::take(file, "");
    ::close(alive[1]);
    if (::fork() == 0) {
      char byte = 0;
      static_cast<void>(::write(ready[1], "x", 1));
      static_cast<void>(::read(alive[0], &byte, 1));
      ::_exit(0);
    }
    ::_exit(held ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  int status = -1;
  ASSERT_EQ(::waitpid(holder, &status, 0), holder);
  ASSERT_EQ(status, 0);
  auto waiting = std::async(std::launch::async, [&] { return ProcessLock::take(file, "").has_value(); });
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  ::close(alive[1]);
  EXPECT_TRUE(waiting.get());
  for (const int fd : {alive[0], ready[0], ready[1]}) ::close(fd);
}

}  // namespace
}  // namespace micro
