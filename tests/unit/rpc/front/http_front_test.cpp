#include "rpc/front/http_front.hpp"

#include <gtest/gtest.h>

#include "genesis/json/strict_json.hpp"

namespace micro {
namespace {

/// Keeps what was answered.
class Kept final : public HttpResponder::Channel {
 public:
  void send(HttpReply r) override { reply = std::move(r); }
  void when_gone(std::function<void()>) override {}
  std::shared_ptr<HttpStream> stream(HttpReply head) override {
    reply = std::move(head);
    return nullptr;
  }
  std::optional<HttpReply> reply;
};

class HttpFrontTest : public ::testing::Test {
 protected:
  HttpFrontTest() : front_(handlers(), "secret") {}

  FrontHandlers handlers() {
    FrontHandlers out;
    out.call = [this](ServiceCall&& call, HttpResponder responder) {
      call_ = std::move(call);
      std::move(responder).send({200, content_type_, {}, "called"});
    };
    out.rpc = [](const HttpRequest&, HttpResponder r) { std::move(r).send({200, "text/plain", {}, "rpc"}); };
    out.follow_logs = [](const HttpRequest&, HttpResponder r) {
      (void)std::move(r).stream({200, "text/plain", {}, "logs"});
    };
    out.ready = [this] { return ready_; };
    return out;
  }

  HttpReply ask(const std::string& target, HttpHeaders headers = {}, HttpListener listener = HttpListener::kLoopback,
                const std::string& host = "localhost", const std::string& method = "POST") {
    HttpRequest request;
    request.listener = listener;
    request.method = method;
    request.target = target;
    request.host = host;
    request.headers = std::move(headers);
    request.headers.emplace_back("host", host + ":8080");
    request.body = "body";
    call_.reset();
    const auto kept = std::make_shared<Kept>();
    front_.handle(std::move(request), HttpResponder(kept));
    return kept->reply.value_or(HttpReply{0, "", {}, ""});
  }
  CallerKind caller(HttpHeaders headers, HttpListener listener = HttpListener::kLoopback,
                    const std::string& host = "localhost") {
    ask("/api/hello/x", std::move(headers), listener, host);
    return call_->caller;
  }

