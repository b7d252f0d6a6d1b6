#include "rpc/daemon/http_front.hpp"

#include <gtest/gtest.h>

#include "genesis/json/strict_json.hpp"

namespace micro {
namespace {

/// Keeps what was answered.
struct Answer final : HttpResponder::Channel {
  void send(HttpReply reply) override { replies.push_back(std::move(reply)); }
  std::shared_ptr<HttpStream> stream(HttpReply) override { return nullptr; }
  std::vector<HttpReply> replies;
};

class HttpFrontTest : public ::testing::Test {
 protected:
  HttpFrontTest() {
    handlers_.call = [this](ServiceCall&& call, HttpResponder responder) {
      calls_.push_back(std::move(call));
      std::move(responder).send({200, "text/plain", {}, "called"});
    };
    handlers_.rpc = [](const HttpRequest&, HttpResponder responder) {
      std::move(responder).send({200, "text/plain", {}, "rpc"});
    };
    handlers_.follow_logs = [](const HttpRequest&, HttpResponder responder) {
      std::move(responder).send({200, "text/plain", {}, "logs"});
    };
    handlers_.ready = [this] { return ready_; };
  }
  HttpReply ask(HttpRequest request) {
    const auto channel = std::make_shared<Answer>();
    HttpFront(handlers_, "secret").handle(std::move(request), HttpResponder(channel));
    EXPECT_EQ(channel->replies.size(), 1U) << "one answer each";
    return channel->replies.empty() ? HttpReply{} : channel->replies.front();
  }
  static HttpRequest get(std::string target, HttpHeaders headers = {}, std::string host = "localhost") {
    HttpRequest request;
    request.method = "GET";
    request.target = std::move(target);
    request.host = std::move(host);
    request.headers = std::move(headers);
    return request;
  }
  static HttpRequest from_socket(HttpRequest request) {
    request.listener = HttpListener::kUnixSocket;
    return request;
  }
  CallerKind caller_of(HttpRequest request) {
    calls_.clear();
    ask(std::move(request));
    EXPECT_EQ(calls_.size(), 1U);
    return calls_.empty() ? CallerKind::kAnonymous : calls_[0].caller;
  }

