#include "tests/gen/ledger_world.hpp"

namespace micro {
namespace {

using test::person;
using test::World;

TEST(TransferTx, MovesTokensBurnsTheFeeAndCountsTheNonce) {
  World w;
  w.start();
  const TxReceipt receipt = w.apply(0, Transfer{person(1), Amount(5'000'000), {}});
  EXPECT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_GT(receipt.fee.micro, 0u);
  EXPECT_EQ(w.live(1).micro, 1'005'000'000u);
  EXPECT_EQ(w.live(0).micro, 995'000'000u - receipt.fee.micro);
  EXPECT_EQ(w.account(0).nonce, Nonce(1));
  EXPECT_EQ(w.supply().burned.value(), receipt.fee.micro);
}

TEST(TransferTx, FailingCostsOnlyTheFee) {
  World w;
  w.start();
  const TxReceipt receipt = w.apply(0, Transfer{person(1), Amount(5'000'000'000), {}});
  EXPECT_EQ(receipt.status, TxStatus::kInsufficientFunds);
  EXPECT_EQ(w.live(1).micro, 1'000'000'000u);
  EXPECT_EQ(w.live(0).micro, 1'000'000'000u - receipt.fee.micro);
  EXPECT_TRUE(receipt.events.empty());
}

TEST(ExecuteBlock, BuildingLeavesOutWhatMayNotBeIncluded) {
  World w;
  w.start();
  const std::vector txs{w.make(0, Transfer{person(1), Amount(1), {}}), w.make(0, Transfer{person(1), Amount(2), {}}, 2),
                        w.make(0, Transfer{person(1), Amount(3), {}}, 1)};
  EXPECT_FALSE(w.run(txs).has_value());
  std::vector<bool> kept;
  const auto out = w.run(txs, 1, ExecutionMode::kBuild, &kept);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(kept, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(w.live(1).micro, 1'000'000'004u);
}

}  // namespace
}  // namespace micro
