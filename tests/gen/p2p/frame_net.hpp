// Nodes that speak in frames, links with delay and rate, and virtual time: the same seed gives the same run. What a
// node writes leaves link by link when there is room, as over real streams.
#pragma once

#include <functional>
#include <queue>

#include "chain/base/check.hpp"
#include "p2p/gossip/frame_protocol.hpp"
#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p::test {

struct LinkShape {
  std::uint64_t delay_ms = 50;
  std::uint64_t bytes_per_ms = 1'250;  ///< ten megabits a second
};

class FrameNet {
 public:
  using Node = std::size_t;
  /// `after` is called after each thing that happened to the node; the core outlives the net.
  Node add(FrameProtocol& core, std::string protocol, std::string address = {},
           std::function<void(Instant)> after = {}) {
    members_.push_back({.core = &core,
                        .peer = peer_of(members_.size()),
                        .protocol = std::move(protocol),
                        .address = std::move(address),
                        .after = std::move(after)});
    const Node node = members_.size() - 1;
    nodes_[members_[node].peer] = node;
    core.expire(now_);
    settle(node);
    return node;
  }
  /// The id that the n-th node will have.
  static PeerId peer_of(Node node) { return peer(node + 1'000); }
  [[nodiscard]] std::optional<Node> node_of(const PeerId& peer) const {
    const auto found = nodes_.find(peer);
    if (found == nodes_.end()) return std::nullopt;
    return found->second;
  }

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] std::uint64_t bytes_sent(Node node) const { return members_[node].bytes_sent; }
  [[nodiscard]] std::size_t degree(Node node) const { return members_[node].links.size(); }
  [[nodiscard]] bool linked(Node one, Node other) const { return members_[one].links.contains(other); }

  /// `from` dialed `to`. False where they are linked already or one has no room.
  bool link(Node from, Node to, LinkShape shape = {}) {
    if (from == to || linked(from, to)) return false;
    for (const auto& [self, other, dialed] : {std::tuple{from, to, true}, std::tuple{to, from, false}}) {
      members_[self].links[other] = {.shape = shape, .serial = ++serial_};
      PeerFacts facts{
          .protocol = members_[other].protocol, .outbound = dialed, .address = members_[other].address, .record = {}};
      CHECK(members_[self].core->connected(members_[other].peer, std::move(facts), now_).has_value(), "there is room");
    }
    settle(from);
    settle(to);
    return true;
  }
  void unlink(Node one, Node other) {
    if (!linked(one, other)) return;
    for (const auto& [self, to] : {std::pair{one, other}, std::pair{other, one}}) {
      members_[self].links.erase(to);
      members_[self].core->disconnected(members_[to].peer, now_);
    }
    settle(one);
    settle(other);
  }
  void isolate(Node node) {
    while (!members_[node].links.empty()) unlink(node, members_[node].links.begin()->first);
  }
  /// From now on nothing arrives between nodes of different sides; 0 is everybody's side.
  void set_side(Node node, unsigned side) { members_[node].side = side; }

  void at(Instant when, std::function<void()> run) { events_.push({when, ++serial_, std::move(run)}); }
  /// To be called after something was told to a core from outside.
  void settle(Node node) {
    Member& member = members_[node];
    if (member.after) member.after(now_);
    for (const PeerId& peer : member.core->take_ready()) {
      const auto to = node_of(peer);
      if (to && member.links.contains(*to)) transmit(node, *to);
    }
    const Instant wake = member.core->next_deadline();
    if (member.timer == wake) return;
    member.timer = wake;
    at(wake, [this, node, wake] {
      Member& one = members_[node];
      if (one.timer != wake) return;
      one.timer = {};
      one.core->expire(now_);
      settle(node);
    });
  }
  void run_for_ms(std::uint64_t ms) {
    const Instant until = now_.plus_ms(ms);
    while (!events_.empty() && events_.top().at <= until) {
      const auto run = std::move(const_cast<Event&>(events_.top()).run);  // it is not looked at again
      now_ = std::max(now_, events_.top().at);
      events_.pop();
      run();
    }
    now_ = until;
  }

 private:
  struct Link {
    LinkShape shape;
    std::uint64_t serial = 0;
    bool busy = false;
  };
  struct Member {
    FrameProtocol* core = nullptr;
    PeerId peer;
    std::string protocol;
    std::string address;
    std::function<void(Instant)> after;
    std::map<Node, Link> links = {};
    Instant timer = {};
    unsigned side = 0;
    std::uint64_t bytes_sent = 0;
  };
  struct Event {
    Instant at;
    std::uint64_t serial = 0;
    std::function<void()> run;
    bool operator<(const Event& other) const { return std::pair(at, serial) > std::pair(other.at, other.serial); }
  };

  Link* find(Node from, Node to, std::uint64_t serial) {
    const auto found = members_[from].links.find(to);
    return found == members_[from].links.end() || found->second.serial != serial ? nullptr : &found->second;
  }

  void transmit(Node from, Node to) {
    Link& link = members_[from].links.at(to);
    if (link.busy) return;
    Bytes frame = members_[from].core->next_frame(members_[to].peer, now_);
    if (frame.empty()) return;
    link.busy = true;
    members_[from].bytes_sent += frame.size();
    const Instant sent = now_.plus_ms(frame.size() / link.shape.bytes_per_ms);
    const std::uint64_t serial = link.serial;
    const std::uint64_t theirs = members_[to].links.at(from).serial;
    at(sent, [this, from, to, serial] {
      Link* const still = find(from, to, serial);
      if (still == nullptr) return;
      still->busy = false;
      transmit(from, to);
    });
    at(sent.plus_ms(link.shape.delay_ms), [this, from, to, theirs, frame = std::move(frame)] {
      if (find(to, from, theirs) == nullptr || members_[from].side != members_[to].side) return;
      if (!members_[to].core->on_frame(members_[from].peer, frame, now_)) {
        unlink(from, to);
      } else {
        settle(to);
      }
    });
  }

  std::vector<Member> members_;
  std::map<PeerId, Node> nodes_;
  std::priority_queue<Event> events_;
  std::uint64_t serial_ = 0;
  Instant now_{1'000'000'000};
};

}  // namespace micro::p2p::test
