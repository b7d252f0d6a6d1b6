// The example services the way they are used: from a git server through the sandbox and the engine to an HTTP reply.
#include <gmock/gmock.h>

#include "services/host/cgi/cgi.hpp"
#include "services/wasm/engine.hpp"
#include "services/wasm/module_info.hpp"
#include "tests/e2e/services/build/builder/build_rig.hpp"

namespace micro {
namespace {

using test::BuildRig;
using ::testing::HasSubstr;

struct Reply {
  int status = 0;
  std::string body;
  std::string type;
};

class Examples : public BuildRig {
 protected:
  void load(const std::string& name) {
    repo_.commit(test::files_below(test::example(name)));
    const auto built = build(config(), source());
    ASSERT_TRUE(built.has_value()) << built.error().message;
    const std::string wasm = test::slurp(built->wasm_path);
    const auto info = wasm::inspect(as_bytes(wasm));
    ASSERT_TRUE(info.has_value()) << info.error().message;
    const auto fits = wasm::check_program(*info);
    ASSERT_TRUE(fits.has_value()) << fits.error().message;
    engine_ = wasm::Engine::create({.slots = 1}).value();
    module_ = engine_->load(engine_->compile(as_bytes(wasm)).value()).value();
  }
  Reply call(const std::string& method, const std::string& path, const std::string& body = "",
             const std::string& query = "", const std::string& type = "application/json") {
    CgiRequest request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.content_type = body.empty() ? "" : type;
    request.body = as_bytes(body);
    request.service = "example";
    wasm::ProgramCall program;
    program.env = cgi_variables(request).value();
    program.args = wasm::Texts::of({"example"});
    program.input = as_bytes(body);
    program.gas_limit = Gas(20'000'000'000);
    program.time = TimeMs(1'800'000'000'000);
    const auto outcome = engine_->run(module_, program);
    EXPECT_EQ(outcome.kind, wasm::CallEnd::kExited) << outcome.detail;
    EXPECT_EQ(outcome.exit_code, 0u) << as_text(outcome.log);
    gas_ = outcome.gas.value;
    const auto response = parse_cgi_response(outcome.out);
    EXPECT_TRUE(response.has_value()) << as_text(outcome.out);
    Reply reply;
    if (!response) return reply;
    reply.status = response->status;
    reply.body = std::string(as_text(response->body));
    for (const auto& [key, value] : response->headers) {
      if (key == "Content-Type") reply.type = value;
    }
    return reply;
  }

  std::unique_ptr<wasm::Engine> engine_;
  wasm::Module module_;
  std::uint64_t gas_ = 0;
};

TEST_F(Examples, HelloInC) {
  load("hello-c");
  EXPECT_EQ(call("GET", "/hello").body, "{\"greeting\":\"Hello, world!\"}\n");
  EXPECT_EQ(call("GET", "/hello").type, "application/json");
  EXPECT_EQ(call("POST", "/hello", R"({"name": "Ada"})").body, "{\"greeting\":\"Hello, Ada!\"}\n");
  std::printf("[ measured ] hello-c: %llu gas\n", static_cast<unsigned long long>(gas_));
  EXPECT_EQ(call("POST", "/hello", R"({"name":"\"A\\\u00e9"})").body, "{\"greeting\":\"Hello, \\\"A\\\\\\u00e9!\"}\n");
  for (const char* body :
       {R"({"name":1})", R"({"name":"x"} y)", R"({"nome":"x"})", R"({"name":"x\)", R"({"name":"\u12"})", "{", ""}) {
    EXPECT_EQ(call("POST", "/hello", body).status, 400) << body;
  }
  EXPECT_EQ(call("POST", "/hello", std::string(5'000, 'x')).status, 413);
  EXPECT_EQ(call("DELETE", "/hello").status, 405);
  EXPECT_EQ(call("GET", "/other").status, 404);
}

TEST_F(Examples, WordStatsInCpp) {
  load("hello-cpp");
  EXPECT_EQ(call("POST", "/count", "the cat\nand The hat\n", "top=2", "text/plain").body,
            "{\"bytes\":20,\"lines\":2,\"words\":5,\"distinct\":4,\"top\":[{\"word\":\"the\",\"count\":2},{\"word\":"
            "\"and\",\"count\":1}]}\n");
  EXPECT_EQ(call("POST", "/count", "", "", "text/plain").body,
            "{\"bytes\":0,\"lines\":0,\"words\":0,\"distinct\":0,\"top\":[]}\n");
  EXPECT_EQ(call("POST", "/count", "x", "top=1000", "text/plain").status, 400);
  EXPECT_EQ(call("GET", "/count").status, 405);
  EXPECT_EQ(call("GET", "/").status, 404);
}

TEST_F(Examples, UnitsInGo) {
  load("hello-go");
  EXPECT_EQ(call("GET", "/convert/km/mi", "", "value=42").body,
            "{\"from\":\"km\",\"to\":\"mi\",\"value\":42,\"result\":26.097590074}\n");
  std::printf("[ measured ] hello-go: %llu gas\n", static_cast<unsigned long long>(gas_));
  EXPECT_EQ(call("POST", "/convert", R"([{"from":"C","to":"F","value":100}])").body,
            "[{\"from\":\"C\",\"to\":\"F\",\"value\":100,\"result\":212}]\n");
  EXPECT_THAT(call("GET", "/units").body, HasSubstr("\"mass\":[\"g\",\"kg\",\"lb\",\"oz\"]"));
  EXPECT_EQ(call("GET", "/convert/km/kg", "", "value=1").status, 400);
  EXPECT_EQ(call("GET", "/").status, 404);
}

}  // namespace
}  // namespace micro
