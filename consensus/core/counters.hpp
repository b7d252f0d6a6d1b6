// How often what happened: for metrics, and so that a simulation can prove that it reached each rule.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace micro::simplex {

#define MICRO_COUNTERS(X)                                                                                             \
  X(kViewsEntered)                                                                                                    \
  X(kViewsJumped)                                                                                                     \
  X(kProposed)                                                                                                        \
  X(kReproposedBoundary)                                                                                              \
  X(kReproposedDeep)                                                                                                  \
  X(kNotarized) X(kNotarizedAfterNullify) X(kNullifiedLeaderTimer) X(kNullifiedViewTimer) X(kNullifiedInvalid)        \
      X(kNullifiedWithLeader) X(kNullifiedRestart) X(kNullifyRetried) X(kFinalized) X(kFinalizedLate)                 \
          X(kFinalizeForbidden) X(kCertificatesFormed) X(kCertificatesReceived) X(kCommits) X(kAncestorCommits)       \
              X(kEpochsEntered) X(kWaitedForClock) X(kShrunkProposals) X(kHeldBack) X(kAttempts) X(kEmptyProposals)   \
                  X(kStandstills) X(kStandstillsCapped) X(kBlocksAsked) X(kCertificatesAsked) X(kStatusAsked)         \
                      X(kBlocksServed) X(kHelped) X(kOldEpochHelped) X(kEvidence) X(kBadSignatures) X(kBadBodies)     \
                          X(kBadCertificates) X(kBadProposals) X(kDroppedAhead) X(kDroppedPending) X(kDroppedAnswers) \
                              X(kDroppedBodies) X(kRejectedBlocks) X(kRestarts) X(kJournalRewrites)                   \
                                  X(kForgottenByLedger) X(kStaleEpoch) X(kSilentWithoutMemory) X(kNothingToPropose)

enum class Counter : std::uint8_t {
#define X(name) name,
  MICRO_COUNTERS(X)
#undef X
};

inline constexpr auto kCounterNames = std::array{
#define X(name) std::string_view(#name).substr(1),
    MICRO_COUNTERS(X)
#undef X
};
using Counters = std::array<std::uint64_t, kCounterNames.size()>;

}  // namespace micro::simplex
