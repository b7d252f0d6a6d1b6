#include "rpc/api/methods.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

class Sink final : public HttpResponder::Channel {
 public:
  explicit Sink(std::vector<HttpReply>& replies) : replies_(replies) {}
  void send(HttpReply reply) override { replies_.push_back(std::move(reply)); }
  void when_gone(std::function<void()>) override {}
  std::shared_ptr<HttpStream> stream(HttpReply) override { return nullptr; }

 private:
  std::vector<HttpReply>& replies_;
};

class MethodsTest : public ::testing::Test {
 protected:
  MethodsTest() {
    methods_.add("echo", [this](RpcParams& p) -> Result<Json> {
      ++calls_;
      Json out{{"text", TRY(p.text("text"))}};
      if (const auto more = p.optional_text("more")) out["more"] = *more;
      static_cast<void>(p.texts("list"));
      static_cast<void>(p.u64_or("count", 1));
      TRY(p.finish());
      return out;
    });
    methods_.add("number", [](RpcParams& p) -> Result<Json> { return Json(std::to_string(TRY(p.u64("n")))); });
    methods_.add("refuse", [](RpcParams&) -> Result<Json> { return fail(Fault::kFunds, "too dear", "pay less"); });
    methods_.add_slow("later", [this](RpcParams&, RpcDone done) { waiting_.push_back(std::move(done)); });
  }
  void post(const std::string& body) {
    HttpRequest request;
    request.method = "POST";
    request.body = body;
    methods_.handle(request, HttpResponder(std::make_shared<Sink>(replies_)));
  }
  Json ask(const std::string& body) {
    replies_.clear();
    post(body);
    EXPECT_EQ(replies_.size(), 1u) << body;
    if (replies_.empty() || replies_[0].body.empty()) return {};
    EXPECT_EQ(replies_[0].status, 200u);
    return *parse_json(replies_[0].body);
  }
  int error_code(const std::string& body) { return ask(body)["error"].value("code", 0); }

  RpcMethods methods_;
  std::vector<HttpReply> replies_;
  std::vector<RpcDone> waiting_;
  int calls_ = 0;
};

TEST_F(MethodsTest, AnswersWithTheSameId) {
  EXPECT_EQ(ask(R"({"jsonrpc":"2.0","id":7,"method":"echo","params":{"text":"a"}})").dump(),
            R"({"jsonrpc":"2.0","id":7,"result":{"text":"a"}})");
  EXPECT_EQ(ask(R"({"jsonrpc":"2.0","id":"x","method":"number","params":{"n":"18446744073709551615"}})")["result"],
            "18446744073709551615");
}

TEST_F(MethodsTest, RefusesWhatIsNotJsonRpc2) {
  EXPECT_EQ(error_code("{"), -32700);
  EXPECT_EQ(error_code(R"({"jsonrpc":"2.0","id":1,"id":2,"method":"echo"})"), -32700);
  EXPECT_EQ(error_code(std::string(100, '[') + std::string(100, ']')), -32700);
  for (const char* body :
       {"5", "[]", "{}", R"({"id":1,"method":"echo"})", R"({"jsonrpc":"1.0","id":1,"method":"echo"})",
        R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0","id":1,"method":5})",
        R"({"jsonrpc":"2.0","id":1,"method":"echo","params":["a"]})",
        R"({"jsonrpc":"2.0","id":1,"method":"echo","params":"a"})"}) {
    EXPECT_EQ(error_code(body), -32600) << body;
  }
  EXPECT_EQ(error_code(R"({"jsonrpc":"2.0","id":1,"method":"nothing"})"), -32601);
  EXPECT_EQ(calls_, 0);
}

TEST_F(MethodsTest, ParametersAreChecked) {
  const auto message = [&](const std::string& params) {
    const Json answer = ask(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":)" + params + "}");
    EXPECT_EQ(answer["error"]["data"]["exit"], 2) << answer.dump();
    return answer["error"].value("message", "");
  };
  EXPECT_EQ(message("{}"), "parameter \"text\" is missing");
  EXPECT_EQ(message(R"({"text":5})"), "parameter \"text\" must be text");
  EXPECT_EQ(message(R"({"text":"a","txet":"b"})"), "unknown parameter \"txet\"");
  EXPECT_EQ(message(R"({"text":"a","more":5})"), "parameter \"more\" must be text");
  EXPECT_EQ(message(R"({"text":"a","list":["x",5]})"), "parameter \"list\" must be a list of texts");
  EXPECT_EQ(message(R"({"text":"a","list":"x"})"), "parameter \"list\" must be a list of texts");
  EXPECT_EQ(message(R"({"text":"a","count":"many"})"), "parameter \"count\" must be a whole number");
  for (const char* bad : {"-1", "\"-1\"", "\"1.5\"", "\"\"", "\"18446744073709551616\"", "true", "[]"}) {
    EXPECT_EQ(error_code(R"({"jsonrpc":"2.0","id":1,"method":"number","params":{"n":)" + std::string(bad) + "}}"),
              -32002)
        << bad;
  }
}

