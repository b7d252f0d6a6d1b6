// Bytes of every message that must never change. Those of Kademlia are the wire of libp2p's specs/kad-dht: field
// numbers and order as go-libp2p and js-libp2p write them.
#include <gtest/gtest.h>

#include "chain/codec/codec.hpp"
#include "chain/crypto/hash.hpp"
#include "p2p/discovery/dns.hpp"
#include "p2p/discovery/exchange.hpp"
#include "p2p/discovery/hello.hpp"
#include "p2p/discovery/kad_message.hpp"
#include "p2p/wire/identity.hpp"

namespace micro::p2p {
namespace {

PeerId a_peer() {
  return HostKey::from_seed(Hash{}).peer_id();
}
const std::string kPeer = "0024080112203b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
const std::string kAddress =
    "04c000020106"
    "0fa1";

TEST(DiscoveryVectors, KademliasMessages) {
  const PeerInfo peer{a_peer(), {Multiaddr::tcp("192.0.2.1", 4001).value()}};
  const std::string as_peer = "0a26" + kPeer + "1208" + kAddress + "1800";
  const auto hex = [](KadType type, std::string_view name, std::vector<PeerInfo> closer,
                      std::vector<PeerInfo> providers) {
    const KadMessage message{
        .type = type, .name = to_bytes(name), .closer = std::move(closer), .providers = std::move(providers)};
    EXPECT_EQ(KadMessage::decode(message.encode()).value(), message);
    return to_hex(message.encode());
  };
  EXPECT_EQ(hex(KadType::kPing, "", {}, {}), "08055000");
  EXPECT_EQ(hex(KadType::kFindNode, "ab", {}, {}), "0804120261625000");
  EXPECT_EQ(hex(KadType::kFindNode, "ab", {peer}, {}), "0804120261624234" + as_peer + "5000");
  EXPECT_EQ(hex(KadType::kGetProviders, "ab", {peer}, {peer}),
            "0803120261624234" + as_peer + "4a34" + as_peer + "5000");
  EXPECT_EQ(hex(KadType::kAddProvider, "ab", {}, {peer}), "0802120261624a34" + as_peer + "5000");
  EXPECT_EQ(hex(KadType::kGetValue, "ab", {}, {}), "0801120261625000");
}

// A record, an unknown field, an address of an unknown kind and a peer that nobody is are read over.
TEST(DiscoveryVectors, WhatOthersAddIsReadOver) {
  const Bytes message = from_hex(
                            "0801"
                            "12026162"
                            "1a080a026162120263"
                            "64"
                            "4203"
                            "0a0161"
                            "4204"
                            "12027f01"
                            "6207" +
                            std::string("31323334353637"))
                            .value();
  const auto read = KadMessage::decode(message).value();
  EXPECT_EQ(read, (KadMessage{.type = KadType::kGetValue, .name = to_bytes("ab"), .closer = {}, .providers = {}}));
}

TEST(DiscoveryVectors, Hello) {
  Hash network;
  network.data[0] = 0xaa;
  const Hello hello{.network = network, .is_server = true, .status = Blob<kMaxHelloStatusBytes>(as_bytes("ab"))};
  EXPECT_EQ(to_hex(encode(hello)),
            "0100"
            "aa" +
                std::string(62, '0') +
                "01"
                "02000000"
                "6162");
}

TEST(DiscoveryVectors, AddressList) {
  AddressList list;
  list.addresses.push_back({.peer = Blob<kMaxPeerIdBytes>(a_peer().view()),
                            .address = Blob<128>(ByteView(Multiaddr::tcp("192.0.2.1", 4001).value().bytes()))});
  EXPECT_EQ(to_hex(encode(list)),
            "01000000"
            "26000000" +
                kPeer + "08000000" + kAddress);
}

TEST(DiscoveryVectors, AQuestionOfDns) {
  EXPECT_EQ(to_hex(txt_question(0x1234, "_dnsaddr.a.b").value()),
            "1234"
            "0100"
            "0001"
            "0000"
            "0000"
            "0001"
            "085f646e7361646472"
            "0161"
            "0162"
            "00"
            "0010"
            "0001"
            "00"
            "0029"
            "1000"
            "00000000"
            "0000");
}

// A book with one address in each table, of a fixed secret and time.
TEST(DiscoveryVectors, TheAddressBooksFile) {
  SeededRandom random(1);
  AddressBook book(random, false);
  const Multiaddr one = Multiaddr::tcp("20.0.0.1", 1).value();
  const Multiaddr other = Multiaddr::tcp("20.1.0.1", 2).value();
  const Instant now = Instant{0}.plus_ms(100'000);
  book.add({a_peer(), one}, other, now);
  book.tried({a_peer(), other}, true, now);
  const Bytes file = book.save(Hash{}, now.plus_ms(5'000), TimeMs(1'000));
  EXPECT_EQ(as_text(ByteView(file).first(8)), "MICROAB1");
  EXPECT_EQ(sha256(file).brief(16), "f2f4278740d9e4f4");
  AddressBook again(random, false);
  ASSERT_TRUE(again.load(file, Hash{}, now, TimeMs(1'000)));
  EXPECT_EQ(again.size(), 2U);
  EXPECT_EQ(again.tried_size(), 1U);
}

}  // namespace
}  // namespace micro::p2p
