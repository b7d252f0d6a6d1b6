#include "chain/economy/lot.hpp"

#include <gtest/gtest.h>

#include "chain/economy/supply.hpp"

namespace micro {
namespace {

LotTime at(std::uint32_t now, std::uint32_t q = 24) {
  return {Epoch(now), q, 30 * q, 30 * q};
}
Lot lot(std::uint32_t expiry, std::uint64_t amount, LotClass cls = LotClass::kToken) {
  return {Epoch(expiry), cls, Amount(amount)};
}
Purse purse(std::initializer_list<Lot> lots) {
  Purse out;
  for (const Lot& l : lots) add_lot(out, l);
  return out;
}

TEST(LotPhases, LiveUntilTheExpiryThenGraceThenGone) {
  EXPECT_EQ(phase_of(Epoch(48), at(47)), LotPhase::kLive);
  EXPECT_EQ(phase_of(Epoch(48), at(48)), LotPhase::kGrace);
  EXPECT_EQ(phase_of(Epoch(48), at(48 + 719)), LotPhase::kGrace);
  EXPECT_EQ(phase_of(Epoch(48), at(48 + 720)), LotPhase::kGone);
}

TEST(LotPhases, FreshLotsEndAtTheNextBucketAfterALife) {
  EXPECT_EQ(fresh_expiry(at(0)), Epoch(720));
  EXPECT_EQ(fresh_expiry(at(1)), Epoch(744));
  EXPECT_EQ(fresh_expiry(at(24)), Epoch(744));
}

TEST(LotPurse, SpendsEarliestExpiryFirstThenTheLowerClass) {
  Purse p = purse({lot(72, 5), lot(48, 3), lot(48, 2, LotClass::kBase), lot(24, 9)});
  const auto taken = take(p, Amount(6), live_lots(at(30)));  // the lot of 24 is over
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(*taken, purse({lot(48, 2, LotClass::kBase), lot(48, 3), lot(72, 1)}));
  EXPECT_EQ(p, purse({lot(24, 9), lot(72, 4)}));
}

TEST(LotPurse, TakesAllOrNothing) {
  Purse p = purse({lot(48, 3), lot(48, 2, LotClass::kBase)});
  const Purse before = p;
  EXPECT_FALSE(take(p, Amount(4), live_tokens(at(0))).has_value());
  EXPECT_FALSE(take(p, Amount(1), {Epoch(49), true}).has_value());
  EXPECT_EQ(p, before);
  EXPECT_TRUE(take(p, Amount(0), live_tokens(at(0)))->lots.empty());
}

TEST(LotPurse, ForgetsWhatIsGoneWhenWritten) {
  Purse p = purse({lot(24, 1), lot(48, 2), lot(2'000, 3)});
  drop_gone(p, at(24 + 720));
  EXPECT_EQ(p, purse({lot(48, 2), lot(2'000, 3)}));
}

TEST(LotPurse, CanonicalFormIsSortedUniqueAndOnBuckets) {
  EXPECT_TRUE(is_canonical(purse({lot(48, 1), lot(24, 1)}), 24));
  EXPECT_FALSE(is_canonical(Purse{{lot(48, 1), lot(24, 1)}}, 24));
  EXPECT_FALSE(is_canonical(Purse{{lot(24, 1), lot(24, 1)}}, 24));
  EXPECT_FALSE(is_canonical(Purse{{lot(24, 0)}}, 24));
  EXPECT_FALSE(is_canonical(Purse{{lot(25, 1)}}, 24));
}

TEST(LotRefresh, CostsOnePercentUntilTheExpiryAndUpToHalf) {
  EXPECT_EQ(refresh_fee(Amount(1'000'000), Epoch(720), at(700)), Amount(10'000));
  EXPECT_EQ(refresh_fee(Amount(1'000'000), Epoch(720), at(720)), Amount(10'000));
  EXPECT_EQ(refresh_fee(Amount(1'000'000), Epoch(720), at(720 + 360)), Amount(255'000));
  EXPECT_EQ(refresh_fee(Amount(1'000'000), Epoch(720), at(720 + 719)), Amount(499'319));
  EXPECT_EQ(refresh_fee(Amount(1), Epoch(720), at(720)), Amount(1));
  EXPECT_EQ(refresh_window(Epoch(720), at(695)), RefreshWindow::kTooEarly);
  EXPECT_EQ(refresh_window(Epoch(720), at(696)), RefreshWindow::kOpen);
  EXPECT_EQ(refresh_window(Epoch(720), at(1'439)), RefreshWindow::kOpen);
  EXPECT_EQ(refresh_window(Epoch(720), at(1'440)), RefreshWindow::kGone);
}

TEST(LotBond, PausesTheClockAndRoundsDown) {
  EXPECT_EQ(released_expiry(Epoch(720), Epoch(100), at(100)), Epoch(720));
  EXPECT_EQ(released_expiry(Epoch(720), Epoch(100), at(101)), Epoch(720));
  EXPECT_EQ(released_expiry(Epoch(720), Epoch(100), at(124)), Epoch(744));
  EXPECT_EQ(released_expiry(Epoch(720), Epoch(710), at(1'001)), Epoch(1'008));
  EXPECT_EQ(released_expiry(Epoch(720), Epoch(719), at(1'001)), Epoch(984));  // straight into grace
}

// --- the supply ---

TEST(SupplyBookChecks, FindAnImbalanceInAnyBucket) {
  SupplyBook book = SupplyBook::from(Supply{}, at(0)).value();
  book.mint(lot(720, 100));
  EXPECT_FALSE(book.check().has_value());  // minted into no purse
  book = SupplyBook::from(Supply{}, at(0)).value();
  book.mint(lot(720, 100));
  book.note(purse({lot(720, 100)}), SupplyBook::Sign::kPlus);
  EXPECT_TRUE(book.check().has_value());
  // A purse that turns one bucket into another without the book knowing.
  SupplyBook moved = book;
  moved.note(purse({lot(720, 100)}), SupplyBook::Sign::kMinus);
  moved.note(purse({lot(696, 100)}), SupplyBook::Sign::kPlus);
  EXPECT_FALSE(moved.check().has_value());
  // Burning what does not exist.
  SupplyBook burnt = book;
  burnt.burn(lot(720, 101));
  EXPECT_FALSE(burnt.check().has_value());
  SupplyBook elsewhere = book;
  elsewhere.mint(lot(721, 1));  // not a bucket
  EXPECT_FALSE(elsewhere.check().has_value());
}

TEST(SupplyBookChecks, RefuseARecordThatDoesNotBalance) {
  SupplyBook book = SupplyBook::from(Supply{}, at(0)).value();
  book.mint(lot(720, 100));
  Supply record = book.record();
  EXPECT_TRUE(SupplyBook::from(record, at(0)).has_value());
  record.live[0].amount = Amount(99);
  EXPECT_FALSE(SupplyBook::from(record, at(0)).has_value());
  record.live[0] = {Epoch(7'200), Amount(100)};
  EXPECT_FALSE(SupplyBook::from(record, at(0)).has_value());
}

TEST(SupplyBookSweep, IsExactForAMillionLotsAndTouchesNone) {
  // A million purses with a lot each, in two buckets. The book is of one size whatever it counts.
  static_assert(sizeof(SupplyBook) < 2'048);
  SupplyBook book = SupplyBook::from(Supply{}, at(0, 1)).value();
  std::vector<Lot> lots;
  for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
    for (std::uint64_t i = 0; i < 500'000; ++i) {
      lots.push_back({fresh_expiry(book.when()), LotClass::kToken, Amount(1 + i % 7)});
      book.mint(lots.back());
    }
    book.next_epoch();
  }
  const auto masked = [&](LotPhase phase) {
    std::uint64_t sum = 0;
    for (const Lot& l : lots) sum += phase_of(l.expiry, book.when()) == phase ? l.amount.micro : 0;
    return Amount(sum);
  };
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(book.live(), masked(LotPhase::kLive));
    EXPECT_EQ(book.grace(), masked(LotPhase::kGrace));
    book.next_epoch();
  }
  EXPECT_EQ(book.live(), Amount(0));
  EXPECT_EQ(book.record().purged.value(), masked(LotPhase::kGone).micro);
}

}  // namespace
}  // namespace micro
