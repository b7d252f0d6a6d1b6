// An attacker with most of the addresses in few networks never has every outbound slot; honest inbound peers outlive a
// flood of newcomers; and whatever happens in whatever order, no limit is exceeded.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

using Kind = ManagerEffect::Kind;
using test::address_in_group;

constexpr std::uint32_t kAttackerGroups = 8;
constexpr std::uint64_t kAttackers = 180;  // of 200 addresses
constexpr std::uint64_t kHonest = 20;

bool is_attacker(const PeerId& peer, const std::set<PeerId>& attackers) {
  return attackers.contains(peer);
}

struct Eclipse {
  explicit Eclipse(std::uint64_t seed) : random(seed) {
    std::vector<PeerAddress> all;
    for (std::uint64_t n = 0; n < kAttackers; ++n) {
      attackers.insert(test::peer(n));
      all.push_back({test::peer(n), address_in_group(n % kAttackerGroups, static_cast<std::uint32_t>(n))});
    }
    for (std::uint64_t n = kAttackers; n < kAttackers + kHonest; ++n) {
      all.push_back({test::peer(n), address_in_group(static_cast<std::uint32_t>(n), 1)});
    }
    source.emplace(std::move(all), random);
    manager.emplace(ManagerLimits(), test::peer(1'000'000), random);
  }

  // Attackers always answer and never leave; honest peers answer two times of three and leave now and then.
  void turn() {
    now = now.plus_ms(30'000);
    for (const auto& view : manager->connections(now)) {
      if (is_attacker(view.peer, attackers) || random.draw_u64() % 30 != 0) continue;
      manager->disconnected(view.connection, {.fault = Fault::kUnreachable, .message = "left"}, now);
    }
    for (const auto& effect : manager->step(*source, [](const Multiaddr&) { return true; }, now)) {
      if (!is_attacker(effect.peer, attackers) && random.draw_u64() % 3 == 0) {
        manager->dial_failed(effect.peer, *source, now);
        continue;
      }
      const PeerAddress at{effect.peer, effect.addresses.at(0)};
      (void)manager->connected(++ids, at, Direction::kOutbound, *source, now);  // refused: a feeler
    }
  }

  [[nodiscard]] std::size_t outbound(bool of_attackers) const {
    const auto all = manager->connections(now);
    return static_cast<std::size_t>(std::ranges::count_if(
        all, [&](const auto& view) { return is_attacker(view.peer, attackers) == of_attackers; }));
  }

  SeededRandom random;
  std::set<PeerId> attackers;
  std::optional<test::ListedAddresses> source;
  std::optional<Manager> manager;
  Instant now;
  ConnectionId ids = 0;
};

TEST(Manager, NineOfTenAddressesInEightNetworksNeverHoldEveryOutboundSlot) {
  const ManagerLimits limits;
  const std::size_t slots = limits.full_outbound + limits.block_only_outbound;
  ASSERT_GT(slots, kAttackerGroups);
  std::size_t turns_with_honest = 0;
  std::size_t turns = 0;
  std::size_t worst = 0;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    Eclipse world(seed);
    for (int n = 0; n < 60; ++n) {
      world.turn();
      worst = std::max(worst, world.outbound(true));
      ASSERT_LT(world.outbound(true), slots) << seed;
      ++turns;
      turns_with_honest += world.outbound(false) > 0 ? 1 : 0;
    }
  }
  EXPECT_EQ(worst, kAttackerGroups);  // it tried: every network of its own is in use
  EXPECT_GT(turns_with_honest * 1'000, turns * 990);
}

TEST(Manager, HonestInboundPeersOutliveAFloodOfNewcomers) {
  constexpr std::uint64_t kOld = 12;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    test::ListedAddresses none({}, random);
    Manager manager({.inbound = 60}, test::peer(1'000'000), random);
    Instant now;
    ConnectionId id = 0;
    const auto come = [&](std::uint64_t peer, const Multiaddr& from) {
      now = now.plus_ms(500);
      return manager.connected(++id, {test::peer(peer), from}, Direction::kInbound, none, now);
    };
    for (std::uint64_t n = 0; n < kOld; ++n) {
      ASSERT_TRUE(come(n, address_in_group(static_cast<std::uint32_t>(100 + n), 1)));
      manager.on_round_trip(id, 10'000'000 + n * 1'000'000);
    }
    for (std::uint64_t n = 0; n < 2'000; ++n) {
      (void)come(1'000 + n, address_in_group(static_cast<std::uint32_t>(n % 8), static_cast<std::uint32_t>(n)));
      manager.on_round_trip(id, 12'000'000 + random.draw_u64() % 100'000'000);  // no nearer than the nearest
      manager.on_useful(id, now);
    }
    EXPECT_LE(manager.count(Slot::kInbound), 60U);
    std::size_t alive = 0;
    for (const auto& view : manager.connections(now)) {
      for (std::uint64_t n = 0; n < kOld; ++n) alive += view.peer == test::peer(n) ? 1 : 0;
    }
    EXPECT_EQ(alive, kOld) << seed;
  }
}

// A random life: who connects, fails, leaves, is protected.
class Life {
 public:
  Life() : random_(*rc::gen::arbitrary<std::uint64_t>()), manager_(limits(), self(), random_) {
    std::vector<PeerAddress> all;
    for (std::uint64_t n = 0; n < 40; ++n) {
      all.push_back(
          {test::peer(n), address_in_group(static_cast<std::uint32_t>(n % 12), static_cast<std::uint32_t>(n))});
    }
    source_.emplace(std::move(all), random_);
    RC_ASSERT(manager_.add_static(test::peer(7), {address_in_group(7, 7), address_in_group(3, 99)}).has_value());
  }
  static ManagerLimits limits() { return {.full_outbound = 4, .block_only_outbound = 2, .inbound = 5}; }
  static PeerId self() { return test::peer(39); }

