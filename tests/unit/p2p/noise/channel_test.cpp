#include "p2p/noise/channel.hpp"

#include <gtest/gtest.h>

#include "p2p/wire/protobuf.hpp"
#include "tests/gen/p2p/noise_pair.hpp"

namespace micro::p2p {
namespace {

using test::feed_all;
using test::noise_config;

struct Pair {
  NoiseChannel dialer;
  NoiseChannel listener;
  ByteQueue to_dialer = {};
  ByteQueue to_listener = {};

  Status shake() {
    TRY(dialer.start(to_listener));
    TRY(feed_all(listener, to_listener, to_dialer));
    TRY(feed_all(dialer, to_dialer, to_listener));
    TRY(feed_all(listener, to_listener, to_dialer));
    return {};
  }
};

TEST(NoiseChannel, BothSidesLearnWhoTheOtherIs) {
  Pair pair{NoiseChannel(noise_config(Role::kInitiator)), NoiseChannel(noise_config(Role::kResponder))};
  ASSERT_TRUE(pair.shake());
  ASSERT_TRUE(pair.dialer.established() && pair.listener.established());
  EXPECT_EQ(pair.dialer.remote_peer(), test::host_key(101).peer_id());
  EXPECT_EQ(pair.listener.remote_peer(), test::host_key(1).peer_id());
  EXPECT_EQ(pair.dialer.remote_muxers(), std::vector<std::string>{"/yamux/1.0.0"});
  pair.dialer.seal(as_bytes("hello"), pair.to_listener);
  EXPECT_EQ(as_text(feed_all(pair.listener, pair.to_listener, pair.to_dialer).value()), "hello");
  pair.listener.seal({}, pair.to_dialer);
  EXPECT_TRUE(feed_all(pair.dialer, pair.to_dialer, pair.to_listener).value().empty());
}

// The lengths that live peers show with Ed25519 keys.
TEST(NoiseChannel, MessagesAreAsLongAsThoseOfOtherStacks) {
  for (const bool muxers : {false, true}) {
    const auto offered = muxers ? std::vector<std::string>{"/yamux/1.0.0"} : std::vector<std::string>{};
    NoiseChannel dialer(noise_config(Role::kInitiator, offered));
    NoiseChannel listener(noise_config(Role::kResponder, offered));
    ByteQueue to_dialer;
    ByteQueue to_listener;
    ASSERT_TRUE(dialer.start(to_listener));
    EXPECT_EQ(to_listener.size(), 2U + 32);
    ASSERT_TRUE(feed_all(listener, to_listener, to_dialer));
    EXPECT_EQ(to_dialer.size(), 2U + (muxers ? 216 : 200));
    ASSERT_TRUE(feed_all(dialer, to_dialer, to_listener));
    EXPECT_EQ(to_listener.size(), 2U + (muxers ? 184 : 168));
  }
}

TEST(NoiseChannel, AnotherPeerThanTheDialedOneIsRefused) {
  NoiseConfig config = noise_config(Role::kInitiator);
  config.expected_peer = test::host_key(9).peer_id();
  Pair pair{NoiseChannel(config), NoiseChannel(noise_config(Role::kResponder))};
  EXPECT_EQ(pair.shake().error().fault, Fault::kMismatch);
  EXPECT_FALSE(pair.dialer.established());
}

TEST(NoiseChannel, AKeyOfSmallOrderIsRefused) {
  NoiseChannel listener(noise_config(Role::kResponder));
  ByteQueue in;
  ByteQueue out;
  Bytes first(34);  // the point zero
  first[1] = 32;
  in.append(first);
  EXPECT_EQ(feed_all(listener, in, out).error().fault, Fault::kDenied);
}

TEST(NoiseChannel, DataBeforeTheOtherSideIsKnownIsRefused) {
  NoiseChannel listener(noise_config(Role::kResponder));
  const DhKeys keys = DhKeys::from_secret(test::filled(5));
  NoiseHandshake dialer(Role::kInitiator, keys, keys);
  Bytes message{0, 36};
  ASSERT_TRUE(dialer.write(as_bytes("data"), message));
  ByteQueue in;
  ByteQueue out;
  in.append(message);
  EXPECT_EQ(feed_all(listener, in, out).error().fault, Fault::kInvalid);
  EXPECT_TRUE(out.empty());
}

TEST(NoiseChannel, ASignatureOfAnotherStaticKeyIsRefused) {
  NoiseChannel listener(noise_config(Role::kResponder));
  const DhKeys keys = DhKeys::from_secret(test::filled(5));
  NoiseHandshake dialer(Role::kInitiator, keys, keys);
  Bytes message{0, 32};
  ASSERT_TRUE(dialer.write({}, message));
  ByteQueue in;
  ByteQueue out;
  in.append(message);
  ASSERT_TRUE(feed_all(listener, in, out));
  ASSERT_TRUE(dialer.read(out.view().subspan(2)));
  const HostKey key = test::host_key(3);
  ProtoWriter payload;
  payload.bytes(1, key.public_key().encode());
  payload.bytes(2, key.sign(as_bytes("noise-libp2p-static-key:" + std::string(32, 'x'))));
  Bytes third;
  ASSERT_TRUE(dialer.write(payload.view(), third));
  third.insert(third.begin(), {0, static_cast<std::uint8_t>(third.size())});
  in.append(third);
  EXPECT_EQ(feed_all(listener, in, out).error().fault, Fault::kDenied);
}

// A process signs its static key once, and what it signed is what it says.
TEST(NoiseChannel, AProofThatWasMadeBeforeIsTheOneThatIsSent) {
  for (const bool right : {true, false}) {
    NoiseConfig config = noise_config(Role::kInitiator);
    const Hash other = test::filled(9);
    config.static_proof = prove_static_key(config.identity, right ? config.static_keys.public_key : other);
    Pair pair{NoiseChannel(config), NoiseChannel(noise_config(Role::kResponder))};
    const Status shaken = pair.shake();
    EXPECT_EQ(shaken.has_value(), right);
    if (!right) {
      EXPECT_EQ(shaken.error().fault, Fault::kDenied);
    }
  }
}

TEST(NoiseChannel, ALongHandshakeMessageIsRefusedBeforeItIsThere) {
  NoiseChannel listener(noise_config(Role::kResponder));
  ByteQueue in;
  ByteQueue out;
  in.append(Bytes{0xFF, 0xFF});
  EXPECT_EQ(feed_all(listener, in, out).error().fault, Fault::kLimit);
}

TEST(NoiseChannel, AnyChangedByteEndsIt) {
  Pair pair{NoiseChannel(noise_config(Role::kInitiator)), NoiseChannel(noise_config(Role::kResponder))};
  ASSERT_TRUE(pair.shake());
  ByteQueue frame;
  pair.dialer.seal(as_bytes("hello"), frame);
  for (std::size_t at = 2; at < frame.size(); ++at) {
    ByteQueue changed;
    changed.append(frame.view());
    changed.readable()[at] ^= 1;
    EXPECT_EQ(feed_all(pair.listener, changed, pair.to_dialer).error().fault, Fault::kDenied) << at;
  }
  EXPECT_EQ(as_text(feed_all(pair.listener, frame, pair.to_dialer).value()), "hello");
}

}  // namespace
}  // namespace micro::p2p
