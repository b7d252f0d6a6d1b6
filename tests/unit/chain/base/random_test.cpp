#include "chain/base/random.hpp"

#include <gtest/gtest.h>

#include <set>

#include "chain/base/clock.hpp"

namespace micro {
namespace {

TEST(SeededRandom, EqualSeedsGiveEqualBytesAndOthersDoNot) {
  SeededRandom a(7);
  SeededRandom b(7);
  SeededRandom c(8);
  const Hash first = a.draw<Hash>();
  EXPECT_EQ(first, b.draw<Hash>());
  EXPECT_NE(first, c.draw<Hash>());
  EXPECT_NE(first, a.draw<Hash>()) << "the stream moves on";
}

// RFC 7539's ChaCha20 core with libsodium's 64-bit nonce: the zero key and nonce give this known block.
TEST(SeededRandom, IsTheChaCha20KeystreamOfItsSeed) {
  SeededRandom zero(0);
  EXPECT_EQ(zero.draw<Hash>().hex(), "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7");
}

TEST(SystemRandom, DoesNotRepeat) {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.draw_u64());
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(SystemClock, GoesForwardAndKnowsTheCentury) {
  const SystemClock clock;
  const Instant before = clock.now();
  EXPECT_LE(before, clock.now());
  EXPECT_EQ(Instant{5}.plus_ms(2), Instant{2'000'005});
  EXPECT_GT(clock.wall(), TimeMs(1'700'000'000'000)) << "milliseconds, after 2023";
  EXPECT_LT(clock.wall(), TimeMs(10'000'000'000'000));
}

}  // namespace
}  // namespace micro
