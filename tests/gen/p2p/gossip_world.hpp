// Many routers in a net of random links, with an application that accepts what begins with "ok" and rejects the rest.
#pragma once

#include <memory>

#include "p2p/gossip/router.hpp"
#include "p2p/gossip/shuffle.hpp"
#include "tests/gen/p2p/frame_net.hpp"

namespace micro::p2p::test {

inline constexpr std::string_view kWorldTopic = "t";

class GossipWorld {
 public:
  explicit GossipWorld(std::uint64_t seed, std::uint64_t judge_ms = 5) : random_(seed), judge_ms_(judge_ms) {}

  struct Honest {
    Honest(GossipConfig config, PeerId self, std::uint64_t seed)
        : random(seed), router(std::move(config), self, random) {}
    SeededRandom random;
    GossipRouter router;
    std::map<MessageId, Instant> got;
    FrameNet::Node node = 0;
  };

  Honest& add(GossipConfig config = {}, std::string address = {}) {
    const PeerId self = FrameNet::peer_of(net.size());
    honest.push_back(std::make_unique<Honest>(std::move(config), self, random_.draw_u64()));
    Honest& one = *honest.back();
    one.node = net.add(one.router, std::string(kMeshsub12), std::move(address), [this, &one](Instant now) {
      for (const Delivery& delivery : one.router.take_deliveries()) {
        CHECK(one.got.emplace(delivery.message->id(), now).second, "a message is delivered once");
        judge(one, delivery.message);
      }
    });
    CHECK(one.router.join(kWorldTopic, net.now()).has_value(), "one topic");
    net.settle(one.node);
    return one;
  }
  /// Links each honest node to so many others that it dials.
  void connect(std::size_t dials, std::uint64_t most_delay_ms = 100) {
    for (const auto& one : honest) dial(*one, dials, most_delay_ms);
  }
  void dial(const Honest& one, std::size_t dials, std::uint64_t most_delay_ms = 100) {
    for (std::size_t tries = 0; dials > 0 && tries < 20 * honest.size(); ++tries) {
      const Honest& other = *honest[random_.draw_u64() % honest.size()];
      const LinkShape shape{.delay_ms = 10 + random_.draw_u64() % most_delay_ms};
      if (net.link(one.node, other.node, shape)) --dials;
    }
  }
  MessageId publish(Honest& from, std::string_view data) {
    const MessageId id = from.router.publish(kWorldTopic, as_bytes(data), net.now()).value();
    from.got[id] = net.now();
    net.settle(from.node);
    return id;
  }
  /// Of the honest, in parts of a thousand.
  [[nodiscard]] std::size_t reached_permille(const MessageId& id) const {
    std::size_t count = 0;
    for (const auto& one : honest) count += one->got.count(id);
    return count * 1'000 / honest.size();
  }
  /// From publishing until the last of the honest had it.
  [[nodiscard]] std::uint64_t spread_ms(const MessageId& id) const {
    std::uint64_t first_ns = ~std::uint64_t{0};
    std::uint64_t last_ns = 0;
    for (const auto& one : honest) {
      const auto found = one->got.find(id);
      if (found == one->got.end()) continue;
      first_ns = std::min(first_ns, found->second.ns);
      last_ns = std::max(last_ns, found->second.ns);
    }
    return (last_ns - first_ns) / 1'000'000;
  }
  Honest& any() { return *honest[random_.draw_u64() % honest.size()]; }
  SeededRandom& random() { return random_; }

  FrameNet net;
  std::vector<std::unique_ptr<Honest>> honest;

 private:
  void judge(Honest& one, const SharedMessage& message) {
    const bool good = as_text(message->data()).starts_with("ok");
    net.at(net.now().plus_ms(judge_ms_), [this, &one, id = message->id(), good] {
      one.router.validated(id, good ? Validation::kAccept : Validation::kReject, net.now());
      net.settle(one.node);
    });
  }
  SeededRandom random_;
  std::uint64_t judge_ms_;
};

}  // namespace micro::p2p::test
