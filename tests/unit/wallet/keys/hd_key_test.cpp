#include "wallet/keys/hd_key.hpp"

#include <gtest/gtest.h>

#include "wallet/keys/mnemonic.hpp"

namespace micro {
namespace {

TEST(DerivationPath, ReadsWhatItWrites) {
  EXPECT_EQ(DerivationPath::account(7).text(), "m/44'/60'/0'/0/7");
  EXPECT_EQ(DerivationPath::parse("m/44'/60'/0'/0/7"), DerivationPath::account(7));
  EXPECT_EQ(DerivationPath::parse("m")->steps.size(), 0U);
  EXPECT_EQ(DerivationPath::parse("m/2147483647'")->steps[0], 0xffff'ffffU);
}

TEST(DerivationPath, RefusesEverythingElse) {
  for (const auto* text : {"", "44'/60'", "m/", "m//0", "m/0/", "m/-1", "m/+1", "m/01", "m/2147483648", "m/0h", "m/0''",
                           "m0", "m/1e3", "m/0/0/0/0/0/0/0/0/0/0/0", "m/ 1", "M/0"}) {
    EXPECT_FALSE(DerivationPath::parse(text)) << text;
  }
}

// The address list that every Ethereum tool shows for the phrase of tests; here its first two keys.
TEST(HdKey, MatchesTheKeysThatEthereumWalletsShow) {
  const auto seed = Mnemonic::parse("test test test test test test test test test test test junk")->seed();
  const HdKey root = HdKey::from_seed(seed->view()).value();
  EXPECT_EQ(to_hex(root.derive(DerivationPath::account(0))->secret().view()),
            "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
  EXPECT_EQ(to_hex(root.derive(DerivationPath::account(1))->secret().view()),
            "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");
}

TEST(HdKey, RefusesSeedsOfOtherLengths) {
  EXPECT_FALSE(HdKey::from_seed(Bytes(15)));
  EXPECT_FALSE(HdKey::from_seed(Bytes(65)));
  EXPECT_TRUE(HdKey::from_seed(Bytes(16)));
}

}  // namespace
}  // namespace micro
