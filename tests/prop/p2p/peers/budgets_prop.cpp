// Greedy peers get what their budget allows and the process no more than it has, while a light one is hardly held up.
#include "p2p/peers/budgets.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

constexpr std::uint64_t kReadBytes = 1'000;
constexpr std::uint64_t kCallBytes = 100;
constexpr Rate kPlenty{1'000'000'000, 1'000'000'000};

RC_GTEST_PROP(Budgets, GreedyPeersWaitAndALightOneDoesNot, ()) {
  const Rate peer{*rc::gen::inRange<std::uint64_t>(20'000, 200'000), 100'000};
  const Rate process{*rc::gen::inRange<std::uint64_t>(100'000, 1'000'000), 400'000};
  const auto greedy = *rc::gen::inRange<std::uint64_t>(1, 20);
  Budgets budgets({.peer = {.bytes = peer, .cpu_ns = kPlenty},
                   .protocol = {.bytes = kPlenty, .cpu_ns = kPlenty},
                   .process = {.bytes = process, .cpu_ns = kPlenty}});
  std::vector<std::uint64_t> read(greedy);
  std::uint64_t all = 0;
  const PeerId light = test::peer(1'000);
  constexpr std::uint64_t kSeconds = 6;
  for (std::uint64_t ms = 1; ms <= kSeconds * 1'000; ms += 5) {
    const Instant now = Instant().plus_ms(ms);
    for (std::uint64_t n = 0; n < greedy; ++n) {
      while (budgets.peer_ready_at(test::peer(n), false, now) <= now) {
        budgets.charge(test::peer(n), {.bytes = kReadBytes}, now);
        read[n] += kReadBytes;
        all += kReadBytes;
      }
    }
    if (ms % 500 != 1) continue;  // a small call twice a second
    RC_ASSERT(budgets.peer_ready_at(light, false, now) <= now);
    budgets.charge(light, {.bytes = kCallBytes}, now);
    all += kCallBytes;
  }
  for (const std::uint64_t bytes : read) RC_ASSERT(bytes <= peer.stock + peer.per_s * kSeconds + 2 * kReadBytes);
  RC_ASSERT(all <= process.stock + process.per_s * kSeconds + (greedy + 2) * kReadBytes);
  // And it is used: whichever of the two is narrower.
  const std::uint64_t wanted = std::min(greedy * peer.per_s, process.per_s) * kSeconds;
  RC_ASSERT(all >= wanted * 9 / 10);
}

TEST(Budgets, AProtocolWaitsForThoseWhoAskForMuch) {
  BudgetLimits limits;
  limits.protocol.cpu_ns = {1'000'000'000, 500'000'000};
  Budgets budgets(limits);
  const Instant now = Instant().plus_ms(10'000);
  const PeerId heavy = test::peer(1);
  budgets.charge(heavy, {.bytes = limits.process.bytes.stock / kLightShare * 4}, now);
  budgets.charge_protocol("/slow", {.cpu_ns = 300'000'000}, now);
  EXPECT_LE(budgets.protocol_ready_at("/slow", heavy, false, now), now);
  budgets.charge_protocol("/slow", {.cpu_ns = 300'000'000}, now);
  EXPECT_EQ(budgets.protocol_ready_at("/slow", heavy, false, now), now.plus_ms(100));
  EXPECT_LE(budgets.protocol_ready_at("/other", heavy, false, now), now);
  // But not for who has asked for little, or may ask for anything.
  EXPECT_LE(budgets.protocol_ready_at("/slow", test::peer(2), false, now), now);
  EXPECT_LE(budgets.protocol_ready_at("/slow", heavy, true, now), now);
}

TEST(Budgets, ManyPeersMakeRoomForEachOther) {
  Budgets budgets({});
  for (std::uint64_t n = 0; n < 3 * kMaxBudgetedPeers; ++n) {
    budgets.charge(test::peer(n), {.bytes = 1'000'000}, Instant().plus_ms(n));
    budgets.charge_protocol("/p/" + std::to_string(n), {.bytes = 1'000'000}, Instant().plus_ms(n));
    ASSERT_LE(budgets.peers(), kMaxBudgetedPeers);
  }
}

// A clock may begin at any time, at zero too: what is there then is the whole stock.
TEST(Budgets, AHeavyPeerWaitsForNothingWhileTheProcessHasMuch) {
  const BudgetLimits limits;
  Budgets budgets(limits);
  const PeerId heavy = test::peer(1);
  budgets.charge(heavy, {.bytes = limits.process.bytes.stock / kLightShare * 4}, {});
  EXPECT_EQ(budgets.peer_ready_at(heavy, false, {}), Instant());
}

}  // namespace
}  // namespace micro::p2p
