// Transactions of one block: each sees what the ones before it did.
#include "tests/gen/chain/channel_world.hpp"

namespace micro {
namespace {

using test::ChannelWorld;
using test::World;

TEST(OneBlock, ANameIsTakenByTheFirst) {
  World w;
  w.start();
  PublishService publish;
  publish.name = Text<kMaxServiceNameBytes>("adder");
  publish.repo_url = Text<kMaxUrlBytes>("https://example.org/o/r");
  publish.host_share_ppm = 700'000;
  const std::vector txs{w.make(0, publish), w.make(1, publish)};
  const auto out = w.run(txs);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->receipts.at(0).status, TxStatus::kOk);
  EXPECT_EQ(out->receipts.at(1).status, TxStatus::kNameTaken);
}

TEST(OneBlock, ALaneIsClaimedOnce) {
  ChannelWorld w;
  const ChannelId id = w.open();
  const LaneTotal total{0, 10, Amount(1'000'000), Amount(0)};
  const std::vector txs{w.make(0, w.claim(id, total)), w.make(1, w.claim(id, total)),
                        w.make(3, w.claim(id, {0, 9, Amount(900'000), Amount(0)}))};
  const auto out = w.run(txs);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->receipts.at(0).status, TxStatus::kOk);
  EXPECT_EQ(out->receipts.at(1).status, TxStatus::kNothingToClaim);
  EXPECT_EQ(out->receipts.at(2).status, TxStatus::kNotMonotone);
}

}  // namespace
}  // namespace micro