TEST_F(MethodsTest, ErrorsComeBackAsTheyWere) {
  for (const Fault fault : {Fault::kInternal, Fault::kInvalid, Fault::kUnreachable, Fault::kNotFound, Fault::kDenied,
                            Fault::kFunds, Fault::kRejected, Fault::kUnknownOutcome, Fault::kRefused, Fault::kMismatch,
                            Fault::kLimit, Fault::kIo, Fault::kCorrupt, Fault::kBusy, Fault::kInterrupted}) {
    const Error error{fault, "message", "hint"};
    EXPECT_EQ(error_from_json(error_json(error)), error);
    EXPECT_EQ(exit_code(fault_of_exit(exit_code(fault))), exit_code(fault));
  }
  const Json answer = ask(R"({"jsonrpc":"2.0","id":1,"method":"refuse"})");
  EXPECT_EQ(answer["error"].dump(),
            R"({"code":-32006,"message":"too dear","data":{"name":"funds","hint":"pay less","exit":6}})");
}

TEST_F(MethodsTest, AnErrorOfAnotherShapeIsAnErrorAndNoException) {
  const Json odd{{"message", 5}, {"data", {{"name", 1}, {"hint", Json::array()}}}};
  EXPECT_EQ(error_from_json(odd).fault, Fault::kInternal);
  EXPECT_FALSE(error_from_json(odd).message.empty());
  EXPECT_EQ(error_from_json(Json("text")).fault, Fault::kInternal);
  EXPECT_EQ(error_from_json(Json{{"message", "m"}, {"data", 7}}).message, "m");
}

// What is quoted from a request into an answer may be no text at all.
TEST_F(MethodsTest, BytesThatAreNotUtf8AreAnswered) {
  EXPECT_EQ(error_code("{\"jsonrpc\":\"2.0\",\"id\":\"\xf0\x9f\""), -32700);
  EXPECT_EQ(error_code("\xff\xfe"), -32700);
  std::string long_key = "a";
  for (int i = 0; i < 60; ++i) long_key += "é";
  EXPECT_EQ(error_code(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":"t",")" + long_key + R"(":1}})"),
            -32002);
}

TEST_F(MethodsTest, ANotificationHasNoAnswer) {
  post(R"({"jsonrpc":"2.0","method":"echo","params":{"text":"a"}})");
  ASSERT_EQ(replies_.size(), 1u);
  EXPECT_EQ(replies_[0].status, 204u);
  EXPECT_EQ(replies_[0].body, "");
  EXPECT_EQ(calls_, 1);
}

TEST_F(MethodsTest, ABatchIsAnsweredWhenItsLastCallIs) {
  post(R"([{"jsonrpc":"2.0","id":1,"method":"later"},{"jsonrpc":"2.0","id":2,"method":"echo","params":{"text":"b"}},
           {"jsonrpc":"2.0","method":"echo","params":{"text":"c"}},{"jsonrpc":"2.0","id":3,"method":"later"}])");
  EXPECT_TRUE(replies_.empty());
  ASSERT_EQ(waiting_.size(), 2u);
  waiting_[1](Json("second"));
  EXPECT_TRUE(replies_.empty());
  waiting_[0](Json("first"));
  ASSERT_EQ(replies_.size(), 1u);
  const Json answers = *parse_json(replies_[0].body);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0]["result"], "first");
  EXPECT_EQ(answers[1]["result"]["text"], "b");
  EXPECT_EQ(answers[2]["result"], "second");
}

TEST_F(MethodsTest, ABatchHasABound) {
  const auto batch = [](std::size_t size) {
    std::string out = "[";
    for (std::size_t i = 0; i < size; ++i) {
      out += (i > 0 ? "," : "") + std::string(R"({"jsonrpc":"2.0","id":1,"method":"number","params":{"n":1}})");
    }
    return out + "]";
  };
  EXPECT_EQ(ask(batch(kMaxRpcBatch)).size(), kMaxRpcBatch);
  EXPECT_EQ(error_code(batch(kMaxRpcBatch + 1)), -32600);
}

}  // namespace
}  // namespace micro
