// Hosts on loopback that find each other; one thread, and the test runs its loop until what it waits for has happened.
// A manual clock decides what is late; real timers only make the loop turn.
#include "p2p/discovery/shell/discovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "p2p/discovery/shell/book_file.hpp"
#include "p2p/discovery/shell/messages.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::p2p {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;

const Hash kHere{{1}};
const Hash kElsewhere{{2}};

struct LoopbackNode {
  LoopbackNode(asio::io_context& io, const Clock& clock, Random& random, DiscoveryConfig config,
               TxtResolver* resolver = nullptr)
      : host(io, {.key = HostKey::generate(random), .gater = {.local_addresses = true}}, clock, random),
        discovery(io, host, with_local(std::move(config)), clock, random, resolver) {
    const Multiaddr bound = host.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
    at = {host.peer(), bound.without_peer()};
    discovery.set_addresses({at.address});
  }
  static DiscoveryConfig with_local(DiscoveryConfig config) {
    config.kad.local_addresses = true;
    return config;
  }
  Host host;
  Discovery discovery;
  PeerAddress at;
};

class DiscoveryTest : public ::testing::Test {
 protected:
  ~DiscoveryTest() override {
    for (const auto& node : nodes_) (void)node->discovery.stop();
    for (const auto& node : nodes_) node->host.stop();
    io_.restart();
    io_.run();
  }
  LoopbackNode& add(DiscoveryConfig config, TxtResolver* resolver = nullptr) {
    nodes_.push_back(std::make_unique<LoopbackNode>(io_, clock_, random_, std::move(config), resolver));
    return *nodes_.back();
  }
  LoopbackNode& start(LoopbackNode& node) {
    EXPECT_TRUE(node.discovery.start());
    return node;
  }
  template <class Condition>
  void until(Condition condition) {
    io_.restart();
    while (!condition() && io_.run_one() > 0) {
    }
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    asio::co_spawn(io_, std::move(task), [&](const std::exception_ptr& thrown, T value) {
      if (!thrown) out.emplace(std::move(value));
    });
    until([&] { return out.has_value(); });
    return std::move(out).value();
  }
  bool know_each_other(const LoopbackNode& one, const LoopbackNode& other) const {
    return one.discovery.hello_of(other.host.peer()) != nullptr && other.discovery.hello_of(one.host.peer()) != nullptr;
  }

  asio::io_context io_{1};
  ManualClock clock_;
  SeededRandom random_{1};
  std::vector<std::unique_ptr<LoopbackNode>> nodes_;
};

TEST_F(DiscoveryTest, NodesOfOneNetworkSayHelloAndTellTheirStatus) {
  LoopbackNode& server = add({.network = kHere});
  server.discovery.set_status(to_bytes("at 7"));
  start(server);
  LoopbackNode& client = start(add({.network = kHere, .seeds = {server.at}}));
  until([&] { return know_each_other(client, server); });
  EXPECT_EQ(as_text(client.discovery.hello_of(server.host.peer())->status), "at 7");
  EXPECT_EQ(client.discovery.book().tried_size(), 1U);
}

TEST_F(DiscoveryTest, NodesOfTwoNetworksPartAndForgetEachOther) {
  LoopbackNode& server = start(add({.network = kElsewhere}));
  LoopbackNode& client = start(add({.network = kHere, .seeds = {server.at}}));
  until([&] {
    const auto peers = client.host.peer_views();
    return !peers.empty() && !peers[0].last_disconnect_reason.empty();
  });
  EXPECT_THAT(client.host.peer_views()[0].last_disconnect_reason, HasSubstr("another network"));
  EXPECT_EQ(client.discovery.book().size(), 0U);
  EXPECT_EQ(client.discovery.hello_of(server.host.peer()), nullptr);
  EXPECT_TRUE(client.discovery.kad().table().empty());
  // Nor does a search go there again.
  const auto found = run(client.discovery.find_node(to_bytes("anything")));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->asked, 0U);
}

// Out of reach at first, as for a node that starts before its network is there.
struct LateNames final : TxtResolver {
  Task<Result<std::vector<std::string>>> texts(std::string name) override {
    asked.push_back(name);
    if (asked.size() == 1) co_return fail(Fault::kUnreachable, "no network yet");
    co_return std::vector<std::string>{record};
  }
  std::vector<std::string> asked;
  std::string record;
};

TEST_F(DiscoveryTest, ANameOfSeedsLeadsToPeersAlsoWhereItIsOutOfReachAtFirst) {
  LoopbackNode& server = start(add({.network = kHere}));
  LateNames names;
  names.record = "dnsaddr=" + server.at.address.with_peer(server.at.peer).text();
  LoopbackNode& client = start(add({.network = kHere, .seed_names = {"seed.example"}}, &names));
  until([&] { return names.asked.size() == 1; });
  clock_.advance_ms(kAskSeedsMs);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);  // a tick is a second of real time
  until([&] { return know_each_other(client, server) || std::chrono::steady_clock::now() > end; });
  EXPECT_TRUE(know_each_other(client, server));
  EXPECT_EQ(names.asked, (std::vector<std::string>(2, "_dnsaddr.seed.example")));
}

