// Simplex with rotating leaders (Chan & Pass, "Simplex Consensus", TCC 2023) for one node, without any input or output
// of its own. In each view the leader proposes a block; a quorum of Notarize moves everyone on, a quorum of Nullify
// too; a quorum of Finalize, given by whoever did not nullify the view, makes the block and its ancestors final.
//
// What an honest node never does: I1 two Notarize in a view. I2 Nullify and Finalize in one view. I3 a Finalize without
// the notarization, the body and its execution, or of another block than it notarized. I4 a Notarize without the parent
// view's notarization, the nullification of every view between, the leader's signature and a matching execution.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "consensus/core/block_tree.hpp"
#include "consensus/core/config.hpp"
#include "consensus/core/counters.hpp"
#include "consensus/core/held_back.hpp"
#include "consensus/core/leader_schedule.hpp"
#include "consensus/core/view_state.hpp"

namespace micro::simplex {

/// Holds the node's consensus key.
class VoteSigner {
 public:
  virtual ~VoteSigner() = default;
  virtual Ed25519Signature sign(const Hash& message) = 0;
};

/// What the engine holds at the moment, for tests of its bounds and for metrics.
struct Footprint {
  std::size_t views = 0;
  std::size_t votes = 0;
  std::size_t proposals = 0;
  std::size_t blocks = 0;
  std::size_t block_bytes = 0;
  std::size_t pending_checks = 0;
  std::size_t pending_bodies = 0;
  std::size_t fetches = 0;
  std::size_t path_ids = 0;
  std::size_t tracked_peers = 0;
  std::size_t old_boundaries = 0;
  std::size_t held_back = 0;  ///< transactions
};

class Engine {
 public:
  /// `signer` outlives the engine.
  Engine(EngineConfig config, VoteSigner& signer) : config_(config), signer_(&signer), random_(config.seed) {}

  /// Once, before the first event. `records`: what the journal of the head's epoch holds, in the order of writing.
  Effects start(EpochStart epoch, std::vector<Record> records, Now now);
  Effects on(Event event, Now now);

#ifdef MICRO_MUTANTS
  /// For enumerations of who leads which view. Before `start`; holds for the first epoch.
  void lead_by(LeaderSchedule schedule) { led_by_ = std::move(schedule); }
#endif

  [[nodiscard]] Epoch epoch() const { return epoch_.head.epoch; }
  [[nodiscard]] View view() const { return cur_; }
  [[nodiscard]] View final_view() const { return final_ ? final_->statement.view : View(0); }
  [[nodiscard]] View floor() const { return floor_; }
  [[nodiscard]] bool votes() const { return may_vote_; }
  /// Whether this node's own vote is a quorum.
  [[nodiscard]] bool decides_alone() const;
  [[nodiscard]] bool halted() const { return halted_; }
  [[nodiscard]] const BlockTree& tree() const { return tree_; }
  [[nodiscard]] const Hash& epoch_id() const { return epoch_id_; }
  [[nodiscard]] std::uint16_t leader(View view) const { return leaders_.leader(view); }
  [[nodiscard]] const ValidatorSet& set() const { return epoch_.set; }
  /// Where the epoch began, or was resumed.
  [[nodiscard]] const ChainHead& resumed_at() const { return epoch_.head; }
  [[nodiscard]] const std::deque<PastEpoch>& past() const { return past_; }
  [[nodiscard]] const std::map<View, ViewState>& views() const { return views_; }
  [[nodiscard]] Footprint footprint() const;
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  // --- engine.cpp: turns, views, timers ---
  void handle(Received& e);
  void handle(Tick& e);
  void handle(Checked& e);
  void handle(Built& e);
  void handle(Executed& e);
  void handle(Committed& e);
  void handle(Persisted& e);
  void handle(TxsWait& e);
  void handle(Failed& e);
  void progress();
  Effects end_turn();
  void arm();
  void enter(View view);
  void nullify_current(Counter why);
  void set_boundary_timer();
  void set_pace_timer();
  [[nodiscard]] std::uint64_t open_views() const;
  [[nodiscard]] std::uint64_t growth_ppm() const;
  [[nodiscard]] Instant after(std::uint64_t ms) const { return now_.at.plus_ms(ms); }
  [[nodiscard]] Instant after_growing(std::uint64_t ms) const;
  [[nodiscard]] bool waited_enough() const;
  [[nodiscard]] bool epoch_is_over() const;
  void halt(Error error, std::vector<Certificate> proof);
  void persist(const Record& record, bool urgent = false);
  void send(const Ed25519Key& to, MessageBody body);
  void broadcast(MessageBody body);
  void count(Counter counter) { ++counters_[static_cast<std::size_t>(counter)]; }

