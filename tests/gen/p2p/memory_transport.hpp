// The port for calls in memory: nodes whose bytes travel when told to, in pieces of any size, in virtual time. The
// simplest implementation of the port, and what simulators build on.
#pragma once

#include <functional>
#include <set>

#include "p2p/calls/transport.hpp"

namespace micro::p2p::test {

class MemoryNetwork;

/// One node's end. The network and the handler outlive it.
class MemoryTransport final : public Transport {
 public:
  MemoryTransport(MemoryNetwork& network, PeerId self, CallHandler& handler)
      : network_(network), self_(self), handler_(handler) {}
  Result<CallId> call(const PeerId& peer, std::string method, Bytes body, Instant deadline) override;
  void cancel(CallId id) override;
  void reply(CallId id, Result<Bytes> result) override;
  [[nodiscard]] std::size_t under_way() const { return asked_.size() + answering_.size(); }

 private:
  friend class MemoryNetwork;
  struct Link {  // to one peer: what is asked of it
    UnaryClient asks;
    std::map<CallId, CallId> numbers;
    bool refused = false;
  };
  struct Answers {  // to one peer: what it asks
    UnaryServer core;
    std::map<CallId, CallId> numbers;
  };
  void deliver(const PeerId& peer, Link& link);
  void take(const PeerId& peer, Answers& answers);
  void lose(const PeerId& peer);

  MemoryNetwork& network_;
  PeerId self_;
  CallHandler& handler_;
  CallId last_id_ = 0;
  std::map<PeerId, Link> links_;
  std::map<PeerId, Answers> answers_;
  std::map<CallId, std::pair<PeerId, CallId>> asked_;
  std::map<CallId, std::pair<PeerId, CallId>> answering_;
  std::set<CallId> ending_;  // of a link that broke, to be told yet
};

class MemoryNetwork {
 public:
  void add(MemoryTransport& node) { nodes_[node.self_] = &node; }
  [[nodiscard]] Instant now() const { return now_; }
  void advance_ms(std::uint64_t ms) {
    now_ = now_.plus_ms(ms);
    for (const auto& [peer, node] : nodes_) {
      for (auto& [to, link] : node->links_) {
        link.asks.expire(now_);
        node->deliver(to, link);
      }
      for (auto& [from, answers] : node->answers_) {
        answers.core.expire(now_);
        node->take(from, answers);
      }
    }
  }
  /// Up to so many bytes of what one asks of the other and of what the other answers; false when there was nothing.
  bool travel(const PeerId& from, const PeerId& to, std::size_t most) {
    MemoryTransport& asker = *nodes_.at(from);
    MemoryTransport& answerer = *nodes_.at(to);
    if (!asker.links_.contains(to)) return false;
    auto& link = asker.links_[to];
    auto& answers = answerer.answers_[from];
    ByteQueue& there = link.asks.output();
    const auto taken = answers.core.feed(there.view().first(std::min(most, there.size())), now_);
    CHECK(taken.has_value(), "both ends are ours");
    there.consume(*taken);
    answerer.take(from, answers);
    ByteQueue& back = answers.core.output();
    const std::size_t size = std::min(most, back.size());
    CHECK(link.asks.feed(back.view().first(size)).has_value(), "both ends are ours");
    back.consume(size);
    asker.deliver(to, link);
    return *taken > 0 || size > 0;
  }
  /// The connection of two breaks; the next call makes another.
  void cut(const PeerId& one, const PeerId& other) {
    nodes_.at(one)->lose(other);
    nodes_.at(other)->lose(one);
  }
  [[nodiscard]] bool knows(const PeerId& peer) const { return nodes_.contains(peer); }

 private:
  std::map<PeerId, MemoryTransport*> nodes_;
  Instant now_{1};
};

inline Result<CallId> MemoryTransport::call(const PeerId& peer, std::string method, Bytes body, Instant deadline) {
  if (!network_.knows(peer)) return fail(Fault::kUnreachable, "not connected to this peer");
  Link& link = links_[peer];
  const auto local = link.asks.call(std::move(method), std::move(body), deadline, network_.now());
  if (!local) {
    link.refused = link.refused || local.error().fault == Fault::kBusy;
    return local;
  }
  const CallId id = ++last_id_;
  link.numbers[*local] = id;
  asked_[id] = {peer, *local};
  return id;
}

inline void MemoryTransport::cancel(CallId id) {
  if (ending_.erase(id) > 0) return;
  const auto node = asked_.extract(id);
  if (node.empty()) return;
  Link& link = links_.at(node.mapped().first);
  link.asks.cancel(node.mapped().second);
  link.numbers.erase(node.mapped().second);
}

inline void MemoryTransport::reply(CallId id, Result<Bytes> result) {
  const auto node = answering_.extract(id);
  if (node.empty()) return;
  Answers& answers = answers_.at(node.mapped().first);
  answers.core.reply(node.mapped().second, std::move(result));
  answers.numbers.erase(node.mapped().second);
}

inline void MemoryTransport::deliver(const PeerId& peer, Link& link) {
  for (CallResult& one : std::exchange(link.asks.results(), {})) {
    const auto number = link.numbers.extract(one.id);
    if (number.empty()) continue;
    asked_.erase(number.mapped());
    handler_.on_result(number.mapped(), std::move(one.result));
  }
  if (link.refused && link.asks.may_call() && link.asks.output().size() <= kQueuedCallBytes / 2) {
    link.refused = false;
    handler_.on_ready(peer);
  }
}

inline void MemoryTransport::take(const PeerId& peer, Answers& answers) {
  for (IncomingRequest& one : std::exchange(answers.core.requests(), {})) {
    const CallId id = ++last_id_;
    answers.numbers[one.id] = id;
    answering_[id] = {peer, one.id};
    handler_.on_call({.id = id,
                      .from = peer,
                      .method = std::move(one.method),
                      .body = std::move(one.body),
                      .deadline = one.deadline});
  }
  for (const CallId local : std::exchange(answers.core.cancelled(), {})) {
    const auto number = answers.numbers.extract(local);
    if (number.empty()) continue;
    answering_.erase(number.mapped());
    handler_.on_cancelled(number.mapped());
  }
}

inline void MemoryTransport::lose(const PeerId& peer) {
  auto link = links_.extract(peer);
  if (!link.empty()) {
    Link& lost = link.mapped();
    lost.asks.closed("cut");
    // Who hears of one may give up others, or call again over a new link.
    std::vector<std::pair<CallId, Result<Bytes>>> ended;
    for (CallResult& one : lost.asks.results()) {
      const auto number = lost.numbers.extract(one.id);
      if (number.empty()) continue;
      asked_.erase(number.mapped());
      ending_.insert(number.mapped());
      ended.emplace_back(number.mapped(), std::move(one.result));
    }
    for (auto& [id, result] : ended) {
      if (ending_.erase(id) > 0) handler_.on_result(id, std::move(result));
    }
    if (lost.refused) handler_.on_ready(peer);
  }
  const auto answers = answers_.extract(peer);
  if (answers.empty()) return;
  for (const auto& [local, id] : answers.mapped().numbers) {
    answering_.erase(id);
    handler_.on_cancelled(id);
  }
}

}  // namespace micro::p2p::test
