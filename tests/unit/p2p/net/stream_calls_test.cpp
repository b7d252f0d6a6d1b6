// Streaming calls between two hosts on loopback: items in order, back-pressure, deadlines, and ends from every side.
#include "p2p/net/stream_calls.hpp"

#include <gtest/gtest.h>

#include "tests/gen/p2p/hosts.hpp"

namespace micro::p2p {
namespace {

using test::Hosts;

// "/echo" sends back what comes, "/keep" takes nothing, "/no" refuses.
struct StreamApplication final : StreamCallHandler {
  void on_open(IncomingStream call) override {
    methods[call.id] = call.method;
    if (call.method == "/no") {
      port->abort(call.id, {.fault = Fault::kNotFound, .message = "no such thing"});
    }
  }
  void on_moved(CallId id) override {
    ++moves;
    if (!methods.contains(id)) return;  // a call of this end: the test takes
    if (methods.at(id) == "/echo") echo(id);
  }
  void on_over(CallId id, Status how) override { EXPECT_TRUE(ends.emplace(id, std::move(how)).second) << "once"; }

  void echo(CallId id) {
    while (true) {
      if (auto& waiting = unsent[id]; !waiting.empty()) {
        if (!port->send(id, waiting)) return;
        waiting.clear();
      }
      auto item = port->take(id);
      if (!item) return;
      if (item->size() == 1) return port->finish(id);
      unsent[id] = std::move(*item);
    }
  }
  StreamTransport* port = nullptr;
  std::map<CallId, std::string> methods;
  std::map<CallId, Bytes> unsent;
  std::map<CallId, Status> ends;
  std::size_t moves = 0;
};

struct StreamCallWorld : Hosts {
  StreamApplication there;
  StreamApplication here;
  std::optional<StreamCalls> answers;
  std::optional<StreamCalls> asks;
  std::shared_ptr<Session> session;

