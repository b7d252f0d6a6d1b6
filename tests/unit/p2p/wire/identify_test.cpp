#include "p2p/wire/identify.hpp"

#include <gtest/gtest.h>

#include "p2p/wire/protobuf.hpp"

namespace micro::p2p {
namespace {

Identify sample() {
  const HostKey key = HostKey::from_seed(Hash{});
  Identify out;
  out.public_key = key.public_key();
  out.listen_addresses = {Multiaddr::tcp("192.0.2.1", 1).value(), Multiaddr::tcp("::1", 2).value()};
  out.protocols = {"/a/1", "/b/2"};
  out.observed_address = Multiaddr::tcp("198.51.100.9", 99).value();
  out.protocol_version = "ipfs/0.1.0";
  out.agent_version = "agent";
  out.signed_peer_record = PeerRecord{.peer = key.peer_id(), .sequence = 1, .addresses = {}}.seal(key);
  return out;
}

TEST(IdentifyMessage, ComesBackAsItWasWritten) {
  EXPECT_EQ(Identify::decode(sample().encode()).value(), sample());
  EXPECT_EQ(Identify::decode({}).value(), Identify{});
}

TEST(IdentifyMessage, LeavesOutAddressesOfUnknownKinds) {
  ProtoWriter writer;
  writer.bytes(2, from_hex("ffff01").value());
  writer.bytes(2, Multiaddr::tcp("192.0.2.1", 1).value().bytes());
  writer.bytes(99, as_bytes("later"));
  EXPECT_EQ(Identify::decode(writer.view()).value().listen_addresses.size(), 1U);
}

TEST(IdentifyMessage, LimitsEveryListAndText) {
  ProtoWriter many;
  for (std::size_t n = 0; n <= kMaxListedProtocols; ++n) many.text(3, "/a");
  EXPECT_EQ(Identify::decode(many.view()).error().fault, Fault::kLimit);
  ProtoWriter addresses;
  for (std::size_t n = 0; n <= kMaxListedAddresses; ++n) addresses.bytes(2, {});
  EXPECT_EQ(Identify::decode(addresses.view()).error().fault, Fault::kLimit);
  ProtoWriter agent;
  agent.text(6, std::string(257, 'a'));
  EXPECT_EQ(Identify::decode(agent.view()).error().fault, Fault::kLimit);
  EXPECT_EQ(Identify::decode(Bytes(kMaxIdentifyMessageBytes + 1)).error().fault, Fault::kLimit);
}

TEST(IdentifyMessage, ALaterMessageReplacesWhatItNames) {
  Identify merged = sample();
  Identify later;
  later.protocols = {"/c/3"};
  merged.merge(std::move(later));
  Identify expected = sample();
  expected.protocols = {"/c/3"};
  EXPECT_EQ(merged, expected);
}

TEST(PeerRecords, OnlyThePeerItselfSigns) {
  const HostKey key = HostKey::from_seed(Hash{});
  const PeerRecord record{.peer = key.peer_id(), .sequence = 7, .addresses = {Multiaddr::tcp("192.0.2.1", 1).value()}};
  const Bytes envelope = record.seal(key);
  EXPECT_EQ(PeerRecord::open(envelope).value(), record);
  const HostKey other = HostKey::from_seed(Hash::from(Bytes(32, 1)).value());
  EXPECT_EQ(PeerRecord::open(record.seal(other)).error().fault, Fault::kMismatch);
}

TEST(PeerRecords, AFlippedBitIsNoticed) {
  const HostKey key = HostKey::from_seed(Hash{});
  const PeerRecord record{.peer = key.peer_id(), .sequence = 7, .addresses = {Multiaddr::tcp("192.0.2.1", 1).value()}};
  Bytes envelope = record.seal(key);
  for (std::size_t at = 0; at < envelope.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      envelope[at] ^= static_cast<std::uint8_t>(1 << bit);
      EXPECT_FALSE(PeerRecord::open(envelope)) << at << " " << bit;
      envelope[at] ^= static_cast<std::uint8_t>(1 << bit);
    }
  }
}

TEST(Identify, AStreamCarriesSeveralMessagesThatAreMergedAndNoMoreThanTen) {
  Identify later;
  later.agent_version = "later";
  Bytes stream = sample().encode_with_length();
  const Bytes more = later.encode_with_length();
  stream.insert(stream.end(), more.begin(), more.end());
  Identify merged = sample();
  merged.merge(Identify(later));
  EXPECT_EQ(Identify::decode_all(stream).value(), merged);
  EXPECT_EQ(Identify::decode_all({}).value(), Identify{});
  EXPECT_EQ(Identify::decode_all(std::span(stream).first(stream.size() - 1)).error().fault, Fault::kInvalid);
  Bytes many;
  for (std::size_t n = 0; n < kMaxIdentifyMessages; ++n) many.insert(many.end(), more.begin(), more.end());
  EXPECT_TRUE(Identify::decode_all(many).has_value());
  many.insert(many.end(), more.begin(), more.end());
  EXPECT_EQ(Identify::decode_all(many).error().fault, Fault::kLimit);
}

}  // namespace
}  // namespace micro::p2p
