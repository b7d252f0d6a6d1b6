#include <gtest/gtest.h>

#include "chain/ledger/key_cache.hpp"

namespace micro {
namespace {

struct Owner {
  Address address;
  PublicKey key;
  ParsedKey parsed;
};

/// Owners whose addresses begin alike, so that they compete for the same places.
Owner competitor(std::uint8_t n) {
  Owner out;
  Hash secret;
  secret.data.fill(7);
  secret.data[31] = n;
  out.key = SecretKey::from(secret)->public_key();
  out.parsed = *ParsedKey::from(out.key);
  out.address.data[31] = n;
  return out;
}

bool holds(KeyCache& cache, const Owner& owner) {
  return cache.find(owner.address, owner.key).has_value();
}

TEST(KeyCache, KeepsEightKeysOfOnePlaceAndThenForgetsOneForEachNewOne) {
  KeyCache cache;
  std::vector<Owner> owners;
  for (std::uint8_t n = 1; n <= 19; ++n) owners.push_back(competitor(n));
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_FALSE(holds(cache, owners[i]));
    cache.put(owners[i].address, owners[i].key, owners[i].parsed);
  }
  for (std::size_t i = 0; i < 8; ++i) EXPECT_TRUE(holds(cache, owners[i])) << i;
  for (std::size_t i = 8; i < owners.size(); ++i) {
    cache.put(owners[i].address, owners[i].key, owners[i].parsed);
    EXPECT_TRUE(holds(cache, owners[i]));
    EXPECT_EQ(std::ranges::count_if(owners, [&](const Owner& o) { return holds(cache, o); }), 8);
  }
}

// Senders whose marks differ as well as those whose marks are the same, as above.
TEST(KeyCache, FindsEachOfManySenders) {
  KeyCache cache;
  std::vector<Owner> owners;
  for (std::uint8_t n = 1; n <= 8; ++n) {
    owners.push_back(competitor(n));
    owners.back().address.data[4] = n / 2;
    cache.put(owners.back().address, owners.back().key, owners.back().parsed);
  }
  std::vector<SignedTx> txs(owners.size());
  for (std::size_t i = 0; i < txs.size(); ++i) txs[i].body.sender = owners[i].address;
  cache.prefetch(txs);
  for (const Owner& owner : owners) EXPECT_TRUE(holds(cache, owner));
}

TEST(KeyCache, AnotherKeyUnderASendersNameIsNotFound) {
  KeyCache cache;
  const Owner owner = competitor(1);
  const Owner other = competitor(2);
  cache.put(owner.address, owner.key, owner.parsed);
  EXPECT_FALSE(cache.find(owner.address, other.key));
  EXPECT_FALSE(cache.find(other.address, owner.key));
  cache.put(owner.address, owner.key, owner.parsed);  // twice takes one place
  for (std::uint8_t n = 2; n <= 8; ++n) {
    const Owner next = competitor(n);
    cache.put(next.address, next.key, next.parsed);
  }
  EXPECT_TRUE(holds(cache, owner));
}

}  // namespace
}  // namespace micro
