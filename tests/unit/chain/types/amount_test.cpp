#include "chain/types/amount.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace micro {
namespace {

TEST(Amount, PrintsSixDecimals) {
  EXPECT_EQ(amount_text(Amount(0)), "0.000000");
  EXPECT_EQ(amount_text(Amount(1)), "0.000001");
  EXPECT_EQ(amount_text(Amount(12'500'000)), "12.500000");
  EXPECT_EQ(amount_text(Amount(kMaxSupplyMicro)), "4611686018427.387904");
}

TEST(Amount, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_amount("12.5")->micro, 12'500'000U);
  EXPECT_EQ(parse_amount("12")->micro, 12'000'000U);
  EXPECT_EQ(parse_amount("0.000001")->micro, 1U);
  EXPECT_EQ(parse_amount("4611686018427.387904")->micro, kMaxSupplyMicro);
}

TEST(Amount, RefusesWhatIsNotAnAmount) {
  for (const char* text : {"", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "1 ", "0x10", "1.0000001", "NaN",
                           "4611686018427.387905", "99999999999999", "184467440737095516160"}) {
    const auto parsed = parse_amount(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().fault, Fault::kInvalid);
    EXPECT_FALSE(parsed.error().hint.empty());
  }
}

RC_GTEST_PROP(AmountProp, PrintedAmountsReadBack, ()) {
  const auto micro = *rc::gen::inRange<std::uint64_t>(0, kMaxSupplyMicro + 1);
  RC_ASSERT(parse_amount(amount_text(Amount(micro)))->micro == micro);
}

TEST(CheckedMath, RoundsAgainstTheMoverAndNeverWraps) {
  EXPECT_EQ(*mul_div(7, 1, 2, Round::kFloor), 3U);
  EXPECT_EQ(*mul_div(7, 1, 2, Round::kCeil), 4U);
  EXPECT_EQ(*mul_div(UINT64_MAX, UINT64_MAX, UINT64_MAX, Round::kFloor), UINT64_MAX);
  EXPECT_FALSE(mul_div(UINT64_MAX, 2, 1, Round::kFloor).has_value());
  EXPECT_FALSE(mul_div(1, 1, 0, Round::kFloor).has_value());
  EXPECT_FALSE(checked_add(UINT64_MAX, 1).has_value());
  EXPECT_FALSE(checked_sub(1, 2).has_value());
  EXPECT_FALSE(checked_mul(UINT64_MAX, 2).has_value());
}

}  // namespace
}  // namespace micro
