#include "chain/economy/supply.hpp"
#include "chain/execution/full_sum.hpp"
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
  EXPECT_EQ(receipt.fee, tx_fee(w.genesis.params, tx_size(w.make(0, Transfer{person(1), Amount(5'000'000), {}}))));
  EXPECT_EQ(w.live(1).micro, 1'005'000'000u);
  EXPECT_EQ(w.live(0).micro, 995'000'000u - receipt.fee.micro);
  EXPECT_EQ(w.account(0).nonce, Nonce(1));
  EXPECT_EQ(w.supply().burned.value(), receipt.fee.micro);
}

TEST(TransferTx, FailingChangesOnlyNonceAndFee) {
  World w;
  w.start();
  ASSERT_TRUE(w.run({}).has_value()) << "the first block of an epoch records what the epoch is bound to";
  const auto before = w.state.entries();
  const TxReceipt receipt = w.apply(0, Transfer{person(1), Amount(5'000'000'000), {}});
  EXPECT_EQ(receipt.status, TxStatus::kInsufficientFunds);
  EXPECT_TRUE(receipt.events.empty());
  for (const auto& [path, value] : w.state.entries()) {
    if (path == path::account(person(0)) || path == path::supply()) continue;
    EXPECT_EQ(before.at(path), value);
  }
  EXPECT_EQ(w.live(0).micro, 1'000'000'000u - receipt.fee.micro);
}

TEST(TransferTx, OtherFailures) {
  World w;
  w.start();
  EXPECT_EQ(w.apply(0, Transfer{person(0), Amount(1), {}}).status, TxStatus::kSelfTransfer);
  EXPECT_EQ(w.apply(0, Transfer{person(1), Amount(0), {}}).status, TxStatus::kZeroAmount);
}

TEST(TransferTx, LotsKeepTheirExpirySoNobodyRefreshesByPayingHimself) {
  World w(3, 1'000'000'000, 1);
  w.start();
  ASSERT_TRUE(w.end_epochs(5).has_value());
  EXPECT_EQ(w.apply(0, Transfer{person(9), Amount(100), {}}).status, TxStatus::kOk);
  ASSERT_EQ(w.account(9).purse.lots.size(), 1u);
  EXPECT_EQ(w.account(9).purse.lots[0].expiry, Epoch(30));
}

TEST(TransferTx, AllowanceIsNotTransferable) {
  World w;
  w.start();
  test::grant_base(w, 1, 5'000'000'000);
  ASSERT_TRUE(check_full_sum(w.state).has_value());
  EXPECT_EQ(w.apply(1, Transfer{person(0), Amount(2'000'000'000), {}}).status, TxStatus::kNotTransferable);
  EXPECT_EQ(w.apply(1, Transfer{person(0), Amount(1'000'000), {}}).status, TxStatus::kOk);
}

TEST(RefreshTx, GivesAFreshLifeForOnePercentInTheFinalBucket) {
  World w(2, 1'000'000'000, 2);  // Q = 2: lots end at epoch 60
  w.start();
  EXPECT_EQ(w.apply(0, RefreshLot{Epoch(60), LotClass::kToken, Amount(1'000)}).status, TxStatus::kRefreshTooEarly);
  ASSERT_TRUE(w.end_epochs(58).has_value());
  EXPECT_EQ(w.apply(0, RefreshLot{Epoch(60), LotClass::kToken, Amount(0)}).status, TxStatus::kZeroAmount);
  EXPECT_EQ(w.apply(0, RefreshLot{Epoch(62), LotClass::kToken, Amount(1)}).status, TxStatus::kNoSuchLot);
  EXPECT_EQ(w.apply(0, RefreshLot{Epoch(60), LotClass::kToken, Amount(2'000'000'000)}).status,
            TxStatus::kInsufficientFunds);
  const TxReceipt receipt = w.apply(0, RefreshLot{Epoch(60), LotClass::kToken, Amount(1'000'001)});
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(std::get<event::LotRefreshed>(receipt.events.at(0)).fee, Amount(10'001));
  EXPECT_EQ(find_lot(w.account(0).purse, Epoch(118), LotClass::kToken)->amount, Amount(990'000));
}

TEST(RefreshTx, CostsMoreInGraceAndNothingIsLeftAfterIt) {
  World w(3, 1'000'000'000, 1);
  w.start();
  // A second life to pay fees with.
  ASSERT_TRUE(w.end_epochs(29).has_value());
  EXPECT_EQ(w.apply(0, RefreshLot{Epoch(30), LotClass::kToken, Amount(500'000'000)}).status, TxStatus::kOk);
  ASSERT_TRUE(w.end_epochs(16).has_value());  // epoch 45: half of the grace
  const TxReceipt receipt = w.apply(0, RefreshLot{Epoch(30), LotClass::kToken, Amount(1'000'000)});
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(std::get<event::LotRefreshed>(receipt.events.at(0)).fee, Amount(255'000));
  EXPECT_EQ(w.supply().refreshed.value(), 1'000'000u);
  EXPECT_EQ(w.supply().grace_fees.value(), 255'000u);
  ASSERT_TRUE(w.end_epochs(13).has_value());  // epoch 58
  EXPECT_EQ(w.apply(0, RefreshLot{Epoch(59), LotClass::kToken, Amount(490'000'000)}).status, TxStatus::kOk);
  ASSERT_TRUE(w.end_epochs(2).has_value());  // epoch 60: 30 + 30
  EXPECT_EQ(w.apply(0, RefreshLot{Epoch(30), LotClass::kToken, Amount(1)}).status, TxStatus::kLotGone);
  EXPECT_TRUE(check_full_sum(w.state).has_value());
}

TEST(RefreshTx, SavesTokensInGraceThatAreAllAPersonHas) {
  World w(2, 1'000'000'000, 1);
  w.start();
  ASSERT_TRUE(w.end_epochs(45).has_value());  // half of the grace
  ASSERT_TRUE(w.live(0).is_zero());
  EXPECT_EQ(w.check(w.make(0, Transfer{person(1), Amount(1), {}})), TxStatus::kCannotPayFee);
  const SignedTx save = w.make(0, RefreshLot{Epoch(30), LotClass::kToken, Amount(1'000'000'000)});
  EXPECT_EQ(w.check(save), TxStatus::kOk);
  const TxReceipt receipt = w.apply(save);
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(receipt.fee, tx_fee(w.genesis.params, tx_size(save)));
  EXPECT_EQ(w.live(0).micro, 745'000'000u - receipt.fee.micro);
  EXPECT_TRUE(check_full_sum(w.state).has_value());
  // What is left of so little does not pay the fee: no block takes it, and nothing of it is lost.
  const SignedTx dust = w.make(1, RefreshLot{Epoch(30), LotClass::kToken, Amount(receipt.fee.micro)});
  EXPECT_EQ(w.check(dust), TxStatus::kCannotPayFee);
  const auto out = w.run(std::span(&dust, 1), 1, ExecutionMode::kBuild);
  ASSERT_TRUE(out.has_value());
  EXPECT_TRUE(out->receipts.empty());
  EXPECT_EQ(grace_total(w.account(1).purse, w.lots()).micro, 1'000'000'000u);
}

TEST(RefreshTx, TakesAWholeLotThatIsTheOnlyOne) {
  World w(2, 1'000'000'000, 2);
  w.start();
  ASSERT_TRUE(w.end_epochs(59).has_value());
  const TxReceipt receipt = w.apply(0, RefreshLot{Epoch(60), LotClass::kToken, Amount(1'000'000'000)});
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  ASSERT_EQ(w.account(0).purse.lots.size(), 1u);
  EXPECT_EQ(w.live(0).micro, 990'000'000u - receipt.fee.micro);
}

TEST(ExecuteBlock, BuildingLeavesOutWhatMayNotBeIncluded) {
  World w;
  w.start();
  const std::vector txs{w.make(0, Transfer{person(1), Amount(1), {}}), w.make(0, Transfer{person(1), Amount(2), {}}, 2),
                        w.make(0, Transfer{person(1), Amount(3), {}}, 1)};
  const auto refused = w.run(txs);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().fault, Fault::kInvalid);
  std::vector<bool> kept;
  const auto out = w.run(txs, 1, ExecutionMode::kBuild, &kept);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(kept, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(w.live(1).micro, 1'000'000'004u);
}

TEST(ExecuteBlock, HoldsNoMoreBytesThanTheNetworkAllows) {
  World w;
  w.genesis.params.max_block_bytes = 1u << 16;
  w.start();
  std::vector<SignedTx> txs;
  for (std::uint64_t i = 0; i < 400; ++i) txs.push_back(w.make(0, Transfer{person(1), Amount(1), {}}, i));
  EXPECT_FALSE(execute_block(w.state, w.next_block(), txs, w.policy, ExecutionMode::kValidate).has_value());
  const auto out = w.run(txs, 1, ExecutionMode::kBuild);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->receipts.size(), (1u << 16) / tx_size(txs[0]));
}

TEST(Admission, SaysWhyATransactionMayNotBeIncluded) {
  World w;
  w.start();
  const SignedTx good = w.make(0, Transfer{person(1), Amount(1), {}});
  EXPECT_EQ(w.check(good), TxStatus::kOk);
  const auto with = [&](auto change) {
    SignedTx tx = good;
    change(tx.body);
    return w.check(tx);
  };
  EXPECT_EQ(with([](TxBody& b) { b.version = 2; }), TxStatus::kBadVersion);
  EXPECT_EQ(with([](TxBody& b) { b.chain.data[0] ^= 1; }), TxStatus::kWrongChain);
  EXPECT_EQ(with([](TxBody& b) { b.valid_until = Height(0); }), TxStatus::kExpired);
  EXPECT_EQ(with([](TxBody& b) { b.nonce = Nonce(1); }), TxStatus::kNonceGap);
  EXPECT_EQ(with([](TxBody& b) { b.max_fee = Amount(1); }), TxStatus::kFeeTooLow);
  EXPECT_EQ(with([](TxBody& b) { b.sender = person(77); }), TxStatus::kCannotPayFee);
  EXPECT_EQ(with([](TxBody& b) { std::get<Transfer>(b.payload).amount = Amount(kMaxSupplyMicro + 1); }),
            TxStatus::kMalformed);
  w.apply(good);
  EXPECT_EQ(w.check(good), TxStatus::kNonceUsed);
}

}  // namespace
}  // namespace micro