  StreamCallWorld() {
    answers.emplace(io, server, clock, there);
    asks.emplace(io, client, clock, here);
    there.port = &*answers;
    here.port = &*asks;
    session = dial();
  }
  ~StreamCallWorld() {
    asks.reset();
    answers.reset();
  }
  Result<CallId> open(std::string method, StreamClass of = StreamClass::kInteractive, std::uint64_t ms = 60'000) {
    return asks->open(server.peer(), std::move(method), of, clock.now().plus_ms(ms));
  }
  void until_over(CallId id) {
    until([&] { return here.ends.contains(id) && asks->under_way() + answers->under_way() == 0; });
  }
};

Bytes numbered(std::size_t number) {
  Bytes item(2 + (number * 7'919) % 60'000, static_cast<std::uint8_t>(number));
  item[0] = static_cast<std::uint8_t>(number >> 8);
  return item;
}

TEST(StreamCalls, ItemsGoBothWaysInOrderOnEitherClass) {
  for (const auto of : {StreamClass::kInteractive, StreamClass::kBulk}) {
    StreamCallWorld world;
    const CallId id = world.open("/echo", of).value();
    std::size_t sent = 0;
    std::size_t taken = 0;
    world.until([&] {
      while (sent < 300 && world.asks->send(id, numbered(sent))) ++sent;
      if (sent == 300 && world.asks->send(id, Bytes(1))) {
        ++sent;
        world.asks->finish(id);
      }
      while (const auto item = world.asks->take(id)) EXPECT_EQ(*item, numbered(taken++));
      return taken == 300 && sent == 301;
    });
    world.until_over(id);
    EXPECT_TRUE(world.here.ends.at(id));
    ASSERT_EQ(world.there.ends.size(), 1U);
    EXPECT_TRUE(world.there.ends.begin()->second);
    EXPECT_EQ(world.client.sessions().size(), of == StreamClass::kBulk ? 2U : 1U);
  }
}

TEST(StreamCalls, AnAnswererThatTakesNothingHoldsUpTheAsker) {
  StreamCallWorld world;
  const CallId id = world.open("/keep").value();
  std::size_t sent = 0;
  for (int turns = 0; turns < 20'000; ++turns) {
    while (world.asks->send(id, Bytes(10'000))) ++sent;
    if (world.io.poll_one() == 0 && world.there.methods.size() == 1 && turns > 1'000) break;
  }
  EXPECT_EQ(sent, kStreamCreditBytes / (10'000 + kItemOverheadBytes));
  EXPECT_EQ(world.asks->send(id, Bytes(10'000)).error().fault, Fault::kBusy);
  const CallId theirs = world.there.methods.begin()->first;
  const std::size_t moves = world.here.moves;
  while (world.answers->take(theirs)) {
  }
  world.until([&] { return world.here.moves > moves && world.asks->send(id, Bytes(10'000)); });
  EXPECT_EQ(world.asks->send(id, Bytes(kMaxItemBytes + 1)).error().fault, Fault::kLimit);
}

TEST(StreamCalls, ARefusalTellsWhy) {
  StreamCallWorld world;
  const CallId id = world.open("/no").value();
  world.until_over(id);
  EXPECT_EQ(world.here.ends.at(id).error(), (Error{.fault = Fault::kNotFound, .message = "no such thing"}));
  EXPECT_TRUE(world.there.ends.empty());  // it gave up by itself
  EXPECT_EQ(world.asks->send(id, {}).error().fault, Fault::kInterrupted);
}

TEST(StreamCalls, TheDeadlineEndsBothEnds) {
  StreamCallWorld world;
  const CallId id = world.open("/keep", StreamClass::kInteractive, 20).value();
  world.until([&] { return !world.there.methods.empty(); });
  world.clock.advance_ms(21);  // the timer's own time passes by itself
  world.until_over(id);
  EXPECT_EQ(world.here.ends.at(id).error().fault, Fault::kUnknownOutcome);
  EXPECT_EQ(world.there.ends.begin()->second.error().fault, Fault::kUnknownOutcome);
}

TEST(StreamCalls, AConnectionThatBreaksEndsItsCalls) {
  StreamCallWorld world;
  const CallId id = world.open("/keep").value();
  world.until([&] { return !world.there.methods.empty(); });
  world.session->close({.fault = Fault::kInterrupted, .message = "gone"});
  world.until_over(id);
  EXPECT_EQ(world.here.ends.at(id).error().fault, Fault::kUnknownOutcome);
  EXPECT_FALSE(world.there.ends.begin()->second);
  EXPECT_EQ(world.open("/echo").error().fault, Fault::kUnreachable);
}

TEST(StreamCalls, OnePeerHasOnlySoMany) {
  StreamCallWorld world;
  std::vector<CallId> ids;
  for (std::size_t n = 0; n < kMaxStreamCallsOfPeer + 3; ++n) ids.push_back(world.open("/keep").value());
  world.until([&] { return world.here.ends.size() == 3 && world.there.methods.size() == kMaxStreamCallsOfPeer; });
  for (const auto& [id, how] : world.here.ends) EXPECT_EQ(how.error().fault, Fault::kBusy);
  EXPECT_EQ(world.open(std::string(kMaxMethodBytes + 1, 'x')).error().fault, Fault::kLimit);
}

// Given up after each number of turns of the loop, by either end: the other hears of it and nothing stays behind.
TEST(StreamCalls, GivenUpAnywhereNothingStaysBehind) {
  for (const bool asker_gives_up : {true, false}) {
    for (std::size_t turns = 0; turns < 90; turns += turns < 60 ? 1 : 9) {
      StreamCallWorld world;
      const CallId id = world.open("/keep", turns % 2 == 0 ? StreamClass::kBulk : StreamClass::kInteractive).value();
      for (int n = 0; n < 5; ++n) ASSERT_TRUE(world.asks->send(id, Bytes(30'000, 1)));
      world.io.restart();
      for (std::size_t n = 0; n < turns; ++n) world.io.poll_one();
      const Error why{.fault = Fault::kInterrupted, .message = "enough"};
      if (asker_gives_up) {
        world.asks->abort(id, why);
      } else {
        world.until([&] { return !world.there.methods.empty(); });
        world.answers->abort(world.there.methods.begin()->first, why);
      }
      world.until([&] { return world.asks->under_way() + world.answers->under_way() == 0; });
      EXPECT_EQ(world.here.ends.size(), asker_gives_up ? 0U : 1U) << turns;
      EXPECT_EQ(world.there.ends.size(), asker_gives_up ? world.there.methods.size() : 0U) << turns;
    }
  }
}

}  // namespace
}  // namespace micro::p2p
