#include "services/wasm/engine.hpp"

#include <chrono>

#include "tests/gen/guest.hpp"

namespace micro::wasm {
namespace {

TEST(Program, SeesItsEnvironmentInputTimeAndSeedAndNothingElse) {
  ProgramCall call = call_of({"svc"});
  call.env = Texts::of_variables({{"REQUEST_METHOD", "POST"}, {"PATH_INFO", "/a/b"}});
  const std::string body = "hello\n";
  call.input = as_bytes(body);
  const ProgramOutcome first = test_engine().run(compile_guest("echo"), call);
  ASSERT_EQ(first.kind, CallEnd::kExited) << first.detail;
  EXPECT_EQ(first.exit_code, 0U);
  EXPECT_TRUE(text_of(first.out).starts_with("Status: 201 Created\r\nContent-Type: text/plain\r\n\r\n"));
  EXPECT_NE(text_of(first.out).find("svc POST /a/b\ntime 1800000000 random "), std::string::npos) << text_of(first.out);
  EXPECT_TRUE(text_of(first.out).ends_with("hello\n"));
  EXPECT_EQ(text_of(first.log), "served 6 bytes\n");
  EXPECT_GT(first.gas.value, 1'000U);
  EXPECT_EQ(test_engine().run(compile_guest("echo"), call), first);
  call.seed.data[0] = 1;
  const ProgramOutcome other = test_engine().run(compile_guest("echo"), call);
  EXPECT_NE(other.out, first.out);
}

TEST(Program, CppStreamsWork) {
  ProgramCall call = call_of({"words"});
  call.input = as_bytes("b a b\n");
  const ProgramOutcome out = test_engine().run(compile_guest("words"), call);
  EXPECT_EQ(out.kind, CallEnd::kExited) << out.detail;
  EXPECT_EQ(text_of(out.out), "Content-Type: text/plain\n\na=1\nb=2\n");
}

TEST(Program, ExitCodeIsReported) {
  const ProgramOutcome out = test_engine().run(compile_guest("hostile"), call_of({"h", "exit", "42"}));
  EXPECT_EQ(out.kind, CallEnd::kExited);
  EXPECT_EQ(out.exit_code, 42U);
  EXPECT_LT(out.gas.value, 1'000'000U);
}

}  // namespace
}  // namespace micro::wasm
