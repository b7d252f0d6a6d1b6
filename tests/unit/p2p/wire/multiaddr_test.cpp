#include "p2p/wire/multiaddr.hpp"

#include <gtest/gtest.h>

#include "p2p/wire/identity.hpp"

namespace micro::p2p {
namespace {

const PeerId& some_peer() {
  static const PeerId peer = HostKey::from_seed(Hash{}).peer_id();
  return peer;
}

TEST(Multiaddr, BytesAreThoseOfTheTable) {
  EXPECT_EQ(to_hex(Multiaddr::parse("/ip4/127.0.0.1/tcp/4001").value().bytes()), "047f000001060fa1");
  EXPECT_EQ(to_hex(Multiaddr::parse("/ip6/::1/udp/1/quic-v1").value().bytes()),
            "29000000000000000000000000000000019102"
            "0001"
            "cd03");
  EXPECT_EQ(to_hex(Multiaddr::parse("/dns4/example.com/tcp/443/wss").value().bytes()),
            "360b" + to_hex(as_bytes("example.com")) + "0601bbde03");
}

TEST(Multiaddr, TextComesBack) {
  for (const std::string& text :
       {std::string("/ip4/192.0.2.1/tcp/0"), std::string("/ip6/2001:db8::1/tcp/65535"), "/p2p/" + some_peer().text(),
        std::string("/dns/example.com/tcp/1/tls/ws"), std::string("/unix/run/x.sock"),
        "/ip4/10.0.0.1/tcp/1/p2p/" + some_peer().text() + "/p2p-circuit"}) {
    const auto address = Multiaddr::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
    EXPECT_EQ(Multiaddr::from(address->bytes()).value(), *address);
  }
}

TEST(Multiaddr, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "ip4/1.2.3.4", "/", "//", "/ip4", "/ip4/", "/ip4/1.2.3", "/ip4/1.2.3.4.5", "/ip6/1.2.3.4", "/tcp/65536",
        "/tcp/-1", "/tcp/1x", "/tcp/", "/what/1", "/p2p/abc", "/dns//tcp/1", "/dns/a b/tcp/1"}) {
    const auto address = Multiaddr::parse(text);
    EXPECT_TRUE(!address || address->empty()) << text;
  }
  for (const char* hex :
       {"04", "047f0000", "06", "0601", "a503", "a50302aaaa", "36", "3605aa", "ffff7f", "8004", "3600", "36012f"}) {
    EXPECT_FALSE(Multiaddr::from(from_hex(hex).value())) << hex;
  }
}

TEST(Multiaddr, LongOnesAreRefused) {
  std::string text;
  for (int part = 0; part < 17; ++part) text += "/tcp/1";
  EXPECT_EQ(Multiaddr::parse(text).error().fault, Fault::kLimit);
  EXPECT_EQ(Multiaddr::parse("/dns/" + std::string(300, 'a')).has_value(), false);
  EXPECT_EQ(Multiaddr::from(Bytes(513)).error().fault, Fault::kLimit);
}

TEST(Multiaddr, SaysWhereToConnectTo) {
  const auto plain = Multiaddr::tcp("127.0.0.1", 80).value();
  EXPECT_EQ(plain.tcp_target()->host, "127.0.0.1");
  EXPECT_EQ(plain.tcp_target()->port, 80);
  EXPECT_FALSE(plain.tcp_target()->peer);
  const auto with = plain.with_peer(some_peer());
  EXPECT_EQ(with.tcp_target()->peer, some_peer());
  EXPECT_EQ(with.with_peer(some_peer()), with);
  EXPECT_EQ(with.without_peer(), plain);
  EXPECT_EQ(Multiaddr::tcp("::1", 1).value().tcp_target()->kind, AddrCode::kIp6);
  EXPECT_FALSE(Multiaddr::tcp("example.com", 1));
  for (const char* text : {"/ip4/1.2.3.4/udp/1", "/tcp/1", "/ip4/1.2.3.4/tcp/1/ws", "/unix/a/b"}) {
    EXPECT_FALSE(Multiaddr::parse(text).value().tcp_target()) << text;
  }
}

}  // namespace
}  // namespace micro::p2p