TEST_F(DiscoveryTest, StaticPeersOfTheConfigurationAreDialedAndProtected) {
  LoopbackNode& server = start(add({.network = kHere}));
  LoopbackNode& client = start(add({.network = kHere, .static_peers = {server.at}}));
  until([&] { return know_each_other(client, server); });
  ASSERT_FALSE(client.host.connection_views().empty());
  EXPECT_EQ(client.host.connection_views()[0].slot, Slot::kStatic);
  EXPECT_TRUE(client.host.connection_views()[0].is_protected);
}

// It speaks identify and ping and nothing of ours: it stays, and is nobody to us.
TEST_F(DiscoveryTest, AStockPeerStaysConnected) {
  Host stock(io_, {.key = HostKey::generate(random_), .gater = {.local_addresses = true}}, clock_, random_);
  const Multiaddr at = stock.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
  LoopbackNode& client = start(add({.network = kHere, .seeds = {{stock.peer(), at.without_peer()}}}));
  until([&] { return !client.host.sessions().empty() && client.host.sessions()[0]->identify().has_value(); });
  EXPECT_TRUE(run(ping(client.host.sessions()[0], clock_, random_)));
  EXPECT_TRUE(client.host.sessions()[0]->is_open());
  EXPECT_EQ(client.discovery.hello_of(stock.peer()), nullptr);
  stock.stop();
}

TEST_F(DiscoveryTest, AddressesTravelFromPeerToPeer) {
  LoopbackNode& far = start(add({.network = kHere}));
  LoopbackNode& middle = start(add({.network = kHere, .seeds = {far.at}}));
  until([&] { return know_each_other(middle, far); });
  LoopbackNode& client = start(add({.network = kHere, .seeds = {middle.at}}));
  until([&] { return know_each_other(client, far); });
  EXPECT_EQ(client.discovery.book().tried_size(), 2U);
}

