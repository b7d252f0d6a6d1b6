#include "p2p/discovery/exchange.hpp"

#include <algorithm>

namespace micro::p2p {

PeerExchange::Peer& PeerExchange::peer(const PeerId& id, Instant now) {
  if (peers_.size() >= kMaxExchangingPeers && !peers_.contains(id)) {
    peers_.erase(std::ranges::min_element(peers_, {}, [](const auto& entry) { return entry.second.seen; }));
  }
  Peer& out = peers_[id];
  out.seen = now;
  return out;
}

Result<Bytes> PeerExchange::answer(const PeerId& asker, Instant now) {
  Peer& one = peer(asker, now);
  if (one.answered && now < one.answered->plus_ms(kAnswerMs)) return fail(Fault::kBusy, "asked again too soon");
  one.answered = now;
  // A young book that grew has more to tell than its first sample.
  if (!sampled_ || now >= sampled_->plus_ms(kSampleMs) || book_.size() >= 2 * sampled_size_) {
    AddressList list;
    for (const PeerAddress& at : book_.sample(kLeastExchanged, kMaxExchanged, kDisclosedPercent, now)) {
      if (at.address.bytes().size() > decltype(ExchangedAddress::address)::kMax) continue;
      list.addresses.push_back(
          {.peer = Blob<kMaxPeerIdBytes>(at.peer.view()), .address = Blob<128>(ByteView(at.address.bytes()))});
    }
    sample_ = encode(list);
    sampled_ = now;
    sampled_size_ = book_.size();
  }
  return sample_;
}

Result<std::size_t> PeerExchange::learn(const PeerId& teller, const Multiaddr& from, ByteView message, Instant now) {
  if (message.size() > kMaxExchangeBytes) return fail(Fault::kInvalid, "a list of addresses is too long");
  const auto list = decode<AddressList>(message);
  if (!list) return fail(Fault::kInvalid, "no list of addresses: " + list.error().message);
  Peer& one = peer(teller, now);
  const Instant tenth{now.ns / 10};  // in the bucket's unit of time
  std::size_t news = 0;
  for (const ExchangedAddress& each : list->addresses) {
    const auto peer_id = PeerId::from(each.peer);
    const auto address = Multiaddr::from(each.address);
    if (!peer_id || !address) return fail(Fault::kInvalid, "an address that is none");
    if (!one.believed.take(1, tenth)) break;
    news += book_.add({*peer_id, *address}, from, now) ? 1 : 0;
  }
  return news;
}

}  // namespace micro::p2p
