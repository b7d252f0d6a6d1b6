#include "p2p/mux/yamux.hpp"

#include <gtest/gtest.h>

namespace micro::p2p {
namespace {

using Kind = MuxEvent::Kind;

Bytes take_bytes(Yamux& mux, std::size_t most = SIZE_MAX) {
  Bytes out;
  while (out.size() < most) {
    const ByteView next = mux.next_output(most - out.size());
    if (next.empty()) break;
    out.insert(out.end(), next.begin(), next.end());
    mux.sent(next.size());
  }
  return out;
}
std::string take_output(Yamux& mux) {
  return to_hex(take_bytes(mux));
}
std::vector<MuxEvent> take_events(Yamux& mux) {
  return std::exchange(mux.events(), {});
}
Status receive(Yamux& mux, const std::string& hex) {
  return mux.receive(from_hex(hex).value(), {});
}

// A listener with one open stream of the dialer.
struct OneStream {
  Yamux mux{false};
  OneStream() {
    EXPECT_TRUE(receive(mux, "000100010000000100000000"));
    take_events(mux);
    take_output(mux);
  }
};

TEST(Yamux, OpensWithTheSmallestIdOfItsSide) {
  Yamux dialer(true);
  EXPECT_EQ(dialer.open().value(), 1U);
  EXPECT_EQ(take_output(dialer), "000100010000000100000000");
  Yamux listener(false);
  EXPECT_EQ(listener.open().value(), 2U);
  EXPECT_EQ(listener.open().value(), 4U);
}

TEST(Yamux, AcknowledgesAndDeliversAStreamThatOpensWithData) {
  Yamux mux(false);
  ASSERT_TRUE(receive(mux,
                      "000000010000000100000003"
                      "616263"));
  EXPECT_EQ(take_events(mux), (std::vector<MuxEvent>{{Kind::kOpened, 1, 0}, {Kind::kReadable, 1, 0}}));
  EXPECT_EQ(take_output(mux), "000100020000000100000000");
  EXPECT_EQ(as_text(mux.readable(1)), "abc");
}

TEST(Yamux, EchoesPingsAndSaysWhatCameBack) {
  Yamux mux(true);
  ASSERT_TRUE(receive(mux, "000200010000000012345678"));
  EXPECT_EQ(take_output(mux), "000200020000000012345678");
  mux.ping(7);
  EXPECT_EQ(take_output(mux), "000200010000000000000007");
  ASSERT_TRUE(receive(mux, "000200020000000000000007"));
  EXPECT_EQ(take_events(mux), (std::vector<MuxEvent>{{Kind::kPong, 0, 7}}));
}

TEST(Yamux, GivesCreditForWhatWasReadAtHalfAWindow) {
  OneStream one;
  const std::uint32_t half = kYamuxWindowBytes / 2;
  Bytes frame = from_hex("000000000000000100020000").value();
  frame.resize(frame.size() + half);
  ASSERT_TRUE(one.mux.receive(frame, {}));
  EXPECT_EQ(take_output(one.mux), "");
  one.mux.consume(1, half - 1, {});
  EXPECT_EQ(take_output(one.mux), "");
  one.mux.consume(1, 1, {});
  EXPECT_EQ(take_output(one.mux), "000100000000000100020000");
}

TEST(Yamux, AWindowGrowsForAReaderThatKeepsUp) {
  OneStream one;
  one.mux.set_rtt_ns(1'000'000);
  const std::uint32_t half = kYamuxWindowBytes / 2;
  Bytes frame = from_hex("000000000000000100020000").value();
  frame.resize(frame.size() + half);
  ASSERT_TRUE(one.mux.receive(frame, {}));
  one.mux.consume(1, half, Instant{3'000'000});
  EXPECT_EQ(take_output(one.mux), "000100000000000100060000");
  ASSERT_TRUE(one.mux.receive(frame, {}));
  ASSERT_TRUE(one.mux.receive(frame, {}));
  one.mux.consume(1, 2 * half, Instant{30'000'000});
  EXPECT_EQ(take_output(one.mux), "000100000000000100040000");  // slower: it stays
}

TEST(Yamux, NothingIsSentForAStreamThatIsOver) {
  OneStream one;
  ASSERT_TRUE(receive(one.mux,
                      "000000000000000100000002"
                      "6162"));
  one.mux.reset(1);
  EXPECT_EQ(take_output(one.mux), "000100080000000100000000");
  one.mux.consume(1, 0, {});
  one.mux.finish(1);
  one.mux.reset(1);
  EXPECT_EQ(one.mux.write(1, as_bytes("x")), 0U);
  ASSERT_TRUE(receive(one.mux,
                      "000000000000000100000003"
                      "616263"
                      "000100040000000100000000"));
  EXPECT_EQ(take_output(one.mux), "");
}

TEST(Yamux, TheLengthOfAResetIsACodeAndNoCredit) {
  OneStream one;
  ASSERT_TRUE(receive(one.mux, "0001000800000001ffffffff"));
  EXPECT_EQ(take_events(one.mux), (std::vector<MuxEvent>{{Kind::kReset, 1, 0xFFFFFFFF}}));
  EXPECT_FALSE(one.mux.exists(1));
}

TEST(Yamux, EndsInEitherOrderForgetTheStream) {
  OneStream one;
  ASSERT_TRUE(receive(one.mux,
                      "000000040000000100000001"
                      "61"));
  EXPECT_FALSE(one.mux.at_end(1));
  one.mux.consume(1, 1, {});
  EXPECT_TRUE(one.mux.at_end(1));
  EXPECT_EQ(one.mux.write(1, as_bytes("b")), 1U);  // half-closed: our side goes on
  one.mux.finish(1);
  EXPECT_EQ(take_output(one.mux),
            "000000000000000100000001"
            "62"
            "000100040000000100000000");
  one.mux.release(1);
  EXPECT_EQ(take_output(one.mux), "");
  EXPECT_EQ(one.mux.streams(), 0U);
}

TEST(Yamux, WhatBreaksTheProtocolEndsTheConnection) {
  for (const char* bad : {"010000000000000100000000",     // version
                          "000400000000000100000000",     // type
                          "000100010000000200000000",     // an id of ours
                          "000100010000000000000000",     // the id of the connection
                          "000100010000000100000000",     // open already
                          "000000000000000100040001",     // beyond the window
                          "0001000000000001ffffffff"}) {  // credit beyond what a window can hold
    OneStream one;
    EXPECT_FALSE(receive(one.mux, bad)) << bad;
    EXPECT_EQ(take_output(one.mux), "000300000000000000000001") << bad;
  }
  OneStream ended;
  ASSERT_TRUE(receive(ended.mux, "000100040000000100000000"));
  EXPECT_FALSE(receive(ended.mux, "000000000000000100000001"));
}

TEST(Yamux, StreamsBeyondTheLimitAreReset) {
  Yamux mux(false);
  for (std::size_t n = 0; n < kYamuxMaxInboundStreams; ++n) {
    const auto id = static_cast<std::uint8_t>(2 * n + 1);
    ASSERT_TRUE(mux.receive(Bytes{0, 1, 0, 1, 0, 0, 0, id, 0, 0, 0, 0}, {}));
  }
  take_output(mux);
  ASSERT_TRUE(receive(mux,
                      "000000010000ffff00000002"
                      "6162"));
  EXPECT_EQ(take_output(mux), "000100080000ffff00000000");
  EXPECT_EQ(mux.streams(), kYamuxMaxInboundStreams);
}

TEST(Yamux, UnacknowledgedStreamsAreLimited) {
  Yamux mux(true);
  for (std::size_t n = 0; n < kYamuxMaxUnacknowledged; ++n) ASSERT_TRUE(mux.open());
  EXPECT_EQ(mux.open().error().fault, Fault::kBusy);
  ASSERT_TRUE(receive(mux, "000100020000000100000000"));
  EXPECT_TRUE(mux.open());
  ASSERT_TRUE(receive(mux, "000300000000000000000000"));
  EXPECT_EQ(mux.open().error().fault, Fault::kUnreachable);
}

TEST(Yamux, AWriterWaitsForTheWindow) {
  OneStream one;
  const Bytes much(kYamuxWindowBytes + 10);
  std::size_t written = one.mux.write(1, much);
  while (written < kYamuxWindowBytes) {
    take_output(one.mux);
    written += one.mux.write(1, ByteView(much).subspan(written));
  }
  EXPECT_EQ(written, kYamuxWindowBytes);
  take_output(one.mux);
  take_events(one.mux);
  EXPECT_EQ(one.mux.write(1, ByteView(much).subspan(written)), 0U);
  ASSERT_TRUE(receive(one.mux, "000100000000000100000004"));
  EXPECT_EQ(take_events(one.mux), (std::vector<MuxEvent>{{Kind::kWritable, 1, 0}}));
  EXPECT_EQ(one.mux.write(1, ByteView(much).subspan(written)), 4U);
}

TEST(Yamux, WritersWaitInTheirOrderForTheQueue) {
  Yamux mux(true);
  for (int n = 0; n < 3; ++n) ASSERT_TRUE(mux.open());
  const Bytes much(kYamuxWindowBytes);
  mux.write(1, much);
  EXPECT_LT(mux.output_bytes(), kYamuxQueuedBytes + kYamuxFrameBytes + 100);
  EXPECT_EQ(mux.write(3, much), 0U);
  EXPECT_EQ(mux.write(5, much), 0U);
  EXPECT_EQ(mux.write(5, as_bytes("now"), true), 3U);
  take_output(mux);
  const auto events = take_events(mux);
  ASSERT_GE(events.size(), 2U);
  EXPECT_EQ(events[events.size() - 2], (MuxEvent{Kind::kWritable, 3, 0}));
  EXPECT_EQ(events[events.size() - 1], (MuxEvent{Kind::kWritable, 5, 0}));
}

TEST(Yamux, APeerThatAsksAndReadsNothingIsCutOff) {
  Yamux mux(false);
  Status status;
  for (int n = 0; n < 100'000 && status; ++n) status = receive(mux, "000200010000000000000000");
  EXPECT_EQ(status.error().fault, Fault::kLimit);
  EXPECT_LT(mux.output_bytes(), kYamuxQueuedBytes + 2 * kYamuxQueuedControlBytes);
}

TEST(Yamux, WholeFramesAreCountedUpToALimit) {
  const Bytes frames = from_hex(
                           "000100040000000100000000"
                           "000000000000000100000003616263")
                           .value();
  EXPECT_EQ(whole_frames(frames, 12), 12U);
  EXPECT_EQ(whole_frames(frames, 26), 12U);
  EXPECT_EQ(whole_frames(frames, 27), 27U);
  EXPECT_EQ(whole_frames(frames, 5), 5U);
}

// Bulk that waits for the socket is no reason to cut the other side off: its frames are answered beside it.
TEST(Yamux, AFullQueueLeavesRoomForAnswers) {
  Yamux ours(true);
  Yamux theirs(false);
  const StreamId first = ours.open().value();
  const StreamId second = ours.open().value();
  const std::size_t payload = kYamuxQueuedBytes - 1 - ours.output_bytes() - 5 * kYamuxHeaderBytes;
  ASSERT_EQ(ours.write(first, Bytes(payload)), payload);
  ASSERT_EQ(ours.output_bytes(), kYamuxQueuedBytes - 1);
  ASSERT_EQ(ours.write(second, Bytes(kYamuxFrameBytes)), kYamuxFrameBytes);
  for (std::uint32_t n = 0; n < 1'000; ++n) theirs.ping(n);
  EXPECT_TRUE(ours.receive(take_bytes(theirs), {}));
}

// A vote behind a queue full of bulk leaves first; bulk that waits while much is urgent has a turn all the same.
TEST(Yamux, UrgentFramesGoFirstAndBulkIsNotStarved) {
  Yamux mux(true);
  const StreamId bulk = mux.open(StreamClass::kBulk).value();
  const StreamId votes = mux.open().value();
  take_bytes(mux);
  ASSERT_EQ(mux.write(bulk, Bytes(200'000, 1)), 200'000U);
  take_bytes(mux, 1'000);  // a frame of it is on its way
  ASSERT_EQ(mux.write(votes, as_bytes("vote")), 4U);
  const Bytes rest = take_bytes(mux, kYamuxFrameBytes + kYamuxHeaderBytes - 1'000);
  EXPECT_EQ(std::ranges::count(rest, 1), std::ssize(rest));  // whole frames only
  EXPECT_EQ(to_hex(mux.next_output(16)), "000000000000000300000004766f7465");
  ASSERT_TRUE(receive(mux, "00010000000000030f000000"));
  std::size_t urgent = 0;
  for (bool bulk_had_a_turn = false; !bulk_had_a_turn && urgent < 10'000'000;) {
    mux.write(votes, Bytes(50'000, 2));
    const ByteView next = mux.next_output(kYamuxFrameBytes + kYamuxHeaderBytes);
    bulk_had_a_turn = next[kYamuxHeaderBytes] == 1;
    urgent += bulk_had_a_turn ? 0 : next.size();
    mux.sent(next.size());
  }
  EXPECT_GE(urgent, kYamuxInteractiveRunBytes);
  EXPECT_LE(urgent, kYamuxInteractiveRunBytes + kYamuxFrameBytes);
}

TEST(Yamux, AStreamThatBecomesBulkKeepsItsOrder) {
  OneStream one;
  ASSERT_EQ(one.mux.write(1, as_bytes("agreed")), 6U);
  one.mux.set_class(1, StreamClass::kBulk);
  EXPECT_EQ(one.mux.write(1, as_bytes("x")), 0U);
  const Bytes first = take_bytes(one.mux);
  EXPECT_EQ(as_text(ByteView(first).subspan(kYamuxHeaderBytes)), "agreed");
  EXPECT_EQ(take_events(one.mux), (std::vector<MuxEvent>{{Kind::kWritable, 1, 0}}));
  EXPECT_EQ(one.mux.write(1, as_bytes("x")), 1U);
  OneStream ended;  // an end does not overtake what is left
  ended.mux.write(1, as_bytes("agreed"));
  ended.mux.set_class(1, StreamClass::kBulk);
  ended.mux.finish(1);
  EXPECT_EQ(take_output(ended.mux).substr(2 * (kYamuxHeaderBytes + 6)), "000100040000000100000000");
}

}  // namespace
}  // namespace micro::p2p
