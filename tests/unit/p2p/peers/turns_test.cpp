#include "p2p/peers/turns.hpp"

#include <gtest/gtest.h>

namespace micro::p2p {
namespace {

TEST(Turns, AreShortWhileSomethingUrgentMovesElsewhere) {
  Turns turns;
  EXPECT_EQ(turns.bytes(1, Instant{}), kTurnBytes);
  turns.urgent(2, Instant{5});
  EXPECT_EQ(turns.bytes(1, Instant{5}), kShortTurnBytes);
  EXPECT_EQ(turns.bytes(1, Instant{4 + kUrgentNs}), kShortTurnBytes);
  EXPECT_EQ(turns.bytes(1, Instant{5 + kUrgentNs}), kTurnBytes);
}

TEST(Turns, WhatIsUrgentOnAConnectionDoesNotHoldUpItself) {
  Turns turns;
  turns.urgent(2, Instant{5});
  turns.urgent(2, Instant{6});
  EXPECT_EQ(turns.bytes(2, Instant{6}), kTurnBytes);
  turns.urgent(1, Instant{7});
  EXPECT_EQ(turns.bytes(2, Instant{7}), kShortTurnBytes);
  EXPECT_EQ(turns.bytes(1, Instant{7}), kShortTurnBytes);
  EXPECT_EQ(turns.bytes(1, Instant{6 + kUrgentNs}), kTurnBytes);  // the other one is quiet again
}

}  // namespace
}  // namespace micro::p2p