  // --- engine_start.cpp: recovery and epochs ---
  void begin_epoch(EpochStart epoch);
  void recover(std::vector<Record> records);
  void replay(Record& record);
  void resume();
  void give_up_used_views();
  [[nodiscard]] bool saw_begin(const EpochStart& epoch) const;
  void next_epoch(EpochStart epoch, const Certificate& boundary);
  void rewrite_journal();

  // --- engine_votes.cpp: votes, certificates, evidence, verification ---
  struct PendingVote {
    Vote vote;
    bool proposes = false;
    bool is_late = false;  ///< counts for nothing
  };
  struct PendingBody {
    BlockId id;
    View view;
  };
  struct PendingBlocks {
    std::vector<BlockId> ids;
  };
  struct Pending {
    Ed25519Key from;
    Hash key;  ///< of what is verified: nothing waits twice
    std::variant<PendingVote, Certificate, PendingBody, PendingBlocks> what;
    [[nodiscard]] bool has_body() const {
      return std::holds_alternative<PendingBody>(what) || std::holds_alternative<PendingBlocks>(what);
    }
  };
  /// How much of one peer waits, or of all.
  struct Waiting {
    std::size_t items = 0;
    std::size_t bodies = 0;  ///< items with blocks
  };
  /// Where a vote belongs to, of this epoch or one that ended.
  struct VotedIn {
    Epoch epoch;
    const ValidatorSet* set = nullptr;
    View last;  ///< votes beyond are of no use
    bool is_now = false;
  };
  [[nodiscard]] std::optional<VotedIn> voted_in(const Statement& statement) const;
  void look_at_late(const Ed25519Key& from, const Vote& vote);
  bool may_be_late(const Ed25519Key& from);
  void witness(const Vote& vote);
  void on_votes(const Ed25519Key& from, const Votes& votes);
  void on_certificates(const Ed25519Key& from, std::span<const Certificate> certificates);
  void on_proposal(const Ed25519Key& from, Proposal& proposal);
  [[nodiscard]] bool is_interesting(const Vote& vote);
  void verify(Pending pending, CheckItem item);
  enum class Worth : std::uint8_t { kNow, kLater, kNothing };
  [[nodiscard]] Worth worth_of(const Pending& pending);
  void drop_decided();
  bool make_way(const Ed25519Key& from, bool has_body);
  [[nodiscard]] std::vector<bool> next_batch();
  void submit_checks();
  void stop_waiting(const Pending& pending);
  void verified(const Pending& pending, const CheckItem& item);
  void refused(const Pending& pending, const CheckItem& item);
  [[nodiscard]] bool can_sign(View view) const;
  void cast(const Statement& statement);
  void tally(const Vote& vote);
  void look_for_evidence(ViewState& state, const Vote& vote);
  void accuse(const Vote& a, const Vote& b);
  void hold(const Certificate& certificate, bool formed_here);
  void gossip(const Certificate& certificate);
  void note_final(const Certificate& certificate);

  // --- engine_propose.cpp: proposing and notarizing ---
  enum class Fit : std::uint8_t { kReady, kWait, kInvalid };
  struct Foundation {
    View view;
    BlockId block;
  };
  struct Building {
    Foundation on;
    bool wants_txs = true;  ///< a block without any is worth nothing: it was not asked for to pass the time
    HeldBack::Attempt attempt;
  };
  /// That this node built and proposed, and that may have failed.
  struct OwnBody {
    View view;
    BlockPtr block;
    HeldBack::Attempt attempt;
  };
  [[nodiscard]] std::optional<BlockId> certified_block(View view) const;
  [[nodiscard]] bool is_nullified(View view) const;
  [[nodiscard]] std::optional<Foundation> foundation();
  bool propose_current();
  void judge_own_bodies();
  void blame(const OwnBody& own);
  void propose(const Foundation& on, const BlockId& block, bool again);
  [[nodiscard]] ProposeLimits limits_now(std::size_t depth) const;
  bool notarize_current();
  Fit fit(const Vote& proposal);
  Fit fits_views(const Statement& statement);
  Fit fits_parent(const Statement& statement);
  Proposal open_proposal(const Vote& vote, bool with_body);

