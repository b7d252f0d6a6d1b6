// Every type that consensus sends or keeps. A new one is added here, and with that gets its round trips, its frozen
// bytes and its place in the fuzz target of decoders.
#pragma once

#include "consensus/core/fork_proof.hpp"
#include "consensus/core/records.hpp"

#define MICRO_CONSENSUS_TYPES(X)                                                                                     \
  X(Vote)                                                                                                            \
  X(Proposal) X(Votes) X(Certificates) X(Ask) X(Blocks) X(Message) X(Entered) X(OwnVote) X(Accepted) X(Held) X(Body) \
      X(Rejected) X(Floor) X(Record) X(ForkProof)
