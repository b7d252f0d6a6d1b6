// Each address behaves in its own way; the race ends with the first that connects, or when every one was tried.
#include "p2p/peers/dial_race.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

struct Outcome {
  bool connects = false;
  std::uint64_t after_ms = 0;
};

RC_GTEST_PROP(DialRace, EndsWithTheFirstThatConnectsOrWhenAllWereTried, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(1, 12);
  std::vector<Multiaddr> addresses;
  std::vector<Outcome> outcomes;
  for (std::size_t n = 0; n < count; ++n) {
    const auto port = static_cast<std::uint16_t>(1'000 + n);
    addresses.push_back(*rc::gen::arbitrary<bool>() ? Multiaddr::tcp("2600::1", port).value()
                                                    : test::address(0x14000001, port));
    outcomes.push_back({*rc::gen::inRange(0, 3) == 0, *rc::gen::inRange<std::uint64_t>(0, 15'000)});
  }
  const auto outcome_of = [&](const Multiaddr& address) {
    return outcomes[static_cast<std::size_t>(address.tcp_target()->port - 1'000)];
  };
  DialRace race(addresses);
  RC_ASSERT(race.addresses().size() == std::min(count, kMaxRaced));
  std::map<std::size_t, std::uint64_t> running;  // by attempt: when it is over
  std::set<std::size_t> begun;
  bool last_failed = true;
  std::uint64_t last_begun_ms = 0;
  std::uint64_t ms = 0;
  for (int turn = 0; turn < 10'000 && !race.winner() && !race.lost(); ++turn) {
    const auto step = race.step(Instant().plus_ms(ms));
    for (const std::size_t n : step.cancel) {
      RC_ASSERT(running.erase(n) == 1U);
      last_failed = true;
    }
    for (const std::size_t n : step.begin) {
      RC_ASSERT(begun.insert(n).second);
      RC_ASSERT(last_failed || ms >= last_begun_ms + kNextAttemptMs);
      running[n] = ms + outcome_of(race.addresses()[n]).after_ms;
      last_begun_ms = ms;
      last_failed = false;
    }
    if (race.lost()) break;
    RC_ASSERT(step.wake.has_value());
    std::uint64_t next = step.wake->ns / 1'000'000;
    for (const auto& [n, at] : running) next = std::min(next, at);
    ms = std::max(ms, next);
    for (auto at = running.begin(); at != running.end();) {
      if (at->second > ms) {
        ++at;
        continue;
      }
      const std::size_t n = at->first;
      at = running.erase(at);
      if (outcome_of(race.addresses()[n]).connects) {
        race.connected(n);
        break;
      }
      race.failed(n);
      last_failed = true;
    }
  }
  RC_ASSERT(race.winner().has_value() != race.lost());
  bool any = false;
  for (const Multiaddr& address : race.addresses()) {
    const Outcome outcome = outcome_of(address);
    any = any || (outcome.connects && outcome.after_ms < kAttemptMs);
  }
  if (any) RC_ASSERT(race.winner().has_value());
  if (race.lost()) RC_ASSERT(begun.size() == race.addresses().size() && running.empty());
  if (!race.winner()) return;
  std::set<std::size_t> cancelled;
  for (const std::size_t n : race.step(Instant().plus_ms(ms)).cancel) cancelled.insert(n);
  for (const auto& [n, at] : running) RC_ASSERT(cancelled.contains(n));
}

TEST(DialRace, FamiliesTakeTurnsAndIpv6IsFirst) {
  const auto six = [](std::uint16_t port) { return Multiaddr::tcp("2600::1", port).value(); };
  const auto four = [](std::uint16_t port) { return test::address(0x14000001, port); };
  const DialRace race({four(1), four(2), four(3), six(4), six(5)});
  EXPECT_EQ(race.addresses(), (std::vector<Multiaddr>{six(4), four(1), six(5), four(2), four(3)}));
}

}  // namespace
}  // namespace micro::p2p