TEST_F(DiscoveryTest, WhoSaysAgainAndAgainThatItIsElsewhereFillsNoBook) {
  LoopbackNode& server = start(add({.network = kHere}));
  LoopbackNode& client = start(add({.network = kHere, .seeds = {server.at}}));
  until([&] { return know_each_other(client, server); });
  const auto session = client.host.sessions().at(0);
  Identify said = *server.host.sessions().at(0)->identify();
  const auto push = [](std::shared_ptr<Session> to, Bytes message) -> Task<Result<bool>> {
    auto stream = co_await to->open({std::string(kIdentifyPushProtocol)});
    if (!stream) co_return std::unexpected(stream.error());
    const Status sent = co_await write_message(*stream, std::move(message));
    if (!sent) co_return std::unexpected(sent.error());
    stream->finish();
    std::uint8_t byte = 0;
    while (true) {  // until it was read
      const auto size = co_await stream->read(std::span(&byte, 1));
      if (!size || *size == 0) co_return true;
    }
  };
  for (std::uint16_t n = 0; n < 20; ++n) {
    said.listen_addresses.clear();
    for (std::uint16_t k = 0; k < kMaxPeerAddresses; ++k) {
      said.listen_addresses.push_back(
          Multiaddr::tcp("127.0.0.1", static_cast<std::uint16_t>(1'000 + 10 * n + k)).value());
    }
    ASSERT_TRUE(run(push(session, said.encode())));
  }
  EXPECT_GE(server.discovery.book().size(), kMaxPeerAddresses);
  EXPECT_LE(server.discovery.book().size(), kMaxToldAddresses + 1);
  EXPECT_NE(server.discovery.hello_of(client.host.peer()), nullptr);
}

TEST_F(DiscoveryTest, ASearchReachesWhoIsNotConnectedAndAProviderIsFound) {
  // A chain of nodes that dial nobody by themselves: only searches connect them.
  std::vector<LoopbackNode*> chain;
  for (std::size_t n = 0; n < 6; ++n) {
    chain.push_back(&add({.network = kHere}));
    chain.back()->discovery.start();
    if (n > 0) {
      const auto session = run(chain[n]->host.dial(chain[n - 1]->at.address.with_peer(chain[n - 1]->host.peer())));
      ASSERT_TRUE(session);
      until([&] { return know_each_other(*chain[n], *chain[n - 1]); });
    }
  }
  const auto found = run(chain[5]->discovery.find_node(to_bytes(chain[0]->host.peer().view())));
  ASSERT_TRUE(found);
  ASSERT_FALSE(found->closest.empty());
  EXPECT_EQ(found->closest[0].peer, chain[0]->host.peer());
  const Bytes name = to_bytes("a service");
  ASSERT_TRUE(run(chain[0]->discovery.provide(name)));
  const auto providers = run(chain[4]->discovery.find_providers(name, 1));
  ASSERT_TRUE(providers);
  ASSERT_EQ(providers->providers.size(), 1U);
  EXPECT_EQ(providers->providers[0], (PeerInfo{chain[0]->host.peer(), {chain[0]->at.address}}));
}

TEST_F(DiscoveryTest, NothingIsKeptForWhoGaveItsSearchUp) {
  LoopbackNode& server = start(add({.network = kHere}));
  LoopbackNode& client = start(add({.network = kHere, .seeds = {server.at}}));
  until([&] { return know_each_other(client, server); });
  asio::cancellation_signal cancel;
  bool ended = false;
  asio::co_spawn(
      io_, client.discovery.find_node(to_bytes("anything")),
      asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&, const auto&) { ended = true; }));
  until([&] { return client.discovery.searching() == 1; });
  cancel.emit(asio::cancellation_type::terminal);
  until([&] { return ended && client.discovery.kad().kad().lookups() == 0; });
  while (io_.poll() > 0) {
  }
  EXPECT_EQ(client.discovery.searching(), 0U);
}

// What fails before it waits for anything fails within the call that began it.
TEST_F(DiscoveryTest, ASearchAmongPeersWhoMayNotBeDialedEndsAtOnce) {
  DiscoveryConfig config{.network = kHere};
  for (std::uint16_t n = 0; n < 40; ++n) {
    const Multiaddr at = Multiaddr::tcp("127.0.0.1", static_cast<std::uint16_t>(5'000 + n)).value();
    config.seeds.push_back({HostKey::generate(random_).peer_id(), at});
  }
  LoopbackNode& node = add(std::move(config));
  node.host.gater().ban(*IpAddress::of(node.at.address), clock_.now());
  start(node);
  const auto found = run(node.discovery.find_node(to_bytes("anything")));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->closest.empty());
  EXPECT_EQ(found->asked, 40U);
}

TEST_F(DiscoveryTest, TheBookOutlivesTheNode) {
  const micro::test::TempFolder folder;
  const auto file = folder.path() / "addresses";
  LoopbackNode& server = start(add({.network = kHere}));
  LoopbackNode& client = start(add({.network = kHere, .book_file = file, .seeds = {server.at}}));
  until([&] { return know_each_other(client, server); });
  ASSERT_TRUE(client.discovery.stop());
  EXPECT_EQ(client.discovery.book().anchors(), client.host.manager().anchors());
  LoopbackNode& again = start(add({.network = kHere, .book_file = file}));
  EXPECT_EQ(again.discovery.book().tried_size(), 1U);
  until([&] { return know_each_other(again, server); });
}

// --- the file ---

struct BookFileWorld {
  micro::test::TempFolder folder;
  std::filesystem::path file = folder.path() / "addresses";
  SeededRandom random{1};
  AddressBook book{random, false};
  BookFileWorld() { book.add({peer(), Multiaddr::tcp("20.0.0.1", 1).value()}, Multiaddr(), Instant{1}); }
  static PeerId peer() { return HostKey::from_seed(Hash{}).peer_id(); }
  Result<bool> load(AddressBook& into, const Hash& network = kHere) {
    return load_book(into, file, network, Instant{1}, TimeMs(1));
  }
  Status save() { return save_book(book, file, kHere, Instant{1}, TimeMs(1)); }
};

TEST(BookFile, IsReplacedAsAWholeAndReadableByItsOwnerOnly) {
  BookFileWorld world;
  AddressBook other(world.random, false);
  EXPECT_EQ(world.load(other).value(), false);
  ASSERT_TRUE(world.save());
  ASSERT_TRUE(world.save());
  EXPECT_EQ(world.load(other).value(), true);
  EXPECT_EQ(other.size(), 1U);
  EXPECT_EQ(std::filesystem::status(world.file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(world.folder.path()), {}), 1);
}

TEST(BookFile, ADamagedOneIsSetAsideAndAForeignOneIsLeft) {
  BookFileWorld world;
  ASSERT_TRUE(world.save());
  AddressBook other(world.random, false);
  EXPECT_EQ(world.load(other, kElsewhere).error().fault, Fault::kMismatch);
  EXPECT_TRUE(std::filesystem::exists(world.file));
  std::filesystem::resize_file(world.file, std::filesystem::file_size(world.file) - 1);
  EXPECT_EQ(world.load(other).error().fault, Fault::kCorrupt);
  EXPECT_FALSE(std::filesystem::exists(world.file));
  EXPECT_TRUE(std::filesystem::exists(world.folder.path() / "addresses.damaged"));
  EXPECT_EQ(world.load(other).value(), false);  // and the next start is a clean one
}

TEST(BookFile, ATornNextOneIsNotRead) {
  BookFileWorld world;
  ASSERT_TRUE(world.save());
  // A crash while the next one was written.
  ASSERT_TRUE(std::filesystem::copy_file(world.file, world.folder.path() / "addresses.new"));
  std::filesystem::resize_file(world.folder.path() / "addresses.new", 10);
  AddressBook other(world.random, false);
  EXPECT_EQ(world.load(other).value(), true);
  ASSERT_TRUE(world.save());
}

TEST(BookFile, AFolderThatIsNotThereIsAnError) {
  BookFileWorld world;
  world.file = world.folder.path() / "nowhere" / "addresses";
  EXPECT_FALSE(world.save());
}

}  // namespace
}  // namespace micro::p2p
