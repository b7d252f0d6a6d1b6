// Nodes are stopped at every point of what they do; see stops.hpp. FULL=1 stops at each in every way.
#include "tests/gen/p2p/stops.hpp"

#include <array>
#include <cstdio>

#include "p2p/net/call_transport.hpp"
#include "p2p/net/frame_service.hpp"
#include "p2p/net/stream_calls.hpp"
#include "p2p/net/sync_service.hpp"
#include "tests/gen/p2p/frame_recorder.hpp"
#include "tests/gen/p2p/model_chain.hpp"
#include "tests/gen/p2p/sync_net.hpp"

namespace micro::p2p {
namespace {

using test::StopKind;
using test::StopWorld;

constexpr std::size_t kStopBulkBytes = 300'000;  // more than a window: the writer waits for the reader
constexpr std::size_t kStopItems = 14;  // of 20,000 bytes: more than the credit of a call
constexpr std::array kEveryStop{StopKind::kAll, StopKind::kHostFirst, StopKind::kFirst, StopKind::kSecond,
                                StopKind::kAbandoned};

Task<void> echo_once(Stream stream) {
  Bytes buffer(1'000);
  const auto size = co_await stream.read(buffer);
  if (!size || !co_await stream.write(ByteView(buffer).first(*size))) co_return;
  stream.finish();
  (void)co_await stream.read(buffer);
}

Task<void> swallow_all(Stream stream) {
  const auto all = co_await stream.read_all(kStopBulkBytes);
  if (all && co_await stream.write(to_bytes(std::to_string(all->size())))) stream.finish();
}

// Node 0 dials node 1.
class PairWorld : public StopWorld {
 public:
  PairWorld() {
    add_host();
    address_ = add_host().listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
  }
  void drop_services(std::size_t /*node*/) override {}

 protected:
  Task<bool> dial() { co_return (co_await host(0).dial(address_)).has_value(); }
  // By name, from several addresses of which the first leads nowhere.
  Task<bool> dial_by_name() {
    const auto target = address_.tcp_target();
    const auto named = Multiaddr::parse("/dns4/localhost/tcp/" + std::to_string(target->port));
    const auto nowhere = Multiaddr::tcp("127.0.0.1", 1).value();
    co_return (co_await host(0).dial(host(1).peer(), {nowhere, named.value()})).has_value();
  }
  Multiaddr address_;
};

// Everything that a host and its streams do by themselves.
class HostWorld final : public PairWorld {
 public:
  HostWorld() {
    host(1).handle("/echo", echo_once);
    host(1).handle("/sink", swallow_all, StreamClass::kBulk);
  }
  Task<void> scenario() override {
    if (!co_await dial_by_name()) co_return;
    const auto session = host(0).session_with(host(1).peer());
    if (!session) co_return;
    (void)co_await ping(session, clock(), random());
    const auto refused = co_await host(0).open(host(1).peer(), {"/nobody", "/speaks"});
    auto echo = co_await host(0).open(host(1).peer(), {"/nobody", "/echo"});
    if (!echo) co_return;
    Bytes hello = to_bytes("hello");
    (void)co_await echo->write(hello);
    const Status echoed = co_await echo->read_exactly(hello);
    echo->finish();
    const auto end = co_await echo->read(hello);
    (void)co_await session->wait_identified();
    host(0).push_identify();
    auto bulk = co_await host(0).open(host(1).peer(), {"/sink"}, StreamClass::kBulk);
    if (!bulk) co_return;
    (void)co_await bulk->write(Bytes(kStopBulkBytes, 7));
    bulk->finish();
    const auto count = co_await bulk->read_all(100);
    if (!refused && refused.error().fault == Fault::kNotFound && echoed && end && *end == 0 && count &&
        as_text(*count) == std::to_string(kStopBulkBytes) && host(0).sessions().size() == 2) {
      came_to_its_end();
    }
  }
};

class FramesWorld final : public PairWorld {
 public:
  FramesWorld() {
    for (std::size_t node = 0; node < 2; ++node) {
      for (const std::size_t size : {std::size_t{10}, std::size_t{100'000}, std::size_t{300'000}}) {
        cores_[node].queued[host(1 - node).peer()].emplace_back(size);
      }
      services_[node] =
          std::make_unique<FrameService>(io(), host(node), clock(), cores_[node],
                                         FrameServiceConfig{.protocols = {"/test/frames/1"}}, [this] { moved(); });
    }
  }
  Task<void> scenario() override {
    if (!co_await dial()) co_return;
    co_await until_moved([this] { return cores_[0].got.size() == 3 && cores_[1].got.size() == 3; });
    if (!stopping()) came_to_its_end();
  }
  void drop_services(std::size_t node) override { services_[node].reset(); }

 private:
  std::array<test::FrameRecorder, 2> cores_;
  std::array<std::unique_ptr<FrameService>, 2> services_;
};

// Answers "/now", keeps "/never" to itself.
struct StopCalls final : CallHandler {
  explicit StopCalls(StopWorld& of) : world(of) {}
  void on_result(CallId /*id*/, Result<Bytes> /*result*/) override {
    ++results;
    world.moved();
  }
  void on_call(IncomingCall call) override {
    if (call.method == "/now") port->reply(call.id, std::move(call.body));
    ++calls;
    world.moved();
  }
  void on_cancelled(CallId /*id*/) override {
    ++cancelled;
    world.moved();
  }
  void on_ready(const PeerId& /*peer*/) override {}
  StopWorld& world;
  Transport* port = nullptr;
  std::size_t results = 0;
  std::size_t calls = 0;
  std::size_t cancelled = 0;
};

class CallsWorld final : public PairWorld {
 public:
  CallsWorld() : asker_(*this), answerer_(*this) {
    asks_ = std::make_unique<CallTransport>(io(), host(0), clock(), asker_);
    answers_ = std::make_unique<CallTransport>(io(), host(1), clock(), answerer_);
    answerer_.port = answers_.get();
  }
  Task<void> scenario() override {
    if (!co_await dial()) co_return;
    if (stopping()) co_return;
    const auto never = ask("/never", 10);
    if (!never || !ask("/now", 10) || !ask("/now", 200'000)) co_return;
    co_await until_moved([this] { return asker_.results == 2 && answerer_.calls == 3; });
    if (stopping()) co_return;
    asks_->cancel(*never);
    co_await until_moved([this] { return answerer_.cancelled == 1; });
    if (!stopping()) came_to_its_end();
  }
  void drop_services(std::size_t node) override { (node == 0 ? asks_ : answers_).reset(); }

 private:
  Result<CallId> ask(std::string method, std::size_t bytes) {
    return asks_->call(host(1).peer(), std::move(method), Bytes(bytes), clock().now().plus_ms(60'000));
  }
  StopCalls asker_;
  StopCalls answerer_;
  std::unique_ptr<CallTransport> asks_;
  std::unique_ptr<CallTransport> answers_;
};

// Takes everything that comes, sends as much back as it may, and ends with the other side.
struct StopStreams final : StreamCallHandler {
  explicit StopStreams(StopWorld& of) : world(of) {}
  void on_open(IncomingStream call) override { left[call.id] = kStopItems; }
  void on_moved(CallId id) override {
    while (port->take(id)) {
    }
    auto& more = left[id];
    while (more > 0 && port->send(id, Bytes(20'000, 1))) {
      if (--more == 0) port->finish(id);
    }
  }
  void on_over(CallId /*id*/, Status how) override {
    EXPECT_TRUE(how || how.error().fault == Fault::kUnknownOutcome || how.error().fault == Fault::kUnreachable);
    ++over;
    world.moved();
  }
  StopWorld& world;
  StreamTransport* port = nullptr;
  std::map<CallId, std::size_t> left;  // items to send
  std::size_t over = 0;
};

class StreamsWorld final : public PairWorld {
 public:
  StreamsWorld() : asker_(*this), answerer_(*this) {
    asks_ = std::make_unique<StreamCalls>(io(), host(0), clock(), asker_);
    answers_ = std::make_unique<StreamCalls>(io(), host(1), clock(), answerer_);
    asker_.port = asks_.get();
    answerer_.port = answers_.get();
  }
  Task<void> scenario() override {
    if (!co_await dial()) co_return;
    for (const auto of : {StreamClass::kInteractive, StreamClass::kBulk}) {
      if (stopping()) co_return;
      const auto id = asks_->open(host(1).peer(), "/both/ways", of, clock().now().plus_ms(60'000));
      if (!id) co_return;
      asker_.left[*id] = kStopItems;
      const std::size_t before = asker_.over;
      co_await until_moved([&] { return asker_.over > before; });
    }
    co_await until_moved([this] { return answerer_.over == 2; });
    if (!stopping()) came_to_its_end();
  }
  void drop_services(std::size_t node) override { (node == 0 ? asks_ : answers_).reset(); }

 private:
  StopStreams asker_;
  StopStreams answerer_;
  std::unique_ptr<StreamCalls> asks_;
  std::unique_ptr<StreamCalls> answers_;
};

// Node 0 lags.
class SyncWorld final : public PairWorld {
 public:
  SyncWorld() : sink_(truth_), source_(truth_) {
    truth_.height = 4;
    truth_.block_bytes = {300, 400'000, 10};
    truth_.state[sync::Key{sha256(Bytes{1}).data}] = Bytes(10, 1);
    services_[1] = std::make_unique<SyncService>(io(), host(1), clock(), source_, no_sink_);
  }
  Task<void> scenario() override {
    if (!co_await dial()) co_return;
    const auto session = host(0).session_with(host(1).peer());
    if (!session || !co_await session->wait_identified() || stopping()) co_return;
    // It looks at who is there when it begins.
    services_[0] = std::make_unique<SyncService>(io(), host(0), clock(), no_source_, sink_);
    EXPECT_TRUE(services_[0]->start(truth_.everything()));
    sink_.on_taken = [this] { moved(); };
    co_await until_moved([this] { return services_[0]->client().done(); });
    if (!stopping() && sink_.has_everything()) came_to_its_end();
  }
  void drop_services(std::size_t node) override { services_[node].reset(); }
  [[nodiscard]] const Clock& clock() const override { return system_clock_; }

 private:
  SystemClock system_clock_;
  sync::test::Truth truth_;
  sync::test::TruthSink sink_;
  sync::test::TruthSource source_;
  sync::test::NoSource no_source_;
  sync::test::NoSink no_sink_;
  std::array<std::unique_ptr<SyncService>, 2> services_;
};

template <class World>
void stop_everywhere(std::span<const StopKind> kinds, std::size_t least_points) {
  const std::size_t points = test::stop_at_every_point<World>(kinds);
  std::printf("stopped at %zu points\n", points);
  EXPECT_GE(points, least_points) << "the scenario did less than it should";
}

TEST(Stops, AHostItsStreamsAndItsSecondConnectionLeaveNothing) {
  stop_everywhere<HostWorld>(kEveryStop, 60);
}
TEST(Stops, ACancelledCoroutineLeavesNothing) {
  stop_everywhere<HostWorld>(std::array{StopKind::kCancelled}, 60);
}
TEST(Stops, TheFrameServiceLeavesNothing) {
  stop_everywhere<FramesWorld>(kEveryStop, 30);
}
TEST(Stops, CallsLeaveNothing) {
  stop_everywhere<CallsWorld>(kEveryStop, 30);
}
TEST(Stops, StreamingCallsLeaveNothing) {
  stop_everywhere<StreamsWorld>(kEveryStop, 40);
}
TEST(Stops, SynchronizationLeavesNothing) {
  stop_everywhere<SyncWorld>(kEveryStop, 30);
}

}  // namespace
}  // namespace micro::p2p
