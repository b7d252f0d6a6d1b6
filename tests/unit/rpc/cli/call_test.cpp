// `micro call`: what is asked of the gateway, who pays, and what an answer other than success means.
#include "tests/gen/scripted_cli.hpp"

namespace micro {
namespace {

using test::Ran;

/// A gateway that answers `reply_` and remembers what it was asked.
class CallTest : public test::ScriptedLedger {
 protected:
  CallTest() {
    node_.http = [this](HttpRequest&& request, HttpResponder responder) {
      asked_ = std::move(request);
      std::move(responder).send(reply_);
    };
  }
  std::string header(const char* name) const { return std::string(asked_.header(name).value_or("")); }
  void answers(unsigned status, std::string body, std::string charged = {}) {
    reply_ = {status, "application/json", {}, std::move(body)};
    if (!charged.empty()) reply_.headers.emplace_back("Micro-Charged", charged);
  }
  HttpRequest asked_;
  HttpReply reply_{200, "application/json", {{"Micro-Charged", "0.000100"}}, R"({"msg":"Hello Ada"})"};
};

TEST_F(CallTest, PrintsTheReplyAndWhatWasPaid) {
  const Ran ran = run({"call", "hello@abc1234", "Hello.Call", R"({"name":"Ada"})", "--max-price", "0.5"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, "{\n\t\"msg\": \"Hello Ada\"\n}\n");
  EXPECT_EQ(ran.err, "paid 0.000100 TOK\n");
  EXPECT_EQ(asked_.method + " " + asked_.target, "POST /api/hello@abc1234/Hello.Call");
  EXPECT_EQ(header("micro-max-price"), "0.500000");
  EXPECT_EQ(header("content-type"), "application/json");
  EXPECT_EQ(asked_.body, R"({"name":"Ada"})");
}

TEST_F(CallTest, SendsTextAsItIs) {
  EXPECT_EQ(run({"call", "words", "/count?top=2", "--data", "the cat"}).exit, 0);
  EXPECT_EQ(asked_.method + " " + asked_.target, "POST /api/words/count?top=2");
  EXPECT_EQ(asked_.body, "the cat");
  EXPECT_TRUE(header("content-type").starts_with("text/plain"));
  EXPECT_EQ(run({"call", "words", "count", "{}", "--data", "the cat"}).exit, 2);
}

TEST_F(CallTest, JsonIsAlwaysOneDocument) {
  EXPECT_EQ(run({"call", "hello", "/", "--json"}).out, "{\"msg\":\"Hello Ada\"}\n");
  answers(200, "plain words\n", "0.000100");
  EXPECT_EQ(run({"call", "hello", "/", "--json"}).out, "\"plain words\\n\"\n");
  EXPECT_EQ(run({"call", "hello", "/"}).out, "plain words\n");
}

TEST_F(CallTest, RefusalsOfTheGatewayHaveTheirCodes) {
  answers(402, R"({"detail":"no key may pay","hint":"grant one"})");
  const Ran unpaid = run({"call", "hello", "/"});
  EXPECT_EQ(unpaid.exit, 6);
  EXPECT_EQ(unpaid.err, "error: the call was answered with 402: no key may pay\nhint: grant one\n");
  answers(403, "{}");
  EXPECT_EQ(run({"call", "hello", "/"}).exit, 5);
  answers(404, "{}");
  EXPECT_EQ(run({"call", "hello", "/"}).exit, 4);
  answers(503, "{}");
  EXPECT_EQ(run({"call", "hello", "/"}).exit, 1);
}

TEST_F(CallTest, APausedServiceIsAMatterOfFunds) {
  answers(503,
          R"({"code":"paused","detail":"hello is paused","hint":"resume it with: micro service fund hello AMOUNT"})");
  const Ran ran = run({"call", "hello", "/"});
  EXPECT_EQ(ran.exit, 6);
  EXPECT_NE(ran.err.find("micro service fund hello"), std::string::npos) << ran.err;
}

TEST_F(CallTest, AnUnknownOutcomeNamesTheKeyThatPaysOnlyOnce) {
  answers(504, "{}");
  const Ran ran = run({"call", "hello", "/", "--json"});
  EXPECT_EQ(ran.exit, 8);
  EXPECT_EQ(ran.out, "");
  const auto error = parse_json(ran.err);
  ASSERT_TRUE(error.has_value()) << ran.err;
  const std::string key = header("idempotency-key");
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ((*error)["data"]["idempotency_key"], key);
  EXPECT_NE((*error)["hint"].get<std::string>().find("--idempotency-key " + key), std::string::npos);
  EXPECT_EQ(run({"call", "hello", "/", "--idempotency-key", key}).exit, 8);
  EXPECT_EQ(header("idempotency-key"), key);
}

TEST_F(CallTest, WhatTheServiceAnswersSaysNothingAboutPayment) {
  answers(402, R"({"message":"this shop wants money of its own"})", "0.000100");
  const Ran ran = run({"call", "shop", "/"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.err, "paid 0.000100 TOK\nerror: the service answered with 402: this shop wants money of its own\n");
  answers(504, "{}", "0.000100");
  EXPECT_EQ(run({"call", "shop", "/"}).exit, 1);
  answers(404, R"({"message":"no such article"})", "0.000100");
  const Ran missing = run({"call", "shop", "/"});
  EXPECT_EQ(missing.exit, 2) << "4 is for a service that does not exist";
  EXPECT_NE(missing.err.find("the service answered with 404: no such article"), std::string::npos) << missing.err;
  answers(503, "{}", "0.000000");  // it did not complete, and was not paid
  const Ran again = run({"call", "shop", "/"});
  EXPECT_EQ(again.exit, 1);
  EXPECT_EQ(again.err.find("paid"), std::string::npos) << again.err;
}

TEST_F(CallTest, TheAccountThatIsNamedPays) {
  EXPECT_EQ(run({"call", "hello", "/", "--account", "dev0"}).exit, 0);
  EXPECT_EQ(header("micro-account"), dev0_text_);
}

TEST_F(CallTest, WithoutASessionOfItsOwnTheCurrentAccountIsNotMeant) {
  EXPECT_EQ(run({"call", "hello", "/"}).exit, 0);
  EXPECT_EQ(header("micro-account"), "") << "any key that this node holds may pay";
}

TEST_F(CallTest, TheCurrentAccountPaysWhenItHasASession) {
  answer("session.list", Json::array({Json{{"owner", dev0_text_}, {"state", "active"}}}));
  EXPECT_EQ(run({"call", "hello", "/"}).exit, 0);
  EXPECT_EQ(header("micro-account"), dev0_text_);
}

TEST_F(CallTest, WhatWasPaidForIsShownWhateverItsStatus) {
  answers(404, R"({"error":"there is only /hello"})", "0.000106");
  const Ran ran = run({"call", "hello", "/nowhere"});
  EXPECT_EQ(ran.out, "{\n\t\"error\": \"there is only /hello\"\n}\n");
  EXPECT_EQ(ran.err.find("paid 0.000106 TOK\nerror: the service answered with 404"), 0u) << ran.err;
  const Ran json = run({"call", "hello", "/nowhere", "--json"});
  EXPECT_EQ(json.out, R"({"error":"there is only /hello"})"
                      "\n");
  answers(500, "line one\nline two\n", "0.000106");
  EXPECT_EQ(run({"call", "hello", "/nowhere"}).out, "line one\nline two\n");
}

TEST_F(CallTest, WithJsonThePaymentIsALineOfItsOwn) {
  const Ran ran = run({"call", "hello", "/", "--json"});
  const auto paid = parse_json(ran.err);
  ASSERT_TRUE(paid.has_value()) << ran.err;
  EXPECT_EQ((*paid)["charged"], "0.000100");
  EXPECT_EQ((*paid)["unit"], "TOK");
  EXPECT_EQ((*paid)["idempotency_key"], header("idempotency-key"));
  EXPECT_EQ(run({"call", "hello", "/", "--json", "--quiet"}).err, "");
}

TEST_F(CallTest, ADryRunCallsAndPaysNothing) {
  const Ran ran = run({"call", "hello", "Hello.Call", "{}", "--dry-run", "--max-price", "0.5", "--account", "dev0"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, "POST /api/hello/Hello.Call\n{}\n");
  EXPECT_EQ(ran.err, "at most 0.500000 TOK, paid by " + dev0_text_ + "\ndry run: nothing was called or paid\n");
  EXPECT_EQ((*parse_json(run({"call", "hello", "/", "--dry-run", "--json"}).out))["dry_run"], true);
  EXPECT_EQ(asked_.target, "");
}

TEST_F(CallTest, WrongRequestsAreNotSent) {
  EXPECT_EQ(run({"call", "hello", "Hello.Call", "{not json"}).exit, 2);
  EXPECT_EQ(run({"call", "hello", "Hello Call"}).exit, 2);
  EXPECT_EQ(run({"call", "hello", "caf\xc3\xa9"}).exit, 2);
  EXPECT_EQ(run({"call", "hello", "/", "-X", "GET /evil"}).exit, 2);
  EXPECT_EQ(run({"call", "hello"}).exit, 2);
  EXPECT_EQ(asked_.target, "");
}

}  // namespace
}  // namespace micro
