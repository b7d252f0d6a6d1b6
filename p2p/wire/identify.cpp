#include "p2p/wire/identify.hpp"

#include "p2p/wire/protobuf.hpp"
#include "p2p/wire/varint.hpp"

namespace micro::p2p {
namespace {

constexpr std::string_view kRecordDomain = "libp2p-peer-record";
constexpr std::array<std::uint8_t, 2> kRecordType{0x03, 0x01};

Result<std::string> short_text(const ProtoField& field, std::size_t max_bytes) {
  const ByteView bytes = TRY(proto_bytes(field));
  if (bytes.size() > max_bytes) return fail(Fault::kLimit, "a text of identify is too long");
  return std::string(as_text(bytes));
}

Status add_address(std::vector<Multiaddr>& addresses, const ProtoField& field) {
  const ByteView bytes = TRY(proto_bytes(field));
  if (addresses.size() == kMaxListedAddresses) return fail(Fault::kLimit, "a peer lists too many addresses");
  if (auto address = Multiaddr::from(bytes)) addresses.push_back(std::move(*address));
  return {};
}

// What an envelope's signature covers: each part behind its length.
Bytes signed_part(ByteView payload) {
  Bytes out;
  for (const ByteView part : {as_bytes(kRecordDomain), ByteView(kRecordType), payload}) {
    append_varint(out, part.size());
    append_bytes(out, part);
  }
  return out;
}

Result<PeerRecord> decode_record(ByteView payload) {
  PeerRecord record;
  ProtoReader reader(payload);
  while (const auto field = TRY(reader.next())) {
    if (field->number == 1) record.peer = TRY(PeerId::from(TRY(proto_bytes(*field))));
    if (field->number == 2) record.sequence = TRY(proto_number(*field));
    if (field->number != 3) continue;
    ProtoReader inner(TRY(proto_bytes(*field)));
    while (const auto part = TRY(inner.next())) {
      if (part->number == 1) TRY(add_address(record.addresses, *part));
    }
  }
  return record;
}

}  // namespace

Result<Identify> Identify::decode(ByteView message) {
  if (message.size() > kMaxIdentifyMessageBytes) return fail(Fault::kLimit, "an identify message is too long");
  Identify out;
  ProtoReader reader(message);
  while (const auto field = TRY(reader.next())) {
    switch (field->number) {
      case 1:
        out.public_key = TRY(IdentityKey::decode(TRY(proto_bytes(*field))));
        break;
      case 2:
        TRY(add_address(out.listen_addresses, *field));
        break;
      case 3:
        if (out.protocols.size() == kMaxListedProtocols) return fail(Fault::kLimit, "a peer lists too many protocols");
        out.protocols.push_back(TRY(short_text(*field, kMaxProtocolNameBytes)));
        break;
      case 4:
        if (auto seen = Multiaddr::from(TRY(proto_bytes(*field)))) out.observed_address = std::move(*seen);
        break;
      case 5:
        out.protocol_version = TRY(short_text(*field, kMaxAgentBytes));
        break;
      case 6:
        out.agent_version = TRY(short_text(*field, kMaxAgentBytes));
        break;
      case 8:
        out.signed_peer_record = to_bytes(TRY(proto_bytes(*field)));
        break;
      default:
        break;
    }
  }
  return out;
}

void Identify::merge(Identify&& later) {
  if (later.public_key) public_key = std::move(later.public_key);
  if (later.observed_address) observed_address = std::move(later.observed_address);
  if (!later.listen_addresses.empty()) listen_addresses = std::move(later.listen_addresses);
  if (!later.protocols.empty()) protocols = std::move(later.protocols);
  if (!later.protocol_version.empty()) protocol_version = std::move(later.protocol_version);
  if (!later.agent_version.empty()) agent_version = std::move(later.agent_version);
  if (!later.signed_peer_record.empty()) signed_peer_record = std::move(later.signed_peer_record);
}

Bytes Identify::encode() const {
  ProtoWriter writer;
  if (public_key) writer.bytes(1, public_key->encode());
  for (const Multiaddr& address : listen_addresses) writer.bytes(2, address.bytes());
  for (const std::string& protocol : protocols) writer.text(3, protocol);
  if (observed_address) writer.bytes(4, observed_address->bytes());
  if (!protocol_version.empty()) writer.text(5, protocol_version);
  if (!agent_version.empty()) writer.text(6, agent_version);
  if (!signed_peer_record.empty()) writer.bytes(8, signed_peer_record);
  return writer.take();
}

Bytes PeerRecord::seal(const HostKey& key) const {
  ProtoWriter record;
  record.bytes(1, peer);
  record.varint(2, sequence);
  for (const Multiaddr& address : addresses) {
    ProtoWriter info;
    info.bytes(1, address.bytes());
    record.bytes(3, info.view());
  }
  ProtoWriter envelope;
  envelope.bytes(1, key.public_key().encode());
  envelope.bytes(2, kRecordType);
  envelope.bytes(3, record.view());
  envelope.bytes(5, key.sign(signed_part(record.view())));
  return envelope.take();
}

Result<Identify> Identify::decode_all(ByteView bytes) {
  Identify merged;
  for (std::size_t messages = 0; !bytes.empty(); ++messages) {
    if (messages == kMaxIdentifyMessages) return fail(Fault::kLimit, "too many identify messages");
    const VarintRead length = TRY(read_whole_varint(bytes));
    bytes = bytes.subspan(length.bytes);
    if (length.value > bytes.size()) return fail(Fault::kInvalid, "an identify message is cut off");
    merged.merge(TRY(decode(bytes.first(static_cast<std::size_t>(length.value)))));
    bytes = bytes.subspan(static_cast<std::size_t>(length.value));
  }
  return merged;
}

Bytes Identify::encode_with_length() const {
  const Bytes message = encode();
  Bytes out;
  append_varint(out, message.size());
  append_bytes(out, message);
  return out;
}

Result<PeerRecord> PeerRecord::open(ByteView envelope) {
  if (envelope.size() > kMaxIdentifyMessageBytes) return fail(Fault::kLimit, "a peer record is too long");
  std::optional<IdentityKey> key;
  ByteView type;
  ByteView payload;
  ByteView signature;
  ProtoReader reader(envelope);
  while (const auto field = TRY(reader.next())) {
    if (field->number == 1) key = TRY(IdentityKey::decode(TRY(proto_bytes(*field))));
    if (field->number == 2) type = TRY(proto_bytes(*field));
    if (field->number == 3) payload = TRY(proto_bytes(*field));
    if (field->number == 5) signature = TRY(proto_bytes(*field));
  }
  if (!key || as_text(type) != as_text(kRecordType)) return fail(Fault::kInvalid, "an envelope of something else");
  if (!key->verify(signed_part(payload), signature)) return fail(Fault::kMismatch, "a peer record's signature is bad");
  PeerRecord record = TRY(decode_record(payload));
  if (record.peer != key->peer_id()) return fail(Fault::kMismatch, "a peer record signed by somebody else");
  return record;
}

}  // namespace micro::p2p
