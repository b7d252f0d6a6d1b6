#include "p2p/peers/manager.hpp"

#include <algorithm>

namespace micro::p2p {
namespace {

bool takes_a_group(Slot slot) {
  return slot == Slot::kStatic || slot == Slot::kAsked || slot == Slot::kFull || slot == Slot::kBlockOnly;
}

}  // namespace

std::string_view name_of(Slot slot) {
  switch (slot) {
    case Slot::kInbound:
      return "inbound";
    case Slot::kStatic:
      return "static";
    case Slot::kAsked:
      return "asked";
    case Slot::kFull:
      return "full";
    case Slot::kBlockOnly:
      return "block-only";
    case Slot::kFeeler:
      return "feeler";
    case Slot::kSecond:
      return "second";
  }
  return "";
}

Manager::Manager(ManagerLimits limits, PeerId self, Random& random)
    : limits_(limits), self_(self), random_(random), secret_(random.draw<Hash>()) {}

Status Manager::add_static(const PeerId& peer, std::vector<Multiaddr> addresses) {
  if (static_.size() >= kMaxStaticPeers && !static_.contains(peer)) {
    return fail(Fault::kLimit, "too many static peers", "at most " + std::to_string(kMaxStaticPeers));
  }
  static_[peer] = std::move(addresses);
  return {};
}

void Manager::protect(const PeerId& peer, std::string tag) {
  protected_[peer].insert(std::move(tag));
}

void Manager::unprotect(const PeerId& peer, std::string_view tag) {
  const auto found = protected_.find(peer);
  if (found == protected_.end()) return;
  if (const auto at = found->second.find(tag); at != found->second.end()) found->second.erase(at);
  if (found->second.empty()) protected_.erase(found);
}

bool Manager::is_protected(const PeerId& peer) const {
  return static_.contains(peer) || protected_.contains(peer);
}

// --- dialing ---

std::vector<ManagerEffect> Manager::step(AddressSource& source, const std::function<bool(const Multiaddr&)>& may_dial,
                                         Instant now) {
  std::vector<ManagerEffect> out;
  std::erase_if(dials_, [&](const auto& entry) { return now >= entry.second.since.plus_ms(kDialLostMs); });
  dial_static(out, now);
  const auto passes = [&](const PeerAddress& one) {
    return !is_known_here(one.peer) && backoff_.may_try(one.address, now) && may_dial(one.address);
  };
  while (!anchors_.empty() && count(Slot::kBlockOnly) < limits_.block_only_outbound) {
    const PeerAddress anchor = anchors_.back();
    anchors_.pop_back();
    if (passes(anchor) && group_is_free(AddressGroup::of(anchor.address))) {
      dial(Slot::kBlockOnly, anchor.peer, {anchor.address}, out, now);
    }
  }
  const auto fits = [&](const PeerAddress& at) {
    const auto asked = asked_at(at);
    return (asked || passes(at)) && group_is_free(AddressGroup::of(at.address), asked);
  };
  const auto fill = [&](Slot slot, std::size_t wanted) {
    while (count(slot) < wanted && dials_.size() < kMaxDialsAtOnce) {
      const auto one = source.pick(fits);
      if (!one) return;
      if (const auto asked = asked_at(*one)) {
        live_.at(*asked).slot = slot;  // a search was there before: it is the book that chose it now
      } else {
        dial(slot, one->peer, {one->address}, out, now);
      }
    }
  };
  fill(Slot::kFull, limits_.full_outbound);
  fill(Slot::kBlockOnly, limits_.block_only_outbound);
  if (!feeler_) feeler_ = now.plus_ms(kFeelerMs);
  if (now >= *feeler_ && count(Slot::kFeeler) == 0) {
    feeler_ = now.plus_ms(kFeelerMs);
    if (const auto one = source.pick(passes)) dial(Slot::kFeeler, one->peer, {one->address}, out, now);
  }
  return out;
}

void Manager::dial_static(std::vector<ManagerEffect>& out, Instant now) {
  for (const auto& [peer, addresses] : static_) {
    if (is_known_here(peer)) continue;
    std::vector<Multiaddr> ready;
    for (const Multiaddr& address : addresses) {
      if (backoff_.may_try(address, now)) ready.push_back(address);
    }
    if (!ready.empty()) dial(Slot::kStatic, peer, std::move(ready), out, now);
  }
}

void Manager::dial(Slot slot, const PeerId& peer, std::vector<Multiaddr> addresses, std::vector<ManagerEffect>& out,
                   Instant now) {
  out.push_back({.kind = ManagerEffect::Kind::kDial, .peer = peer, .addresses = addresses, .reason = {}});
  dials_[peer] = {.slot = slot, .addresses = std::move(addresses), .since = now};
}

void Manager::dial_failed(const PeerId& peer, AddressSource& source, Instant now) {
  const auto node = dials_.extract(peer);
  if (node.empty()) return;
  for (const Multiaddr& address : node.mapped().addresses) {
    backoff_.failed(address, now, random_);
    source.tried({peer, address}, false, now);
  }
}

std::optional<ConnectionId> Manager::asked_at(const PeerAddress& at) const {
  for (const auto& [id, live] : live_) {
    if (live.slot == Slot::kAsked && live.at == at) return id;
  }
  return std::nullopt;
}

bool Manager::group_is_free(const AddressGroup& group, std::optional<ConnectionId> except) const {
  for (const auto& [peer, dial] : dials_) {
    for (const Multiaddr& address : dial.addresses) {
      if (takes_a_group(dial.slot) && AddressGroup::of(address) == group) return false;
    }
  }
  return std::ranges::none_of(live_, [&](const auto& entry) {
    return entry.first != except && takes_a_group(entry.second.slot) &&
           AddressGroup::of(entry.second.at.address) == group;
  });
}

bool Manager::is_known_here(const PeerId& peer) const {
  return peer == self_ || dials_.contains(peer) || connections_of(peer) > 0;
}

// --- connections ---

Result<std::vector<ManagerEffect>> Manager::connected(ConnectionId id, const PeerAddress& at, Direction direction,
                                                      AddressSource& source, Instant now) {
  std::vector<ManagerEffect> out;
  Slot slot = Slot::kInbound;
  if (direction == Direction::kOutbound) {
    slot = take_slot(at);
    backoff_.succeeded(at.address);
    source.tried(at, true, now);
  }
  if (at.peer == self_) return fail(Fault::kMismatch, "that is this node itself");
  if (connections_of(at.peer) >= limits_.connections_per_peer) {
    return fail(Fault::kBusy, "connected to this peer already");
  }
  if (slot == Slot::kFeeler) return fail(Fault::kBusy, "the address works, which is all that was asked");
  const bool unplanned = slot == Slot::kInbound || slot == Slot::kAsked || slot == Slot::kStatic;
  if (unplanned && connections_of(at.peer) > 0) slot = Slot::kSecond;
  if (slot == Slot::kInbound && count(Slot::kInbound) >= limits_.inbound) {
    const auto evicted = evict();
    if (!evicted) return fail(Fault::kBusy, "no room for another peer");
    out = end(*evicted, {.fault = Fault::kBusy, .message = "made room for another peer"}, now);
  }
  live_[id] = {.at = at, .slot = slot, .direction = direction, .since = now, .useful = {}};
  PeerView& view = remember(at.peer);
  std::erase(view.addresses, at.address);
  view.addresses.insert(view.addresses.begin(), at.address);
  if (view.addresses.size() > kMaxViewedAddresses) view.addresses.pop_back();
  ++view.connections;
  return out;
}

// Another part of this node may have dialed the same peer elsewhere: only the address that was asked for fills its
// slot.
Slot Manager::take_slot(const PeerAddress& at) {
  const auto found = dials_.find(at.peer);
  if (found == dials_.end() ||
      std::ranges::find(found->second.addresses, at.address) == found->second.addresses.end()) {
    return static_.contains(at.peer) ? Slot::kStatic : Slot::kAsked;
  }
  const Slot slot = found->second.slot;
  dials_.erase(found);
  return slot;
}

std::vector<ManagerEffect> Manager::disconnected(ConnectionId id, const Error& why, Instant now) {
  std::vector<ManagerEffect> out;
  const auto node = live_.extract(id);
  if (node.empty()) return out;
  const Live& live = node.mapped();
  const bool ours = live.slot != Slot::kInbound && live.slot != Slot::kSecond;
  if (ours && now < live.since.plus_ms(kFlappingMs)) backoff_.failed(live.at.address, now, random_);
  PeerView& view = remember(live.at.peer);
  --view.connections;
  view.last_disconnect = now;
  view.last_disconnect_reason = why.message.substr(0, kMaxReasonBytes);
  if (live.slot == Slot::kSecond) return out;
  // What came beside it was let in for its sake: alone it would be a connection that no limit counts.
  std::vector<ConnectionId> seconds;
  for (const auto& [other, also] : live_) {
    if (also.at.peer == live.at.peer && also.slot == Slot::kSecond) seconds.push_back(other);
  }
  for (const ConnectionId second : seconds) {
    out.push_back({.kind = ManagerEffect::Kind::kClose,
                   .peer = {},
                   .addresses = {},
                   .connection = second,
                   .reason = "the peer's first connection ended"});
    disconnected(second, why, now);  // what is shown is why the first one did
  }
  return out;
}

std::vector<ManagerEffect> Manager::end(ConnectionId id, const Error& why, Instant now) {
  std::vector<ManagerEffect> out{
      {.kind = ManagerEffect::Kind::kClose, .peer = {}, .addresses = {}, .connection = id, .reason = why.message}};
  auto more = disconnected(id, why, now);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::optional<ConnectionId> Manager::evict() {
  std::vector<InboundPeer> all;
  for (const auto& [id, live] : live_) {
    if (live.slot != Slot::kInbound) continue;
    all.push_back({.connection = id,
                   .group = AddressGroup::of(live.at.address),
                   .since = live.since,
                   .round_trip_ns = live.best_round_trip_ns,
                   .useful = live.useful,
                   .is_protected = is_protected(live.at.peer)});
  }
  return pick_eviction(std::move(all), secret_);
}

std::size_t Manager::connections_of(const PeerId& peer) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(live_, [&](const auto& entry) { return entry.second.at.peer == peer; }));
}

