// The heartbeat: keeps the mesh of each topic at its size with good peers, and tells others what is here.
#include <algorithm>

#include "p2p/gossip/router.hpp"
#include "p2p/gossip/shuffle.hpp"

namespace micro::p2p {

void GossipRouter::expire(Instant now) {
  const std::uint64_t period_ms = config_->mesh.heartbeat_ms;
  if (!started_) {  // somewhere within the first period, so that not all nodes that begin together beat together
    started_ = true;
    heartbeat_at_ = now.plus_ms(random_.draw_u64() % period_ms + 1);
    return;
  }
  if (now < heartbeat_at_) return;
  heartbeat(now);
  heartbeat_at_ = heartbeat_at_.plus_ms(period_ms);
  if (heartbeat_at_ <= now) heartbeat_at_ = now.plus_ms(period_ms);  // a stopped process catches up on nothing
}

void GossipRouter::heartbeat(Instant now) {
  ++heartbeats_;
  for (const auto& [peer, count] : promises_.take_broken(now)) {
    stats_.broken_promises += count;
    scores_.misbehaved(peer, static_cast<double>(count));
  }
  reset_budgets();
  scores_.decay(now);
  seen_.expire(now);
  expire_pending(now);
  std::erase_if(asked_, [this](const auto& one) { return one.second.until <= heartbeats_; });
  const Instant settled{
      now.ns - std::min(now.ns, config_->mesh.backoff_slack_heartbeats * config_->mesh.heartbeat_ms * 1'000'000)};
  for (auto at = topics_.begin(); at != topics_.end();) {
    auto& [name, topic] = *at;
    std::erase_if(topic.backoff, [&](const auto& one) { return one.second <= settled; });
    if (topic.joined) {
      keep_mesh(name, topic, now);
    } else if (!topic.fanout.empty()) {
      keep_fanout(topic, now);
    }
    if (topic.joined || !topic.fanout.empty()) tell(name, topic, now);
    at = topic.is_idle() ? topics_.erase(at) : std::next(at);
  }
  tell_missed(now);
  cache_.shift();
}

/// A peer of the mesh hears of messages by getting them. One that was slower than they came would never hear of those
/// that found no room.
void GossipRouter::tell_missed(Instant now) {
  for (const PeerNumber number : numbers_.all()) {
    Peer& one = peers_[number];
    if (!one.busy) continue;
    const Fifo<MessageId> missed = one.outbox().take_missed();
    const PeerId& peer = numbers_.id(number);
    if (missed.empty() || scores_.score(peer, now) < config_->score.gossip_threshold) continue;
    for (const MessageId& id : missed) {
      const SharedMessage message = cache_.find(id);
      if (message != nullptr) one.outbox().ihave_too(message->topic(), id);
    }
    if (one.has_frames()) ready(peer);
  }
}

void GossipRouter::reset_budgets() {
  for (Peer& one : peers_) {
    if (!one.busy) continue;
    one.busy->spent = {};
    std::erase_if(one.busy->dont_wants, [this](const auto& entry) { return entry.second <= heartbeats_; });
    one.tidy();
  }
}

std::size_t GossipRouter::outbound_in(const PeerSet& peers) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(peers.numbers(), [this](PeerNumber one) { return peers_[one].outbound; }));
}

void GossipRouter::keep_mesh(const std::string& name, Topic& topic, Instant now) {
  drop_bad(name, topic, now);
  const MeshParams& mesh = config_->mesh;
  if (topic.mesh.size() < mesh.degree_low) {
    fill(name, topic, mesh.degree - topic.mesh.size(), [](const PeerId&) { return true; }, now);
  }
  if (topic.mesh.size() > mesh.degree_high) trim(name, topic, now);
  const std::size_t outbound = outbound_in(topic.mesh);
  if (topic.mesh.size() >= mesh.degree_low && outbound < mesh.degree_outbound) {
    const auto dialed = [this](const PeerId& peer) { return find(peer)->outbound; };
    fill(name, topic, mesh.degree_outbound - outbound, dialed, now);
  }
  if (heartbeats_ % mesh.opportunistic_heartbeats == 0) graft_better(name, topic, now);
}

void GossipRouter::drop_bad(const std::string& name, Topic& topic, Instant now) {
  for (const PeerId& peer : topic.mesh.ids()) {
    if (scores_.score(peer, now) >= 0) continue;
    send_prune(name, topic, peer, config_->mesh.prune_backoff_ms, false, now);
  }
}

