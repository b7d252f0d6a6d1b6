// Two hosts on loopback and one thread; the test runs its loop until what it waits for has happened.
#include "p2p/net/host.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>

namespace micro::p2p {
namespace {

namespace asio = boost::asio;

Task<void> echo(Stream stream) {
  Bytes buffer(10'000);
  while (true) {
    const auto size = co_await stream.read(buffer);
    if (!size) co_return;
    if (*size == 0) break;
    if (!co_await stream.write(ByteView(buffer).first(*size))) co_return;
  }
  stream.finish();
}

struct World {
  asio::io_context io{1};
  ManualClock clock;
  SeededRandom random{1};
  Host server;
  Host client{io, config("client", random), clock, random};
  Multiaddr address;

  explicit World(const char* ip = "127.0.0.1", GaterLimits gater = {.local_addresses = true})
      : server(io, config("server", random, gater), clock, random) {
    server.handle("/echo", echo);
    address = server.listen(Multiaddr::tcp(ip, 0).value()).value();
  }
  static HostConfig config(const char* agent, Random& random, GaterLimits gater = {.local_addresses = true}) {
    return {.key = HostKey::generate(random), .agent = agent, .gater = gater};
  }
  /// Runs until it holds.
  template <class Condition>
  void until(Condition condition) {
    io.restart();
    while (!condition() && io.run_one() > 0) {
    }
  }
  ~World() {
    server.stop();
    client.stop();
    io.restart();
    io.run();
  }
  /// Runs a coroutine to its end.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    asio::co_spawn(io, std::move(task), [&](const std::exception_ptr& thrown, T value) {
      if (!thrown) out.emplace(std::move(value));
    });
    io.restart();  // it may have run out of work since the last one
    while (!out && io.run_one() > 0) {
    }
    return std::move(out).value();
  }
  std::shared_ptr<Session> dial() { return run(client.dial(address)).value(); }
};

Task<Result<Bytes>> echo_back(std::shared_ptr<Session> session, std::string protocol, Bytes message) {
  auto stream = co_await session->open({std::move(protocol)});
  if (!stream) co_return std::unexpected(stream.error());
  if (const Status sent = co_await stream->write(message); !sent) co_return std::unexpected(sent.error());
  stream->finish();
  co_return co_await stream->read_all(1'000'000);
}

