#include "chain/economy/lot.hpp"

#include <algorithm>
#include <limits>

#include "chain/base/check.hpp"

namespace micro {
namespace {

bool before(const Lot& lot, Epoch expiry, LotClass cls) {
  return lot.expiry != expiry ? lot.expiry < expiry : lot.cls < cls;
}

}  // namespace

Epoch floor_bucket(std::uint64_t epoch, std::uint32_t bucket) {
  const std::uint64_t floor = epoch - epoch % bucket;
  CHECK(floor <= std::numeric_limits<std::uint32_t>::max(), "an epoch is past the end of time");
  return Epoch(static_cast<std::uint32_t>(floor));
}

Epoch ceil_bucket(std::uint64_t epoch, std::uint32_t bucket) {
  return floor_bucket(epoch + bucket - 1, bucket);
}

Epoch released_expiry(Epoch expiry, Epoch bonded_at, const LotTime& t) {
  const std::uint64_t left = expiry > bonded_at ? expiry.value - bonded_at.value : 0;
  return floor_bucket(t.now.value + left, t.bucket);
}

Amount total(const Purse& purse, const LotFilter& filter) {
  std::uint64_t sum = 0;
  for (const Lot& lot : purse.lots) {
    if (matches(lot, filter)) sum += lot.amount.micro;
  }
  return Amount(sum);
}

Amount live_total(const Purse& purse, const LotTime& t) {
  return total(purse, live_lots(t));
}

Amount grace_total(const Purse& purse, const LotTime& t) {
  std::uint64_t sum = 0;
  for (const Lot& lot : purse.lots) {
    if (phase_of(lot.expiry, t) == LotPhase::kGrace) sum += lot.amount.micro;
  }
  return Amount(sum);
}

void add_lot(Purse& purse, const Lot& lot) {
  if (lot.amount.is_zero()) return;
  auto at = purse.lots.begin();
  while (at != purse.lots.end() && before(*at, lot.expiry, lot.cls)) ++at;
  if (at != purse.lots.end() && at->expiry == lot.expiry && at->cls == lot.cls) {
    at->amount.micro += lot.amount.micro;
  } else {
    purse.lots.insert(at, lot);
  }
}

void add_all(Purse& purse, const Purse& lots) {
  for (const Lot& lot : lots.lots) add_lot(purse, lot);
}

void drop_gone(Purse& purse, const LotTime& t) {
  auto first_kept = purse.lots.begin();
  while (first_kept != purse.lots.end() && phase_of(first_kept->expiry, t) == LotPhase::kGone) ++first_kept;
  purse.lots.erase(purse.lots.begin(), first_kept);
}

std::optional<Purse> take(Purse& purse, Amount amount, const LotFilter& filter) {
  Purse taken;
  if (!take_each(purse, amount, filter, [&](const Lot& lot) { taken.lots.push_back(lot); })) return std::nullopt;
  return taken;
}

bool take_lot(Purse& purse, Epoch expiry, LotClass cls, Amount amount) {
  for (auto it = purse.lots.begin(); it != purse.lots.end(); ++it) {
    if (it->expiry != expiry || it->cls != cls) continue;
    if (it->amount < amount) return false;
    it->amount.micro -= amount.micro;
    if (it->amount.is_zero()) purse.lots.erase(it);
    return true;
  }
  return amount.is_zero();
}

const Lot* find_lot(const Purse& purse, Epoch expiry, LotClass cls) {
  for (const Lot& lot : purse.lots) {
    if (lot.expiry == expiry && lot.cls == cls) return &lot;
  }
  return nullptr;
}

bool is_canonical(const Purse& purse, std::uint32_t bucket) {
  for (std::size_t i = 0; i < purse.lots.size(); ++i) {
    const Lot& lot = purse.lots[i];
    if (lot.amount.is_zero() || lot.expiry.value % bucket != 0) return false;
    if (i > 0 && !before(purse.lots[i - 1], lot.expiry, lot.cls)) return false;
  }
  return true;
}

RefreshWindow refresh_window(Epoch expiry, const LotTime& t) {
  if (phase_of(expiry, t) == LotPhase::kGone) return RefreshWindow::kGone;
  const std::uint64_t opens_at = expiry.value > t.bucket ? expiry.value - t.bucket : 0;
  return t.now.value < opens_at ? RefreshWindow::kTooEarly : RefreshWindow::kOpen;
}

Amount refresh_fee(Amount amount, Epoch expiry, const LotTime& t) {
  const std::uint64_t age = t.now > expiry ? t.now.value - expiry.value : 0;
  const std::uint64_t rate = kernel::kRefreshFeeFloorPpm + kernel::kRefreshFeeSpanPpm * age / t.grace;
  const u128 product = static_cast<u128>(amount.micro) * rate;
  return Amount(static_cast<std::uint64_t>((product + kPpm - 1) / kPpm));  // at most `amount`: the rate is below 10⁶
}

}  // namespace micro
