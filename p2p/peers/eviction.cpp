#include "p2p/peers/eviction.hpp"

#include <algorithm>
#include <map>

#include "chain/crypto/hash.hpp"

namespace micro::p2p {
namespace {

// Takes the first `count` of that order out of the list: they are kept.
template <class Less>
void keep(std::vector<InboundPeer>& peers, std::size_t count, Less less) {
  std::ranges::sort(peers, less);
  peers.erase(peers.begin(), peers.begin() + static_cast<std::ptrdiff_t>(std::min(count, peers.size())));
}

Hash keyed(const AddressGroup& group, const Hash& secret) {
  Bytes text(secret.view().begin(), secret.view().end());
  text.insert(text.end(), group.view().begin(), group.view().end());
  return sha256(text);
}

bool longer(const InboundPeer& a, const InboundPeer& b) {
  return std::pair(a.since, a.connection) < std::pair(b.since, b.connection);
}

void keep_by_group(std::vector<InboundPeer>& peers, const Hash& secret) {
  std::map<Hash, ConnectionId> oldest;  // of each group, in an order nobody can foresee
  std::ranges::sort(peers, longer);
  for (const InboundPeer& peer : peers) oldest.try_emplace(keyed(peer.group, secret), peer.connection);
  std::size_t kept = 0;
  for (auto at = oldest.begin(); at != oldest.end() && kept < kKeptByGroup; ++at, ++kept) {
    std::erase_if(peers, [&](const InboundPeer& peer) { return peer.connection == at->second; });
  }
}

}  // namespace

std::optional<ConnectionId> pick_eviction(std::vector<InboundPeer> peers, const Hash& secret) {
  std::erase_if(peers, [](const InboundPeer& peer) { return peer.is_protected; });
  keep_by_group(peers, secret);
  keep(peers, kKeptByPing, [](const InboundPeer& a, const InboundPeer& b) {
    return std::pair(a.round_trip_ns - 1, a.connection) < std::pair(b.round_trip_ns - 1, b.connection);  // 0 is last
  });
  keep(peers, kKeptByUse, [](const InboundPeer& a, const InboundPeer& b) {
    return std::pair(a.useful.value_or(Instant()), b.connection) >
           std::pair(b.useful.value_or(Instant()), a.connection);
  });
  keep(peers, peers.size() / 2, longer);
  if (peers.empty()) return std::nullopt;
  std::map<AddressGroup, std::vector<const InboundPeer*>> groups;
  for (const InboundPeer& peer : peers) groups[peer.group].push_back(&peer);
  const auto largest = std::ranges::max_element(groups, {}, [](const auto& entry) { return entry.second.size(); });
  return (*std::ranges::max_element(largest->second, [](const auto* a, const auto* b) { return longer(*a, *b); }))
      ->connection;
}

}  // namespace micro::p2p
