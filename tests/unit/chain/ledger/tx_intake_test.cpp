#include "chain/ledger/tx_intake.hpp"

#include <gtest/gtest.h>

#include "tests/gen/chain/small_net.hpp"

namespace micro {
namespace {

using test::SmallNet;

/// An intake, and waiting until so many transactions wait for a block.
class TxIntakeTest : public testing::Test {
 protected:
  void begin(const TxIntakeLimits& limits) {
    net_.ledger().on_waiting([this] {
      const std::lock_guard guard(mutex_);
      changed_.notify_all();
    });
    intake_.emplace(net_.ledger(), limits);
  }
  bool offer(std::uint8_t from, std::uint64_t nonce) {
    return intake_->offer(encode(net_.transfer(from, nonce, 2, 5)));
  }
  void wait_for(std::size_t transactions) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return net_.ledger().waiting() == transactions; });
  }

  SmallNet net_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<TxIntake> intake_;
};

TEST_F(TxIntakeTest, BringsWhatIsOfferedToTheMempoolAndDropsWhatIsNone) {
  begin({});
  EXPECT_TRUE(intake_->offer({1, 2, 3}));
  for (std::uint64_t nonce = 0; nonce < 300; ++nonce) EXPECT_TRUE(offer(1, nonce));
  wait_for(300);
}

TEST_F(TxIntakeTest, TakesNoMoreThanBlocksTakeAndRefusesTheRest) {
  begin({.max_queued = 2, .max_queued_bytes = 1u << 20, .max_waiting = 1});
  ASSERT_TRUE(offer(1, 0));
  wait_for(1);
  EXPECT_TRUE(offer(1, 1));
  EXPECT_TRUE(offer(3, 0));
  EXPECT_FALSE(offer(4, 0)) << "its queue holds two";
  EXPECT_EQ(net_.ledger().waiting(), 1U) << "and nothing is taken from it while enough waits";
  ASSERT_TRUE(net_.seal());
  intake_->drained();
  wait_for(2);
  EXPECT_TRUE(offer(4, 0));
}

TEST_F(TxIntakeTest, BoundsTheBytesToo) {
  const std::size_t size = encode(net_.transfer(1, 0, 2, 5)).size();
  begin({.max_queued = 100, .max_queued_bytes = 2 * size, .max_waiting = 1});
  ASSERT_TRUE(offer(1, 0));
  wait_for(1);
  EXPECT_TRUE(offer(1, 1));
  EXPECT_TRUE(offer(1, 2));
  EXPECT_FALSE(offer(1, 3));
}

TEST_F(TxIntakeTest, StopsWhileItWaitsForABlock) {
  begin({.max_queued = 2, .max_queued_bytes = 1u << 20, .max_waiting = 1});
  ASSERT_TRUE(offer(1, 0));
  wait_for(1);
  ASSERT_TRUE(offer(1, 1));
  intake_->stop();
  EXPECT_EQ(net_.ledger().waiting(), 1U);
}

}  // namespace
}  // namespace micro
