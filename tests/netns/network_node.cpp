#include "tests/netns/network_node.hpp"

#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "p2p/aio/spawn.hpp"
#include "p2p/discovery/shell/discovery.hpp"
#include "p2p/gossip/router.hpp"
#include "p2p/net/frame_service.hpp"
#include "p2p/relay/item_relay.hpp"

namespace micro::p2p::netns {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::string_view kNewsTopic = "news";
constexpr std::uint64_t kWatchMs = 50;  // between looks at who is connected
constexpr std::size_t kMaxCommandBytes = 64 * 1'024;

void tell(const json& event) {
  std::printf("%s\n", event.dump().c_str());
  std::fflush(stdout);
}

// What messages and items say first, up to the filling.
std::string label_of(ByteView data) {
  const std::string_view text = as_text(data);
  return std::string(text.substr(0, text.find('.')));
}

struct Settings {
  Hash network;
  Hash key;
  std::string book;
  std::vector<PeerAddress> seeds;
};

Result<Settings> settings_of(const std::vector<std::string>& words) {
  Settings out;
  for (const std::string& word : words) {
    const std::size_t sign = std::min(word.find('='), word.size());
    const std::string name = word.substr(0, sign);
    const std::string value = word.substr(std::min(sign + 1, word.size()));
    if (name == "network") {
      out.network = sha256(as_bytes(value));
    } else if (name == "key") {
      out.key = sha256(as_bytes(value));
    } else if (name == "book") {
      out.book = value;
    } else if (name == "seed") {
      const Multiaddr address = TRY(Multiaddr::parse(value));
      const auto target = address.tcp_target();
      if (!target || !target->peer) return fail(Fault::kInvalid, "a seed has /ip4/…/tcp/…/p2p/…: " + value);
      out.seeds.push_back({*target->peer, address.without_peer()});
    } else {
      return fail(Fault::kInvalid, "no such setting: " + word);
    }
  }
  return out;
}

class Items final : public ItemPool {
 public:
  [[nodiscard]] Result<ItemId> id_of(ByteView item) const override { return sha256(item).as<ItemId>(); }
  [[nodiscard]] bool knows(const ItemId& id) const override { return items_.contains(id); }
  [[nodiscard]] SharedItem find(const ItemId& id) const override {
    const auto found = items_.find(id);
    return found == items_.end() ? nullptr : found->second;
  }
  ItemId add(SharedItem item) {
    const ItemId id = sha256(*item).as<ItemId>();
    items_[id] = std::move(item);
    return id;
  }

 private:
  std::map<ItemId, SharedItem> items_;
};

class NetworkNode {
 public:
  NetworkNode(asio::io_context& io, Settings settings)
      : io_(io),
        settings_(std::move(settings)),
        host_(io, {.key = HostKey::from_seed(settings_.key), .agent = "micro-netns"}, clock_, random_),
        discovery_(io, host_, {.network = settings_.network, .book_file = settings_.book, .seeds = settings_.seeds},
                   clock_, random_, nullptr),
        router_(GossipConfig{}, host_.peer(), random_),
        relay_(items_, random_),
        watch_timer_(io),
        input_(io, ::dup(STDIN_FILENO)) {}

  Status start(const Multiaddr& address) {
    const Multiaddr bound = TRY(host_.listen(address));
    discovery_.set_addresses({bound.without_peer()});
    discovery_.on_hello([](const PeerId& peer, const Hello&) { tell({{"event", "hello"}, {"peer", peer.text()}}); });
    gossip_.emplace(io_, host_, clock_, router_,
                    FrameServiceConfig{.protocols = {network_protocol(settings_.network, "/micro/meshsub/1.2.0")}},
                    [this] { take_messages(); });
    spread_.emplace(io_, host_, clock_, relay_,
                    FrameServiceConfig{.protocols = {network_protocol(settings_.network, "/micro/items/1.0.0")}},
                    [this] { take_items(); });
    TRY(router_.join(kNewsTopic, clock_.now()));
    if (const Status begun = discovery_.start(); !begun) tell({{"event", "book"}, {"why", begun.error().message}});
    tell({{"event", "ready"},
          {"peer", host_.peer().text()},
          {"address", bound.text()},
          {"known", discovery_.book().size()}});
    watch();
    spawn(io_, take_commands());
    return {};
  }

