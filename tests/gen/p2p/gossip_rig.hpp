// One router and peers that say what a test wants; what the router says to each is collected in plain words.
#pragma once

#include "chain/base/check.hpp"
#include "p2p/gossip/router.hpp"
#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p::test {

/// What a router said to one peer.
struct Heard {
  std::vector<std::string> subscribed, unsubscribed, grafts;
  struct Prune {
    std::string topic;
    std::uint64_t backoff_s = 0;
    std::size_t peers = 0;
    bool operator==(const Prune&) const = default;
  };
  std::vector<Prune> prunes;
  std::vector<std::string> messages;  // their data
  std::vector<MessageId> ihaves, iwants, dont_wants;
  std::size_t bytes = 0;

  void add(ByteView frame) {
    bytes += frame.size();
    const auto read = decode_rpc(frame);
    CHECK(read.has_value(), "a router writes what can be read");
    for (const auto& one : read->subscriptions) (one.subscribe ? subscribed : unsubscribed).emplace_back(one.topic);
    for (const auto& one : read->messages) messages.emplace_back(as_text(one.data));
    for (const auto& one : read->grafts) grafts.emplace_back(one);
    for (const auto& one : read->prunes) {
      prunes.push_back({std::string(one.topic), one.backoff_s.value_or(0), one.peers.size()});
    }
    for (const auto& one : read->ihaves) append(ihaves, one.ids);
    append(iwants, read->iwants);
    append(dont_wants, read->dont_wants);
  }
  static void append(std::vector<MessageId>& to, const std::vector<ByteView>& ids) {
    for (const ByteView id : ids) to.push_back(MessageId::from(id).value());
  }
};

struct GossipRig {
  SeededRandom random{1};
  Instant now{1'000'000'000};
  GossipRouter router;

  explicit GossipRig(GossipConfig config = {}) : router(std::move(config), peer(0), random) { router.expire(now); }

  /// A peer that subscribes to the topic.
  PeerId add(std::uint64_t number, bool outbound = false, std::string_view topic = "t", PeerFacts facts = {}) {
    const PeerId id = peer(number);
    if (facts.protocol.empty()) facts.protocol = kMeshsub12;
    facts.outbound = outbound;
    CHECK(router.connected(id, std::move(facts), now).has_value(), "there is room");
    if (!topic.empty()) subscribe(id, topic);
    return id;
  }
  void subscribe(const PeerId& from, std::string_view topic, bool on = true) {
    RpcView rpc;
    rpc.subscriptions = {{on, topic}};
    say(from, rpc);
  }
  void say(const PeerId& from, const RpcView& rpc) {
    CHECK(router.on_frame(from, encode_rpc(rpc), now).has_value(), "no peer of this test breaks the protocol");
  }
  void graft(const PeerId& from, std::string_view topic = "t") {
    RpcView rpc;
    rpc.grafts = {topic};
    say(from, rpc);
  }
  void message(const PeerId& from, std::string_view data, std::string_view topic = "t") {
    RpcView rpc;
    MessageView& one = rpc.messages.emplace_back();
    one.data = as_bytes(data);
    one.topic = topic;
    say(from, rpc);
  }
  static MessageId id_of(std::string_view data, std::string_view topic = "t") {
    MessageView one;
    one.data = as_bytes(data);
    one.topic = topic;
    return content_id(one).value();
  }
  void judge(std::string_view data, Validation validation, std::string_view topic = "t") {
    router.validated(id_of(data, topic), validation, now);
  }
  void told(const PeerId& from, const std::vector<MessageId>& ids, std::string_view topic = "t") {
    RpcView rpc;
    IhaveView& one = rpc.ihaves.emplace_back();
    one.topic = topic;
    for (const MessageId& id : ids) one.ids.push_back(id.view());
    say(from, rpc);
  }
  void asks(const PeerId& from, const std::vector<MessageId>& ids) {
    RpcView rpc;
    for (const MessageId& id : ids) rpc.iwants.push_back(id.view());
    say(from, rpc);
  }
  Heard hear(const PeerId& to) {
    Heard out;
    for (Bytes frame = router.next_frame(to, now); !frame.empty(); frame = router.next_frame(to, now)) out.add(frame);
    return out;
  }
  /// Heartbeats.
  void beat(std::size_t times = 1) {
    for (std::size_t n = 0; n < times; ++n) {
      now = std::max(now, router.next_deadline());
      router.expire(now);
    }
  }
  std::vector<std::string> delivered() {
    std::vector<std::string> out;
    for (const Delivery& one : router.take_deliveries()) out.emplace_back(as_text(one.message->data()));
    return out;
  }
  double score(const PeerId& of) const { return router.score(of, now); }
};

}  // namespace micro::p2p::test
