// What is let in never exceeds the limits, counted by a list of everything that happened; and the bucket is a counter
// that fills with time.
#include "p2p/peers/gater.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

RC_GTEST_PROP(TokenBucket, IsACounterThatFillsWithTime, ()) {
  const Rate rate{*rc::gen::inRange<std::uint64_t>(1, 1'000), *rc::gen::inRange<std::uint64_t>(1, 100)};
  TokenBucket bucket(rate);
  Instant now{1};
  std::uint64_t granted = 0;
  const int steps = *rc::gen::inRange(1, 80);
  for (int n = 0; n < steps; ++n) {
    now.ns += *rc::gen::inRange<std::uint64_t>(0, 3'000'000'000);
    const auto count = *rc::gen::inRange<std::uint64_t>(0, 150);
    const bool took = bucket.take(count, now);
    if (took) granted += count;
    RC_ASSERT(!took || count <= rate.stock);
    // Never more than the stock and what came since; rounding of a cost to whole nanoseconds loses less than one each.
    RC_ASSERT(granted <= rate.stock + rate.per_s * (now.ns / 1'000'000'000 + 1) + 1);
    if (bucket.is_full(now)) RC_ASSERT(TokenBucket(bucket).take(rate.stock, now));
  }
  now.ns += 200'000'000'000;  // it never stays empty
  RC_ASSERT(bucket.take(rate.stock, now));
}

struct Open {
  IpAddress ip;
  bool secured = false;
};

RC_GTEST_PROP(Gater, LetsInWithinItsLimitsOnly, ()) {
  const GaterLimits limits{.concurrent_handshakes = 6, .connections_per_host = 3};
  Gater gater(limits);
  std::vector<Open> open;
  std::map<IpAddress, std::vector<Instant>> accepted;  // of a host
  Instant now{1};
  const int steps = *rc::gen::inRange(1, 150);
  for (int n = 0; n < steps; ++n) {
    now.ns += *rc::gen::inRange<std::uint64_t>(0, 4'000'000'000);
    const auto what = *rc::gen::inRange(0, 4);
    if (what < 2) {
      const auto ip = IpAddress::v4((20U << 24) + *rc::gen::inRange<std::uint32_t>(0, 5));
      if (!gater.accept(ip, now)) continue;
      open.push_back({.ip = ip});
      auto& times = accepted[ip];
      times.push_back(now);
      for (std::size_t k = 0; k < times.size(); ++k) {  // over any stretch of time
        const std::uint64_t stretch_ns = now.ns - times[k].ns;
        RC_ASSERT(times.size() - k <= 4 + stretch_ns / 5'000'000'000 + 1);
      }
    } else if (!open.empty()) {
      const auto at = open.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(open));
      if (what == 2 && !at->secured) {
        at->secured = true;
        gater.secured(at->ip);
      } else {
        gater.closed(at->ip, at->secured);
        open.erase(at);
      }
    }
    const auto shaking = std::ranges::count_if(open, [](const Open& one) { return !one.secured; });
    RC_ASSERT(gater.handshakes() == static_cast<std::size_t>(shaking) && gater.handshakes() <= 6U);
    for (std::uint32_t host = 0; host < 5; ++host) {
      const auto ip = IpAddress::v4((20U << 24) + host);
      RC_ASSERT(std::ranges::count_if(open, [&](const Open& one) { return one.ip == ip; }) <= 3);
    }
  }
}

TEST(Gater, ItsTablesStayBoundedWhoeverComes) {
  SeededRandom random(5);
  Gater gater({.concurrent_handshakes = 100'000});
  Instant now;
  for (int n = 0; n < 60'000; ++n) {
    now = now.plus_ms(1);
    const auto ip = IpAddress::v4(static_cast<std::uint32_t>(random.draw_u64()));
    if (gater.accept(ip, now)) gater.closed(ip, false);
    if (n % 8 == 0) gater.ban(ip, now);
    if (n % 8 == 1) gater.ban(test::peer(static_cast<std::uint64_t>(n)), now);
    ASSERT_LE(gater.entries(), 2 * kMaxGatedHosts + 2 * kMaxGatedBans);
  }
}

}  // namespace
}  // namespace micro::p2p