  void step() {
    now_ = now_.plus_ms(*rc::gen::inRange<std::uint64_t>(0, 100'000));
    switch (*rc::gen::inRange(0, 6)) {
      case 0:
        return dial();
      case 1:
        return answer(*rc::gen::arbitrary<bool>());
      case 2:
        return come(Direction::kInbound);
      case 3:
        return come(Direction::kOutbound);  // a part of this node dialed by itself
      case 4:
        return leave();
      default: {
        const PeerId peer = any_peer();
        if (*rc::gen::arbitrary<bool>()) return manager_.protect(peer, "test");
        return manager_.unprotect(peer, "test");
      }
    }
  }

  void check() const {
    const auto all = manager_.connections(now_);
    std::map<PeerId, std::size_t> each;
    std::multiset<AddressGroup> groups;
    for (const auto& view : all) {
      RC_ASSERT(++each[view.peer] <= limits().connections_per_peer);
      RC_ASSERT(view.peer != self());
      if (view.slot == Slot::kFull || view.slot == Slot::kBlockOnly) groups.insert(AddressGroup::of(view.address));
    }
    for (const auto& view : all) {
      const auto is_first = [&](const auto& one) { return one.peer == view.peer && one.slot != Slot::kSecond; };
      RC_ASSERT(std::ranges::count_if(all, is_first) >= 1);  // a second one is never alone
    }
    for (const AddressGroup& group : groups) RC_ASSERT(groups.count(group) == 1U);
    RC_ASSERT(manager_.count(Slot::kFull) <= limits().full_outbound);
    RC_ASSERT(manager_.count(Slot::kBlockOnly) <= limits().block_only_outbound);
    RC_ASSERT(manager_.count(Slot::kInbound) <= limits().inbound);
    RC_ASSERT(manager_.count(Slot::kFeeler) <= 1U);
    RC_ASSERT(all.size() == ours_.size());
    std::size_t seen = 0;
    for (const auto& view : manager_.peers()) seen += view.connections;
    RC_ASSERT(seen == all.size());
  }

 private:
  PeerId any_peer() { return test::peer(*rc::gen::inRange<std::uint64_t>(0, 40)); }

  void dial() {
    for (auto& effect : manager_.step(*source_, [](const Multiaddr&) { return true; }, now_)) {
      RC_ASSERT(effect.kind == Kind::kDial && effect.peer != self());
      dials_.push_back(std::move(effect));
    }
    RC_ASSERT(dials_.size() < 200U);
  }

  void answer(bool worked) {
    if (dials_.empty()) return;
    const auto at = dials_.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(dials_));
    const ManagerEffect dial = *at;
    dials_.erase(at);
    if (!worked) return manager_.dial_failed(dial.peer, *source_, now_);
    took({dial.peer, dial.addresses.at(0)}, Direction::kOutbound);
  }

  void come(Direction direction) {
    if (*rc::gen::arbitrary<bool>()) {  // where the book has it
      const auto n = *rc::gen::inRange<std::uint32_t>(0, 39);
      return took({test::peer(n), address_in_group(n % 12, n)}, direction);
    }
    const auto host = *rc::gen::inRange<std::uint32_t>(0, 1'000);
    took({any_peer(), address_in_group(*rc::gen::inRange<std::uint32_t>(0, 30), host)}, direction);
  }

  void took(const PeerAddress& at, Direction direction) {
    const auto result = manager_.connected(++ids_, at, direction, *source_, now_);
    if (!result) return;
    ours_[ids_] = at.peer;
    if (!result->empty()) RC_ASSERT(direction == Direction::kInbound);
    for (const auto& effect : *result) RC_ASSERT(!manager_.is_protected(ours_.at(effect.connection)));
    closed(*result);
  }
  void closed(const std::vector<ManagerEffect>& effects) {
    for (const auto& effect : effects) {
      RC_ASSERT(effect.kind == Kind::kClose);
      RC_ASSERT(ours_.erase(effect.connection) == 1U);
    }
  }

  void leave() {
    if (ours_.empty()) return;
    const auto at = std::next(ours_.begin(), *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(ours_)));
    const ConnectionId id = at->first;
    ours_.erase(at);
    closed(manager_.disconnected(id, {.fault = Fault::kUnreachable, .message = "left"}, now_));
  }

  SeededRandom random_;
  Manager manager_;
  std::optional<test::ListedAddresses> source_;
  std::vector<ManagerEffect> dials_;
  std::map<ConnectionId, PeerId> ours_;
  ConnectionId ids_ = 0;
  Instant now_;
};

RC_GTEST_PROP(Manager, NoLimitIsExceededWhateverHappens, ()) {
  Life life;
  const int steps = *rc::gen::inRange(1, 150);
  for (int n = 0; n < steps; ++n) {
    life.step();
    life.check();
  }
}

}  // namespace
}  // namespace micro::p2p
