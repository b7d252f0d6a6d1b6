// Provider records against a plain list of who said what when.
#include "p2p/discovery/provider_store.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "tests/gen/p2p/addresses.hpp"
#include "tests/gen/p2p/kad_world.hpp"

namespace micro::p2p {
namespace {

KadKey numbered_key(std::uint64_t n) {
  return SeededRandom(n + 77).draw<Hash>().as<KadKey>();
}

RC_GTEST_PROP(ProviderStore, IsAListOfRecordsThatRunOut, ()) {
  test::NumberedContacts contacts;
  for (std::uint32_t n = 0; n < 10; ++n) {
    contacts.add(numbered_key(100 + n), n < 7 ? Place::of(test::address_in_group(1, n)) : Place());
  }
  ProviderStore store(numbered_key(0), contacts);
  std::map<std::pair<std::uint64_t, ContactId>, Instant> model;
  Instant now{1};
  const int steps = *rc::gen::inRange(1, 100);
  for (int n = 0; n < steps; ++n) {
    now = now.plus_ms(*rc::gen::inRange<std::uint64_t>(0, kProviderLifeMs / 4));
    const auto key = *rc::gen::inRange<std::uint64_t>(1, 4);
    const auto provider = *rc::gen::inRange<ContactId>(0, 10);
    if (*rc::gen::inRange(0, 5) == 0) {
      store.expire(now);
      std::erase_if(model, [&](const auto& entry) { return now >= entry.second.plus_ms(kProviderLifeMs); });
      RC_ASSERT(store.records() == model.size());
    } else if (store.add(numbered_key(key), provider, now)) {
      model[{key, provider}] = now;
    } else {
      const auto of_group = std::ranges::count_if(
          model, [&](const auto& entry) { return entry.first.first == key && entry.first.second < 7; });
      RC_ASSERT(provider < 7 && static_cast<std::size_t>(of_group) >= kMaxProvidersOfGroup);
    }
    std::set<ContactId> expected;
    for (const auto& [record, said] : model) {
      if (record.first == key && now < said.plus_ms(kProviderLifeMs)) expected.insert(record.second);
    }
    const auto found = store.of(numbered_key(key), now);
    RC_ASSERT(std::set(found.begin(), found.end()) == expected && found.size() == expected.size());
    for (std::size_t at = 1; at < found.size(); ++at) {
      RC_ASSERT(model.at({key, found[at - 1]}) >= model.at({key, found[at]}));
    }
  }
}

TEST(ProviderStore, KeepsWhatIsNearestWhereThereIsNoRoom) {
  test::NumberedContacts contacts;
  for (std::uint32_t n = 0; n < kMaxProviderRecords / kMaxRecordsOfProvider + 1; ++n) contacts.add(numbered_key(n));
  const KadKey self = numbered_key(0);
  ProviderStore store(self, contacts);
  std::vector<KadKey> keys;
  for (std::size_t n = 0; n < kMaxProviderRecords; ++n) {
    keys.push_back(numbered_key(1'000 + n));
    ASSERT_TRUE(store.add(keys.back(), static_cast<ContactId>(n / kMaxRecordsOfProvider), Instant{1}));
  }
  EXPECT_FALSE(store.add(numbered_key(5), 0, Instant{1}));  // that provider has said enough
  const auto other = static_cast<ContactId>(contacts.size() - 1);
  std::ranges::sort(keys, [&](const KadKey& a, const KadKey& b) { return is_nearer(self, a, b); });
  KadKey near = self;
  near.data[31] ^= 1;
  ASSERT_TRUE(store.add(near, other, Instant{1}));
  EXPECT_EQ(store.records(), kMaxProviderRecords);
  EXPECT_TRUE(store.of(keys.back(), Instant{1}).empty());
  EXPECT_EQ(store.of(near, Instant{1}), std::vector<ContactId>{other});
  KadKey far = self;
  far.data[0] ^= 0xff;
  for (std::size_t at = 1; at < 8; ++at) far.data[at] ^= 0xff;
  EXPECT_FALSE(store.add(far, other, Instant{1}));
}

// With a new identity for each record, and keys that belong to this node: what others said would go, or find no room.
TEST(ProviderStore, OneAddressGroupFillsASixteenthOfIt) {
  test::NumberedContacts contacts;
  ProviderStore store(numbered_key(0), contacts);
  std::size_t taken = 0;
  for (std::uint32_t n = 0; n <= kMaxProviders; ++n) {
    taken +=
        store.add(numbered_key(n), contacts.add(numbered_key(n), Place::of(test::address_in_group(1, n))), Instant{1});
  }
  EXPECT_EQ(taken, kMaxProvidersInGroup);
  for (std::uint32_t n = 0; n <= kMaxProviderRecords; ++n) {
    taken += store.add(numbered_key(100'000 + n), static_cast<ContactId>(n % kMaxProvidersInGroup), Instant{1});
  }
  EXPECT_EQ(taken, kMaxRecordsOfGroup);
  const ContactId honest = contacts.add(numbered_key(7), Place::of(test::address_in_group(2, 1)));
  EXPECT_TRUE(store.add(numbered_key(1), honest, Instant{1}));
  const Instant later = Instant{1}.plus_ms(kProviderLifeMs);
  store.expire(later);
  EXPECT_EQ(store.records(), 0U);
  EXPECT_TRUE(store.add(numbered_key(1), 0, later));  // what ran out counts no more
}

}  // namespace
}  // namespace micro::p2p
