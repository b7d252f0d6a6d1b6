#include "p2p/discovery/contacts.hpp"

#include <algorithm>

namespace micro::p2p {

Place Place::of(const Multiaddr& address) {
  const auto ip = IpAddress::of(address);
  if (!ip || ip->reach() != Reach::kPublic) return {};
  return {.is_limited = true, .group = AddressGroup::of(*ip), .subnet = ip->subnet()};
}

std::optional<ContactId> PeerContacts::add(const PeerInfo& info, Heard heard) {
  const auto found = numbers_.find(info.peer);
  if (found == numbers_.end() && (info.addresses.empty() || is_full())) return std::nullopt;
  ContactId contact = 0;
  if (found != numbers_.end()) {
    contact = found->second;
    if (info.addresses.empty() || heard < nodes_[contact].heard) return contact;
  } else if (free_.empty()) {
    contact = static_cast<ContactId>(nodes_.size());
    nodes_.emplace_back();
  } else {
    contact = free_.back();
    free_.pop_back();
  }
  if (found == numbers_.end()) {
    numbers_.emplace(info.peer, contact);
    nodes_[contact] = {.info = {.peer = info.peer, .addresses = {}}, .key = kad_key(info.peer), .place = {}};
  }
  Node& node = nodes_[contact];
  node.heard = heard;
  node.info.addresses = info.addresses;
  if (node.info.addresses.size() > kMaxPeerAddresses) node.info.addresses.resize(kMaxPeerAddresses);
  node.place = Place::of(node.info.addresses.front());
  return contact;
}

std::optional<ContactId> PeerContacts::find(const PeerId& peer) const {
  const auto found = numbers_.find(peer);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

void PeerContacts::keep_only(std::vector<ContactId> held) {
  std::ranges::sort(held);
  std::erase_if(numbers_, [&](const auto& entry) {
    if (std::ranges::binary_search(held, entry.second)) return false;
    nodes_[entry.second] = {};
    free_.push_back(entry.second);
    return true;
  });
}

}  // namespace micro::p2p
