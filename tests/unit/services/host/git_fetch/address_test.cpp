#include "services/host/git_fetch/address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>

namespace micro::git {
namespace {

sockaddr_storage address_of(const std::string& text) {
  sockaddr_storage out{};
  if (text.find(':') == std::string::npos) {
    auto& ip = reinterpret_cast<sockaddr_in&>(out);
    ip.sin_family = AF_INET;
    EXPECT_EQ(::inet_pton(AF_INET, text.c_str(), &ip.sin_addr), 1) << text;
  } else {
    auto& ip = reinterpret_cast<sockaddr_in6&>(out);
    ip.sin6_family = AF_INET6;
    EXPECT_EQ(::inet_pton(AF_INET6, text.c_str(), &ip.sin6_addr), 1) << text;
  }
  return out;
}
bool allowed(AddressRule rule, const std::string& text) {
  const sockaddr_storage address = address_of(text);
  return is_allowed(rule, reinterpret_cast<const sockaddr&>(address));
}

TEST(Address, WhatEveryoneCanReachIsPublic) {
  for (const char* text :
       {"1.1.1.1", "140.82.121.4", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
        "172.32.0.0", "192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111",
        "2001:200::1", "2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"}) {
    EXPECT_TRUE(allowed(AddressRule::kPublicOnly, text)) << text;
  }
}

TEST(Address, EverySpecialBlockIsNotPublicFromItsFirstToItsLastAddress) {
  for (const char* text : {"0.0.0.0",
                           "0.255.255.255",
                           "10.0.0.0",
                           "10.255.255.255",
                           "100.64.0.0",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.255",
                           "169.254.0.0",
                           "169.254.169.254",
                           "172.16.0.0",
                           "172.31.255.255",
                           "192.0.0.1",
                           "192.0.2.9",
                           "192.88.99.1",
                           "192.168.0.0",
                           "192.168.255.255",
                           "198.18.0.0",
                           "198.19.255.255",
                           "198.51.100.1",
                           "203.0.113.77",
                           "224.0.0.1",
                           "239.255.255.255",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "fe80::1",
                           "fc00::1",
                           "fdff::1",
                           "ff02::1",
                           "2001:db8::1",
                           "2001::1",
                           "2001:2::1",
                           "2002:7f00:1::",
                           "3fff::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "64:ff9b::10.0.0.1",
                           "64:ff9b:1::1",
                           "::10.0.0.1"}) {
    EXPECT_FALSE(allowed(AddressRule::kPublicOnly, text)) << text;
  }
}

TEST(Address, LoopbackIsThisMachine) {
  for (const char* text : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(allowed(AddressRule::kLoopbackOnly, text)) << text;
  }
  for (const char* text : {"1.1.1.1", "10.0.0.1", "0.0.0.0", "::", "::2", "fe80::1", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(allowed(AddressRule::kLoopbackOnly, text)) << text;
    EXPECT_TRUE(allowed(AddressRule::kAny, text)) << text;
  }
}

TEST(Address, IsShownAsPeopleWriteIt) {
  const sockaddr_storage four = address_of("10.0.0.1"), six = address_of("fe80::1");
  EXPECT_EQ(address_text(reinterpret_cast<const sockaddr&>(four)), "10.0.0.1");
  EXPECT_EQ(address_text(reinterpret_cast<const sockaddr&>(six)), "[fe80::1]");
}

}  // namespace
}  // namespace micro::git
