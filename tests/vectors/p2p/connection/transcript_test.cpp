// js_transcript.csv: every byte of a connection between two js-libp2p nodes with fixed keys, recorded by
// tests/interop/js/record.mjs. With the same keys we say the same handshake byte for byte, from either side, and
// understand all that follows.
#include <gtest/gtest.h>

#include "tests/gen/p2p/link.hpp"
#include "tests/vectors/csv.hpp"

namespace micro::p2p {
namespace {

constexpr std::string_view kGoldenProtocol = "/golden/1.0.0";
constexpr std::size_t kHelloBytes = 28;  // the header of multistream and /noise
constexpr std::size_t kDialerHandshakeBytes = kHelloBytes + 2 + 32 + 2 + 184;
constexpr std::size_t kListenerHandshakeBytes = kHelloBytes + 2 + 216;

struct Transcript {
  Bytes of[2];  // what the dialer said, what the listener said
  std::vector<Bytes> pieces[2];
  Transcript() {
    for (const auto& row : micro::test::read_csv("js_transcript.csv")) {
      const int side = row.at(0) == "dialer" ? 0 : 1;
      Bytes piece = from_hex(row.at(1)).value();
      of[side].insert(of[side].end(), piece.begin(), piece.end());
      pieces[side].push_back(std::move(piece));
    }
  }
};

// Plays one side against the recording of the other; `said` is what it said.
struct Player {
  ProtocolSet protocols{std::string(kGoldenProtocol)};
  MemoryPool pool;
  Connection connection;
  Bytes said;
  explicit Player(Role role) : connection(test::noise_config(role), protocols, pool) { connection.start({}); }
  void listen_to(const Bytes& piece) {
    speak();
    ByteView rest = piece;
    while (!rest.empty()) {
      const auto room = connection.prepare();
      const std::size_t size = std::min(room.size(), rest.size());
      std::memcpy(room.data(), rest.data(), size);
      rest = rest.subspan(size);
      const Status status = connection.commit(size, {});
      ASSERT_TRUE(status) << status.error().message;
    }
    speak();
  }
  void speak() {
    ByteQueue out;
    while (connection.take_output(out)) {
      said.insert(said.end(), out.view().begin(), out.view().end());
      out.clear();
    }
  }
  [[nodiscard]] bool heard(ConnectionEvent::Kind kind) {
    return std::ranges::any_of(connection.events(), [&](const auto& one) { return one.kind == kind; });
  }
};

TEST(Transcript, OurListenerSaysWhatTheirsSaidAndHearsTheirDialer) {
  const Transcript js;
  Player ours(Role::kResponder);
  for (const Bytes& piece : js.pieces[0]) ours.listen_to(piece);
  ASSERT_GE(ours.said.size(), kListenerHandshakeBytes);
  EXPECT_EQ(to_hex(ByteView(ours.said).first(kListenerHandshakeBytes)),
            to_hex(ByteView(js.of[1]).first(kListenerHandshakeBytes)));
  EXPECT_EQ(ours.connection.remote_peer(), test::host_key(1).peer_id());
  EXPECT_TRUE(ours.connection.muxer_from_handshake());
  EXPECT_TRUE(ours.heard(ConnectionEvent::Kind::kInbound));
  EXPECT_EQ(ours.connection.take_protocol(1), kGoldenProtocol);
  EXPECT_EQ(as_text(ours.connection.mux().readable(1)), "hello");
  ours.connection.mux().consume(1, 5, {});
  EXPECT_TRUE(ours.connection.mux().at_end(1));
}

TEST(Transcript, OurDialerSaysWhatTheirsSaidAndHearsTheirListener) {
  const Transcript js;
  Player ours(Role::kInitiator);
  for (const Bytes& piece : js.pieces[1]) {
    ours.listen_to(piece);
    if (!ours.connection.secured() || ours.connection.mux().streams() > 0) continue;
    ASSERT_EQ(ours.connection.open({std::string(kGoldenProtocol)}, {}).value(), 1U);
  }
  ASSERT_GE(ours.said.size(), kDialerHandshakeBytes);
  EXPECT_EQ(to_hex(ByteView(ours.said).first(kDialerHandshakeBytes)),
            to_hex(ByteView(js.of[0]).first(kDialerHandshakeBytes)));
  EXPECT_EQ(ours.connection.remote_peer(), test::host_key(101).peer_id());
  EXPECT_TRUE(ours.heard(ConnectionEvent::Kind::kAgreed));
  EXPECT_EQ(as_text(ours.connection.mux().readable(1)), "olleh");
  ours.connection.mux().consume(1, 5, {});
  EXPECT_TRUE(ours.connection.mux().at_end(1));
}

// One bit of it changed anywhere: in the handshake nothing opens, behind it nothing changed arrives.
TEST(Transcript, NoBitOfItMayChange) {
  const Transcript js;
  std::size_t arrived = 0;
  for (std::size_t at = 0; at < js.of[0].size(); ++at) {
    Bytes bytes = js.of[0];
    bytes[at] ^= static_cast<std::uint8_t>(1U << at % 8);
    Player ours(Role::kResponder);
    const auto room = ours.connection.prepare();
    ASSERT_GE(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), bytes.size());
    (void)ours.connection.commit(bytes.size(), {});
    EXPECT_FALSE(at < kDialerHandshakeBytes && ours.connection.secured()) << at;
    const ByteView said = ours.connection.mux().readable(1);
    EXPECT_TRUE(said.empty() || as_text(said) == "hello") << at;
    arrived += said.empty() ? 0 : 1;
  }
  EXPECT_GT(arrived, 0U);  // what was changed behind it
  EXPECT_LT(arrived, js.of[0].size() - kDialerHandshakeBytes);
}

}  // namespace
}  // namespace micro::p2p
