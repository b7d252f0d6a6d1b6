#include "rpc/http/reply_writer.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

std::string head(HttpReply reply, ReplyFraming framing = ReplyFraming::kLength, bool keep_alive = true,
                 bool http_1_0 = false) {
  std::string out;
  append_reply_head(out, reply, framing, keep_alive, http_1_0);
  return out;
}

TEST(ReplyWriter, WritesStatusHeadersAndFraming) {
  EXPECT_EQ(head({402, "text/plain", {{"Retry-After", "1"}}, "abc"}),
            "HTTP/1.1 402 Payment Required\r\nContent-Type: text/plain\r\nRetry-After: 1\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(head({200, "text/plain", {}, ""}, ReplyFraming::kChunked, false),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(head({200, "text/plain", {}, ""}, ReplyFraming::kClose, false, true),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(head({200, "text/plain", {}, ""}, ReplyFraming::kLength, true, true),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ReplyWriter, AStatusWithoutBodyHasNoLength) {
  for (const unsigned status : {204u, 304u}) {
    EXPECT_FALSE(status_has_body(status));
    EXPECT_EQ(head({status, "text/plain", {}, "abc"}).find("Content-Length"), std::string::npos);
  }
}

TEST(ReplyWriter, AStatusThatIsNoneIs500) {
  for (const unsigned status : {0u, 99u, 100u, 101u, 199u, 600u, 65'535u}) {
    EXPECT_TRUE(head({status, "text/plain", {}, ""}).starts_with("HTTP/1.1 500 Internal Server Error\r\n")) << status;
  }
  EXPECT_TRUE(head({599, "text/plain", {}, ""}).starts_with("HTTP/1.1 599 "));
}

TEST(ReplyWriter, LeavesOutWhatWouldBreakTheFraming) {
  const std::string plain = head({200, "text/plain", {}, "abc"});
  for (const auto& [name, value] : HttpHeaders{{"X", "a\r\nX-Evil: 1"},
                                               {"X", "a\nX-Evil: 1"},
                                               {"X", std::string("a\0b", 3)},
                                               {"X: a\r\nX-Evil", "1"},
                                               {"X Y", "a"},
                                               {"", "a"},
                                               {"Content-Length", "7"},
                                               {"transfer-encoding", "chunked"},
                                               {"CONNECTION", "keep-alive"},
                                               {"Content-Type", "text/html"}}) {
    EXPECT_EQ(head({200, "text/plain", {{name, value}}, "abc"}), plain) << name;
  }
  EXPECT_EQ(head({200, "text/html\r\nX-Evil: 1", {}, ""}), head({200, "application/octet-stream", {}, ""}));
}

TEST(ReplyWriter, ChunksSayTheirSizeInHexadecimal) {
  std::string out;
  append_chunk(out, std::string(26, 'a'));
  EXPECT_EQ(out, "1a\r\n" + std::string(26, 'a') + "\r\n");
}

}  // namespace
}  // namespace micro