std::size_t Manager::count(Slot slot) const {
  const auto is = [&](const auto& entry) { return entry.second.slot == slot; };
  return static_cast<std::size_t>(std::ranges::count_if(live_, is) + std::ranges::count_if(dials_, is));
}

std::vector<PeerAddress> Manager::anchors() const {
  std::vector<std::pair<Instant, PeerAddress>> oldest;
  for (const auto& [id, live] : live_) {
    if (live.slot == Slot::kBlockOnly) oldest.emplace_back(live.since, live.at);
  }
  std::ranges::sort(oldest);
  std::vector<PeerAddress> out;
  for (auto& [since, at] : oldest) out.push_back(std::move(at));
  return out;
}

// --- what is known of peers ---

void Manager::on_round_trip(ConnectionId id, std::uint64_t ns) {
  const auto found = live_.find(id);
  if (found == live_.end() || ns == 0) return;
  Live& live = found->second;
  live.round_trip_ns = ns;
  live.best_round_trip_ns = live.best_round_trip_ns == 0 ? ns : std::min(ns, live.best_round_trip_ns);
}

void Manager::on_useful(ConnectionId id, Instant now) {
  if (const auto found = live_.find(id); found != live_.end()) found->second.useful = now;
}

void Manager::on_identified(const PeerId& peer, std::string agent) {
  if (const auto found = remembered_.find(peer); found != remembered_.end()) found->second.agent = std::move(agent);
}

