#include "p2p/discovery/contacts.hpp"

#include <algorithm>

namespace micro::p2p {

Place Place::of(const Multiaddr& address) {
  const auto ip = IpAddress::of(address);
  if (!ip || ip->reach() != Reach::kPublic) return {};
  return {.is_limited = true, .group = AddressGroup::of(*ip), .subnet = ip->subnet()};
}

namespace {

// Of what two strangers say in turn the newer first: a liar among them drives out half, not all.
std::vector<Multiaddr> merged(const std::vector<Multiaddr>& newer, const std::vector<Multiaddr>& older) {
  std::vector<Multiaddr> out;
  for (std::size_t n = 0; n < std::max(newer.size(), older.size()); ++n) {
    for (const auto* list : {&newer, &older}) {
      if (n < list->size() && std::ranges::find(out, (*list)[n]) == out.end()) out.push_back((*list)[n]);
    }
  }
  return out;
}

}  // namespace

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
  const bool is_rumour = heard == Heard::kFromOthers;
  node.info.addresses = is_rumour ? merged(info.addresses, node.info.addresses) : info.addresses;
  if (node.info.addresses.size() > kMaxPeerAddresses) node.info.addresses.resize(kMaxPeerAddresses);
  if (!node.is_seen) node.place = Place::of(node.info.addresses.front());
  return contact;
}

void PeerContacts::set_seen_at(ContactId contact, const Multiaddr& at) {
  nodes_[contact].place = Place::of(at);
  nodes_[contact].is_seen = true;
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
