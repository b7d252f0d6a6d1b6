#include "tests/sim/consensus/monitor.hpp"

#include "tests/sim/consensus/cluster.hpp"

namespace micro::test {

using namespace simplex;  // NOLINT

namespace {

template <class Visit>
void each_vote(const Message& message, const Ed25519Key& key, const Engine& engine, Visit visit) {
  const auto is_own = [&](const Vote& v) {
    return v.signer < engine.set().members.size() && engine.set().members[v.signer].key == key;
  };
  if (const auto* votes = std::get_if<Votes>(&message.body)) {
    for (const Vote& v : votes->votes) {
      if (is_own(v)) visit(v);
    }
  } else if (const auto* proposal = std::get_if<Proposal>(&message.body)) {
    if (is_own(proposal->vote)) visit(proposal->vote);
  }
}

std::string name(const SimNode& node) {
  return "node " + std::to_string(node.index());
}

const ViewState* view_of(const Engine& engine, View view) {
  const auto it = engine.views().find(view);
  return it == engine.views().end() ? nullptr : &it->second;
}

/// The newest block once more: what is deep enough for its leader may not be for who knows more to be final.
bool is_proposed_again(const Engine& engine, View view) {
  const ViewState* state = view_of(engine, view);
  return state != nullptr && std::ranges::any_of(state->proposals, [&](const Vote& v) {
           const ViewState* parent = view_of(engine, v.statement.parent_view);
           return parent != nullptr && parent->certified() != nullptr &&
                  parent->certified()->statement.block == v.statement.block;
         });
}

}  // namespace

void Monitor::after_turn(const SimNode& node, const Effects& effects) {
  check_blame(node, effects);
  for (const Effect& effect : effects) {
    const auto* all = std::get_if<Broadcast>(&effect);
    if (all == nullptr) continue;
    each_vote(*all->message, node.key(), node.engine(), [&](const Vote& vote) {
      const Statement& s = vote.statement;
      if (!seen_.insert({node.member(), encode(s)}).second || s.epoch_id != node.engine().epoch_id()) return;
      ++votes_checked_;
      if (const Header* header = node.engine().tree().header(s.block)) heights_[s.block] = header->height;
      if (s.kind == StatementKind::kNotarize) check_notarize(node, s);
      if (s.kind == StatementKind::kFinalize) check_finalize(node, s);
    });
  }
}

/// Nobody but the leader itself can make its proposal invalid. (A block that executes differently everywhere can.)
void Monitor::check_blame(const SimNode& node, const Effects& effects) {
  const Engine& engine = node.engine();
  const std::uint64_t count = engine.counters()[static_cast<std::size_t>(Counter::kNullifiedInvalid)];
  const std::uint64_t before = std::exchange(called_invalid_[node.index()], count);
  if (count <= before || cluster_.scenario().poison_ppm > 0) return;
  // One turn may leave several views: as many of them as were called invalid must have had a leader who can lie.
  std::uint64_t excused = 0;
  std::optional<View> honest;
  for (const Effect& effect : effects) {
    const auto* all = std::get_if<Broadcast>(&effect);
    if (all == nullptr || !std::holds_alternative<Votes>(all->message->body)) continue;
    each_vote(*all->message, node.key(), engine, [&](const Vote& vote) {
      const Statement& s = vote.statement;
      if (s.kind != StatementKind::kNullify || s.epoch_id != engine.epoch_id()) return;
      if (seen_.contains({node.member(), encode(s)})) return;
      if (cluster_.is_honest(engine.set().members[engine.leader(s.view)].key) && !is_proposed_again(engine, s.view)) {
        honest = s.view;
      } else {
        ++excused;
      }
    });
  }
  if (honest && excused < count - before)
    cluster_.violation(name(node) + " calls the proposal of an honest leader invalid in view " + honest->text());
}

/// The block stands on the one that the parent view certified, or is that one where it may be.
void Monitor::check_parent(const SimNode& node, const Statement& s) {
  const Engine& engine = node.engine();
  const ViewState* parent = view_of(engine, s.parent_view);
  const Certificate* certified = parent == nullptr ? nullptr : parent->certified();
  const Header* header = engine.tree().header(s.block);
  if (header == nullptr) return;
  BlockId below;
  if (certified != nullptr) {
    below = certified->statement.block;
  } else if (s.parent_view.value == 0) {
    below = engine.resumed_at().last_of_previous;
  } else if (const auto final = finals_.find({s.epoch_id, s.parent_view}); final != finals_.end()) {
    below = final->second;
  } else {
    return;  // final by the same block in another view
  }
  if (s.block == below) return;
  if (header->parent != below) {
    cluster_.violation(name(node) + " breaks I4: a block that is not on top of view " + s.parent_view.text());
  }
  if (s.parent_view.value == 0) return;  // the end of the epoch before
  const Header* last = engine.tree().header(below);
  if (last != nullptr && last->boundary) cluster_.violation(name(node) + " builds behind the end of the epoch");
}

void Monitor::check_notarize(const SimNode& node, const Statement& s) {
  check_parent(node, s);
  const Engine& engine = node.engine();
  const bool is_base = s.parent_view.value == 0 || s.parent_view == engine.final_view();
  const ViewState* parent = view_of(engine, s.parent_view);
  if (!is_base && (parent == nullptr || (!parent->notarization && !parent->finalization))) {
    cluster_.violation(name(node) + " breaks I4: no certificate of parent view " + s.parent_view.text());
  }
  for (View v = s.parent_view.next(); v < s.view; v = v.next()) {
    const ViewState* skipped = view_of(engine, v);
    if (skipped == nullptr || !skipped->nullification) {
      cluster_.violation(name(node) + " breaks I4: view " + v.text() + " below " + s.view.text() + " is not nullified");
    }
  }
  const ViewState* state = view_of(engine, s.view);
  const bool is_leaders = state != nullptr && std::ranges::any_of(state->proposals, [&](const Vote& v) {
                            return v.statement.block == s.block && v.statement.parent_view == s.parent_view &&
                                   v.signer == engine.leader(s.view);
                          });
  if (!is_leaders) cluster_.violation(name(node) + " breaks I4: a proposal that is not the leader's");
  if (!cluster_.is_executed(node, s.block)) cluster_.violation(name(node) + " breaks I4: not executed");
  const Header* header = engine.tree().header(s.block);
  const bool is_own = engine.set().members[engine.leader(s.view)].key == node.key();
  // A leader with a slow clock still has to exceed its parent's time.
  if (!is_own && header != nullptr &&
      header->time.value > node.now().wall.value + cluster_.engine_config().max_drift_ms) {
    cluster_.violation(name(node) + " notarizes a block from the future");
  }
  if (engine.tree().tip_header().height.value > 0 && s.view <= engine.floor()) {
    cluster_.violation(name(node) + " signs at or below its final view");
  }
}

void Monitor::check_finalize(const SimNode& node, const Statement& s) {
  const ViewState* state = view_of(node.engine(), s.view);
  const bool is_notarized = state != nullptr && state->notarization &&
                            state->notarization->statement.block == s.block &&
                            state->notarization->statement.parent_view == s.parent_view;
  if (!is_notarized) cluster_.violation(name(node) + " breaks I3: Finalize without a notarization");
  if (!cluster_.is_executed(node, s.block)) cluster_.violation(name(node) + " breaks I3: Finalize without execution");
}

void Monitor::leaves(SimNode& node, const Message& message) {
  if (const auto* proposal = std::get_if<Proposal>(&message.body)) check_carried(node, *proposal);
  each_vote(message, node.key(), node.engine(), [&](const Vote& vote) {
    vote_leaves(node, vote);
    if (!left_.insert({node.member(), encode(vote.statement)}).second) return;
    if (vote.statement.epoch_id == node.engine().epoch_id()) check_disk(node, vote);
    auto& nullified = nullified_[{vote.statement.epoch_id, vote.statement.view}];
    if (vote.statement.kind == StatementKind::kNullify) nullified.insert(node.member());
    cluster_.vote_left(node, vote, nullified.size());
  });
}

/// A proposal proves by itself that its leader may make it: the parent and every view between, or what is final above.
void Monitor::check_carried(const SimNode& node, const Proposal& proposal) {
  const Statement& s = proposal.vote.statement;
  View proved;  // everything up to here is final
  std::set<View> certified;
  std::set<View> nullified;
  for (const Certificate& c : proposal.certificates) {
    if (c.statement.kind == StatementKind::kFinalize) proved = std::max(proved, c.statement.view);
    (c.statement.kind == StatementKind::kNullify ? nullified : certified).insert(c.statement.view);
  }
  bool holds = s.parent_view <= proved || certified.contains(s.parent_view);
  for (View v = s.parent_view.next(); v < s.view; v = v.next()) {
    holds = holds && (v <= proved || nullified.contains(v) || v.value + 64 < s.view.value);
  }
  if (!holds) cluster_.violation(name(node) + " proposes without the proof in view " + s.view.text());
}

/// Whatever happens next, the node's disk knows what it said and can say it again.
void Monitor::check_disk(SimNode& node, const Vote& vote) {
  const Statement& s = vote.statement;
  const Durable& disk = node.durable();
  const Durable& boot = node.durable_at_boot();
  const auto is_certain = [&](View view) { return view <= node.engine().floor(); };
  if (is_certain(s.view)) return;  // signed before it was; nothing depends on it any more
  const auto breaks = [&](const char* what) {
    cluster_.violation(name(node) + " says what its disk does not hold: " + what + " of view " + s.view.text());
  };
  if (!disk.votes.contains(encode(vote))) breaks("a vote");
  if (disk.entered < s.view) breaks("the entering");
  if (s.kind == StatementKind::kNullify) return;
  // At a height that is final here it is in the ledger, or on a branch that is dead.
  const auto height = heights_.find(s.block);
  const bool is_final = height != heights_.end() && height->second.value <= node.height();
  if (!is_final && !disk.bodies.contains(s.block)) breaks("the body");
  if (s.kind == StatementKind::kFinalize) {
    if (!disk.certified.contains({s.view, s.block})) breaks("the notarization");
    return;
  }
  const auto parent = disk.certified.lower_bound({s.parent_view, BlockId{}});
  const bool has_parent = parent != disk.certified.end() && parent->first == s.parent_view;
  if (!is_certain(s.parent_view) && !has_parent) breaks("the parent's certificate");
  if (s.view <= boot.entered && !boot.votes.contains(encode(vote))) {
    cluster_.violation(name(node) + " notarizes anew in the view that it died in, " + s.view.text());
  }
}

void Monitor::vote_leaves(SimNode& node, const Vote& vote) {
  const Statement& s = vote.statement;
  Signed& done = signed_[{node.member(), s.epoch_id, s.view}];
  for (const Statement& before : done.told) {  // by the rule that the ledger slashes by
    if (contradict(before, s))
      cluster_.violation(name(node) + " gives evidence against itself in view " + s.view.text());
  }
  if (std::ranges::find(done.told, s) == done.told.end()) done.told.push_back(s);
  const std::string where = " in view " + s.view.text();
  if (s.kind == StatementKind::kNotarize) {
    if (done.notarize && *done.notarize != s) cluster_.violation(name(node) + " breaks I1: two Notarize" + where);
    done.notarize = s;
  } else if (s.kind == StatementKind::kNullify) {
    done.nullify = true;
  } else {
    if (done.finalize && *done.finalize != s) cluster_.violation(name(node) + " signs two Finalize" + where);
    done.finalize = s;
  }
  if (done.nullify && done.finalize) cluster_.violation(name(node) + " breaks I2: Nullify and Finalize" + where);
  if (done.notarize && done.finalize &&
      (done.notarize->block != done.finalize->block || done.notarize->parent_view != done.finalize->parent_view)) {
    cluster_.violation(name(node) + " breaks I3: Finalize of another block than it notarized" + where);
  }
}

void Monitor::committed(SimNode& node, const Block& block, const std::optional<Certificate>& certificate) {
  const BlockId id = block_id(block.header);
  const std::uint64_t height = block.header.height.value;
  if (height == chain_.size() + 1) {
    chain_.push_back(id);
    for (const SignedTx& tx : block.txs) {
      if (!txs_.insert(tx_key(tx)).second) cluster_.violation("a transaction is committed twice");
    }
  } else if (height == 0 || height > chain_.size() || chain_[height - 1] != id) {
    cluster_.violation(name(node) + " commits another block at height " + std::to_string(height));
  }
  if (!certificate) return;
  finals_.emplace(std::pair(certificate->statement.epoch_id, certificate->statement.view), id);
  // The quorum by itself: more than two thirds of the weight of the epoch's set.
  const ValidatorSet set = cluster_.committee(block.header.epoch);
  std::uint64_t total = 0;
  std::uint64_t signers = 0;
  for (std::size_t i = 0; i < set.members.size(); ++i) {
    total += set.members[i].weight;
    if (i / 8 < certificate->signers.size() && (certificate->signers[i / 8] >> (i % 8) & 1) != 0) {
      signers += set.members[i].weight;
    }
  }
  if (3 * signers <= 2 * total) cluster_.violation(name(node) + " commits without a quorum");
}

void Monitor::booted(SimNode& node, Height told) {
  const ChainHead head = node.ledger().head();
  const std::uint64_t height = head.header.height.value;
  if (height < told.value) {
    cluster_.violation(name(node) + " was told that height " + told.text() + " is final and wakes up at " +
                       head.header.height.text());
  }
  if (height == 0) return;
  if (height == chain_.size() + 1) {  // durable here, and nobody was told
    const auto block = node.ledger().block(head.id);
    if (block) return committed(node, *block, head.certificate);
  }
  if (height > chain_.size() || chain_[height - 1] != head.id)
    cluster_.violation(name(node) + " wakes up on another block at height " + head.header.height.text());
}

void Monitor::accused(const SimNode& node, const Evidence& evidence) {
  ++proofs_;
  cluster_.report(node, {evidence.key,
                         evidence.epoch,
                         evidence.first.statement,
                         evidence.first.signature,
                         evidence.second.statement,
                         evidence.second.signature,
                         {}});
  if (cluster_.is_honest(evidence.key)) cluster_.violation(name(node) + " has evidence against an honest node");
}

/// A Finalize is due as soon as nothing forbids it, however old its view is.
void Monitor::check_owed(const SimNode& node) {
  const Engine& engine = node.engine();
  if (!engine.votes()) return;
  for (const auto& [view, state] : engine.views()) {
    if (view <= engine.floor() || !state.notarization || state.own_nullify || state.own_finalize) continue;
    const Statement& s = state.notarization->statement;
    const bool other = state.own_notarize && (state.own_notarize->statement.block != s.block ||
                                              state.own_notarize->statement.parent_view != s.parent_view);
    if (other || s.block == engine.tree().tip() || !engine.tree().is_valid(s.block)) continue;
    cluster_.violation(name(node) + " owes a Finalize in view " + view.text());
  }
}

void Monitor::bounds(const SimNode& node) {
  check_owed(node);
  const Footprint f = node.engine().footprint();
  const std::size_t n = node.engine().set().members.size();
  const bool holds = f.views <= kMaxOpenViews + 2 * kMaxViewsAhead && f.votes <= 3 * n * (f.views + 1) &&
                     f.proposals <= kMaxProposalsPerView * (f.views + 1) && f.blocks <= kMaxTreeBlocks &&
                     f.block_bytes <= kMaxTreeBytes && f.pending_checks <= kMaxPendingChecks &&
                     f.pending_bodies <= kMaxPendingBodies && f.fetches <= kMaxFetches && f.path_ids <= kMaxPathIds &&
                     f.tracked_peers <= kMaxTrackedPeers && f.old_boundaries <= kMaxOldBoundaries &&
                     f.held_back <= kMaxHeldBackTxs;
  if (!holds) cluster_.violation(name(node) + " holds more than its bounds");
  // What is below the final view is forgotten: a quiet chain must not grow in memory.
  const std::uint64_t open = node.engine().view().value - node.engine().floor().value + 2 * kMaxViewsAhead + 2;
  if (f.views > open) cluster_.violation(name(node) + " keeps views below its final one");
  if (node.journal_bytes() > cluster_.journal_limit()) cluster_.violation(name(node) + " has a journal without bound");
}

}  // namespace micro::test
