// Several nodes call each other through the port while connections are cut, calls cancelled and answers late: each call
// ends once, an answer is its own, who is told of a call is told of its end, and nothing stays behind.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <set>

#include "chain/crypto/hash.hpp"
#include "tests/gen/p2p/memory_transport.hpp"

namespace micro::p2p {
namespace {

using test::MemoryNetwork;
using test::MemoryTransport;

PeerId peer(std::uint8_t number) {
  Bytes multihash{0x12, 32};
  const Hash hash = sha256(Bytes{number});
  multihash.insert(multihash.end(), hash.view().begin(), hash.view().end());
  return PeerId::from(multihash).value();
}

struct Node final : CallHandler {
  Node(MemoryNetwork& of, std::uint8_t number) : network(of), self(peer(number)), transport(of, self, *this) {
    network.add(transport);
  }
  void on_result(CallId id, Result<Bytes> result) override {
    const auto node = asked.extract(id);
    RC_ASSERT(!node.empty());
    if (result) {
      RC_ASSERT(*result == node.mapped());
    } else {
      RC_ASSERT(result.error().fault == Fault::kUnknownOutcome);
    }
  }
  void on_call(IncomingCall call) override {
    RC_ASSERT(call.deadline > network.now());
    RC_ASSERT(at_work.emplace(call.id, std::move(call.body)).second);
  }
  void on_cancelled(CallId id) override { RC_ASSERT(at_work.erase(id) == 1U); }
  void on_ready(const PeerId& of) override { RC_ASSERT(waits.erase(of) == 1U); }

  MemoryNetwork& network;
  PeerId self;
  MemoryTransport transport;
  std::map<CallId, Bytes> asked;
  std::map<CallId, Bytes> at_work;
  std::set<PeerId> waits;
};

class World {
 public:
  World() {
    for (std::uint8_t n = 0; n < 4; ++n) nodes_.push_back(std::make_unique<Node>(network_, n));
  }

  void step() {
    Node& node = any();
    Node& other = any();
    if (&node == &other) return network_.advance_ms(*rc::gen::inRange<std::uint64_t>(0, 400));
    switch (*rc::gen::weightedElement<int>({{8, 0}, {10, 1}, {8, 2}, {2, 3}, {1, 4}})) {
      case 0:
        return call(node, other);
      case 1:
        network_.travel(node.self, other.self, *rc::gen::element<std::size_t>(1, 20, 3'000, 1'000'000));
        return;
      case 2:
        return answer(node);
      case 3:
        return cancel(node);
      default:
        network_.cut(node.self, other.self);
        for (Node* one : {&node, &other}) one->waits.erase((one == &node ? other : node).self);
    }
  }

  void settle() {
    for (int n = 0; n < 1'000; ++n) {
      for (const auto& a : nodes_) {
        for (const auto& b : nodes_) network_.travel(a->self, b->self, SIZE_MAX);
        while (!a->at_work.empty()) answer(*a);
      }
      if (std::ranges::all_of(nodes_, [](const auto& one) { return one->transport.under_way() == 0; })) break;
      network_.advance_ms(100);
    }
    for (const auto& node : nodes_) {
      RC_ASSERT(node->asked.empty() && node->at_work.empty());
      RC_ASSERT(node->transport.under_way() == 0U);
    }
  }

 private:
  Node& any() { return *nodes_[*rc::gen::inRange<std::size_t>(0, nodes_.size())]; }

  void call(Node& node, Node& other) {
    const Bytes body(*rc::gen::element<std::size_t>(0, 10, 50'000, kMaxCallBytes), ++bodies_);
    const auto ms = *rc::gen::inRange<std::uint64_t>(1, 3'000);
    const auto id = node.transport.call(other.self, "/m", body, network_.now().plus_ms(ms));
    if (id) {
      node.asked[*id] = body;
    } else {
      RC_ASSERT(id.error().fault == Fault::kBusy);
      node.waits.insert(other.self);
    }
  }
  void answer(Node& node) {
    if (node.at_work.empty()) return;
    const auto at = std::next(node.at_work.begin(), *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(node.at_work)));
    const auto [id, body] = *at;
    node.at_work.erase(at);
    node.transport.reply(id, body);
    node.transport.reply(id, Bytes{1});  // a second answer is dropped
  }
  void cancel(Node& node) {
    if (node.asked.empty()) return;
    const CallId id = node.asked.begin()->first;
    node.asked.erase(id);
    node.transport.cancel(id);
  }

  MemoryNetwork network_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::uint8_t bodies_ = 0;
};

RC_GTEST_PROP(Transport, EachCallEndsOnceWhateverHappensToConnections, ()) {
  World world;
  const int steps = *rc::gen::inRange(1, 200);
  for (int n = 0; n < steps; ++n) world.step();
  world.settle();
}

}  // namespace
}  // namespace micro::p2p
