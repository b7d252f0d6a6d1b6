// The decoder of RPCs, and a router that is fed them: the first byte picks. A frame is the rest of the input, or for
// the router a chain of frames, each from a peer that the byte before it names.
#include "p2p/gossip/router.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/p2p/addresses.hpp"

namespace micro::test {
namespace {

using namespace p2p;
using p2p::test::address;
using p2p::test::peer;

constexpr std::size_t kFuzzPeers = 8;

bool fuzz_rpc(ByteView input) {
  const auto rpc = decode_rpc(input);
  if (!rpc) return false;
  const Bytes again = encode_rpc(*rpc);
  const auto twice = decode_rpc(again);
  CHECK(twice.has_value() && encode_rpc(*twice) == again, "an RPC has one form of ours");
  for (const MessageView& message : rpc->messages) {
    (void)check_signing(message, SigningPolicy::kStrictSign);
    const auto id = content_id(message);
    CHECK(id && GossipMessage::make(message, *id).value()->id() == *id, "a message keeps its content");
  }
  return true;
}

struct Fed {
  SeededRandom random{1};
  Instant now{1'000'000'000};
  GossipRouter router{GossipConfig(), peer(100), random};

  Fed() {
    for (const char* topic : {"a", "b"}) CHECK(router.join(topic, now).has_value(), "two topics");
    for (std::size_t n = 0; n < kFuzzPeers; ++n) {
      const PeerFacts facts{.protocol = std::string(n % 2 == 0 ? kMeshsub12 : kMeshsub11), .outbound = n % 3 == 0};
      CHECK(router.connected(peer(n), facts, now).has_value(), "there is room");
    }
    router.expire(now);
  }
  // What it says can be read, and the mesh holds peers that are there.
  void look() {
    for (std::size_t n = 0; n < kFuzzPeers; ++n) {
      for (Bytes frame = router.next_frame(peer(n), now); !frame.empty(); frame = router.next_frame(peer(n), now)) {
        CHECK(decode_rpc(frame).has_value(), "a router writes what can be read");
      }
    }
    for (const char* topic : {"a", "b"}) {
      const auto mesh = router.mesh(topic);
      const auto subscribers = router.subscribers(topic);
      CHECK(std::ranges::includes(subscribers, mesh), "a mesh is of subscribers");
    }
    for (const Delivery& one : router.take_deliveries()) {
      const std::size_t size = one.message->data().size();
      router.validated(one.message->id(), static_cast<Validation>(size % 3), now);
    }
    CHECK(router.pending() == 0, "everything was judged");
  }
};

bool fuzz_router(ByteView input) {
  Fed fed;
  bool accepted = true;
  while (input.size() >= 3) {
    const std::uint8_t who = input[0];
    const std::size_t size = std::min<std::size_t>(input[1] + input[2] * 256U, input.size() - 3);
    accepted = fed.router.on_frame(peer(who % kFuzzPeers), input.subspan(3, size), fed.now).has_value() && accepted;
    input = input.subspan(3 + size);
    fed.look();
    if (who >= 0x80) {
      fed.now = std::max(fed.now, fed.router.next_deadline());
      fed.router.expire(fed.now);
    }
    if (who >= 0xf0) {
      fed.router.disconnected(peer(who % kFuzzPeers), fed.now);
      CHECK(fed.router.connected(peer(who % kFuzzPeers), {}, fed.now).has_value(), "it was gone");
    }
  }
  fed.look();
  return accepted;
}

constexpr bool (*kTargets[])(ByteView) = {fuzz_rpc, fuzz_router};

Bytes seed_of(std::uint8_t target, const std::vector<std::pair<std::uint8_t, Bytes>>& frames) {
  Bytes out{target};
  for (const auto& [who, frame] : frames) {
    if (target == 1) {
      out.push_back(who);
      out.push_back(static_cast<std::uint8_t>(frame.size()));
      out.push_back(static_cast<std::uint8_t>(frame.size() >> 8));
    }
    out.insert(out.end(), frame.begin(), frame.end());
  }
  return out;
}

}  // namespace

bool fuzz(ByteView input) {
  return !input.empty() && input[0] < std::size(kTargets) && kTargets[input[0]](input.subspan(1));
}

std::vector<Bytes> fuzz_seeds() {
  RpcView hello;
  hello.subscriptions = {{true, "a"}, {true, "b"}, {false, "c"}};
  hello.grafts = {"a", "b"};
  MessageView message;
  message.topic = "a";
  message.data = as_bytes("data");
  RpcView news;
  news.messages = {message};
  const MessageId id = content_id(message).value();
  const HostKey key = HostKey::from_seed(Hash{});
  const Bytes record = PeerRecord{.peer = key.peer_id(), .sequence = 1, .addresses = {address(1)}}.seal(key);
  RpcView control;
  control.ihaves = {{"a", {id.view(), as_bytes("another")}}};
  control.iwants = {id.view()};
  control.prunes = {{.topic = "b", .peers = {{key.peer_id().view(), record}}, .backoff_s = 1}};
  control.dont_wants = {id.view()};
  const auto signed_one = GossipMessage::write("b", as_bytes("x"), &key, 9, author_id).value();
  RpcView names;
  names.messages = {decode_message(signed_one->wire()).value()};
  std::vector<Bytes> out;
  for (const RpcView* one : {&hello, &news, &control, &names}) out.push_back(seed_of(0, {{0, encode_rpc(*one)}}));
  out.push_back(seed_of(1, {{0, encode_rpc(hello)},
                            {1, encode_rpc(hello)},
                            {2, encode_rpc(hello)},
                            {0, encode_rpc(news)},
                            {1, encode_rpc(news)},
                            {0x80, encode_rpc(control)},
                            {0xf1, encode_rpc(names)},
                            {0x82, encode_rpc(control)}}));
  return out;
}

}  // namespace micro::test
