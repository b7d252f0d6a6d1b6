// The rules of the protocol by name, each where it is applied: `if (RULE(kOneNotarize) && …)`. In every build that
// people run a rule is the constant true. A test library compiled with MICRO_MUTANTS can switch one off at a time: a
// simulator that does not notice is blind there.
#pragma once

#include <cstdint>

namespace micro {

#define MICRO_RULES(X)                                                                \
  X(kOneNotarize)            /* I1: one Notarize a view */                            \
  X(kNoFinalizeAfterNullify) /* I2: no Finalize where Nullify was signed */           \
  X(kFinalizeSameAsNotarize) /* I3: no Finalize of another block than notarized */    \
  X(kFinalizeExecuted)       /* I3: no Finalize without an execution here */          \
  X(kParentCertified)        /* I4: the parent view is notarized or final */          \
  X(kParentFromProposal)     /* I4: the block stands on the parent view's block */    \
  X(kSkippedNullified)       /* I4: each view between is nullified */                 \
  X(kLeaderOnly)             /* I4: a proposal is the leader's of that view */        \
  X(kExecutedBeforeVote)     /* I4: a matching execution */                           \
  X(kBoundaryReproposed)     /* nothing is built on a notarized boundary block */     \
  X(kQuorum)                 /* 2W/3 + 1, not less */                                 \
  X(kWeights)                /* votes count by weight */                              \
  X(kEpochBound)             /* statements of another epoch are worthless */          \
  X(kCheckSignatures)        /* nothing counts unverified */                          \
  X(kClockWait)              /* a block from the future waits */                      \
  X(kTimeoutNullifies)       /* the timers nullify a view */                          \
  X(kRetry)                  /* Nullify is sent again until the view ends */          \
  X(kStandstill)             /* without finality all is sent again */                 \
  X(kStandstillRotates)      /* the egress cap moves through what is sent */          \
  X(kTimersGrow)             /* timers grow while nothing is final */                 \
  X(kPersistVote)            /* own votes are in the journal before they leave */     \
  X(kPersistNullify)         /* …a Nullify too */                                     \
  X(kPersistView)            /* the entered view is in the journal */                 \
  X(kPersistBody)            /* bodies are in the journal before Notarize */          \
  X(kPersistCertificate)     /* certificates are in the journal */                    \
  X(kUrgentVotes)            /* nothing leaves before a vote is synced */             \
  X(kUrgentAncestors)        /* …nor is an ancestor committed on an unsynced word */  \
  X(kRetallyOwn)             /* after a restart own votes count again */              \
  X(kResendOwn)              /* …and are sent again */                                \
  X(kRestartNullifies)       /* the last entered view is nullified after a restart */ \
  X(kRestartSilent)          /* …and nothing is proposed or notarized in it */        \
  X(kWaitForEpoch)           /* without its journal a node waits for a new epoch */   \
  X(kCarryCertificates)      /* proposals carry what justifies them */                \
  X(kFetchBodies)            /* missing bodies are asked for */                       \
  X(kHelpLate)               /* who is behind gets what moves it */                   \
  X(kOldEpochAnswer)         /* …also from an epoch that is over */                   \
  X(kCommitInOrder)          /* ancestors are committed before the finalized block */ \
  X(kHalving)                /* proposals shrink while nothing is final */            \
  X(kHoldBack)               /* transactions of a failed own body come back apart */  \
  X(kPrune)                  /* what is below the final view is forgotten */          \
  X(kBlameAttachments)       /* a bad attachment is not the leader's fault */         \
  X(kFinalizeLate)           /* a Finalize is signed even views later */

enum class Rule : std::uint8_t {
#define X(name) name,
  MICRO_RULES(X)
#undef X
};

#ifdef MICRO_MUTANTS
/// The rule that is off in this thread, or none (-1). For tests only.
inline thread_local int broken_rule = -1;
inline bool rule_holds(Rule rule) {
  return broken_rule != static_cast<int>(rule);
}
#define RULE(name) ::micro::rule_holds(::micro::Rule::name)
#else
#define RULE(name) true
#endif

}  // namespace micro
