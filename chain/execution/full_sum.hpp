// The whole supply counted from the purses, for restores, the demo and tests: walks every holder of tokens,
// O(accounts).
#pragma once

#include <map>

#include "chain/state/state_view.hpp"
#include "chain/types/supply.hpp"

namespace micro {

struct FullSum {
  std::map<Epoch, Amount> live;  ///< by expiry, bonds left out
  std::map<Epoch, Amount> grace;
  Amount in_accounts;  ///< live and in grace
  Amount in_channels;
  Amount in_funds;
  Amount in_bonds;
  Amount gone;  ///< stale bytes of lots past their grace: worth nothing
};

/// kCorrupt when a record does not decode or a purse is not canonical.
Result<FullSum> full_sum(const StateView& view);
/// I1–I3 in full: the sum equals the supply record bucket by bucket, and the record's counters balance. kCorrupt says
/// where they differ.
Result<FullSum> check_full_sum(const StateView& view);

}  // namespace micro
