// A busy peer's two connections: who makes the second, what goes on which, and how they end.
#include "p2p/net/lanes.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "tests/gen/p2p/hosts.hpp"

namespace micro::p2p {
namespace {

namespace asio = boost::asio;
using test::Hosts;

constexpr std::size_t kMuchBytes = 3'000'000;

Task<void> count_bytes(Stream stream) {
  Bytes buffer(60'000);
  std::uint64_t count = 0;
  while (true) {
    const auto size = co_await stream.read(buffer);
    if (!size) co_return;
    if (*size == 0) break;
    count += *size;
  }
  (void)co_await stream.write(to_bytes(std::to_string(count)));
  stream.finish();
}

using Opened = Result<std::shared_ptr<Stream>>;

Task<Opened> open_shared(Host* host, PeerId peer, StreamClass of) {
  auto stream = co_await host->open(peer, {"/count"}, of);
  if (!stream) co_return std::unexpected(stream.error());
  co_return std::make_shared<Stream>(std::move(*stream));
}

struct LaneWorld : Hosts {
  explicit LaneWorld(const Tune& of_server = {}) : Hosts(of_server) {
    for (Host* host : {&server, &client}) host->handle("/count", count_bytes, StreamClass::kBulk);
  }
  Opened open(Host& host, const PeerId& peer, StreamClass of) { return run(open_shared(&host, peer, of)); }
  /// Until both ends know each other.
  std::shared_ptr<Session> meet() {
    auto session = dial();
    until([&] { return server.session_with(client.peer()) != nullptr; });
    return session;
  }
  static std::size_t bulk_sessions(const Host& host) {
    const auto all = host.sessions();
    return static_cast<std::size_t>(std::ranges::count_if(all, [](const auto& one) { return one->is_bulk(); }));
  }
  std::string send_much(std::shared_ptr<Stream> stream) {
    return run([](std::shared_ptr<Stream> with) -> Task<std::string> {
      if (!co_await with->write(Bytes(kMuchBytes, 7))) co_return "not written";
      with->finish();
      const auto said = co_await with->read_all(100);
      co_return said ? std::string(as_text(*said)) : said.error().message;
    }(std::move(stream)));
  }
};

TEST(Lanes, BulkGetsAConnectionOfItsOwn) {
  LaneWorld world;
  const auto first = world.meet();
  auto bulk = world.open(world.client, world.server.peer(), StreamClass::kBulk);
  ASSERT_TRUE(bulk);
  EXPECT_NE((*bulk)->session(), first);
  EXPECT_TRUE((*bulk)->session()->is_bulk());
  EXPECT_EQ(world.open(world.client, world.server.peer(), StreamClass::kInteractive).value()->session(), first);
  EXPECT_EQ(world.open(world.client, world.server.peer(), StreamClass::kBulk).value()->session(), (*bulk)->session());
  EXPECT_EQ(LaneWorld::bulk_sessions(world.server), 1U);
  EXPECT_EQ(world.server.sessions().size(), 2U);
  EXPECT_EQ(world.send_much(std::move(*bulk)), std::to_string(kMuchBytes));
}

TEST(Lanes, TheEndThatWasDialedAsksForOne) {
  LaneWorld world;
  world.meet();
  auto bulk = world.open(world.server, world.client.peer(), StreamClass::kBulk);
  ASSERT_TRUE(bulk);
  EXPECT_TRUE((*bulk)->session()->is_bulk());
  EXPECT_FALSE((*bulk)->session()->dialed());
  EXPECT_EQ(LaneWorld::bulk_sessions(world.client), 1U);
  EXPECT_EQ(world.send_much(std::move(*bulk)), std::to_string(kMuchBytes));
}

TEST(Lanes, BothEndsAtOnceMakeOne) {
  LaneWorld world;
  world.meet();
  std::vector<std::shared_ptr<Stream>> streams;
  for (int n = 0; n < 3; ++n) {
    for (Host* host : {&world.client, &world.server}) {
      const PeerId peer = host == &world.client ? world.server.peer() : world.client.peer();
      asio::co_spawn(world.io, open_shared(host, peer, StreamClass::kBulk),
                     [&](const std::exception_ptr&, const Opened& stream) { streams.push_back(stream.value()); });
    }
  }
  world.until([&] { return streams.size() == 6; });
  for (const auto& stream : streams) EXPECT_TRUE(stream->session()->is_bulk());
  EXPECT_EQ(world.client.sessions().size(), 2U);
  EXPECT_EQ(world.server.sessions().size(), 2U);
}

// Another stack, or a peer that lets nobody have two: everything shares the one connection.
TEST(Lanes, APeerThatHasNoSecondSharesTheFirst) {
  for (const Hosts::Tune& of_server :
       {Hosts::Tune([](HostConfig& config) { config.second_connection = false; }),
        Hosts::Tune([](HostConfig& config) { config.slots.connections_per_peer = 1; })}) {
    LaneWorld world(of_server);
    const auto first = world.meet();
    auto bulk = world.open(world.client, world.server.peer(), StreamClass::kBulk);
    ASSERT_TRUE(bulk);
    EXPECT_EQ((*bulk)->session(), first);
    EXPECT_FALSE(first->is_bulk());
    world.until([&] { return world.server.sessions().size() == 1; });
    EXPECT_EQ(world.send_much(std::move(*bulk)), std::to_string(kMuchBytes));
    EXPECT_EQ(world.client.sessions().size(), 1U);
  }
}

TEST(Lanes, WithoutAConnectionThereIsNothingToOpen) {
  LaneWorld world;
  for (const auto of : {StreamClass::kBulk, StreamClass::kInteractive}) {
    EXPECT_EQ(world.open(world.client, world.server.peer(), of).error().fault, Fault::kUnreachable);
    EXPECT_EQ(world.client.session_with(world.server.peer(), of), nullptr);
  }
}

TEST(Lanes, TheSecondEndsWithTheFirstAndByItselfWhenNobodyUsesIt) {
  LaneWorld world;
  const auto first = world.meet();
  const auto second = world.open(world.client, world.server.peer(), StreamClass::kBulk).value()->session();
  world.until([&] { return second->connection().mux().streams() == 0; });
  for (std::uint64_t ms = 0; ms <= kLaneIdleMs + 1'000; ms += 1'000) {
    EXPECT_TRUE(second->is_open() || ms >= kLaneIdleMs) << ms << second->close_reason().message;
    world.clock.advance_ms(1'000);
    for (const auto& session : world.client.sessions()) session->sweep();
    world.run(ping(first, world.clock, world.random)).value();  // answers to pings come in
  }
  EXPECT_FALSE(second->is_open());
  EXPECT_TRUE(first->is_open());
  const auto third = world.open(world.client, world.server.peer(), StreamClass::kBulk).value()->session();
  EXPECT_TRUE(third->is_bulk());
  first->close({.fault = Fault::kInterrupted, .message = "done"});
  EXPECT_FALSE(third->is_open());
  world.until([&] { return world.server.sessions().empty(); });
  EXPECT_TRUE(world.client.sessions().empty());
}

// A peer may name what it dialed, once; anything else is answered with no.
TEST(Lanes, WhoNamesWhatIsNotItsToNameHearsNo) {
  LaneWorld world;
  const auto first = world.meet();
  const auto say = [&](const std::shared_ptr<Session>& session, std::uint8_t what) {
    return world.run([](std::shared_ptr<Session> on, std::uint8_t word) -> Task<int> {
      auto stream = co_await on->open({std::string(kLaneProtocol)});
      if (!stream || !co_await stream->write(std::span(&word, 1))) co_return -1;
      std::uint8_t answer = 9;
      if (!co_await stream->read_exactly(std::span(&answer, 1))) co_return -1;
      stream->finish();
      co_return answer;
    }(session, what));
  };
  EXPECT_EQ(say(first, 2), 0);  // the only one
  EXPECT_EQ(say(first, 7), 0);
  EXPECT_EQ(say(world.server.sessions().at(0), 2), 0);  // it did not dial that
  EXPECT_EQ(LaneWorld::bulk_sessions(world.server) + LaneWorld::bulk_sessions(world.client), 0U);
  const auto second = world.open(world.client, world.server.peer(), StreamClass::kBulk).value()->session();
  EXPECT_EQ(say(first, 2), 0);
  EXPECT_EQ(LaneWorld::bulk_sessions(world.server), 1U);
  // It asks for one, closes it and asks again: nobody dials for it without end.
  const auto asks = world.server.session_with(world.client.peer());
  EXPECT_EQ(say(asks, 1), 1);  // there is one
  second->close({.fault = Fault::kInterrupted, .message = "on purpose"});
  EXPECT_EQ(say(asks, 1), 0);
  world.clock.advance_ms(kLaneAgainMs);
  EXPECT_EQ(say(asks, 1), 1);
}

// Cancelled after each number of turns of the loop and the hosts stopped there: no session or wait stays behind.
TEST(Lanes, CancelledAnywhereNothingStaysBehind) {
  bool finished = false;
  std::size_t turns = 0;
  for (; !finished && turns < 2'000; turns += turns < 80 ? 1 : 7) {
    std::vector<std::weak_ptr<Session>> left;
    bool ended = false;
    asio::cancellation_signal cancel;
    {
      LaneWorld world;
      world.meet();
      asio::co_spawn(
          world.io, open_shared(&world.client, world.server.peer(), StreamClass::kBulk),
          asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&, const auto&) { ended = true; }));
      for (std::size_t n = 0; n < turns && !ended; ++n) world.io.run_one();
      finished = ended;
      cancel.emit(asio::cancellation_type::terminal);
      for (const Host* host : {&world.client, &world.server}) {
        for (const auto& session : host->sessions()) left.emplace_back(session);
      }
    }
    EXPECT_TRUE(ended) << turns;
    for (const auto& session : left) EXPECT_TRUE(session.expired()) << turns;
  }
  EXPECT_TRUE(finished);
  EXPECT_GT(turns, 20U);
}

}  // namespace
}  // namespace micro::p2p
