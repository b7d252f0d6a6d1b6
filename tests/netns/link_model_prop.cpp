// What a link never does, over generated rules and traffic: arrive before it was sent, lose or double a frame unseen,
// pass a cut, go faster than its rate, or throw other dice for the same seed.
#include "tests/netns/link_model.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace micro::netns {
namespace {

constexpr std::size_t kNodes = 3;

LinkRules any_rules() {
  const auto up_to = [](std::uint64_t most) { return *rc::gen::inRange<std::uint64_t>(0, most + 1); };
  return {.delay_us = up_to(100'000),
          .jitter_us = up_to(200'000),  // also more than the delay
          .loss_ppm = static_cast<std::uint32_t>(up_to(kPpm)),
          .reorder_ppm = static_cast<std::uint32_t>(up_to(kPpm)),
          .reorder_us = up_to(50'000),
          .rate_bps = *rc::gen::element<std::uint64_t>(0, 100'000, 10'000'000),
          .queue_bytes = up_to(20'000),
          .blocked = up_to(9) == 0};
}

Bytes numbered(std::uint32_t number, std::size_t bytes) {
  Bytes out(std::max<std::size_t>(bytes, 4), 0);
  for (unsigned n = 0; n < 4; ++n) out[n] = static_cast<std::uint8_t>(number >> (8 * n));
  return out;
}
std::uint32_t number_of(const Bytes& frame) {
  return static_cast<std::uint32_t>(frame[0]) | static_cast<std::uint32_t>(frame[1]) << 8 |
         static_cast<std::uint32_t>(frame[2]) << 16 | static_cast<std::uint32_t>(frame[3]) << 24;
}

RC_GTEST_PROP(LinkModel, AccountsForEachFrameAndNoneComesBeforeItWasSent, ()) {
  LinkModel model(kNodes, *rc::gen::arbitrary<std::uint64_t>());
  Instant now{1};
  std::vector<Instant> sent;
  std::set<std::uint32_t> arrived;
  const auto take = [&] {
    Instant last{0};
    for (const auto& one : model.take_due(now)) {
      RC_ASSERT(one.from != one.to);
      RC_ASSERT(one.at >= sent.at(number_of(one.frame)) && one.at <= now && one.at >= last);
      RC_ASSERT(arrived.insert(number_of(one.frame)).second);
      RC_ASSERT(!model.rules(one.from, one.to).blocked);  // nothing passes a cut
      last = one.at;
    }
    RC_ASSERT(model.next_at().value_or(Instant{now.ns + 1}) > now);
  };
  const int steps = *rc::gen::inRange(1, 120);
  for (int n = 0; n < steps; ++n) {
    now.ns += *rc::gen::inRange<std::uint64_t>(0, 20'000'000);
    const auto from = *rc::gen::inRange<std::size_t>(0, kNodes);
    const auto to = (from + *rc::gen::inRange<std::size_t>(1, kNodes)) % kNodes;
    if (n % 5 == 0) model.set(from, to, any_rules());
    model.offer(from, to, numbered(static_cast<std::uint32_t>(sent.size()), *rc::gen::inRange<std::size_t>(4, 1'514)),
                now);
    sent.push_back(now);
    take();
  }
  now.ns += 1'000'000'000'000;
  take();
  LinkCounts sum;
  for (std::size_t from = 0; from < kNodes; ++from) {
    for (std::size_t to = 0; to < kNodes; ++to) sum += model.counts(from, to);
  }
  RC_ASSERT(sum.offered == sent.size() && sum.delivered == arrived.size() && model.in_flight() == 0);
  RC_ASSERT(sum.offered == sum.delivered + sum.lost + sum.blocked + sum.overflow);
}

RC_GTEST_PROP(LinkModel, KeepsTheOrderUnlessTold, ()) {
  LinkModel model(2, *rc::gen::arbitrary<std::uint64_t>());
  LinkRules rules = any_rules();
  rules.reorder_ppm = 0;
  rules.blocked = false;
  model.set(0, 1, rules);
  Instant now{1};
  for (std::uint32_t n = 0; n < 60; ++n) {
    now.ns += *rc::gen::inRange<std::uint64_t>(0, 3'000'000);
    model.offer(0, 1, numbered(n, 100), now);
  }
  std::uint32_t next = 0;
  for (const auto& one : model.take_due({~std::uint64_t{0}})) {
    RC_ASSERT(number_of(one.frame) >= next);
    next = number_of(one.frame) + 1;
  }
}

RC_GTEST_PROP(LinkModel, NeverGoesFasterThanItsRate, ()) {
  const LinkRules rules{.rate_bps = *rc::gen::inRange<std::uint64_t>(50'000, 50'000'000),
                        .burst_bytes = *rc::gen::inRange<std::uint64_t>(1'514, 10'000),
                        .queue_bytes = *rc::gen::inRange<std::uint64_t>(0, 100'000)};
  LinkModel model(2, 1);
  model.set(0, 1, rules);
  Instant now{1};
  for (int n = 0; n < 150; ++n) {
    now.ns += *rc::gen::inRange<std::uint64_t>(0, 2'000'000);
    model.offer(0, 1, Bytes(*rc::gen::inRange<std::size_t>(64, 1'514)), now);
  }
  const auto all = model.take_due({~std::uint64_t{0}});
  for (std::size_t first = 0; first < all.size(); ++first) {
    std::uint64_t bytes = 0;
    for (std::size_t last = first; last < all.size(); ++last) {
      bytes += all[last].frame.size();
      const double seconds = static_cast<double>(all[last].at.ns - all[first].at.ns) / 1e9;
      RC_ASSERT(static_cast<double>(bytes) <=
                static_cast<double>(rules.burst_bytes) + 1 + seconds * static_cast<double>(rules.rate_bps) / 8);
    }
  }
}

TEST(LinkModel, SendsAtItsRateAsLongAsThereIsSomethingToSend) {
  LinkModel model(2, 1);
  model.set(0, 1, {.rate_bps = 10'000'000, .queue_bytes = 64'000});
  for (std::uint64_t ms = 0; ms < 1'000; ++ms) {  // 12 Mbit/s are offered
    model.offer(0, 1, Bytes(1'500), Instant().plus_ms(ms));
  }
  std::uint64_t bytes = 0;
  for (const auto& one : model.take_due(Instant().plus_ms(1'000))) bytes += one.frame.size();
  EXPECT_NEAR(static_cast<double>(bytes), 1'250'000, 15'000);
  EXPECT_GT(model.counts(0, 1).overflow, 0U);
}

TEST(LinkModel, LosesAndReordersItsShareWithinWhatDiceDo) {
  LinkModel model(2, 42);
  model.set(0, 1, {.loss_ppm = 20'000, .reorder_ppm = 10'000, .reorder_us = 1'000});
  constexpr std::uint64_t kFrames = 100'000;
  for (std::uint64_t n = 0; n < kFrames; ++n) model.offer(0, 1, Bytes(64), Instant().plus_ms(n));
  const auto& counts = model.counts(0, 1);
  const auto deviation = [](double share) { return std::sqrt(kFrames * share * (1 - share)); };
  EXPECT_NEAR(static_cast<double>(counts.lost), kFrames * 0.02, 5 * deviation(0.02));
  EXPECT_NEAR(static_cast<double>(counts.reordered), kFrames * 0.0098, 5 * deviation(0.0098));
}

TEST(LinkModel, SpreadsJitterOverBothSides) {
  LinkModel model(2, 42);
  model.set(0, 1, {.delay_us = 40'000, .jitter_us = 10'000});
  constexpr std::uint64_t kFrames = 2'000;
  for (std::uint64_t n = 0; n < kFrames; ++n)
    model.offer(0, 1, numbered(static_cast<std::uint32_t>(n), 64), Instant().plus_ms(n * 100));
  double sum_ms = 0;
  double least_ms = 1e9;
  double most_ms = 0;
  for (const auto& one : model.take_due({~std::uint64_t{0}})) {
    const double took_ms = static_cast<double>(one.at.ns) / 1e6 - 100.0 * number_of(one.frame);
    sum_ms += took_ms;
    least_ms = std::min(least_ms, took_ms);
    most_ms = std::max(most_ms, took_ms);
  }
  EXPECT_NEAR(sum_ms / kFrames, 40, 1);
  EXPECT_NEAR(least_ms, 30, 0.5);
  EXPECT_NEAR(most_ms, 50, 0.5);
}

TEST(LinkModel, LetsOthersPassAFrameThatIsLate) {
  LinkModel model(2, 7);
  model.set(0, 1, {.delay_us = 1'000, .reorder_ppm = 100'000, .reorder_us = 20'000});
  for (std::uint32_t n = 0; n < 1'000; ++n) model.offer(0, 1, numbered(n, 64), Instant().plus_ms(n));
  std::size_t overtaken = 0;
  std::uint32_t highest = 0;
  for (const auto& one : model.take_due({~std::uint64_t{0}})) {
    overtaken += number_of(one.frame) < highest;
    highest = std::max(highest, number_of(one.frame));
  }
  EXPECT_GT(overtaken, 50U);
  EXPECT_EQ(model.counts(0, 1).delivered, 1'000U);
}

TEST(LinkModel, LosesWhatIsOnALinkThatIsCut) {
  LinkModel model(2, 1);
  model.set(0, 1, {.delay_us = 10'000});
  model.set(1, 0, {.delay_us = 10'000});
  model.offer(0, 1, Bytes(64), {0});
  model.offer(1, 0, Bytes(64), {0});
  model.set(0, 1, {.delay_us = 10'000, .blocked = true});
  model.set(0, 1, {.delay_us = 10'000});
  const auto arrived = model.take_due(Instant().plus_ms(100));
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_EQ(arrived[0].from, 1U);  // the other direction is another link
  EXPECT_EQ(model.counts(0, 1).blocked, 1U);
}

TEST(LinkModel, ThrowsTheSameDiceForTheSameSeedWhateverOtherLinksCarry) {
  const LinkRules rules{
      .delay_us = 40'000, .jitter_us = 10'000, .loss_ppm = 100'000, .reorder_ppm = 50'000, .reorder_us = 5'000};
  const auto run = [&](std::uint64_t seed, bool crowded) {
    LinkModel model(kNodes, seed);
    model.set(0, 1, rules);
    model.set(1, 2, rules);
    std::vector<std::pair<std::uint32_t, std::uint64_t>> out;
    for (std::uint32_t n = 0; n < 300; ++n) {
      model.offer(0, 1, numbered(n, 64), Instant().plus_ms(n));
      if (crowded) model.offer(1, 2, numbered(n, 64), Instant().plus_ms(n));
    }
    for (const auto& one : model.take_due({~std::uint64_t{0}})) {
      if (one.from == 0) out.emplace_back(number_of(one.frame), one.at.ns);
    }
    return out;
  };
  EXPECT_EQ(run(5, false), run(5, true));
  EXPECT_NE(run(5, false), run(6, false));
}

TEST(LinkModel, HoldsABoundedNumberOfBytes) {
  LinkModel model(2, 1);
  model.set(0, 1, {.delay_us = 1'000'000});
  for (std::size_t n = 0; n <= kMaxInFlightBytes / 65'536; ++n) model.offer(0, 1, Bytes(65'536), {0});
  EXPECT_EQ(model.counts(0, 1).overflow, 1U);
  EXPECT_EQ(model.in_flight(), kMaxInFlightBytes / 65'536);
}

}  // namespace
}  // namespace micro::netns
