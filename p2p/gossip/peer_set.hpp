// What a router keeps of its peers, small: maps from their ids, numbers for those that are connected, and sets of
// these. Each peer is in several sets of each topic: there it takes two bytes, not an id and a node of a tree.
#pragma once

#include <cstring>

#include "p2p/gossip/flat_map.hpp"
#include "p2p/wire/peer_id.hpp"

namespace micro::p2p {

/// The last bytes of an id: the first are the same in most.
inline std::uint32_t peer_tag(const PeerId& peer) {
  std::uint32_t out = 0;
  const ByteView bytes = peer.view();
  if (bytes.size() >= sizeof out) std::memcpy(&out, bytes.data() + bytes.size() - sizeof out, sizeof out);
  return out;
}

/// A map as a list sorted by the tags of the ids, which are looked through without looking at the ids.
/// Whoever makes up ids with equal ends makes it as slow as a list of so many. What is pointed at moves when something
/// comes or goes.
template <class Value>
class PeerMap {
 public:
  using Entry = std::pair<PeerId, Value>;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }
  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() const { return entries_.end(); }
  auto find(const PeerId& peer) { return entries_.begin() + place(peer).second; }
  [[nodiscard]] auto find(const PeerId& peer) const { return entries_.begin() + place(peer).second; }
  Value& operator[](const PeerId& peer) {
    const auto [free, found] = place(peer);
    if (found < std::ssize(entries_)) return entries_[static_cast<std::size_t>(found)].second;
    insert_tight(tags_, tags_.cbegin() + free, peer_tag(peer));
    return insert_tight(entries_, entries_.cbegin() + free, Entry(peer, Value()))->second;
  }
  void erase(typename std::vector<Entry>::iterator at) {
    tags_.erase(tags_.begin() + (at - entries_.begin()));
    entries_.erase(at);
  }
  template <class Passes>
  std::size_t erase_if(Passes passes) {
    const std::size_t count = std::erase_if(entries_, passes);
    if (count == 0) return 0;
    tags_.clear();
    for (const Entry& entry : entries_) tags_.push_back(peer_tag(entry.first));
    return count;
  }

 private:
  /// Where it would be added, and where it is; the end where it is not there.
  [[nodiscard]] std::pair<std::ptrdiff_t, std::ptrdiff_t> place(const PeerId& peer) const {
    const std::uint32_t wanted = peer_tag(peer);
    const auto first = std::lower_bound(tags_.begin(), tags_.end(), wanted) - tags_.begin();
    for (auto at = first; at < std::ssize(tags_) && tags_[static_cast<std::size_t>(at)] == wanted; ++at) {
      if (entries_[static_cast<std::size_t>(at)].first == peer) return {first, at};
    }
    return {first, std::ssize(entries_)};
  }
  std::vector<std::uint32_t> tags_;  // of the entries, in their order
  std::vector<Entry> entries_;
};

using PeerNumber = std::uint16_t;
inline constexpr PeerNumber kNobody = 0xffff;

class PeerNumbers {
 public:
  /// kNobody for one that has none.
  [[nodiscard]] PeerNumber find(const PeerId& peer) const {
    const std::uint32_t wanted = peer_tag(peer);
    auto at = std::ranges::lower_bound(order_, wanted, {}, &Place::tag);
    while (at != order_.end() && at->tag == wanted && ids_[at->number] != peer) ++at;
    return at != order_.end() && at->tag == wanted ? at->number : kNobody;
  }
  /// Of one that has none yet; numbers are used again.
  PeerNumber add(const PeerId& peer) {
    PeerNumber number = 0;
    while (number < ids_.size() && !ids_[number].empty()) ++number;
    if (number == ids_.size()) insert_tight(ids_, ids_.cend(), PeerId());
    ids_[number] = peer;
    const std::uint32_t tag = peer_tag(peer);
    insert_tight(order_, std::ranges::lower_bound(std::as_const(order_), tag, {}, &Place::tag), {tag, number});
    return number;
  }
  void remove(const PeerId& peer) {
    const PeerNumber number = find(peer);
    if (number == kNobody) return;
    std::erase_if(order_, [number](const Place& place) { return place.number == number; });
    ids_[number] = {};
  }
  [[nodiscard]] const PeerId& id(PeerNumber number) const { return ids_[number]; }
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  [[nodiscard]] std::vector<PeerNumber> all() const {
    std::vector<PeerNumber> out;
    for (const Place& place : order_) out.push_back(place.number);
    return out;
  }

 private:
  struct Place {
    std::uint32_t tag = 0;
    PeerNumber number = 0;
  };
  std::vector<PeerId> ids_;   // by number; empty where free
  std::vector<Place> order_;  // by tag
};

/// Only of peers that have a number; it is to be taken out of every set before it loses that.
class PeerSet {
 public:
  /// `numbers` outlives it.
  explicit PeerSet(const PeerNumbers& numbers) : numbers_(&numbers) {}
  [[nodiscard]] bool empty() const { return members_.empty(); }
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] bool contains(const PeerId& peer) const {
    return std::ranges::binary_search(members_, numbers_->find(peer));
  }
  void insert(const PeerId& peer) {
    const PeerNumber number = numbers_->find(peer);
    const auto at = std::ranges::lower_bound(std::as_const(members_), number);
    if (number != kNobody && (at == members_.end() || *at != number)) insert_tight(members_, at, number);
  }
  /// Whether it was there.
  bool erase(const PeerId& peer) { return std::erase(members_, numbers_->find(peer)) > 0; }
  void clear() { members_ = {}; }
  /// Copies: what is done to a peer may change the set.
  [[nodiscard]] std::vector<PeerId> ids() const {
    std::vector<PeerId> out;
    out.reserve(members_.size());
    for (const PeerNumber one : members_) out.push_back(numbers_->id(one));
    return out;
  }
  [[nodiscard]] const std::vector<PeerNumber>& numbers() const { return members_; }

 private:
  const PeerNumbers* numbers_;
  std::vector<PeerNumber> members_;  // sorted
};

}  // namespace micro::p2p
