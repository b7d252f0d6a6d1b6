#include "chain/types/statement.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

constexpr auto kNotarize = StatementKind::kNotarize;
constexpr auto kNullify = StatementKind::kNullify;
constexpr auto kFinalize = StatementKind::kFinalize;

Statement statement(StatementKind kind, std::uint8_t block, std::uint64_t parent = 4, std::uint64_t view = 5) {
  Statement s;
  s.kind = kind;
  s.view = View(view);
  if (kind == kNullify) return s;
  s.parent_view = View(parent);
  s.block.data[0] = block;
  return s;
}

bool both(const Statement& a, const Statement& b) {
  EXPECT_EQ(contradict(a, b), contradict(b, a));
  return contradict(a, b);
}

TEST(Contradiction, EveryPairOfKinds) {
  const Statement none = statement(kNullify, 0);
  for (const StatementKind kind : {kNotarize, kFinalize}) {
    EXPECT_FALSE(both(statement(kind, 1), statement(kind, 1)));
    EXPECT_TRUE(both(statement(kind, 1), statement(kind, 2)));
    EXPECT_TRUE(both(statement(kind, 1), statement(kind, 1, 3))) << "another parent view is another proposal";
  }
  EXPECT_FALSE(both(statement(kNotarize, 1), statement(kFinalize, 1)));
  EXPECT_TRUE(both(statement(kNotarize, 1), statement(kFinalize, 2)));
  EXPECT_TRUE(both(statement(kNotarize, 1), statement(kFinalize, 1, 3)));
  EXPECT_TRUE(both(none, statement(kFinalize, 1)));
  EXPECT_FALSE(both(none, statement(kNotarize, 1))) << "the view was given up first";
  EXPECT_FALSE(both(none, none));
}

TEST(Contradiction, NeedsOneEpochAndOneView) {
  Statement other = statement(kFinalize, 2);
  EXPECT_TRUE(both(statement(kFinalize, 1), other));
  other.epoch_id.data[3] = 1;
  EXPECT_FALSE(both(statement(kFinalize, 1), other));
  EXPECT_FALSE(both(statement(kFinalize, 1), statement(kFinalize, 2, 4, 6)));
}

TEST(Contradiction, NeedsStatementsThatCanBeMeant) {
  Statement odd = statement(kNullify, 0);
  odd.parent_view = View(1);
  EXPECT_FALSE(both(odd, statement(kFinalize, 1)));
  odd = statement(kNullify, 0);
  odd.block.data[0] = 1;
  EXPECT_FALSE(both(odd, statement(kFinalize, 1)));
  EXPECT_FALSE(both(statement(kNotarize, 0), statement(kFinalize, 1)));
  EXPECT_FALSE(both(statement(kNotarize, 2, 5), statement(kFinalize, 1))) << "a parent that is not below";
  EXPECT_FALSE(both(statement(kFinalize, 1, 0, 0), statement(kFinalize, 2, 0, 0))) << "view 0 is the epoch's beginning";
}

}  // namespace
}  // namespace micro
