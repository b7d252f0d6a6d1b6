#include "p2p/discovery/hello.hpp"

#include <gtest/gtest.h>

namespace micro::p2p {
namespace {

const Hash kThis{{1}};
const Hash kThat{{2}};

TEST(Hello, TwoOfOneNetworkGetOnAndOthersDoNot) {
  const Hello hello{.network = kThis, .status = Blob<kMaxHelloStatusBytes>(as_bytes("at 7"))};
  EXPECT_EQ(check_hello(kThis, encode(hello)).value(), hello);
  EXPECT_EQ(check_hello(kThat, encode(hello)).error().fault, Fault::kMismatch);
}

TEST(Hello, WhatIsNoneIsRefused) {
  const Bytes whole = encode(Hello{.network = kThis, .status = {}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(check_hello(kThis, ByteView(whole).first(size)).error().fault, Fault::kInvalid);
  }
  EXPECT_EQ(check_hello(kThis, Bytes(kMaxHelloBytes + 1)).error().fault, Fault::kInvalid);
}

TEST(Hello, ProtocolsOfTwoNetworksAreTwoProtocols) {
  EXPECT_EQ(network_protocol(kThis, "/micro/kad/1.0.0"), "/micro/01000000000000000000000000000000/kad/1.0.0");
  EXPECT_NE(network_protocol(kThis, kHelloProtocol), network_protocol(kThat, kHelloProtocol));
}

}  // namespace
}  // namespace micro::p2p
