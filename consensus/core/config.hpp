// What a node decides about its engine, and every bound of the engine in one place.
#pragma once

#include <optional>

#include "chain/types/ledger_port.hpp"

namespace micro::simplex {

// --- bounds; what is dropped at each is said where it is applied ---
inline constexpr std::uint64_t kMaxViewsAhead = 32;     ///< votes and proposals beyond are dropped
inline constexpr std::size_t kMaxOpenViews = 16'384;    ///< above the final one; then no further view is entered
inline constexpr std::uint64_t kVoteWindowViews = 64;   ///< below the current one single votes are kept
inline constexpr std::size_t kMaxProposalsPerView = 2;  ///< two prove the leader's guilt, more add nothing
/// Items that wait for verification. Beyond, the newest of the peer that has the most is dropped.
inline constexpr std::size_t kMaxPendingChecks = 8'192;
inline constexpr std::size_t kMaxPendingPerPeer = 1'024;  ///< of one peer; its newer are dropped
inline constexpr std::size_t kMaxPendingBodies = 32;      ///< among them with blocks, up to a message's size each
inline constexpr std::size_t kMaxPendingBodiesPerPeer = 4;
inline constexpr std::size_t kMaxCheckBatchItems = 1'024;
inline constexpr std::size_t kMaxCheckBatchSignatures = 2'048;  ///< but for the first item: so long others wait
inline constexpr std::uint64_t kMaxExecutedAhead = 48;     ///< heights above the commits; the ledger keeps 64 blocks
inline constexpr std::size_t kMaxFetches = 8;              ///< blocks asked for at a time
inline constexpr std::uint64_t kSyncWindowBlocks = 64;     ///< bodies fetched ahead of the commits
inline constexpr std::size_t kMaxPathIds = 4u << 20;       ///< of a walk back to the tip; the highest make room
inline constexpr std::size_t kMaxAnswerBytes = 4u << 20;   ///< of blocks in one answer
inline constexpr std::uint32_t kMaxAnswersPerPeer = 32;    ///< within one Δ; further requests are dropped
inline constexpr std::size_t kMaxTrackedPeers = 4'096;     ///< in that count; a stranger beyond is not answered
inline constexpr std::size_t kMaxOldBoundaries = 64;       ///< certificates of ended epochs in memory, the newest
inline constexpr std::size_t kMaxPastEpochs = 2;           ///< whose late votes may still convict somebody
inline constexpr std::size_t kMaxLateChecks = 64;          ///< late votes that wait for verification; newer are dropped
inline constexpr std::uint32_t kMaxLateVotesPerPeer = 64;  ///< within one Δ; further ones are dropped
inline constexpr std::size_t kMaxAllToAll = 32;            ///< members; above, certificates go to a few
inline constexpr std::size_t kGossipPeers = 8;             ///< …so many, and the next leader
inline constexpr std::uint64_t kForgottenViews = 4'096;    ///< never used again by one that alone is the quorum
inline constexpr std::size_t kMaxOwnBodies = 8;            ///< not judged yet; the oldest go
inline constexpr std::size_t kMaxUnsyncedVotes = 1'024;    ///< own; beyond nothing is signed until the disk answers
inline constexpr std::size_t kMaxUnsyncedBytes = 256u << 10;  ///< of records; whatever comes then is urgent

struct EngineConfig {
  Ed25519Key key;                             ///< of this node; whether it is a validator depends on the epoch's set
  std::uint32_t delta_ms = 500;               ///< Δ: the largest proposal, its verification and a sync
  std::uint32_t build_ms = 300;               ///< X_build
  std::uint32_t execute_ms = 500;             ///< X_exec
  std::uint32_t boundary_ms = 3'000;          ///< X_exec of a boundary block
  std::uint32_t idle_ms = 1'000;              ///< T_idle: an idle leader waits so long for transactions
  std::uint32_t pace_ms = 5;                  ///< from entering a view to proposing in the next, at least; far below Δ
  std::uint32_t retry_ms = 1'000;             ///< between repetitions of a Nullify
  std::uint32_t standstill_ms = 5'000;        ///< T_s
  std::uint32_t growth_ppm = 1'150'000;       ///< of the timers, for each view since the last final one
  std::uint32_t growth_cap_ppm = 20'000'000;  ///< cap·Δ ≥ the real delay: the assumption under which blocks go on
  std::uint32_t max_drift_ms = 5'000;
  std::uint32_t free_views = 2;         ///< views without finality before proposals shrink
  std::uint32_t empty_above_depth = 8;  ///< K: unfinalized ancestors, then bodies are empty
  std::uint32_t repropose_depth = 40;   ///< unfinalized ancestors, then the newest is proposed again
  std::uint32_t standstill_items = 64;  ///< certificates and votes sent again a round
  std::size_t open_views = kMaxOpenViews;
  std::size_t path_ids = kMaxPathIds;
  ProposeLimits limits;
  std::uint64_t journal_rewrite_bytes = 64u << 20;
  std::uint64_t seed = 0;  ///< of the choice of peers
  /// Whoever drives it keeps single votes: it is told of each (Witnessed), and late ones are looked at for that.
  bool keeps_votes = false;
  /// Set when the node may have signed something that it does not remember: it votes from the first epoch on whose
  /// predecessor ended after this time.
  std::optional<TimeMs> vote_after;
};

}  // namespace micro::simplex