  HttpFront front_;
  std::optional<ServiceCall> call_;
  std::string content_type_ = "text/html";
  bool ready_ = true;
};

constexpr auto kUnix = HttpListener::kUnixSocket;
const std::pair<std::string, std::string> kToken{"authorization", "Bearer secret"};

TEST_F(HttpFrontTest, RoutesCallsByPathAndByName) {
  EXPECT_EQ(ask("/api/hello@abc/a/b?x=1").body, "called");
  EXPECT_EQ(call_->name, "hello");
  EXPECT_EQ(call_->commit, "abc");
  EXPECT_EQ(call_->path, "/a/b");
  EXPECT_EQ(call_->query, "x=1");
  EXPECT_EQ(call_->body, "body");
  EXPECT_EQ(ask("/api/hello").body, "called");
  EXPECT_EQ(call_->path, "/");
  EXPECT_EQ(ask("/rpc", {}, HttpListener::kLoopback, "hello.localhost").body, "called");
  EXPECT_EQ(call_->name, "hello");
  EXPECT_EQ(call_->path, "/rpc");
}

TEST_F(HttpFrontTest, ACallNamesAService) {
  for (const char* target : {"/api/", "/api//hello", "/api/@0123456/hello"}) {
    const HttpReply reply = ask(target);
    EXPECT_EQ(reply.status, 404u) << target;
    EXPECT_NE(reply.body.find("call one at /api/NAME/PATH"), std::string::npos) << reply.body;
    EXPECT_FALSE(call_) << target;
  }
}

TEST_F(HttpFrontTest, CommandsComeOverTheUnixSocketOnly) {
  EXPECT_EQ(ask("/rpc", {}, kUnix).body, "rpc");
  EXPECT_EQ(ask("/svc/logs", {}, kUnix).body, "logs");
  EXPECT_EQ(ask("/rpc", {}, kUnix, "localhost", "GET").status, 405u);
  EXPECT_EQ(ask("/rpc", {kToken}).status, 404u);
  EXPECT_EQ(ask("/svc/logs", {kToken}).status, 404u);
  EXPECT_EQ(ask("/rpc", {{"origin", "http://example.com"}}, kUnix).status, 404u);
  EXPECT_EQ(ask("/healthz").status, 200u);
  EXPECT_EQ(ask("/readyz").status, 200u);
  ready_ = false;
  EXPECT_EQ(ask("/readyz").status, 503u);
  EXPECT_EQ(ask("/other").status, 404u);
}

TEST_F(HttpFrontTest, OnlyTheOwnerSpends) {
  EXPECT_EQ(caller({}), CallerKind::kAnonymous);
  EXPECT_EQ(caller({}, kUnix), CallerKind::kOwner);
  EXPECT_EQ(caller({kToken}), CallerKind::kOwner);
  for (const char* wrong : {"Bearer secreT", "Bearer secret ", "Bearer ", "secret", "Basic secret", ""}) {
    EXPECT_EQ(caller({{"authorization", wrong}}), CallerKind::kAnonymous) << wrong;
  }
  const HttpFront without(handlers(), "");
  HttpRequest request;
  request.target = "/api/hello/";
  request.headers.emplace_back("authorization", "Bearer ");
  without.handle(std::move(request), HttpResponder(std::make_shared<Kept>()));
  EXPECT_EQ(call_->caller, CallerKind::kAnonymous);
}

TEST_F(HttpFrontTest, WhatAPageSendsForAnotherSiteNeverSpends) {
  for (const auto& [name, value] : HttpHeaders{{"origin", "http://example.com"},
                                               {"origin", "http://other.localhost:8080"},
                                               {"origin", "http://localhost:3000"},
                                               {"origin", "null"},
                                               {"sec-fetch-site", "cross-site"},
                                               {"sec-fetch-site", "same-site"}}) {
    EXPECT_EQ(caller({kToken, {name, value}}), CallerKind::kAnonymous) << name << value;
    EXPECT_EQ(caller({{name, value}}, kUnix), CallerKind::kAnonymous) << name << value;
  }
  EXPECT_EQ(caller({kToken, {"origin", "http://localhost:8080"}, {"sec-fetch-site", "same-origin"}}),
            CallerKind::kOwner);
}

TEST_F(HttpFrontTest, ContentBesideTheNodesPagesIsSandboxed) {
  const HttpReply page = ask("/api/hello/page");
  EXPECT_EQ(find_header(page.headers, "Content-Security-Policy"), "sandbox");
  EXPECT_EQ(find_header(page.headers, "X-Content-Type-Options"), "nosniff");
  EXPECT_TRUE(ask("/page", {}, HttpListener::kLoopback, "hello.localhost").headers.empty());
  content_type_ = "application/json";
  EXPECT_TRUE(ask("/api/hello/data").headers.empty());
}

TEST_F(HttpFrontTest, BytesOfACallerNeverEndTheNode) {
  const HttpReply reply = ask("/api/hello/", {{"micro-max-price", "\xff"}});
  EXPECT_EQ(reply.status, 400u);
  EXPECT_TRUE(parse_json(reply.body)) << reply.body;
  EXPECT_TRUE(parse_json(ask("/\xc3").body));
  for (const char* name : {"content-type", "idempotency-key"}) {
    for (const std::string& value : {std::string("\xff"), std::string("a\tb"), std::string(300, 'a')}) {
      EXPECT_EQ(ask("/api/hello/", {{name, value}}).status, 400u) << name << value;
      EXPECT_FALSE(call_);
    }
  }
}

}  // namespace
}  // namespace micro
