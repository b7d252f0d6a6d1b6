// Rules of lots: tokens that end at an epoch. Every holder (account, bond, channel, service fund) holds a Purse, so
// each rule is written once, here. Nothing here knows who owns a purse or counts the supply.
#pragma once

#include <optional>

#include "chain/types/params.hpp"
#include "chain/types/purse.hpp"

namespace micro {

/// `now` and the three numbers that decide the phase of a lot.
struct LotTime {
  Epoch now;
  std::uint32_t bucket = 1;  ///< Q, epochs
  std::uint32_t life = 0;    ///< L, epochs
  std::uint32_t grace = 0;   ///< G, epochs
};
inline LotTime lot_time(Epoch now, const ChainParams& params) {
  return {now, params.bucket_epochs, life_epochs(params), grace_epochs(params)};
}

enum class LotPhase : std::uint8_t { kLive, kGrace, kGone };

/// Live iff now < expiry; in grace for G epochs from its expiry; then gone.
inline LotPhase phase_of(Epoch expiry, const LotTime& t) {
  if (t.now < expiry) return LotPhase::kLive;
  return t.now.value - expiry.value < t.grace ? LotPhase::kGrace : LotPhase::kGone;
}

/// Multiples of Q not below, and not above, an epoch.
Epoch ceil_bucket(std::uint64_t epoch, std::uint32_t bucket);
Epoch floor_bucket(std::uint64_t epoch, std::uint32_t bucket);
/// Expiry of tokens made now: ceil_Q(now + L).
inline Epoch fresh_expiry(const LotTime& t) {
  return ceil_bucket(std::uint64_t{t.now.value} + t.life, t.bucket);
}
/// Expiry after a bond: the clock stood still since `bonded_at`, floor_Q(now + what was left), so a cycle gains no
/// life.
Epoch released_expiry(Epoch expiry, Epoch bonded_at, const LotTime& t);

/// Which lots of a purse may be taken.
struct LotFilter {
  Epoch min_expiry;         ///< only lots that end at this epoch or later; never below now + 1
  bool tokens_only = true;  ///< leave kBase lots, which are not transferable
};
/// Everything in a purse whose clock stands still.
inline constexpr LotFilter kWholeBond{Epoch(0), false};
inline LotFilter live_tokens(const LotTime& t) {
  return {t.now.next(), true};
}
inline LotFilter live_lots(const LotTime& t) {
  return {t.now.next(), false};
}
inline bool matches(const Lot& lot, const LotFilter& filter) {
  return lot.expiry >= filter.min_expiry && (!filter.tokens_only || lot.cls == LotClass::kToken);
}

/// Sum of the lots that match. Sums cannot overflow: all tokens together stay below 2⁶².
Amount total(const Purse& purse, const LotFilter& filter);
Amount live_total(const Purse& purse, const LotTime& t);
Amount grace_total(const Purse& purse, const LotTime& t);

/// Merges a lot into its place; a lot of zero is nothing.
void add_lot(Purse& purse, const Lot& lot);
void add_all(Purse& purse, const Purse& lots);
/// Forgets lots past their grace. Reads mask them, so this changes no balance; a purse does it whenever it is written.
void drop_gone(Purse& purse, const LotTime& t);

/// Takes exactly `amount` from the matching lots, earliest expiry first, then class, and hands each piece to `sink`.
/// False, and nothing changed, when they hold less.
template <class Sink>
bool take_each(Purse& purse, Amount amount, const LotFilter& filter, Sink&& sink) {
  if (total(purse, filter) < amount) return false;
  std::uint64_t missing = amount.micro;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < purse.lots.size(); ++i) {
    Lot lot = purse.lots[i];
    if (missing != 0 && matches(lot, filter)) {
      const std::uint64_t part = lot.amount.micro < missing ? lot.amount.micro : missing;
      missing -= part;
      sink(Lot{lot.expiry, lot.cls, Amount(part)});
      lot.amount.micro -= part;
      if (lot.amount.micro == 0) continue;
    }
    purse.lots[kept++] = lot;
  }
  purse.lots.resize(kept);
  return true;
}
/// The same, as a purse of its own; nothing when they hold less.
std::optional<Purse> take(Purse& purse, Amount amount, const LotFilter& filter);
/// Takes from one lot by name; false, and nothing changed, when it holds less.
bool take_lot(Purse& purse, Epoch expiry, LotClass cls, Amount amount);
const Lot* find_lot(const Purse& purse, Epoch expiry, LotClass cls);

/// A purse as it may stand in the state: sorted, unique, no zeros, every expiry a multiple of Q.
bool is_canonical(const Purse& purse, std::uint32_t bucket);

/// When a lot may be refreshed: from its final bucket on (Q epochs before it ends) until its grace is over.
enum class RefreshWindow : std::uint8_t { kTooEarly, kOpen, kGone };
RefreshWindow refresh_window(Epoch expiry, const LotTime& t);
/// ceil(x·ρ/10⁶) with ρ = 10,000 + 490,000·max(age, 0)/G: 1 % up to the expiry, rising to 50 % at the end of grace.
Amount refresh_fee(Amount amount, Epoch expiry, const LotTime& t);

}  // namespace micro
