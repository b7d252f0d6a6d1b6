#include "p2p/peers/address_group.hpp"

#include <gtest/gtest.h>

namespace micro::p2p {
namespace {

Multiaddr at(std::string_view text) {
  return Multiaddr::parse(text).value();
}
AddressGroup group(std::string_view text) {
  return AddressGroup::of(at(text));
}
Reach reach(std::string_view ip) {
  return IpAddress::of(Multiaddr::tcp(ip, 1).value())->reach();
}

TEST(AddressGroup, IsASixteenthOfIpv4AndAThirtySecondOfIpv6) {
  EXPECT_EQ(group("/ip4/20.1.2.3/tcp/1"), group("/ip4/20.1.250.9/tcp/77"));
  EXPECT_NE(group("/ip4/20.1.2.3/tcp/1"), group("/ip4/20.2.2.3/tcp/1"));
  EXPECT_EQ(group("/ip6/2600:1::1/tcp/1"), group("/ip6/2600:1:ffff::1/tcp/1"));
  EXPECT_NE(group("/ip6/2600:1::1/tcp/1"), group("/ip6/2600:2::1/tcp/1"));
}

TEST(AddressGroup, Ipv6ThatCarriesIpv4CountsAsThat) {
  EXPECT_EQ(group("/ip6/::ffff:20.1.2.3/tcp/1"), group("/ip4/20.1.9.9/tcp/1"));
  EXPECT_EQ(group("/ip6/2002:1401:0203::1/tcp/1"), group("/ip4/20.1.9.9/tcp/1"));
  EXPECT_EQ(group("/ip6/64:ff9b::1401:203/tcp/1"), group("/ip4/20.1.9.9/tcp/1"));
}

TEST(AddressGroup, LocalAddressesAndNamesAreTheirOwn) {
  EXPECT_NE(group("/ip4/127.0.0.1/tcp/1"), group("/ip4/127.0.0.1/tcp/2"));
  EXPECT_EQ(group("/ip4/10.0.0.1/tcp/1"), group("/ip4/10.0.0.1/tcp/1"));
  EXPECT_NE(group("/dns4/a.example/tcp/1"), group("/dns4/b.example/tcp/1"));
  EXPECT_EQ(group("/dns4/a.example/tcp/1"), group("/dns4/a.example/tcp/2"));
}

TEST(IpAddress, SaysWhoCanBeThere) {
  for (const char* ip : {"8.8.8.8", "2600::1", "172.32.0.1", "100.128.0.1", "11.0.0.0", "223.255.255.255"}) {
    EXPECT_EQ(reach(ip), Reach::kPublic) << ip;
  }
  for (const char* ip : {"127.0.0.1", "10.1.2.3", "192.168.0.1", "172.31.255.255", "100.64.0.1", "169.254.1.1", "::1",
                         "fe80::1", "fd00::1", "::ffff:10.0.0.1"}) {
    EXPECT_EQ(reach(ip), Reach::kLocal) << ip;
  }
  for (const char* ip : {"0.0.0.0", "224.0.0.1", "255.255.255.255", "203.0.113.7", "::", "ff02::1", "2001:db8::1"}) {
    EXPECT_EQ(reach(ip), Reach::kNever) << ip;
  }
}

TEST(IpAddress, HostsAndSubnetsAreWhatOneCustomerGets) {
  const auto ip = [](std::string_view text) { return *IpAddress::of(Multiaddr::tcp(text, 1).value()); };
  EXPECT_EQ(ip("2600::1").host(), ip("2600::ffff:1").host());
  EXPECT_NE(ip("2600::1").host(), ip("2600:0:0:1::1").host());
  EXPECT_NE(ip("20.0.0.1").host(), ip("20.0.0.2").host());
  EXPECT_EQ(ip("20.0.0.1").subnet(), ip("20.0.0.2").subnet());
  EXPECT_NE(ip("20.0.0.1").subnet(), ip("20.0.1.1").subnet());
}

}  // namespace
}  // namespace micro::p2p
