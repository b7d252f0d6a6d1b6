#include "consensus/core/engine.hpp"

#include <algorithm>

#include "chain/base/check.hpp"
#include "consensus/core/rules.hpp"

namespace micro::simplex {
namespace {

constexpr std::uint64_t kPpm = 1'000'000;

bool is_journal(const Effect& effect) {
  return std::holds_alternative<OpenJournal>(effect) || std::holds_alternative<Persist>(effect) ||
         std::holds_alternative<Rewrite>(effect);
}

bool is_due(const std::optional<Instant>& timer, Instant now) {
  return timer && *timer <= now;
}

}  // namespace

Effects Engine::on(Event event, Now now) {
  if (halted_) return {};
  now_ = now;
  std::visit([this](auto& e) { this->handle(e); }, event);
  return end_turn();
}

/// What leaves waits for what is written: all journal effects of the turn come first, so that one sync is enough.
Effects Engine::end_turn() {
  if (!halted_) progress();
  if (!halted_) {
    send_requests();
    submit_checks();
    arm();
  }
  Effects ordered;
  ordered.reserve(out_.size());
  for (const bool journal : {true, false}) {
    for (Effect& effect : out_) {
      if (is_journal(effect) == journal) ordered.push_back(std::move(effect));
    }
  }
  out_.clear();
  return ordered;
}

void Engine::progress() {
  for (auto& [id, fetch] : fetches_) fetch.wanted = false;
  if (need_) need_->wanted = false;
  clock_timer_.reset();
  bool moved = true;
  while (moved && !halted_) {
    moved = commit_next() || execute_wanted() || finalize_open() || notarize_current() || propose_current();
  }
}

// --- events ---

void Engine::handle(Received& e) {
  if (auto* ask = std::get_if<Ask>(&e.message.body)) return on_ask(e.from, e.message.epoch, *ask);
  if (auto* blocks = std::get_if<Blocks>(&e.message.body)) return on_blocks(e.from, *blocks);
  if (RULE(kEpochBound) && e.message.epoch != epoch()) {
    if (const auto* votes = std::get_if<Votes>(&e.message.body)) {
      for (const Vote& vote : votes->votes) look_at_late(e.from, vote);
    } else if (const auto* proposal = std::get_if<Proposal>(&e.message.body)) {
      look_at_late(e.from, proposal->vote);
    }
    return on_other_epoch(e.from, e.message);
  }
  if (auto* votes = std::get_if<Votes>(&e.message.body)) return on_votes(e.from, *votes);
  if (auto* held = std::get_if<Certificates>(&e.message.body)) return on_certificates(e.from, held->certificates);
  if (auto* proposal = std::get_if<Proposal>(&e.message.body)) return on_proposal(e.from, *proposal);
}

void Engine::handle(Tick&) {
  armed_.reset();
  if (unsynced_.size() >= kMaxUnsyncedVotes) {
    // Nothing can be signed now, and what these are for would be lost: later.
    for (auto* timer : {&leader_timer_, &view_timer_}) {
      if (is_due(*timer, now_.at)) *timer = after(config_.retry_ms);
    }
  }
  if (RULE(kTimeoutNullifies)) {
    if (is_due(leader_timer_, now_.at)) {
      leader_timer_.reset();
      if (views_[cur_].proposals.empty()) nullify_current(Counter::kNullifiedLeaderTimer);
    }
    if (is_due(view_timer_, now_.at)) {
      view_timer_.reset();
      nullify_current(Counter::kNullifiedViewTimer);
    }
  }
  if (is_due(idle_timer_, now_.at)) idle_timer_.reset();
  if (is_due(pace_timer_, now_.at)) pace_timer_.reset();
  if (is_due(boundary_timer_, now_.at)) set_boundary_timer();  // the two clocks may disagree
  if (is_due(retry_timer_, now_.at)) retry_nullify();
  if (is_due(standstill_timer_, now_.at)) standstill();
}

void Engine::handle(Built& e) {
  if (!building_ || building_->on.block != e.parent) return;
  const auto [on, wants_txs, attempt] = *std::exchange(building_, std::nullopt);
  if (!e.block) {
    const Fault fault = e.block.error().fault;
    if (fault == Fault::kNotFound) {  // the ledger forgot the parent: execute it again
      count(Counter::kForgottenByLedger);
      tree_.set_state(on.block, BlockState::kUnknown);
    } else if (fault == Fault::kIo || fault == Fault::kCorrupt || fault == Fault::kInternal) {
      halt(e.block.error(), {});
    } else {
      proposed_ = true;  // nothing to propose in this view
    }
    return;
  }
  if (proposed_ || on.view >= cur_) return;
  if (wants_txs && e.block->txs.empty() && !e.block->header.boundary && !waited_enough()) {
    // Whatever waits is in an ancestor already, or cannot be included now.
    nothing_else_ = !std::exchange(nothing_else_, true) && held_back_.size() > 0;
    if (nothing_else_) return;  // once more, with what is held back
    count(Counter::kNothingToPropose);
    txs_wait_ = false;
    return;
  }
  const auto still = foundation();
  if (!still || still->block != on.block || still->view != on.view) return;
  const BlockId id = block_id(e.block->header);
  if (!add_body(id, std::make_shared<const Block>(std::move(*e.block)), cur_)) {
    count(Counter::kDroppedBodies);
    return;
  }
  tree_.set_state(id, BlockState::kValid);
  held_back_.proposed(attempt);
  own_bodies_.push_back({cur_, tree_.find(id)->block, attempt});
  if (own_bodies_.size() > kMaxOwnBodies) own_bodies_.pop_front();
  propose(on, id, false);
}

void Engine::handle(Executed& e) {
  if (executing_ == e.block) executing_.reset();
  if (e.block == tree_.tip()) return;
  const BlockTree::Node* node = tree_.find(e.block);
  if (node == nullptr) return;
  switch (e.verdict) {
    case Verdict::kValid:
      tree_.set_state(e.block, BlockState::kValid);
      return;
    case Verdict::kUnknown: {
      count(Counter::kForgottenByLedger);
      tree_.set_state(e.block, BlockState::kUnknown);
      tree_.set_state(node->block->header.parent, BlockState::kUnknown);
      return;
    }
    case Verdict::kInvalid:
      count(Counter::kRejectedBlocks);
      tree_.reject(e.block);
      persist(Rejected{e.block});
      for (const auto& [height, id] : path_) {
        if (id != e.block) continue;
        halt({Fault::kMismatch, "a final block does not execute here: " + e.why,
              "this program and the committee's do not agree: report it, and run the other version"},
             {*target_});
        return;
      }
  }
}

void Engine::handle(Persisted& e) {
  journal_bytes_ = e.journal_bytes;
  unsynced_bytes_ = 0;
  while (!unsynced_.empty() && unsynced_.front().first <= e.sequence) {
    const Vote vote = unsynced_.front().second;
    unsynced_.pop_front();
    tally(vote);
  }
}

void Engine::handle(TxsWait& e) {
  txs_wait_ = e.wait;
}

void Engine::handle(Failed& e) {
  halt(std::move(e.error), {});
}

void Engine::halt(Error error, std::vector<Certificate> proof) {
  halted_ = true;
  out_.push_back(Halt{std::move(error), std::move(proof)});
}

// --- views and their timers ---

void Engine::enter(View view) {
  if (view <= cur_) return;
  // No finality for so long: only a finalization helps, and is still taken. A restart comes back to where it was.
  if (views_.size() >= config_.open_views && cur_.value > 0) return;
  if (view > cur_.next()) count(Counter::kViewsJumped);
  count(Counter::kViewsEntered);
  cur_ = view;
  judge_own_bodies();
  if (RULE(kPersistView)) persist(Entered{view});
  building_.reset();
  proposed_ = false;
  nothing_else_ = false;
  waited_for_clock_.reset();
  retry_timer_.reset();
  const std::uint64_t execute = epoch_is_over() ? config_.boundary_ms : config_.execute_ms;
  const std::uint64_t common = std::uint64_t{config_.build_ms} + config_.idle_ms;
  leader_timer_ = after_growing(2ULL * config_.delta_ms + common);
  view_timer_ = after_growing(3ULL * config_.delta_ms + common + execute);
  idle_timer_ = after(config_.idle_ms);
  set_pace_timer();
  set_boundary_timer();
  release_bodies();
  const auto known = views_.find(view);
  const std::uint16_t by = leaders_.leader(view);
  if (known != views_.end() && by != me_ && known->second.nullifies.by(by) != nullptr) {
    nullify_current(Counter::kNullifiedWithLeader);  // it gave its view up before this node came here
  }
}

/// Views that end within less than a few syncs would hold one transaction each and cost every member as much as full
/// ones. Whoever decides alone makes nobody else work.
void Engine::set_pace_timer() {
  const Instant ready = entered_.plus_ms(config_.pace_ms);
  entered_ = now_.at;
  pace_timer_.reset();
  if (ready > now_.at && !decides_alone()) pace_timer_ = ready;
}

void Engine::set_boundary_timer() {
  boundary_timer_.reset();
  const std::uint64_t end = epoch_.head.epoch_started.value + epoch_.head.epoch_ms;
  if (now_.wall.value < end) boundary_timer_ = after(end - now_.wall.value);
}

void Engine::nullify_current(Counter why) {
  ViewState& state = views_[cur_];
  if (!can_sign(cur_) || state.own_nullify || state.own_finalize) return;
  count(why);
  cast({StatementKind::kNullify, epoch_id_, cur_, View(0), BlockId{}});
  if (!retry_timer_) retry_timer_ = after(config_.retry_ms);
}

/// Views below the current one that may still become final.
std::uint64_t Engine::open_views() const {
  return cur_.value - 1 - std::max(final_view(), floor_).value;
}

std::uint64_t Engine::growth_ppm() const {
  if (!RULE(kTimersGrow)) return kPpm;
  const std::uint64_t open = open_views();
  std::uint64_t out = kPpm;
  for (std::uint64_t i = 0; i < open && out < config_.growth_cap_ppm; ++i) out = out * config_.growth_ppm / kPpm;
  return std::min<std::uint64_t>(out, config_.growth_cap_ppm);
}

Instant Engine::after_growing(std::uint64_t ms) const {
  return after(ms * growth_ppm() / kPpm);
}

/// For transactions: a leader without any proposes an empty block then.
bool Engine::waited_enough() const {
  return !idle_timer_ || *idle_timer_ <= now_.at;
}

bool Engine::epoch_is_over() const {
  return now_.wall.value >= epoch_.head.epoch_started.value + epoch_.head.epoch_ms;
}

/// One timer for everything: the earliest of all that wait.
void Engine::arm() {
  std::optional<Instant> next;
  const auto take = [&](const std::optional<Instant>& at) {
    if (at && (!next || *at < *next)) next = at;
  };
  for (const auto* timer : {&leader_timer_, &view_timer_, &retry_timer_, &clock_timer_, &standstill_timer_})
    take(*timer);
  if (me_ && leaders_.leader(cur_) == *me_ && !proposed_) {
    take(idle_timer_);
    take(boundary_timer_);
    take(pace_timer_);
  }
  for (const auto& [id, fetch] : fetches_) take(fetch.next);
  if (need_) take(need_->next);
  if (!next || (armed_ && *armed_ == *next)) return;
  armed_ = next;
  out_.push_back(ArmTimer{*next});
}

// --- leaving the node ---

/// Who never votes needs no sync, but only a sync tells how long the journal is, and so whether it has to be shortened.
void Engine::persist(const Record& record, bool urgent) {
  Bytes bytes = encode(record);
  unsynced_bytes_ += bytes.size();
  out_.push_back(Persist{++sequence_, std::move(bytes), urgent || unsynced_bytes_ > kMaxUnsyncedBytes});
}

void Engine::send(const Ed25519Key& to, MessageBody body) {
  out_.push_back(Send{to, std::make_shared<const Message>(Message{kMessageVersion, epoch(), std::move(body)})});
}

void Engine::broadcast(MessageBody body) {
  out_.push_back(Broadcast{std::make_shared<const Message>(Message{kMessageVersion, epoch(), std::move(body)})});
}

Footprint Engine::footprint() const {
  Footprint out;
  out.views = views_.size();
  for (const auto& [view, state] : views_) {
    out.votes += state.notarizes.size() + state.nullifies.size() + state.finalizes.size();
    out.proposals += state.proposals.size();
  }
  out.blocks = tree_.size();
  out.block_bytes = tree_.bytes();
  out.pending_checks = gathering_.size() + in_check_.size();
  out.pending_bodies = pending_bodies_;
  out.fetches = fetches_.size();
  out.path_ids = path_.size();
  out.tracked_peers = answers_.size();
  out.old_boundaries = boundaries_.size();
  out.held_back = held_back_.size();
  return out;
}

}  // namespace micro::simplex
