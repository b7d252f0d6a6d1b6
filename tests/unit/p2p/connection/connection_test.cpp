#include "p2p/connection/connection.hpp"

#include <gtest/gtest.h>

#include "tests/gen/p2p/link.hpp"

namespace micro::p2p {
namespace {

using Kind = ConnectionEvent::Kind;
using test::Link;

std::vector<ConnectionEvent> take(Connection& connection) {
  return std::exchange(connection.events(), {});
}

// Every piece length up to the longest flight of the handshake, with the extension on both sides, one, or none.
TEST(Connection, OpensWhateverThePiecesAndWhoeverOffersTheMuxer) {
  for (std::size_t piece = 1; piece < 300; piece += piece < 40 ? 1 : 37) {
    for (int offers = 0; offers < 4; ++offers) {
      Link link((offers & 1) != 0, (offers & 2) != 0);
      ASSERT_TRUE(link.settle(piece)) << piece;
      EXPECT_TRUE(link.dialer.secured() && link.listener.secured()) << piece;
      EXPECT_EQ(link.dialer.muxer_from_handshake(), offers == 3);
      EXPECT_EQ(link.listener.muxer_from_handshake(), offers == 3);
      EXPECT_EQ(take(link.dialer).front().kind, Kind::kSecured);
      EXPECT_EQ(link.listener.remote_peer(), test::host_key(1).peer_id());
    }
  }
}

TEST(Connection, AStreamAgreesOnTheFirstProtocolSpokenThere) {
  Link link(true, true);
  ASSERT_TRUE(link.settle(1'000'000));
  take(link.dialer);
  take(link.listener);
  const StreamId id = link.dialer.open({"/x", "/b", "/a"}, {}).value();
  ASSERT_TRUE(link.settle(7));
  EXPECT_EQ(take(link.dialer), (std::vector<ConnectionEvent>{{Kind::kAgreed, id, 0}}));
  EXPECT_EQ(take(link.listener), (std::vector<ConnectionEvent>{{Kind::kInbound, id, 0}}));
  EXPECT_EQ(link.dialer.take_protocol(id), "/b");
  EXPECT_EQ(link.listener.take_protocol(id), "/b");
}

TEST(Connection, WhatIsWrittenAtOnceArrivesBehindTheAgreement) {
  Link link(true, true);
  ASSERT_TRUE(link.settle(1'000'000));
  take(link.listener);
  const StreamId id = link.dialer.open({"/a"}, {}).value();
  EXPECT_EQ(link.dialer.mux().write(id, as_bytes("hello")), 5U);
  link.dialer.mux().finish(id);
  ASSERT_TRUE(link.settle(11));
  const auto events = take(link.listener);
  ASSERT_GE(events.size(), 2U);
  EXPECT_EQ(events[0].kind, Kind::kInbound);
  EXPECT_EQ(events[1].kind, Kind::kReadable);
  EXPECT_EQ(as_text(link.listener.mux().readable(id)), "hello");
}

TEST(Connection, AStreamThatNobodyUnderstandsThereIsRefusedAndForgotten) {
  Link link(true, true);
  ASSERT_TRUE(link.settle(1'000'000));
  take(link.dialer);
  take(link.listener);
  const StreamId id = link.dialer.open({"/x", "/y"}, {}).value();
  ASSERT_TRUE(link.settle(1'000'000));
  EXPECT_EQ(take(link.dialer), (std::vector<ConnectionEvent>{{Kind::kRefused, id, 0}}));
  for (const ConnectionEvent& event : take(link.listener)) EXPECT_NE(event.kind, Kind::kInbound);
  EXPECT_EQ(link.dialer.mux().streams(), 0U);
  EXPECT_EQ(link.listener.mux().streams(), 0U);
}

TEST(Connection, AnythingButMultistreamEndsItAtOnce) {
  for (const std::string& hello : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(64, '\0'),
                                   std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)}) {
    Link link(true, true);
    const auto room = link.listener.prepare();
    std::memcpy(room.data(), hello.data(), hello.size());
    EXPECT_FALSE(link.listener.commit(hello.size(), {}).has_value() && hello.size() > 20) << hello;
    EXPECT_FALSE(link.listener.secured());
  }
}

