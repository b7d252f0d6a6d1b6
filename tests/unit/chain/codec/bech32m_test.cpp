#include "chain/codec/bech32m.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>

namespace micro {
namespace {

const Bytes kPayload = [] {
  Bytes out(33);
  for (std::size_t i = 1; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i * 7);
  return out;
}();

TEST(Bech32m, AnAddressHas64Characters) {
  const std::string text = bech32m_encode("mnet", kPayload);
  EXPECT_EQ(text.size(), 64U);
  EXPECT_EQ(bech32m_encode("tmnet", kPayload).size(), 65U);
  EXPECT_EQ(bech32m_decode("mnet", text), kPayload);
}

TEST(Bech32m, UpperCaseIsTheSameText) {
  std::string text = bech32m_encode("mnet", kPayload);
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(bech32m_decode("mnet", text), kPayload);
  text[10] = static_cast<char>(std::tolower(text[10]));
  text[11] = static_cast<char>(std::tolower(text[11]));
  text[12] = static_cast<char>(std::tolower(text[12]));
  EXPECT_THAT(bech32m_decode("mnet", text).error().message, testing::HasSubstr("mixed"));
}

TEST(Bech32m, NamesTheOtherNetwork) {
  const auto got = bech32m_decode("mnet", bech32m_encode("tmnet", kPayload));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().fault, Fault::kInvalid);
  EXPECT_THAT(got.error().message, testing::HasSubstr("\"tmnet1\""));
}

TEST(Bech32m, PointsAtTheWrongCharacter) {
  std::string text = bech32m_encode("mnet", kPayload);
  text[20] = text[20] == 'q' ? 'p' : 'q';
  EXPECT_THAT(bech32m_decode("mnet", text).error().message, testing::HasSubstr("at position 21"));
  text[20] = 'b';
  EXPECT_THAT(bech32m_decode("mnet", text).error().message, testing::HasSubstr("'b' at position 21"));
}

TEST(Bech32m, RefusesOtherPaddingAndPlainBech32) {
  // Checksums from an independent implementation: the values 0 0, 0 1, 0 0 0, and 0 0 with the constant of BIP-173.
  EXPECT_EQ(bech32m_decode("mnet", "mnet1qq7keyhg"), Bytes{0});
  EXPECT_TRUE(bech32m_split("mnet1qprqd326"));
  EXPECT_FALSE(bech32m_decode("mnet", "mnet1qprqd326"));
  EXPECT_TRUE(bech32m_split("mnet1qqq0jfy7p"));
  EXPECT_FALSE(bech32m_decode("mnet", "mnet1qqq0jfy7p"));
  EXPECT_THAT(bech32m_decode("mnet", "mnet1qqt2fgj2").error().message, testing::HasSubstr("that of bech32,"));
}

TEST(Bech32m, RefusesEmptyAndOverlongText) {
  EXPECT_FALSE(bech32m_decode("mnet", ""));
  EXPECT_FALSE(bech32m_decode("mnet", "mnet1"));
  EXPECT_FALSE(bech32m_decode("mnet", std::string(1000, 'q')));
  EXPECT_FALSE(bech32m_decode("mnet", std::string("mnet1\0qqqqqqqq", 14)));
}

}  // namespace
}  // namespace micro