 private:
  // --- what comes ---

  void take_messages() {
    for (const Delivery& one : router_.take_deliveries()) {
      tell({{"event", "got"}, {"text", label_of(one.message->data())}, {"bytes", one.message->data().size()}});
      router_.validated(one.message->id(), Validation::kAccept, clock_.now());
    }
    gossip_->poke();
  }

  void take_items() {
    for (const ReceivedItem& one : relay_.take_received()) {
      items_.add(one.item);
      tell({{"event", "item"}, {"text", label_of(*one.item)}, {"bytes", one.item->size()}});
      relay_.judged(one.id, ItemVerdict::kAccept, clock_.now());
    }
    for (const auto& [peer, count] : relay_.take_offences()) {
      router_.scores().misbehaved(peer, count);
      tell({{"event", "offence"}, {"peer", peer.text()}});
    }
    spread_->poke();
  }

  // --- who is there ---

  void watch() {
    std::map<std::uint64_t, PeerId> now;
    for (const ConnectionView& view : host_.connection_views()) {
      now[view.connection] = view.peer;
      if (!seen_.contains(view.connection)) {
        tell({{"event", "connected"},
              {"peer", view.peer.text()},
              {"connection", view.connection},
              {"slot", name_of(view.slot)}});
      }
    }
    std::map<PeerId, std::string> reasons;
    for (const PeerView& view : host_.peer_views()) reasons[view.peer] = view.last_disconnect_reason;
    for (const auto& [connection, peer] : seen_) {
      if (now.contains(connection)) continue;
      tell({{"event", "disconnected"}, {"peer", peer.text()}, {"connection", connection}, {"reason", reasons[peer]}});
    }
    seen_ = std::move(now);
    watch_timer_.expires_after(std::chrono::milliseconds(kWatchMs));
    watch_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) watch();
    });
  }

  [[nodiscard]] json peers() {
    json all = json::array();
    for (const ConnectionView& view : host_.connection_views()) {
      all.push_back({{"peer", view.peer.text()},
                     {"slot", name_of(view.slot)},
                     {"round_trip_ms", static_cast<double>(view.round_trip_ns) / 1e6},
                     {"hello", discovery_.hello_of(view.peer) != nullptr}});
    }
    std::vector<std::string> mesh;
    for (const PeerId& peer : router_.mesh(kNewsTopic)) mesh.push_back(peer.text());
    return {{"event", "peers"},
            {"connections", all},
            {"mesh", mesh},
            {"lines", gossip_->lines()},
            {"table", discovery_.kad().table().size()},
            {"known", discovery_.book().size()},
            {"tried", discovery_.book().tried_size()}};
  }

  // --- commands ---

  Task<void> take_commands() {
    std::string text;
    while (true) {
      const auto [ended, size] =
          co_await asio::async_read_until(input_, asio::dynamic_buffer(text, kMaxCommandBytes), '\n', kAsTuple);
      if (ended) break;
      std::istringstream words(text.substr(0, size - 1));
      text.erase(0, size);
      std::string command;
      std::string about;
      std::size_t bytes = 0;
      words >> command >> about >> bytes;
      run(command, about, bytes);
    }
    stop();
  }

  void run(const std::string& command, const std::string& about, std::size_t bytes) {
    if (command == "publish" || command == "item") {
      std::string text = about + ".";
      text.resize(std::max(bytes, text.size()), '.');
      command == "item" ? spread(text) : publish(text);
    } else if (command == "peers") {
      tell(peers());
    } else if (command == "find") {
      spawn(io_, find(about));
    } else if (command == "provide" || command == "providers") {
      spawn(io_, look_for(about, command == "provide"));
    } else if (command == "dial") {
      spawn(io_, dial(about));
    } else if (command == "drop") {
      drop(about);
    } else {
      tell({{"event", "failed"}, {"about", command}, {"why", "no such command"}});
    }
  }

  void publish(const std::string& text) {
    const auto id = router_.publish(kNewsTopic, as_bytes(text), clock_.now());
    if (!id) tell({{"event", "failed"}, {"about", "publish"}, {"why", id.error().message}});
    gossip_->poke();
  }

  void spread(const std::string& text) {
    relay_.publish(items_.add(std::make_shared<const Bytes>(to_bytes(text))), clock_.now());
    spread_->poke();
  }

  Task<void> find(std::string about) {
    const Instant before = clock_.now();
    const auto peer = PeerId::parse(about);
    if (!peer) co_return tell({{"event", "found"}, {"about", about}, {"why", peer.error().message}});
    const auto found = co_await discovery_.find_node(to_bytes(peer->view()));
    json out{{"event", "found"}, {"about", about}, {"addresses", json::array()}};
    if (!found) {
      out["why"] = found.error().message;
    } else {
      for (const PeerInfo& one : found->closest) {
        if (one.peer != *peer) continue;
        for (const Multiaddr& address : one.addresses) out["addresses"].push_back(address.text());
      }
      out["hops"] = found->hops;
      out["asked"] = found->asked;
    }
    out["ms"] = (clock_.now().ns - before.ns) / 1'000'000;
    tell(out);
  }

  Task<void> look_for(std::string about, bool provide) {
    const Bytes name = to_bytes(sha256(as_bytes(about)).view());
    const auto found = provide ? co_await discovery_.provide(name) : co_await discovery_.find_providers(name, 1);
    json out{{"event", provide ? "provided" : "providers"}, {"about", about}, {"peers", json::array()}};
    if (!found) out["why"] = found.error().message;
    for (std::size_t n = 0; found && n < found->providers.size(); ++n) {
      out["peers"].push_back(found->providers[n].peer.text());
    }
    tell(out);
  }

  Task<void> dial(std::string about) {
    json out{{"event", "dialed"}, {"about", about}};
    auto address = Multiaddr::parse(about);
    if (!address) {
      out["why"] = address.error().message;
    } else if (const auto session = co_await host_.dial(std::move(*address)); !session) {
      out["why"] = session.error().message;
    }
    tell(out);
  }

  void drop(const std::string& about) {
    for (const auto& session : host_.sessions()) {
      if (session->secured() && session->peer().text() == about) {
        session->close({.fault = Fault::kInterrupted, .message = "dropped by hand"});
      }
    }
  }

  void stop() {
    const Status kept = discovery_.stop();
    if (!kept) tell({{"event", "failed"}, {"about", "stop"}, {"why", kept.error().message}});
    gossip_.reset();
    spread_.reset();
    host_.stop();
    io_.stop();
  }

  asio::io_context& io_;
  SystemClock clock_;
  SystemRandom random_;
  Settings settings_;
  Host host_;
  Discovery discovery_;
  GossipRouter router_;
  Items items_;
  ItemRelay relay_;
  std::optional<FrameService> gossip_;
  std::optional<FrameService> spread_;
  asio::steady_timer watch_timer_;
  asio::posix::stream_descriptor input_;
  std::map<std::uint64_t, PeerId> seen_;
};

}  // namespace

int run_network_node(const Multiaddr& address, const std::vector<std::string>& words) {
  auto settings = settings_of(words);
  if (!settings) {
    tell({{"event", "failed"}, {"about", "settings"}, {"why", settings.error().message}});
    return 2;
  }
  asio::io_context io(1);
  NetworkNode node(io, std::move(*settings));
  if (const Status status = node.start(address); !status) {
    tell({{"event", "failed"}, {"about", "start"}, {"why", status.error().message}});
    return 1;
  }
  io.run();
  return 0;
}

}  // namespace micro::p2p::netns
