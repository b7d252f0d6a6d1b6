#include <algorithm>

#include "consensus/core/engine.hpp"
#include "consensus/core/rules.hpp"

namespace micro::simplex {

/// The block that a view made certain: by notarization, by finality, or as the end of the epoch before.
std::optional<BlockId> Engine::certified_block(View view) const {
  if (view.value == 0) return epoch_.head.last_of_previous;
  if (final_ && final_->statement.view == view) return final_->statement.block;
  const auto it = views_.find(view);
  if (it == views_.end()) return std::nullopt;
  const Certificate* certificate = it->second.certified();
  return certificate == nullptr ? std::nullopt : std::optional(certificate->statement.block);
}

/// A view above the final one and up to the floor is one that nothing may be signed in: see give_up_used_views().
bool Engine::is_nullified(View view) const {
  if (view <= floor_ && view > final_view()) return true;
  const auto it = views_.find(view);
  return it != views_.end() && it->second.nullification.has_value();
}

// --- proposing ---

/// The highest view below the current one that is notarized and executed here, with every view between nullified. Asks
/// for certificates that are missing on the way.
std::optional<Engine::Foundation> Engine::foundation() {
  for (std::uint64_t v = cur_.value - 1;; --v) {
    const View view(v);
    const auto block = certified_block(view);
    if (block && tree_.is_valid(*block)) return Foundation{view, *block};
    if (v == 0 || view <= final_view()) return std::nullopt;
    if (is_nullified(view)) continue;
    // Certified but not executed yet: that is under way. Nothing at all: ask who moved on.
    if (!block) want_certificates(View(std::max(final_view().value + 1, v > 64 ? v - 63 : 1)), view);
    return std::nullopt;
  }
}

/// Proposals shrink while nothing becomes final, so that no transaction can stop the chain for ever.
ProposeLimits Engine::limits_now(std::size_t depth) const {
  ProposeLimits out = config_.limits;
  if (!RULE(kHalving)) return out;
  const std::uint64_t open = open_views();
  const std::uint64_t halvings = open > config_.free_views ? open - config_.free_views : 0;
  out.max_bytes = halvings < 32 ? out.max_bytes >> halvings : 0;
  out.max_txs = halvings < 32 ? out.max_txs >> halvings : 0;
  if (depth > config_.empty_above_depth) out = {.max_bytes = 0, .max_txs = 0};
  return out;
}

bool Engine::propose_current() {
  if (!can_sign(cur_) || leaders_.leader(cur_) != me_ || proposed_ || building_) return false;
  if (RULE(kRestartSilent) && restarted_in_ == cur_) return false;
  const ViewState& state = views_[cur_];
  if (RULE(kOneNotarize) && state.own_notarize) return false;
  if (state.own_nullify) return false;  // the others gave this view up with us
  if (pace_timer_ && *pace_timer_ > now_.at) return false;
  const auto on = foundation();
  if (!on) return false;
  const Header* parent = tree_.header(on->block);
  if (parent == nullptr) return false;
  const std::size_t depth = tree_.walk(on->block).depth;
  const bool is_boundary = on->view.value != 0 && parent->boundary;
  if (is_boundary && final_ && final_->statement.block == on->block) return false;  // the epoch is over
  if ((RULE(kBoundaryReproposed) && is_boundary) || depth >= config_.repropose_depth) {
    count(is_boundary ? Counter::kReproposedBoundary : Counter::kReproposedDeep);
    propose(*on, on->block, true);
    return true;
  }
  const bool must = epoch_is_over() || waited_enough();
  if (!must && !txs_wait_) return false;
  ProposeLimits limits = limits_now(depth);
  if (limits.max_txs == 0) {
    count(Counter::kEmptyProposals);
  } else if (limits.max_txs < config_.limits.max_txs) {
    count(Counter::kShrunkProposals);
  }
  building_ = Building{*on, !must && limits.max_txs > 0, {}};
  if (RULE(kHoldBack) && held_back_.size() > 0 && limits.max_txs > 0) {
    building_->attempt = held_back_.due(limits.max_txs, nothing_else_);
    limits.only = building_->attempt.txs;
    std::ranges::sort(limits.only);
    limits.without = held_back_.txs();
    if (!limits.only.empty()) count(Counter::kAttempts);
  }
  const TimeMs time(std::max(now_.wall.value, parent->time.value + 1));
  out_.push_back(Build{on->block, time, std::move(limits)});
  return true;
}

/// On entering a view. That views fail says nothing about bodies while none succeeds: whoever cannot reach a quorum has
/// nobody to blame. So an own body is judged when a later view was certified, within one turn of all leaders; where the
/// bodies of all are poisoned, they shrink first until one holds nothing.
void Engine::judge_own_bodies() {
  if (cur_.value == 0 || own_bodies_.empty()) return;
  const auto left = views_.find(View(cur_.value - 1));
  if (left == views_.end() || left->second.certified() == nullptr) return;
  const std::uint64_t turn = leaders_.slots().size();
  for (const OwnBody& own : std::exchange(own_bodies_, {})) {
    const auto view = views_.find(own.view);
    const bool has_failed = view != views_.end() && view->second.nullification && view->second.certified() == nullptr;
    if (has_failed && own.view.value + turn >= left->first.value) blame(own);
  }
}

void Engine::blame(const OwnBody& own) {
  if (!RULE(kHoldBack) || own.block->txs.empty()) return;
  count(Counter::kHeldBack);
  std::vector<TxId> txs;
  for (const SignedTx& tx : own.block->txs) txs.push_back(tx_id(tx.body));
  const bool is_attempt = std::ranges::find(own.attempt.txs, txs.front()) != own.attempt.txs.end();
  held_back_.failed(std::move(txs), is_attempt ? own.attempt.failures : 0);
}

/// The leader's signature is its Notarize: one record, one statement. Its body is written first: a crash that cuts the
/// journal between the two must not leave a vote for a block that nobody has.
void Engine::propose(const Foundation& on, const BlockId& block, bool again) {
  proposed_ = true;
  const Statement statement{StatementKind::kNotarize, epoch_id_, cur_, on.view, block};
  BlockTree::Node* node = tree_.find(block);
  if (node == nullptr || !can_sign(cur_)) return;
  if (RULE(kPersistBody) && !node->journaled) persist(Body{*node->block});
  node->journaled = true;
  cast(statement);
  ViewState& state = views_[cur_];
  state.proposals.push_back(*state.own_notarize);
  count(Counter::kProposed);
  broadcast(open_proposal(*state.own_notarize, !again));
}

Proposal Engine::open_proposal(const Vote& vote, bool with_body) {
  Proposal out;
  out.vote = vote;
  const BlockTree::Node* node = tree_.find(vote.statement.block);
  if (with_body && node != nullptr) out.block = *node->block;
  if (!RULE(kCarryCertificates)) return out;
  const auto carry = [&](const std::optional<Certificate>& c) {
    if (c && out.certificates.size() < kMaxCarriedCertificates) out.certificates.push_back(*c);
  };
  carry(final_);
  const Statement& s = vote.statement;
  const auto parent = views_.find(s.parent_view);
  if (parent != views_.end())
    carry(parent->second.notarization ? parent->second.notarization : parent->second.finalization);
  for (std::uint64_t v = s.view.value - 1; v > s.parent_view.value && v + 64 >= s.view.value; --v) {
    const auto skipped = views_.find(View(v));
    if (skipped != views_.end()) carry(skipped->second.nullification);
  }
  return out;
}

// --- notarizing ---

bool Engine::notarize_current() {
  if (!can_sign(cur_) || (RULE(kRestartSilent) && restarted_in_ == cur_)) return false;
  const auto it = views_.find(cur_);
  if (it == views_.end() || it->second.proposals.empty()) return false;
  // Where no further view may be entered, a view that is over is still the current one.
  if (it->second.own_finalize) return false;
  const auto& own = it->second.own_notarize;
  if (RULE(kOneNotarize) ? own.has_value() : own && own->statement == it->second.proposals.back().statement)
    return false;
  const View view = cur_;
  for (const Vote& proposal : std::vector<Vote>(it->second.proposals)) {
    ViewState& state = views_[view];
    if (state.own_notarize && state.own_notarize->statement == proposal.statement) continue;
    const Fit fits = fit(proposal);
    if (fits == Fit::kWait) continue;
    if (fits == Fit::kInvalid) {
      if (!state.own_nullify && !state.own_finalize) nullify_current(Counter::kNullifiedInvalid);
      continue;
    }
    BlockTree::Node* node = tree_.find(proposal.statement.block);
    Accepted accepted{proposal, {}};
    if (RULE(kPersistBody) && node != nullptr && !node->journaled) accepted.block = *node->block;
    persist(accepted);
    if (node != nullptr) node->journaled = true;
    count(state.own_nullify ? Counter::kNotarizedAfterNullify : Counter::kNotarized);
    Statement statement = proposal.statement;
    statement.kind = StatementKind::kNotarize;
    cast(statement);
    return true;
  }
  return false;
}

/// I4. Only what the leader signed, or the block's hash commits to, makes a proposal invalid; what is missing is waited
/// for and asked for.
Engine::Fit Engine::fit(const Vote& proposal) {
  const Statement& s = proposal.statement;
  if (const Fit views = fits_views(s); views != Fit::kReady) return views;
  const BlockTree::Node* node = tree_.find(s.block);
  if (node == nullptr) {
    if (tree_.is_rejected(s.block)) return Fit::kInvalid;
    if (s.block == tree_.tip()) return Fit::kWait;
    want_block(s.block, s.view, tree_.tip_header().height);
    return Fit::kWait;
  }
  if (const Fit fits = fits_parent(s); fits != Fit::kReady) return fits;
  const Header& header = node->block->header;
  if (RULE(kClockWait) && header.time.value > now_.wall.value + config_.max_drift_ms) {
    if (waited_for_clock_ != s.block) count(Counter::kWaitedForClock);
    waited_for_clock_ = s.block;
    const Instant ready = after(header.time.value - now_.wall.value - config_.max_drift_ms);
    if (!clock_timer_ || ready < *clock_timer_) clock_timer_ = ready;
    return Fit::kWait;
  }
  if (!RULE(kExecutedBeforeVote)) return Fit::kReady;
  const auto walk = tree_.walk(s.block);
  if (walk.dead) return Fit::kInvalid;
  if (walk.missing) want_block(*walk.missing, s.parent_view, tree_.tip_header().height);
  return walk.valid ? Fit::kReady : Fit::kWait;
}

Engine::Fit Engine::fits_views(const Statement& s) {
  if (RULE(kParentCertified) && s.parent_view < final_view()) return Fit::kInvalid;  // skips what is final
  if (RULE(kParentCertified) && !certified_block(s.parent_view)) {
    want_certificates(s.parent_view, s.parent_view);
    return Fit::kWait;
  }
  if (!RULE(kSkippedNullified)) return Fit::kReady;
  for (std::uint64_t v = s.parent_view.value + 1; v < s.view.value; ++v) {
    if (is_nullified(View(v))) continue;
    want_certificates(View(v), View(s.view.value - 1));
    return Fit::kWait;
  }
  return Fit::kReady;
}

/// Of a proposal whose views fit and whose body is here.
Engine::Fit Engine::fits_parent(const Statement& s) {
  const Header& header = tree_.find(s.block)->block->header;
  const BlockId parent_id = certified_block(s.parent_view).value_or(header.parent);  // none only where a rule is off
  const Header* parent = tree_.header(parent_id);
  if (parent == nullptr) {
    if (tree_.is_rejected(parent_id)) return Fit::kInvalid;
    if (tree_.walk(s.block).dead) return Fit::kInvalid;
    want_block(parent_id, s.parent_view, tree_.tip_header().height);
    return Fit::kWait;
  }
  if (!RULE(kParentFromProposal)) return Fit::kReady;
  const bool is_same = s.block == parent_id;
  if (s.parent_view.value != 0 && RULE(kBoundaryReproposed)) {
    if (parent->boundary) return is_same ? Fit::kReady : Fit::kInvalid;
    // Where nothing becomes final for long, the newest block is proposed again instead of one more. Nodes differ in
    // what they know to be final, so a voter accepts it a little earlier than a leader does it.
    if (is_same) return tree_.walk(parent_id).depth * 2 >= config_.repropose_depth ? Fit::kReady : Fit::kInvalid;
  }
  const bool fits = header.parent == parent_id && header.height == parent->height.next() && header.epoch == epoch() &&
                    header.time > parent->time;
  return fits ? Fit::kReady : Fit::kInvalid;
}

}  // namespace micro::simplex
