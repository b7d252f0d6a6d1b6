#include "tests/interop/gossip_node.hpp"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdio>
#include <sstream>

#include "p2p/net/frame_service.hpp"
#include "tests/interop/gossip_watch.hpp"

namespace micro::p2p::interop {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kTopic = "interop";

void print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

GossipConfig config_of(const HostKey& key, bool sign) {
  GossipConfig config;
  if (sign) {
    config.signing = SigningPolicy::kStrictSign;
    config.key = key;
    config.id_of = author_id;
  }
  return config;
}

class GossipNode {
 public:
  GossipNode(asio::io_context& io, bool sign)
      : io_(io),
        key_(HostKey::generate(random_)),
        host_(io, {.key = key_, .agent = "micro-interop", .gater = {.local_addresses = true}}, clock_, random_),
        router_(config_of(key_, sign), key_.peer_id(), random_),
        watch_(router_, config_of(key_, sign).id_of),
        input_(io, ::dup(STDIN_FILENO)) {}

  Status start(const Multiaddr& address) {
    const Multiaddr bound = TRY(host_.listen(address));
    service_.emplace(io_, host_, clock_, watch_,
                     FrameServiceConfig{.protocols = {std::string(kMeshsub12), std::string(kMeshsub11)}},
                     [this] { take(); });
    TRY(router_.join(kTopic, clock_.now()));
    print("ready " + bound.text());
    read();
    return {};
  }

 private:
  void take() {
    for (const Delivery& one : router_.take_deliveries()) {
      const std::string_view text = as_text(one.message->data());
      print("got " + std::string(text.substr(0, text.find('.'))) + " " + std::to_string(text.size()));
      router_.validated(one.message->id(), Validation::kAccept, clock_.now());
    }
    service_->poke();
  }

  void read() {
    input_.async_read_some(asio::buffer(buffer_), [this](const boost::system::error_code& error, std::size_t size) {
      if (error) return stop();
      line_.append(buffer_.data(), size);
      for (std::size_t end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
        run(line_.substr(0, end));
        line_.erase(0, end + 1);
      }
      read();
    });
  }

  void run(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "dial") {
      std::string address;
      words >> address;
      asio::co_spawn(io_, dial(&host_, Multiaddr::parse(address).value()), asio::detached);
    } else if (command == "publish") {
      std::size_t size = 0;
      std::string text;
      words >> size >> text;
      text.resize(std::max(size, text.size()), '.');
      const auto id = router_.publish(kTopic, as_bytes(text), clock_.now());
      if (!id) print("wrong " + id.error().message);
      service_->poke();
    } else if (command == "lines") {
      print("done" + watch_.text());
    }
  }

  static Task<void> dial(Host* host, Multiaddr address) {
    const auto session = co_await host->dial(std::move(address));
    print(session ? "done" : "failed " + session.error().message);
  }

  void stop() {
    service_.reset();
    host_.stop();
    io_.stop();
  }

  asio::io_context& io_;
  SystemClock clock_;
  SystemRandom random_;
  HostKey key_;
  Host host_;
  GossipRouter router_;
  GossipWatch watch_;
  std::optional<FrameService> service_;
  asio::posix::stream_descriptor input_;
  std::array<char, 4'096> buffer_{};
  std::string line_;
};

}  // namespace

int run_gossip(const Multiaddr& address, bool sign) {
  asio::io_context io(1);
  GossipNode node(io, sign);
  if (const Status status = node.start(address); !status) {
    print("failed: " + status.error().message);
    return 1;
  }
  io.run();
  return 0;
}

}  // namespace micro::p2p::interop
