// What the engine's effects ask of the ledger and of the processor, done. No threads, no queues: whoever drives an
// engine decides when and where these run, and feeds what they return.
#pragma once

#include "consensus/core/config.hpp"
#include "consensus/core/events.hpp"

namespace micro::simplex {

/// Built, with the ledger's refusal inside where it has nothing to build on.
Event perform(const Build& build, Ledger& ledger);
/// Executed, or Failed when this node's own disk or rules are in trouble.
Event perform(const Execute& execute, Ledger& ledger);
/// Committed, durable, with the next epoch behind a boundary block; Failed when it cannot be made so.
Event perform(const Commit& commit, Ledger& ledger, const FinalChain& chain);
/// Checked.
Event perform(const Check& check);

/// The epochs before the head's, as far back as late votes are of interest and this node has what ended them.
Result<std::vector<PastEpoch>> past_epochs(const ChainHead& head, const Ledger& ledger, const FinalChain& chain);

/// The answer of a node in `epoch`, or none where it does not have what was asked for.
MessagePtr answer(const ServeBlocks& ask, const FinalChain& chain, Epoch epoch);
MessagePtr answer(const ServeBoundary& ask, const FinalChain& chain);

}  // namespace micro::simplex
