#include "chain/economy/supply.hpp"

#include <algorithm>

#include "chain/base/check.hpp"

namespace micro {

bool SupplyBook::in_ring(Epoch expiry) const {
  return expiry.value % time_.bucket == 0 && phase_of(expiry, time_) != LotPhase::kGone &&
         expiry <= fresh_expiry(time_);
}

void SupplyBook::grow(Epoch expiry, Amount amount) {
  if (!in_ring(expiry)) {
    broken_ = true;
    return;
  }
  const std::size_t at = slot(expiry);
  broken_ |= __builtin_add_overflow(ring_[at], amount.micro, &ring_[at]);
  drift_[at] -= amount.micro;
}

void SupplyBook::shrink(Epoch expiry, Amount amount) {
  if (!in_ring(expiry)) {
    broken_ = true;
    return;
  }
  const std::size_t at = slot(expiry);
  broken_ |= __builtin_sub_overflow(ring_[at], amount.micro, &ring_[at]);
  drift_[at] += amount.micro;
}

void SupplyBook::mint(const Lot& lot) {
  minted_ += lot.amount.micro;
  grow(lot.expiry, lot.amount);
}

void SupplyBook::burn(const Lot& lot) {
  broken_ |= phase_of(lot.expiry, time_) != LotPhase::kLive;
  burned_ += lot.amount.micro;
  burned_live_ += lot.amount.micro;
  shrink(lot.expiry, lot.amount);
}

void SupplyBook::burn_paused(Amount amount) {
  burned_ += amount.micro;
  burned_live_ += amount.micro;
  broken_ |= __builtin_sub_overflow(paused_, amount.micro, &paused_);
  paused_drift_ += amount.micro;
}

void SupplyBook::renew(const Lot& lot) {
  broken_ |= phase_of(lot.expiry, time_) != LotPhase::kLive;
  shrink(lot.expiry, lot.amount);
  grow(fresh_expiry(time_), lot.amount);
}

void SupplyBook::refresh(const Lot& lot, Amount fee) {
  if (lot.amount < fee) {
    broken_ = true;
    return;
  }
  burned_ += fee.micro;
  if (phase_of(lot.expiry, time_) == LotPhase::kLive) {
    burned_live_ += fee.micro;
  } else {
    refreshed_ += lot.amount.micro;
    grace_fees_ += fee.micro;
  }
  shrink(lot.expiry, lot.amount);
  grow(fresh_expiry(time_), Amount(lot.amount.micro - fee.micro));
}

void SupplyBook::pause(const Lot& lot) {
  broken_ |= phase_of(lot.expiry, time_) != LotPhase::kLive;
  shrink(lot.expiry, lot.amount);
  broken_ |= __builtin_add_overflow(paused_, lot.amount.micro, &paused_);
  paused_drift_ -= lot.amount.micro;
}

void SupplyBook::unpause(const Lot& lot, Epoch new_expiry) {
  broken_ |= __builtin_sub_overflow(paused_, lot.amount.micro, &paused_);
  paused_drift_ += lot.amount.micro;
  if (phase_of(new_expiry, time_) != LotPhase::kLive) expired_ += lot.amount.micro;
  grow(new_expiry, lot.amount);
}

SupplyBook::Swept SupplyBook::next_epoch() {
  Swept swept;
  const Epoch next = time_.now.next();
  CHECK(next.value != 0, "the last epoch of all");
  if (next.value % time_.bucket == 0) {
    swept.expired = bucket(next);
    expired_ += swept.expired.micro;
    if (next.value >= time_.grace) {
      const std::size_t gone = slot(Epoch(next.value - time_.grace));
      swept.purged = Amount(ring_[gone]);
      purged_ += ring_[gone];
      ring_[gone] = 0;
    }
  }
  time_.now = next;
  return swept;
}

void SupplyBook::note(const Purse& purse, Sign sign) {
  for (const Lot& lot : purse.lots) {
    if (phase_of(lot.expiry, time_) == LotPhase::kGone) continue;
    broken_ |= !in_ring(lot.expiry);
    std::uint64_t& drift = drift_[slot(lot.expiry)];
    drift = sign == Sign::kPlus ? drift + lot.amount.micro : drift - lot.amount.micro;
  }
}

void SupplyBook::note_paused(const Purse& purse, Sign sign) {
  for (const Lot& lot : purse.lots) {
    paused_drift_ = sign == Sign::kPlus ? paused_drift_ + lot.amount.micro : paused_drift_ - lot.amount.micro;
  }
}

Amount SupplyBook::live() const {
  std::uint64_t sum = paused_;
  const std::uint32_t first = time_.now.value / time_.bucket + 1;
  for (std::uint32_t i = 0; i <= kernel::kLifeBuckets; ++i) sum += ring_[(first + i) % kSupplyRing];
  return Amount(sum);
}

Amount SupplyBook::grace() const {
  std::uint64_t sum = 0;
  const std::uint32_t newest = time_.now.value / time_.bucket;
  for (std::uint32_t i = 0; i < kernel::kGraceBuckets && i <= newest; ++i) sum += ring_[(newest - i) % kSupplyRing];
  return Amount(sum);
}

Status SupplyBook::check() {
  const bool balanced = paused_drift_ == 0 && std::ranges::all_of(drift_, [](std::uint64_t d) { return d == 0; });
  drift_.fill(0);
  paused_drift_ = 0;
  if (broken_) return fail(Fault::kCorrupt, "supply: a bucket left its bounds");
  if (!balanced) return fail(Fault::kCorrupt, "supply: I3 is broken, purses and counters differ");
  const u128 in_life = live().micro;
  const u128 in_grace = grace().micro;
  if (burned_ != burned_live_ + grace_fees_ || minted_ != in_life + in_grace + burned_ + purged_) {
    return fail(Fault::kCorrupt, "supply: I1 is broken");
  }
  if (in_life + burned_live_ + expired_ + grace_fees_ != minted_ + refreshed_ ||
      in_grace + refreshed_ + purged_ != expired_) {
    return fail(Fault::kCorrupt, "supply: I2 is broken");
  }
  return {};
}

Supply SupplyBook::record() const {
  Supply out{Wide(minted_),
             Wide(burned_),
             Wide(burned_live_),
             Wide(expired_),
             Wide(refreshed_),
             Wide(purged_),
             Wide(grace_fees_),
             Amount(paused_),
             {},
             {}};
  const auto list = [&](auto& to, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t b = first; b <= last; ++b) {
      const std::uint64_t amount = ring_[b % kSupplyRing];
      if (amount != 0) to.push_back({Epoch(static_cast<std::uint32_t>(b * time_.bucket)), Amount(amount)});
    }
  };
  const std::uint64_t current = time_.now.value / time_.bucket;
  const std::uint64_t oldest = current + 1 >= kernel::kGraceBuckets ? current + 1 - kernel::kGraceBuckets : 0;
  list(out.grace, oldest, current);
  list(out.live, current + 1, current + 1 + kernel::kLifeBuckets);
  return out;
}

Result<SupplyBook> SupplyBook::from(const Supply& record, const LotTime& time) {
  SupplyBook book;
  book.time_ = time;
  book.minted_ = record.minted.value();
  book.burned_ = record.burned.value();
  book.burned_live_ = record.burned_live.value();
  book.expired_ = record.expired.value();
  book.refreshed_ = record.refreshed.value();
  book.purged_ = record.purged.value();
  book.grace_fees_ = record.grace_fees.value();
  book.paused_ = record.paused.micro;
  const auto fill = [&](const auto& buckets, LotPhase phase) {
    for (const BucketTotal& b : buckets) {
      book.broken_ |= !book.in_ring(b.expiry) || phase_of(b.expiry, time) != phase;
      book.ring_[book.slot(b.expiry)] = b.amount.micro;
    }
  };
  fill(record.live, LotPhase::kLive);
  fill(record.grace, LotPhase::kGrace);
  TRY(book.check());
  return book;
}

}  // namespace micro
