#include "p2p/peers/gater.hpp"

#include <gtest/gtest.h>

#include <cstdio>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

constexpr Instant kNow{1};
const IpAddress kHost = IpAddress::v4(0x14000001);

TEST(Gater, AHostThatKeepsComingWaitsFiveSeconds) {
  Gater gater({});
  for (int n = 0; n < 4; ++n) ASSERT_TRUE(gater.accept(kHost, kNow));
  EXPECT_EQ(gater.accept(kHost, kNow).error().fault, Fault::kBusy);
  EXPECT_EQ(gater.accept(kHost, kNow.plus_ms(4'900)).error().fault, Fault::kBusy);
  EXPECT_TRUE(gater.accept(kHost, kNow.plus_ms(5'001)));
}

TEST(Gater, ASubnetOfManyHostsHasALimitToo) {
  Gater gater({});
  std::size_t in = 0;
  for (std::uint32_t n = 0; n < 256; ++n) in += gater.accept(IpAddress::v4(0x14000000 + n), kNow) ? 1 : 0;
  EXPECT_EQ(in, 64U);
  EXPECT_TRUE(gater.accept(IpAddress::v4(0x15000000), kNow));
}

// Out of one /48 come more hosts than the table holds.
TEST(Gater, WhoOwnsASubnetOfManyHostsKeepsNobodyElseOut) {
  Gater gater({.concurrent_handshakes = 1'000'000});
  const auto host_of = [](std::size_t n) {
    char text[64];
    std::snprintf(text, sizeof text, "2400:1:1:%zx::1", n);
    return *IpAddress::of(Multiaddr::tcp(text, 1).value());
  };
  std::size_t in = 0;
  for (std::size_t n = 0; n < kMaxGatedHosts + 100; ++n) in += gater.accept(host_of(n), kNow) ? 1 : 0;
  EXPECT_EQ(in, 64U);
  EXPECT_TRUE(gater.accept(kHost, kNow));
  EXPECT_LE(gater.entries(), 100U);
}

TEST(Gater, AFullTableKeepsOutNobodyWhoIsKnown) {
  Gater gater({.concurrent_handshakes = 1'000'000});
  ASSERT_TRUE(gater.accept(kHost, kNow));
  std::uint32_t n = 0;
  while (gater.accept(IpAddress::v4(0x15000000 + (n << 8)), kNow)) ++n;
  EXPECT_EQ(n + 1, kMaxGatedHosts);
  EXPECT_TRUE(gater.accept(kHost, kNow));
  EXPECT_EQ(gater.accept(IpAddress::v4(0x16000001), kNow).error().fault, Fault::kBusy);
}

TEST(Gater, LocalAddressesAreExemptOnlyWhereTheNetworkIsLocal) {
  const auto loopback = IpAddress::v4(0x7f000001);
  Gater local({.local_addresses = true});
  Gater open({});
  std::size_t in_local = 0;
  std::size_t in_open = 0;
  for (int n = 0; n < 50; ++n) {
    in_local += local.accept(loopback, kNow) ? 1 : 0;
    in_open += open.accept(loopback, kNow) ? 1 : 0;
  }
  EXPECT_EQ(in_local, 50U);
  EXPECT_EQ(in_open, 4U);
  EXPECT_TRUE(local.may_dial(test::address(0x7f000001), kNow));
  EXPECT_EQ(open.may_dial(test::address(0x7f000001), kNow).error().fault, Fault::kDenied);
  EXPECT_EQ(local.may_dial(test::address(0xe0000001), kNow).error().fault, Fault::kDenied);
}

TEST(Gater, BansEnd) {
  Gater gater({});
  gater.ban(kHost, kNow);
  gater.ban(test::peer(1), kNow);
  EXPECT_EQ(gater.accept(kHost, kNow).error().fault, Fault::kDenied);
  EXPECT_EQ(gater.may_dial(test::address(0x14000001), kNow).error().fault, Fault::kDenied);
  EXPECT_EQ(gater.may_talk(test::peer(1), kNow).error().fault, Fault::kDenied);
  EXPECT_TRUE(gater.may_talk(test::peer(2), kNow));
  EXPECT_TRUE(gater.accept(kHost, kNow.plus_ms(kBanMs)));
  EXPECT_TRUE(gater.may_talk(test::peer(1), kNow.plus_ms(kBanMs)));
}

}  // namespace
}  // namespace micro::p2p