  // --- engine_commit.cpp: executing, finalizing, committing ---
  bool execute_wanted();
  bool execute_on_way_to(const BlockId& id, View view);
  bool finalize_open();
  bool commit_next();
  void target_reached();
  void extend_path();
  void lengthen_path(Height height, const BlockId& id);
  void prune();
  void release_bodies();
  bool add_body(const BlockId& id, const BlockPtr& block, View view);
  bool release_given_up();
  [[nodiscard]] bool is_on_path(const BlockId& id, Height height) const;

  // --- engine_sync.cpp: asking, answering, standstill ---
  void on_ask(const Ed25519Key& from, Epoch epoch, const Ask& ask);
  void on_blocks(const Ed25519Key& from, Blocks& blocks);
  void add_synced(const std::vector<BlockPtr>& blocks);
  bool drop_farthest(Height above);
  void on_other_epoch(const Ed25519Key& from, Message& message);
  bool may_answer(const Ed25519Key& peer);
  void help(const Ed25519Key& peer, View view);
  void want_block(const BlockId& id, View view, Height above);
  void want_certificates(View from, View to);
  void send_requests();
  [[nodiscard]] std::optional<Ed25519Key> some_member(View signed_view);
  void standstill();
  void retry_nullify();

  EngineConfig config_;
  VoteSigner* signer_;
  SeededRandom random_;
  Counters counters_{};
  Now now_{};
  Effects out_;
  bool halted_ = false;
  bool txs_wait_ = false;

  EpochStart epoch_;
  Hash epoch_id_;
  LeaderSchedule leaders_;
#ifdef MICRO_MUTANTS
  std::optional<LeaderSchedule> led_by_;
#endif
  std::optional<std::uint16_t> me_;
  bool may_vote_ = false;
  std::uint64_t quorum_ = 0;

  std::map<View, ViewState> views_;
  View cur_;
  View trimmed_;
  View floor_;  ///< final and durable: nothing is signed up to here
  std::optional<Certificate> final_;
  std::set<View> unfinalized_;  ///< notarized, and this node may still sign a Finalize
  std::optional<View> restarted_in_;
  BlockTree tree_;

  // The current view.
  std::optional<Instant> leader_timer_;
  std::optional<Instant> view_timer_;
  std::optional<Instant> retry_timer_;
  std::optional<Instant> idle_timer_;
  std::optional<Instant> boundary_timer_;  ///< the epoch is over: its leader has a block to propose
  std::optional<Instant> clock_timer_;
  std::optional<Instant> pace_timer_;  ///< nothing is proposed before
  std::optional<Instant> standstill_timer_;
  std::optional<Instant> armed_;
  std::optional<Building> building_;
  bool proposed_ = false;
  std::deque<OwnBody> own_bodies_;  ///< of views since the last that was certified
  HeldBack held_back_;
  bool nothing_else_ = false;  ///< waits but what is held back
  std::optional<BlockId> waited_for_clock_;
  Instant entered_;

  // Verification: one batch at a time, the next one gathers meanwhile.
  std::vector<Pending> gathering_;
  std::vector<CheckItem> gathering_items_;
  std::vector<Pending> in_check_;
  std::vector<CheckItem> in_check_items_;
  std::uint64_t batch_ = 0;
  std::set<Hash> pending_keys_;
  std::map<Ed25519Key, Waiting> pending_of_;
  std::size_t pending_bodies_ = 0;

  // Committing: from the tip to `target_`, whose path is walked backwards first.
  std::optional<Certificate> target_;
  std::map<Height, BlockId> path_;
  std::optional<BlockId> committing_;
  std::optional<BlockId> executing_;

  struct Fetch {
    Instant next;
    View view;  ///< whose signers have it
    Height above;
    bool wanted = true;
  };
  std::map<BlockId, Fetch> fetches_;
  struct CertificateNeed {
    View from;
    View to;
    Instant next;
    bool wanted = true;
  };
  std::optional<CertificateNeed> need_;

  std::map<Ed25519Key, std::uint32_t> answers_;
  Instant answers_until_;
  std::map<Ed25519Key, std::uint32_t> late_;  ///< votes looked at, of each peer
  Instant late_until_;
  std::deque<PastEpoch> past_;  ///< the oldest first
  std::size_t standstill_cursor_ = 0;
  std::map<Epoch, Certificate> boundaries_;
  std::set<std::uint16_t> accused_;

  std::uint64_t sequence_ = 0;
  std::uint64_t journal_bytes_ = 0;
  std::size_t unsynced_bytes_ = 0;  ///< of records since a sync was heard of
  std::deque<std::pair<std::uint64_t, Vote>> unsynced_;
};

}  // namespace micro::simplex
