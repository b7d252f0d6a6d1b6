// What failed is left alone twice as long each time, up to an hour, and not by all for the same time.
#include "p2p/peers/backoff.hpp"

#include <gtest/gtest.h>

#include <set>

namespace micro::p2p {
namespace {

// How long it is left alone behind one more failure, in milliseconds.
std::uint64_t pause_of(Backoff<int>& backoff, Random& random) {
  const Instant now{1};
  backoff.failed(7, now, random);
  std::uint64_t low = 0;
  std::uint64_t high = 2 * kMostBackoffMs;
  while (low < high) {
    const std::uint64_t middle = (low + high) / 2;
    if (backoff.may_try(7, now.plus_ms(middle))) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

TEST(Backoff, DoublesUpToAnHourAndDiffers) {
  SeededRandom random(1);
  std::set<std::uint64_t> hours;
  for (int round = 0; round < 3; ++round) {
    Backoff<int> backoff;
    std::uint64_t base = kFirstBackoffMs;
    for (int failures = 0; failures < 80; ++failures) {
      const std::uint64_t pause = pause_of(backoff, random);
      EXPECT_GE(pause, base) << failures;
      EXPECT_LE(pause, base + base / 4) << failures;
      base = std::min(2 * base, kMostBackoffMs);
      if (failures == 79) hours.insert(pause);
    }
    backoff.succeeded(7);
    EXPECT_TRUE(backoff.may_try(7, {}));
    EXPECT_LE(pause_of(backoff, random), kFirstBackoffMs + kFirstBackoffMs / 4);
  }
  EXPECT_EQ(hours.size(), 3U);
}

TEST(Backoff, RemembersSoManyAndNoMore) {
  SeededRandom random(1);
  Backoff<std::size_t> backoff;
  for (std::size_t n = 0; n < 2 * kMaxBackoffs; ++n) backoff.failed(n, Instant{1}.plus_ms(n), random);
  EXPECT_EQ(backoff.size(), kMaxBackoffs);
  EXPECT_FALSE(backoff.may_try(2 * kMaxBackoffs - 1, Instant{1}.plus_ms(2 * kMaxBackoffs)));
}

}  // namespace
}  // namespace micro::p2p
