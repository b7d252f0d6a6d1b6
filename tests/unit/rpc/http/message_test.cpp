#include "rpc/http/message.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

TEST(LoopbackHost, IsThisMachineAndNothingElse) {
  for (const char* host : {"localhost", "hello.localhost", "a-1.hello.localhost", "127.0.0.1", "127.9.8.7", "[::1]"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host :
       {"", "example.com", "localhost.example.com", "127.0.0.1.example.com", "127.evil", "10.0.0.1", "0.0.0.0", "[::]",
        "127.0.0.1.1", "a@b.localhost", "example.com/.localhost", "\xff.localhost", "a b.localhost"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

HttpRequest request_with(HttpHeaders headers) {
  HttpRequest request;
  request.host = "localhost";
  request.headers = std::move(headers);
  request.headers.emplace_back("host", "LocalHost:8080");
  return request;
}

TEST(CrossSite, IsWhatTheBrowserSays) {
  EXPECT_FALSE(is_cross_site(request_with({})));
  EXPECT_FALSE(is_cross_site(request_with({{"origin", "http://localhost:8080"}})));
  EXPECT_FALSE(is_cross_site(request_with({{"sec-fetch-site", "same-origin"}})));
  EXPECT_FALSE(is_cross_site(request_with({{"sec-fetch-site", "none"}})));
  EXPECT_TRUE(is_cross_site(request_with({{"sec-fetch-site", "cross-site"}})));
  EXPECT_TRUE(is_cross_site(request_with({{"sec-fetch-site", "same-site"}})));
  EXPECT_TRUE(is_cross_site(request_with({{"sec-fetch-site", "none"}, {"sec-fetch-site", "cross-site"}})));
}

TEST(CrossSite, AnotherHostPortOrSchemeIsAnotherOrigin) {
  for (const char* origin : {"http://hello.localhost:8080", "https://example.com", "null", "http://localhost:3000",
                             "http://localhost", "https://localhost:8080", "http://localhost:8080.example.com", ""}) {
    EXPECT_TRUE(is_cross_site(request_with({{"origin", origin}}))) << origin;
  }
  EXPECT_TRUE(is_cross_site(request_with({{"origin", "http://localhost:8080"}, {"origin", "http://example.com"}})));
}

}  // namespace
}  // namespace micro
