#include "chain/crypto/hash.hpp"

#include <gtest/gtest.h>

#include <set>

namespace micro {
namespace {

TEST(Domains, EveryTagHasItsOwnText) {
  const std::set<std::string_view> texts(domain::kTexts.begin(), domain::kTexts.end());
  EXPECT_EQ(texts.size(), domain::kTexts.size());
  for (const auto text : domain::kTexts) {
    EXPECT_TRUE(text.starts_with("micro/")) << text;
    EXPECT_LT(text.size(), 256U) << "its length is one byte";
  }
}

TEST(TaggedHash, SeparatesPurposes) {
  std::set<Hash> seen;
  for (std::size_t i = 0; i < domain::kTexts.size(); ++i) {
    seen.insert(tagged_hash(static_cast<domain::Tag>(i), as_bytes("same")));
  }
  seen.insert(blake2b_256(as_bytes("same")));
  EXPECT_EQ(seen.size(), domain::kTexts.size() + 1);
}

TEST(KeyedHash, DependsOnKeyTagAndInput) {
  Hash key;
  key.data[31] = 1;
  const Hash base = keyed_hash(key, domain::kCallSeed, as_bytes("a"));
  EXPECT_EQ(base, keyed_hash(key, domain::kCallSeed, as_bytes("a")));
  EXPECT_NE(base, keyed_hash(Hash{}, domain::kCallSeed, as_bytes("a")));
  EXPECT_NE(base, keyed_hash(key, domain::kBeacon, as_bytes("a")));
  EXPECT_NE(base, keyed_hash(key, domain::kCallSeed, as_bytes("b")));
}

}  // namespace
}  // namespace micro
