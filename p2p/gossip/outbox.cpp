#include "p2p/gossip/outbox.hpp"

#include "p2p/wire/varint.hpp"

namespace micro::p2p {
namespace {

constexpr std::size_t kMessageOverheadBytes = 8;  // tag and length in the RPC
constexpr std::uint8_t kPublishTag = 2 << 3 | 2;

struct LaneLimit {
  std::size_t messages;
  std::size_t bytes;
};
constexpr std::array<LaneLimit, 3> kLaneLimits{{{kMaxQueuedUrgent, kMaxQueuedUrgentBytes},
                                                {kMaxQueuedForwards, kMaxQueuedForwardBytes},
                                                {kMaxQueuedAnswers, kMaxQueuedAnswerBytes}}};

template <class Ids>
std::vector<ByteView> views(const Ids& ids) {
  std::vector<ByteView> out;
  out.reserve(ids.size());
  for (const MessageId& id : ids) out.push_back(id.view());
  return out;
}

std::size_t length_of(const PruneNote& note) {
  std::size_t bytes = 0;
  for (const auto& [peer, record] : note.peers) bytes += peer.view().size() + record.size();
  return bytes;
}

}  // namespace

void Outbox::subscribe(std::string_view topic, bool on) {
  subscriptions_[std::string(topic)] = on;
}

void Outbox::graft(std::string_view topic) {
  mesh_[std::string(topic)] = {.graft = true, .prune = {}};
}

void Outbox::prune(std::string_view topic, PruneNote note) {
  mesh_[std::string(topic)] = {.graft = false, .prune = std::move(note)};
}

void Outbox::ihave(std::string_view topic, std::vector<MessageId> ids) {
  ihaves_[std::string(topic)] = std::move(ids);
}

bool Outbox::iwant(const MessageId& id) {
  if (iwants_.size() >= kMaxQueuedIds) return false;
  iwants_.push_back(id);
  return true;
}

void Outbox::dont_want(const MessageId& id) {
  if (dont_wants_.size() >= kMaxQueuedIds) dont_wants_.pop_front();
  dont_wants_.push_back(id);
}

SharedMessage Outbox::Queue::pop() {
  SharedMessage out = messages.pop_front();
  bytes -= out->wire().size();
  return out;
}

bool Outbox::push(SharedMessage message, Lane lane) {
  const auto at = static_cast<std::size_t>(lane);
  const LaneLimit& limit = kLaneLimits[at];
  Queue& queue = lanes_[at];
  const std::size_t bytes = message->wire().size();
  // One message always fits: its own limit is about that of the smallest lane.
  const auto is_full = [&] {
    return !queue.messages.empty() && (queue.messages.size() >= limit.messages || queue.bytes + bytes > limit.bytes);
  };
  if (lane == Lane::kAnswer && is_full()) {
    miss(message->id());
    return false;
  }
  while (is_full()) miss(queue.pop()->id());
  queue.bytes += bytes;
  queue.messages.push_back(std::move(message));
  return true;
}

void Outbox::miss(const MessageId& id) {
  ++dropped_;
  if (missed_.size() >= kMaxQueuedIds) missed_.pop_front();
  missed_.push_back(id);
}

void Outbox::ihave_too(std::string_view topic, const MessageId& id) {
  std::vector<MessageId>& ids = ihaves_[std::string(topic)];
  if (ids.size() < kMaxIhaveIds) ids.push_back(id);
}

bool Outbox::empty() const {
  return subscriptions_.empty() && mesh_.empty() && ihaves_.empty() && iwants_.empty() && dont_wants_.empty() &&
         messages() == 0;
}

std::size_t Outbox::messages() const {
  std::size_t out = 0;
  for (const Queue& queue : lanes_) out += queue.messages.size();
  return out;
}

std::size_t Outbox::message_bytes() const {
  std::size_t out = 0;
  for (const Queue& queue : lanes_) out += queue.bytes;
  return out;
}

// Subscriptions stand before GRAFT, which is worth nothing without. A frame takes on whole topics until it is filled.
Bytes Outbox::control() {
  RpcView rpc;
  std::vector<decltype(subscriptions_)::node_type> subscriptions;
  while (!subscriptions_.empty() && subscriptions.size() < kMaxRpcSubscriptions) {
    const auto& one = subscriptions.emplace_back(subscriptions_.extract(subscriptions_.begin()));
    rpc.subscriptions.push_back({one.mapped(), one.key()});
  }
  if (!subscriptions_.empty()) return encode_rpc(rpc);
  std::size_t filled = rpc.subscriptions.size() * kMaxTopicBytes;
  std::vector<decltype(mesh_)::node_type> mesh;
  while (!mesh_.empty() && filled < kFrameFillBytes) {
    const auto& one = mesh.emplace_back(mesh_.extract(mesh_.begin()));
    filled += kMaxTopicBytes + length_of(one.mapped().prune);
    if (one.mapped().graft) {
      rpc.grafts.push_back(one.key());
      continue;
    }
    PruneView& prune = rpc.prunes.emplace_back();
    prune.topic = one.key();
    prune.backoff_s = one.mapped().prune.backoff_s;
    for (const auto& [peer, record] : one.mapped().prune.peers) prune.peers.push_back({peer.view(), record});
  }
  const std::vector<MessageId> iwants = std::exchange(iwants_, {});
  const Fifo<MessageId> dont_wants = std::exchange(dont_wants_, {});
  rpc.iwants = views(iwants);
  rpc.dont_wants = views(dont_wants);
  filled += (iwants.size() + dont_wants.size()) * kMaxMessageIdBytes;
  std::vector<decltype(ihaves_)::node_type> ihaves;
  while (!ihaves_.empty() && filled < kFrameFillBytes) {
    const auto& one = ihaves.emplace_back(ihaves_.extract(ihaves_.begin()));
    rpc.ihaves.push_back({one.key(), views(one.mapped())});
    filled += one.mapped().size() * kMaxMessageIdBytes;
  }
  return encode_rpc(rpc);
}

// The lane whose turn it is; nothing if all are empty.
Outbox::Queue* Outbox::pick() {
  const auto waiting = [this](std::size_t lane) { return !lanes_[lane].messages.empty(); };
  std::size_t first = 0;
  while (first < lanes_.size() && !waiting(first)) ++first;
  if (first == lanes_.size()) return nullptr;
  std::vector<std::size_t> lower;
  for (std::size_t lane = first + 1; lane < lanes_.size(); ++lane) {
    if (waiting(lane)) lower.push_back(lane);
  }
  if (!lower.empty() && in_a_row_ >= kPatience) return &lanes_[lower[turn_ % lower.size()]];
  return &lanes_[first];
}

SharedMessage Outbox::next_message(const std::function<bool(const MessageId&)>& unwanted, std::size_t room) {
  while (Queue* const queue = pick()) {
    if (unwanted(queue->messages.front()->id())) {
      queue->pop();
      continue;
    }
    if (queue->messages.front()->wire().size() + kMessageOverheadBytes > room) return nullptr;
    if (in_a_row_ >= kPatience) {
      in_a_row_ = 0;
      ++turn_;
    } else {
      ++in_a_row_;
    }
    return queue->pop();
  }
  in_a_row_ = 0;
  return nullptr;
}

Bytes Outbox::next_frame(const std::function<bool(const MessageId&)>& unwanted) {
  Bytes frame = control();
  while (frame.size() < kFrameFillBytes) {
    // A long message has a frame for itself.
    const std::size_t room = frame.empty() ? kMaxRpcBytes : kFrameFillBytes - frame.size();
    const SharedMessage message = next_message(unwanted, room);
    if (message == nullptr) break;
    frame.push_back(kPublishTag);
    append_varint(frame, message->wire().size());
    append_bytes(frame, message->wire());
  }
  return frame;
}

}  // namespace micro::p2p
