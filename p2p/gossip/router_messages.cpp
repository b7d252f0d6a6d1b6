// What comes: subscriptions and messages, and what the application says of these.
#include <algorithm>

#include "p2p/gossip/router.hpp"

namespace micro::p2p {

Status GossipRouter::on_frame(const PeerId& from, ByteView frame, Instant now) {
  Peer* const peer = find(from);
  if (peer == nullptr) return {};
  if (is_graylisted(from, now)) {
    ++stats_.not_read;
    return {};
  }
  const auto rpc = decode_rpc(frame);
  if (!rpc && rpc.error().fault == Fault::kLimit) {  // stock peers may say more at once than is read here
    scores_.misbehaved(from, 1);
    return {};
  }
  if (!rpc) return std::unexpected(rpc.error());
  for (const SubscriptionView& one : rpc->subscriptions) on_subscription(from, *peer, one, now);
  for (const MessageView& one : rpc->messages) {
    on_message(from, one, now);
    if (is_graylisted(from, now)) return {};  // the rest of it would cost as much as its bad part
  }
  on_dont_wants(*peer, rpc->dont_wants);
  on_ihaves(from, *peer, rpc->ihaves, now);
  on_iwants(from, *peer, rpc->iwants, now);
  for (const std::string_view topic : rpc->grafts) on_graft(from, *peer, topic, now);
  for (const PruneView& one : rpc->prunes) on_prune(from, one, now);
  if (peer->has_frames()) ready(from);
  return {};
}

bool GossipRouter::is_graylisted(const PeerId& peer, Instant now) const {
  return !is_direct(peer) && scores_.score(peer, now) < config_->score.graylist_threshold;
}

void GossipRouter::on_subscription(const PeerId& from, Peer& peer, const SubscriptionView& one, Instant now) {
  if (!one.subscribe) {
    Topic* const topic = find_topic(one.topic);
    if (topic == nullptr || !topic->peers.erase(from)) return;
    --peer.topics;
    topic->fanout.erase(from);
    if (topic->mesh.erase(from)) {
      scores_.pruned(from, one.topic);
      // It stays away as long as it says in its PRUNE, which may come behind this or not at all.
      back_off(*topic, from, config_->mesh.leave_backoff_ms, now);
    }
    forget_if_idle(one.topic);
    return;
  }
  if (peer.topics >= kMaxPeerTopics) return;
  Topic* const topic = note_topic(one.topic);
  if (topic == nullptr || topic->peers.contains(from)) return;
  ++peer.topics;
  topic->peers.insert(from);
}

// True for one that is known. Who brings again what was found bad is no better than the first.
bool GossipRouter::note_duplicate(const PeerId& from, const MessageId& id, std::string_view topic) {
  if (const auto verdict = seen_.find(id)) {
    ++stats_.duplicates;
    if (*verdict == Verdict::kRejected) scores_.invalid(from, topic);
    return true;
  }
  const auto at = pending_.find(id);
  if (at == pending_.end()) return false;
  ++stats_.duplicates;
  if (at->second.senders.size() < kMaxSendersNoted) at->second.senders.insert(from);
  return true;
}

void GossipRouter::on_message(const PeerId& from, const MessageView& message, Instant now) {
  if (find_joined(message.topic) == nullptr) return;
  const auto id = config_->id_of(message);
  if (!id) return scores_.invalid(from, message.topic);
  // Known ones first: a signature costs more than a look-up, and most of what comes is known.
  if (note_duplicate(from, *id, message.topic)) return;
  if (message.from && as_text(*message.from) == as_text(self_.view())) {  // an old one of ours
    promises_.kept(*id);
    asked_.erase(*id);
    return;
  }
  // Nothing is remembered of a message that breaks the policy: a good one may have the same id.
  if (!check_signing(message, config_->signing)) return scores_.invalid(from, message.topic);
  promises_.kept(*id);
  asked_.erase(*id);
  take_in(from, message, *id, now);
}

// What finds no room is passed over and forgotten: IHAVE brings it again when there is.
void GossipRouter::take_in(const PeerId& from, const MessageView& message, const MessageId& id, Instant now) {
  const auto brought = pending_of_.find(from);
  if (pending_.size() >= kMaxPendingMessages || pending_bytes_ + message.data.size() > kMaxPendingBytes ||
      (brought != pending_of_.end() && (brought->second.messages >= kMaxPendingPerPeer ||
                                        brought->second.bytes + message.data.size() > kMaxPendingBytesPerPeer))) {
    ++stats_.overloaded;
    return;
  }
  const auto kept = GossipMessage::make(message, id);
  if (!kept) return;
  Brought& of_peer = pending_of_[from];
  ++of_peer.messages;
  of_peer.bytes += message.data.size();
  pending_bytes_ += message.data.size();
  pending_.emplace(
      id,
      Pending{.message = *kept, .from = from, .senders = {from}, .until = now.plus_ms(config_->mesh.validation_ms)});
  deliveries_.push_back({.message = *kept, .from = from});
  if (message.data.size() < config_->mesh.dont_want_bytes) return;
  for (const PeerId& other : find_joined(message.topic)->mesh.ids()) {
    Peer* const one = find(other);
    if (one == nullptr || other == from || !one->takes_dont_want) continue;
    one->outbox().dont_want(id);
    ready(other);
  }
}

void GossipRouter::validated(const MessageId& id, Validation validation, Instant now) {
  const auto node = pending_.extract(id);
  if (node.empty()) return;
  const Pending& one = node.mapped();
  pending_bytes_ -= one.message->data().size();
  const auto brought = pending_of_.find(one.from);
  brought->second.bytes -= one.message->data().size();
  if (--brought->second.messages == 0) pending_of_.erase(brought);
  switch (validation) {
    case Validation::kAccept:
      ++stats_.accepted;
      seen_.add(id, Verdict::kAccepted, now);
      scores_.first_delivery(one.from, one.message->topic());
      if (Peer* const peer = find(one.from); peer != nullptr) peer->brought_news = true;
      cache_.put(one.message);
      hand_on(one.message, one.senders);
      break;
    case Validation::kIgnore:
      ++stats_.ignored;
      seen_.add(id, Verdict::kIgnored, now);
      break;
    case Validation::kReject:
      ++stats_.rejected;
      seen_.add(id, Verdict::kRejected, now);
      for (const PeerId& sender : one.senders) scores_.invalid(sender, one.message->topic());
      break;
  }
}

// To the mesh and to direct peers, but not to those it came from.
void GossipRouter::hand_on(const SharedMessage& message, const std::set<PeerId>& senders) {
  const Topic* const topic = find_joined(message->topic());
  if (topic == nullptr) return;
  std::vector<PeerId> to = topic->mesh.ids();
  for (const PeerId& peer : config_->direct) {  // none of them is in the mesh
    if (topic->peers.contains(peer)) to.push_back(peer);
  }
  std::erase_if(to, [&](const PeerId& peer) {
    return senders.contains(peer) || as_text(peer.view()) == as_text(message->author());
  });
  send(message, to, lane_of(message->topic(), false));
}

void GossipRouter::expire_pending(Instant now) {
  std::vector<MessageId> late;
  for (const auto& [id, one] : pending_) {
    if (one.until <= now) late.push_back(id);
  }
  for (const MessageId& id : late) validated(id, Validation::kIgnore, now);
}

}  // namespace micro::p2p
