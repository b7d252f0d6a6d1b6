#include "services/host/cgi/cgi.hpp"

#include <gtest/gtest.h>

#include <map>

namespace micro {
namespace {

std::map<std::string, std::string> variables(const CgiRequest& request) {
  const auto result = cgi_variables(request);
  EXPECT_TRUE(result) << result.error().message;
  std::map<std::string, std::string> out;
  if (!result) return out;
  for (const std::string_view text : result->list()) {
    const std::size_t equals = text.find('=');
    EXPECT_TRUE(out.emplace(text.substr(0, equals), text.substr(equals + 1)).second) << text;
  }
  return out;
}

CgiResponse reply(std::string_view text) {
  const auto result = parse_cgi_response(as_bytes(text));
  EXPECT_TRUE(result) << result.error().message;
  return result.value_or(CgiResponse{});
}

Fault refusal(std::string_view text) {
  const auto result = parse_cgi_response(as_bytes(text));
  EXPECT_FALSE(result) << text;
  return result ? Fault::kInternal : result.error().fault;
}

TEST(CgiVariables, RequestBecomesTheVariablesOfRfc3875) {
  const std::string body = "{}";
  CgiRequest request;
  request.method = "POST";
  request.path = "/a%20b/c";
  request.query = "x=1&y=%2F";
  request.headers = {
      {"Accept", "text/html"}, {"X-Trace", " 7 "}, {"accept", "text/plain"}, {"Cookie", "a=1"}, {"cookie", "b=2"}};
  request.content_type = "application/json";
  request.body = as_bytes(body);
  request.service = "adder";
  request.version = "c0ffee";
  request.caller = "micro1abc";
  const auto v = variables(request);
  EXPECT_EQ(v.at("GATEWAY_INTERFACE"), "CGI/1.1");
  EXPECT_EQ(v.at("REQUEST_METHOD"), "POST");
  EXPECT_EQ(v.at("PATH_INFO"), "/a b/c");
  EXPECT_EQ(v.at("QUERY_STRING"), "x=1&y=%2F");
  EXPECT_EQ(v.at("REQUEST_URI"), "/a%20b/c?x=1&y=%2F");
  EXPECT_EQ(v.at("CONTENT_LENGTH"), "2");
  EXPECT_EQ(v.at("CONTENT_TYPE"), "application/json");
  EXPECT_EQ(v.at("HTTP_ACCEPT"), "text/html, text/plain");
  EXPECT_EQ(v.at("HTTP_COOKIE"), "a=1; b=2");
  EXPECT_EQ(v.at("HTTP_X_TRACE"), "7");
  EXPECT_EQ(v.at("SERVER_NAME"), "adder");
  EXPECT_EQ(v.at("REMOTE_USER"), "micro1abc");
  EXPECT_EQ(v.at("MICRO_VERSION"), "c0ffee");
}

TEST(CgiVariables, WithoutBodyOrCallerThereAreNoSuchVariables) {
  const auto v = variables({});
  EXPECT_FALSE(v.contains("CONTENT_LENGTH"));
  EXPECT_FALSE(v.contains("CONTENT_TYPE"));
  EXPECT_FALSE(v.contains("REMOTE_USER"));
  EXPECT_FALSE(v.contains("AUTH_TYPE"));
}

TEST(CgiVariables, CallersCannotForgeVariablesOrPassCredentials) {
  CgiRequest request;
  request.headers = {{"Proxy", "http://evil"}, {"Authorization", "Bearer t"},    {"X_Forwarded_For", "1"},
                     {"Content-Length", "99"}, {"Transfer-Encoding", "chunked"}, {"Connection", "close"},
                     {"Upgrade", "h2c"},       {"Remote-User", "root"}};
  const auto v = variables(request);
  for (const char* name :
       {"HTTP_PROXY", "HTTP_AUTHORIZATION", "HTTP_X_FORWARDED_FOR", "CONTENT_LENGTH", "HTTP_CONTENT_LENGTH",
        "HTTP_TRANSFER_ENCODING", "HTTP_CONNECTION", "HTTP_UPGRADE", "REMOTE_USER"}) {
    EXPECT_FALSE(v.contains(name)) << name;
  }
  EXPECT_EQ(v.at("HTTP_REMOTE_USER"), "root");
}

TEST(CgiVariables, MalformedRequestsAreRefused) {
  const auto refused = [](auto change) {
    CgiRequest request;
    change(request);
    return !cgi_variables(request).has_value();
  };
  EXPECT_TRUE(refused([](CgiRequest& r) { r.method = "get"; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.method = ""; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.path = "a"; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.path = "/a b"; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.path = "/a?b"; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.path = "/%0"; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.path = "/%zz"; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.path = "/%00"; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.path = "/" + std::string(kMaxCgiTargetBytes, 'a'); }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.query = "a\nb"; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.headers = {{"A B", "x"}}; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.headers = {{"A", "x\r\nB: y"}}; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.headers = {{"A", std::string(1, '\0')}}; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.headers.assign(kMaxCgiHeaders + 1, {"A", "x"}); }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.headers = {{"A", std::string(kMaxCgiHeaderBytes, 'x')}}; }));
  EXPECT_TRUE(refused([](CgiRequest& r) { r.content_type = "text/plain\r\nX: y"; }));
  const Bytes large(kMaxCgiBodyBytes + 1);
  EXPECT_TRUE(refused([&](CgiRequest& r) { r.body = large; }));
  EXPECT_FALSE(refused([&](CgiRequest& r) { r.body = ByteView(large).first(kMaxCgiBodyBytes); }));
}

