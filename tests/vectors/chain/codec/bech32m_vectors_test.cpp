// The strings are those of BIP-350, "Test vectors for Bech32m" and the Bech32m lines of "v0-v16 native segregated
// witness addresses".
#include <gtest/gtest.h>

#include "chain/codec/bech32m.hpp"

namespace micro {
namespace {

TEST(Bech32mVectors, AcceptsTheValidStrings) {
  const std::string_view valid[] = {
      "A1LQFN3A",
      "a1lqfn3a",
      "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
      "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
      "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
      "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
      "?1v759aa",
      "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
      "BC1SW50QGDZ25J",
      "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
      "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
      "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
  };
  for (const auto text : valid) {
    const auto parts = bech32m_split(text);
    ASSERT_TRUE(parts) << text << ": " << parts.error().message;
    EXPECT_EQ(parts->hrp.size() + 1 + parts->values.size() + 6, text.size());
  }
  EXPECT_EQ(bech32m_split(valid[3])->values.front(), 31);
  EXPECT_EQ(bech32m_split(valid[3])->values.back(), 0);
}

TEST(Bech32mVectors, RefusesTheInvalidStrings) {
  const std::string invalid[] = {
      "\x20"
      "1xj0phk",
      "\x7f"
      "1g6xzxy",
      "\x80"
      "1vctc34",
      "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
      "qyrz8wqd2c9m",
      "1qyrz8wqd2c9m",
      "y1b0jsk6g",
      "lt1igcx5c0",
      "in1muywd",
      "mm1crxm3i",
      "au1s5cgom",
      "M1VUXWEZ",
      "16plkw9",
      "1p2gdwpf",
      "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
      "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
      "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
      "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
      "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
  };
  for (const auto& text : invalid) EXPECT_FALSE(bech32m_split(text)) << text;
}

}  // namespace
}  // namespace micro
