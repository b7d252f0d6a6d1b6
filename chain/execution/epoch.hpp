// The end of an epoch: what every node does by itself at a boundary block, after its transactions.
#pragma once

#include "chain/execution/block_state.hpp"
#include "chain/execution/execute.hpp"

namespace micro {

/// Ends the epoch in `state` and writes what happened into `out`.
Status end_epoch(BlockState& state, PolicyPort& policy, BlockOutcome& out);

}  // namespace micro
