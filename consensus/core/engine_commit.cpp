#include <algorithm>

#include "consensus/core/engine.hpp"
#include "consensus/core/rules.hpp"

namespace micro::simplex {

// --- executing: one block at a time, what is final first ---

bool Engine::execute_wanted() {
  if (executing_) return false;
  extend_path();
  if (halted_) return false;
  for (const auto& [height, id] : path_) {
    const BlockTree::Node* node = tree_.find(id);
    if (node == nullptr) break;
    if (node->state == BlockState::kValid) continue;
    // Refused when it was not final yet, maybe by another version of this program: what it does now decides.
    if (node->state == BlockState::kInvalid) tree_.reconsider(id);
    if (execute_on_way_to(id, target_->statement.view)) return true;
    break;
  }
  for (const View view : unfinalized_) {
    const Certificate* certificate = views_[view].certified();
    if (certificate != nullptr && execute_on_way_to(certificate->statement.block, view)) return true;
  }
  // What the next leader builds on, though this node may never finalize it itself.
  for (View v(cur_.value - 1); v > final_view(); v = View(v.value - 1)) {
    const auto block = certified_block(v);
    if (block && execute_on_way_to(*block, v)) return true;
    if (!is_nullified(v)) break;
  }
  const auto current = views_.find(cur_);
  if (current == views_.end()) return false;
  // A proposal is executed as soon as it may matter, not before its views are certain: a liar must not cost more.
  for (const Vote& proposal : current->second.proposals) {
    const Statement& s = proposal.statement;
    if (fits_views(s) != Fit::kReady || tree_.find(s.block) == nullptr) continue;
    if (fits_parent(s) == Fit::kReady && execute_on_way_to(s.block, s.view)) return true;
  }
  return false;
}

bool Engine::execute_on_way_to(const BlockId& id, View view) {
  const auto walk = tree_.walk(id);
  if (walk.missing) want_block(*walk.missing, view, tree_.tip_header().height);
  if (!walk.next) return false;
  BlockTree::Node* node = tree_.find(*walk.next);
  if (node->block->header.height.value > tree_.tip_header().height.value + kMaxExecutedAhead) return false;
  node->state = BlockState::kRunning;
  executing_ = *walk.next;
  out_.push_back(Execute{*walk.next, node->block});
  return true;
}

// --- Finalize: whenever its conditions first hold, even views later ---

bool Engine::finalize_open() {
  bool moved = false;
  for (auto it = unfinalized_.begin(); it != unfinalized_.end();) {
    const View view = *it;
    ViewState& state = views_[view];
    const bool is_late = view.next() < cur_;
    const bool is_over = view <= floor_ || state.own_finalize || (!RULE(kFinalizeLate) && is_late);
    const bool is_forbidden =
        (RULE(kNoFinalizeAfterNullify) && state.own_nullify) ||
        (RULE(kFinalizeSameAsNotarize) && state.own_notarize && state.notarization &&
         (state.own_notarize->statement.block != state.notarization->statement.block ||
          state.own_notarize->statement.parent_view != state.notarization->statement.parent_view));
    if (is_over || is_forbidden || !state.notarization) {
      if (is_forbidden) count(Counter::kFinalizeForbidden);
      it = unfinalized_.erase(it);
      continue;
    }
    ++it;
    if (!can_sign(view)) continue;
    const BlockId& id = state.notarization->statement.block;
    if (RULE(kFinalizeExecuted) && (id == tree_.tip() || !tree_.is_valid(id))) continue;
    BlockTree::Node* node = tree_.find(id);
    if (node != nullptr && !node->journaled) {
      if (RULE(kPersistBody)) persist(Body{*node->block});
      node->journaled = true;
    }
    count(is_late ? Counter::kFinalizedLate : Counter::kFinalized);
    Statement statement = state.notarization->statement;
    statement.kind = StatementKind::kFinalize;
    cast(statement);
    moved = true;
  }
  return moved;
}

// --- committing, in height order ---

/// Walks from the finalized block back to the tip. Ids are kept where bodies have no room: they are fetched again when
/// their turn comes.
void Engine::extend_path() {
  if (!target_) return;
  // The newest leads to all below it; one that nothing is known of yet may even lie below the tip, where a node lost
  // what it knew to be final and its ledger did not, and nobody sends that block any more.
  if (path_.empty() && final_ && final_->statement.view > target_->statement.view) target_ = final_;
  const Height above = tree_.tip_header().height;
  const View view = target_->statement.view;
  if (path_.empty()) {
    const BlockId& top = target_->statement.block;
    if (top == tree_.tip()) return target_reached();  // the newest block, proposed again
    const BlockTree::Node* node = tree_.find(top);
    if (node == nullptr) return want_block(top, view, above);
    path_[node->block->header.height] = top;
  }
  while (path_.begin()->first > above.next()) {
    const auto [height, id] = *path_.begin();
    const BlockTree::Node* node = tree_.find(id);
    if (node == nullptr) return want_block(id, view, above);
    lengthen_path(Height(height.value - 1), node->block->header.parent);
  }
  const auto lowest = path_.begin();
  if (lowest->first != above.next()) return;
  if (const BlockTree::Node* node = tree_.find(lowest->second); node != nullptr) {
    if (node->block->header.parent != tree_.tip()) {
      return halt({Fault::kMismatch, "a finalized block is not on top of what is final here",
                   "more than a third of the committee's weight lies: keep the proof"},
                  {*target_});
    }
  }
  // The newest missing body of the next window brings the ones below it in the same answer.
  std::optional<std::pair<Height, BlockId>> top;
  Height from = above;
  for (auto it = path_.begin(); it != path_.end() && it->first.value <= above.value + kSyncWindowBlocks; ++it) {
    if (tree_.find(it->second) == nullptr) {
      if (!top) from = Height(it->first.value - 1);
      top = *it;
    } else if (top) {
      break;
    }
  }
  if (top) want_block(top->second, view, from);
}

/// Downwards, to the tip: what lies there is committed first.
void Engine::lengthen_path(Height height, const BlockId& id) {
  path_[height] = id;
  if (path_.size() > config_.path_ids) path_.erase(std::prev(path_.end()));
}

bool Engine::commit_next() {
  extend_path();
  if (halted_ || committing_ || path_.empty()) return false;
  auto next = path_.begin();
  if (!RULE(kCommitInOrder)) next = std::prev(path_.end());
  if (RULE(kCommitInOrder) && next->first != tree_.tip_header().height.next()) return false;
  const BlockTree::Node* node = tree_.find(next->second);
  if (node == nullptr || node->state != BlockState::kValid) return false;
  const bool is_target = next->second == target_->statement.block;
  count(is_target ? Counter::kCommits : Counter::kAncestorCommits);
  committing_ = next->second;
  out_.push_back(Commit{next->second, is_target ? target_ : std::nullopt});
  return true;
}

void Engine::handle(Committed& e) {
  if (committing_ != e.block) return;
  committing_.reset();
  if (e.forgotten) {
    count(Counter::kForgottenByLedger);
    for (const auto& [height, id] : path_) {
      if (tree_.find(id) != nullptr && executing_ != id) tree_.set_state(id, BlockState::kUnknown);
    }
    return;
  }
  tree_.commit(e.block);
  path_.erase(path_.begin());
  if (e.next) return next_epoch(std::move(*e.next), Certificate(*target_));
  if (target_->statement.block == e.block) target_reached();
}

void Engine::target_reached() {
  floor_ = std::max(floor_, target_->statement.view);
  target_.reset();
  path_.clear();
  if (final_ && final_->statement.view > floor_) target_ = final_;
  prune();
}

/// Below what is final nothing matters any more, except that nothing may be signed there.
void Engine::prune() {
  if (!RULE(kPrune)) return;
  views_.erase(views_.begin(), views_.upper_bound(floor_));
  unfinalized_.erase(unfinalized_.begin(), unfinalized_.upper_bound(floor_));
  persist(Floor{floor_});
  // The number of open views may have stopped it: below what is final now, or in a view whose certificate is held and
  // that nobody's word is asked for any more.
  View at = std::max(cur_, floor_.next());
  for (auto it = views_.lower_bound(at); it != views_.end(); ++it) {
    if (it->second.has_certificate()) at = it->first.next();
  }
  enter(at);
  if (journal_bytes_ > config_.journal_rewrite_bytes) rewrite_journal();
}

bool Engine::is_on_path(const BlockId& id, Height height) const {
  const auto at = path_.find(height);
  return at != path_.end() && at->second == id;
}

/// False when there is no room, also without the bodies that can never matter again.
bool Engine::add_body(const BlockId& id, const BlockPtr& block, View view) {
  if (tree_.add(id, block, view)) return true;
  const bool is_over = id == tree_.tip() || block->header.height <= tree_.tip_header().height;
  return !is_over && release_given_up() && tree_.add(id, block, view);
}

/// Bodies of views that a quorum gave up and that nobody is known to have certified: nothing there can become final.
/// A node that voted for one keeps it all the same, as long as there is room: somebody may hold its certificate.
bool Engine::release_given_up() {
  std::set<BlockId> needed;
  const auto need = [&](const BlockId& id) { tree_.list_chain(id, needed); };
  for (const auto& [view, state] : views_) {
    if (const Certificate* certified = state.certified()) need(certified->statement.block);
    if (state.nullification) continue;
    for (const Vote& proposal : state.proposals) need(proposal.statement.block);
    if (state.own_notarize) need(state.own_notarize->statement.block);
  }
  for (const auto& [id, node] : tree_.nodes()) {  // the path may be far longer than what is here of it
    if (is_on_path(id, node.block->header.height)) need(id);
  }
  if (target_) need(target_->statement.block);
  const std::size_t before = tree_.size();
  tree_.drop_where([&](const BlockId& id, const BlockTree::Node& node) {
    return node.state != BlockState::kRunning && !needed.contains(id);
  });
  if (tree_.size() == before) return false;
  if (journal_bytes_ > config_.journal_rewrite_bytes) rewrite_journal();  // nothing becomes final that would do it
  return true;
}

/// On entering a view: bodies that were proposed before and that nobody here voted for or certified are dropped, and
/// single votes that are far below.
void Engine::release_bodies() {
  std::set<BlockId> needed;
  const auto need = [&](const BlockId& id) { tree_.list_chain(id, needed); };
  for (const View view : unfinalized_) need(views_[view].notarization->statement.block);
  for (auto it = views_.rbegin(); it != views_.rend(); ++it) {
    if (!it->second.notarization) continue;
    need(it->second.notarization->statement.block);  // what the next leader builds on
    break;
  }
  for (const auto& [height, id] : path_) need(id);
  if (target_) need(target_->statement.block);
  const View passed(cur_.value - 1);
  tree_.drop_where([&](const BlockId& id, const BlockTree::Node& node) {
    return node.last_view <= passed && node.state != BlockState::kRunning && !node.journaled && !needed.contains(id);
  });
  if (cur_.value <= kVoteWindowViews) return;
  // Over what is held, never over view numbers: a certificate may jump by any number of views.
  const View end(cur_.value - kVoteWindowViews);
  for (auto it = views_.lower_bound(trimmed_); it != views_.end() && it->first < end; ++it) {
    it->second.notarizes.clear();
    it->second.nullifies.clear();
    // Where a quorum nullified, nothing can become final.
    if (it->second.nullification || !it->second.notarization) it->second.finalizes.clear();
  }
  trimmed_ = std::max(trimmed_, end);
}

}  // namespace micro::simplex
