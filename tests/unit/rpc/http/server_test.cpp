// The server over real sockets on loopback, driven step by step from the same thread.
#include "rpc/http/server.hpp"

#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <thread>

namespace micro {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest()
      : server_(io_, [this](HttpRequest&& request, HttpResponder responder) {
          ++handled_;
          if (request.path() == "/stream") {
            const auto stream = std::move(responder).stream({200, "application/x-ndjson", {}, {}});
            stream->write("one\n");
            stream->write("two\n");
            stream->end();
          } else if (request.path() == "/drop") {
            // answered by nobody
          } else if (request.path() == "/later") {
            asio::post(io_, [r = std::make_shared<HttpResponder>(std::move(responder))] {
              std::move(*r).send({200, "text/plain", {}, "later"});
            });
          } else {
            std::move(responder).send(
                {200, "text/plain", {}, request.method + " " + request.target + " " + request.body});
          }
        }) {
    port_ = *server_.listen_loopback("127.0.0.1", 0);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~HttpServerTest() override {
    asio::post(io_, [this] { server_.stop(); });
    thread_.join();
  }

  /// Everything the server says until it closes, or until `until` was seen.
  std::string talk(const std::string& bytes, const std::string& until) {
    asio::io_context io;
    Tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), port_});
    asio::write(socket, asio::buffer(bytes));
    std::string out;
    std::array<char, 4'096> chunk{};
    boost::system::error_code error;
    while (until.empty() || out.find(until) == std::string::npos) {
      const std::size_t n = socket.read_some(asio::buffer(chunk), error);
      if (error) break;
      out.append(chunk.data(), n);
    }
    return out;
  }
  std::string refused(const std::string& bytes) { return talk(bytes, "").substr(9, 3); }

  asio::io_context io_;
  int handled_ = 0;
  HttpServer server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  const std::string reply = talk(
      "GET /a?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "POST /later HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: 2\r\n\r\nhi"
      "POST /b HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nyo\r\n0\r\n\r\n",
      "POST /b yo");
  const auto first = reply.find("GET /a?x=1 ");
  const auto second = reply.find("later");
  const auto third = reply.find("POST /b yo");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST_F(HttpServerTest, StreamsChunksToTheirEnd) {
  const std::string reply = talk("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n", "0\r\n\r\n");
  EXPECT_NE(reply.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_NE(reply.find("4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, AHandlerThatForgetsAnswers500) {
  EXPECT_EQ(talk("GET /drop HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\n").substr(9, 3), "500");
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  const std::string reply = talk("HEAD /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "");
  EXPECT_TRUE(reply.ends_with("\r\n\r\n")) << reply;
}

TEST_F(HttpServerTest, RefusesOtherHostNames) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"), "421");
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n"), "400");
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"), "400");
}

TEST_F(HttpServerTest, RefusesWhatServersReadDifferently) {
  const std::string get = "GET / HTTP/1.1\r\nHost: localhost\r\n";
  const std::string post = "POST / HTTP/1.1\r\nHost: localhost\r\n";
  const std::vector<std::string> vectors{
      post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
      post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
      post + "Content-Length: +4\r\n\r\nabcd",
      post + "Content-Length: -1\r\n\r\n",
      post + "Content-Length: 0x4\r\n\r\nabcd",
      post + "Content-Length: 99999999999999999999\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
      get + "X-Fold: a\r\n b\r\n\r\n",
      get + "X-Fold: a\r\n\tb\r\n\r\n",
      get + "Bad Name: a\r\n\r\n",
      get + "X : a\r\n\r\n",
      get + ": a\r\n\r\n",
      std::string("GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
  };
  for (const std::string& bytes : vectors) EXPECT_EQ(refused(bytes), "400") << bytes;
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, BoundsHeadersAndBody) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(kMaxHttpHeaderBytes + 1, 'a')), "431");
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(kMaxHttpBodyBytes + 1) +
                    "\r\n\r\n"),
            "413");
}

TEST(HttpServerListen, RefusesAddressesThatOthersReach) {
  asio::io_context io;
  HttpServer server(io, [](HttpRequest&&, HttpResponder) {});
  EXPECT_EQ(server.listen_loopback("0.0.0.0", 0).error().fault, Fault::kDenied);
  EXPECT_EQ(server.listen_loopback("example", 0).error().fault, Fault::kDenied);
}

}  // namespace
}  // namespace micro
