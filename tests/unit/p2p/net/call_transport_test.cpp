// Calls between two hosts on loopback: each ends once with its own answer, whatever is cancelled or cut in between.
#include "p2p/net/call_transport.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "p2p/aio/spawn.hpp"

namespace micro::p2p {
namespace {

namespace asio = boost::asio;

struct Application final : CallHandler {
  void on_result(CallId id, Result<Bytes> result) override {
    EXPECT_TRUE(results.emplace(id, std::move(result)).second) << "once";
  }
  void on_call(IncomingCall call) override {
    ++calls;
    if (call.method == "/keep") {
      kept.push_back(call.id);
    } else {
      transport->reply(call.id, call.method == "/no" ? Result<Bytes>(fail(Fault::kRefused, "no")) : call.body);
    }
  }
  void on_cancelled(CallId id) override { cancelled.push_back(id); }
  void on_ready(const PeerId& /*peer*/) override { ++readies; }
  Transport* transport = nullptr;
  std::map<CallId, Result<Bytes>> results;
  std::vector<CallId> kept;
  std::vector<CallId> cancelled;
  std::size_t calls = 0;
  std::size_t readies = 0;
};

struct World {
  asio::io_context io{1};
  SystemClock clock;
  SeededRandom random{1};
  Host server{io, config(random), clock, random};
  Host client{io, config(random), clock, random};
  Application there;
  Application here;
  std::optional<CallTransport> answers;
  std::optional<CallTransport> asks;
  std::shared_ptr<Session> session;
  Multiaddr address;

