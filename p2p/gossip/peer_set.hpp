// Peers by small numbers while they are connected, and sets of them. Each peer is in several sets of each topic: there
// it takes two bytes, not an id and a node of a tree.
#pragma once

#include "p2p/gossip/flat_map.hpp"
#include "p2p/wire/peer_id.hpp"

namespace micro::p2p {

using PeerNumber = std::uint16_t;
inline constexpr PeerNumber kNobody = 0xffff;

class PeerNumbers {
 public:
  /// kNobody for one that has none.
  [[nodiscard]] PeerNumber find(const PeerId& peer) const {
    const auto at = place(peer);
    return at != sorted_.end() && ids_[*at] == peer ? *at : kNobody;
  }
  /// Of one that has none yet; numbers are used again.
  PeerNumber add(const PeerId& peer) {
    PeerNumber number = 0;
    while (number < ids_.size() && !ids_[number].empty()) ++number;
    const auto at = place(peer);
    if (number == ids_.size()) {
      insert_tight(ids_, ids_.cend(), peer);
    } else {
      ids_[number] = peer;
    }
    insert_tight(sorted_, at, number);
    return number;
  }
  void remove(const PeerId& peer) {
    const auto at = place(peer);
    if (at == sorted_.end() || ids_[*at] != peer) return;
    ids_[*at] = {};
    sorted_.erase(at);
  }
  [[nodiscard]] const PeerId& id(PeerNumber number) const { return ids_[number]; }
  [[nodiscard]] const std::vector<PeerNumber>& sorted() const { return sorted_; }
  [[nodiscard]] std::size_t size() const { return sorted_.size(); }

 private:
  [[nodiscard]] std::vector<PeerNumber>::const_iterator place(const PeerId& peer) const {
    return std::partition_point(sorted_.begin(), sorted_.end(), [&](PeerNumber one) { return ids_[one] < peer; });
  }
  std::vector<PeerId> ids_;         // by number; empty where free
  std::vector<PeerNumber> sorted_;  // by id
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
