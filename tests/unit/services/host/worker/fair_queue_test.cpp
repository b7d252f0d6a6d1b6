#include "services/host/worker/fair_queue.hpp"

#include <gtest/gtest.h>

#include <string>

namespace micro {
namespace {

using Queue = FairQueue<std::string, int>;

std::optional<int> item_of(const std::optional<Queue::Popped>& popped) {
  return popped ? std::optional(popped->item) : std::nullopt;
}

TEST(FairQueue, TenantsTakeTurnsAndEachIsServedInOrder) {
  Queue q(100, 100);
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(q.push("a", std::move(i)));
  EXPECT_TRUE(q.push("b", 10));
  EXPECT_TRUE(q.push("c", 20));
  std::vector<int> order;
  while (const auto item = q.pop(100, 100)) order.push_back(item->item);
  EXPECT_EQ(order, (std::vector<int>{1, 10, 20, 2, 3}));
  EXPECT_EQ(q.size(), 0U);
}

TEST(FairQueue, TenantAtItsLimitIsPassedOver) {
  Queue q(100, 100);
  EXPECT_TRUE(q.push("a", 1));
  EXPECT_TRUE(q.push("a", 2));
  EXPECT_TRUE(q.push("b", 10));
  EXPECT_EQ(item_of(q.pop(1, 99)), 1);
  EXPECT_EQ(item_of(q.pop(1, 99)), 10);
  EXPECT_EQ(item_of(q.pop(1, 99)), std::nullopt);
  EXPECT_EQ(q.size(), 1U);
  q.finished("a");
  EXPECT_EQ(item_of(q.pop(1, 99)), 2);
}

TEST(FairQueue, AnItemCanLeaveItsLine) {
  Queue q(100, 100);
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(q.push("a", std::move(i)));
  EXPECT_TRUE(q.push("b", 10));
  EXPECT_EQ(q.take_if([](int item) { return item == 2; }), 2);
  EXPECT_EQ(q.take_if([](int item) { return item == 2; }), std::nullopt);
  EXPECT_EQ(q.take_if([](int item) { return item == 10; }), 10);
  EXPECT_EQ(q.size(), 2U);
  EXPECT_EQ(item_of(q.pop(100, 100)), 1) << "b has no turn any more";
  EXPECT_EQ(item_of(q.pop(100, 100)), 3);
  EXPECT_EQ(item_of(q.pop(100, 100)), std::nullopt);
  EXPECT_TRUE(q.push("b", 11));
  EXPECT_EQ(item_of(q.pop(100, 100)), 11);
}

TEST(FairQueue, RoomIsLimitedForAllAndForOne) {
  Queue q(3, 2);
  EXPECT_TRUE(q.push("a", 1));
  EXPECT_TRUE(q.push("a", 2));
  EXPECT_FALSE(q.push("a", 3));
  EXPECT_TRUE(q.push("b", 4));
  EXPECT_FALSE(q.push("c", 5));
  EXPECT_EQ(item_of(q.pop(9, 99)), 1);
  EXPECT_TRUE(q.push("c", 5));
}

TEST(FairQueue, TakeAllEmptiesItAndKeepsCountOfWhatRuns) {
  Queue q(10, 10);
  EXPECT_TRUE(q.push("a", 1));
  EXPECT_TRUE(q.push("a", 2));
  EXPECT_EQ(item_of(q.pop(9, 99)), 1);
  EXPECT_EQ(q.take_all(), (std::vector<int>{2}));
  EXPECT_EQ(item_of(q.pop(9, 99)), std::nullopt);
  q.finished("a");
  EXPECT_TRUE(q.push("a", 3));
  EXPECT_EQ(item_of(q.pop(1, 99)), 3);
}

TEST(FairQueue, LargeItemsCountAsTheyTake) {
  Queue q(10, 10);
  EXPECT_TRUE(q.push("a", 1, 4));
  EXPECT_TRUE(q.push("a", 2, 4));
  EXPECT_TRUE(q.push("b", 10));
  EXPECT_EQ(item_of(q.pop(6, 8)), 1);
  EXPECT_EQ(item_of(q.pop(6, 4)), 10) << "a second one would be 8 of 6";
  EXPECT_EQ(item_of(q.pop(6, 3)), std::nullopt);
  q.finished("a", 4);
  EXPECT_EQ(item_of(q.pop(6, 7)), 2);
}

TEST(FairQueue, WhatNeedsMoreRoomIsNotPassedByWhatNeedsLess) {
  Queue q(10, 10);
  EXPECT_TRUE(q.push("large", 1, 4));
  EXPECT_TRUE(q.push("small", 2));
  EXPECT_EQ(item_of(q.pop(9, 3)), std::nullopt);
  EXPECT_EQ(item_of(q.pop(9, 4)), 1);
  EXPECT_EQ(item_of(q.pop(9, 1)), 2);
}

}  // namespace
}  // namespace micro
