#include "consensus/replica/inbox.hpp"

#include <gtest/gtest.h>

namespace micro::simplex {
namespace {

class InboxTest : public testing::Test {
 protected:
  static Ed25519Key peer(std::uint8_t number) {
    Ed25519Key out;
    out.data.fill(number);
    return out;
  }
  /// Messages are told apart by the epoch that they carry.
  bool say(std::uint8_t from, std::uint32_t mark, std::size_t bytes = 100) {
    return inbox.add(peer(from), {kMessageVersion, Epoch(mark), Ask{AskKind::kStatus, View(0), {}, {}, {}}}, bytes);
  }
  std::vector<std::uint32_t> take_all() {
    std::vector<std::uint32_t> out;
    while (!inbox.empty()) out.push_back(inbox.take().message.epoch.value);
    return out;
  }
  Inbox inbox;
};

TEST_F(InboxTest, GivesTheOldestFirst) {
  EXPECT_TRUE(say(1, 1));
  EXPECT_TRUE(say(2, 2));
  EXPECT_TRUE(say(1, 3));
  EXPECT_EQ(inbox.bytes(), 300U);
  EXPECT_EQ(take_all(), (std::vector<std::uint32_t>{1, 2, 3}));
  EXPECT_EQ(inbox.bytes(), 0U);
}

TEST_F(InboxTest, TheNewestOfWhoHasMostMakesRoom) {
  for (std::uint32_t n = 0; n < kMaxInboxMessages; ++n) ASSERT_TRUE(say(1, n));
  EXPECT_FALSE(say(1, 9'999)) << "its own, and it has most";
  EXPECT_TRUE(say(2, 7'777));
  EXPECT_EQ(inbox.size(), kMaxInboxMessages);
  const auto kept = take_all();
  EXPECT_EQ(kept.front(), 0U);
  EXPECT_EQ(kept[kMaxInboxMessages - 2], kMaxInboxMessages - 2) << "the one before the newest";
  EXPECT_EQ(kept.back(), 7'777U);
  EXPECT_TRUE(say(1, 1)) << "there is room again";
}

TEST_F(InboxTest, BytesAreBoundedToo) {
  const std::size_t large = kMaxInboxBytes / 8;
  for (std::uint32_t n = 0; n < 8; ++n) ASSERT_TRUE(say(1, n, large));
  EXPECT_FALSE(say(1, 100, 1));
  EXPECT_TRUE(say(2, 200, large));
  EXPECT_EQ(inbox.bytes(), kMaxInboxBytes);
  EXPECT_EQ(take_all(), (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 200}));
}

// A proposal is as large as thousands of votes, and whoever has only that is no flood.
TEST_F(InboxTest, ManySmallOnesWeighAsMuchAsFewLargeOnes) {
  ASSERT_TRUE(say(2, 5'000, 8u << 20));
  for (std::uint32_t n = 0; n < kMaxInboxMessages - 1; ++n) ASSERT_TRUE(say(1, n));
  EXPECT_FALSE(say(1, 9'999));
  EXPECT_TRUE(say(3, 6'000));
  const auto kept = take_all();
  EXPECT_EQ(kept.front(), 5'000U);
  EXPECT_EQ(kept.back(), 6'000U);
}

}  // namespace
}  // namespace micro::simplex