TEST(Connection, ATurnReadsAndSealsAsMuchAsItIsTold) {
  constexpr std::size_t kTurn = 16 * 1'024;
  constexpr std::size_t kFrameOverhead = kYamuxHeaderBytes + kNoiseLengthBytes + kNoiseTagBytes;
  Link link(true, true);
  ASSERT_TRUE(link.settle(1'000'000));
  const StreamId id = link.dialer.open({"/a"}, {}).value();
  ASSERT_TRUE(link.settle(1'000'000));
  Bytes much(200'000);
  for (std::size_t n = 0; n < much.size(); ++n) much[n] = static_cast<std::uint8_t>(n * 7);
  ASSERT_EQ(link.dialer.mux().write(id, much), much.size());
  Bytes wire;
  std::size_t turns = 0;
  ByteQueue out;
  while (link.dialer.take_output(out, kTurn)) {
    ++turns;
    EXPECT_LE(out.size(), 2 * (kTurn + kFrameOverhead));
    // No message is longer than a turn either: the other side opens it as a whole.
    for (ByteView rest = out.view(); !rest.empty();) {
      const std::size_t length = static_cast<std::size_t>(rest[0] << 8 | rest[1]);
      EXPECT_LE(length, kTurn + kNoiseTagBytes);
      rest = rest.subspan(kNoiseLengthBytes + length);
    }
    wire.insert(wire.end(), out.view().begin(), out.view().end());
    out.clear();
  }
  EXPECT_GE(turns, much.size() / (2 * kTurn));
  while (!wire.empty()) {
    const auto room = link.listener.prepare(kTurn);
    ASSERT_LE(room.size(), kTurn);
    const std::size_t size = std::min(room.size(), wire.size());
    std::memcpy(room.data(), wire.data(), size);
    wire.erase(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_TRUE(link.listener.commit(size, {}));
  }
  EXPECT_TRUE(std::ranges::equal(link.listener.mux().readable(id), much));
}

TEST(Connection, AnIdleOneHoldsLittle) {
  Link link(true, true);
  ASSERT_TRUE(link.settle(1'000'000));
  const StreamId id = link.dialer.open({"/a"}, {}).value();
  ASSERT_TRUE(link.settle(1'000'000));
  const Bytes much(200'000);
  EXPECT_EQ(link.dialer.mux().write(id, much), much.size());
  ASSERT_TRUE(link.settle(1'000'000));
  link.listener.mux().consume(id, much.size(), {});
  ASSERT_TRUE(link.settle(1'000'000));
  EXPECT_GT(link.listener.held_bytes(), 100'000U);
  for (Connection* connection : {&link.dialer, &link.listener}) {
    connection->release_memory();
    connection->release_input();
    EXPECT_LT(connection->held_bytes(), 16U * 1'024);
  }
}

constexpr Instant at_ms(std::uint64_t ms) {
  return Instant().plus_ms(ms);
}

TEST(Connection, AHandshakeHasADeadline) {
  Link link(true, true);
  EXPECT_TRUE(link.listener.sweep(at_ms(kHandshakeMs - 1)));
  EXPECT_EQ(link.listener.sweep(at_ms(kHandshakeMs)).error().fault, Fault::kUnreachable);
}

TEST(Connection, AStreamThatAgreesOnNothingInTimeIsGivenUp) {
  Link link(true, true);
  ASSERT_TRUE(link.settle(1'000'000));
  take(link.dialer);
  const StreamId silent = link.dialer.mux().open().value();  // a peer that opens one and says nothing
  const StreamId asked = link.dialer.open({"/a"}, at_ms(1)).value();
  ASSERT_TRUE(link.settle(1'000'000));
  take(link.dialer);
  EXPECT_EQ(link.listener.mux().streams(), 2U);
  ASSERT_TRUE(link.listener.sweep(at_ms(kNegotiationMs)));
  EXPECT_FALSE(link.listener.mux().exists(silent));
  EXPECT_TRUE(link.listener.mux().exists(asked));
}

TEST(Connection, AnAskerHearsWhenNobodyAnswersItsProposal) {
  Link link(true, true);
  ASSERT_TRUE(link.settle(1'000'000));
  take(link.dialer);
  const StreamId id = link.dialer.open({"/a"}, at_ms(1)).value();
  ASSERT_TRUE(link.dialer.sweep(at_ms(kNegotiationMs)));
  EXPECT_TRUE(take(link.dialer).empty());
  ASSERT_TRUE(link.dialer.sweep(at_ms(kNegotiationMs + 1)));
  EXPECT_EQ(take(link.dialer), (std::vector<ConnectionEvent>{{Kind::kRefused, id, 0}}));
  EXPECT_EQ(link.dialer.mux().streams(), 0U);
}

TEST(Connection, ItAsksNowAndThenWhetherThePeerIsThere) {
  Link link(true, true);
  ASSERT_TRUE(link.settle(1'000'000));
  for (std::uint64_t ms = 0; ms < 4 * kKeepAliveMs; ms += 1'000) {
    ASSERT_TRUE(link.dialer.sweep(at_ms(ms)));
    ASSERT_TRUE(link.settle(1'000'000));
  }
  ASSERT_TRUE(link.dialer.sweep(at_ms(4 * kKeepAliveMs)));  // asks, and hears nothing
  EXPECT_TRUE(link.dialer.sweep(at_ms(4 * kKeepAliveMs + kPongMs - 1)));
  EXPECT_EQ(link.dialer.sweep(at_ms(4 * kKeepAliveMs + kPongMs)).error().fault, Fault::kUnreachable);
}

// One that says so ahead of time would seem near, or seem to be there while it reads nothing.
TEST(Connection, AnAnswerToAPingThatHasNotArrivedCountsForNothing) {
  Link link(true, true);
  ASSERT_TRUE(link.settle(1'000'000));
  ASSERT_TRUE(link.listener.sweep(at_ms(kKeepAliveMs)));  // asks
  const Bytes foreseen{0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  ASSERT_TRUE(link.dialer.mux().receive(foreseen, {}));  // as if it had been asked the same already
  ASSERT_TRUE(test::carry(link.dialer, link.listener, 1'000'000).value());
  const Status late = link.listener.sweep(at_ms(kKeepAliveMs + kPongMs));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, Fault::kUnreachable);
}

// Every window that the protocol gives for nothing, filled; nobody reads. The streams furthest behind go.
TEST(Connection, APeerThatFillsEveryWindowHoldsItsShareAndNoMore) {
  Link link(true, true);
  ASSERT_TRUE(link.settle(1'000'000));
  const Bytes much(kYamuxWindowBytes - 100, 7);
  std::size_t resets = 0;
  for (std::size_t n = 0; n < 2 * kYamuxMaxInboundStreams; ++n) {
    const auto id = link.dialer.open({"/a"}, {});
    ASSERT_TRUE(id);
    for (std::size_t at = 0; at < much.size() && link.dialer.mux().exists(*id);) {
      at += link.dialer.mux().write(*id, ByteView(much).subspan(at));
      ASSERT_TRUE(link.settle(1'000'000));
    }
    for (const ConnectionEvent& event : take(link.listener)) resets += event.kind == Kind::kReset ? 1 : 0;
    EXPECT_LE(link.listener.held_bytes(), kConnectionHeldBytes + 1'024 * 1'024);
  }
  EXPECT_GT(resets, 150U);
  EXPECT_GT(link.listener.mux().streams(), 4U);  // those that fit stay
  EXPECT_GT(link.listener.held_bytes(), kConnectionHeldBytes / 4);
}

}  // namespace
}  // namespace micro::p2p
