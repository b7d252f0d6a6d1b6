// Every holder of tokens (account, bond, channel, service fund) holds a Purse: lots that each end at one epoch.
// Rules about lots are chain/economy's; this is their shape.
#pragma once

#include <cstdint>

#include "chain/base/quantity.hpp"
#include "chain/codec/codec.hpp"
#include "chain/types/amount.hpp"

namespace micro {

/// Order matters: among lots of one expiry the lower class is spent first.
enum class LotClass : std::uint8_t {
  kBase = 0,   ///< newcomers' allowance: never transferable, pays no provider
  kToken = 1,  ///< transferable
};
inline bool is_known(LotClass c) {
  return c <= LotClass::kToken;
}

/// `expiry` is a multiple of Q; a lot is live while now < expiry, then in grace for G epochs, then gone.
struct Lot {
  Epoch expiry;
  LotClass cls = LotClass::kToken;
  Amount amount;
  static constexpr auto kFields = fields<&Lot::expiry, &Lot::cls, &Lot::amount>;
  bool operator==(const Lot&) const = default;
};

/// 31 live and 30 grace buckets, two classes.
inline constexpr std::size_t kMaxLotsPerPurse = 128;

/// Sorted and unique by (expiry, class), no empty lots.
struct Purse {
  List<Lot, kMaxLotsPerPurse> lots;
  static constexpr auto kFields = fields<&Purse::lots>;
  bool operator==(const Purse&) const = default;
};

}  // namespace micro
