// The supply of the whole network, counted: cumulative totals and what is alive or in grace by bucket. Its invariants
// I1–I3 are chain/economy's; this is its shape in the state.
#pragma once

#include "chain/codec/fields.hpp"
#include "chain/types/purse.hpp"

namespace micro {

/// 128 bits as two 64-bit words, for counters that only grow.
struct Wide {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  constexpr Wide() = default;
  constexpr explicit Wide(u128 v) : low(static_cast<std::uint64_t>(v)), high(static_cast<std::uint64_t>(v >> 64)) {}
  [[nodiscard]] constexpr u128 value() const { return (static_cast<u128>(high) << 64) | low; }
  static constexpr auto kFields = fields<&Wide::low, &Wide::high>;
  constexpr bool operator==(const Wide&) const = default;
};
/// Decimal digits, for people and JSON.
std::string wide_text(const Wide& value);

/// Everything in existence that ends at one epoch.
struct BucketTotal {
  Epoch expiry;
  Amount amount;
  static constexpr auto kFields = fields<&BucketTotal::expiry, &BucketTotal::amount>;
  bool operator==(const BucketTotal&) const = default;
};

/// Buckets fill a ring of this many: 31 live and 30 in grace exist at most.
inline constexpr std::size_t kSupplyRing = 64;

struct Supply {
  Wide minted;                           ///< M
  Wide burned;                           ///< B, all of it
  Wide burned_live;                      ///< B_l: burned while live
  Wide expired;                          ///< X: went from live to grace
  Wide refreshed;                        ///< R: came back from grace, before the fee
  Wide purged;                           ///< P: gone at the end of grace
  Wide grace_fees;                       ///< F: burned by refreshing from grace
  Amount paused;                         ///< in bonds, whose clock stands still: part of live
  List<BucketTotal, kSupplyRing> live;   ///< ascending by expiry, no zeros
  List<BucketTotal, kSupplyRing> grace;  ///< ascending by expiry, no zeros
  static constexpr auto kFields =
      fields<&Supply::minted, &Supply::burned, &Supply::burned_live, &Supply::expired, &Supply::refreshed,
             &Supply::purged, &Supply::grace_fees, &Supply::paused, &Supply::live, &Supply::grace>;
  bool operator==(const Supply&) const = default;
};

}  // namespace micro
