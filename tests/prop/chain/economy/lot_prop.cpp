#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/economy/supply.hpp"
#include "tests/gen/naive_tokens.hpp"

namespace micro {
namespace {

using test::naive_refresh_fee;
using test::NaivePurse;
using test::NaiveTime;

LotTime times(std::uint32_t now, std::uint32_t q) {
  return {Epoch(now), q, 30 * q, 30 * q};
}

/// A purse with a few lots around `now`, live, in grace and gone.
Purse any_purse(const LotTime& t) {
  Purse purse;
  const int n = *rc::gen::inRange(0, 8);
  for (int i = 0; i < n; ++i) {
    const auto bucket = *rc::gen::inRange<std::uint32_t>(0, t.now.value / t.bucket + 32);
    const auto cls = *rc::gen::element(LotClass::kBase, LotClass::kToken);
    add_lot(purse, {Epoch(bucket * t.bucket), cls, Amount(*rc::gen::inRange<std::uint64_t>(0, 1'000))});
  }
  return purse;
}
LotTime any_time() {
  const auto q = *rc::gen::inRange<std::uint32_t>(1, 5);
  return times(*rc::gen::inRange<std::uint32_t>(0, 200), q);
}

RC_GTEST_PROP(Lots, TakingEqualsTheNaiveModel, ()) {
  const LotTime t = any_time();
  const NaiveTime nt{t.now.value, t.bucket};
  Purse purse = any_purse(t);
  NaivePurse naive = NaivePurse::of(purse);
  const bool tokens_only = *rc::gen::arbitrary<bool>();
  const LotFilter filter = tokens_only ? live_tokens(t) : live_lots(t);
  RC_ASSERT(total(purse, filter).micro == naive.live(nt, tokens_only));
  RC_ASSERT(grace_total(purse, t).micro == naive.grace(nt));
  const auto amount = *rc::gen::inRange<std::uint64_t>(0, naive.live(nt, tokens_only) + 3);
  const Purse before = purse;
  const auto taken = take(purse, Amount(amount), filter);
  if (amount > naive.live(nt, tokens_only)) {
    RC_ASSERT(!taken.has_value());
    RC_ASSERT(purse == before);
  } else {
    RC_ASSERT(NaivePurse::of(*taken) == naive.take(nt, amount, tokens_only));
    RC_ASSERT(NaivePurse::of(purse) == naive);
    RC_ASSERT(is_canonical(*taken, t.bucket));
  }
  RC_ASSERT(is_canonical(purse, t.bucket));
  drop_gone(purse, t);
  RC_ASSERT(NaivePurse::of(purse) == naive.masked(nt));
}

RC_GTEST_PROP(Lots, AddingIsTheSameInAnyOrder, ()) {
  const LotTime t = any_time();
  const Purse a = any_purse(t), b = any_purse(t);
  Purse ab = a, ba = b;
  add_all(ab, b);
  add_all(ba, a);
  RC_ASSERT(ab == ba);
  RC_ASSERT(is_canonical(ab, t.bucket));
}

RC_GTEST_PROP(Lots, RefreshFeeEqualsTheNaiveFormulaAndSplittingNeverGains, ()) {
  const LotTime t = any_time();
  const auto age = *rc::gen::inRange<std::uint32_t>(0, std::min(t.now.value + 1, t.grace));
  const Epoch expiry(t.now.value - age);
  const auto a = *rc::gen::inRange<std::uint64_t>(0, kMaxSupplyMicro / 2);
  const auto b = *rc::gen::inRange<std::uint64_t>(0, kMaxSupplyMicro / 2);
  const std::uint64_t whole = refresh_fee(Amount(a + b), expiry, t).micro;
  RC_ASSERT(whole == naive_refresh_fee(a + b, expiry.value, {t.now.value, t.bucket}));
  RC_ASSERT(whole <= a + b);
  RC_ASSERT(refresh_fee(Amount(a), expiry, t).micro + refresh_fee(Amount(b), expiry, t).micro >= whole);
}

RC_GTEST_PROP(Lots, LifeAndFeesAreMonotoneInTime, ()) {
  const LotTime t = any_time();
  LotTime later = t;
  later.now = Epoch(t.now.value + *rc::gen::inRange<std::uint32_t>(0, 100));
  const Epoch expiry(*rc::gen::inRange<std::uint32_t>(0, 70) * t.bucket);
  RC_ASSERT(phase_of(expiry, t) <= phase_of(expiry, later));
  if (phase_of(expiry, later) != LotPhase::kGone) {
    RC_ASSERT(refresh_fee(Amount(1'000'000), expiry, t) <= refresh_fee(Amount(1'000'000), expiry, later));
  }
  RC_ASSERT(fresh_expiry(t) <= fresh_expiry(later));
  RC_ASSERT(fresh_expiry(t).value >= t.now.value + t.life);
  RC_ASSERT(fresh_expiry(t).value < t.now.value + t.life + t.bucket);
}

RC_GTEST_PROP(Lots, ABondNeverGainsLifeAndLosesLessThanABucket, ()) {
  const LotTime bonded = any_time();
  const auto bucket_no = *rc::gen::inRange<std::uint32_t>(bonded.now.value / bonded.bucket + 1,
                                                          fresh_expiry(bonded).value / bonded.bucket + 1);
  const Epoch expiry(bucket_no * bonded.bucket);
  LotTime released = bonded;
  released.now = Epoch(bonded.now.value + *rc::gen::inRange<std::uint32_t>(0, 500));
  const Epoch after = released_expiry(expiry, bonded.now, released);
  const std::uint64_t left = expiry.value - bonded.now.value;
  RC_ASSERT(after.value <= released.now.value + left);
  RC_ASSERT(after.value + bonded.bucket > released.now.value + left);
  RC_ASSERT(after <= fresh_expiry(released));
  RC_ASSERT(after.value % bonded.bucket == 0);
}

/// Any sequence of what can happen to tokens keeps I1 and I2, and epochs move what purses would see by masking.
RC_GTEST_PROP(SupplyBook, BalancesAndSweepsLikeTheNaiveModel, ()) {
  const auto q = *rc::gen::inRange<std::uint32_t>(1, 4);
  SupplyBook book = SupplyBook::from(Supply{}, times(0, q)).value();
  Purse purse, bond;
  Epoch bonded_at;
  const auto steps = *rc::gen::container<std::vector<std::pair<int, std::uint32_t>>>(
      rc::gen::pair(rc::gen::inRange(0, 6), rc::gen::inRange<std::uint32_t>(1, 500)));
  for (const auto& [what, amount] : steps) {
    const LotTime t = book.when();
    book.note(purse, SupplyBook::Sign::kMinus);
    book.note_paused(bond, SupplyBook::Sign::kMinus);
    if (what == 0) {
      const Lot lot{fresh_expiry(t), LotClass::kToken, Amount(amount)};
      book.mint(lot);
      add_lot(purse, lot);
    } else if (what == 1) {
      take_each(purse, Amount(amount), live_lots(t), [&](const Lot& lot) { book.burn(lot); });
    } else if (what == 2 && !purse.lots.empty()) {
      const Lot lot = purse.lots.front();
      if (refresh_window(lot.expiry, t) == RefreshWindow::kOpen) {
        const Amount fee = refresh_fee(lot.amount, lot.expiry, t);
        take_lot(purse, lot.expiry, lot.cls, lot.amount);
        book.refresh(lot, fee);
        add_lot(purse, {fresh_expiry(t), lot.cls, Amount(lot.amount.micro - fee.micro)});
      }
    } else if (what == 3 && bond.lots.empty()) {
      bonded_at = t.now;
      if (auto taken = take(purse, Amount(amount), live_lots(t))) {
        for (const Lot& lot : taken->lots) book.pause(lot);
        bond = *taken;
      }
    } else if (what == 4) {
      for (const Lot& lot : bond.lots) {
        const Epoch expiry = released_expiry(lot.expiry, bonded_at, t);
        book.unpause(lot, expiry);
        add_lot(purse, {expiry, lot.cls, lot.amount});
      }
      bond.lots.clear();
    }
    drop_gone(purse, t);
    book.note(purse, SupplyBook::Sign::kPlus);
    book.note_paused(bond, SupplyBook::Sign::kPlus);
    RC_ASSERT(book.check().has_value());
    if (what == 5) {
      for (std::uint32_t i = 0; i < amount % 40; ++i) book.next_epoch();
      RC_ASSERT(book.check().has_value());
    }
    RC_ASSERT(book.live().micro == live_total(purse, book.when()).micro + total(bond, {Epoch(0), false}).micro);
    RC_ASSERT(book.grace() == grace_total(purse, book.when()));
    const auto again = SupplyBook::from(book.record(), book.when());
    RC_ASSERT(again.has_value());
    RC_ASSERT(again->record() == book.record());
  }
}

}  // namespace
}  // namespace micro
