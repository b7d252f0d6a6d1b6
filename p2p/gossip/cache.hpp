// What a router remembers of messages: which it has seen, those it can still hand out, and what peers promised.
#pragma once

#include <algorithm>
#include <map>

#include "chain/base/clock.hpp"
#include "p2p/gossip/fifo.hpp"
#include "p2p/gossip/message.hpp"

namespace micro::p2p {

enum class Verdict : std::uint8_t { kAccepted, kIgnored, kRejected };

/// Messages that were judged, for a while. At the bound the oldest are forgotten, even if before their time.
class SeenMessages {
 public:
  explicit SeenMessages(std::uint64_t keep_ms) : keep_ms_(keep_ms) {}
  /// The first verdict stays.
  void add(const MessageId& id, Verdict verdict, Instant now);
  [[nodiscard]] std::optional<Verdict> find(const MessageId& id) const;
  void expire(Instant now);
  [[nodiscard]] std::size_t size() const { return verdicts_.size(); }

 private:
  void forget_oldest();
  std::uint64_t keep_ms_;
  std::map<MessageId, Verdict> verdicts_;
  Fifo<std::pair<Instant, MessageId>> order_;
};

/// Accepted messages of the last heartbeats, in windows. At the bound the oldest are dropped.
class MessageCache {
 public:
  MessageCache(std::size_t windows, std::size_t gossip_windows)
      : windows_(std::max<std::size_t>(windows, 1)), gossip_windows_(gossip_windows) {}
  void put(const SharedMessage& message);
  [[nodiscard]] SharedMessage find(const MessageId& id) const;
  /// For a peer that asked: nothing once it has had it `most` times.
  SharedMessage hand_out(const MessageId& id, const PeerId& peer, std::size_t most);
  /// It could not be sent after all.
  void take_back(const MessageId& id, const PeerId& peer);
  /// What to tell of a topic.
  [[nodiscard]] std::vector<MessageId> recent(std::string_view topic) const;
  /// A heartbeat: the last window is dropped.
  void shift();
  [[nodiscard]] std::size_t size() const { return messages_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    SharedMessage message;
    std::map<PeerId, std::size_t> handed_out;
  };
  void drop(const MessageId& id);
  std::size_t windows_;
  std::size_t gossip_windows_;
  std::uint64_t window_ = 0;                         // the one that is filled now
  Fifo<std::pair<std::uint64_t, MessageId>> order_;  // with their windows
  std::map<MessageId, Entry> messages_;
  std::size_t bytes_ = 0;
};

/// Messages that peers said to have and were asked for: who does not bring them has lied.
class Promises {
 public:
  explicit Promises(std::uint64_t promise_ms) : promise_ms_(promise_ms) {}
  /// At the bound it is not noted.
  void add(const MessageId& id, const PeerId& peer, Instant now);
  /// Somebody brought it: everybody is excused.
  void kept(const MessageId& id);
  void forget(const PeerId& peer);
  /// How many each broke; those are forgotten.
  std::map<PeerId, std::size_t> take_broken(Instant now);
  [[nodiscard]] bool is_promised(const MessageId& id) const { return promises_.contains(id); }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::uint64_t promise_ms_;
  std::map<MessageId, std::map<PeerId, Instant>> promises_;
  std::size_t size_ = 0;
};

}  // namespace micro::p2p
