#include "rpc/cli/globals.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

std::map<std::string, std::string> environment;
const char* read_environment(const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? nullptr : found->second.c_str();
}

class GlobalsTest : public ::testing::Test {
 protected:
  GlobalsTest() { environment.clear(); }
  std::filesystem::path config(const std::string& text, const char* name = "config.toml") {
    const auto file = folder_ / name;
    std::ofstream(file) << text;
    return file;
  }
  test::TempFolder folder_;
};

TEST_F(GlobalsTest, TheEnvironmentWinsOverTheFile) {
  const auto file = config("[cli]\naccount = \"alice\"\nwait = \"submitted\"\njson = true\n");
  environment = {{"MICRO_ACCOUNT", "bob"}, {"MICRO_TIMEOUT", "2m"}, {"MICRO_ENV", "home"}, {"MICRO_VERBOSE", "1"}};
  Globals globals;
  ASSERT_TRUE(load_globals(globals, {{}, file, {}}, read_environment).has_value());
  EXPECT_EQ(globals.account, "bob");
  EXPECT_EQ(globals.wait, WaitFor::kSubmitted);
  EXPECT_TRUE(globals.json);
  EXPECT_EQ(globals.timeout_ms, 120'000u);
  EXPECT_EQ(globals.env, "home");
  EXPECT_TRUE(globals.verbose);
}

TEST_F(GlobalsTest, ANetworksNameIsAFoldersName) {
  for (const char* good : {"dev", "local", "my-net_2.test"}) EXPECT_TRUE(check_network_name(good).has_value()) << good;
  for (const char* bad : {"", ".", "..", ".x", "a/b", "Dev", "a b", "123456789012345678901234567890123"}) {
    EXPECT_FALSE(check_network_name(bad).has_value()) << bad;
  }
}

TEST_F(GlobalsTest, TheProjectWinsOverTheUserAndTheUserOverTheMachine) {
  const ConfigFiles files{config("[cli]\nenv = \"a\"\ntimeout = 1\ncolor = \"never\"\n", "machine.toml"),
                          config("[cli]\nenv = \"b\"\ntimeout = 2\n", "user.toml"),
                          config("[cli]\nenv = \"c\"\n", "project.toml")};
  Globals globals;
  ASSERT_TRUE(load_globals(globals, files, read_environment).has_value());
  EXPECT_EQ(globals.env, "c");
  EXPECT_EQ(globals.timeout_ms, 2'000u);
  EXPECT_EQ(globals.color, ColorMode::kNever);
}

TEST_F(GlobalsTest, AClonedProjectNeitherSpendsNorSigns) {
  for (const char* key : {"account = \"x\"", "max_price = \"9\"", "yes = true", "socket = \"/s\"", "data = \"/d\"",
                          "wallets = \"/w\"", "password_file = \"/p\"", "dry_run = false", "no_input = true"}) {
    Globals globals;
    const auto status = load_globals(globals, {{}, {}, config(std::string("[cli]\n") + key + "\n")}, read_environment);
    ASSERT_FALSE(status.has_value()) << key;
    EXPECT_NE(status.error().message.find("line 2: a project cannot set"), std::string::npos) << status.error().message;
  }
}

TEST_F(GlobalsTest, NoFileIsFine) {
  Globals globals;
  EXPECT_TRUE(load_globals(globals, {{}, folder_ / "absent.toml", {}}, read_environment).has_value());
  EXPECT_EQ(globals.wait, WaitFor::kFinal);
}

TEST_F(GlobalsTest, ErrorsNameThePlace) {
  Globals globals;
  const auto refused = [&](const std::string& text, std::string_view part) {
    const auto status = load_globals(globals, {{}, config(text), {}}, read_environment);
    ASSERT_FALSE(status.has_value()) << text;
    EXPECT_NE(status.error().message.find(part), std::string::npos) << status.error().message;
  };
  refused("[cli]\nacount = \"x\"\n", "line 2: unknown setting acount");
  refused("[client]\n", "unknown setting client");
  refused("[cli]\nwait = \"forever\"\n", "is not none, submitted, included or final");
  refused("[cli]\nmax_price = 1.5\n", "line 2");
  refused("[cli\n", "line 1");
  environment = {{"MICRO_MAX_PRICE", "-1"}};
  const auto status = load_globals(globals, {{}, folder_ / "absent.toml", {}}, read_environment);
  ASSERT_FALSE(status.has_value());
  EXPECT_TRUE(status.error().message.starts_with("MICRO_MAX_PRICE: ")) << status.error().message;
}

TEST_F(GlobalsTest, EverySettingHasItsVariableAndIsKnown) {
  for (const GlobalSetting& setting : kGlobalSettings) {
    Globals globals;
    const auto status = set_global(globals, setting.key, "definitely/not valid");
    if (!status) {
      EXPECT_EQ(status.error().message.find("unknown setting"), std::string::npos) << setting.key;
    }
    std::string variable = "MICRO_";
    for (const char c : setting.key) variable += static_cast<char>(std::toupper(c));
    EXPECT_EQ(setting.variable, variable);
  }
}

TEST_F(GlobalsTest, NoColorIsHonoured) {
  environment = {{"NO_COLOR", "1"}};
  Globals globals;
  ASSERT_TRUE(load_globals(globals, {{}, folder_ / "absent.toml", {}}, read_environment).has_value());
  EXPECT_EQ(globals.color, ColorMode::kNever);
}

TEST(Durations, HaveUnitsAndBounds) {
  EXPECT_EQ(parse_duration_ms("90"), 90'000u);
  EXPECT_EQ(parse_duration_ms("500ms"), 500u);
  EXPECT_EQ(parse_duration_ms("1h"), 3'600'000u);
  for (const char* bad : {"", "s", "-1s", "1.5s", "9 s", "8d", "999999999999h", "18446744073709551616"}) {
    EXPECT_FALSE(parse_duration_ms(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace micro
