// Nodes stream to each other through the port while connections break, calls are given up and deadlines pass: items
// come in order and whole, each end hears once how it ended, a well ended call has carried everything, nothing stays
// behind.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <set>

#include "chain/crypto/hash.hpp"
#include "tests/gen/p2p/memory_streams.hpp"

namespace micro::p2p {
namespace {

using test::MemoryStreamNetwork;
using test::MemoryStreams;

PeerId stream_peer(std::uint8_t number) {
  Bytes multihash{0x12, 32};
  const Hash hash = sha256(Bytes{number});
  multihash.insert(multihash.end(), hash.view().begin(), hash.view().end());
  return PeerId::from(multihash).value();
}

// What each direction of a call carries: a length and a number tell every item apart.
Bytes item_of(std::uint64_t call, std::size_t at, std::size_t bytes) {
  Bytes out(std::max<std::size_t>(bytes, 2), static_cast<std::uint8_t>(call * 37 + at));
  out[0] = static_cast<std::uint8_t>(at);
  return out;
}

struct Flow {
  std::vector<Bytes> sent[2];  // by the asker, by the answerer
  std::size_t taken[2] = {};   // of what that end sent
  bool finished[2] = {};
};

struct StreamNode final : StreamCallHandler {
  StreamNode(MemoryStreamNetwork& of, std::uint8_t number)
      : network(of), self(stream_peer(number)), port(of, self, *this) {
    network.add(port);
  }
  void on_open(IncomingStream call) override {
    RC_ASSERT(call.deadline > network.now());
    const std::size_t flow = std::stoul(call.method);
    RC_ASSERT(calls.emplace(call.id, std::pair(flow, 1)).second);
  }
  void on_moved(CallId id) override {
    RC_ASSERT(calls.contains(id));
    waits.erase(id);
  }
  void on_over(CallId id, Status how) override {
    const auto node = calls.extract(id);
    RC_ASSERT(!node.empty());
    const auto [flow, end] = node.mapped();
    if (!how) return;
    Flow& of = (*flows)[flow];
    for (int side = 0; side < 2; ++side) RC_ASSERT(of.finished[side]);
    RC_ASSERT(of.taken[1 - end] == of.sent[1 - end].size());
  }

  MemoryStreamNetwork& network;
  PeerId self;
  MemoryStreams port;
  std::map<std::size_t, Flow>* flows = nullptr;
  std::map<CallId, std::pair<std::size_t, int>> calls;  // its flow, and which end of it this is
  std::set<CallId> waits;                               // that heard kBusy
};

class StreamWorld {
 public:
  StreamWorld() {
    for (std::uint8_t n = 0; n < 3; ++n) {
      nodes_.push_back(std::make_unique<StreamNode>(network_, n));
      nodes_.back()->flows = &flows_;
    }
  }
  void step() {
    StreamNode& node = *nodes_[*rc::gen::inRange<std::size_t>(0, nodes_.size())];
    switch (*rc::gen::weightedElement<int>({{4, 0}, {10, 1}, {10, 2}, {3, 3}, {1, 4}, {1, 5}, {1, 6}, {12, 7}})) {
      case 0:
        return open(node);
      case 1:
        return send(node);
      case 2:
        return take(node);
      case 3:
        return finish(node);
      case 4:
        return abort(node);
      case 5:
        return network_.cut(nodes_[0]->self, nodes_[1]->self);
      case 6:
        return network_.advance_ms(*rc::gen::inRange<std::uint64_t>(0, 900));
      default:
        network_.travel(*rc::gen::element<std::size_t>(1, 9, 5'000, 1'000'000));
    }
  }
  void settle() {
    for (int n = 0; n < 200; ++n) {
      for (const auto& node : nodes_) {
        for (const auto& [id, call] : std::map(node->calls)) {
          finish_one(*node, id);
          while (take_one(*node, id)) {
          }
        }
      }
      if (!network_.travel(SIZE_MAX) && n > 3) break;
    }
    for (const auto& node : nodes_) {
      RC_ASSERT(node->calls.empty());
      RC_ASSERT(node->port.under_way() == 0U);
    }
  }

 private:
  std::optional<CallId> any(StreamNode& node) {
    if (node.calls.empty()) return std::nullopt;
    return std::next(node.calls.begin(), *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(node.calls)))->first;
  }
  void open(StreamNode& node) {
    const auto& other = *nodes_[*rc::gen::inRange<std::size_t>(0, nodes_.size())];
    if (&other == &node) return;
    const std::size_t flow = flows_.size();
    const auto deadline = network_.now().plus_ms(*rc::gen::inRange<std::uint64_t>(1, 100'000));
    const auto id = node.port.open(other.self, std::to_string(flow), StreamClass::kBulk, deadline);
    RC_ASSERT(id.has_value());
    flows_[flow];
    node.calls[*id] = {flow, 0};
  }
  void send(StreamNode& node) {
    const auto id = any(node);
    if (!id) return;
    const auto [flow, end] = node.calls.at(*id);
    Flow& of = flows_[flow];
    if (of.finished[end]) return;
    Bytes item = item_of(flow, of.sent[end].size(), *rc::gen::element<std::size_t>(0, 100, 20'000, kMaxItemBytes));
    const Status sent = node.port.send(*id, item);
    if (sent) of.sent[end].push_back(std::move(item));
    if (!sent && sent.error().fault == Fault::kBusy) node.waits.insert(*id);
  }
  bool take_one(StreamNode& node, CallId id) {
    if (!node.calls.contains(id)) return false;
    const auto [flow, end] = node.calls.at(id);
    const auto item = node.port.take(id);
    if (!item) return false;
    Flow& of = flows_[flow];
    RC_ASSERT(of.taken[1 - end] < of.sent[1 - end].size());
    RC_ASSERT(*item == of.sent[1 - end][of.taken[1 - end]++]);
    return true;
  }
  void take(StreamNode& node) {
    if (const auto id = any(node)) take_one(node, *id);
  }
  void finish_one(StreamNode& node, CallId id) {
    const auto [flow, end] = node.calls.at(id);
    flows_[flow].finished[end] = true;
    node.port.finish(id);
  }
  void finish(StreamNode& node) {
    if (const auto id = any(node)) finish_one(node, *id);
  }
  void abort(StreamNode& node) {
    const auto id = any(node);
    if (!id) return;
    node.calls.erase(*id);
    node.port.abort(*id, {.fault = Fault::kInterrupted, .message = "changed my mind"});
  }

  MemoryStreamNetwork network_;
  std::vector<std::unique_ptr<StreamNode>> nodes_;
  std::map<std::size_t, Flow> flows_;
};

RC_GTEST_PROP(StreamTransport, EachCallCarriesItsItemsAndEndsOnceOnBothEnds, ()) {
  StreamWorld world;
  const int steps = *rc::gen::inRange(1, 200);
  for (int n = 0; n < steps; ++n) world.step();
  world.settle();
}

}  // namespace
}  // namespace micro::p2p
