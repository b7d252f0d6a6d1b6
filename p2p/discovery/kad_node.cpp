#include "p2p/discovery/kad_node.hpp"

#include <algorithm>

namespace micro::p2p {

KadNode::KadNode(KadConfig config, const PeerId& self, Random& random)
    : config_(config), self_(self), kad_(config.limits, self, contacts_, random) {}

// No names: anybody could have us ask for any, and each would count as a network of its own.
bool KadNode::is_somewhere(const Multiaddr& address) const {
  const auto ip = IpAddress::of(address);
  if (!ip || !address.tcp_target()) return false;
  return ip->reach() == Reach::kPublic || (ip->reach() == Reach::kLocal && config_.local_addresses);
}

// Numbers of contacts that a caller holds only for this turn are lost here: it runs before any is handed out.
void KadNode::make_room() {
  if (contacts_.size() < kMaxContacts - 4 * kMaxKadPeers) return;
  contacts_.keep_only(kad_.held());
}

std::optional<ContactId> KadNode::take(PeerInfo peer, Heard heard) {
  if (peer.peer == self_ || peer.peer.empty()) return std::nullopt;
  std::erase_if(peer.addresses, [&](const Multiaddr& address) { return !is_somewhere(address); });
  return contacts_.add(peer, heard);
}

std::vector<ContactId> KadNode::take_all(const std::vector<PeerInfo>& peers, std::size_t most) {
  std::vector<ContactId> out;
  for (std::size_t n = 0; n < peers.size() && n < most; ++n) {
    if (const auto contact = take(peers[n], Heard::kFromOthers)) out.push_back(*contact);
  }
  return out;
}

void KadNode::add_seed(const PeerInfo& peer) {
  make_room();
  if (const auto contact = take(peer, Heard::kFromOthers)) kad_.add_seed(*contact);
}

void KadNode::on_server(const PeerInfo& peer, Instant now, const Multiaddr& at) {
  make_room();
  const auto contact = take(peer, Heard::kFromItself);
  if (!contact) return;
  if (!at.empty()) contacts_.set_seen_at(*contact, at);
  kad_.on_server(*contact, now);
}

void KadNode::on_connected(const PeerId& peer, const Multiaddr& at) {
  if (const auto contact = contacts_.find(peer)) contacts_.set_seen_at(*contact, at);
}

void KadNode::on_client(const PeerId& peer) {
  if (const auto contact = contacts_.find(peer)) kad_.on_client(*contact);
}

void KadNode::forget(const PeerId& peer) {
  if (const auto contact = contacts_.find(peer)) kad_.forget(*contact);
}

Result<std::optional<Bytes>> KadNode::answer(const PeerInfo& from, ByteView message, Instant now, const Multiaddr& at) {
  if (!config_.is_server) return fail(Fault::kDenied, "this node answers nobody");
  KadMessage request = TRY(KadMessage::decode(message));
  make_room();
  PeerInfo asker = from;
  if (request.type == KadType::kAddProvider) {
    // A peer may only speak for itself, which the channel has proved.
    const auto own = std::ranges::find(request.providers, from.peer, &PeerInfo::peer);
    if (own == request.providers.end()) return fail(Fault::kInvalid, "a provider names somebody else");
    asker.addresses = own->addresses;
  } else if (request.type == KadType::kPutValue) {
    return fail(Fault::kDenied, "values are kept by the ledger");
  } else if (request.type == KadType::kPing) {
    return KadMessage{.type = KadType::kPing, .name = {}, .closer = {}, .providers = {}}.encode();
  }
  if (request.name.empty()) return fail(Fault::kInvalid, "a request for nothing");
  if (request.type == KadType::kAddProvider) {
    const auto contact = take(asker, Heard::kFromItself);
    if (contact && !at.empty()) contacts_.set_seen_at(*contact, at);
    if (contact) kad_.answer(*contact, {.type = request.type, .name = request.name}, now);
    return std::nullopt;
  }
  constexpr ContactId kNobody = ~ContactId{0};  // an asker that is unknown here is in no table
  const ContactId contact = contacts_.find(from.peer).value_or(kNobody);
  const KadReply reply = kad_.answer(contact, {.type = request.type, .name = request.name}, now);
  KadMessage out{.type = request.type, .name = request.name, .closer = infos(reply.closer), .providers = {}};
  out.providers = infos(reply.providers);
  const bool is_own = request.type == KadType::kGetProviders && kad_.provides(request.name);
  if (is_own) out.providers.insert(out.providers.begin(), {self_, addresses_});
  const bool is_for_us = request.type == KadType::kFindNode && std::ranges::equal(request.name, self_.view());
  if (is_for_us && !addresses_.empty()) out.closer.insert(out.closer.begin(), {self_, addresses_});
  return out.encode();
}

Status KadNode::on_reply(RequestId request, ByteView message, Instant now) {
  const auto said = KadMessage::decode(message);
  if (!said) {
    kad_.on_failed(request, now);
    return std::unexpected(said.error());
  }
  make_room();
  const KadReply reply{.closer = take_all(said->closer, config_.limits.lookup.nearest),
                       .providers = take_all(said->providers, kMaxProvidersOfKey)};
  kad_.on_reply(request, reply, now);
  return {};
}

KadNode::Effects KadNode::take_effects() {
  Effects out;
  for (KadEffect& effect : kad_.take_effects()) {
    if (const auto* found = std::get_if<KadFound>(&effect)) {
      out.found.push_back({.lookup = found->lookup,
                           .closest = infos(found->closest),
                           .providers = infos(found->providers),
                           .asked = found->asked,
                           .hops = found->hops});
      continue;
    }
    auto& send = std::get<KadSend>(effect);
    KadMessage message{.type = send.what.type, .name = std::move(send.what.name), .closer = {}, .providers = {}};
    if (message.type == KadType::kAddProvider) message.providers.push_back({self_, addresses_});
    out.outgoing.push_back({.request = send.request,
                            .to = contacts_.info(send.to),
                            .message = message.encode(),
                            .is_answered = send.is_answered});
  }
  return out;
}

std::vector<PeerInfo> KadNode::infos(const std::vector<ContactId>& contacts) const {
  std::vector<PeerInfo> out;
  out.reserve(contacts.size());
  for (const ContactId contact : contacts) out.push_back(contacts_.info(contact));
  return out;
}

std::vector<PeerInfo> KadNode::table() const {
  return infos(kad_.table().closest(kad_key(self_), kad_.table().size()));
}

}  // namespace micro::p2p
