#include "wallet/tx/tx_builder.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

struct TxBuilder : testing::Test {
  SeededRandom random{1};
  SecretKey key = SecretKey::generate(random);
  Address sender = address_of(key.public_key());
  ChainView view;
  Transfer transfer;

  TxBuilder() {
    view.chain.data.fill(7);
    view.height = Height(50);
    view.next_nonce = Nonce(3);
    view.spendable = Amount(1'000'000);
    transfer.to.data.fill(9);
    transfer.amount = Amount(12'500);
  }
};

TEST_F(TxBuilder, FillsInWhatTheLedgerChecks) {
  const auto built = build_tx(view, sender, transfer, {.max_fee = {}, .valid_blocks = 10});
  ASSERT_TRUE(built);
  EXPECT_EQ(built->body.chain, view.chain);
  EXPECT_EQ(built->body.nonce, Nonce(3));
  EXPECT_EQ(built->body.valid_until, Height(60));
  EXPECT_EQ(built->body.max_fee, built->fee);
  EXPECT_EQ(built->spent, Amount(12'500));
  const auto tx = sign_built(*built, key);
  ASSERT_TRUE(tx);
  EXPECT_TRUE(verify_tx_signature(*tx));
  EXPECT_EQ(built->fee, Amount(view.params.fee_per_tx.micro + view.params.fee_per_byte.micro * encode(*tx).size()));
  EXPECT_EQ(encode(*tx), encode(sign_built(*built, key).value()));
}

TEST_F(TxBuilder, RefusesWhatThePurseDoesNotCover) {
  const Amount fee = build_tx(view, sender, transfer)->fee;
  transfer.amount = Amount(view.spendable->micro - fee.micro);
  EXPECT_TRUE(build_tx(view, sender, transfer));
  transfer.amount = Amount(transfer.amount.micro + 1);
  EXPECT_EQ(build_tx(view, sender, transfer).error().fault, Fault::kFunds);
  view.spendable.reset();
  EXPECT_TRUE(build_tx(view, sender, transfer));
  transfer.amount = Amount(UINT64_MAX);
  EXPECT_FALSE(build_tx(view, sender, transfer));
}

TEST_F(TxBuilder, LetsARefreshPayOutOfWhatItRefreshes) {
  view.spendable = Amount(0);
  EXPECT_TRUE(build_tx(view, sender, RefreshLot{Epoch(30), LotClass::kToken, Amount(5'000'000)}));
  EXPECT_EQ(build_tx(view, sender, RequestClose{}).error().fault, Fault::kFunds);
}

TEST_F(TxBuilder, RefusesAFeeAboveTheCallersCap) {
  const Amount fee = build_tx(view, sender, transfer)->fee;
  EXPECT_TRUE(build_tx(view, sender, transfer, {.max_fee = fee}));
  EXPECT_EQ(build_tx(view, sender, transfer, {.max_fee = Amount(fee.micro - 1)}).error().fault, Fault::kFunds);
}

TEST_F(TxBuilder, RefusesAForeignKey) {
  const auto built = build_tx(view, sender, transfer);
  EXPECT_EQ(sign_built(*built, SecretKey::generate(random)).error().fault, Fault::kInvalid);
}

TEST_F(TxBuilder, CountsDepositsBondsAndNames) {
  OpenChannel open;
  open.deposit = Amount(5);
  OfferResources offer;
  offer.bond = Amount(6);
  EXPECT_EQ(spent_by(view.params, open), Amount(5));
  EXPECT_EQ(spent_by(view.params, offer), Amount(6));
  EXPECT_EQ(spent_by(view.params, PublishService{}), view.params.name_fee);
  EXPECT_EQ(spent_by(view.params, RequestClose{}), Amount(0));
}

}  // namespace
}  // namespace micro
