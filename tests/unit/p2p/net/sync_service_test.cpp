// Three hosts on loopback: one lags and brings everything over from two, of which one lies, is told why and is cut off.
#include "p2p/net/sync_service.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/gen/p2p/model_chain.hpp"
#include "tests/gen/p2p/sync_net.hpp"

namespace micro::p2p {
namespace {

using sync::Dropped;
using sync::DropReason;
using sync::test::Truth;
using sync::test::TruthSink;
using sync::test::TruthSource;

struct SyncWorld {
  boost::asio::io_context io{1};
  SystemClock clock;
  SeededRandom random{1};
  Host lagging{io, config(random), clock, random};
  sync::test::NoSource no_source;
  sync::test::NoSink no_sink;
  Truth truth;
  TruthSink sink{truth};
  std::vector<Dropped> dropped;
  std::vector<std::unique_ptr<Host>> hosts;
  std::vector<std::unique_ptr<SyncService>> services;

  SyncWorld() {
    truth.height = 200;
    truth.block_bytes = {300, 20'000, 900'000, 10, 5};
    for (std::uint64_t n = 0; n < 500; ++n) truth.state[sync::Key{sha256(encode(n)).data}] = Bytes(n, 1);
    services.push_back(std::make_unique<SyncService>(
        io, lagging, clock, no_source, sink,
        SyncServiceConfig{.on_dropped = [this](const Dropped& one) { dropped.push_back(one); }}));
  }
  ~SyncWorld() {
    services.clear();
    lagging.stop();
    for (const auto& host : hosts) host->stop();
    io.restart();
    io.run();  // returns: nothing waits for ever
  }
  static HostConfig config(Random& random) {
    return {.key = HostKey::generate(random), .gater = {.local_addresses = true}};
  }
  PeerId add(sync::Source& source) {
    hosts.push_back(std::make_unique<Host>(io, config(random), clock, random));
    Host& host = *hosts.back();
    services.push_back(std::make_unique<SyncService>(io, host, clock, source, no_sink));
    const Multiaddr address = host.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
    bool is_done = false;
    boost::asio::co_spawn(io, lagging.dial(address), [&is_done](const std::exception_ptr&, auto result) {
      EXPECT_TRUE(result.has_value());
      is_done = true;
    });
    until([&] { return is_done; });
    return host.peer();
  }
  template <class Condition>
  void until(Condition condition) {
    io.restart();
    while (!condition() && io.run_one() > 0) {
    }
  }
  SyncService& service() { return *services.front(); }
};

TEST(SyncService, BringsEverythingOverFromSeveralHosts) {
  SyncWorld world;
  TruthSource source(world.truth);
  for (int n = 0; n < 2; ++n) world.add(source);
  ASSERT_TRUE(world.service().start(world.truth.everything()));
  world.until([&] { return world.service().client().done() || world.service().client().failure(); });
  EXPECT_TRUE(world.sink.has_everything());
  EXPECT_TRUE(world.dropped.empty());
  for (const auto& peer : world.service().client().peers()) EXPECT_GT(peer.bytes, 0U);
}

TEST(SyncService, ALiarIsNamedBannedAndCutOff) {
  struct Liar final : TruthSource {
    using TruthSource::block;
    using TruthSource::TruthSource;
    Result<Bytes> block(std::uint64_t height) override { return TruthSource::block(height % 100 + 1); }
  };
  SyncWorld world;
  TruthSource source(world.truth);
  Liar lying(world.truth);
  const PeerId liar = world.add(lying);
  ASSERT_TRUE(world.service().start(world.truth.everything()));
  world.until([&] { return !world.dropped.empty(); });
  ASSERT_EQ(world.dropped.size(), 1U);
  EXPECT_EQ(world.dropped[0].peer, liar);
  EXPECT_EQ(world.dropped[0].reason, DropReason::kLied);
  EXPECT_EQ(world.dropped[0].why, "that is not true");
  world.until([&] { return world.lagging.sessions().empty(); });
  EXPECT_EQ(world.lagging.gater().may_talk(liar, world.clock.now()).error().fault, Fault::kDenied);
  world.add(source);
  world.until([&] { return world.service().client().done() || world.service().client().failure(); });
  EXPECT_TRUE(world.sink.has_everything());
  EXPECT_EQ(world.dropped.size(), 1U);
}

}  // namespace
}  // namespace micro::p2p
