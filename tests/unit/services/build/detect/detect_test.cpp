#include "services/build/detect/detect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace micro {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Detection found(std::vector<std::string> files, std::optional<std::string> manifest = std::nullopt) {
  auto detection = detect({std::move(files), std::move(manifest)});
  EXPECT_TRUE(detection.has_value()) << (detection ? "" : detection.error().message);
  return detection.value_or(Detection{});
}
Error refused(std::vector<std::string> files, std::optional<std::string> manifest = std::nullopt) {
  auto detection = detect({std::move(files), std::move(manifest)});
  EXPECT_FALSE(detection.has_value());
  return detection ? Error{} : detection.error();
}

TEST(Detect, CFromFilesAtTheTopOnly) {
  const Detection d = found({"main.c", "util.c", "util.h", "tests/test.c", "README.md"});
  EXPECT_EQ(d.plan.language, Language::kC);
  EXPECT_THAT(d.plan.sources, ElementsAre("main.c", "util.c"));
  EXPECT_THAT(d.notes, ::testing::Contains(HasSubstr("found main.c: C")));
}

TEST(Detect, CppTakesCFilesAlong) {
  const Detection d = found({"main.cpp", "old.c", "x.hpp"});
  EXPECT_EQ(d.plan.language, Language::kCpp);
  EXPECT_THAT(d.plan.sources, ElementsAre("main.cpp", "old.c"));
  EXPECT_THAT(d.plan.compile_flags, ::testing::Contains("-fno-exceptions"));
}

TEST(Detect, GoFromItsModule) {
  const Detection d = found({"go.mod", "main.go", "vendor/modules.txt"});
  EXPECT_EQ(d.plan.language, Language::kGo);
  EXPECT_EQ(d.plan.entry, ".");
  EXPECT_TRUE(d.plan.sources.empty());
}

TEST(Detect, GoCommandFolderIsNamedInTheManifest) {
  EXPECT_EQ(found({"go.mod", "cmd/a/main.go"}, R"({"sources":["cmd/a"]})").plan.entry, "./cmd/a");
  EXPECT_THAT(refused({"go.mod", "cmd/a/main.go", "cmd/b/main.go"}).hint, HasSubstr("cmd/a, cmd/b"));
  EXPECT_THAT(refused({"go.mod", "main.go"}, R"({"sources":["cmd/x"]})").message, HasSubstr("cmd/x"));
}

TEST(Detect, SeveralCandidatesAreNamed) {
  const Error e = refused({"go.mod", "main.go", "main.c"});
  EXPECT_EQ(e.fault, Fault::kInvalid);
  EXPECT_THAT(e.message, HasSubstr("Go (go.mod) or C (main.c)"));
  EXPECT_THAT(refused({"main.c", "main.cc"}).message, HasSubstr("C++ (main.cc) or C (main.c)"));
  EXPECT_THAT(refused({"Cargo.toml", "main.c"}).message, HasSubstr("Rust (Cargo.toml)"));
}

TEST(Detect, TheManifestDecides) {
  const Detection d = found({"go.mod", "main.go", "main.c", "b.c"}, R"({"language":"c","sources":["main.c"]})");
  EXPECT_EQ(d.plan.language, Language::kC);
  EXPECT_THAT(d.plan.sources, ElementsAre("main.c"));
}

TEST(Detect, SourcesMustExistAndFit) {
  EXPECT_THAT(refused({"main.c"}, R"({"sources":["gone.c"]})").message, HasSubstr("gone.c"));
  EXPECT_THAT(refused({"main.c", "x.cc"}, R"({"language":"c","sources":["x.cc"]})").message, HasSubstr("not C"));
}

TEST(Detect, KnownLanguagesThatAreNotBuiltSaySo) {
  for (const auto* file : {"Cargo.toml", "package.json", "main.py", "Gemfile", "build.zig", "pom.xml", "x.wat"}) {
    const Error e = refused({file, "src/lib.rs"});
    EXPECT_EQ(e.fault, Fault::kNotFound);
    EXPECT_THAT(e.message, HasSubstr(std::string(file)));
    EXPECT_THAT(e.hint, HasSubstr("Go (go.mod"));
  }
}

TEST(Detect, AnEmptyTopPointsToFoldersWithPrograms) {
  EXPECT_THAT(refused({"README.md", "services/hello/main.c"}).hint, HasSubstr("services/hello"));
  EXPECT_EQ(refused({}).fault, Fault::kNotFound);
}

TEST(Detect, MakefilesAreMentionedAndNotRun) {
  EXPECT_THAT(found({"main.c", "Makefile"}).notes, ::testing::Contains(HasSubstr("Makefile is not run")));
}

TEST(Detect, TheManifestSetsTheStackOfCPrograms) {
  EXPECT_THAT(found({"main.c"}).plan.link_flags, ::testing::Contains("-Wl,-z,stack-size=65536"));
  EXPECT_THAT(found({"main.cc"}, R"({"stack_kib":256})").plan.link_flags,
              ::testing::Contains("-Wl,-z,stack-size=262144"));
  EXPECT_THAT(refused({"go.mod", "main.go"}, R"({"stack_kib":256})").message, HasSubstr("stack_kib"));
}

TEST(Plan, TheHashDependsOnEveryPartAndNotOnTheOrderOfListing) {
  const Hash a = found({"b.c", "main.c"}).plan_hash;
  EXPECT_EQ(a, found({"main.c", "b.c"}).plan_hash);
  EXPECT_NE(a, found({"main.c"}).plan_hash);
  EXPECT_NE(found({"main.c"}).plan_hash, found({"main.cc"}).plan_hash);
  EXPECT_NE(found({"go.mod", "main.go"}).plan_hash,
            found({"go.mod", "main.go", "x/a.go"}, R"({"sources":["x"]})").plan_hash);
}

TEST(Plan, EncodingRoundTripsAndIsFrozen) {
  const BuildPlan plan = found({"main.c", "b.c"}).plan;
  const auto back = decode<BuildPlan>(encode(plan));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, plan);
  // A change of this value changes what every builder attests to: raise BuildPlan::version with it.
  EXPECT_EQ(plan_hash(plan).hex(), "c17a924faaf23c22f46437e45347bb5f8f25ef88b009eafc0397d23dd837b2b4");
}

}  // namespace
}  // namespace micro
