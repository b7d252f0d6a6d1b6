#include "p2p/gossip/cache.hpp"

#include <algorithm>

namespace micro::p2p {

void SeenMessages::add(const MessageId& id, Verdict verdict, Instant now) {
  if (!verdicts_.emplace(id, verdict).second) return;
  order_.push_back({now.plus_ms(keep_ms_), id});
  if (order_.size() > kMaxSeenMessages) forget_oldest();
}

std::optional<Verdict> SeenMessages::find(const MessageId& id) const {
  const auto found = verdicts_.find(id);
  if (found == verdicts_.end()) return std::nullopt;
  return found->second;
}

void SeenMessages::forget_oldest() {
  verdicts_.erase(order_.pop_front().second);
}

void SeenMessages::expire(Instant now) {
  while (!order_.empty() && order_.front().first <= now) forget_oldest();
}

void MessageCache::put(const SharedMessage& message) {
  if (!messages_.emplace(message->id(), Entry{.message = message, .handed_out = {}}).second) return;
  order_.push_back({window_, message->id()});
  bytes_ += message->wire().size();
  while (messages_.size() > kMaxCachedMessages || bytes_ > kMaxCachedBytes) drop(order_.pop_front().second);
}

SharedMessage MessageCache::find(const MessageId& id) const {
  const auto found = messages_.find(id);
  return found == messages_.end() ? nullptr : found->second.message;
}

SharedMessage MessageCache::hand_out(const MessageId& id, const PeerId& peer, std::size_t most) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return nullptr;
  std::size_t& times = found->second.handed_out[peer];
  if (times >= most) return nullptr;
  ++times;
  return found->second.message;
}

void MessageCache::take_back(const MessageId& id, const PeerId& peer) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return;
  const auto times = found->second.handed_out.find(peer);
  if (times != found->second.handed_out.end() && --times->second == 0) found->second.handed_out.erase(times);
}

std::vector<MessageId> MessageCache::recent(std::string_view topic) const {
  std::vector<MessageId> out;
  for (const auto& [window, id] : order_) {
    if (window + gossip_windows_ > window_ && messages_.at(id).message->topic() == topic) out.push_back(id);
  }
  return out;
}

void MessageCache::drop(const MessageId& id) {
  const auto found = messages_.find(id);
  bytes_ -= found->second.message->wire().size();
  messages_.erase(found);
}

void MessageCache::shift() {
  ++window_;
  while (!order_.empty() && order_.front().first + windows_ <= window_) drop(order_.pop_front().second);
}

void Promises::add(const MessageId& id, const PeerId& peer, Instant now) {
  if (size_ >= kMaxPromises) return;
  if (promises_[id].emplace(peer, now.plus_ms(promise_ms_)).second) ++size_;
}

void Promises::kept(const MessageId& id) {
  const auto found = promises_.find(id);
  if (found == promises_.end()) return;
  size_ -= found->second.size();
  promises_.erase(found);
}

void Promises::forget(const PeerId& peer) {
  for (auto at = promises_.begin(); at != promises_.end();) {
    size_ -= at->second.erase(peer);
    at = at->second.empty() ? promises_.erase(at) : std::next(at);
  }
}

std::map<PeerId, std::size_t> Promises::take_broken(Instant now) {
  std::map<PeerId, std::size_t> out;
  for (auto at = promises_.begin(); at != promises_.end();) {
    size_ -= std::erase_if(at->second, [&](const auto& promise) {
      if (promise.second > now) return false;
      ++out[promise.first];
      return true;
    });
    at = at->second.empty() ? promises_.erase(at) : std::next(at);
  }
  return out;
}

}  // namespace micro::p2p