TEST(CgiResponse, StatusHeadersAndBodyAreParted) {
  const CgiResponse r = reply("Status: 404 Not Found\r\nContent-Type: text/plain\r\nX-A:b \r\n\r\nno\r\n");
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.headers, (HeaderFields{{"Content-Type", "text/plain"}, {"X-A", "b"}}));
  EXPECT_EQ(as_text(r.body), "no\r\n");
}

TEST(CgiResponse, BareLineFeedsAndNoStatusAreFine) {
  const CgiResponse r = reply("Content-Type: text/html\n\n<p>\n\n</p>");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(as_text(r.body), "<p>\n\n</p>");
}

TEST(CgiResponse, LocationAloneRedirects) {
  EXPECT_EQ(reply("Location: /next\n\n").status, 302);
  EXPECT_EQ(reply("Status: 301\nLocation: /next\n\n").status, 301);
}

TEST(CgiResponse, FramingOfHttpCannotBeForged) {
  const CgiResponse r = reply(
      "Content-Type: text/plain\nTransfer-Encoding: chunked\nConnection: close\nContent-Length: 2\nUpgrade: x\nTE: "
      "y\n\nok");
  EXPECT_EQ(r.headers, (HeaderFields{{"Content-Type", "text/plain"}}));
  EXPECT_EQ(refusal("Content-Type: text/plain\nContent-Length: 3\n\nok"), Fault::kInvalid);
  EXPECT_EQ(refusal("Content-Type: text/plain\nContent-Length: 2\nContent-Length: 2\n\nok"), Fault::kInvalid);
  EXPECT_EQ(refusal("HTTP/1.1 200 OK\nContent-Type: text/plain\n\nok"), Fault::kInvalid);
}

TEST(CgiResponse, MalformedRepliesAreRefused) {
  for (const char* text : {"",
                           "\n",
                           "\nbody",
                           "Content-Type: text/plain",
                           "Content-Type: text/plain\n",
                           "no colon\n\n",
                           "A b: c\n\n",
                           ": c\n\n",
                           " folded: c\n\n",
                           "A: \x01\n\n",
                           "A: b\rc\n\n",
                           "Status: 99\n\n",
                           "Status: 100 Continue\n\n",
                           "Status: 2000\n\n",
                           "Status: 200OK\n\n",
                           "Status: 600\n\n",
                           "Status: 200\nStatus: 200\n\n",
                           "Status: 200\n\nbody without type",
                           "Status: 204\nContent-Type: a/b\n\nx",
                           "Content-Length: -1\n\n",
                           "Content-Length: 1x\n\n",
                           "Content-Length:\n\n"}) {
    EXPECT_EQ(refusal(text), Fault::kInvalid) << text;
  }
}

TEST(CgiResponse, LimitsHold) {
  const std::string type = "Content-Type: a/b\n";
  EXPECT_EQ(refusal(type + "\n" + std::string(kMaxCgiBodyBytes + 1, 'x')), Fault::kLimit);
  EXPECT_EQ(reply(type + "\n" + std::string(kMaxCgiBodyBytes, 'x')).body.size(), kMaxCgiBodyBytes);
  EXPECT_EQ(refusal("A: " + std::string(kMaxCgiHeaderBytes, 'x') + "\n\n"), Fault::kLimit);
  std::string many;
  for (std::size_t i = 0; i <= kMaxCgiHeaders; ++i) many += "A: b\n";
  EXPECT_EQ(refusal(many + "\n"), Fault::kLimit);
}

TEST(CgiResponse, EveryPrefixOfAReplyIsAReplyOrARefusal) {
  const std::string whole = "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody";
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_FALSE(parse_cgi_response(as_bytes(whole.substr(0, n)))) << n;
  }
  EXPECT_TRUE(parse_cgi_response(as_bytes(whole)));
}

}  // namespace
}  // namespace micro
