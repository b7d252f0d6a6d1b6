// The address book whatever happens, and against an attacker with most of the addresses in few networks.
#include "p2p/discovery/address_book.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

using test::address_in_group;

const Hash kBookNetwork{{7}};
const auto kEveryone = [](const PeerAddress&) { return true; };

PeerAddress numbered(std::uint64_t n, std::uint32_t groups) {
  return {test::peer(n), address_in_group(static_cast<std::uint32_t>(n % groups), static_cast<std::uint32_t>(n))};
}

class BookLife {
 public:
  BookLife() : random_(*rc::gen::arbitrary<std::uint64_t>()), book_(random_, false) {}

  void step() {
    now_ = now_.plus_ms(*rc::gen::inRange<std::uint64_t>(0, 400'000'000));
    const PeerAddress at = numbered(*rc::gen::inRange<std::uint64_t>(0, 120), 12);
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
        book_.tried(at, true, now_);
        known_.insert(at);
        break;
      case 1:
        for (int n = *rc::gen::inRange(1, 6); n > 0; --n) book_.tried(at, false, now_);
        break;
      case 2:
        book_.forget(at);
        break;
      case 3: {
        const auto one = book_.pick(kEveryone);
        if (one) RC_ASSERT(known_.contains(*one));
        if (book_.size() == 0) RC_ASSERT(!one.has_value());
        break;
      }
      case 4:
        reload();
        break;
      default:
        if (book_.add(at, address_in_group(*rc::gen::inRange(0U, 5U), 9), now_)) known_.insert(at);
    }
  }

  void check() const {
    std::set<PeerAddress> seen;
    std::map<AddressGroup, std::set<std::size_t>> reached;
    for (const bool of_tried : {false, true}) {
      std::size_t bucket_number = 0;
      for (const auto& bucket : book_.buckets(of_tried)) {
        RC_ASSERT(!bucket.empty() && bucket.size() <= kBookSlots);
        for (const PeerAddress& at : bucket) {
          RC_ASSERT(known_.contains(at));
          RC_ASSERT(seen.insert(at).second);  // in one place
          if (of_tried) reached[AddressGroup::of(at.address)].insert(bucket_number);
        }
        ++bucket_number;
      }
    }
    RC_ASSERT(seen.size() == book_.size());
    for (const auto& [group, buckets] : reached) RC_ASSERT(buckets.size() <= kTriedBucketsOfGroup);
    const auto sample = book_.sample(2, 10, 23, now_);
    RC_ASSERT(sample.size() <= std::min<std::size_t>(10, std::max<std::size_t>(2, book_.size() * 23 / 100)));
    for (const PeerAddress& at : sample) RC_ASSERT(seen.contains(at));
    RC_ASSERT(std::set(sample.begin(), sample.end()).size() == sample.size());
  }

 private:
  void reload() {
    book_.set_anchors({numbered(*rc::gen::inRange<std::uint64_t>(0, 120), 12)});
    const Bytes file = book_.save(kBookNetwork, now_, TimeMs(5'000'000));
    AddressBook other(random_, false);
    RC_ASSERT(other.load(file, kBookNetwork, now_, TimeMs(5'000'000)).has_value());
    RC_ASSERT(other.buckets(false) == book_.buckets(false));  // the same secret, so the same places
    RC_ASSERT(other.buckets(true) == book_.buckets(true));
    RC_ASSERT(other.anchors() == book_.anchors());
    RC_ASSERT(other.save(kBookNetwork, now_, TimeMs(5'000'000)) == file);
    RC_ASSERT(book_.load(file, kBookNetwork, now_, TimeMs(5'000'000)).has_value());
  }

  SeededRandom random_;
  AddressBook book_;
  std::set<PeerAddress> known_;
  Instant now_{1};
};

RC_GTEST_PROP(AddressBook, KeepsItsOrderWhateverHappens, ()) {
  BookLife life;
  const int steps = *rc::gen::inRange(1, 150);
  for (int n = 0; n < steps; ++n) {
    life.step();
    life.check();
  }
}

RC_GTEST_PROP(AddressBook, AFileThatWasTornOrChangedIsSeenAndChangesNothing, ()) {
  SeededRandom random(1);
  AddressBook book(random, false);
  for (std::uint64_t n = 0; n < 20; ++n) book.add(numbered(n, 5), address_in_group(40, 1), Instant{1});
  const Bytes whole = book.save(kBookNetwork, Instant{1}, TimeMs(1));
  Bytes file = whole;
  if (*rc::gen::arbitrary<bool>()) {
    file.resize(*rc::gen::inRange<std::size_t>(0, file.size()));
  } else {
    file[*rc::gen::inRange<std::size_t>(0, file.size())] ^= *rc::gen::inRange<std::uint8_t>(1, 255);
  }
  const auto before = book.buckets(false);
  RC_ASSERT(book.load(file, kBookNetwork, Instant{1}, TimeMs(1)).error().fault == Fault::kCorrupt);
  RC_ASSERT(book.buckets(false) == before);
  Hash other = kBookNetwork;
  other.data[3] = 1;
  RC_ASSERT(book.load(whole, other, Instant{1}, TimeMs(1)).error().fault == Fault::kMismatch);
  RC_ASSERT(book.buckets(false) == before);
}

