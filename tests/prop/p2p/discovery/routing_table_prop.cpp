// The table against the simplest model: all that is in it, sorted by distance. And what holds whatever happens: no
// bucket over its size, no network over its share, nobody gone who answered.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "tests/gen/p2p/addresses.hpp"
#include "tests/gen/p2p/kad_world.hpp"

namespace micro::p2p {
namespace {

// Shares any number of leading bits with `self` about equally often, so that deep buckets are met too.
KadKey key_near(const KadKey& self, unsigned bits, std::uint64_t seed) {
  KadKey out = SeededRandom(seed).draw<Hash>().as<KadKey>();
  for (unsigned bit = 0; bit <= bits && bit < kKadKeyBits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> bit % 8);
    const bool same = bit < bits;
    const bool set = ((self.data[bit / 8] & mask) != 0) == same;
    out.data[bit / 8] = static_cast<std::uint8_t>(set ? out.data[bit / 8] | mask : out.data[bit / 8] & ~mask);
  }
  return out;
}

class TableLife {
 public:
  TableLife() {
    for (ContactId id = 0; id < kContacts; ++id) {
      const unsigned bits = *rc::gen::inRange(0U, 12U);
      Place place;
      if (*rc::gen::inRange(0, 4) > 0) {
        place = Place::of(test::address_in_group(*rc::gen::inRange(0U, 9U), *rc::gen::inRange(0U, 1'000U)));
      }
      contacts_.add(key_near(self_, bits, 1'000 + id), place);
    }
  }
  static TableLimits limits() { return {.bucket = 4, .waiting = 3, .group_in_bucket = 2, .subnet_in_table = 3}; }

  void step() {
    const auto id = static_cast<ContactId>(*rc::gen::inRange<std::uint32_t>(0, kContacts));
    now_ = now_.plus_ms(*rc::gen::inRange<std::uint64_t>(0, 5'000));
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
        table_.failed(id);
        ++failures_[id];
        // Whoever leaves may let one in that waits.
        if (failures_[id] >= kDeadAfterFailures) RC_ASSERT(!table_.contains(id));
        break;
      case 1:
        table_.remove(id);
        RC_ASSERT(!table_.contains(id));
        failures_[id] = 0;
        break;
      default: {
        const auto before = members();
        const bool in = table_.saw(id, now_);
        failures_[id] = 0;
        RC_ASSERT(in == table_.contains(id));
        for (const ContactId one : before) RC_ASSERT(table_.contains(one));
      }
    }
  }

  void check() const {
    const auto all = members();
    RC_ASSERT(all.size() == table_.size());
    const KadKey target = key_near(self_, *rc::gen::inRange(0U, 14U), *rc::gen::arbitrary<std::uint64_t>());
    auto sorted = all;
    std::ranges::sort(sorted,
                      [&](ContactId a, ContactId b) { return is_nearer(target, contacts_.key(a), contacts_.key(b)); });
    const std::size_t count = *rc::gen::inRange<std::size_t>(0, kContacts);
    sorted.resize(std::min(sorted.size(), count));
    RC_ASSERT(table_.closest(target, count) == sorted);
    check_limits(all);
  }

 private:
  static constexpr std::uint32_t kContacts = 60;

  [[nodiscard]] std::vector<ContactId> members() const {
    std::vector<ContactId> out;
    for (ContactId id = 0; id < kContacts; ++id) {
      if (table_.contains(id)) out.push_back(id);
    }
    return out;
  }

  void check_limits(const std::vector<ContactId>& all) const {
    std::map<unsigned, std::size_t> of_bucket;
    std::map<std::pair<unsigned, AddressGroup>, std::size_t> of_group;
    std::map<IpAddress, std::size_t> of_subnet;
    for (const ContactId id : all) {
      const unsigned bucket = common_bits(self_, contacts_.key(id));
      RC_ASSERT(++of_bucket[bucket] <= limits().bucket);
      const Place& place = contacts_.place(id);
      if (!place.is_limited) continue;
      RC_ASSERT(++of_group[std::pair(bucket, place.group)] <= limits().group_in_bucket);
      RC_ASSERT(++of_subnet[place.subnet] <= limits().subnet_in_table);
    }
    std::vector<ContactId> held;
    table_.list_held(held);
    RC_ASSERT(std::set(held.begin(), held.end()).size() == held.size());
    RC_ASSERT(held.size() <= all.size() + of_bucket.size() * limits().waiting + 12 * limits().waiting);
  }

  KadKey self_ = kad_key(as_bytes("self"));
  test::NumberedContacts contacts_;
  RoutingTable table_{self_, contacts_, limits()};
  std::map<ContactId, std::uint32_t> failures_;
  Instant now_{1};
};

RC_GTEST_PROP(RoutingTable, IsASortedListWithinItsLimits, ()) {
  TableLife life;
  const int steps = *rc::gen::inRange(1, 200);
  for (int n = 0; n < steps; ++n) {
    life.step();
    life.check();
  }
}

TEST(RoutingTable, TheLastThatWaitsTakesTheFirstFreePlace) {
  test::NumberedContacts contacts;
  const KadKey self = kad_key(as_bytes("self"));
  for (std::uint64_t n = 0; n < 6; ++n) contacts.add(key_near(self, 0, n));
  RoutingTable table(self, contacts, {.bucket = 2, .waiting = 2});
  for (ContactId id = 0; id < 6; ++id) EXPECT_EQ(table.saw(id, Instant{1}), id < 2) << id;
  table.failed(0);
  EXPECT_TRUE(table.contains(0));  // once is no proof
  table.failed(0);
  EXPECT_FALSE(table.contains(0));
  EXPECT_TRUE(table.contains(5) && !table.contains(4));
}

TEST(RoutingTable, WhoAnsweredInBetweenIsNotDead) {
  test::NumberedContacts contacts;
  const KadKey self = kad_key(as_bytes("self"));
  contacts.add(key_near(self, 3, 1));
  RoutingTable table(self, contacts, {});
  table.saw(0, Instant{1});
  for (int n = 0; n < 10; ++n) {
    table.failed(0);
    table.saw(0, Instant{1});
  }
  EXPECT_TRUE(table.contains(0));
}

// However many nodes eight networks bring, there is room for others in every bucket.
TEST(RoutingTable, EightNetworksFillNoBucket) {
  test::NumberedContacts contacts;
  const KadKey self = kad_key(as_bytes("self"));
  for (std::uint32_t n = 0; n < 4'000; ++n) {
    contacts.add(key_near(self, n / 8 % 8, n), Place::of(test::address_in_group(n % 8, n)));
  }
  RoutingTable table(self, contacts, {});
  for (ContactId id = 0; id < contacts.size(); ++id) table.saw(id, Instant{1});
  for (unsigned bucket = 0; bucket < 8; ++bucket) EXPECT_LE(table.size_of(bucket), 16U) << bucket;
  EXPECT_GT(table.size(), 100U);
}

TEST(RoutingTable, AsksAfterWhomNobodyHeardForLongest) {
  test::NumberedContacts contacts;
  const KadKey self = kad_key(as_bytes("self"));
  for (std::uint64_t n = 0; n < 3; ++n) contacts.add(key_near(self, static_cast<unsigned>(n), n));
  RoutingTable table(self, contacts, {});
  EXPECT_FALSE(table.doubtful(Instant{1}));
  for (ContactId id = 0; id < 3; ++id) table.saw(id, Instant{1}.plus_ms(id * 10'000));
  EXPECT_FALSE(table.doubtful(Instant{1}.plus_ms(kDoubtfulMs - 10'000)));
  EXPECT_EQ(table.doubtful(Instant{1}.plus_ms(kDoubtfulMs)), ContactId{0});
  table.saw(0, Instant{1}.plus_ms(kDoubtfulMs));
  EXPECT_EQ(table.doubtful(Instant{1}.plus_ms(kDoubtfulMs + 10'000)), ContactId{1});
}

}  // namespace
}  // namespace micro::p2p
