// What the ledger's refusals tell people: the limits of their own network.
#include <gmock/gmock.h>

#include "rpc/views/views.hpp"

namespace micro {
namespace {

using testing::HasSubstr;

TEST(StatusHints, NameTheLimitsOfTheNetwork) {
  ChainParams params;
  params.min_bond = Amount(12'500'000);
  params.bucket_epochs = 24;
  params.epoch_ms = 3'600'000;
  const auto hint = [&](TxStatus status) { return views::status_hint(status, params); };
  EXPECT_THAT(hint(TxStatus::kBondTooSmall), HasSubstr("12.500000 TOK"));
  EXPECT_THAT(hint(TxStatus::kBadShare), HasSubstr("30 to 100 percent"));
  EXPECT_THAT(hint(TxStatus::kBadMemory), HasSubstr("1 to 256 MiB"));
  EXPECT_THAT(hint(TxStatus::kBadName), HasSubstr("1 to 63 of a to z"));
  EXPECT_THAT(hint(TxStatus::kRefreshTooEarly), HasSubstr("last 24 epochs before it expires (24 hours)"));
  EXPECT_THAT(hint(TxStatus::kRefreshTooEarly), HasSubstr("for 720 epochs after"));
  EXPECT_THAT(hint(TxStatus::kLotGone), HasSubstr("30 days"));
  params.bucket_epochs = 4;
  params.epoch_ms = 1'000;
  EXPECT_THAT(hint(TxStatus::kRefreshTooEarly), HasSubstr("last 4 epochs before it expires (4 seconds)"));
  EXPECT_EQ(hint(TxStatus::kOk), "");
}

}  // namespace
}  // namespace micro
