#include "p2p/gossip/router.hpp"

#include <algorithm>

#include "chain/base/check.hpp"
#include "p2p/gossip/shuffle.hpp"

namespace micro::p2p {

GossipRouter::GossipRouter(GossipConfig config, PeerId self, Random& random)
    : config_(std::move(config)),
      self_(self),
      random_(random),
      scores_(config_.score),
      seen_(config_.mesh.seen_ms),
      cache_(config_.mesh.history, config_.mesh.history_gossip),
      promises_(config_.mesh.promise_ms),
      sequence_(random.draw_u64()) {
  CHECK(config_.signing == SigningPolicy::kStrictNoSign || config_.key, "who signs needs a key");
}

// --- who and what is there ---

GossipRouter::Peer* GossipRouter::find(const PeerId& peer) {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : &found->second;
}

GossipRouter::Topic* GossipRouter::find_topic(std::string_view topic) {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? nullptr : &found->second;
}

GossipRouter::Topic* GossipRouter::find_joined(std::string_view topic) {
  Topic* const found = find_topic(topic);
  return found != nullptr && found->joined ? found : nullptr;
}

GossipRouter::Topic* GossipRouter::note_topic(std::string_view topic) {
  if (Topic* const found = find_topic(topic)) return found;
  if (topics_.size() >= kMaxTopics || !config_.notes_topic(topic)) return nullptr;
  return &topics_[std::string(topic)];
}

void GossipRouter::forget_if_idle(std::string_view topic) {
  const auto found = topics_.find(topic);
  if (found != topics_.end() && found->second.is_idle()) topics_.erase(found);
}

std::set<PeerId> GossipRouter::mesh(std::string_view topic) const {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? std::set<PeerId>() : found->second.mesh;
}

std::set<PeerId> GossipRouter::subscribers(std::string_view topic) const {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? std::set<PeerId>() : found->second.peers;
}

std::vector<PeerId> GossipRouter::draw(const std::set<PeerId>& from, std::size_t most, const Passes& passes) {
  std::vector<PeerId> out;
  std::ranges::copy_if(from, std::back_inserter(out), passes);
  draw_some(out, most, random_);
  return out;
}

// --- peers come and go ---

Status GossipRouter::connected(const PeerId& peer, PeerFacts facts, Instant /*now*/) {
  if (peers_.contains(peer)) return fail(Fault::kBusy, "this peer gossips here already");
  if (peers_.size() >= kMaxGossipPeers) return fail(Fault::kBusy, "enough peers gossip here");
  Peer& one = peers_[peer];
  one.takes_dont_want = facts.protocol != kMeshsub11;
  scores_.connected(peer, facts.address);
  one.facts = std::move(facts);
  for (const auto& [name, topic] : topics_) {
    if (topic.joined) one.outbox.subscribe(name, true);
  }
  ready(peer);
  return {};
}

void GossipRouter::disconnected(const PeerId& peer, Instant now) {
  const auto node = peers_.extract(peer);
  if (node.empty()) return;
  for (auto at = topics_.begin(); at != topics_.end();) {
    Topic& topic = at->second;
    topic.peers.erase(peer);
    topic.mesh.erase(peer);
    topic.fanout.erase(peer);
    at = topic.is_idle() ? topics_.erase(at) : std::next(at);
  }
  promises_.forget(peer);
  ready_.erase(peer);
  scores_.disconnected(peer, now);
}

Bytes GossipRouter::next_frame(const PeerId& to, Instant /*now*/) {
  Peer* const peer = find(to);
  if (peer == nullptr) return {};
  return peer->outbox.next_frame([peer](const MessageId& id) { return peer->dont_wants.contains(id); });
}

std::vector<PeerId> GossipRouter::take_ready() {
  std::vector<PeerId> out;
  for (const PeerId& peer : std::exchange(ready_, {})) {
    const auto found = peers_.find(peer);
    if (found != peers_.end() && !found->second.outbox.empty()) out.push_back(peer);
  }
  return out;
}

// --- topics and own messages ---

Status GossipRouter::join(std::string_view name, Instant now) {
  if (name.size() > kMaxTopicBytes || joined_ >= kMaxJoinedTopics) return fail(Fault::kLimit, "too many topics");
  Topic* const topic = &topics_[std::string(name)];  // whatever peers have filled the table with
  if (topic->joined) return {};
  topic->joined = true;
  ++joined_;
  for (auto& [peer, one] : peers_) {
    one.outbox.subscribe(name, true);
    ready(peer);
  }
  // Who was good enough to send to is good enough to begin with.
  const std::set<PeerId> fanout = std::exchange(topic->fanout, {});
  const auto passes = [&](const PeerId& peer) {
    return !topic->mesh.contains(peer) && !is_direct(peer) && !topic->backoff.contains(peer) &&
           scores_.score(peer, now) >= 0;
  };
  for (const PeerId& peer : draw(fanout, config_.mesh.degree, passes)) send_graft(name, *topic, peer, now);
  const std::size_t missing = config_.mesh.degree - std::min(config_.mesh.degree, topic->mesh.size());
  for (const PeerId& peer : draw(topic->peers, missing, passes)) send_graft(name, *topic, peer, now);
  return {};
}

void GossipRouter::leave(std::string_view name, Instant now) {
  Topic* const topic = find_joined(name);
  if (topic == nullptr) return;
  for (const PeerId& peer : std::set<PeerId>(topic->mesh)) {
    send_prune(name, *topic, peer, config_.mesh.leave_backoff_ms, true, now);
  }
  topic->joined = false;
  --joined_;
  for (auto& [peer, one] : peers_) {
    one.outbox.subscribe(name, false);
    ready(peer);
  }
  forget_if_idle(name);
}

Lane GossipRouter::lane_of(std::string_view topic, bool own) const {
  return own || config_.urgent_topics.contains(topic) ? Lane::kUrgent : Lane::kForward;
}

void GossipRouter::send(const SharedMessage& message, const std::set<PeerId>& to, Lane lane) {
  for (const PeerId& peer : to) {
    Peer* const one = find(peer);
    if (one == nullptr || one->dont_wants.contains(message->id())) continue;
    one->outbox.push(message, lane);
    ready(peer);
  }
}

// Own messages go to everybody who subscribes and is not too bad, so that no mesh can withhold them.
std::set<PeerId> GossipRouter::targets_of_own(Topic& topic, Instant now) {
  const auto passes = [&](const PeerId& peer) {
    return is_direct(peer) || scores_.score(peer, now) >= config_.score.publish_threshold;
  };
  std::set<PeerId> out;
  for (const PeerId& peer : topic.peers) {
    if (config_.mesh.flood_publish ? passes(peer) : is_direct(peer)) out.insert(peer);
  }
  if (config_.mesh.flood_publish) return out;
  if (topic.joined) {
    out.insert(topic.mesh.begin(), topic.mesh.end());
    return out;
  }
  topic.fanout_until = now.plus_ms(config_.mesh.fanout_ms);
  const std::size_t missing = config_.mesh.degree - std::min(config_.mesh.degree, topic.fanout.size());
  for (const PeerId& peer :
       draw(topic.peers, missing, [&](const PeerId& one) { return !topic.fanout.contains(one) && passes(one); })) {
    topic.fanout.insert(peer);
  }
  out.insert(topic.fanout.begin(), topic.fanout.end());
  return out;
}

Result<MessageId> GossipRouter::publish(std::string_view name, ByteView data, Instant now) {
  if (name.size() > kMaxTopicBytes || data.size() > kMaxGossipDataBytes) {
    return fail(Fault::kLimit, "a message of " + std::to_string(data.size()) + " bytes is too long to publish");
  }
  const HostKey* const key = config_.signing == SigningPolicy::kStrictSign ? &*config_.key : nullptr;
  const SharedMessage message = TRY(GossipMessage::write(name, data, key, ++sequence_, config_.id_of));
  if (knows(message->id())) return fail(Fault::kInvalid, "this message is known already");
  seen_.add(message->id(), Verdict::kAccepted, now);
  cache_.put(message);
  Topic* const topic = find_topic(name);
  if (topic != nullptr) send(message, targets_of_own(*topic, now), lane_of(name, true));
  return message->id();
}

std::vector<Delivery> GossipRouter::take_deliveries() {
  return std::exchange(deliveries_, {});
}

std::vector<SuggestedPeer> GossipRouter::take_suggestions() {
  return std::exchange(suggestions_, {});
}

}  // namespace micro::p2p
