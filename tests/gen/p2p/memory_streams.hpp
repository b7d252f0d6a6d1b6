// The port for streaming calls in memory: bytes travel when told to, in pieces of any size, in virtual time.
#pragma once

#include "p2p/calls/stream_transport.hpp"

namespace micro::p2p::test {

class MemoryStreamNetwork;

/// One node's end. The network and the handler outlive it.
class MemoryStreams final : public StreamTransport {
 public:
  MemoryStreams(MemoryStreamNetwork& network, PeerId self, StreamCallHandler& handler)
      : network_(network), self_(self), handler_(handler) {}
  Result<CallId> open(const PeerId& peer, std::string method, StreamClass of, Instant deadline) override;
  Status send(CallId id, Bytes item) override {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return fail(Fault::kInterrupted, "this call is over");
    return found->second.core.send(std::move(item));
  }
  std::optional<Bytes> take(CallId id) override {
    const auto found = ends_.find(id);
    return found == ends_.end() ? std::nullopt : found->second.core.take();
  }
  void finish(CallId id) override {
    if (const auto found = ends_.find(id); found != ends_.end()) found->second.core.finish();
  }
  void abort(CallId id, Error why) override {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return;
    found->second.core.abort(why);
    found->second.told = false;  // it hears nothing more
  }
  [[nodiscard]] std::size_t under_way() const { return ends_.size(); }

 private:
  friend class MemoryStreamNetwork;
  struct End {
    std::uint64_t wire = 0;
    PeerId peer;
    CallStream core;
    bool told = false;
    bool closed = false;  // its direction of the stream: nothing more can be written
  };
  CallId add(std::uint64_t wire, const PeerId& peer, CallStream core, bool told) {
    const CallId id = ++last_id_;
    ends_.emplace(id, End{.wire = wire, .peer = peer, .core = std::move(core), .told = told});
    return id;
  }
  // What the application has to hear; an end that is over and has said everything goes.
  void report(CallId id) {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return;
    End& end = found->second;
    if (auto opening = end.core.take_opening()) {
      end.told = true;
      handler_.on_open(
          {.id = id, .from = end.peer, .method = std::move(opening->method), .deadline = opening->deadline});
    }
    const auto outcome = end.core.outcome();
    if (!outcome) {
      if (end.told) handler_.on_moved(id);
      return;
    }
    if (std::exchange(end.told, false)) handler_.on_over(id, *outcome);
    if (end.core.output().empty()) ends_.erase(id);
  }

  MemoryStreamNetwork& network_;
  PeerId self_;
  StreamCallHandler& handler_;
  CallId last_id_ = 0;
  std::map<CallId, End> ends_;
};

class MemoryStreamNetwork {
 public:
  void add(MemoryStreams& node) { nodes_[node.self_] = &node; }
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] bool knows(const PeerId& peer) const { return nodes_.contains(peer); }
  void advance_ms(std::uint64_t ms) {
    now_ = now_.plus_ms(ms);
    for_each_end([&](MemoryStreams& node, CallId id) {
      node.ends_.at(id).core.expire(now_);
      node.report(id);
    });
  }
  /// Up to so many bytes from each end to the other; false when there were none.
  bool travel(std::size_t most) {
    bool moved = false;
    for_each_end([&](MemoryStreams& node, CallId id) {
      auto& end = node.ends_.at(id);
      if (end.closed && end.core.is_over()) end.core.output().clear();
      const std::size_t size = std::min(most, end.core.output().size());
      CHECK(size == 0 || !end.closed, "nothing is said behind the last word");
      const auto there = other(end, node.self_);
      if (size > 0 && there) {
        const Status fed = there->first->ends_.at(there->second).core.feed(end.core.output().view().first(size), now_);
        CHECK(fed.has_value(), "both ends are ours");
        there->first->report(there->second);
      }
      end.core.output().consume(size);
      end.closed = end.core.all_said() && end.core.output().empty();
      moved = moved || size > 0;
      if (!there && !end.core.is_over()) end.core.closed(std::nullopt);  // it is gone: an end, not a break
      node.report(id);
    });
    return moved;
  }
  /// All streams of two nodes break.
  void cut(const PeerId& one, const PeerId& another) {
    for_each_end([&](MemoryStreams& node, CallId id) {
      auto& end = node.ends_.at(id);
      if ((node.self_ != one || end.peer != another) && (node.self_ != another || end.peer != one)) return;
      end.core.closed(Error{.fault = Fault::kUnknownOutcome, .message = "cut"});
      end.core.output().clear();
      node.report(id);
    });
  }

 private:
  friend class MemoryStreams;
  template <class Each>
  void for_each_end(Each each) {
    for (const auto& [peer, node] : nodes_) {
      std::vector<CallId> ids;
      for (const auto& [id, end] : node->ends_) ids.push_back(id);
      for (const CallId id : ids) {
        if (node->ends_.contains(id)) each(*node, id);
      }
    }
  }
  std::optional<std::pair<MemoryStreams*, CallId>> other(const MemoryStreams::End& end, const PeerId& self) {
    MemoryStreams* node = nodes_.at(end.peer);
    for (const auto& [id, there] : node->ends_) {
      if (there.wire == end.wire && there.peer == self) return std::pair(node, id);
    }
    return std::nullopt;
  }

  std::map<PeerId, MemoryStreams*> nodes_;
  std::uint64_t wires_ = 0;
  Instant now_{1};
};

inline Result<CallId> MemoryStreams::open(const PeerId& peer, std::string method, StreamClass /*of*/,
                                          Instant deadline) {
  if (method.size() > kMaxMethodBytes) return fail(Fault::kLimit, "the name of a method is too long");
  if (!network_.knows(peer)) return fail(Fault::kUnreachable, "not connected to this peer");
  const std::uint64_t wire = ++network_.wires_;
  MemoryStreams& there = *network_.nodes_.at(peer);
  there.add(wire, self_, CallStream::answerer(network_.now()), false);
  return add(wire, peer, CallStream::asker(std::move(method), deadline, network_.now()), true);
}

}  // namespace micro::p2p::test
