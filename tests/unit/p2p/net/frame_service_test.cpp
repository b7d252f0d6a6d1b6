// Protocols of frames over real connections on loopback: one thread, run until what is waited for has happened.
#include "p2p/net/frame_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "p2p/aio/spawn.hpp"
#include "p2p/gossip/router.hpp"
#include "p2p/wire/varint.hpp"
#include "tests/gen/p2p/frame_recorder.hpp"

namespace micro::p2p {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;

constexpr std::string_view kFrames = "/test/frames/1";
using Recorder = test::FrameRecorder;

template <class Core>
struct End {
  template <class Make>
  End(asio::io_context& io, const Clock& clock, Random& random, std::string_view protocol, Make make)
      : key(HostKey::generate(random)),
        host(io, {.key = key, .agent = "test", .gater = {.local_addresses = true}}, clock, random),
        core(make(key.peer_id())),
        service(std::make_unique<FrameService>(
            io, host, clock, core, FrameServiceConfig{.protocols = {std::string(protocol)}}, [this] { ++changes; })) {}
  HostKey key;
  Host host;
  Core core;
  std::size_t changes = 0;
  std::unique_ptr<FrameService> service;
};

struct Loop {
  asio::io_context io{1};
  SystemClock clock;
  SeededRandom random{1};

  template <class Condition>
  void until(Condition condition) {
    io.restart();
    while (!condition() && io.run_one() > 0) {
    }
  }
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    spawn(io, keep(std::move(task), out));
    until([&] { return out.has_value(); });
    return std::move(out).value();
  }
};

struct Pair {
  Loop loop;
  End<Recorder> one{loop.io, loop.clock, loop.random, kFrames, [](const PeerId&) { return Recorder(); }};
  End<Recorder> other{loop.io, loop.clock, loop.random, kFrames, [](const PeerId&) { return Recorder(); }};
  std::shared_ptr<Session> session;

  Pair() {
    const auto address = other.host.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
    session = loop.run(one.host.dial(address)).value();
    loop.until([&] { return one.service->lines() == 1 && other.service->lines() == 1; });
  }
  ~Pair() {
    one.service.reset();
    other.service.reset();
    one.host.stop();
    other.host.stop();
    session.reset();
    loop.io.restart();
    loop.io.run();
  }
  void send(End<Recorder>& from, const End<Recorder>& to, Bytes frame) {
    from.core.queued[to.host.peer()].push_back(std::move(frame));
    from.service->poke();
  }
};

TEST(FrameService, BothEndsKnowOfEachOther) {
  Pair pair;
  const PeerFacts& dialed = pair.one.core.peers.at(pair.other.host.peer());
  EXPECT_TRUE(dialed.outbound);
  EXPECT_EQ(dialed.protocol, kFrames);
  EXPECT_EQ(dialed.address, "");  // who else is on this machine is not counted
  EXPECT_TRUE(PeerRecord::open(dialed.record).has_value());
  EXPECT_FALSE(pair.other.core.peers.at(pair.one.host.peer()).outbound);
}

