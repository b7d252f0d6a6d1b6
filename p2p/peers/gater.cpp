#include "p2p/peers/gater.hpp"

#include "chain/base/check.hpp"

namespace micro::p2p {
namespace {

constexpr std::uint64_t kSweepMs = 1'000;  // between walks over full tables, which newcomers cause
constexpr std::uint64_t kHostPeriod = 5;   // seconds that GaterLimits counts handshakes of a host in

// Time runs slower for the bucket of a host, so that its rate may be below one a second.
Instant host_time(Instant now) {
  return {now.ns / kHostPeriod};
}

template <class Key>
void ban_until(std::map<Key, Instant>& banned, const Key& key, Instant now) {
  std::erase_if(banned, [&](const auto& entry) { return entry.second <= now; });
  if (banned.size() >= kMaxGatedBans && !banned.contains(key)) {
    banned.erase(std::ranges::min_element(banned, {}, [](const auto& entry) { return entry.second; }));
  }
  banned[key] = now.plus_ms(kBanMs);
}

template <class Key>
bool is_banned(const std::map<Key, Instant>& banned, const Key& key, Instant now) {
  const auto found = banned.find(key);
  return found != banned.end() && now < found->second;
}

}  // namespace

bool Gater::exempt(const IpAddress& ip) const {
  return limits_.local_addresses && ip.reach() == Reach::kLocal;
}

// A full bucket says nothing and goes; where none is full, nobody new is let in, which an attacker needs thousands of
// addresses in many subnets for.
bool Gater::make_room(Instant now) {
  if (hosts_.size() < kMaxGatedHosts && subnets_.size() < kMaxGatedHosts) return true;
  if (swept_ && now < swept_->plus_ms(kSweepMs)) return false;
  swept_ = now;
  std::erase_if(hosts_, [&](const auto& entry) {
    return entry.second.connections == 0 && entry.second.handshakes.is_full(host_time(now));
  });
  std::erase_if(subnets_, [&](const auto& entry) { return entry.second.is_full(now); });
  return hosts_.size() < kMaxGatedHosts && subnets_.size() < kMaxGatedHosts;
}

Status Gater::accept(const IpAddress& ip, Instant now) {
  if (ip.reach() == Reach::kNever) return fail(Fault::kDenied, "nobody can be at this address");
  if (is_banned(banned_hosts_, ip.host(), now)) return fail(Fault::kDenied, "this address is banned");
  if (handshakes_ >= limits_.concurrent_handshakes) return fail(Fault::kBusy, "too many handshakes at once");
  if (!exempt(ip)) TRY(take_tokens(ip, now));
  ++handshakes_;
  return {};
}

Status Gater::take_tokens(const IpAddress& ip, Instant now) {
  auto host = hosts_.find(ip.host());
  auto subnet = subnets_.find(ip.subnet());
  const bool is_known = host != hosts_.end() && subnet != subnets_.end();
  if (!is_known && !make_room(now)) return fail(Fault::kBusy, "too many addresses at once");
  // The host's own limit first, so that one host does not spend what its subnet has; but a host is remembered only once
  // its subnet let it in, so that nobody fills the table out of one subnet.
  host = hosts_.find(ip.host());
  if (host != hosts_.end()) {
    if (host->second.connections >= limits_.connections_per_host) {
      return fail(Fault::kBusy, "too many connections from this address");
    }
    if (!host->second.handshakes.take(1, host_time(now))) {
      return fail(Fault::kBusy, "too many handshakes from this address");
    }
  }
  subnet = subnets_.try_emplace(ip.subnet(), limits_.handshakes_per_subnet).first;
  if (!subnet->second.take(1, now)) return fail(Fault::kBusy, "too many handshakes from this subnet");
  if (host == hosts_.end()) {
    host = hosts_.emplace(ip.host(), Host{TokenBucket(limits_.handshakes_per_host_5s)}).first;
    host->second.handshakes.take(1, host_time(now));
  }
  ++host->second.connections;
  return {};
}

void Gater::secured(const IpAddress& /*ip*/) {
  CHECK(handshakes_ > 0, "a handshake ends once");
  --handshakes_;
}

void Gater::closed(const IpAddress& ip, bool was_secured) {
  if (!was_secured) secured(ip);
  if (exempt(ip)) return;
  const auto found = hosts_.find(ip.host());
  CHECK(found != hosts_.end() && found->second.connections > 0, "a connection that was let in closes once");
  --found->second.connections;
}

Status Gater::may_dial(const Multiaddr& address, Instant now) const {
  const auto ip = IpAddress::of(address);
  if (!ip) return {};  // a name: whom it stands for is asked again
  if (ip->reach() == Reach::kNever) return fail(Fault::kDenied, "nobody can be at this address");
  if (ip->reach() == Reach::kLocal && !limits_.local_addresses) {
    return fail(Fault::kDenied, "a local address on a public network");
  }
  if (is_banned(banned_hosts_, ip->host(), now)) return fail(Fault::kDenied, "this address is banned");
  return {};
}

Status Gater::may_talk(const PeerId& peer, Instant now) const {
  if (is_banned(banned_peers_, peer, now)) return fail(Fault::kDenied, "this peer is banned");
  return {};
}

void Gater::ban(const PeerId& peer, Instant now) {
  ban_until(banned_peers_, peer, now);
}

void Gater::ban(const IpAddress& ip, Instant now) {
  ban_until(banned_hosts_, ip.host(), now);
}

std::size_t Gater::entries() const {
  return hosts_.size() + subnets_.size() + banned_peers_.size() + banned_hosts_.size();
}

}  // namespace micro::p2p
