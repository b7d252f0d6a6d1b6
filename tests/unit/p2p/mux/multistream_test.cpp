#include "p2p/mux/multistream.hpp"

#include <gtest/gtest.h>

namespace micro::p2p {
namespace {

constexpr const char* kHeaderHex = "132f6d756c746973747265616d2f312e302e300a";

Bytes hex(const std::string& text) {
  return from_hex(text).value();
}
std::string taken(ByteQueue& queue) {
  std::string text = to_hex(queue.view());
  queue.clear();
  return text;
}

TEST(Multistream, ADialerSaysHeaderAndProposalInOneFlight) {
  auto dialer = Multistream::dialer({"/noise"});
  ByteQueue out;
  dialer.start(out);
  EXPECT_EQ(taken(out), std::string(kHeaderHex) + "072f6e6f6973650a");
  const Bytes answer = hex(std::string(kHeaderHex) + "072f6e6f6973650a" + "ffff");
  EXPECT_EQ(dialer.feed(answer, out).value(), answer.size() - 2);  // the rest is not its own
  EXPECT_EQ(dialer.state(), Multistream::State::kAgreed);
  EXPECT_EQ(dialer.protocol(), "/noise");
}

TEST(Multistream, AListenerSaysNaUntilItHearsWhatItSpeaks) {
  const ProtocolSet protocols{"/noise"};
  auto listener = Multistream::listener(protocols);
  ByteQueue out;
  ASSERT_TRUE(listener.feed(hex(std::string(kHeaderHex) + "0b2f746c732f312e302e300a"), out));
  EXPECT_EQ(taken(out), std::string(kHeaderHex) + "036e610a");
  ASSERT_TRUE(listener.feed(hex("072f6e6f6973650a"), out));
  EXPECT_EQ(taken(out), "072f6e6f6973650a");
  EXPECT_EQ(listener.state(), Multistream::State::kAgreed);
}

TEST(Multistream, ADialerGoesThroughItsProposals) {
  auto dialer = Multistream::dialer({"/a", "/b"});
  ByteQueue out;
  dialer.start(out);
  out.clear();
  ASSERT_TRUE(dialer.feed(hex(std::string(kHeaderHex) + "036e610a"), out));
  EXPECT_EQ(taken(out), "032f620a");
  ASSERT_TRUE(dialer.feed(hex("036e610a"), out));
  EXPECT_EQ(dialer.state(), Multistream::State::kRefused);
}

TEST(Multistream, AnythingElseEndsIt) {
  const ProtocolSet protocols{"/a"};
  for (const std::string& bad : {std::string("00"), std::string("8110"), std::string("ffffffffffffffffff01"),
                                 std::string("022f61"), std::string("032f610a"), std::string("8000")}) {
    ByteQueue out;
    EXPECT_FALSE(Multistream::listener(protocols).feed(hex(bad), out)) << bad;
  }
  ByteQueue out;
  auto dialer = Multistream::dialer({"/a"});
  EXPECT_FALSE(dialer.feed(hex(std::string(kHeaderHex) + "032f620a"), out));
}

TEST(Multistream, AListenerHearsSoManyProposalsAndNoMore) {
  const ProtocolSet protocols{"/a"};
  auto listener = Multistream::listener(protocols);
  ByteQueue out;
  ASSERT_TRUE(listener.feed(hex(kHeaderHex), out));
  for (std::size_t n = 0; n < kMaxProposals; ++n) ASSERT_TRUE(listener.feed(hex("032f620a"), out));
  EXPECT_EQ(listener.feed(hex("032f620a"), out).error().fault, Fault::kLimit);
}

}  // namespace
}  // namespace micro::p2p
