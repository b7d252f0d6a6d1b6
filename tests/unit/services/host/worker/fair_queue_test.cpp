#include "services/host/worker/fair_queue.hpp"

#include <gtest/gtest.h>

#include <string>

namespace micro {
namespace {

using Queue = FairQueue<std::string, int>;

TEST(FairQueue, TenantsTakeTurnsAndEachIsServedInOrder) {
  Queue q(100, 100);
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(q.push("a", std::move(i)));
  EXPECT_TRUE(q.push("b", 10));
  EXPECT_TRUE(q.push("c", 20));
  std::vector<int> order;
  while (const auto item = q.pop(100)) order.push_back(*item);
  EXPECT_EQ(order, (std::vector<int>{1, 10, 20, 2, 3}));
  EXPECT_EQ(q.size(), 0U);
}

TEST(FairQueue, TenantAtItsLimitIsPassedOver) {
  Queue q(100, 100);
  EXPECT_TRUE(q.push("a", 1));
  EXPECT_TRUE(q.push("a", 2));
  EXPECT_TRUE(q.push("b", 10));
  EXPECT_EQ(q.pop(1), 1);
  EXPECT_EQ(q.pop(1), 10);
  EXPECT_EQ(q.pop(1), std::nullopt);
  EXPECT_EQ(q.size(), 1U);
  q.finished("a");
  EXPECT_EQ(q.pop(1), 2);
}

TEST(FairQueue, RoomIsLimitedForAllAndForOne) {
  Queue q(3, 2);
  EXPECT_TRUE(q.push("a", 1));
  EXPECT_TRUE(q.push("a", 2));
  EXPECT_FALSE(q.push("a", 3));
  EXPECT_TRUE(q.push("b", 4));
  EXPECT_FALSE(q.push("c", 5));
  EXPECT_EQ(q.pop(9), 1);
  EXPECT_TRUE(q.push("c", 5));
}

TEST(FairQueue, TakeAllEmptiesItAndKeepsCountOfWhatRuns) {
  Queue q(10, 10);
  EXPECT_TRUE(q.push("a", 1));
  EXPECT_TRUE(q.push("a", 2));
  EXPECT_EQ(q.pop(9), 1);
  EXPECT_EQ(q.take_all(), (std::vector<int>{2}));
  EXPECT_EQ(q.pop(9), std::nullopt);
  q.finished("a");
  EXPECT_TRUE(q.push("a", 3));
  EXPECT_EQ(q.pop(1), 3);
}

}  // namespace
}  // namespace micro
