// Every parser of p2p/wire; the first byte picks one. What is accepted prints and reads back as the same thing.
#include "p2p/wire/base_n.hpp"
#include "p2p/wire/identify.hpp"
#include "p2p/wire/varint.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

using namespace p2p;

bool fuzz_varint(ByteView input) {
  const auto read = read_whole_varint(input);
  if (!read) return false;
  Bytes again;
  append_varint(again, read->value);
  CHECK(std::ranges::equal(again, input.first(read->bytes)), "a varint has one form");
  return true;
}

bool fuzz_peer_id(ByteView input) {
  const auto id = PeerId::from(input);
  if (!id) return false;
  CHECK(PeerId::parse(id->text()) == *id && PeerId::parse(id->cid_text()) == *id, "a peer id reads back");
  return true;
}

bool fuzz_peer_text(ByteView input) {
  const auto id = PeerId::parse(as_text(input));
  if (!id) return false;
  CHECK(PeerId::from(id->view()) == *id, "text names a valid multihash");
  return true;
}

bool fuzz_address(ByteView input) {
  const auto address = Multiaddr::from(input);
  if (!address) return false;
  CHECK(address->parts().size() <= kMaxMultiaddrParts, "few parts");
  (void)address->tcp_target();
  // Lengths and codes have one form, so that text gives back the bytes; an empty address has no text.
  if (!address->empty()) CHECK(Multiaddr::parse(address->text()) == *address, "an address reads back");
  return true;
}

bool fuzz_address_text(ByteView input) {
  const auto address = Multiaddr::parse(as_text(input));
  if (!address) return false;
  if (!address->empty()) CHECK(Multiaddr::parse(address->text()) == *address, "an address reads back");
  return true;
}

bool fuzz_identify(ByteView input) {
  const auto message = Identify::decode(input);
  if (!message) return false;
  const Bytes again = message->encode();
  CHECK(Identify::decode(again) == *message, "identify reads back");
  return true;
}

bool fuzz_identify_stream(ByteView input) {
  const auto merged = Identify::decode_all(input);
  if (!merged) return false;
  const Bytes again = merged->encode_with_length();
  // What is merged may be more than one message holds.
  if (const auto read = Identify::decode_all(again)) CHECK(*read == *merged, "identify reads back");
  return true;
}

bool fuzz_record(ByteView input) {
  const auto record = PeerRecord::open(input);
  return record.has_value();
}

bool fuzz_key(ByteView input) {
  const auto key = IdentityKey::decode(input);
  if (!key) return false;
  CHECK(IdentityKey::decode(key->encode()) == *key, "a key reads back");
  CHECK(!key->verify(as_bytes("m"), input), "nobody signed");
  return true;
}

constexpr bool (*kTargets[])(ByteView) = {fuzz_varint,  fuzz_peer_id,      fuzz_peer_text,
                                          fuzz_address, fuzz_address_text, fuzz_identify,
                                          fuzz_record,  fuzz_key,          fuzz_identify_stream};

Bytes seed(std::uint8_t target, ByteView input) {
  Bytes out{target};
  out.insert(out.end(), input.begin(), input.end());
  return out;
}

}  // namespace

bool fuzz(ByteView input) {
  return !input.empty() && input[0] < std::size(kTargets) && kTargets[input[0]](input.subspan(1));
}

std::vector<Bytes> fuzz_seeds() {
  const HostKey key = HostKey::from_seed(Hash{});
  const Multiaddr address = Multiaddr::tcp("192.0.2.1", 4001).value().with_peer(key.peer_id());
  const Multiaddr name = Multiaddr::parse("/dns4/example.com/tcp/1/tls/ws").value();
  const PeerRecord record{.peer = key.peer_id(), .sequence = 3, .addresses = {address, name}};
  Identify identify;
  identify.public_key = key.public_key();
  identify.listen_addresses = {address, name, Multiaddr::parse("/unix/a/b").value()};
  identify.protocols = {std::string(kPingProtocol), "/a"};
  identify.agent_version = "a";
  identify.signed_peer_record = record.seal(key);
  return {seed(0, Bytes{0x80, 0x01}),
          seed(1, key.peer_id()),
          seed(1, PeerId::of_encoded_key(Bytes(50))),
          seed(2, as_bytes(key.peer_id().text())),
          seed(2, as_bytes(key.peer_id().cid_text())),
          seed(3, address.bytes()),
          seed(3, name.bytes()),
          seed(3, Multiaddr::parse("/ip6/::1/udp/9/quic-v1/webtransport/p2p-circuit").value().bytes()),
          seed(4, as_bytes(address.text())),
          seed(4, as_bytes("/ip6/::1/tcp/1/certhash/baeaq")),
          seed(5, identify.encode()),
          seed(8, identify.encode_with_length()),
          seed(6, record.seal(key)),
          seed(7, key.public_key().encode())};
}

}  // namespace micro::test
