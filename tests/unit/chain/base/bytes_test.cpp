#include "chain/base/bytes.hpp"

#include <gtest/gtest.h>

#include <unordered_set>

#include "chain/base/fixed_bytes.hpp"

namespace micro {
namespace {

TEST(Hex, WritesLowerCaseAndReadsEitherCase) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x7f, 0xff, 0xa5}), "007fffa5");
  EXPECT_EQ(from_hex("007FffA5").value(), (Bytes{0x00, 0x7f, 0xff, 0xa5}));
  EXPECT_TRUE(from_hex("").value().empty());
}

TEST(Hex, RefusesOddLengthPrefixAndForeignCharacters) {
  EXPECT_EQ(from_hex("abc").error().fault, Fault::kInvalid);
  EXPECT_FALSE(from_hex("0x12"));
  for (const char* text : {"g0", "0g", " 0", "0 ", "/0", ":0", "@0", "`0"}) EXPECT_FALSE(from_hex(text)) << text;
  EXPECT_NE(from_hex("00zz").error().message.find("position 2"), std::string::npos);
}

TEST(Bytes, ConstantTimeEqualityNeedsEqualLengthAndContent) {
  const Bytes a{1, 2, 3};
  EXPECT_TRUE(equal_in_constant_time(a, Bytes{1, 2, 3}));
  EXPECT_FALSE(equal_in_constant_time(a, Bytes{1, 2, 4}));
  EXPECT_FALSE(equal_in_constant_time(a, Bytes{1, 2}));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
}

using Four = FixedBytes<4, struct FourTag>;
using OtherFour = FixedBytes<4, struct OtherFourTag>;

TEST(FixedBytes, TakesExactlyItsLength) {
  EXPECT_EQ(Four::from(Bytes{1, 2, 3, 4}).value().hex(), "01020304");
  EXPECT_EQ(Four::from(Bytes{1, 2, 3}).error().message, "expected 4 bytes, got 3");
  EXPECT_FALSE(Four::from(Bytes{1, 2, 3, 4, 5}));
  EXPECT_EQ(Four::parse("0a0b0c0d").value().brief(4), "0a0b");
  EXPECT_FALSE(Four::parse("0a0b0c"));
}

TEST(FixedBytes, ComparesByBytesFromTheFirstOn) {
  const Four low = Four::parse("00ffffff").value();
  const Four high = Four::parse("01000000").value();
  EXPECT_LT(low, high);
  EXPECT_TRUE(Four{}.is_zero());
  EXPECT_FALSE(high.is_zero());
  EXPECT_EQ(low.as<OtherFour>().hex(), low.hex());
}

TEST(FixedBytes, MeaningsDoNotConvertSilently) {
  static_assert(!std::is_convertible_v<Four, OtherFour>);
  static_assert(!std::is_constructible_v<Four, OtherFour>);
  static_assert(std::is_convertible_v<Four, ByteView>);
}

}  // namespace
}  // namespace micro
