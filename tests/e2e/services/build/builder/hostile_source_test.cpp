// Sources made to harm the builder: each is refused or ends in time, with the reason, and reads nothing outside.
#include <gmock/gmock.h>

#include <chrono>

#include "tests/e2e/services/build/builder/build_rig.hpp"

namespace micro {
namespace {

using test::BuildRig;
using test::slurp;
using ::testing::HasSubstr;
using ::testing::Not;

class HostileSource : public BuildRig {
 protected:
  void SetUp() override { std::ofstream(folder_ / "secret.h") << "#define SECRET \"host-secret\"\n"; }
  void TearDown() override {
    EXPECT_THAT(log_, Not(HasSubstr("host-secret")));
    EXPECT_THAT(log_, Not(HasSubstr("root:x:")));
  }
  Error refused_c(const std::string& text) { return refused({{"main.c", text}}); }
  Error refused_cpp(const std::string& text) { return refused({{"main.cc", text}}); }
};

TEST_F(HostileSource, IncludesOfTheHostsFiles) {
  for (const std::string& path :
       {std::string("/etc/passwd"), std::string("/etc/shadow"), (folder_ / "secret.h").string(),
        "../../.." + (folder_ / "secret.h").string(), std::string("/root/.bashrc"),
        std::string("/proc/1/root/etc/passwd"), std::string("/home")}) {
    const Error e = refused_c("#include \"" + path + "\"\nint main(void) { return 0; }\n");
    EXPECT_THAT(e.message, HasSubstr("error")) << path;
    EXPECT_THAT(e.message, Not(HasSubstr("root:")));
  }
}

TEST_F(HostileSource, BytesOfTheHostsFilesThroughTheAssembler) {
  for (const std::string& path : {std::string("/etc/passwd"), (folder_ / "secret.h").string()}) {
    const Error e = refused_c("__asm__(\".section .data.x,\\\"\\\",@\\n.incbin \\\"" + path +
                              "\\\"\\n\");\nint main(void) { return 0; }\n");
    EXPECT_THAT(e.message, HasSubstr("error")) << path;
  }
  repo_.commit(
      {{"main.c", "int main(void) {\n  static const char f[] = {\n#embed \"/etc/passwd\"\n  };\n  return f[0];\n}\n"}});
  const auto done = build(limited(), source());
  EXPECT_FALSE(done.has_value());
}

TEST_F(HostileSource, FilesThatNeverEnd) {
  // The compiler takes a device for an empty file. What matters: it ends, and the device's bytes are not in the module.
  for (const char* device : {"/dev/zero", "/dev/urandom", "/dev/full"}) {
    repo_.commit({{"main.c", "#include \"" + std::string(device) + "\"\nint main(void) { return 0; }\n"}});
    const auto first = build(limited(), source());
    if (!first) {
      EXPECT_TRUE(first.error().fault == Fault::kInvalid || first.error().fault == Fault::kLimit)
          << first.error().message;
      continue;
    }
    const auto second = build(config("other"), source());
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(first->wasm_sha256, second->wasm_sha256) << device;
  }
  const Error stdin_device =
      refused_c("#include \"/dev/stdin\"\n#include \"/dev/tty\"\nint main(void) { return 0; }\n");
  EXPECT_EQ(stdin_device.fault, Fault::kInvalid) << stdin_device.message;
}

TEST_F(HostileSource, AFileThatIncludesItself) {
  EXPECT_THAT(refused_c("#include \"main.c\"\n#include \"main.c\"\n").message, HasSubstr("nested too deeply"));
}

TEST_F(HostileSource, MacrosThatMultiply) {
  std::string text = "#define A0 x x x x x x x x x x\n";
  for (int i = 1; i < 12; ++i) {
    const std::string n = std::to_string(i), m = std::to_string(i - 1);
    text +=
        "#define A" + n + " A" + m + " A" + m + " A" + m + " A" + m + " A" + m + " A" + m + " A" + m + " A" + m + "\n";
  }
  const Error e = refused_c(text + "A11\n");
  EXPECT_TRUE(e.fault == Fault::kInvalid || e.fault == Fault::kLimit) << e.message;
}

TEST_F(HostileSource, TemplatesThatNeverEnd) {
  EXPECT_THAT(refused_cpp("template <int N> struct S : S<N + 1> {};\nS<0> s;\nint main() {}\n").message,
              HasSubstr("recursive template"));
  const Error wide = refused_cpp(
      "template <class A, class B> struct P {};\n"
      "template <int N, class T> struct S { using t = typename S<N - 1, P<typename S<N - 1, T>::t, P<T, T>>>::t; };\n"
      "template <class T> struct S<0, T> { using t = T; };\nS<900, int>::t x;\nint main() {}\n");
  EXPECT_TRUE(wide.fault == Fault::kInvalid || wide.fault == Fault::kLimit) << wide.message;
}

TEST_F(HostileSource, ConstantsThatNeverEnd) {
  EXPECT_THAT(
      refused_cpp("constexpr int f() { for (;;) {} }\nconstexpr int x = f();\nint main() { return x; }\n").message,
      HasSubstr("constant expression"));
}

TEST_F(HostileSource, ResultsThatAreTooLarge) {
  const Error e = refused_c("int main[1u << 28] = {1};\n");
  EXPECT_TRUE(e.fault == Fault::kInvalid || e.fault == Fault::kLimit) << e.message;
  // A string's padding costs the compiler nothing, so it is the module that is refused and not the time it took.
  const Error module = refused_c(
      "static const char big[40u << 20] = \"x\";\n"
      "int main(int n, char **v) { (void)v; return big[n]; }\n");
  EXPECT_EQ(module.fault, Fault::kLimit) << module.message;
}

TEST_F(HostileSource, AFloodOfDiagnosticsIsCut) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += "#warning " + std::string(60, 'w') + "\n";
  repo_.commit({{"main.c", text + "int main(void) { return 0; }\n"}});
  const auto done = build(limited(), source());
  EXPECT_LT(log_.size(), kMaxBuildLogBytes + 10'000);
  if (done) EXPECT_LT(std::filesystem::file_size(done->log_path), kMaxBuildLogBytes + 10'000);
}

TEST_F(HostileSource, DiagnosticsCannotPaintTheTerminal) {
  refused_c("#error \x1b[2J\x1b]0;title\x07\nint main(void) { return 0; }\n");
  EXPECT_EQ(log_.find('\x1b'), std::string::npos);
  EXPECT_EQ(log_.find('\x07'), std::string::npos);
}

TEST_F(HostileSource, CompilerOptionsCannotComeFromTheSource) {
  repo_.commit({{"main.c", "int main(void) { return 0; }\n"},
                {".clang", "x"},
                {"clang.cfg", "-fplugin=/src/evil.so\n"},
                {"wasm32-wasi.cfg", "-fplugin=/src/evil.so\n"},
                {"a.rsp", "@a.rsp\n"},
                {"Makefile", "all:\n\t:(){ :|:& };:\n"},
                {"configure", "#!/bin/sh\nwhile :; do :; done\n"}});
  EXPECT_TRUE(build(limited(), source()).has_value()) << log_;
}

TEST_F(HostileSource, GoCannotEmbedTheHostsFiles) {
  for (const char* pattern : {"/etc/passwd", "../../etc/passwd", "../recipe/build.sh"}) {
    const Error e = refused({{"go.mod", "module a\n\ngo 1.22\n"},
                             {"main.go", "package main\n\nimport _ \"embed\"\n\n//go:embed " + std::string(pattern) +
                                             "\nvar text string\n\nfunc main() { println(text) }\n"}});
    EXPECT_THAT(e.message, HasSubstr("invalid pattern")) << pattern;
  }
}

TEST_F(HostileSource, GoCannotRunCOrGeneratorsOrOtherTools) {
  repo_.commit(
      {{"go.mod", "module a\n\ngo 1.22\n"},
       {"main.go", "package main\n\n//go:generate sh -c \"echo generated >&2\"\n\nfunc main() {}\n"},
       {"go.work", "go 1.22\n\nuse ../../etc\n"},
       {"c.go", "package main\n\n/*\n#cgo LDFLAGS: -fplugin=evil\n#include \"/etc/passwd\"\n*/\nimport \"C\"\n"}});
  const auto done = build(limited(), source());
  EXPECT_TRUE(done.has_value()) << log_;
  EXPECT_THAT(log_, Not(HasSubstr("generated")));
}

TEST_F(HostileSource, GoCannotReplaceModulesByTheHostsFolders) {
  const Error e = refused({{"go.mod", "module a\n\ngo 1.22\n\nrequire b v0.0.0\n\nreplace b => /etc\n"},
                           {"main.go", "package main\n\nimport _ \"b\"\n\nfunc main() {}\n"}});
  EXPECT_EQ(e.fault, Fault::kInvalid);
}

TEST_F(HostileSource, GoTypesThatExplode) {
  std::string text = "package main\n\ntype T0 struct{ a, b int }\n";
  for (int i = 1; i < 40; ++i)
    text += "type T" + std::to_string(i) + " struct{ a, b, c T" + std::to_string(i - 1) + " }\n";
  const Error e =
      refused({{"go.mod", "module a\n\ngo 1.22\n"}, {"main.go", text + "var x T39\nfunc main() { println(&x) }\n"}});
  // Go reports that its compiler was killed, not why: the machine may have run out of memory, so it may be busy.
  EXPECT_TRUE(e.fault == Fault::kInvalid || e.fault == Fault::kLimit || e.fault == Fault::kBusy) << e.message;
}

TEST_F(HostileSource, OneTenantCannotChangeWhatAnotherGets) {
  // In between, a module that calls itself like a package of Go's own library is built with the same compiled library.
  repo_.commit(
      {{"go.mod", "module a\n\ngo 1.22\n"},
       {"main.go", "package main\n\nimport \"strings\"\n\nfunc main() { println(strings.ToUpper(\"x\")) }\n"}});
  const auto honest = build(config("first"), source());
  ASSERT_TRUE(honest.has_value()) << honest.error().message;
  test::GitFixture evil((folder_ / "srv/evil.git").string());
  evil.commit(
      {{"go.mod", "module strings\n\ngo 1.22\n"}, {"main.go", "package main\n\nfunc main() { println(\"evil\") }\n"}});
  Source other = source();
  other.repo = server_.url("evil.git");
  static_cast<void>(build(config("second"), other));
  repo_.commit({{"go.mod", "module a\n\ngo 1.22\n"},
                {"main.go", "package main\n\nimport \"strings\"\n\nfunc main() { println(strings.ToUpper(\"x\")) }\n"}},
               "same\n");
  const auto again = build(config("second"), source());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(honest->wasm_sha256, again->wasm_sha256);
}

}  // namespace
}  // namespace micro