TEST(Host, AMessageComesBackOverBothFamilies) {
  for (const char* ip : {"127.0.0.1", "::1"}) {
    World world(ip);
    const auto session = world.dial();
    EXPECT_EQ(session->peer(), world.server.peer());
    EXPECT_EQ(world.run(echo_back(session, "/echo", Bytes(100'000, 7))).value(), Bytes(100'000, 7));
  }
}

TEST(Host, PeersLearnWhoTheOtherIs) {
  World world;
  const auto session = world.dial();
  ASSERT_TRUE(world.run(session->wait_identified()));
  EXPECT_EQ(session->identify()->agent_version, "server");
  EXPECT_EQ(PeerRecord::open(session->identify()->signed_peer_record).value().peer, world.server.peer());
  EXPECT_TRUE(world.run(ping(session, world.clock, world.random)));
}

// One signature for all peers, and a later number where the addresses are others.
TEST(Host, TheRecordOfItsAddressesIsMadeOnceUntilTheyChange) {
  World world;
  const auto one = world.dial();
  const auto other = world.dial();
  ASSERT_TRUE(world.run(one->wait_identified()));
  ASSERT_TRUE(world.run(other->wait_identified()));
  const Bytes first = one->identify()->signed_peer_record;
  EXPECT_EQ(first, other->identify()->signed_peer_record);
  ASSERT_TRUE(world.server.listen(Multiaddr::tcp("127.0.0.1", 0).value()));
  world.server.push_identify();
  world.io.restart();
  while (one->identify()->signed_peer_record == first && world.io.run_one() > 0) {
  }
  const PeerRecord before = PeerRecord::open(first).value();
  const PeerRecord after = PeerRecord::open(one->identify()->signed_peer_record).value();
  EXPECT_GT(after.sequence, before.sequence);
  EXPECT_EQ(after.addresses.size(), before.addresses.size() + 1);
}

TEST(Host, WhatNobodySpeaksIsNotFound) {
  World world;
  const auto session = world.dial();
  EXPECT_EQ(world.run(echo_back(session, "/nothing", {})).error().fault, Fault::kNotFound);
  auto lazy = session->open_lazily("/nothing").value();
  std::uint8_t byte = 0;
  EXPECT_EQ(world.run(lazy.read(std::span(&byte, 1))).error().fault, Fault::kNotFound);
}

TEST(Host, ALazyStreamWorksToo) {
  World world;
  auto stream = world.dial()->open_lazily("/echo").value();
  ASSERT_TRUE(world.run(stream.write(as_bytes("hello"))));
  stream.finish();
  EXPECT_EQ(as_text(world.run(stream.read_all(100)).value()), "hello");
}

TEST(Host, AnotherPeerThanTheNamedOneIsRefused) {
  World world;
  const auto wrong = world.address.with_peer(world.client.peer());
  EXPECT_EQ(world.run(world.client.dial(wrong)).error().fault, Fault::kMismatch);
  EXPECT_TRUE(world.client.sessions().empty());
}

TEST(Host, NobodyThereIsAnError) {
  World world;
  world.server.stop();
  EXPECT_EQ(world.run(world.client.dial(world.address)).error().fault, Fault::kUnreachable);
  EXPECT_FALSE(world.run(world.client.dial(Multiaddr::parse("/ip4/127.0.0.1/udp/1").value())));
}

TEST(Host, APeerThatNeverAnswersIsCutOff) {
  World world;
  const auto session = world.dial();
  world.clock.advance_ms(kKeepAliveMs + 1);
  session->sweep();  // asks
  world.clock.advance_ms(kPongMs + 1);
  session->sweep();  // and no turn of the loop passed for the answer
  EXPECT_FALSE(session->is_open());
  EXPECT_EQ(session->close_reason().fault, Fault::kUnreachable);
}

// The reset comes between the request and its answer, which then cannot be written.
TEST(Host, APeerThatResetsWhileItIsAnsweredEndsItsSessionAndNoMore) {
  World world;
  const auto target = world.address.tcp_target().value();
  asio::ip::tcp::socket raw(world.io);
  raw.connect({asio::ip::make_address(target.host), target.port});
  const std::string_view asks = "\x13/multistream/1.0.0\n\x07/noise\n";
  asio::write(raw, asio::buffer(asks));
  world.until([&] {
    const auto sessions = world.server.sessions();
    return !sessions.empty() && sessions[0]->bytes_read() > 0;
  });
  raw.set_option(asio::socket_base::linger(true, 0));
  raw.close();
  world.until([&] { return world.server.sessions().empty(); });
}

TEST(Host, AnIdleSessionGivesItsBuffersBackAndGoesOn) {
  World world;
  const auto session = world.dial();
  EXPECT_EQ(world.run(echo_back(session, "/echo", Bytes(400'000, 7))).value().size(), 400'000U);
  EXPECT_GT(session->connection().held_bytes(), 100'000U);
  for (int n = 0; n < 2; ++n) {
    world.clock.advance_ms(kIdleMs);
    for (const auto& one : {session, world.server.sessions().at(0)}) one->sweep();
    world.run(ping(session, world.clock, world.random)).value();
  }
  world.io.poll();  // what was written last leaves
  session->sweep();
  world.clock.advance_ms(kIdleMs);
  session->sweep();
  world.io.poll();
  EXPECT_LT(session->connection().held_bytes(), 64U * 1'024);
  EXPECT_EQ(world.run(echo_back(session, "/echo", Bytes(400'000, 7))).value().size(), 400'000U);
}

Task<void> whole_life(Host* client, Multiaddr address) {
  const auto session = co_await client->dial(std::move(address));
  if (!session) co_return;
  (void)co_await (*session)->wait_identified();
  (void)co_await echo_back(*session, "/echo", Bytes(400'000, 7));
  (*session)->close({.fault = Fault::kInterrupted, .message = "done"});
}

// Cancelled after each number of turns of the loop, and the hosts stopped there: no session, stream or wait stays
// behind.
TEST(Host, CancelledAnywhereNothingStaysBehind) {
  bool finished = false;
  std::size_t turns = 0;
  for (; !finished && turns < 2'000; turns += turns < 60 ? 1 : 13) {
    World world;
    asio::cancellation_signal cancel;
    bool ended = false;
    asio::co_spawn(world.io, whole_life(&world.client, world.address),
                   asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&) { ended = true; }));
    for (std::size_t n = 0; n < turns && !ended; ++n) world.io.run_one();
    finished = ended;
    cancel.emit(asio::cancellation_type::terminal);
    std::vector<std::weak_ptr<Session>> left;
    for (const Host* host : {&world.client, &world.server}) {
      for (const auto& session : host->sessions()) left.emplace_back(session);
    }
    world.client.stop();
    world.server.stop();
    world.io.restart();
    world.io.run();  // returns: nothing waits for ever
    EXPECT_TRUE(ended) << turns;
    for (const auto& session : left) EXPECT_TRUE(session.expired()) << turns;
  }
  EXPECT_TRUE(finished);
  EXPECT_GT(turns, 50U);
}

TEST(Host, AHostThatConnectsTooOftenIsTurnedAwayBeforeTheHandshake) {
  World world("127.0.0.1", {});  // for a public network loopback is an address like any other
  for (int n = 0; n < 4; ++n) {
    const auto session = world.run(world.client.dial(world.address));
    ASSERT_TRUE(session) << n;
    (*session)->close({.fault = Fault::kInterrupted, .message = "done"});
  }
  EXPECT_EQ(world.run(world.client.dial(world.address)).error().fault, Fault::kUnreachable);
  world.until([&] { return world.server.sessions().empty(); });
  EXPECT_EQ(world.server.gater().handshakes(), 0U);
  world.clock.advance_ms(6'000);
  EXPECT_TRUE(world.run(world.client.dial(world.address)));
}

TEST(Host, ABannedPeerAndAThirdConnectionAreClosed) {
  World world;
  const auto first = world.dial();
  const auto second = world.dial();
  EXPECT_EQ(world.run(world.client.dial(world.address)).error().fault, Fault::kBusy);
  for (const auto& session : {first, second}) session->close({.fault = Fault::kInterrupted, .message = "done"});
  world.until([&] { return world.server.sessions().empty(); });
  world.server.gater().ban(world.client.peer(), world.clock.now());
  const auto banned = world.run(world.client.dial(world.address));
  if (banned) world.until([&] { return !(*banned)->is_open(); });
  world.until([&] { return world.server.sessions().empty(); });
  EXPECT_TRUE(world.server.connection_views().empty());
}

TEST(Host, ThePeerBehindOneOfSeveralAddressesIsFound) {
  World world;
  Host gone(world.io, World::config("gone", world.random), world.clock, world.random);
  const Multiaddr dead = gone.listen(Multiaddr::tcp("::1", 0).value()).value();
  gone.stop();
  const auto session = world.run(
      world.client.dial(world.server.peer(), {dead, world.address, Multiaddr::parse("/ip4/224.0.0.1/tcp/1").value()}));
  ASSERT_TRUE(session);
  EXPECT_EQ((*session)->peer(), world.server.peer());
  EXPECT_EQ(world.run(world.client.dial(world.server.peer(), {dead})).error().fault, Fault::kUnreachable);
  EXPECT_EQ(world.run(world.client.dial(Multiaddr::parse("/ip4/224.0.0.1/tcp/1").value())).error().fault,
            Fault::kDenied);
}

// Two parts of this node that want the same peer at once.
TEST(Host, TwoWhoDialAPeerAtOnceGetOneConnection) {
  World world;
  std::vector<std::shared_ptr<Session>> got;
  const std::vector<Multiaddr> at{world.address.without_peer()};
  for (int n = 0; n < 2; ++n) {
    asio::co_spawn(world.io, world.client.dial(world.server.peer(), at),
                   [&](const std::exception_ptr& thrown, Result<std::shared_ptr<Session>> session) {
                     ASSERT_TRUE(!thrown && session);
                     got.push_back(*session);
                   });
  }
  world.until([&] { return got.size() == 2; });
  EXPECT_EQ(got[0], got[1]);
  EXPECT_EQ(world.client.sessions().size(), 1U);
}

TEST(Host, WhoJoinsADialThatFailsTriesWhereItDidNot) {
  World world;
  const Multiaddr nowhere = Multiaddr::tcp("127.0.0.1", 1).value();
  std::vector<Result<std::shared_ptr<Session>>> got;
  for (const auto& at : {std::vector{nowhere}, std::vector{nowhere}, std::vector{world.address.without_peer()}}) {
    asio::co_spawn(
        world.io, world.client.dial(world.server.peer(), at),
        [&](const std::exception_ptr&, Result<std::shared_ptr<Session>> session) { got.push_back(session); });
  }
  world.until([&] { return got.size() == 3; });
  EXPECT_EQ(std::ranges::count_if(got, [](const auto& one) { return one.has_value(); }), 1);
  EXPECT_TRUE(got[2].has_value());
}

TEST(Host, WhoJoinsADialThatIsCancelledAnywhereDialsItself) {
  std::size_t turns = 0;
  for (bool finished = false; !finished && turns < 500; ++turns) {
    asio::cancellation_signal cancel;  // outlives what is bound to it
    World world;
    const std::vector<Multiaddr> at{world.address.without_peer()};
    std::optional<Result<std::shared_ptr<Session>>> joined;
    asio::co_spawn(
        world.io, world.client.dial(world.server.peer(), at),
        asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&, const auto&) { finished = true; }));
    asio::co_spawn(world.io, world.client.dial(world.server.peer(), at),
                   [&](const std::exception_ptr&, Result<std::shared_ptr<Session>> session) { joined = session; });
    for (std::size_t n = 0; n < turns && !finished; ++n) world.io.run_one();
    const bool by_itself = finished;
    cancel.emit(asio::cancellation_type::terminal);
    world.until([&] { return joined.has_value(); });
    ASSERT_TRUE(joined && joined->has_value()) << turns;
    EXPECT_TRUE((**joined)->is_open()) << turns;
    finished = by_itself;
  }
  EXPECT_GT(turns, 3U);
}

class NoBook final : public AddressSource {
  std::optional<PeerAddress> pick(const std::function<bool(const PeerAddress&)>& /*passes*/) override { return {}; }
  void tried(const PeerAddress& /*address*/, bool /*worked*/, Instant /*now*/) override {}
};

TEST(Host, StaticPeersAreDialedByItselfAndShown) {
  World world;
  NoBook book;
  ASSERT_TRUE(world.client.manager().add_static(world.server.peer(), {world.address.without_peer()}));
  world.client.manage(book);
  world.until(
      [&] { return world.client.manager().count(Slot::kStatic) > 0 && !world.client.connection_views().empty(); });
  const auto session = world.client.sessions().at(0);
  ASSERT_TRUE(world.run(session->wait_identified()));
  const auto views = world.client.connection_views();
  ASSERT_EQ(views.size(), 1U);
  EXPECT_EQ(views[0].peer, world.server.peer());
  EXPECT_EQ(views[0].address, world.address.without_peer());
  EXPECT_EQ(views[0].slot, Slot::kStatic);
  EXPECT_TRUE(views[0].is_protected);
  EXPECT_GT(views[0].bytes_read, 200U);
  EXPECT_GT(views[0].held_bytes, 0U);
  session->close({.fault = Fault::kInterrupted, .message = "had enough"});
  const auto peers = world.client.peer_views();
  ASSERT_EQ(peers.size(), 1U);
  EXPECT_EQ(peers[0].agent, "server");
  EXPECT_EQ(peers[0].last_disconnect_reason, "had enough");
  EXPECT_GT(peers[0].bytes_read, 200U);
}

TEST(Host, WhoIsOverItsBudgetWaits) {
  asio::io_context io{1};
  const SystemClock clock;
  SeededRandom random{1};
  HostConfig limited = World::config("server", random);
  limited.budgets.peer.bytes = {.per_s = 2 << 20, .stock = 64 << 10};
  Host server(io, limited, clock, random);
  Host client(io, World::config("client", random), clock, random);
  server.handle("/echo", echo);
  const Multiaddr address = server.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
  const Instant before = clock.now();
  std::optional<std::size_t> back;
  asio::co_spawn(
      io,
      [](Host* dialer, Multiaddr to) -> Task<std::size_t> {
        const auto session = co_await dialer->dial(std::move(to));
        const auto bytes = co_await echo_back(session.value(), "/echo", Bytes(400'000, 7));
        co_return bytes.value_or(Bytes()).size();
      }(&client, address),
      [&](const std::exception_ptr&, std::size_t size) { back = size; });
  while (!back && io.run_one() > 0) {
  }
  EXPECT_EQ(back, 400'000U);
  EXPECT_GT(clock.now().ns - before.ns, 100'000'000U);  // (400,000 - 64 Ki) at 2 MiB a second
  server.stop();
  client.stop();
  io.restart();
  io.run();
}

}  // namespace
}  // namespace micro::p2p
