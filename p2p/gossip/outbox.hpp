// What waits to be written to one peer. Control is never lost: it is merged by topic and so stays small. Messages wait
// in three lanes, each bounded in number and bytes; control goes first, then urgent messages, then what is handed on,
// then answers to IWANT, but nobody waits for ever.
#pragma once

#include <array>
#include <functional>

#include "p2p/gossip/fifo.hpp"
#include "p2p/gossip/message.hpp"

namespace micro::p2p {

enum class Lane : std::uint8_t {
  kUrgent,   ///< own messages and those of urgent topics; when full the oldest is dropped: newer votes say more
  kForward,  ///< what is handed on; when full the oldest is dropped: who misses it is told that it is here
  kAnswer,   ///< asked for by IWANT; when full the newest is not taken: it can be asked for again
};

struct PruneNote {
  std::uint64_t backoff_s = 0;
  std::vector<std::pair<PeerId, Bytes>> peers;  ///< with their signed records, which may be empty
};

class Outbox {
 public:
  void subscribe(std::string_view topic, bool on);
  void graft(std::string_view topic);
  void prune(std::string_view topic, PruneNote note);
  /// Takes the place of what was to be told of the topic.
  void ihave(std::string_view topic, std::vector<MessageId> ids);
  /// False at the bound.
  bool iwant(const MessageId& id);
  /// At the bound the oldest is dropped.
  void dont_want(const MessageId& id);
  /// False for an answer that finds no room.
  bool push(SharedMessage message, Lane lane);
  /// What found no room since the last time, oldest first; of very much the newest.
  Fifo<MessageId> take_missed() { return std::exchange(missed_, {}); }
  [[nodiscard]] bool has_missed() const { return !missed_.empty(); }
  /// Adds to what is to be told of the topic, kMaxIhaveIds in all.
  void ihave_too(std::string_view topic, const MessageId& id);

  /// One RPC, kMaxRpcBytes at most; empty if there is nothing. Messages that are not wanted any more are left out.
  Bytes next_frame(const std::function<bool(const MessageId&)>& unwanted);
  [[nodiscard]] bool empty() const;
  [[nodiscard]] std::size_t messages() const;
  [[nodiscard]] std::size_t message_bytes() const;
  /// Messages that found no room so far.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Queue {
    Fifo<SharedMessage> messages;
    std::size_t bytes = 0;
    SharedMessage pop();
  };
  struct MeshNote {
    bool graft = false;
    PruneNote prune;
  };
  Bytes control();
  Queue* pick();
  void miss(const MessageId& id);
  SharedMessage next_message(const std::function<bool(const MessageId&)>& unwanted, std::size_t room);

  std::map<std::string, bool, std::less<>> subscriptions_;
  std::map<std::string, MeshNote, std::less<>> mesh_;
  std::map<std::string, std::vector<MessageId>, std::less<>> ihaves_;
  std::vector<MessageId> iwants_;
  Fifo<MessageId> dont_wants_;
  std::array<Queue, 3> lanes_;
  unsigned in_a_row_ = 0;  // messages that went before those of lower lanes
  unsigned turn_ = 0;
  std::uint64_t dropped_ = 0;
  Fifo<MessageId> missed_;
};

}  // namespace micro::p2p
