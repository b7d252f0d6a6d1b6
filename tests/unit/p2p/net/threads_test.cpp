// Nodes on threads of their own share nothing: each has its loop, its host and its calls. What could be shared by
// mistake is for the thread sanitizer to see; here everything just arrives.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "p2p/net/call_transport.hpp"

namespace micro::p2p {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kThreadBytes = 2'000'000;
constexpr std::size_t kThreadCalls = 100;

Task<void> send_back(Stream stream) {
  const auto all = co_await stream.read_all(2 * kThreadBytes);
  if (all && co_await stream.write(*all)) stream.finish();
}

class EchoCalls final : public CallHandler {
 public:
  void on_result(CallId /*id*/, Result<Bytes> result) override { good += result && *result == Bytes(100, 5) ? 1U : 0U; }
  void on_call(IncomingCall call) override { port->reply(call.id, std::move(call.body)); }
  void on_cancelled(CallId /*id*/) override {}
  void on_ready(const PeerId& /*peer*/) override {}
  Transport* port = nullptr;
  std::size_t good = 0;
};

class NodeOnThread {
 public:
  explicit NodeOnThread(std::uint64_t seed)
      : random_(seed),
        host_(io_, {.key = HostKey::generate(random_), .gater = {.local_addresses = true}}, clock_, random_),
        calls_(io_, host_, clock_, handler_),
        address_(host_.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value()) {
    handler_.port = &calls_;
    host_.handle("/back", send_back, StreamClass::kBulk);
  }
  void start(std::optional<Multiaddr> dials) {
    if (dials) {
      asio::co_spawn(io_, work(this, *dials), [this](const std::exception_ptr&) { done = true; });
    }
    thread_ = std::thread([this] { io_.run(); });
  }
  void stop() {
    asio::post(io_, [this] { host_.stop(); });
    thread_.join();
  }
  [[nodiscard]] const Multiaddr& address() const { return address_; }
  [[nodiscard]] std::size_t good_calls() const { return handler_.good; }

  std::atomic<bool> done = false;
  std::atomic<bool> came_back = false;

 private:
  static Task<void> work(NodeOnThread* self, Multiaddr to) {
    const auto session = co_await self->host_.dial(std::move(to));
    if (!session) co_return;
    const PeerId peer = (*session)->peer();
    for (std::size_t n = 0; n < kThreadCalls; ++n) {
      (void)self->calls_.call(peer, "/echo", Bytes(100, 5), self->clock_.now().plus_ms(60'000));
    }
    auto stream = co_await self->host_.open(peer, {"/back"}, StreamClass::kBulk);
    if (!stream || !co_await stream->write(Bytes(kThreadBytes, 3))) co_return;
    stream->finish();
    const auto back = co_await stream->read_all(2 * kThreadBytes);
    self->came_back = back && *back == Bytes(kThreadBytes, 3);
    while (self->calls_.under_way() > 0) co_await ping(*session, self->clock_, self->random_);
  }

  asio::io_context io_{1};
  SystemClock clock_;
  SeededRandom random_;
  Host host_;
  EchoCalls handler_;
  CallTransport calls_;
  Multiaddr address_;
  std::thread thread_;
};

TEST(Threads, NodesOnThreadsOfTheirOwnShareNothing) {
  NodeOnThread server(1);
  std::vector<std::unique_ptr<NodeOnThread>> clients;
  server.start(std::nullopt);
  for (std::uint64_t n = 0; n < 3; ++n) {
    clients.push_back(std::make_unique<NodeOnThread>(n + 2));
    clients.back()->start(server.address());
  }
  for (const auto& client : clients) {
    while (!client->done) std::this_thread::yield();
  }
  for (const auto& client : clients) client->stop();
  server.stop();
  for (const auto& client : clients) {
    EXPECT_TRUE(client->came_back);
    EXPECT_EQ(client->good_calls(), kThreadCalls);
  }
}

}  // namespace
}  // namespace micro::p2p