  FrontHandlers handlers_;
  std::vector<ServiceCall> calls_;
  bool ready_ = true;
};

TEST_F(HttpFrontTest, AServiceIsReachedByItsPathAndByItsHost) {
  EXPECT_EQ(ask(get("/api/hello/a/b?x=1")).body, "called");
  EXPECT_EQ(ask(get("/api/hello@abc123/")).body, "called");
  EXPECT_EQ(ask(get("/api/hello")).body, "called");
  EXPECT_EQ(ask(get("/a/b?x=1", {}, "hello.localhost")).body, "called");
  EXPECT_EQ(ask(get("/healthz", {}, "hello.localhost")).body, "called") << "its paths are all its own";
  ASSERT_EQ(calls_.size(), 5U);
  EXPECT_EQ(calls_[0].name, "hello");
  EXPECT_EQ(calls_[0].path, "/a/b");
  EXPECT_EQ(calls_[0].query, "x=1");
  EXPECT_FALSE(calls_[0].commit.has_value());
  EXPECT_EQ(calls_[1].commit, "abc123");
  EXPECT_EQ(calls_[1].path, "/");
  EXPECT_EQ(calls_[2].path, "/");
  EXPECT_EQ(calls_[3].name, "hello");
  EXPECT_EQ(calls_[3].path, "/a/b");
  EXPECT_EQ(calls_[4].path, "/healthz");
}

TEST_F(HttpFrontTest, TheNodesOwnPages) {
  EXPECT_EQ(ask(get("/healthz")).status, 200U);
  EXPECT_EQ(ask(get("/readyz")).status, 200U);
  ready_ = false;
  EXPECT_EQ(ask(get("/healthz")).status, 200U);
  EXPECT_EQ(ask(get("/readyz")).status, 503U);
  EXPECT_EQ(ask(get("/")).status, 200U);
  const HttpReply none = ask(get("/nowhere"));
  EXPECT_EQ(none.status, 404U);
  EXPECT_EQ(none.content_type, "application/problem+json");
  EXPECT_EQ((*parse_json(none.body))["status"], 404);
}

TEST_F(HttpFrontTest, AdministrationAnswersOnTheSocketOnly) {
  HttpRequest rpc = get("/rpc", {{"authorization", "Bearer secret"}});
  rpc.method = "POST";
  EXPECT_EQ(ask(rpc).status, 404U) << "not even with the token that pays";
  EXPECT_EQ(ask(get("/svc/logs")).status, 404U);
  EXPECT_EQ(ask(from_socket(rpc)).body, "rpc");
  EXPECT_EQ(ask(from_socket(get("/rpc"))).status, 405U);
  EXPECT_EQ(ask(from_socket(get("/svc/logs"))).body, "logs");
}

TEST_F(HttpFrontTest, TheGatewayPaysForItsOwnerOnly) {
  const auto with = [](HttpHeaders headers) { return get("/api/hello/", std::move(headers)); };
  EXPECT_EQ(caller_of(with({})), CallerKind::kAnonymous);
  EXPECT_EQ(caller_of(from_socket(with({}))), CallerKind::kOwner);
  EXPECT_EQ(caller_of(with({{"authorization", "Bearer secret"}})), CallerKind::kOwner);
  for (const char* wrong : {"Bearer secre", "Bearer secrets", "bearer secret", "Basic secret", "secret", ""}) {
    EXPECT_EQ(caller_of(with({{"authorization", wrong}})), CallerKind::kAnonymous) << wrong;
  }
}

TEST_F(HttpFrontTest, AnotherSitesPageNeverSpends) {
  const auto with = [](std::pair<std::string, std::string> header, const char* host) {
    return get("/api/hello/", {{"authorization", "Bearer secret"}, std::move(header)}, host);
  };
  for (const char* origin : {"https://evil.example", "http://hello.localhost:8080", "null", "https://127.0.0.1.test"}) {
    EXPECT_EQ(caller_of(with({"origin", origin}, "localhost")), CallerKind::kAnonymous) << origin;
  }
  for (const char* site : {"cross-site", "same-site", "anything"}) {
    EXPECT_EQ(caller_of(with({"sec-fetch-site", site}, "localhost")), CallerKind::kAnonymous) << site;
  }
  EXPECT_EQ(caller_of(with({"origin", "http://localhost:8080"}, "localhost")), CallerKind::kOwner);
  EXPECT_EQ(caller_of(with({"sec-fetch-site", "same-origin"}, "localhost")), CallerKind::kOwner);
  EXPECT_EQ(caller_of(with({"sec-fetch-site", "none"}, "localhost")), CallerKind::kOwner);
  EXPECT_EQ(caller_of(with({"origin", "http://other.localhost"}, "hello.localhost")), CallerKind::kAnonymous)
      << "one service does not spend on another";
}

TEST_F(HttpFrontTest, WhatThePayerSaysIsHandedOn) {
  ask(get("/api/hello/", {{"micro-max-price", "0.5"},
                          {"idempotency-key", "k"},
                          {"payment-signature", "sig"},
                          {"micro-account", "dmnet1x"},
                          {"content-type", "text/plain"}}));
  ASSERT_EQ(calls_.size(), 1U);
  EXPECT_EQ(calls_[0].max_price, Amount(500'000));
  EXPECT_EQ(calls_[0].idempotency_key, "k");
  EXPECT_EQ(calls_[0].payment, "sig");
  EXPECT_EQ(calls_[0].account, "dmnet1x");
  EXPECT_EQ(calls_[0].content_type, "text/plain");
  calls_.clear();
  for (const char* bad : {"-1", "1e3", "lots", "0.0000001"}) {
    EXPECT_EQ(ask(get("/api/hello/", {{"micro-max-price", bad}})).status, 400U) << bad;
  }
  EXPECT_TRUE(calls_.empty()) << "a cap that cannot be read is no licence to spend";
}

}  // namespace
}  // namespace micro