// --- an attacker ---

constexpr std::uint32_t kAttackerGroups = 8;
constexpr std::uint64_t kAttackers = 180;  // of 200 addresses
constexpr std::uint64_t kHonest = 20;

// The book, fed by the attacker and one honest peer, and the manager that dials from it. Attackers always answer, never
// leave and tell their addresses again and again; honest peers answer two times of three and leave now and then.
struct Siege {
  explicit Siege(std::uint64_t seed) : random(seed), book(random, false), manager({}, test::peer(1'000'000), random) {
    for (std::uint64_t n = 0; n < kHonest; ++n) book.add(honest_ones()[n], tellers().back(), now);
    tell();
  }
  /// The same in all sieges: what is costly to make is made once.
  static const std::vector<PeerAddress>& attackers() {
    static const std::vector<PeerAddress> all = [] {
      std::vector<PeerAddress> out;
      for (std::uint64_t n = 0; n < kAttackers; ++n) out.push_back(attacker(n));
      return out;
    }();
    return all;
  }
  static const std::vector<PeerAddress>& honest_ones() {
    static const std::vector<PeerAddress> all = [] {
      std::vector<PeerAddress> out;
      for (std::uint64_t n = 0; n < kHonest; ++n) out.push_back(honest(n));
      return out;
    }();
    return all;
  }
  /// One in each of the attacker's networks, and an honest one.
  static const std::vector<Multiaddr>& tellers() {
    static const std::vector<Multiaddr> all = [] {
      std::vector<Multiaddr> out;
      for (std::uint32_t n = 0; n < kAttackerGroups; ++n) out.push_back(address_in_group(n, 7));
      out.push_back(address_in_group(300, 1));
      return out;
    }();
    return all;
  }
  static bool is_attacker(const PeerId& peer) {
    static const std::set<PeerId> all = [] {
      std::set<PeerId> out;
      for (const PeerAddress& at : attackers()) out.insert(at.peer);
      return out;
    }();
    return all.contains(peer);
  }
  static PeerAddress attacker(std::uint64_t n) { return numbered(n, kAttackerGroups); }
  static PeerAddress honest(std::uint64_t n) {
    return {test::peer(kAttackers + n), address_in_group(static_cast<std::uint32_t>(100 + n), 1)};
  }
  void tell() {
    for (const PeerAddress& at : attackers()) book.add(at, tellers()[random.draw_u64() % kAttackerGroups], now);
  }
  void turn() {
    now = now.plus_ms(30'000);
    for (const auto& view : manager.connections(now)) {
      if (is_attacker(view.peer) || random.draw_u64() % 30 != 0) continue;
      manager.disconnected(view.connection, {.fault = Fault::kUnreachable, .message = "left"}, now);
    }
    for (const auto& effect : manager.step(book, [](const Multiaddr&) { return true; }, now)) {
      const PeerAddress at{effect.peer, effect.addresses.at(0)};
      if (!is_attacker(at.peer) && random.draw_u64() % 3 == 0) {
        manager.dial_failed(effect.peer, book, now);
      } else {
        (void)manager.connected(++ids, at, Direction::kOutbound, book, now);  // refused: a feeler
      }
    }
  }
  /// Connections of attackers, and of honest peers.
  [[nodiscard]] std::pair<std::size_t, std::size_t> outbound() const {
    const auto all = manager.connections(now);
    const auto bad = std::ranges::count_if(all, [](const auto& view) { return is_attacker(view.peer); });
    return {static_cast<std::size_t>(bad), all.size() - static_cast<std::size_t>(bad)};
  }

  SeededRandom random;
  Instant now{1};
  AddressBook book;
  Manager manager;
  ConnectionId ids = 0;
};

TEST(AddressBook, NineOfTenAddressesInEightNetworksNeverHoldEveryOutboundSlot) {
  const ManagerLimits limits;
  const std::size_t slots = limits.full_outbound + limits.block_only_outbound;
  std::size_t turns = 0;
  std::size_t with_honest = 0;
  std::size_t worst = 0;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    Siege siege(seed);
    for (int n = 0; n < 40; ++n) {
      siege.turn();
      if (n % 20 == 0) siege.tell();
      const auto [of_attackers, of_honest] = siege.outbound();
      worst = std::max(worst, of_attackers);
      ASSERT_LT(of_attackers, slots) << seed;
      ++turns;
      with_honest += of_honest > 0 ? 1 : 0;
    }
  }
  EXPECT_EQ(worst, kAttackerGroups);  // it tried: each of its networks is in use
  EXPECT_GT(with_honest * 1'000, turns * 990);
}

// A hundred thousand addresses told by eight networks into the book of a node that knows few.
TEST(AddressBook, AFloodLeavesWhatWorksAndHalfOfTheBuckets) {
  SeededRandom random(5);
  AddressBook book(random, false);
  Instant now{1};
  for (std::uint64_t n = 0; n < kHonest; ++n) {
    book.add(Siege::honest(n), address_in_group(300, 1), now);
    book.tried(Siege::honest(n), true, now);
  }
  EXPECT_GE(book.tried_size(), kHonest - 1);  // two may belong into one place
  const std::size_t before = book.tried_size();
  for (std::uint32_t n = 0; n < 100'000; ++n) {
    book.add({test::peer(1'000 + n), address_in_group(n % kAttackerGroups, n)},
             address_in_group(n / kAttackerGroups % kAttackerGroups, 3), now);
  }
  EXPECT_EQ(book.tried_size(), before);
  EXPECT_LE(book.buckets(false).size(), kAttackerGroups * kAttackerGroups + kHonest);
  EXPECT_LE(book.size(), (kAttackerGroups * kAttackerGroups + kHonest) * kBookSlots);
  std::size_t honest = 0;
  constexpr int kPicks = 1'000;
  for (int n = 0; n < kPicks; ++n)
    honest += AddressGroup::of(book.pick(kEveryone)->address) >= AddressGroup::of(address_in_group(100, 1)) ? 1 : 0;
  EXPECT_GE(honest, kPicks * 2 / 5);  // half of all picks are of what worked
}

TEST(AddressBook, WhoWorksIsNotPushedOutOfTriedUntilItFails) {
  // Two that belong into the same place are found by trying.
  SeededRandom random(6);
  AddressBook book(random, false);
  Instant now{1};
  std::uint64_t n = 0;
  std::size_t last = 0;
  PeerAddress newcomer;
  do {
    newcomer = numbered(++n, 1);
    last = book.tried_size();
    book.tried(newcomer, true, now);
  } while (book.tried_size() > last);
  EXPECT_EQ(book.size(), book.tried_size() + 1);  // it waits among the new ones
  std::set<PeerAddress> asked;
  for (int tries = 0; tries < 2'000; ++tries) {
    book.pick([&](const PeerAddress& at) {
      asked.insert(at);
      return false;
    });
  }
  EXPECT_EQ(asked.size(), book.size());  // everybody comes up
  const auto in_tried = [&](const PeerAddress& at) {
    const auto buckets = book.buckets(true);
    return std::ranges::any_of(buckets, [&](const auto& bucket) { return std::ranges::count(bucket, at) > 0; });
  };
  EXPECT_FALSE(in_tried(newcomer));
  now = now.plus_ms(100'000);
  std::size_t failed = 0;
  for (std::uint64_t each = 1; each < n && !in_tried(newcomer); ++each, ++failed) {
    book.tried(numbered(each, 1), false, now);
  }
  EXPECT_TRUE(in_tried(newcomer));
  EXPECT_GT(failed, 0U);
}

TEST(AddressBook, WhatNeverWorkedAndWhatIsOldMakesRoom) {
  SeededRandom random(7);
  AddressBook book(random, false);
  Instant now{1};
  for (std::uint64_t n = 0; n < 5'000; ++n) book.add(numbered(n, 1), address_in_group(9, 9), now);
  EXPECT_EQ(book.size(), kBookSlots);  // one network told by one: one bucket
  EXPECT_FALSE(book.add(numbered(6'000, 1), address_in_group(9, 9), now));
  now = now.plus_ms(static_cast<std::uint64_t>(kForgottenS + 1) * 1'000);
  EXPECT_TRUE(book.add(numbered(6'000, 1), address_in_group(9, 9), now));
  const auto sample = book.sample(100, 100, 100, now);
  EXPECT_EQ(sample, std::vector<PeerAddress>{numbered(6'000, 1)});  // nobody is told of what is worthless
}

TEST(AddressBook, TakesNothingThatCannotBeDialed) {
  SeededRandom random(8);
  AddressBook book(random, false);
  AddressBook local(random, true);
  const auto teller = address_in_group(1, 1);
  for (const char* text : {"/ip4/10.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1", "/ip6/fe80::1/tcp/1"}) {
    const PeerAddress at{test::peer(1), Multiaddr::parse(text).value()};
    EXPECT_FALSE(book.add(at, teller, Instant{1})) << text;
    EXPECT_TRUE(local.add(at, teller, Instant{1})) << text;
  }
  for (const char* text : {"/ip4/224.0.0.1/tcp/1", "/dns4/example.com/tcp/1", "/ip4/20.0.0.1/udp/1/quic-v1",
                           "/ip4/20.0.0.1/tcp/0", "/unix/a"}) {
    EXPECT_FALSE(local.add({test::peer(1), Multiaddr::parse(text).value()}, teller, Instant{1})) << text;
  }
  EXPECT_FALSE(local.add({PeerId(), address_in_group(1, 1)}, teller, Instant{1}));
  EXPECT_FALSE(local.add({test::peer(1), address_in_group(1, 1).with_peer(test::peer(2))}, teller, Instant{1}));
}

}  // namespace
}  // namespace micro::p2p
