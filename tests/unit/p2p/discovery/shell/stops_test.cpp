// Nodes that look for each other are stopped at every point of it; see stops.hpp.
#include "tests/gen/p2p/stops.hpp"

#include <array>
#include <cstdio>

#include "p2p/discovery/shell/discovery.hpp"
#include "tests/gen/p2p/name_server.hpp"

namespace micro::p2p {
namespace {

using test::StopKind;

// Node 0 asks a name server for seeds, dials the seed that it was given, and searches.
class DiscoveryWorld final : public test::StopWorld {
 public:
  DiscoveryWorld() : server_(io()), names_(io(), {server_.socket.local_endpoint()}, random()) {
    add_host();
    const Multiaddr bound = add_host().listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
    seed_ = {host(1).peer(), bound.without_peer()};
    server_.answer({[](const Bytes& question) { return test::one_text(question, "nothing"); }});
    begin(1, {.network = Hash{{1}}});
  }
  Task<void> scenario() override {
    if (stopping()) co_return;  // before its first turn
    begin(0, {.network = Hash{{1}}, .seeds = {seed_}, .seed_names = {"seed.example"}});
    co_await until_moved([this] {
      return discoveries_[0]->hello_of(host(1).peer()) != nullptr &&
             discoveries_[1]->hello_of(host(0).peer()) != nullptr;
    });
    if (stopping()) co_return;
    const auto found = co_await discoveries_[0]->find_node(to_bytes(host(1).peer().view()));
    if (stopping()) co_return;
    const auto told = co_await discoveries_[0]->provide(to_bytes("a service"));
    if (stopping()) co_return;
    const auto providers = co_await discoveries_[0]->find_providers(to_bytes("a service"), 1);
    if (found && told && providers) came_to_its_end();
  }
  void drop_services(std::size_t node) override {
    boost::system::error_code ignored;
    if (node == 0) server_.socket.close(ignored);
    discoveries_[node].reset();
  }

 private:
  void begin(std::size_t node, DiscoveryConfig config) {
    config.kad.local_addresses = true;
    discoveries_[node] = std::make_unique<Discovery>(io(), host(node), std::move(config), clock(), random(), &names_);
    discoveries_[node]->set_addresses({seed_.address});
    discoveries_[node]->on_hello([this](const PeerId&, const Hello&) { moved(); });
    EXPECT_TRUE(discoveries_[node]->start());
  }
  test::NameServer server_;
  DnsClient names_;
  PeerAddress seed_;
  std::array<std::unique_ptr<Discovery>, 2> discoveries_;
};

TEST(DiscoveryStops, NothingIsLeft) {
  constexpr std::array kKinds{StopKind::kAll, StopKind::kFirst, StopKind::kSecond, StopKind::kAbandoned,
                              StopKind::kCancelled};
  const std::size_t points = test::stop_at_every_point<DiscoveryWorld>(kKinds);
  std::printf("stopped at %zu points\n", points);
  EXPECT_GE(points, 40U) << "the scenario did less than it should";
}

}  // namespace
}  // namespace micro::p2p
