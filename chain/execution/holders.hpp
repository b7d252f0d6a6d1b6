// Which records hold tokens, besides accounts. A new holder of purses is added here and nowhere else: the invariants of
// a transaction, the full sum and the audit all go through these two functions.
#pragma once

#include <functional>

#include "chain/economy/supply.hpp"
#include "chain/records/records.hpp"

namespace micro {

/// Calls `visit` with each purse of a record; `paused` says that the purse's clock stands still.
using PurseVisitor = std::function<void(const Purse&, bool paused)>;
Status for_each_purse(Module module, ByteView record, const PurseVisitor& visit);
/// Modules whose records hold purses, accounts included.
std::span<const Module> purse_modules();

}  // namespace micro
