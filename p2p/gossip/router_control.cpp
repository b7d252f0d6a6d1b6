// What peers say about messages and about the mesh: IHAVE, IWANT, IDONTWANT, GRAFT, PRUNE.
#include <algorithm>

#include "p2p/gossip/router.hpp"
#include "p2p/gossip/shuffle.hpp"

namespace micro::p2p {
namespace {

constexpr std::uint64_t kMsPerS = 1'000;
constexpr std::uint64_t kAskedHeartbeats = 3;  // that an answer may take

}  // namespace

// A few peers are asked at once, each once: one that tells of much and brings nothing holds nothing up, however often
// it tells of it.
bool GossipRouter::may_ask(PeerNumber peer, const MessageId& id) {
  auto found = asked_.find(id);
  if (found == asked_.end()) {
    if (asked_.size() >= kMaxPromises) return true;
    found = asked_.try_emplace(id).first;
    found->second.until = heartbeats_ + kAskedHeartbeats;
  }
  auto& peers = found->second.peers;
  if (std::ranges::find(peers, peer) != peers.end()) return false;
  const auto free = std::ranges::find(peers, kNobody);
  if (free == peers.end()) return false;
  *free = peer;
  return true;
}

void GossipRouter::on_ihaves(const PeerId& from, Peer& peer, const std::vector<IhaveView>& ihaves, Instant now) {
  if (ihaves.empty() || scores_.score(from, now) < config_->score.gossip_threshold) return;
  const std::size_t left = kMaxIhaveIds - std::min(kMaxIhaveIds, peer.spent().asked_ids);
  if (++peer.spent().ihave_messages > kMaxIhaveMessages || left == 0) {
    ++stats_.over_budget;
    return;
  }
  std::set<MessageId> unknown;
  for (const IhaveView& one : ihaves) {
    if (find_joined(one.topic) == nullptr) continue;
    for (const ByteView bytes : one.ids) {
      const auto id = MessageId::from(bytes);
      if (id && !knows(*id)) unknown.insert(*id);
    }
  }
  std::vector<MessageId> wanted(unknown.begin(), unknown.end());
  if (wanted.size() > left) stats_.over_budget += wanted.size() - left;
  draw_some(wanted, left, random_);
  const PeerNumber number = numbers_.find(from);
  std::erase_if(wanted, [&](const MessageId& id) { return !may_ask(number, id) || !peer.outbox().iwant(id); });
  if (wanted.empty()) return;
  peer.spent().asked_ids += wanted.size();
  // One of them stands for all: who brings few of what it told of is caught sooner or later.
  promises_.add(wanted[static_cast<std::size_t>(random_.draw_u64() % wanted.size())], from, now);
}

void GossipRouter::on_iwants(const PeerId& from, Peer& peer, const std::vector<ByteView>& ids, Instant now) {
  if (ids.empty() || scores_.score(from, now) < config_->score.gossip_threshold) return;
  Busy::Spent& spent = peer.spent();
  for (const ByteView bytes : ids) {
    if (spent.iwant_ids >= kMaxIwantIds || spent.iwant_bytes >= kMaxIwantBytes) {
      ++stats_.over_budget;
      continue;
    }
    ++spent.iwant_ids;
    const auto id = MessageId::from(bytes);
    if (!id || peer.is_unwanted(*id)) continue;
    const SharedMessage message = cache_.hand_out(*id, from, config_->mesh.retransmissions);
    if (message == nullptr) continue;
    if (peer.outbox().push(message, Lane::kAnswer)) {
      spent.iwant_bytes += message->wire().size();
    } else {
      cache_.take_back(*id, from);  // it is told of it again
    }
  }
}

void GossipRouter::on_dont_wants(Peer& peer, const std::vector<ByteView>& ids) {
  if (ids.empty()) return;
  Busy& busy = peer.make_busy();
  for (const ByteView bytes : ids) {
    if (busy.spent.dont_wants >= kMaxDontWantMessages || busy.dont_wants.size() >= kMaxDontWants) {
      ++stats_.over_budget;
      continue;
    }
    ++busy.spent.dont_wants;
    if (const auto id = MessageId::from(bytes)) {
      busy.dont_wants[*id] = heartbeats_ + config_->mesh.dont_want_heartbeats;
    }
  }
}

void GossipRouter::back_off(Topic& topic, const PeerId& peer, std::uint64_t ms, Instant now) {
  const Instant until = now.plus_ms(ms);
  const auto found = topic.backoff.find(peer);
  if (found != topic.backoff.end()) {
    found->second = std::max(found->second, until);
    return;
  }
  if (topic.backoff.size() >= kMaxMeshBackoffs) {
    topic.backoff.erase(std::ranges::min_element(topic.backoff, {}, [](const auto& one) { return one.second; }));
  }
  topic.backoff[peer] = until;
}

void GossipRouter::send_graft(std::string_view name, Topic& topic, const PeerId& peer, Instant now) {
  Peer* const one = find(peer);
  if (one == nullptr) return;
  topic.mesh.insert(peer);
  scores_.grafted(peer, name, now);
  one->outbox().graft(name);
  tell_recent(*one, name);
  ready(peer);
}

/// What passed before it came into the mesh it was neither sent nor, since then, told of.
void GossipRouter::tell_recent(Peer& peer, std::string_view name) {
  for (const MessageId& id : cache_.recent(name)) peer.outbox().ihave_too(name, id);
}

void GossipRouter::send_prune(std::string_view name, Topic& topic, const PeerId& peer, std::uint64_t backoff_ms,
                              bool exchange, Instant now) {
  if (topic.mesh.erase(peer)) scores_.pruned(peer, name);
  back_off(topic, peer, backoff_ms, now);
  Peer* const one = find(peer);
  if (one == nullptr) return;
  PruneNote note{.backoff_s = backoff_ms / kMsPerS, .peers = {}};
  if (exchange && scores_.score(peer, now) >= 0) {
    const auto passes = [&](const PeerId& other) {
      return other != peer && !find(other)->record.empty() && scores_.score(other, now) >= 0;
    };
    for (const PeerId& other : draw(topic.peers, config_->mesh.exchanged_peers, passes)) {
      note.peers.emplace_back(other, find(other)->record);
    }
  }
  one->outbox().prune(name, std::move(note));
  ready(peer);
}

// Who is told to stay away and comes back too early commits an offence, at once two.
bool GossipRouter::refuses_graft(const PeerId& from, Topic& topic, Instant now) {
  const auto backoff = topic.backoff.find(from);
  if (backoff != topic.backoff.end() && now < backoff->second) {
    scores_.misbehaved(from, 1);
    const Instant told{backoff->second.ns - std::min(backoff->second.ns, config_->mesh.prune_backoff_ms * 1'000'000)};
    if (now < told.plus_ms(config_->mesh.graft_flood_ms)) scores_.misbehaved(from, 1);
    return true;
  }
  return is_direct(from) || scores_.score(from, now) < 0;
}

void GossipRouter::on_graft(const PeerId& from, Peer& peer, std::string_view name, Instant now) {
  // An answer about topics that we are not in would let anybody make us answer.
  Topic* const topic = find_joined(name);
  if (topic == nullptr || topic->mesh.contains(from)) return;
  // A GRAFT says that it subscribes too, which may have been passed over at a bound.
  if (!topic->peers.contains(from)) return;
  if (refuses_graft(from, *topic, now)) {
    return send_prune(name, *topic, from, config_->mesh.prune_backoff_ms, false, now);
  }
  // Peers that we dialed are let in when it is full: an attacker cannot make us dial him.
  if (topic->mesh.size() >= config_->mesh.degree_high && !peer.outbound) {
    return send_prune(name, *topic, from, config_->mesh.prune_backoff_ms, true, now);
  }
  topic->mesh.insert(from);
  scores_.grafted(from, name, now);
  tell_recent(peer, name);
  if (peer.has_frames()) ready(from);
}

void GossipRouter::on_prune(const PeerId& from, const PruneView& prune, Instant now) {
  Topic* const topic = find_joined(prune.topic);
  if (topic == nullptr) return;
  // Who leaves the topic says so before its PRUNE.
  if (!topic->peers.contains(from) && !topic->backoff.contains(from)) return;
  if (topic->mesh.erase(from)) scores_.pruned(from, prune.topic);
  const std::uint64_t asked_s = prune.backoff_s.value_or(0);  // 0: it says nothing of it, as stock peers have it
  const std::uint64_t backoff_ms =
      asked_s > 0 ? std::min(asked_s, kMaxBackoffS) * kMsPerS : config_->mesh.prune_backoff_ms;
  back_off(*topic, from, backoff_ms, now);
  if (scores_.score(from, now) >= config_->score.exchange_threshold) take_suggested(prune);
}

void GossipRouter::take_suggested(const PruneView& prune) {
  std::size_t taken = 0;
  for (const SuggestedPeerView& one : prune.peers) {
    if (taken == config_->mesh.exchanged_peers || suggestions_.size() >= kMaxSuggestions) return;
    const auto peer = PeerId::from(one.peer);
    if (!peer || *peer == self_ || find(*peer) != nullptr) continue;
    auto record = PeerRecord::open(one.record);
    if (!record || record->peer != *peer) continue;
    ++taken;
    suggestions_.push_back({.peer = *peer, .addresses = std::move(record->addresses)});
  }
}

}  // namespace micro::p2p
