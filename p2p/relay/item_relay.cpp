#include "p2p/relay/item_relay.hpp"

#include <algorithm>

#include "p2p/gossip/shuffle.hpp"

namespace micro::p2p {
namespace {

constexpr std::size_t kHandedFrameBytes = 64 * 1'024;  // of bodies nobody asked for

// The number of peers that get the body, of so many.
std::size_t root_of(std::size_t peers) {
  std::size_t root = 0;
  while (root * root < peers) ++root;
  return root;
}

}  // namespace

ItemRelay::ItemRelay(ItemPool& pool, Random& random, bool relays) : pool_(pool), random_(random), relays_(relays) {
  random_.fill(secret_);
}

ItemRelay::Peer* ItemRelay::find(const PeerId& peer) {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : &found->second;
}

void ItemRelay::offend(const PeerId& peer, double count) {
  offences_[peer] += count;
}

Status ItemRelay::connected(const PeerId& peer, PeerFacts /*facts*/, Instant /*now*/) {
  if (peers_.contains(peer) || peers_.size() >= kMaxRelayPeers) return fail(Fault::kBusy, "no room for a relay's peer");
  peers_[peer];
  return {};
}

void ItemRelay::disconnected(const PeerId& peer, Instant now) {
  Peer* const one = find(peer);
  if (one == nullptr) return;
  lose_offers(peer, *one);
  peers_.erase(peer);
  offences_.erase(peer);
  ready_.erase(peer);
  pull(now);
}

// --- own ones and judged ones ---

void ItemRelay::publish(const ItemId& id, Instant /*now*/) {
  const SharedItem item = pool_.find(id);
  if (item == nullptr) return;
  forget(id);
  std::vector<PeerId> peers;
  for (const auto& [peer, one] : peers_) {
    if (!one.known.has(mark(id))) peers.push_back(peer);
  }
  shuffle(peers, random_);
  std::size_t pushes = item->size() <= kMaxPushedItemBytes ? root_of(peers_.size()) : 0;
  for (const PeerId& peer : peers) {
    Peer& one = *find(peer);
    one.known.add(mark(id));
    ready(peer);
    if (pushes > 0 && one.push_bytes + item->size() <= kMaxQueuedPushBytes) {
      --pushes;
      ++stats_.pushed;
      one.pushes.push_back(id);
      one.push_bytes += item->size();
      continue;
    }
    if (one.announcements.size() >= kMaxQueuedAnnouncements) one.announcements.pop_front();
    one.announcements.push_back(id);
  }
}

std::vector<ReceivedItem> ItemRelay::take_received() {
  return std::exchange(received_, {});
}

void ItemRelay::judged(const ItemId& id, ItemVerdict verdict, Instant now) {
  const auto node = judging_.extract(id);
  if (node.empty()) return;
  const auto& [from, bytes] = node.mapped();
  judging_bytes_ -= bytes;
  Peer* const peer = find(from);
  if (peer != nullptr && peer->judged > 0) --peer->judged;
  if (peer != nullptr && verdict == ItemVerdict::kAccept) peer->brought_news = true;
  if (verdict == ItemVerdict::kReject) offend(from, 1);
  if (verdict == ItemVerdict::kAccept) publish(id, now);
}

bool ItemRelay::take_news_of(const PeerId& peer) {
  Peer* const one = find(peer);
  return one != nullptr && std::exchange(one->brought_news, false);
}

std::map<PeerId, double> ItemRelay::take_offences() {
  return std::exchange(offences_, {});
}

// --- what comes ---

Status ItemRelay::on_frame(const PeerId& from, ByteView frame, Instant now) {
  Peer* const peer = find(from);
  if (peer == nullptr) return {};
  const auto said = TRY(decode<ItemFrameOf>(frame));
  std::visit([&](const auto& one) { on(from, *peer, one, now); }, said);
  return {};
}

void ItemRelay::on(const PeerId& from, Peer& peer, const AnnounceItems& frame, Instant now) {
  for (const AnnouncedItem& one : frame.items) {
    peer.known.add(mark(one.id));
    if (!relays_ || pool_.knows(one.id) || judging_.contains(one.id)) continue;
    if (one.bytes == 0 || one.bytes > kMaxRelayedItemBytes) {
      offend(from, 1);
      continue;
    }
    offer(from, peer, one.id, one.bytes, now);
  }
}

void ItemRelay::offer(const PeerId& from, Peer& peer, const ItemId& id, std::uint32_t bytes, Instant now) {
  const auto found = tracked_.find(id);
  const bool is_full =
      found == tracked_.end() ? tracked_.size() >= kMaxTrackedItems : found->second.announcers.size() >= kMaxAnnouncers;
  if (is_full || !peer.late.empty() || peer.offers.size() >= kMaxAnnouncedOfPeer) {
    ++stats_.passed_over;
    return;
  }
  Tracked& tracked = tracked_[id];
  if (tracked.announcers.empty()) tracked.pull_at = now.plus_ms(kPullDelayMs);
  if (std::ranges::find(tracked.announcers, from, &Announcer::peer) != tracked.announcers.end()) return;
  tracked.announcers.push_back({.peer = from, .bytes = bytes});
  peer.offers.insert({tracked.place(), id});
  pull_at_ = std::min(pull_at_, std::max(tracked.pull_at, now));
}

// One request at a time is answered: who asks for more is told that there is nothing.
void ItemRelay::on(const PeerId& from, Peer& peer, const WantItems& frame, Instant /*now*/) {
  if (peer.answers.empty()) {
    peer.answers = frame.ids;
  } else {
    const std::size_t room = kMaxQueuedRefusals - std::min(kMaxQueuedRefusals, peer.refusals.size());
    const auto count = static_cast<std::ptrdiff_t>(std::min(room, frame.ids.size()));
    peer.refusals.insert(peer.refusals.end(), frame.ids.begin(), frame.ids.begin() + count);
    stats_.passed_over += frame.ids.size();
  }
  ready(from);
}

void ItemRelay::on(const PeerId& from, Peer& peer, const HandItems& frame, Instant now) {
  bool was_asked = false;
  for (const ItemBlob& item : frame.items) {
    const auto id = pool_.id_of(item);
    if (!id) {
      offend(from, 1);
      continue;
    }
    const bool asked = answers(peer, *id);
    was_asked = was_asked || asked;
    peer.known.add(mark(*id));
    if (!asked && item.size() > kMaxPushedItemBytes) {
      offend(from, 1);
    } else if (relays_) {
      take(from, peer, *id, item, now);
    }
  }
  if (was_asked && peer.asked.empty()) pull(now);  // frames that nobody asked for are no work for all peers
}

// Nobody tells of it again. Whoever has it is asked for it once there may be room.
void ItemRelay::postpone(const PeerId& from, Peer& peer, const ItemId& id, std::size_t bytes, Instant now) {
  ++stats_.passed_over;
  if (!tracked_.contains(id)) return offer(from, peer, id, static_cast<std::uint32_t>(bytes), now);
  const Instant pull_at = now.plus_ms(kPullDelayMs);
  place(id, tracked_.at(id), false, pull_at);
  pull_at_ = std::min(pull_at_, pull_at);
}

// Whether it was asked for this, be it in time or not.
bool ItemRelay::answers(Peer& peer, const ItemId& id) {
  if (peer.asked.erase(id) > 0) return true;
  if (!peer.late.contains(id)) return false;
  peer.late.clear();
  return true;
}

void ItemRelay::take(const PeerId& from, Peer& peer, const ItemId& id, ByteView item, Instant now) {
  if (pool_.knows(id) || judging_.contains(id)) {
    forget(id);
    ++stats_.duplicates;
    return;
  }
  if (judging_.size() >= kMaxJudgedItems || judging_bytes_ + item.size() > kMaxJudgedBytes ||
      peer.judged >= kMaxJudgedOfPeer) {
    return postpone(from, peer, id, item.size(), now);
  }
  forget(id);
  ++stats_.received;
  ++peer.judged;
  judging_bytes_ += item.size();
  judging_[id] = {from, item.size()};
  received_.push_back({.id = id, .item = std::make_shared<const Bytes>(to_bytes(item)), .from = from});
}

void ItemRelay::on(const PeerId& from, Peer& peer, const NoItems& frame, Instant now) {
  bool was_asked = false;
  for (const ItemId& id : frame.ids) {
    if (!answers(peer, id)) continue;
    was_asked = true;
    if (const auto found = tracked_.find(id); found != tracked_.end()) set_asked(id, found->second, false);
    lose_offer(from, peer, id);
  }
  if (was_asked) pull(now);
}

// --- whom to ask ---

void ItemRelay::forget(const ItemId& id) {
  const auto node = tracked_.extract(id);
  if (node.empty()) return;
  for (const Announcer& one : node.mapped().announcers) find(one.peer)->offers.erase({node.mapped().place(), id});
}

void ItemRelay::place(const ItemId& id, Tracked& tracked, bool asked, Instant pull_at) {
  const Instant before = tracked.place();
  tracked.asked = asked;
  tracked.pull_at = pull_at;
  for (const Announcer& one : tracked.announcers) {
    std::set<std::pair<Instant, ItemId>>& offers = find(one.peer)->offers;
    offers.erase({before, id});
    offers.insert({tracked.place(), id});
  }
}

void ItemRelay::lose_offer(const PeerId& peer, Peer& one, const ItemId& id) {
  const auto found = tracked_.find(id);
  const auto is_this = [&](const Announcer& each) { return each.peer == peer; };
  if (found == tracked_.end() || std::erase_if(found->second.announcers, is_this) == 0) return;
  one.offers.erase({found->second.place(), id});
  if (found->second.announcers.empty()) tracked_.erase(found);
}

void ItemRelay::lose_offers(const PeerId& peer, Peer& one) {
  for (const ItemId& id : std::exchange(one.asked, {})) {
    if (const auto found = tracked_.find(id); found != tracked_.end()) set_asked(id, found->second, false);
  }
  one.asks.clear();
  for (const auto& [at, id] : std::set(one.offers)) lose_offer(peer, one, id);
}

// Each peer that is not busy is asked for the oldest of what it has: nobody's announcements stand before another's.
void ItemRelay::pull(Instant now) {
  pull_at_ = kNever;
  std::vector<PeerId> peers;
  for (const auto& [peer, one] : peers_) {
    if (!one.offers.empty()) peers.push_back(peer);
  }
  shuffle(peers, random_);
  for (const PeerId& peer : peers) {
    Peer& one = *find(peer);
    if (one.asked.empty() && !ask(peer, one, now)) pull_at_ = std::min(pull_at_, now.plus_ms(kHeldUpMs));
    const auto later = one.offers.lower_bound({Instant{now.ns + 1}, ItemId()});
    if (later != one.offers.end()) pull_at_ = std::min(pull_at_, later->first);
  }
}

// False where the application has no room for what could be asked for.
bool ItemRelay::ask(const PeerId& peer, Peer& one, Instant now) {
  bool has_room = true;
  std::size_t bytes = 0;
  while (!one.offers.empty() && one.offers.begin()->first <= now && one.asked.size() < kMaxPulledIds) {
    const ItemId id = one.offers.begin()->second;
    Tracked& tracked = tracked_.at(id);
    const std::size_t more = std::ranges::find(tracked.announcers, peer, &Announcer::peer)->bytes;
    if (bytes > 0 && bytes + more > kMaxPulledBytes) break;
    has_room = judging_.size() < kMaxJudgedItems && judging_bytes_ + bytes + more <= kMaxJudgedBytes &&
               one.judged + one.asked.size() < kMaxJudgedOfPeer;
    if (!has_room) break;
    bytes += more;
    set_asked(id, tracked, true);
    one.asked.insert(id);
    one.asks.push_back(id);
  }
  if (one.asked.empty()) return has_room;
  one.asked_until = now.plus_ms(kPullTimeoutMs);
  ready(peer);
  return true;
}

Instant ItemRelay::next_deadline() const {
  Instant out = pull_at_;
  for (const auto& [peer, one] : peers_) {
    if (!one.asked.empty()) out = std::min(out, one.asked_until);
  }
  return out;
}

// Who lets a request pass loses all it has announced, so that others are asked, and is asked nothing until it answers.
void ItemRelay::expire(Instant now) {
  for (auto& [peer, one] : peers_) {
    if (one.asked.empty() || now < one.asked_until) continue;
    ++stats_.timeouts;
    offend(peer, 1);
    one.late = one.asked;
    lose_offers(peer, one);
  }
  pull(now);
}

// --- what goes ---

std::vector<PeerId> ItemRelay::take_ready() {
  const auto ready = std::exchange(ready_, {});
  return {ready.begin(), ready.end()};
}

Bytes ItemRelay::next_frame(const PeerId& to, Instant /*now*/) {
  Peer* const peer = find(to);
  if (peer == nullptr) return {};
  if (!peer->asks.empty()) {
    WantItems want;
    want.ids.assign(peer->asks.begin(), peer->asks.end());
    peer->asks.clear();
    return encode(ItemFrameOf(std::move(want)));
  }
  if (!peer->refusals.empty()) {
    NoItems none;
    const std::size_t count = std::min(kMaxPulledIds, peer->refusals.size());
    none.ids.assign(peer->refusals.begin(), peer->refusals.begin() + static_cast<std::ptrdiff_t>(count));
    peer->refusals.erase(peer->refusals.begin(), peer->refusals.begin() + static_cast<std::ptrdiff_t>(count));
    return encode(ItemFrameOf(std::move(none)));
  }
  if (!peer->answers.empty()) return answer(*peer);
  if (!peer->pushes.empty()) {
    if (Bytes frame = push(*peer); !frame.empty()) return frame;
  }
  return peer->announcements.empty() ? Bytes() : announce(*peer);
}

Bytes ItemRelay::answer(Peer& peer) {
  HandItems hand;
  std::size_t bytes = 0;
  for (const ItemId& id : std::exchange(peer.answers, {})) {
    const SharedItem item = pool_.find(id);
    if (item == nullptr || (bytes > 0 && bytes + item->size() > kMaxPulledBytes)) {
      peer.refusals.push_back(id);
      continue;
    }
    bytes += item->size();
    peer.known.add(mark(id));
    hand.items.emplace_back(ByteView(*item));
  }
  if (!hand.items.empty()) return encode(ItemFrameOf(std::move(hand)));
  NoItems none;
  none.ids.assign(peer.refusals.begin(), peer.refusals.end());
  peer.refusals.clear();
  return encode(ItemFrameOf(std::move(none)));
}

Bytes ItemRelay::push(Peer& peer) {
  HandItems hand;
  std::size_t bytes = 0;
  while (!peer.pushes.empty() && bytes < kHandedFrameBytes && hand.items.size() < kMaxPulledIds) {
    const SharedItem item = pool_.find(peer.pushes.front());
    peer.pushes.pop_front();
    if (item == nullptr) continue;  // it left the pool while it waited
    bytes += item->size();
    hand.items.emplace_back(ByteView(*item));
  }
  peer.push_bytes = peer.pushes.empty() ? 0 : peer.push_bytes - std::min(peer.push_bytes, bytes);
  return hand.items.empty() ? Bytes() : encode(ItemFrameOf(std::move(hand)));
}

Bytes ItemRelay::announce(Peer& peer) {
  AnnounceItems frame;
  while (!peer.announcements.empty() && frame.items.size() < kMaxAnnouncedAFrame) {
    const ItemId id = peer.announcements.front();
    peer.announcements.pop_front();
    const SharedItem item = pool_.find(id);
    if (item != nullptr) frame.items.push_back({.id = id, .bytes = static_cast<std::uint32_t>(item->size())});
  }
  return frame.items.empty() ? Bytes() : encode(ItemFrameOf(std::move(frame)));
}

}  // namespace micro::p2p