TEST(FrameService, FramesOfAnyLengthArriveInTheirOrderBothWays) {
  Pair pair;
  const std::vector<std::size_t> sizes{1, 127, 128, 16'383, 16'384, 70'000, 1 << 20, 5};
  for (const std::size_t size : sizes) {
    pair.send(pair.one, pair.other, Bytes(size, static_cast<std::uint8_t>(size)));
    pair.send(pair.other, pair.one, Bytes(size, static_cast<std::uint8_t>(size + 1)));
  }
  pair.loop.until(
      [&] { return pair.one.core.got.size() == sizes.size() && pair.other.core.got.size() == sizes.size(); });
  for (std::size_t n = 0; n < sizes.size(); ++n) {
    EXPECT_EQ(pair.other.core.got[n].second, Bytes(sizes[n], static_cast<std::uint8_t>(sizes[n])));
    EXPECT_EQ(pair.one.core.got[n].second, Bytes(sizes[n], static_cast<std::uint8_t>(sizes[n] + 1)));
  }
  EXPECT_GT(pair.one.changes, 0U);
}

TEST(FrameService, AFloodIsTakenInWholeThoughItsQueueIsShort) {
  Pair pair;
  for (int n = 0; n < 1'000; ++n) pair.send(pair.one, pair.other, Bytes(10'000, static_cast<std::uint8_t>(n)));
  pair.loop.until([&] { return pair.other.core.got.size() == 1'000; });
  EXPECT_EQ(pair.other.core.got[999].second[0], static_cast<std::uint8_t>(999));
}

TEST(FrameService, WhatNoPeerMaySendEndsTheConnection) {
  Pair pair;
  pair.send(pair.one, pair.other, to_bytes("bad"));
  pair.loop.until([&] { return pair.one.service->lines() == 0 && pair.other.service->lines() == 0; });
  EXPECT_FALSE(pair.session->is_open());
  EXPECT_TRUE(pair.one.core.peers.empty() && pair.other.core.peers.empty());
  EXPECT_FALSE(pair.other.host.gater().may_talk(pair.one.host.peer(), pair.loop.clock.now()).has_value());
}

Task<Result<Stream>> open_with(std::shared_ptr<Session> session, Bytes bytes) {
  auto stream = co_await session->open({std::string(kFrames)});
  if (!stream) co_return std::unexpected(stream.error());
  if (const Status sent = co_await stream->write(bytes); !sent) co_return std::unexpected(sent.error());
  co_return std::move(*stream);
}

TEST(FrameService, AFrameThatIsTooLongEndsTheConnection) {
  Pair pair;
  Bytes length;
  append_varint(length, (1 << 20) + 1);
  const auto stream = pair.loop.run(open_with(pair.session, length));
  ASSERT_TRUE(stream.has_value());
  pair.loop.until([&] { return !pair.session->is_open(); });
  EXPECT_EQ(pair.other.service->lines(), 0U);
}

Task<void> read_away(Stream stream) {
  Bytes bytes(1'024);
  while (true) {
    const auto size = co_await stream.read(bytes);
    if (!size || *size == 0) co_return;
  }
}

Task<bool> is_reset(Stream& stream) {
  std::uint8_t byte = 0;
  const auto size = co_await stream.read(std::span(&byte, 1));
  co_return !size.has_value();
}

// A server with the service, and hosts that speak the protocol by hand.
struct ByHand {
  Loop loop;
  End<Recorder> server{loop.io, loop.clock, loop.random, kFrames, [](const PeerId&) { return Recorder(); }};
  Multiaddr address = server.host.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
  std::vector<std::unique_ptr<Host>> hosts;

  ~ByHand() {
    server.service.reset();
    server.host.stop();
    for (const auto& host : hosts) host->stop();
    loop.io.restart();
    loop.io.run();
  }
  std::shared_ptr<Session> dial() {
    hosts.push_back(std::make_unique<Host>(
        loop.io, HostConfig{.key = HostKey::generate(loop.random), .agent = "test", .gater = {.local_addresses = true}},
        loop.clock, loop.random));
    hosts.back()->handle(std::string(kFrames), read_away);
    return loop.run(hosts.back()->dial(address)).value();
  }
};

// Each holds back the last byte of the longest frame there can be.
TEST(FrameService, FramesThatNeverBecomeWholeDoNotFillMemory) {
  ByHand world;
  Bytes most;
  append_varint(most, 1 << 20);
  most.resize(most.size() + (1 << 20) - 1);
  std::vector<Result<Stream>> streams;
  const std::size_t count = kMaxPartialBytes / (1 << 20) + 2;
  for (std::size_t n = 0; n < count; ++n) {
    streams.push_back(world.loop.run(open_with(world.dial(), most)));
    if (n + 4 < count) {
      ASSERT_TRUE(streams.back().has_value()) << n << ": " << streams.back().error().message;
    }
  }
  world.loop.until([&] { return world.server.service->lines() < count; });
  EXPECT_GE(world.server.service->lines() + 2, kMaxPartialBytes / (1 << 20));
}

// They hold as much as may be held but for a little, and somebody honest has a frame that comes in pieces.
TEST(FrameService, WhoFillsMemoryWithPiecesOfFramesKeepsNobodyElseOut) {
  ByHand world;
  std::vector<Result<Stream>> streams;
  std::size_t left = kMaxPartialBytes - 50'000;
  while (left > 0) {
    Bytes piece;
    append_varint(piece, 1 << 20);
    piece.resize(std::min<std::size_t>(left, 1 << 20));
    left -= piece.size();
    streams.push_back(world.loop.run(open_with(world.dial(), piece)));
    ASSERT_TRUE(streams.back().has_value());
  }
  world.loop.until([&] { return world.server.service->lines() == streams.size(); });
  const auto session = world.dial();
  const PeerId honest = world.hosts.back()->peer();
  Bytes frame;
  append_varint(frame, 200'000);
  frame.resize(frame.size() + 200'000);
  const auto stream = world.loop.run(open_with(session, frame));
  const auto has_come = [&] { return !world.server.core.got.empty() || world.server.core.peers.contains(honest); };
  world.loop.until(has_come);
  world.loop.until([&] { return !world.server.core.got.empty() || !has_come(); });
  ASSERT_EQ(world.server.core.got.size(), 1U);
  EXPECT_EQ(world.server.core.got[0].first, honest);
}

TEST(FrameService, ALaterStreamOfAPeerTakesThePlaceOfItsFirst) {
  ByHand world;
  const auto session = world.dial();
  auto first = world.loop.run(open_with(session, to_bytes("\x03old")));
  ASSERT_TRUE(first.has_value());
  world.loop.until([&] { return world.server.core.got.size() == 1; });
  const auto second = world.loop.run(open_with(session, to_bytes("\x03new")));
  ASSERT_TRUE(second.has_value());
  world.loop.until([&] { return world.server.core.got.size() == 2; });
  EXPECT_EQ(as_text(world.server.core.got[1].second), "new");
  EXPECT_TRUE(world.loop.run(is_reset(*first)));
  EXPECT_EQ(world.server.service->lines(), 1U);
}

// Each frame takes an hour of the processor.
struct SlowCore final : test::FrameQueues {
  explicit SlowCore(ManualClock& of) : clock(of) {}
  Status on_frame(const PeerId& from, ByteView /*frame*/, Instant /*now*/) override {
    ++handled[from];
    clock.advance_ms(3'600'000);
    return {};
  }
  ManualClock& clock;
  std::map<PeerId, std::size_t> handled;
};

TEST(FrameService, WhatFramesCostTheProcessorIsChargedToWhoSentThem) {
  asio::io_context io{1};
  ManualClock clock;
  SeededRandom random{1};
  HostConfig config{.key = HostKey::generate(random), .agent = "test", .gater = {.local_addresses = true}};
  config.budgets.peer.cpu_ns = {.per_s = 1'000, .stock = 1'000};
  Host server(io, std::move(config), clock, random);
  SlowCore core(clock);
  auto service = std::make_unique<FrameService>(io, server, clock, core,
                                                FrameServiceConfig{.protocols = {std::string(kFrames)}}, [] {});
  const Multiaddr address = server.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
  End<Recorder> costly(io, clock, random, kFrames, [](const PeerId&) { return Recorder(); });
  End<Recorder> other(io, clock, random, kFrames, [](const PeerId&) { return Recorder(); });
  const auto all_there = [&] {
    for (const auto* end : {&costly, &other}) {
      if (end->service->lines() == 0 || !core.peers.contains(end->host.peer())) return false;
    }
    return true;
  };
  for (End<Recorder>* end : {&costly, &other})
    spawn(io, [](Host* host, Multiaddr to) -> Task<void> {
      (void)co_await host->dial(std::move(to));
    }(&end->host, address));
  while (!all_there() && io.run_one() > 0) {
  }
  const auto send = [&](End<Recorder>& from) {
    from.core.queued[server.peer()].push_back(Bytes(10));
    from.service->poke();
    while (io.poll() > 0) {
    }
  };
  for (int n = 0; n < 6; ++n) send(costly);
  EXPECT_GE(core.handled[costly.host.peer()], 1U);
  EXPECT_LE(core.handled[costly.host.peer()], 2U);  // one was being waited for already; the others are in its socket
  send(other);
  EXPECT_EQ(core.handled[other.host.peer()], 1U);
  service.reset();
  for (End<Recorder>* end : {&costly, &other}) {
    end->service.reset();
    end->host.stop();
  }
  server.stop();
  io.restart();
  io.run();
}

// Who brings something new is not the first to go where room is short, and people see what a peer is thought of.
TEST(FrameService, TheManagerHearsOfPeersWhatTheProtocolKnows) {
  Pair pair;
  const PeerId& other = pair.other.host.peer();
  pair.one.core.news = {other};
  pair.one.core.opinion = -2.6;
  std::size_t asked = 0;
  const auto view = [&] { return pair.one.host.connection_views().at(0); };
  pair.loop.until([&] {
    if (view().useful) return true;
    if (pair.one.core.got.size() == asked) {  // else nothing happens here for seconds
      ++asked;
      pair.send(pair.other, pair.one, to_bytes("x"));
    }
    return false;
  });
  EXPECT_TRUE(pair.one.core.news.empty());
  ASSERT_EQ(pair.one.host.peer_views().size(), 1U);
  EXPECT_EQ(pair.one.host.peer_views()[0].score, -3);
  EXPECT_FALSE(pair.other.host.connection_views().at(0).useful);
}

TEST(FrameService, LinesEndWithTheirConnection) {
  Pair pair;
  pair.session->close({.fault = Fault::kInterrupted, .message = "enough"});
  pair.loop.until([&] { return pair.one.service->lines() == 0 && pair.other.service->lines() == 0; });
  EXPECT_TRUE(pair.one.core.peers.empty() && pair.other.core.peers.empty());
}

TEST(FrameService, GossipSpreadsOverIt) {
  Loop loop;
  std::vector<std::unique_ptr<End<GossipRouter>>> nodes;
  const GossipConfig config{.mesh = {.heartbeat_ms = 20}};
  const auto make = [&](const PeerId& self) { return GossipRouter(config, self, loop.random); };
  for (int n = 0; n < 5; ++n) {
    nodes.push_back(std::make_unique<End<GossipRouter>>(loop.io, loop.clock, loop.random, kMeshsub12, make));
    ASSERT_TRUE(nodes.back()->core.join("t", loop.clock.now()).has_value());
  }
  std::vector<Multiaddr> addresses;
  for (const auto& node : nodes) addresses.push_back(node->host.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value());
  for (std::size_t n = 0; n + 1 < nodes.size(); ++n) {  // a line: what the first says must be handed on
    ASSERT_TRUE(loop.run(nodes[n]->host.dial(addresses[n + 1])).has_value());
  }
  loop.until([&] {
    return nodes.front()->core.mesh("t").size() == 1 && nodes.back()->core.mesh("t").size() == 1 &&
           std::all_of(nodes.begin() + 1, nodes.end() - 1,
                       [](const auto& node) { return node->core.mesh("t").size() == 2; });
  });
  ASSERT_TRUE(nodes.front()->core.publish("t", as_bytes("hello"), loop.clock.now()).has_value());
  nodes.front()->service->poke();
  std::vector<std::size_t> got(nodes.size());
  loop.until([&] {
    for (std::size_t n = 1; n < nodes.size(); ++n) {
      for (const Delivery& one : nodes[n]->core.take_deliveries()) {
        ++got[n];
        nodes[n]->core.validated(one.message->id(), Validation::kAccept, loop.clock.now());
        nodes[n]->service->poke();
      }
    }
    return got.back() > 0;
  });
  EXPECT_THAT(got, ElementsAre(0, 1, 1, 1, 1));
  loop.until([&] {  // a heartbeat or some later
    const auto views = nodes[1]->host.connection_views();
    return std::ranges::any_of(views, [](const ConnectionView& view) { return view.useful.has_value(); });
  });
  for (const ConnectionView& view : nodes[1]->host.connection_views()) {
    EXPECT_EQ(view.useful.has_value(), view.peer == nodes[0]->host.peer());
  }
  for (const auto& node : nodes) {
    node->service.reset();
    node->host.stop();
  }
  loop.io.restart();
  loop.io.run();
}

}  // namespace
}  // namespace micro::p2p
