// The server over real sockets on loopback. The test's thread drives the clients, the server has a thread of its own,
// and its clock moves only when a test moves it.
#include "rpc/http/server.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/asio.hpp>
#include <future>
#include <thread>

#include "rpc/http/connection.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;
using boost::system::error_code;

const std::string kGetA = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// One client. Blocking: what it waits for has to come.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(io()) {
    Tcp::socket socket(io());
    socket.connect({asio::ip::make_address("127.0.0.1"), port});
    socket_ = std::move(socket);
  }
  explicit Client(const std::filesystem::path& path) : socket_(io()) {
    Local::socket socket(io());
    socket.connect(Local::endpoint(path.string()));
    socket_ = std::move(socket);
  }

  Client& say(std::string_view bytes) {
    error_code error;
    asio::write(socket_, asio::buffer(bytes), error);
    return *this;
  }
  /// All that came up to and with `end`; up to the end of the connection when it never comes.
  std::string hear(std::string_view end) {
    std::string out;
    std::size_t searched = 0;
    while (true) {
      const std::size_t at = end.empty() ? std::string::npos : heard_.find(end, searched);
      if (at != std::string::npos) {
        out = heard_.substr(0, at + end.size());
        heard_.erase(0, out.size());
        return out;
      }
      std::array<char, 65'536> chunk{};
      error_code error;
      const std::size_t n = socket_.read_some(asio::buffer(chunk), error);
      if (error) return std::exchange(heard_, {});
      searched = heard_.size() - std::min(heard_.size(), end.size());
      heard_.append(chunk.data(), n);
    }
  }
  /// All until the server closes.
  std::string rest() { return hear(""); }
  void end_sending() { socket_.shutdown(asio::socket_base::shutdown_send); }
  /// As a process that dies: what it had to read is thrown away.
  void reset() {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
  }
  void close() { socket_.close(); }

 private:
  static asio::io_context& io() {  // one for all: each of its own would cost three descriptors
    static asio::io_context shared;
    return shared;
  }
  asio::generic::stream_protocol::socket socket_;
  std::string heard_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest()
      : server_(
            io_, [this](HttpRequest&& request, HttpResponder responder) { handle(request, std::move(responder)); },
            clock_) {
    port_ = *server_.listen_loopback("127.0.0.1", 0);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~HttpServerTest() override {
    on_io([this] { server_.stop(); });
    on_io([this] { kept_.clear(); });
    work_.reset();
    thread_.join();
  }

  void handle(const HttpRequest& request, HttpResponder responder) {
    ++handled_;
    const std::string_view path = request.path();
    if (path == "/stream" || path == "/follow") {
      stream_ = std::move(responder).stream({200, "application/x-ndjson", {}, {}});
      stream_->write("one\n");
      stream_->write("two\n");
      if (path == "/stream") stream_->end();
    } else if (path == "/drop") {
      // answered by nobody
    } else if (path == "/keep") {
      kept_.push_back(std::make_shared<HttpResponder>(std::move(responder)));
    } else if (path == "/watch") {
      responder.when_gone([this] { ++gone_; });
      kept_.push_back(std::make_shared<HttpResponder>(std::move(responder)));
    } else if (path == "/large") {
      std::move(responder).send({200, "text/plain", {}, std::string(kLarge, 'x')});
    } else if (path == "/inject") {
      std::move(responder).send(
          {204, "text/html\r\nX-A: 1", {{"X-B", "1\r\nX-C: 1"}, {"X D", "1"}, {"Content-Length", "9"}}, "body"});
    } else if (path == "/status") {
      std::move(responder).send(
          {static_cast<unsigned>(std::stoul(std::string(request.query()))), "text/plain", {}, ""});
    } else {
      std::move(responder).send({200, "text/plain", {}, request.method + " " + request.target + " " + request.body});
    }
  }

  /// Runs on the server's thread and waits for it.
  template <class F>
  std::invoke_result_t<F> on_io(F&& f) {
    std::packaged_task<decltype(f())()> task(std::forward<F>(f));
    auto done = task.get_future();
    asio::post(io_, [&] { task(); });
    return done.get();
  }
  /// Waits until the server's thread sees it.
  template <class F>
  void until(F&& seen) {
    while (!on_io(seen)) std::this_thread::yield();
  }
  void pass_ms(std::uint64_t ms) {
    on_io([] {});  // a client hears a reply before the server's thread has noted that it is written
    on_io([&] {
      clock_.advance_ms(ms);
      server_.sweep();
    });
  }
  std::size_t connections() {
    return on_io([this] { return server_.connections(); });
  }
  int handled() {
    return on_io([this] { return handled_; });
  }
  std::string talk(const std::string& bytes, const std::string& until) { return Client(port_).say(bytes).hear(until); }
  std::string refused(const std::string& bytes) { return talk(bytes, "").substr(9, 3); }

  static constexpr std::size_t kLarge = 16u << 20;
  ManualClock clock_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  int handled_ = 0;
  std::shared_ptr<HttpStream> stream_;
  std::vector<std::shared_ptr<HttpResponder>> kept_;
  int gone_ = 0;  ///< clients of /watch that went before they were answered
  HttpServer server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// --- replies ---

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  const std::string reply = talk(
      "GET /a?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /stream HTTP/1.1\r\nHost: localhost:1\r\n\r\n"
      "POST /b HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nyo\r\n0\r\n\r\n",
      "POST /b yo");
  const auto first = reply.find("GET /a?x=1 ");
  const auto second = reply.find("two\n\r\n0\r\n\r\n");
  const auto third = reply.find("POST /b yo");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST_F(HttpServerTest, AnswersMoreThanItGathersInOneWrite) {
  std::string requests;
  std::string wanted;
  for (int i = 0; i < 2'000; ++i) {
    const std::string target = "/" + std::to_string(i);
    requests += "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    wanted += "GET " + target + " ";
  }
  Client client(port_);
  std::thread writer([&] { client.say(requests); });
  std::string heard;
  for (int i = 0; i < 2'000; ++i) {
    client.hear("\r\n\r\n");
    heard += client.hear("/" + std::to_string(i) + " ");
  }
  writer.join();
  EXPECT_EQ(heard, wanted);
}

TEST_F(HttpServerTest, StreamsChunksToTheirEnd) {
  const std::string reply = talk("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n", "0\r\n\r\n");
  EXPECT_NE(reply.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_NE(reply.find("4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, TellsWhoAsksThatTheClientIsGone) {
  const std::string watch = "GET /watch HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto answer = [this] { on_io([this] { std::move(*kept_.back()).send({200, "text/plain", {}, "late"}); }); };
  Client reset(port_);
  reset.say(watch);
  until([this] { return kept_.size() == 1; });
  reset.reset();
  until([this] { return gone_ == 1; });
  answer();  // to nobody
  // One that ends its side may still wait, and gets its answer if that comes soon.
  Client half(port_);
  half.say(watch).end_sending();
  until([this] { return kept_.size() == 2; });
  pass_ms(kHttpHalfClosedMs);
  answer();
  EXPECT_TRUE(half.rest().ends_with("late"));
  EXPECT_EQ(on_io([this] { return gone_; }), 1);
  // Later than that it is gone, whoever it was. Its end may be read only after the clock has moved once.
  Client closed(port_);
  closed.say(watch);
  until([this] { return kept_.size() == 3; });
  closed.close();
  while (on_io([this] { return gone_; }) == 1) pass_ms(kHttpHalfClosedMs + 1);
  answer();
  // Who was answered did not go, whenever it closes.
  {
    Client answered(port_);
    answered.say(watch);
    until([this] { return kept_.size() == 4; });
    answer();
    answered.hear("late");
  }
  until([this] { return server_.connections() == 0; });
  EXPECT_EQ(on_io([this] { return gone_; }), 2);
}

TEST_F(HttpServerTest, AHandlerThatForgetsAnswers500) {
  EXPECT_EQ(talk("GET /drop HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\n").substr(9, 3), "500");
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  Client client(port_);
  std::string reply = client.say("HEAD /a HTTP/1.1\r\nHost: localhost\r\n\r\n").hear("\r\n\r\n");
  EXPECT_NE(reply.find("Content-Length: 8\r\n"), std::string::npos) << reply;
  reply = client.say("HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n").hear("\r\n\r\n");
  EXPECT_NE(reply.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << reply;
  reply = client.say("HEAD /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").rest();
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
  EXPECT_TRUE(reply.ends_with("Connection: close\r\n\r\n")) << reply;
}

TEST_F(HttpServerTest, SendsALargeBodyWhole) {
  Client client(port_);
  const std::string head = client.say("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n" + kGetA).hear("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: " + std::to_string(kLarge)), std::string::npos);
  EXPECT_EQ(client.hear("HTTP/1.1").size(), kLarge + 8);
  client.hear("GET /a ");
}

TEST_F(HttpServerTest, NoReplyBreaksItsFraming) {
  Client client(port_);
  const std::string reply = client.say("GET /inject HTTP/1.1\r\nHost: localhost\r\n\r\n" + kGetA).hear("GET /a ");
  EXPECT_TRUE(
      reply.starts_with("HTTP/1.1 204 No Content\r\nContent-Type: application/octet-stream\r\n\r\nHTTP/1.1 200"))
      << reply;
  for (const char* status : {"0", "99", "100", "101", "199", "600", "4294967295"}) {
    const std::string target = "GET /status?" + std::string(status) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    EXPECT_TRUE(client.say(target).hear("\r\n\r\n").starts_with("HTTP/1.1 500 Internal")) << status;
  }
}

TEST_F(HttpServerTest, KeepsAConnectionOfHttp10OnlyWhenAsked) {
  EXPECT_NE(talk("GET /a HTTP/1.0\r\nHost: localhost\r\n\r\n", "").find("Connection: close\r\n"), std::string::npos);
  Client client(port_);
  const std::string asks = "GET /a HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n";
  EXPECT_NE(client.say(asks).hear("GET /a ").find("Connection: keep-alive\r\n"), std::string::npos);
  EXPECT_NE(client.say(asks).hear("GET /a ").find("200 OK"), std::string::npos);
}

TEST_F(HttpServerTest, AStreamForHttp10EndsWithTheConnection) {
  const std::string reply = talk("GET /stream HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", "");
  EXPECT_EQ(reply.find("chunked"), std::string::npos);
  EXPECT_NE(reply.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(reply.ends_with("\r\n\r\none\ntwo\n")) << reply;
}

TEST_F(HttpServerTest, ClosesAfterAStreamWhenAsked) {
  const std::string reply = talk("GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "");
  EXPECT_TRUE(reply.ends_with("two\n\r\n0\r\n\r\n")) << reply;
}

TEST_F(HttpServerTest, SaysContinueBeforeTheBody) {
  Client client(port_);
  const std::string head = "POST /a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  EXPECT_EQ(client.say(head).hear("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.say("h").say("i" + kGetA).hear("POST /a hi").find("100"), std::string::npos);
  client.hear("GET /a ");
}

// --- refusals ---

TEST_F(HttpServerTest, RefusesAndCloses) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n" + kGetA), "421");
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n" + kGetA), "400");
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd"), "400");
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(kMaxHttpHeaderBytes + 1, 'a')), "431");
  EXPECT_EQ(handled(), 0);
}

TEST_F(HttpServerTest, ARefusedBodyDoesNotTearTheRefusal) {
  // More than socket buffers hold: the client is still writing when it is refused.
  Client client(port_);
  std::thread writer([&] {
    client.say("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n\r\n");
    client.say(std::string(8u << 20, 'x'));
    client.end_sending();
  });
  const std::string reply = client.rest();
  writer.join();
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 413 ")) << reply;
}

TEST(HttpServerListen, RefusesAddressesThatOthersReach) {
  asio::io_context io;
  HttpServer server(io, [](HttpRequest&&, HttpResponder) {});
  EXPECT_EQ(server.listen_loopback("0.0.0.0", 0).error().fault, Fault::kDenied);
  EXPECT_EQ(server.listen_loopback("example", 0).error().fault, Fault::kDenied);
}

// --- clients that go ---

TEST_F(HttpServerTest, AQuietStreamNoticesThatItsReaderLeft) {
  for (const bool reset : {false, true}) {
    Client client(port_);
    client.say("GET /follow HTTP/1.1\r\nHost: localhost\r\n\r\n").hear("two\n");
    EXPECT_TRUE(on_io([this] { return stream_->is_open(); }));
    if (reset) {
      client.reset();
    } else {
      client.close();
    }
    until([this] { return !stream_->is_open() && server_.connections() == 0; });
    EXPECT_FALSE(on_io([this] { return stream_->write("three\n"); }));
  }
}

TEST_F(HttpServerTest, AStreamBegunAfterItsReaderLeftIsClosed) {
  Client client(port_);
  client.say("GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n");
  until([this] { return kept_.size() == 1; });
  client.reset();
  until([this] { return server_.connections() == 0; });
  const auto stream = std::move(*kept_[0]).stream({200, "text/plain", {}, {}});  // from another thread
  on_io([] {});
  EXPECT_FALSE(stream->is_open());
  EXPECT_FALSE(stream->write("x"));
}

TEST_F(HttpServerTest, AClientThatGoesWhileAHandlerWorksFreesItsPlace) {
  Client client(port_);
  client.say("GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n");
  until([this] { return kept_.size() == 1; });
  client.reset();
  until([this] { return server_.connections() == 0; });
  std::move(*kept_[0]).send({200, "text/plain", {}, "late"});
  on_io([] {});
}

TEST_F(HttpServerTest, AClientThatOnlyEndsItsSideGetsItsReplies) {
  Client client(port_);
  client.say("GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n" + kGetA).end_sending();
  until([this] { return kept_.size() == 1; });
  std::move(*kept_[0]).send({200, "text/plain", {}, "late"});
  const std::string replies = client.rest();
  EXPECT_NE(replies.find("late"), std::string::npos);
  EXPECT_TRUE(replies.ends_with("GET /a ")) << replies;
  until([this] { return server_.connections() == 0; });
}

TEST_F(HttpServerTest, WhatComesWhileAHandlerWorksIsTheNextRequest) {
  Client client(port_);
  client.say("GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n");
  until([this] { return kept_.size() == 1; });
  client.say("GET /keep HTTP/1.1\r\nHost: local").say("host\r\n\r\nPOST /b HTTP/1.1\r\nHost: localhost\r\n");
  client.say("Content-Length: 100000\r\n\r\n" + std::string(100'000, 'b'));
  on_io([this] { std::move(*kept_[0]).send({200, "text/plain", {}, "first"}); });
  client.hear("first");
  until([this] { return kept_.size() == 2; });
  std::move(*kept_[1]).send({200, "text/plain", {}, "second"});
  client.hear("second");
  EXPECT_NE(client.hear("bbb").find("POST /b"), std::string::npos);
}

TEST_F(HttpServerTest, NobodyPipelinesALotBehindAStream) {
  Client client(port_);
  client.say("GET /follow HTTP/1.1\r\nHost: localhost\r\n\r\n").hear("two\n");
  client.say(std::string(kMaxHttpPipelinedBytes + kHttpReadBytes, 'x'));
  until([this] { return !stream_->is_open() && server_.connections() == 0; });
}

TEST_F(HttpServerTest, AReaderThatStopsReadingIsCutOff) {
  Client client(port_);
  client.say("GET /follow HTTP/1.1\r\nHost: localhost\r\n\r\n").hear("two\n");
  const auto stream = on_io([this] { return stream_; });
  bool open = true;
  std::size_t written = 0;
  while (open && written < (64u << 20)) {
    open = stream->write(std::string(1u << 20, 'x'));
    written += 1u << 20;
  }
  EXPECT_FALSE(open);
  pass_ms(kHttpWriteMs + 1);
  EXPECT_EQ(connections(), 0u);
}

// --- deadlines ---

TEST_F(HttpServerTest, ADrippingBodyDoesNotRenewItsDeadline) {
  for (const std::string& head : {std::string("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"),
                                  std::string("POST / HTTP/1.1\r\nHost: localhost\r\nX: ")}) {
    Client client(port_);
    client.say(head);
    until([this] { return server_.connections() == 1; });
    std::uint64_t passed = 0;
    // The drops come one by one, each seen by the server before time goes on: a reply on a second connection follows
    // it.
    while (connections() > 0 && passed < 3 * kHttpReceiveMs) {
      client.say("a");
      talk("GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "");
      until([this] { return server_.connections() <= 1; });
      pass_ms(kHttpReceiveMs / 10);
      passed += kHttpReceiveMs / 10;
    }
    EXPECT_LE(passed, kHttpReceiveMs + kHttpReceiveMs / 5 + kHttpLingerMs);
    EXPECT_GE(passed, kHttpReceiveMs);
    client.rest();
  }
}

TEST_F(HttpServerTest, HalfAHeadAndHalfABodyAreAnsweredInTime) {
  const std::string head = "POST / HTTP/1.1\r\nHost: localhost\r\n";
  for (const std::string& part :
       {head.substr(0, 30), head + "Content-Length: 9\r\n\r\n", head + "Content-Length: 9\r\n\r\nfour", kGetA + head}) {
    Client client(port_);
    client.say(part);
    talk("GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "");  // what came before it is read
    until([this] { return server_.connections() == 1; });
    pass_ms(kHttpReceiveMs);
    EXPECT_EQ(connections(), 1u) << "it has the whole time: " << part;
    pass_ms(1);
    EXPECT_NE(client.rest().find("HTTP/1.1 408 Request Timeout\r\n"), std::string::npos) << part;
  }
}

TEST_F(HttpServerTest, EachStateHasItsDeadline) {
  Client silent(port_);
  until([this] { return server_.connections() == 1; });
  pass_ms(kHttpReceiveMs);
  EXPECT_EQ(connections(), 1u);
  pass_ms(1);
  EXPECT_EQ(connections(), 0u);

  Client idle(port_);
  idle.say(kGetA).hear("GET /a ");
  pass_ms(kHttpIdleMs);
  EXPECT_EQ(connections(), 1u);
  idle.say(kGetA).hear("GET /a ");
  pass_ms(kHttpIdleMs);
  EXPECT_EQ(connections(), 1u);
  pass_ms(1);
  EXPECT_EQ(connections(), 0u);

  Client working(port_);
  working.say("GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n");
  until([this] { return kept_.size() == 1; });
  pass_ms(100 * kHttpIdleMs);
  EXPECT_EQ(connections(), 1u);  // handlers bound their own time
  working.reset();

  Client deaf(port_);
  deaf.say("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").hear("\r\n\r\n");
  until([this] { return server_.connections() == 1; });
  pass_ms(kHttpWriteMs + 1);
  EXPECT_EQ(connections(), 0u);

  Client lingering(port_);
  lingering.say("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n").rest();
  EXPECT_EQ(connections(), 1u);
  pass_ms(kHttpLingerMs + 1);
  EXPECT_EQ(connections(), 0u);
}

// --- many clients ---

TEST_F(HttpServerTest, SlowClientsDoNotDisturbOthers) {
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 64; ++i) {
    slow.push_back(std::make_unique<Client>(port_));
    const char* const begun[] = {"",
                                 "G",
                                 "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n12345",
                                 "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                 "GET /follow HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                 "GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    slow.back()->say(begun[i % 6]);
  }
  Client brisk(port_);
  for (int i = 0; i < 100; ++i) brisk.say(kGetA).hear("GET /a ");
  EXPECT_EQ(connections(), 65u);
}

TEST_F(HttpServerTest, AFullListenerGivesUpWhoHasBeenIdleTheLongest) {
  test::TempFolder folder;
  const auto path = folder / "http.sock";
  ASSERT_TRUE(on_io([&] { return server_.listen_unix(path).has_value(); }));
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4 * kMaxHttpConnections);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  const std::string keep = "GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Client first(port_);
  first.say(kGetA).hear("GET /a ");
  std::vector<std::unique_ptr<Client>> busy;
  while (busy.size() + 1 < kMaxHttpConnections) {
    busy.push_back(std::make_unique<Client>(port_));
    busy.back()->say(keep);
  }
  until([&] { return kept_.size() == busy.size(); });
  Client next(port_);  // takes the place of the first
  next.say(keep);
  until([&] { return kept_.size() == busy.size() + 1; });
  EXPECT_EQ(first.rest(), "");
  Client refused(port_);
  EXPECT_EQ(refused.say(kGetA).rest(), "");
  Client own(path);  // the other listener has its own places
  EXPECT_NE(own.say(kGetA).hear("GET /a ").find("200 OK"), std::string::npos);
  EXPECT_EQ(connections(), kMaxHttpConnections + 1);
}

// --- stop ---

TEST_F(HttpServerTest, StopsInEveryState) {
  const std::vector<std::string> begun{"",
                                       "GET /",
                                       "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n12345",
                                       "GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n" + kGetA,
                                       "GET /follow HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                       "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n" + kGetA,
                                       "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
                                       kGetA};
  std::vector<std::unique_ptr<Client>> clients;
  for (const std::string& bytes : begun) {
    clients.push_back(std::make_unique<Client>(port_));
    clients.back()->say(bytes);
  }
  until([this] { return handled_ == 4; });
  on_io([this] { server_.stop(); });
  EXPECT_EQ(connections(), 0u);
  for (auto& client : clients) client->rest();
  EXPECT_FALSE(stream_->write("x"));
  std::move(*kept_.at(0)).send({200, "text/plain", {}, "too late"});
  error_code error;
  Tcp::socket socket(io_);
  socket.connect({asio::ip::make_address("127.0.0.1"), port_}, error);
  EXPECT_TRUE(error);
}

TEST(HttpServerStop, WhatIsNeverRunLeaksNothing) {
  std::shared_ptr<HttpStream> stream;
  {
    asio::io_context io;
    std::vector<std::shared_ptr<HttpResponder>> kept;
    HttpServer server(io, [&](HttpRequest&& request, HttpResponder responder) {
      if (request.path() == "/keep") return kept.push_back(std::make_shared<HttpResponder>(std::move(responder)));
      stream = std::move(responder).stream({200, "text/plain", {}, {}});
    });
    const std::uint16_t port = *server.listen_loopback("127.0.0.1", 0);
    std::vector<std::unique_ptr<Client>> clients;
    for (const char* target : {"/keep", "/follow", "/keep"}) {
      clients.push_back(std::make_unique<Client>(port));
      clients.back()->say("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    while (kept.size() < 2 || !stream) io.run_one();
    std::move(*kept[0]).send({200, "text/plain", {}, "posted, never run"});
    stream->write("posted, never run");
  }
  EXPECT_FALSE(stream->write("x"));
}

}  // namespace
}  // namespace micro