void GossipRouter::fill(const std::string& name, Topic& topic, std::size_t wanted, const Passes& passes, Instant now) {
  const auto fits = [&](const PeerId& peer) {
    return !topic.mesh.contains(peer) && !topic.backoff.contains(peer) && !is_direct(peer) && passes(peer) &&
           scores_.score(peer, now) >= 0;
  };
  for (const PeerId& peer : draw(topic.peers, wanted, fits)) send_graft(name, topic, peer, now);
}

// The best stay, the others by chance, so that a mesh cannot be taken over by who behaves a little better; and enough
// of those that we dialed, so that it cannot be by who connects more.
void GossipRouter::trim(const std::string& name, Topic& topic, Instant now) {
  std::vector<PeerId> peers = topic.mesh.ids();
  shuffle(peers, random_);
  std::vector<std::pair<double, std::size_t>> ranks;  // of equal ones the order of chance stays
  for (std::size_t n = 0; n < peers.size(); ++n) ranks.emplace_back(-scores_.score(peers[n], now), n);
  std::ranges::sort(ranks);
  const std::size_t best = std::min(config_->mesh.degree_score, peers.size());
  const auto dialed = [&](const PeerId& peer) { return find(peer)->outbound; };
  std::size_t missing = config_->mesh.degree_outbound;
  std::vector<PeerId> others;
  for (std::size_t n = 0; n < ranks.size(); ++n) {
    const PeerId& peer = peers[ranks[n].second];
    if (n >= best) {
      others.push_back(peer);
    } else if (dialed(peer) && missing > 0) {
      --missing;
    }
  }
  shuffle(others, random_);
  std::size_t left = config_->mesh.degree - std::min(config_->mesh.degree, best);
  std::set<PeerId> stay;
  for (const bool only_dialed : {true, false}) {
    for (const PeerId& peer : others) {
      if (left == 0 || stay.contains(peer) || (only_dialed && (missing == 0 || !dialed(peer)))) continue;
      stay.insert(peer);
      --left;
      if (only_dialed) --missing;
    }
  }
  for (const PeerId& peer : others) {
    if (!stay.contains(peer)) send_prune(name, topic, peer, config_->mesh.prune_backoff_ms, true, now);
  }
}

// A mesh of peers that bring little takes in some that are better than its middle.
void GossipRouter::graft_better(const std::string& name, Topic& topic, Instant now) {
  if (topic.mesh.size() < 2) return;
  std::vector<double> scores;
  for (const PeerId& peer : topic.mesh.ids()) scores.push_back(scores_.score(peer, now));
  std::ranges::sort(scores);
  const double median = scores[scores.size() / 2];
  if (median >= config_->score.opportunistic_threshold) return;
  fill(
      name, topic, config_->mesh.opportunistic_peers,
      [&](const PeerId& peer) { return scores_.score(peer, now) > median; }, now);
}

void GossipRouter::keep_fanout(Topic& topic, Instant now) {
  if (topic.fanout_until <= now) {
    topic.fanout.clear();
    return;
  }
  for (const PeerId& peer : topic.fanout.ids()) {
    if (scores_.score(peer, now) < config_->score.publish_threshold) topic.fanout.erase(peer);
  }
  const std::size_t missing = config_->mesh.degree - std::min(config_->mesh.degree, topic.fanout.size());
  for (const PeerId& peer : draw(topic.peers, missing, [&](const PeerId& one) {
         return !topic.fanout.contains(one) && scores_.score(one, now) >= config_->score.publish_threshold;
       })) {
    topic.fanout.insert(peer);
  }
}

void GossipRouter::tell(const std::string& name, const Topic& topic, Instant now) {
  const std::vector<MessageId> recent = cache_.recent(name);
  if (recent.empty()) return;
  const auto listens = [&](const PeerId& peer) {
    return !topic.mesh.contains(peer) && !topic.fanout.contains(peer) && !is_direct(peer) &&
           scores_.score(peer, now) >= config_->score.gossip_threshold;
  };
  std::vector<PeerId> peers = draw(topic.peers, topic.peers.size(), listens);
  const std::size_t share = peers.size() * config_->mesh.lazy_percent / 100;
  if (const std::size_t most = std::max(config_->mesh.degree_lazy, share); peers.size() > most) peers.resize(most);
  for (const PeerId& peer : peers) {
    std::vector<MessageId> ids = recent;
    draw_some(ids, kMaxIhaveIds, random_);
    find(peer)->outbox().ihave(name, std::move(ids));
    ready(peer);
  }
}

}  // namespace micro::p2p
