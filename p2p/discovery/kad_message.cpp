#include "p2p/discovery/kad_message.hpp"

#include "p2p/wire/protobuf.hpp"

namespace micro::p2p {
namespace {

enum Field : std::uint32_t { kType = 1, kName = 2, kCloser = 8, kProviders = 9, kClusterLevel = 10 };
enum PeerField : std::uint32_t { kId = 1, kAddress = 2, kConnection = 3 };

Result<std::optional<PeerInfo>> decode_peer(ByteView message) {
  PeerInfo out;
  std::size_t listed = 0;
  bool is_known = false;
  ProtoReader reader(message);
  while (const auto field = TRY(reader.next())) {
    if (field->number == kId) {
      const auto peer = PeerId::from(TRY(proto_bytes(*field)));
      is_known = peer.has_value();
      if (peer) out.peer = *peer;
    }
    if (field->number != kAddress) continue;
    const ByteView bytes = TRY(proto_bytes(*field));
    if (++listed > kMaxKadPeers) return fail(Fault::kLimit, "a peer lists too many addresses");
    auto address = Multiaddr::from(bytes);
    if (address && !address->empty() && out.addresses.size() < kMaxPeerAddresses) {
      out.addresses.push_back(address->without_peer());
    }
  }
  if (!is_known) return std::nullopt;
  return out;
}

Status add_peer(std::vector<PeerInfo>& peers, const ProtoField& field) {
  if (peers.size() == kMaxKadPeers) return fail(Fault::kLimit, "a message lists too many peers");
  auto peer = TRY(decode_peer(TRY(proto_bytes(field))));
  if (peer) peers.push_back(std::move(*peer));
  return {};
}

void encode_peers(ProtoWriter& writer, std::uint32_t number, const std::vector<PeerInfo>& peers) {
  for (std::size_t n = 0; n < peers.size() && n < kMaxKadPeers; ++n) {
    ProtoWriter inner;
    inner.bytes(kId, peers[n].peer);
    for (std::size_t at = 0; at < peers[n].addresses.size() && at < kMaxPeerAddresses; ++at) {
      inner.bytes(kAddress, peers[n].addresses[at].bytes());
    }
    inner.varint(kConnection, 0);  // nobody relies on it
    writer.bytes(number, inner.view());
  }
}

}  // namespace

Result<KadMessage> KadMessage::decode(ByteView message) {
  if (message.size() > kMaxKadMessageBytes) return fail(Fault::kLimit, "a message of Kademlia is too long");
  KadMessage out;
  out.type = KadType::kPutValue;  // as proto3 has it: a missing number is zero
  ProtoReader reader(message);
  while (const auto field = TRY(reader.next())) {
    switch (field->number) {
      case kType: {
        const std::uint64_t type = TRY(proto_number(*field));
        if (type > static_cast<std::uint64_t>(KadType::kPing)) return fail(Fault::kInvalid, "no message of Kademlia");
        out.type = static_cast<KadType>(type);
        break;
      }
      case kName: {
        const ByteView name = TRY(proto_bytes(*field));
        if (name.size() > kMaxKadNameBytes) return fail(Fault::kLimit, "a name is too long to look for");
        out.name = to_bytes(name);
        break;
      }
      case kCloser:
        TRY(add_peer(out.closer, *field));
        break;
      case kProviders:
        TRY(add_peer(out.providers, *field));
        break;
      default:
        break;
    }
  }
  return out;
}

Bytes KadMessage::encode() const {
  ProtoWriter writer;
  writer.varint(kType, static_cast<std::uint64_t>(type));
  if (!name.empty()) writer.bytes(kName, name);
  encode_peers(writer, kCloser, closer);
  encode_peers(writer, kProviders, providers);
  writer.varint(kClusterLevel, 0);  // a field of old that some still expect
  return writer.take();
}

}  // namespace micro::p2p
