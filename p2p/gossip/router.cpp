#include "p2p/gossip/router.hpp"

#include <algorithm>

#include "chain/base/check.hpp"
#include "p2p/gossip/shuffle.hpp"

namespace micro::p2p {

GossipRouter::GossipRouter(std::shared_ptr<const GossipConfig> config, PeerId self, Random& random)
    : config_(std::move(config)),
      self_(self),
      random_(random),
      scores_(std::shared_ptr<const ScoreParams>(config_, &config_->score)),
      seen_(config_->mesh.seen_ms),
      cache_(config_->mesh.history, config_->mesh.history_gossip),
      promises_(config_->mesh.promise_ms),
      sequence_(random.draw_u64()) {
  CHECK(config_->signing == SigningPolicy::kStrictNoSign || config_->key, "who signs needs a key");
}

// --- who and what is there ---

GossipRouter::Peer* GossipRouter::find(const PeerId& peer) {
  const PeerNumber number = numbers_.find(peer);
  return number == kNobody ? nullptr : &peers_[number];
}

GossipRouter::Busy& GossipRouter::Peer::make_busy() {
  if (!busy) busy = std::make_unique<Busy>();
  return *busy;
}

void GossipRouter::Peer::tidy() {
  if (!busy || !busy->outbox.empty() || busy->outbox.has_missed()) return;
  if (busy->dont_wants.empty() && busy->spent == Busy::Spent()) busy.reset();
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
  if (topics_.size() >= kMaxTopics || !config_->notes_topic(topic)) return nullptr;
  return &topics_.try_emplace(std::string(topic), numbers_).first->second;
}

void GossipRouter::forget_if_idle(std::string_view topic) {
  const auto found = topics_.find(topic);
  if (found != topics_.end() && found->second.is_idle()) topics_.erase(found);
}

std::set<PeerId> GossipRouter::mesh(std::string_view topic) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return {};
  const auto ids = found->second.mesh.ids();
  return {ids.begin(), ids.end()};
}

std::set<PeerId> GossipRouter::subscribers(std::string_view topic) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return {};
  const auto ids = found->second.peers.ids();
  return {ids.begin(), ids.end()};
}

std::vector<PeerId> GossipRouter::draw(const PeerSet& from, std::size_t most, const Passes& passes) {
  std::vector<PeerId> out = from.ids();
  std::erase_if(out, [&](const PeerId& peer) { return !passes(peer); });
  draw_some(out, most, random_);
  return out;
}

// --- peers come and go ---

Status GossipRouter::connected(const PeerId& peer, PeerFacts facts, Instant /*now*/) {
  if (find(peer) != nullptr) return fail(Fault::kBusy, "this peer gossips here already");
  if (numbers_.size() >= kMaxGossipPeers) return fail(Fault::kBusy, "enough peers gossip here");
  const PeerNumber number = numbers_.add(peer);
  if (number == peers_.size()) insert_tight(peers_, peers_.cend(), Peer());
  Peer& one = peers_[number];
  one.takes_dont_want = facts.protocol != kMeshsub11;
  one.outbound = facts.outbound;
  one.record = std::move(facts.record);
  scores_.connected(peer, std::move(facts.address));
  for (const auto& [name, topic] : topics_) {
    if (topic.joined) one.outbox().subscribe(name, true);
  }
  ready(peer);
  return {};
}

void GossipRouter::disconnected(const PeerId& peer, Instant now) {
  Peer* const one = find(peer);
  if (one == nullptr) return;
  *one = {};
  for (auto at = topics_.begin(); at != topics_.end();) {
    Topic& topic = at->second;
    topic.peers.erase(peer);
    topic.mesh.erase(peer);
    topic.fanout.erase(peer);
    at = topic.is_idle() ? topics_.erase(at) : std::next(at);
  }
  promises_.forget(peer);
  const PeerNumber number = numbers_.find(peer);
  for (auto& [id, asked] : asked_) std::ranges::replace(asked.peers, number, kNobody);  // another may be asked
  std::erase(ready_, number);
  numbers_.remove(peer);
  scores_.disconnected(peer, now);
}

Bytes GossipRouter::next_frame(const PeerId& to, Instant /*now*/) {
  Peer* const peer = find(to);
  if (peer == nullptr || !peer->busy) return {};
  Bytes out = peer->busy->outbox.next_frame([peer](const MessageId& id) { return peer->is_unwanted(id); });
  peer->tidy();
  return out;
}

void GossipRouter::ready(const PeerId& peer) {
  const PeerNumber number = numbers_.find(peer);
  if (number != kNobody && !std::exchange(peers_[number].is_ready, true)) ready_.push_back(number);
}

