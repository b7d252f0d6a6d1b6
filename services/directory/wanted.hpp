// What one node has to build, attest and serve, read from the ledger.
#pragma once

#include "chain/records/records.hpp"
#include "services/scheduler/scheduler.hpp"

namespace micro {

/// Every version that is placed on `self` (draining ones to their end), and, while `self` has an active offer, every
/// announced version that it has not attested.
Result<std::vector<WantedVersion>> wanted_here(const StateView& state, Epoch epoch, const NodeId& self);

}  // namespace micro
