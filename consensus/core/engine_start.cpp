#include <algorithm>

#include "consensus/core/certificate.hpp"
#include "consensus/core/engine.hpp"
#include "consensus/core/rules.hpp"

namespace micro::simplex {

Effects Engine::start(EpochStart epoch, std::vector<Record> records, Now now) {
  now_ = now;
  if (saw_begin(epoch)) config_.vote_after.reset();
  const bool may_remember_too_little = config_.vote_after.has_value();
  out_.push_back(OpenJournal{epoch.head.epoch, Epoch(epoch.head.epoch.value > 1 ? epoch.head.epoch.value - 2 : 0)});
  past_.assign(std::make_move_iterator(epoch.past.begin()), std::make_move_iterator(epoch.past.end()));
  while (past_.size() > kMaxPastEpochs) past_.pop_front();
  begin_epoch(std::move(epoch));
  if (RULE(kWaitForEpoch) && may_remember_too_little && me_ && !decides_alone()) {
    may_vote_ = false;
    count(Counter::kSilentWithoutMemory);
  }
  recover(std::move(records));
  return end_turn();
}

// --- epochs ---

void Engine::begin_epoch(EpochStart epoch) {
  epoch_ = std::move(epoch);
  const ChainHead& head = epoch_.head;
  const auto& members = epoch_.set.members;
  epoch_id_ = micro::epoch_id(head.chain, head.epoch, head.last_of_previous, validator_set_hash(epoch_.set));
  // The epoch's id depends on the last block: whoever leads the last views can try several. A beacon of the ledger that
  // is committed to beforehand takes its place when there is one.
  leaders_ = LeaderSchedule(epoch_.set, epoch_id_);
#ifdef MICRO_MUTANTS
  if (led_by_) leaders_ = *led_by_;
#endif
  quorum_ = quorum_weight(epoch_.set);
  const auto me = std::ranges::find(members, config_.key, &Validator::key);
  me_ = me == members.end() ? std::nullopt : std::optional(static_cast<std::uint16_t>(me - members.begin()));
  may_vote_ = me_.has_value();
  views_.clear();
  unfinalized_.clear();
  cur_ = View(0);
  floor_ = View(0);
  trimmed_ = View(1);
  final_.reset();
  target_.reset();
  path_.clear();
  committing_.reset();
  executing_.reset();
  restarted_in_.reset();
  building_.reset();
  own_bodies_.clear();
  fetches_.clear();
  need_.reset();
  accused_.clear();
  unsynced_.clear();
  tree_.reset(head.id, head.header);
  standstill_timer_ = after(config_.standstill_ms);
  standstill_cursor_ = 0;
}

void Engine::next_epoch(EpochStart epoch, const Certificate& boundary) {
  count(Counter::kEpochsEntered);
  boundaries_.insert_or_assign(this->epoch(), boundary);
  if (boundaries_.size() > kMaxOldBoundaries) boundaries_.erase(boundaries_.begin());
  if (boundary.statement.block != epoch.head.id) {
    return halt({Fault::kInternal, "the ledger entered an epoch whose last block is not the final one"}, {boundary});
  }
  past_.push_back({this->epoch(), epoch_id_, boundary.statement.view, std::move(epoch_.set)});
  if (past_.size() > kMaxPastEpochs) past_.pop_front();
  const std::uint32_t keep = epoch.head.epoch.value > 1 ? epoch.head.epoch.value - 2 : 0;
  out_.push_back(OpenJournal{epoch.head.epoch, Epoch(keep)});
  const bool saw_it_begin = saw_begin(epoch);
  begin_epoch(std::move(epoch));
  if (saw_it_begin) config_.vote_after.reset();
  if (RULE(kWaitForEpoch) && !saw_it_begin) {
    may_vote_ = false;
    if (me_) count(Counter::kSilentWithoutMemory);
  }
  enter(View(1));
}

/// What this node may have signed before it lost its memory was signed before such an epoch began.
bool Engine::saw_begin(const EpochStart& epoch) const {
  const auto& forgot = config_.vote_after;
  return !forgot || epoch.head.epoch_started.value > forgot->value + config_.max_drift_ms;
}

// --- recovery ---

void Engine::recover(std::vector<Record> records) {
  View entered;
  if (const auto& c = epoch_.head.certificate; c && c->statement.epoch_id == epoch_id_) {
    final_ = c;
    floor_ = c->statement.view;
  }
  const View of_ledger = floor_;
  for (Record& record : records) {
    if (const auto* e = std::get_if<Entered>(&record)) entered = std::max(entered, e->view);
    replay(record);
  }
  const bool is_restart = !records.empty();
  views_.erase(views_.begin(), views_.upper_bound(floor_));
  unfinalized_.erase(unfinalized_.begin(), unfinalized_.upper_bound(floor_));
  View at = std::max(View(1), std::max(entered, floor_.next()));
  for (const auto& [view, state] : views_) {
    if (state.has_certificate()) at = std::max(at, view.next());
  }
  // By where the ledger stands, not by the floor: a restored ledger may be behind what was durable once.
  if (final_ && final_->statement.view > of_ledger) target_ = final_;
  if (RULE(kWaitForEpoch) && config_.vote_after && decides_alone()) {
    // Only once: what a former process signed above is in these records, and may be final for whoever heard it.
    if (!is_restart) give_up_used_views();
    config_.vote_after.reset();
    at = std::max(at, floor_.next());
  }
  enter(at);
  if (is_restart) resume();
}

bool Engine::decides_alone() const {
  return me_ && vote_weight(epoch_.set, *me_) >= quorum_;
}

/// Nobody else can begin a new epoch for a node that lost its memory and is the whole quorum. It goes on far above all
/// views that it can have signed in: each start of a process uses up one at most without anything becoming final.
void Engine::give_up_used_views() {
  floor_ = View(std::max(floor_, final_view()).value + kForgottenViews);
  persist(Floor{floor_});
}

/// The highest of everything counts, in whatever order it was written.
void Engine::replay(Record& record) {
  if (const auto* floor = std::get_if<Floor>(&record)) {
    floor_ = std::max(floor_, floor->view);
  } else if (const auto* own = std::get_if<OwnVote>(&record)) {
    const Statement& s = own->vote.statement;
    if (s.epoch_id != epoch_id_ || !me_ || own->vote.signer != *me_) return;
    ViewState& state = views_[s.view];
    state.own(s.kind) = own->vote;
    const bool proposes = s.kind == StatementKind::kNotarize && leaders_.leader(s.view) == *me_;
    if (proposes && !state.is_proposed(s)) state.proposals.push_back(own->vote);
    if (RULE(kRetallyOwn)) state.votes(s.kind).add(own->vote, vote_weight(epoch_.set, *me_));
  } else if (const auto* held = std::get_if<Held>(&record)) {
    const Certificate& c = held->certificate;
    if (c.statement.epoch_id != epoch_id_) return;
    ViewState& state = views_[c.statement.view];
    if (!state.certificate(c.statement.kind)) state.certificate(c.statement.kind) = c;
    if (c.statement.kind == StatementKind::kNotarize) unfinalized_.insert(c.statement.view);
    if (c.statement.kind == StatementKind::kFinalize && c.statement.view > final_view()) final_ = c;
  } else if (auto* accepted = std::get_if<Accepted>(&record)) {
    const Statement& s = accepted->vote.statement;
    if (s.epoch_id != epoch_id_) return;
    ViewState& state = views_[s.view];
    if (!state.is_proposed(s) && state.proposals.size() < kMaxProposalsPerView)
      state.proposals.push_back(accepted->vote);
    if (accepted->block) {
      add_body(s.block, std::make_shared<const Block>(std::move(*accepted->block)), s.view);
      if (auto* node = tree_.find(s.block)) node->journaled = true;
    }
  } else if (auto* body = std::get_if<Body>(&record)) {
    const BlockId id = block_id(body->block.header);
    add_body(id, std::make_shared<const Block>(std::move(body->block)), View(0));
    if (auto* node = tree_.find(id)) node->journaled = true;
  } else if (const auto* rejected = std::get_if<Rejected>(&record)) {
    tree_.reject(rejected->block);
  }
}

/// After a restart: own votes may complete a quorum that nobody has seen, everything is sent again, and the view that
/// the node died in is given up.
void Engine::resume() {
  count(Counter::kRestarts);
  restarted_in_ = cur_;
  std::vector<View> open;
  for (const auto& [view, state] : views_) open.push_back(view);
  for (const View view : open) {
    const auto it = views_.find(view);
    if (it == views_.end() || halted_) continue;
    for (const auto kind : {StatementKind::kNotarize, StatementKind::kNullify, StatementKind::kFinalize}) {
      ViewState& state = it->second;
      const std::optional<Vote> own = state.own(kind);
      if (!own || state.certificate(kind) || state.votes(kind).weight_of(own->statement) < quorum_) continue;
      count(Counter::kCertificatesFormed);
      hold(state.votes(kind).certificate(own->statement, epoch_.set.members.size()), true);
    }
  }
  if (RULE(kResendOwn)) standstill();
  const ViewState& state = views_[cur_];
  if (restarted_in_ == cur_ && RULE(kRestartNullifies) && !state.own_finalize) {
    nullify_current(Counter::kNullifiedRestart);
    if (state.own_nullify && !retry_timer_) retry_timer_ = after(config_.retry_ms);
  }
}

/// The journal holds what a restart needs, and nothing else.
void Engine::rewrite_journal() {
  count(Counter::kJournalRewrites);
  Rewrite out;
  const auto keep = [&](const Record& record) { out.records.push_back(encode(record)); };
  keep(Floor{floor_});
  keep(Entered{cur_});
  if (final_) keep(Held{*final_});
  for (const auto& [id, node] : tree_.nodes()) {
    if (node.journaled) keep(Body{*node.block});
    if (node.state == BlockState::kInvalid) keep(Rejected{id});
  }
  for (const auto& [view, state] : views_) {
    for (const auto* c : {&state.notarization, &state.nullification, &state.finalization}) {
      if (*c) keep(Held{**c});
    }
    for (const Vote& vote : state.proposals) keep(Accepted{vote, {}});
    for (const auto* v : {&state.own_notarize, &state.own_nullify, &state.own_finalize}) {
      if (*v) keep(OwnVote{**v});
    }
  }
  sequence_ += out.records.size();
  out.sequence = sequence_;
  journal_bytes_ = 0;
  out_.push_back(std::move(out));
}

}  // namespace micro::simplex
