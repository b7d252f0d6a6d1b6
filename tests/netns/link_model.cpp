#include "tests/netns/link_model.hpp"

#include <algorithm>

#include "chain/base/check.hpp"

namespace micro::netns {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

std::uint64_t mixed(std::uint64_t value) {  // SplitMix64 (Steele, Lea, Flood, 2014)
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

Instant later(Instant at, std::uint64_t us) {
  return {at.ns + us * 1'000};
}

}  // namespace

LinkCounts& LinkCounts::operator+=(const LinkCounts& other) {
  offered += other.offered;
  delivered += other.delivered;
  delivered_bytes += other.delivered_bytes;
  lost += other.lost;
  blocked += other.blocked;
  overflow += other.overflow;
  reordered += other.reordered;
  return *this;
}

LinkModel::LinkModel(std::size_t nodes, std::uint64_t seed) : nodes_(nodes), links_(nodes * nodes) {
  CHECK(nodes <= kMaxNodes, "as many nodes as there may be");
  for (std::size_t n = 0; n < links_.size(); ++n) links_[n].dice = mixed(seed + mixed(n + 1));
}

void LinkModel::set(std::size_t from, std::size_t to, const LinkRules& rules) {
  Link& one = link(from, to);
  one.rules = rules;
  if (!rules.blocked) return;
  std::erase_if(flying_, [&](const auto& entry) {
    const Arrival& arrival = entry.second;
    if (arrival.from != from || arrival.to != to) return false;
    flying_bytes_ -= arrival.frame.size();
    ++one.counts.blocked;
    return true;
  });
}

std::uint64_t LinkModel::roll(Link& link, std::uint64_t sides) {
  link.dice += 0x9e3779b97f4a7c15ULL;
  return mixed(link.dice) % sides;
}

// A token bucket told by one number: when it is full again. A frame leaves as soon as the bucket holds it.
std::optional<Instant> LinkModel::leaves_at(Link& link, std::size_t bytes, Instant now) {
  const LinkRules& rules = link.rules;
  if (rules.rate_bps == 0) return now;
  const auto takes_ns = [&](std::uint64_t count) {
    return (count * 8 * kNsPerSecond + rules.rate_bps - 1) / rules.rate_bps;
  };
  const Instant paid{std::max(link.paid_at, now).ns + takes_ns(bytes)};
  const Instant full{now.ns + takes_ns(std::max<std::uint64_t>(rules.burst_bytes, bytes))};
  const std::uint64_t wait_ns = paid > full ? paid.ns - full.ns : 0;
  if (wait_ns > takes_ns(rules.queue_bytes)) return std::nullopt;
  link.paid_at = paid;
  return Instant{now.ns + wait_ns};
}

Instant LinkModel::arrives_at(Link& link, Instant leaves) {
  const LinkRules& rules = link.rules;
  std::uint64_t us = rules.delay_us;
  if (rules.jitter_us > 0) {
    us += roll(link, 2 * rules.jitter_us + 1);
    us = us > rules.jitter_us ? us - rules.jitter_us : 0;
  }
  const Instant at = later(leaves, us);
  if (rules.reorder_us > 0 && roll(link, kPpm) < rules.reorder_ppm) {
    ++link.counts.reordered;
    return later(std::max(at, link.last_at), 1 + roll(link, rules.reorder_us));
  }
  link.last_at = std::max(at, link.last_at);
  return link.last_at;
}

void LinkModel::offer(std::size_t from, std::size_t to, Bytes frame, Instant now) {
  Link& one = link(from, to);
  ++one.counts.offered;
  if (one.rules.blocked) {
    ++one.counts.blocked;
    return;
  }
  if (one.rules.loss_ppm > 0 && roll(one, kPpm) < one.rules.loss_ppm) {
    ++one.counts.lost;
    return;
  }
  const bool fits = flying_bytes_ + frame.size() <= kMaxInFlightBytes;
  const auto leaves = fits ? leaves_at(one, frame.size(), now) : std::nullopt;
  if (!leaves) {
    ++one.counts.overflow;
    return;
  }
  const Instant at = arrives_at(one, *leaves);
  flying_bytes_ += frame.size();
  flying_.emplace(std::pair(at, ++sequence_), Arrival{.from = from, .to = to, .frame = std::move(frame), .at = at});
}

std::optional<Instant> LinkModel::next_at() const {
  if (flying_.empty()) return std::nullopt;
  return flying_.begin()->first.first;
}

std::vector<LinkModel::Arrival> LinkModel::take_due(Instant now) {
  std::vector<Arrival> out;
  while (!flying_.empty() && flying_.begin()->first.first <= now) {
    Arrival arrival = std::move(flying_.begin()->second);
    flying_.erase(flying_.begin());
    flying_bytes_ -= arrival.frame.size();
    LinkCounts& counts = link(arrival.from, arrival.to).counts;
    ++counts.delivered;
    counts.delivered_bytes += arrival.frame.size();
    out.push_back(std::move(arrival));
  }
  return out;
}

}  // namespace micro::netns
