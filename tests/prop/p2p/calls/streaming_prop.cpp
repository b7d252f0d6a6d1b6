// Items arrive in order, whole and once, however bytes are cut; what waits untaken never exceeds the credit.
#include "p2p/calls/streaming.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace micro::p2p {
namespace {

RC_GTEST_PROP(StreamingCall, ItemsArriveInOrderWithinTheCredit, ()) {
  StreamingCall ends[2];
  std::deque<Bytes> sent[2];  // by the end that sent them
  bool finished[2] = {};
  std::uint8_t number = 0;
  const auto travel = [&](int from, std::size_t most) {
    ByteQueue& out = ends[from].output();
    const std::size_t size = std::min(most, out.size());
    RC_ASSERT(ends[1 - from].feed(out.view().first(size)).has_value());
    out.consume(size);
    for (const StreamingCall& end : ends) {
      RC_ASSERT(end.held_bytes() <= 2 * kStreamCreditBytes + kMaxFrameBytes);
    }
  };
  const auto take = [&](int end) {
    const auto item = ends[end].take();
    if (!item) return false;
    RC_ASSERT(!sent[1 - end].empty() && *item == sent[1 - end].front());
    sent[1 - end].pop_front();
    return true;
  };
  const int steps = *rc::gen::inRange(1, 150);
  for (int n = 0; n < steps; ++n) {
    const int side = *rc::gen::inRange(0, 2);
    switch (*rc::gen::weightedElement<int>({{5, 0}, {5, 1}, {4, 2}, {1, 3}})) {
      case 0: {
        const Bytes item(*rc::gen::element<std::size_t>(0, 1, 5'000, kMaxItemBytes), ++number);
        const bool may = ends[side].may_send(item.size());
        RC_ASSERT(ends[side].send(item).has_value() == may);
        if (may) sent[side].push_back(item);
        break;
      }
      case 1:
        travel(side, *rc::gen::element<std::size_t>(1, 7, 4'000, 1'000'000));
        break;
      case 2:
        take(side);
        break;
      default:
        if (*rc::gen::inRange(0, 6) != 0) break;
        ends[side].finish();
        finished[side] = true;
    }
  }
  for (bool moved = true; moved;) {
    moved = false;
    for (int side = 0; side < 2; ++side) {
      moved = !ends[side].output().empty() || moved;
      travel(side, SIZE_MAX);
      while (take(side)) moved = true;
    }
  }
  for (int side = 0; side < 2; ++side) {
    RC_ASSERT(sent[side].empty());
    RC_ASSERT(ends[1 - side].at_end() == finished[side]);
    if (!finished[side] && !finished[1 - side]) RC_ASSERT(ends[side].may_send(kMaxItemBytes));  // credit came back
  }
}

TEST(StreamingCall, AReaderThatTakesNothingHoldsUpTheWriter) {
  StreamingCall writer;
  StreamingCall reader;
  std::size_t sent = 0;
  while (writer.send(Bytes(10'000)) && sent < 1'000) {
    ASSERT_TRUE(reader.feed(writer.output().view()));
    writer.output().clear();
    ++sent;
  }
  EXPECT_EQ(sent, kStreamCreditBytes / (10'000 + kItemOverheadBytes));
  for (std::size_t n = 0; n < sent / 2 + 2; ++n) ASSERT_TRUE(reader.take());
  ASSERT_TRUE(writer.feed(reader.output().view()));
  EXPECT_TRUE(writer.send(Bytes(10'000)));
}

TEST(StreamingCall, WhoTakesCreditThatItWasNotGivenIsCutOff) {
  StreamingCall reader;
  ByteQueue bytes;
  for (std::size_t n = 0; n < 5; ++n) {
    put_frame(bytes, StreamFrame(ItemFrame{.body = Blob<kMaxItemBytes>(Bytes(kMaxItemBytes))}));
  }
  EXPECT_EQ(reader.feed(bytes.view()).error().fault, Fault::kInvalid);
  StreamingCall writer;
  bytes.clear();
  put_frame(bytes, StreamFrame(CreditFrame{.bytes = 1}));
  EXPECT_EQ(writer.feed(bytes.view()).error().fault, Fault::kInvalid);
}

TEST(StreamingCall, AnAbortTellsWhy) {
  StreamingCall one;
  StreamingCall other;
  one.abort({.fault = Fault::kLimit, .message = std::string(1'000, 'x')});
  ASSERT_TRUE(other.feed(one.output().view()));
  ASSERT_TRUE(other.failure());
  EXPECT_EQ(other.failure()->fault, Fault::kLimit);
  EXPECT_EQ(other.failure()->message.size(), kMaxCallErrorBytes);
  EXPECT_TRUE(other.at_end());
  EXPECT_EQ(other.send({}).error().fault, Fault::kLimit);
}

}  // namespace
}  // namespace micro::p2p
