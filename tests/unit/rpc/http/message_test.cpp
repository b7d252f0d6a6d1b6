#include "rpc/http/message.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

TEST(LoopbackHost, IsThisMachineAndNothingElse) {
  for (const char* host : {"localhost", "hello.localhost", "127.0.0.1", "127.9.8.7", "[::1]"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host : {"", "example.com", "localhost.example.com", "127.0.0.1.example.com", "127.evil", "10.0.0.1",
                           "0.0.0.0", "[::]", "127.0.0.1.1"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

HttpRequest request_with(std::string name, std::string value) {
  HttpRequest request;
  request.host = "localhost";
  request.headers.emplace_back(std::move(name), std::move(value));
  return request;
}

TEST(CrossSite, IsWhatTheBrowserSays) {
  EXPECT_FALSE(is_cross_site(HttpRequest{}));
  EXPECT_FALSE(is_cross_site(request_with("origin", "http://localhost:8080")));
  EXPECT_FALSE(is_cross_site(request_with("sec-fetch-site", "same-origin")));
  EXPECT_FALSE(is_cross_site(request_with("sec-fetch-site", "none")));
  EXPECT_TRUE(is_cross_site(request_with("sec-fetch-site", "cross-site")));
  EXPECT_TRUE(is_cross_site(request_with("sec-fetch-site", "same-site")));
  EXPECT_TRUE(is_cross_site(request_with("origin", "http://hello.localhost:8080")));
  EXPECT_TRUE(is_cross_site(request_with("origin", "https://example.com")));
  EXPECT_TRUE(is_cross_site(request_with("origin", "null")));
}

}  // namespace
}  // namespace micro
