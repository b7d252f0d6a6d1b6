#include "services/build/builder/recipe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace micro {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ShellQuote, NothingInAFileNameReachesTheShell) {
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote("it's $(id) `id` \\"), "'it'\\''s $(id) `id` \\'");
  EXPECT_EQ(shell_quote(""), "''");
}

TEST(Recipe, FilesNeverLookLikeOptions) {
  const Recipe recipe = make_recipe(make_plan(Language::kC, {"-o.c", "$(touch x).c"}, "main"), 7, 2);
  EXPECT_THAT(recipe.script, HasSubstr("-c './-o.c' -o"));
  EXPECT_THAT(recipe.script, HasSubstr("-c './$(touch x).c' -o"));
}

TEST(Recipe, ThePlaceAndTimeOfTheBuildAreFixed) {
  const Recipe recipe = make_recipe(make_plan(Language::kC, {"main.c"}, "main"), 1'700'000'000, 2);
  EXPECT_THAT(recipe.environment, Contains("SOURCE_DATE_EPOCH=1700000000"));
  EXPECT_THAT(recipe.environment, Contains("TZ=UTC"));
  EXPECT_THAT(recipe.environment, Contains("LC_ALL=C"));
  EXPECT_THAT(recipe.script, HasSubstr("-ffile-prefix-map=/src=."));
  EXPECT_THAT(recipe.script, ::testing::EndsWith("cat /out/service.wasm >&3\n"));
}

TEST(Recipe, CFilesBesideCppAreCompiledAsC) {
  const std::string script = make_recipe(make_plan(Language::kCpp, {"a.c", "main.cc"}, "main"), 0, 2).script;
  const std::string c_line =
      script.substr(script.find("clang-19 --target"), script.find("./a.c") - script.find("clang-19 --target"));
  EXPECT_THAT(c_line, HasSubstr("-std=gnu17"));
  EXPECT_THAT(c_line, Not(HasSubstr("gnu++")));
  EXPECT_THAT(script, HasSubstr("clang++-19 --target=wasm32-wasi '-Wl,--strip-all'"));
}

TEST(Recipe, GoGetsNoNetworkAndNoOtherToolchain) {
  const Recipe recipe = make_recipe(make_plan(Language::kGo, {}, "./cmd/x"), 0, 2);
  for (const char* variable :
       {"GOPROXY=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0", "GOOS=wasip1", "GOARCH=wasm", "GOENV=off", "GOWORK=off"}) {
    EXPECT_THAT(recipe.environment, Contains(variable));
  }
  EXPECT_THAT(recipe.script,
              HasSubstr("'-trimpath' '-buildvcs=false' '-ldflags=-s -w' -o /out/service.wasm './cmd/x'"));
}

}  // namespace
}  // namespace micro
