#include "rpc/cli/usage.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "rpc/cli/app.hpp"

namespace micro {
namespace {

class UsageTest : public ::testing::Test {
 protected:
  UsageTest() : context_(nodes_, Globals{}) { build_app(app_, context_); }
  Error refused(const std::vector<std::string>& words) {
    const auto status = check_command_words(app_, words);
    EXPECT_FALSE(status.has_value());
    return status ? Error{} : status.error();
  }
  NodeCommands nodes_;
  Context context_;
  CLI::App app_;
};

TEST(EditDistance, CountsSwapsAsOne) {
  EXPECT_EQ(edit_distance("status", "status"), 0u);
  EXPECT_EQ(edit_distance("stauts", "status"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST_F(UsageTest, AnUnknownWordSuggestsTheNearestCommand) {
  EXPECT_EQ(refused({"stauts"}).fault, Fault::kInvalid);
  EXPECT_EQ(refused({"stauts"}).hint, "did you mean `micro status`?");
  EXPECT_EQ(refused({"wallet", "sned", "x", "1"}).hint, "did you mean `micro wallet send`?");
  EXPECT_EQ(refused({"--account", "status", "walet"}).hint, "did you mean `micro wallet`?");
  EXPECT_NE(refused({"kubernetes"}).hint.find("its commands are: demo, dev, server"), std::string::npos);
}

TEST_F(UsageTest, AGroupWantsACommand) {
  EXPECT_TRUE(refused({"wallet"}).message.starts_with("say what: new, import"));
  EXPECT_TRUE(check_command_words(app_, {"wallet", "--help"}).has_value());
  EXPECT_TRUE(check_command_words(app_, {"dev"}).has_value());
  EXPECT_TRUE(check_command_words(app_, {}).has_value());
}

TEST_F(UsageTest, ArgumentsAreNotCommands) {
  EXPECT_TRUE(check_command_words(app_, {"logs", "status"}).has_value());
  EXPECT_TRUE(check_command_words(app_, {"call", "wallet", "send", "{}"}).has_value());
  EXPECT_TRUE(check_command_words(app_, {"--account", "wallet", "services"}).has_value());
}

// The whole surface in one file: a change of any help text or option shows up in review.
TEST_F(UsageTest, HelpIsAsRecorded) {
  std::string all = help_text(app_);
  for (const auto& [name, command] : all_commands(app_)) all += "\n--- micro " + name + "\n" + help_text(*command);
  const std::string file = std::string(MICRO_GOLDEN_DIR) + "/help.golden";
  if (std::getenv("MICRO_UPDATE_GOLDEN") != nullptr) std::ofstream(file) << all;
  std::ifstream in(file);
  std::stringstream golden;
  golden << in.rdbuf();
  EXPECT_EQ(all, golden.str()) << "if this is what you want: MICRO_UPDATE_GOLDEN=1 and run this test again";
}

}  // namespace
}  // namespace micro
