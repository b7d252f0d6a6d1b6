#include "chain/base/checked_math.hpp"

#include <gtest/gtest.h>

#include "chain/base/quantity.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST(CheckedMath, AddsUpToTheLastValueAndNotBeyond) {
  EXPECT_EQ(checked_add(kMax - 1, 1).value(), kMax);
  EXPECT_EQ(checked_add(kMax, 1).error().fault, Fault::kInvalid);
  EXPECT_FALSE(checked_add(kMax, kMax));
}

TEST(CheckedMath, SubtractsDownToZeroAndNotBelow) {
  EXPECT_EQ(checked_sub(5, 5).value(), 0U);
  EXPECT_FALSE(checked_sub(5, 6));
  EXPECT_FALSE(checked_sub(0, kMax));
}

TEST(CheckedMath, MultipliesWithoutWrapping) {
  EXPECT_EQ(checked_mul(1ULL << 32, (1ULL << 32) - 1).value(), 0xffffffff00000000ULL);
  EXPECT_FALSE(checked_mul(1ULL << 32, 1ULL << 32));
  EXPECT_EQ(checked_mul(0, kMax).value(), 0U);
}

TEST(CheckedMath, MulDivRoundsInTheDirectionAsked) {
  EXPECT_EQ(mul_div(10, 1, 3, Round::kFloor).value(), 3U);
  EXPECT_EQ(mul_div(10, 1, 3, Round::kCeil).value(), 4U);
  EXPECT_EQ(mul_div(9, 1, 3, Round::kCeil).value(), 3U);
  EXPECT_EQ(mul_div(0, kMax, 7, Round::kCeil).value(), 0U);
}

TEST(CheckedMath, MulDivGoesThrough128BitsAndRefusesWhatDoesNotFit) {
  EXPECT_EQ(mul_div(kMax, kMax, kMax, Round::kCeil).value(), kMax);
  EXPECT_EQ(mul_div(kMax, 1'000'000, 1'000'000, Round::kFloor).value(), kMax);
  EXPECT_FALSE(mul_div(kMax, 2, 1, Round::kFloor));
  EXPECT_FALSE(mul_div(1, 1, 0, Round::kFloor));
  // Rounding up is what takes this one over: floor is the largest 64-bit value, with a remainder.
  EXPECT_EQ(mul_div(kMax, 3, 3, Round::kFloor).value(), kMax);
  EXPECT_FALSE(mul_div(1ULL << 63, (1ULL << 63) + 1, (1ULL << 62), Round::kCeil));
}

TEST(Quantity, OnlyComparesAndSteps) {
  static_assert(!std::is_convertible_v<std::uint64_t, Height>);
  static_assert(!std::is_constructible_v<Height, Epoch>);
  EXPECT_LT(Height(1), Height(2));
  EXPECT_EQ(Height(1).next(), Height(2));
  EXPECT_EQ(Epoch(7).text(), "7");
}

}  // namespace
}  // namespace micro
