#include "chain/committee/seat_rules.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

SeatRecord bonded(std::uint64_t amount) {
  SeatRecord seat;
  seat.node = NodeId{};
  seat.bond.lots.push_back({Epoch(40), LotClass::kToken, Amount(amount)});
  seat.ready = Epoch(3);
  return seat;
}
ChainParams params(std::uint32_t unbonding) {
  ChainParams out;
  out.unbonding_epochs = unbonding;
  return out;
}

TEST(Stake, CountsFromReadinessUntilLeavingOrConviction) {
  SeatRecord seat = bonded(70);
  EXPECT_EQ(stake_of(seat), 70u);
  seat.ready.reset();
  EXPECT_EQ(stake_of(seat), 0u);
  seat = bonded(70);
  seat.left = Epoch(9);
  EXPECT_EQ(stake_of(seat), 0u);
  seat = bonded(70);
  seat.convicted = Epoch(9);
  EXPECT_EQ(stake_of(seat), 0u);
}

TEST(Stake, OfAKeyOfTheGenesisIsItsCreditUntilConviction) {
  SeatRecord seat;
  seat.founding = 12;
  EXPECT_EQ(stake_of(seat), 12u);
  seat.convicted = Epoch(0);
  EXPECT_EQ(stake_of(seat), 0u);
}

TEST(Seated, FromTheFirstEpochToTheLast) {
  SeatRecord seat = bonded(1);
  EXPECT_FALSE(was_seated(seat, Epoch(5)));
  seat.first_seated = Epoch(5);
  seat.seated = true;
  EXPECT_FALSE(was_seated(seat, Epoch(4)));
  EXPECT_TRUE(was_seated(seat, Epoch(5)));
  EXPECT_TRUE(was_seated(seat, Epoch(500)));
  seat.seated = false;
  seat.last_seated = Epoch(8);
  EXPECT_TRUE(was_seated(seat, Epoch(8)));
  EXPECT_FALSE(was_seated(seat, Epoch(9)));
}

TEST(Release, ComesAfterUnbondingFromLeavingAndFromTheLastSeat) {
  SeatRecord seat = bonded(1);
  EXPECT_EQ(release_of(seat, params(8)), std::nullopt);
  seat.left = Epoch(5);
  EXPECT_EQ(release_of(seat, params(8)), Epoch(14)) << "it never sat";
  seat.first_seated = Epoch(4);
  seat.seated = true;
  EXPECT_EQ(release_of(seat, params(8)), std::nullopt);
  seat.seated = false;
  seat.last_seated = Epoch(7);
  EXPECT_EQ(release_of(seat, params(8)), Epoch(16));
  seat.last_seated = Epoch(4);
  EXPECT_EQ(release_of(seat, params(8)), Epoch(14));
}

TEST(Release, TheBondIsThereAsLongAsEvidenceIsTaken) {
  const ChainParams p = params(8);
  SeatRecord seat = bonded(1);
  seat.left = Epoch(2);
  seat.first_seated = Epoch(1);
  seat.last_seated = Epoch(6);
  for (std::uint32_t now = 6; now < 40; ++now) {
    const bool is_held = Epoch(now) < *release_of(seat, p);
    EXPECT_EQ(is_held, is_answerable(Epoch(6), Epoch(now), p)) << now;
  }
}

TEST(Readiness, BindsChainKeyEpochAndBlock) {
  ChainId chain;
  Ed25519Key key;
  BlockId block;
  const Hash one = readiness_hash(chain, key, Epoch(1), block);
  EXPECT_NE(one, readiness_hash(chain, key, Epoch(2), block));
  block.data[0] = 1;
  EXPECT_NE(one, readiness_hash(chain, key, Epoch(1), block));
  key.data[0] = 1;
  EXPECT_NE(readiness_hash(chain, key, Epoch(1), block), readiness_hash(chain, {}, Epoch(1), block));
  chain.data[0] = 1;
  EXPECT_NE(readiness_hash(chain, key, Epoch(1), block), readiness_hash({}, key, Epoch(1), block));
}

}  // namespace
}  // namespace micro
