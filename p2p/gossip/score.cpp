#include "p2p/gossip/score.hpp"

#include <algorithm>
#include <cmath>

namespace micro::p2p {
namespace {

constexpr double kNsPerS = 1e9;

double square_over(double count, double threshold) {
  return count > threshold ? (count - threshold) * (count - threshold) : 0;
}

}  // namespace

double decay_over_s(double seconds) {
  return std::pow(0.01, 1 / seconds);
}

void PeerScores::connected(const PeerId& peer, std::string address) {
  Peer& one = peers_[peer];
  if (!one.connected && one.forgotten_at.ns > 0) --retained_;
  one.connected = true;
  one.address = std::move(address);
  one.sharing = 0;
  count_sharing(one.address);
}

void PeerScores::count_sharing(std::string_view address) {
  if (address.empty()) return;
  const auto is_there = [&](const auto& entry) { return entry.second.connected && entry.second.address == address; };
  const auto sharing = static_cast<std::uint32_t>(std::ranges::count_if(peers_, is_there));
  for (auto& entry : peers_) {
    if (is_there(entry)) entry.second.sharing = sharing;
  }
}

void PeerScores::disconnected(const PeerId& peer, Instant now) {
  const auto found = peers_.find(peer);
  if (found == peers_.end() || !found->second.connected) return;
  Peer& one = found->second;
  const std::string address = one.address;
  if (score_of(one, now) > 0) {
    peers_.erase(found);
    return count_sharing(address);
  }
  one.connected = false;
  one.forgotten_at = now.plus_ms(params_->retain_ms);
  for (auto& [topic, stats] : one.topics) stats = {.grafted = {}, .first_deliveries = 0, .invalid = stats.invalid};
  count_sharing(address);
  ++retained_;
  if (retained_ > kMaxRetainedScores) make_room(now);
}

// Who is worst stays: a bad score cannot be washed out by others that come and go.
void PeerScores::make_room(Instant now) {
  auto best = peers_.end();
  double best_score = 0;
  for (auto at = peers_.begin(); at != peers_.end(); ++at) {
    if (at->second.connected) continue;
    const double score = score_of(at->second, now);
    if (best != peers_.end() && score <= best_score) continue;
    best = at;
    best_score = score;
  }
  peers_.erase(best);
  --retained_;
}

const TopicScoreParams& PeerScores::params_of(std::string_view topic) const {
  const auto found = params_->topics.find(topic);
  return found == params_->topics.end() ? params_->topic : found->second;
}

PeerScores::Topic* PeerScores::topic_of(const PeerId& peer, std::string_view topic) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return nullptr;
  return &found->second.topics[topic];
}

void PeerScores::grafted(const PeerId& peer, std::string_view topic, Instant now) {
  if (Topic* stats = topic_of(peer, topic)) stats->grafted = now;
}

void PeerScores::pruned(const PeerId& peer, std::string_view topic) {
  if (Topic* stats = topic_of(peer, topic)) stats->grafted.reset();
}

void PeerScores::first_delivery(const PeerId& peer, std::string_view topic) {
  Topic* stats = topic_of(peer, topic);
  if (stats == nullptr) return;
  stats->first_deliveries = std::min(stats->first_deliveries + 1, params_of(topic).first_delivery_cap);
}

void PeerScores::invalid(const PeerId& peer, std::string_view topic) {
  if (Topic* stats = topic_of(peer, topic)) stats->invalid += 1;
}

void PeerScores::misbehaved(const PeerId& peer, double count) {
  const auto found = peers_.find(peer);
  if (found != peers_.end()) found->second.behaviour += count;
}

void PeerScores::set_application(const PeerId& peer, double score) {
  const auto found = peers_.find(peer);
  if (found != peers_.end()) found->second.application = score;
}

void PeerScores::fade(double& counter, double by) const {
  counter *= by;
  if (counter < params_->decay_to_zero) counter = 0;
}

void PeerScores::decay(Instant now) {
  if (now < decayed_.plus_ms(params_->decay_ms)) return;
  decayed_ = now;
  retained_ -=
      peers_.erase_if([&](const auto& entry) { return !entry.second.connected && entry.second.forgotten_at <= now; });
  for (auto& [peer, one] : peers_) {
    if (!one.connected) continue;  // what it did stays as it is until it is back or forgotten
    for (auto& [topic, stats] : one.topics) {
      fade(stats.first_deliveries, params_of(topic).first_delivery_decay);
      fade(stats.invalid, params_of(topic).invalid_decay);
    }
    fade(one.behaviour, params_->behaviour_decay);
  }
}

double PeerScores::score(const PeerId& peer, Instant now) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? 0 : score_of(found->second, now);
}

double PeerScores::score_of(const Peer& peer, Instant now) const {
  double out = 0;
  for (const auto& [topic, stats] : peer.topics) {
    const TopicScoreParams& params = params_of(topic);
    double sum = stats.first_deliveries * params.first_delivery_weight;
    if (stats.grafted) {
      const double seconds = static_cast<double>(now.ns - std::min(now.ns, stats.grafted->ns)) / kNsPerS;
      sum += std::min(std::floor(seconds), params.mesh_seconds_cap) * params.mesh_second_weight;
    }
    sum += stats.invalid * stats.invalid * params.invalid_weight;
    out += sum * params.weight;
  }
  out += peer.application * params_->application_weight;
  if (peer.connected) {
    const auto threshold = static_cast<double>(params_->address_threshold);
    out += square_over(peer.sharing, threshold) * params_->address_weight;
  }
  return out + square_over(peer.behaviour, params_->behaviour_threshold) * params_->behaviour_weight;
}

}  // namespace micro::p2p