std::vector<PeerId> GossipRouter::take_ready() {
  std::vector<PeerId> out;
  for (const PeerNumber number : std::exchange(ready_, {})) {
    peers_[number].is_ready = false;
    if (peers_[number].has_frames()) out.push_back(numbers_.id(number));
  }
  return out;
}

// --- topics and own messages ---

Status GossipRouter::join(std::string_view name, Instant now) {
  if (name.size() > kMaxTopicBytes || joined_ >= kMaxJoinedTopics) return fail(Fault::kLimit, "too many topics");
  Topic* const topic =
      &topics_.try_emplace(std::string(name), numbers_).first->second;  // whatever peers have filled the table with
  if (topic->joined) return {};
  topic->joined = true;
  ++joined_;
  for (const PeerNumber number : numbers_.all()) {
    peers_[number].outbox().subscribe(name, true);
    ready(numbers_.id(number));
  }
  // Who was good enough to send to is good enough to begin with.
  const PeerSet fanout = std::exchange(topic->fanout, PeerSet(numbers_));
  const auto passes = [&](const PeerId& peer) {
    return !topic->mesh.contains(peer) && !is_direct(peer) && !topic->backoff.contains(peer) &&
           scores_.score(peer, now) >= 0;
  };
  for (const PeerId& peer : draw(fanout, config_->mesh.degree, passes)) send_graft(name, *topic, peer, now);
  const std::size_t missing = config_->mesh.degree - std::min(config_->mesh.degree, topic->mesh.size());
  for (const PeerId& peer : draw(topic->peers, missing, passes)) send_graft(name, *topic, peer, now);
  return {};
}

void GossipRouter::leave(std::string_view name, Instant now) {
  Topic* const topic = find_joined(name);
  if (topic == nullptr) return;
  for (const PeerId& peer : topic->mesh.ids()) {
    send_prune(name, *topic, peer, config_->mesh.leave_backoff_ms, true, now);
  }
  topic->joined = false;
  --joined_;
  promises_ = Promises(config_->mesh.promise_ms);  // messages of it are not looked at any more, whoever keeps his word
  for (const PeerNumber number : numbers_.all()) {
    peers_[number].outbox().subscribe(name, false);
    ready(numbers_.id(number));
  }
  forget_if_idle(name);
}

Lane GossipRouter::lane_of(std::string_view topic, bool own) const {
  return own || config_->urgent_topics.contains(topic) ? Lane::kUrgent : Lane::kForward;
}

void GossipRouter::send(const SharedMessage& message, const std::vector<PeerId>& to, Lane lane) {
  for (const PeerId& peer : to) {
    Peer* const one = find(peer);
    if (one == nullptr || one->is_unwanted(message->id())) continue;
    one->outbox().push(message, lane);
    ready(peer);
  }
}

// Own messages go to everybody who subscribes and is not too bad, so that no mesh can withhold them.
std::vector<PeerId> GossipRouter::targets_of_own(Topic& topic, Instant now) {
  const auto passes = [&](const PeerId& peer) {
    return is_direct(peer) || scores_.score(peer, now) >= config_->score.publish_threshold;
  };
  if (config_->mesh.flood_publish) return draw(topic.peers, topic.peers.size(), passes);
  std::vector<PeerId> out = draw(topic.peers, topic.peers.size(), [&](const PeerId& one) { return is_direct(one); });
  if (!topic.joined) {
    topic.fanout_until = now.plus_ms(config_->mesh.fanout_ms);
    const std::size_t missing = config_->mesh.degree - std::min(config_->mesh.degree, topic.fanout.size());
    const auto is_new = [&](const PeerId& one) { return !topic.fanout.contains(one) && passes(one); };
    for (const PeerId& peer : draw(topic.peers, missing, is_new)) topic.fanout.insert(peer);
  }
  for (const PeerId& peer : (topic.joined ? topic.mesh : topic.fanout).ids()) {
    if (!is_direct(peer)) out.push_back(peer);
  }
  return out;
}

Result<MessageId> GossipRouter::publish(std::string_view name, ByteView data, Instant now) {
  if (name.size() > kMaxTopicBytes || data.size() > kMaxGossipDataBytes) {
    return fail(Fault::kLimit, "a message of " + std::to_string(data.size()) + " bytes is too long to publish");
  }
  const HostKey* const key = config_->signing == SigningPolicy::kStrictSign ? &*config_->key : nullptr;
  const SharedMessage message = TRY(GossipMessage::write(name, data, key, ++sequence_, config_->id_of));
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

bool GossipRouter::take_news_of(const PeerId& peer) {
  Peer* const one = find(peer);
  return one != nullptr && std::exchange(one->brought_news, false);
}

}  // namespace micro::p2p
