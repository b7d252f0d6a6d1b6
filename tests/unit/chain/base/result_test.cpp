#include "chain/base/result.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "chain/base/check.hpp"

namespace micro {
namespace {

Result<int> half(int v) {
  if (v % 2 != 0) return fail(Fault::kInvalid, "odd", "double it");
  return v / 2;
}

Result<int> quarter(int v) {
  return TRY(half(TRY(half(v))));
}

Status refuse_odd(int v) {
  (void)TRY(half(v));
  return {};
}

Result<std::unique_ptr<int>> boxed(int v) {
  auto box = TRY([&]() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(v); }());
  ++*box;
  return box;
}

TEST(Result, TryUnwrapsNestedAndCarriesTheErrorWhole) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error(), (Error{Fault::kInvalid, "odd", "double it"}));
  EXPECT_EQ(quarter(7).error().message, "odd");
}

TEST(Result, TryWorksWithStatusAndWithMoveOnlyValues) {
  EXPECT_TRUE(refuse_odd(2));
  EXPECT_FALSE(refuse_odd(3));
  EXPECT_EQ(*boxed(4).value(), 5);
}

TEST(CheckDeathTest, AbortsAndNamesTheInvariant) {
  const int balance = -1;
  EXPECT_DEATH(CHECK(balance >= 0, "a balance is never negative"),
               "broken invariant: a balance is never negative \\(balance >= 0\\)");
}

}  // namespace
}  // namespace micro