  World() {
    answers.emplace(io, server, clock, there);
    asks.emplace(io, client, clock, here);
    there.transport = &*answers;
    here.transport = &*asks;
    address = server.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
    asio::co_spawn(io, client.dial(address), [this](const std::exception_ptr&, auto result) { session = *result; });
    until([&] { return session != nullptr; });
  }
  ~World() {
    asks.reset();
    answers.reset();
    server.stop();
    client.stop();
    io.restart();
    io.run();  // returns: nothing waits for ever
  }
  static HostConfig config(Random& random) {
    return {.key = HostKey::generate(random), .gater = {.local_addresses = true}};
  }
  template <class Condition>
  void until(Condition condition) {
    io.restart();
    while (!condition() && io.run_one() > 0) {
    }
  }
  Result<CallId> call(std::string method, Bytes body, std::uint64_t ms = 60'000) {
    return asks->call(server.peer(), std::move(method), std::move(body), clock.now().plus_ms(ms));
  }
};

TEST(CallTransport, EachCallGetsItsOwnAnswer) {
  World world;
  std::map<CallId, std::size_t> asked;
  for (std::size_t n = 0; n < 200; ++n) asked[world.call("/echo", Bytes(n, 7)).value()] = n;
  const CallId large = world.call("/echo", Bytes(kMaxCallBytes, 9)).value();
  const CallId refused = world.call("/no", {}).value();
  world.until([&] { return world.here.results.size() == 202; });
  for (const auto& [id, size] : asked) EXPECT_EQ(world.here.results.at(id).value(), Bytes(size, 7));
  EXPECT_EQ(world.here.results.at(large).value().size(), kMaxCallBytes);
  EXPECT_EQ(world.here.results.at(refused).error(), (Error{.fault = Fault::kRefused, .message = "no"}));
  EXPECT_EQ(world.asks->under_way() + world.answers->under_way(), 0U);
}

TEST(CallTransport, ALateCallEndsOnBothSides) {
  World world;
  const CallId id = world.call("/keep", {1}, 30).value();
  world.until([&] { return world.here.results.contains(id) && !world.there.cancelled.empty(); });
  EXPECT_EQ(world.here.results.at(id).error().fault, Fault::kUnknownOutcome);
  EXPECT_EQ(world.there.cancelled, world.there.kept);
  world.answers->reply(world.there.kept.at(0), Bytes{1});  // too late: dropped
  const CallId next = world.call("/echo", {2}).value();
  world.until([&] { return world.here.results.contains(next); });
  EXPECT_EQ(world.here.results.size(), 2U);
}

TEST(CallTransport, BackPressureReachesTheCallerAndEnds) {
  World world;
  std::size_t made = 0;
  bool busy = false;
  for (int turns = 0; turns < 100'000 && !busy; ++turns) {
    const auto id = world.call("/keep", Bytes(100'000));
    busy = !id && id.error().fault == Fault::kBusy && world.io.poll() == 0;
    made += id ? 1 : 0;
    world.io.poll();
  }
  ASSERT_TRUE(busy);
  EXPECT_LT(made * 100'000, 4U * 1'024 * 1'024);  // what both ends and the window hold
  EXPECT_LE(world.there.kept.size() * 100'000, kHeldCallBytes + 2 * kMaxFrameBytes);
  world.until([&] {
    for (const CallId id : std::exchange(world.there.kept, {})) world.answers->reply(id, Bytes());
    return world.here.results.size() == made;
  });
  EXPECT_GT(world.here.readies, 0U);
  EXPECT_TRUE(world.call("/echo", {}));
}

TEST(CallTransport, APeerThatGoesLeavesNobodyWaiting) {
  World world;
  const CallId id = world.call("/keep", {1}).value();
  world.until([&] { return !world.there.kept.empty(); });
  world.session->close({.fault = Fault::kInterrupted, .message = "gone"});
  world.until([&] { return world.here.results.contains(id) && !world.there.cancelled.empty(); });
  EXPECT_EQ(world.here.results.at(id).error().fault, Fault::kUnknownOutcome);
  EXPECT_EQ(world.call("/echo", {}).error().fault, Fault::kUnreachable);
  EXPECT_EQ(world.asks->under_way() + world.answers->under_way(), 0U);
}

// What is refused hears that it may go on, also where it ends: much waits for a peer that reads nothing, and it goes.
TEST(CallTransport, WhoWasRefusedHearsOfTheEndToo) {
  World world;
  bool busy = false;
  for (int turns = 0; turns < 100'000 && !busy; ++turns) {
    const auto id = world.call("/keep", Bytes(100'000));
    busy = !id && id.error().fault == Fault::kBusy && world.io.poll() == 0;
    world.io.poll();
  }
  ASSERT_TRUE(busy);
  const std::size_t before = world.here.readies;
  world.session->close({.fault = Fault::kInterrupted, .message = "gone"});
  world.until([&] { return world.asks->under_way() == 0; });
  EXPECT_EQ(world.here.readies, before + 1);
}

Bytes requests(std::size_t count) {
  UnaryClient core;
  for (std::size_t n = 0; n < count; ++n) EXPECT_TRUE(core.call("/keep", {}, Instant{1}.plus_ms(60'000), Instant{1}));
  return to_bytes(core.output().view());
}

Task<void> ask_by_hand(std::shared_ptr<Session> session, std::vector<std::shared_ptr<Stream>>* out) {
  auto stream = co_await session->open({std::string(kCallProtocol)});
  out->push_back(std::make_shared<Stream>(std::move(*stream)));
  (void)co_await out->back()->write(requests(kMaxRunningCalls));
}

TEST(CallTransport, APeerAsksOnOneStreamAtATime) {
  constexpr std::size_t kStreams = 5;
  World world;
  std::vector<std::shared_ptr<Stream>> streams;
  for (std::size_t n = 1; n <= kStreams; ++n) {
    spawn(world.io, ask_by_hand(world.session, &streams));
    world.until([&] { return world.there.calls == n * kMaxRunningCalls; });
  }
  EXPECT_EQ(world.answers->under_way(), kMaxRunningCalls);
  EXPECT_EQ(world.there.cancelled.size(), (kStreams - 1) * kMaxRunningCalls);
}

TEST(CallTransport, RepliesToAllPeersHaveAnEndAndEverybodyIsHeard) {
  constexpr std::size_t kPeers = 8;
  World world;
  std::vector<std::unique_ptr<Host>> hosts;
  std::vector<std::shared_ptr<Stream>> streams;
  for (std::size_t n = 0; n < kPeers; ++n) {
    hosts.push_back(std::make_unique<Host>(world.io, World::config(world.random), world.clock, world.random));
    asio::co_spawn(world.io, hosts.back()->dial(world.address), [&](const std::exception_ptr&, auto session) {
      spawn(world.io, ask_by_hand(session.value(), &streams));
    });
  }
  constexpr std::size_t kMost = kMaxOwedBytes / kMaxCallBytes;
  static_assert(kMost < kPeers * kMaxRunningCalls);
  world.until([&] { return streams.size() == kPeers && world.there.calls >= kMost; });
  while (world.io.poll() > 0) {
  }
  EXPECT_LE(world.there.calls, kMost + kPeers);
  world.until([&] {
    for (const CallId id : std::exchange(world.there.kept, {})) world.answers->reply(id, Bytes());
    return world.there.calls == kPeers * kMaxRunningCalls;
  });
  for (const auto& host : hosts) host->stop();
}

// One of two calls is cancelled after each number of turns of the loop: the other is answered, nothing stays behind.
TEST(CallTransport, CancelledAnywhereNothingStaysBehind) {
  for (std::size_t turns = 0; turns < 60; ++turns) {
    World world;
    const CallId gone = world.call("/echo", Bytes(50'000, 1)).value();
    const CallId kept = world.call("/echo", Bytes(50'000, 2)).value();
    world.io.restart();
    for (std::size_t n = 0; n < turns; ++n) world.io.poll_one();
    const bool early = world.here.results.contains(gone);
    world.asks->cancel(gone);
    world.until([&] { return world.here.results.contains(kept); });
    EXPECT_EQ(world.here.results.at(kept).value(), Bytes(50'000, 2));
    EXPECT_EQ(world.here.results.contains(gone), early) << turns;
    EXPECT_EQ(world.asks->under_way(), 0U);
  }
}

}  // namespace
}  // namespace micro::p2p
