// Counting the supply while transactions run. The book is flat and small, so that a transaction copies it to be able to
// fail. Buckets sit in a ring: the phase of a bucket follows from `now`, so ending an epoch is O(1) for any number of
// lots.
//
//   I1  M = Live + Grace + B + P,  B = B_l + F
//   I2  Live = M − B_l − X + R − F,  Grace = X − R − P
//   I3  Live and Grace, bucket by bucket, are what all purses hold; a bond's lots are `paused` (economy.md §1)
//
// I3 cannot be summed at every transaction. Instead each touched purse is entered as a masked difference (`note`): the
// book's own changes and the purses' changes must cancel in every bucket (`check`).
#pragma once

#include <array>

#include "chain/economy/lot.hpp"
#include "chain/types/supply.hpp"

namespace micro {

class SupplyBook {
 public:
  SupplyBook() = default;
  /// kCorrupt when the record breaks I1 or I2 or names a bucket outside the ring.
  static Result<SupplyBook> from(const Supply& record, const LotTime& time);
  [[nodiscard]] Supply record() const;
  [[nodiscard]] const LotTime& when() const { return time_; }

  // What happens to tokens; lots that only move from purse to purse do not appear here.
  void mint(const Lot& lot);
  void burn(const Lot& lot);        ///< live
  void burn_paused(Amount amount);  ///< of a bond
  void renew(const Lot& lot);       ///< live, and given a fresh life without a fee: earned by service
  /// All of `lot` leaves its bucket; `fee` burns, the rest gets a fresh life. The lot is live or in grace.
  void refresh(const Lot& lot, Amount fee);
  void pause(const Lot& lot);                      ///< live → bond
  void unpause(const Lot& lot, Epoch new_expiry);  ///< bond → live, or straight into grace (it counts in X then)

  struct Swept {
    Amount expired;
    Amount purged;
  };
  /// The epoch ends: `now` rises by one. No purse is touched.
  Swept next_epoch();

  /// A purse leaves (−) or enters (+) the state with these lots.
  enum class Sign : std::uint8_t { kMinus, kPlus };
  void note(const Purse& purse, Sign sign);
  void note_paused(const Purse& purse, Sign sign);
  /// I1, I2 and the per-bucket balance of everything noted; kCorrupt says which one broke. Clears the notes.
  Status check();

  [[nodiscard]] Amount live() const;  ///< bonds included
  [[nodiscard]] Amount grace() const;
  [[nodiscard]] Amount paused() const { return Amount(paused_); }
  [[nodiscard]] Amount bucket(Epoch expiry) const { return Amount(ring_[slot(expiry)]); }
  [[nodiscard]] u128 burned() const { return burned_; }
  [[nodiscard]] u128 minted() const { return minted_; }

 private:
  [[nodiscard]] std::size_t slot(Epoch expiry) const { return (expiry.value / time_.bucket) % kSupplyRing; }
  [[nodiscard]] bool in_ring(Epoch expiry) const;
  void grow(Epoch expiry, Amount amount);
  void shrink(Epoch expiry, Amount amount);

  LotTime time_;
  u128 minted_ = 0, burned_ = 0, burned_live_ = 0, expired_ = 0, refreshed_ = 0, purged_ = 0, grace_fees_ = 0;
  std::uint64_t paused_ = 0;
  std::array<std::uint64_t, kSupplyRing> ring_{};
  // Purses' changes minus the book's, modulo 2⁶⁴: all zero when a transaction is whole.
  std::array<std::uint64_t, kSupplyRing> drift_{};
  std::uint64_t paused_drift_ = 0;
  bool broken_ = false;  // a bucket would have gone below zero, or lies outside the ring
};

}  // namespace micro