void Manager::add_bytes(const PeerId& peer, std::uint64_t read, std::uint64_t written) {
  const auto found = remembered_.find(peer);
  if (found == remembered_.end()) return;
  found->second.bytes_read += read;
  found->second.bytes_written += written;
}

void Manager::set_score(const PeerId& peer, std::int64_t score) {
  if (const auto found = remembered_.find(peer); found != remembered_.end()) found->second.score = score;
}

// Whoever has been gone for longest makes room.
PeerView& Manager::remember(const PeerId& peer) {
  if (remembered_.size() >= kMaxRememberedPeers && !remembered_.contains(peer)) {
    auto oldest = remembered_.end();
    for (auto at = remembered_.begin(); at != remembered_.end(); ++at) {
      if (at->second.connections > 0) continue;
      if (oldest == remembered_.end() || at->second.last_disconnect < oldest->second.last_disconnect) oldest = at;
    }
    if (oldest != remembered_.end()) remembered_.erase(oldest);
  }
  PeerView& view = remembered_[peer];
  view.peer = peer;
  return view;
}

std::vector<ConnectionView> Manager::connections(Instant now) const {
  std::vector<ConnectionView> out;
  for (const auto& [id, live] : live_) {
    out.push_back({.connection = id,
                   .peer = live.at.peer,
                   .address = live.at.address,
                   .direction = live.direction,
                   .slot = live.slot,
                   .connected_ms = (now.ns - live.since.ns) / 1'000'000,
                   .round_trip_ns = live.round_trip_ns,
                   .useful = live.useful,
                   .is_protected = is_protected(live.at.peer)});
  }
  return out;
}

std::vector<PeerView> Manager::peers() const {
  std::vector<PeerView> out;
  for (const auto& [peer, view] : remembered_) out.push_back(view);
  return out;
}

}  // namespace micro::p2p
