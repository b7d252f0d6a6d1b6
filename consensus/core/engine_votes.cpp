#include <algorithm>

#include "chain/crypto/hash.hpp"
#include "consensus/core/certificate.hpp"
#include "consensus/core/engine.hpp"
#include "consensus/core/rules.hpp"

namespace micro::simplex {
namespace {

template <class T>
Hash content_key(const T& value) {
  return blake2b_256(encode(value));
}

}  // namespace

// --- what comes in, unverified ---

/// Whether verifying this vote could change anything.
bool Engine::is_interesting(const Vote& vote) {
  const Statement& s = vote.statement;
  if (RULE(kEpochBound) && s.epoch_id != epoch_id_) {
    count(Counter::kStaleEpoch);
    return false;
  }
  if (!is_well_formed(s) || vote.signer >= epoch_.set.members.size()) return false;
  if (s.view <= floor_ || vote.signer == me_) return false;
  if (s.view.value > cur_.value + kMaxViewsAhead) {
    count(Counter::kDroppedAhead);
    return false;
  }
  const auto it = views_.find(s.view);
  const bool is_far_below = s.view.value + kVoteWindowViews < cur_.value;
  if (is_far_below && (s.kind != StatementKind::kFinalize || it == views_.end() || !it->second.notarization))
    return false;
  if (it == views_.end()) return true;
  ViewState& state = it->second;
  const Vote* known = state.votes(s.kind).by(vote.signer);
  if (known != nullptr && known->statement == s) return false;
  const auto& certificate = state.certificate(s.kind);
  return !certificate || certificate->statement != s;
}

void Engine::on_votes(const Ed25519Key& from, const Votes& votes) {
  for (const Vote& vote : votes.votes) {
    const bool is_late = vote.statement.kind == StatementKind::kNullify && vote.statement.epoch_id == epoch_id_ &&
                         vote.statement.view < cur_;
    if (is_late && RULE(kHelpLate)) help(from, vote.statement.view);
    if (!is_interesting(vote)) {
      look_at_late(from, vote);
      continue;
    }
    const Ed25519Key& key = epoch_.set.members[vote.signer].key;
    verify({from, content_key(vote), PendingVote{vote}}, {{{key, statement_hash(vote.statement), vote.signature}}, {}});
  }
}

void Engine::on_certificates(const Ed25519Key& from, std::span<const Certificate> certificates) {
  for (const Certificate& c : certificates) {
    if (c.statement.view <= floor_ && c.statement.epoch_id == epoch_id_) continue;
    const auto signers = check_certificate_shape(c, epoch_.set, epoch_id_);
    if (!signers) {
      count(Counter::kBadCertificates);
      out_.push_back(Blame{from, signers.error().message});
      continue;
    }
    const auto it = views_.find(c.statement.view);
    if (it != views_.end()) {
      const auto& held = it->second.certificate(c.statement.kind);
      if (held && held->statement == c.statement) continue;
    }
    CheckItem item;
    const Hash message = statement_hash(c.statement);
    for (std::size_t i = 0; i < signers->size(); ++i) {
      const std::uint16_t signer = (*signers)[i];
      const Vote* known = it == views_.end() ? nullptr : it->second.votes(c.statement.kind).by(signer);
      const bool is_verified =
          known != nullptr && known->statement == c.statement && known->signature == c.signatures[i];
      if (!is_verified) item.signatures.push_back({epoch_.set.members[signer].key, message, c.signatures[i]});
    }
    verify({from, content_key(c), c}, std::move(item));
  }
}

void Engine::on_proposal(const Ed25519Key& from, Proposal& proposal) {
  on_certificates(from, proposal.certificates);
  const Vote& vote = proposal.vote;
  const Statement& s = vote.statement;
  if (s.kind != StatementKind::kNotarize || s.view < cur_ || s.view <= floor_) return look_at_late(from, vote);
  if (RULE(kEpochBound) && s.epoch_id != epoch_id_) {
    look_at_late(from, vote);
    return count(Counter::kStaleEpoch);
  }
  if (!is_well_formed(s) || vote.signer >= epoch_.set.members.size() ||
      (RULE(kLeaderOnly) && leaders_.leader(s.view) != vote.signer)) {
    count(Counter::kBadProposals);
    out_.push_back(Blame{from, "a proposal that is not its leader's"});
    return;
  }
  if (s.view.value > cur_.value + kMaxViewsAhead) return count(Counter::kDroppedAhead);
  if (vote.signer == me_) return;
  ViewState& state = views_[s.view];
  const bool is_known = state.is_proposed(s);
  if (!is_known && state.proposals.size() >= kMaxProposalsPerView) return;
  const Vote* counted = state.notarizes.by(vote.signer);
  if (!is_known && counted != nullptr && *counted == vote) {
    state.proposals.push_back(vote);
  } else if (!is_known) {
    const Ed25519Key& key = epoch_.set.members[vote.signer].key;
    verify({from, content_key(proposal.vote), PendingVote{vote, true}},
           {{{key, statement_hash(s), vote.signature}}, {}});
  }
  if (!proposal.block || tree_.find(s.block) != nullptr) return;
  if (block_id(proposal.block->header) != s.block) {
    count(Counter::kBadBodies);
    out_.push_back(Blame{from, "a proposal with another block's body"});
    if (!RULE(kBlameAttachments) && s.view == cur_) nullify_current(Counter::kNullifiedInvalid);
    return;
  }
  auto body = std::make_shared<const Block>(std::move(*proposal.block));
  CheckItem item;
  item.bodies.push_back(std::move(body));
  verify({from, s.block.as<Hash>(), PendingBody{s.block, s.view}}, std::move(item));
}

// --- votes that decide nothing any more, and may contradict what their signer said before ---

std::optional<Engine::VotedIn> Engine::voted_in(const Statement& statement) const {
  if (statement.epoch_id == epoch_id_) {
    return VotedIn{epoch(), &epoch_.set, View(cur_.value + kMaxViewsAhead), true};
  }
  const auto past = std::ranges::find(past_, statement.epoch_id, &PastEpoch::id);
  if (past == past_.end()) return std::nullopt;
  return VotedIn{past->epoch, &past->set, View(past->last.value + kMaxViewsAhead), false};
}

/// A budget for each peer and Δ: nothing waits for these.
bool Engine::may_be_late(const Ed25519Key& from) {
  if (now_.at >= late_until_) {
    late_.clear();
    late_until_ = after(config_.delta_ms);
  }
  const bool has_room = late_.size() < kMaxTrackedPeers || late_.contains(from);
  return has_room && gathering_.size() + in_check_.size() < kMaxLateChecks && late_[from]++ < kMaxLateVotesPerPeer;
}

void Engine::look_at_late(const Ed25519Key& from, const Vote& vote) {
  if (!config_.keeps_votes) return;
  const Statement& s = vote.statement;
  const auto in = voted_in(s);
  if (!in || s.view > in->last || !is_well_formed(s) || vote.signer >= in->set->members.size()) return;
  const Ed25519Key& key = in->set->members[vote.signer].key;
  if (key == config_.key) return;
  if (const auto it = views_.find(s.view); in->is_now && it != views_.end()) {
    const Vote* known = it->second.votes(s.kind).by(vote.signer);
    if (known != nullptr && known->statement == s) return;
  }
  if (!may_be_late(from)) return count(Counter::kDroppedPending);
  verify({from, content_key(vote), PendingVote{vote, false, true}}, {{{key, statement_hash(s), vote.signature}}, {}});
}

void Engine::witness(const Vote& vote) {
  if (!config_.keeps_votes) return;
  const auto in = voted_in(vote.statement);
  if (in) out_.push_back(Witnessed{in->epoch, in->set->members[vote.signer].key, vote});
}

// --- verification ---

void Engine::verify(Pending pending, CheckItem item) {
  const bool is_body = std::holds_alternative<PendingBody>(pending.what);
  if (!RULE(kCheckSignatures) && !is_body) return verified(pending, item);
  if (!is_body && pending_keys_.contains(pending.key)) return;
  if (!make_way(pending.from, pending.has_body())) return count(Counter::kDroppedPending);
  if (!is_body) pending_keys_.insert(pending.key);
  Waiting& of_peer = pending_of_[pending.from];
  ++of_peer.items;
  if (pending.has_body()) ++of_peer.bodies, ++pending_bodies_;
  gathering_.push_back(std::move(pending));
  gathering_items_.push_back(std::move(item));
}

/// Room for one more of this peer. Where there is none, the newest of the peer that has the most goes, if it has more:
/// a few who send much must not keep out what the others say.
bool Engine::make_way(const Ed25519Key& from, bool has_body) {
  const auto of = pending_of_.find(from);
  const Waiting mine = of == pending_of_.end() ? Waiting{} : of->second;
  if (mine.items >= kMaxPendingPerPeer || (has_body && mine.bodies >= kMaxPendingBodiesPerPeer)) return false;
  const bool bodies_full = has_body && pending_bodies_ >= kMaxPendingBodies;
  if (!bodies_full && gathering_.size() + in_check_.size() < kMaxPendingChecks) return true;
  const auto how_many = [&](const Waiting& w) { return bodies_full ? w.bodies : w.items; };
  const auto most =
      std::ranges::max_element(pending_of_, {}, [&](const auto& entry) { return how_many(entry.second); });
  if (most == pending_of_.end() || how_many(most->second) <= how_many(mine) + 1) return false;
  for (std::size_t i = gathering_.size(); i-- > 0;) {
    if (gathering_[i].from != most->first || (bodies_full && !gathering_[i].has_body())) continue;
    count(Counter::kDroppedPending);
    stop_waiting(gathering_[i]);
    gathering_.erase(gathering_.begin() + static_cast<std::ptrdiff_t>(i));
    gathering_items_.erase(gathering_items_.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;  // all of it is being verified
}

/// What verifying would still change. With an own vote on its way to the disk a quorum may be complete already; whoever
/// then verifies one vote more, or somebody else's certificate of the same, makes everything behind it wait.
Engine::Worth Engine::worth_of(const Pending& pending) {
  const auto* vote = std::get_if<PendingVote>(&pending.what);
  const auto* certificate = std::get_if<Certificate>(&pending.what);
  if (certificate == nullptr && (vote == nullptr || vote->proposes || vote->is_late)) return Worth::kNow;
  const Statement& s = certificate != nullptr ? certificate->statement : vote->vote.statement;
  const auto it = views_.find(s.view);
  if (s.epoch_id != epoch_id_ || it == views_.end()) return Worth::kNow;
  ViewState& state = it->second;
  const auto& held = state.certificate(s.kind);
  if (held && held->statement == s) return Worth::kNothing;
  const auto& own = state.own(s.kind);
  const bool comes = own && own->statement == s && state.votes(s.kind).by(own->signer) == nullptr;
  const std::uint64_t own_weight = comes ? vote_weight(epoch_.set, own->signer) : 0;
  return own_weight + state.votes(s.kind).weight_of(s) >= quorum_ ? Worth::kLater : Worth::kNow;
}

/// What a certificate has overtaken while it waited is treated as if it came now.
void Engine::drop_decided() {
  std::vector<std::pair<Ed25519Key, Vote>> late;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < gathering_.size(); ++i) {
    Pending& pending = gathering_[i];
    if (worth_of(pending) == Worth::kNothing) {
      stop_waiting(pending);
      if (const auto* vote = std::get_if<PendingVote>(&pending.what)) late.emplace_back(pending.from, vote->vote);
      continue;
    }
    if (kept != i) {
      gathering_[kept] = std::move(pending);
      gathering_items_[kept] = std::move(gathering_items_[i]);
    }
    ++kept;
  }
  gathering_.erase(gathering_.begin() + static_cast<std::ptrdiff_t>(kept), gathering_.end());
  gathering_items_.erase(gathering_items_.begin() + static_cast<std::ptrdiff_t>(kept), gathering_items_.end());
  for (const auto& [from, vote] : late) look_at_late(from, vote);
}

/// Which of those that wait are verified next: everyone's first before anyone's second.
std::vector<bool> Engine::next_batch() {
  std::vector<std::pair<std::size_t, std::size_t>> turns;  // how many of its peer are before it, and where it is
  std::map<Ed25519Key, std::size_t> of_peer;
  for (std::size_t i = 0; i < gathering_.size(); ++i) {
    if (worth_of(gathering_[i]) == Worth::kNow) turns.emplace_back(of_peer[gathering_[i].from]++, i);
  }
  std::ranges::sort(turns);
  std::vector<bool> out(gathering_.size());
  std::size_t items = 0;
  std::size_t signatures = 0;
  for (const auto& [before, i] : turns) {
    signatures += gathering_items_[i].signatures.size();
    if (items == kMaxCheckBatchItems || (items > 0 && signatures > kMaxCheckBatchSignatures)) break;
    out[i] = true;
    ++items;
  }
  return out;
}

void Engine::submit_checks() {
  if (!in_check_.empty() || gathering_.empty()) return;
  drop_decided();
  const std::vector<bool> batch = next_batch();
  std::vector<Pending> waiting;
  std::vector<CheckItem> waiting_items;
  for (std::size_t i = 0; i < gathering_.size(); ++i) {
    (batch[i] ? in_check_ : waiting).push_back(std::move(gathering_[i]));
    (batch[i] ? in_check_items_ : waiting_items).push_back(std::move(gathering_items_[i]));
  }
  gathering_ = std::move(waiting);
  gathering_items_ = std::move(waiting_items);
  if (!in_check_.empty()) out_.push_back(Check{++batch_, in_check_items_});
}

void Engine::stop_waiting(const Pending& pending) {
  pending_keys_.erase(pending.key);
  const auto of = pending_of_.find(pending.from);
  if (of == pending_of_.end()) return;
  if (pending.has_body()) --of->second.bodies, --pending_bodies_;
  if (--of->second.items == 0) pending_of_.erase(of);
}

void Engine::handle(Checked& e) {
  if (e.batch != batch_ || e.holds.size() != in_check_.size()) return;
  const auto pending = std::exchange(in_check_, {});
  const auto items = std::exchange(in_check_items_, {});
  for (std::size_t i = 0; i < pending.size(); ++i) {
    stop_waiting(pending[i]);
    if (halted_) continue;
    if (e.holds[i]) {
      verified(pending[i], items[i]);
    } else {
      refused(pending[i], items[i]);
    }
  }
}

void Engine::verified(const Pending& pending, const CheckItem& item) {
  if (const auto* certificate = std::get_if<Certificate>(&pending.what)) {
    if (certificate->statement.epoch_id != epoch_id_ && RULE(kEpochBound)) return;
    count(Counter::kCertificatesReceived);
    return hold(*certificate, false);
  }
  if (const auto* body = std::get_if<PendingBody>(&pending.what)) {
    const auto it = views_.find(body->view);
    const bool is_proposed = it != views_.end() && it->second.proposes_block(body->id);
    if (is_proposed && !add_body(body->id, item.bodies.front(), body->view)) count(Counter::kDroppedBodies);
    return;
  }
  if (std::holds_alternative<PendingBlocks>(pending.what)) return add_synced(item.bodies);
  const auto& [vote, proposes, is_late] = std::get<PendingVote>(pending.what);
  witness(vote);
  const Statement& s = vote.statement;
  if (is_late) return;
  if ((RULE(kEpochBound) && s.epoch_id != epoch_id_) || s.view <= floor_) return;
  if (proposes && s.view >= cur_) {
    ViewState& state = views_[s.view];
    if (!state.is_proposed(s) && state.proposals.size() < kMaxProposalsPerView) state.proposals.push_back(vote);
  }
  tally(vote);
}

void Engine::refused(const Pending& pending, const CheckItem& item) {
  if (!item.bodies.empty()) {
    count(Counter::kBadBodies);
    if (!RULE(kBlameAttachments)) nullify_current(Counter::kNullifiedInvalid);
    out_.push_back(Blame{pending.from, "a body that its header does not commit to"});
  } else if (std::holds_alternative<Certificate>(pending.what)) {
    count(Counter::kBadCertificates);
    out_.push_back(Blame{pending.from, "a certificate with a wrong signature"});
  } else {
    count(Counter::kBadSignatures);
    out_.push_back(Blame{pending.from, "a vote with a wrong signature"});
  }
}

// --- votes that count ---

bool Engine::can_sign(View view) const {
  return me_ && may_vote_ && view > floor_ && unsynced_.size() < kMaxUnsyncedVotes;
}

/// Signs. The caller holds the rules that allow it; the vote leaves when its record is on the disk, and counts then.
void Engine::cast(const Statement& statement) {
  if (!can_sign(statement.view)) return;
  const Vote vote{statement, *me_, signer_->sign(statement_hash(statement))};
  views_[statement.view].own(statement.kind) = vote;
  const bool is_kept = statement.kind == StatementKind::kNullify ? RULE(kPersistNullify) : RULE(kPersistVote);
  if (is_kept) persist(OwnVote{vote}, RULE(kUrgentVotes));
  unsynced_.emplace_back(sequence_, vote);
  if (!(statement.kind == StatementKind::kNotarize && leaders_.leader(statement.view) == *me_)) {
    Votes votes;
    votes.votes.push_back(vote);
    broadcast(std::move(votes));
  }
}

void Engine::tally(const Vote& vote) {
  const Statement& s = vote.statement;
  if (s.view <= floor_ || (RULE(kEpochBound) && s.epoch_id != epoch_id_)) return;
  ViewState& state = views_[s.view];
  look_for_evidence(state, vote);
  VoteSet& set = state.votes(s.kind);
  if (set.add(vote, vote_weight(epoch_.set, vote.signer)) != VoteSet::Added::kNew) return;
  if (s.kind == StatementKind::kNullify && s.view == cur_ && vote.signer == leaders_.leader(s.view) &&
      vote.signer != me_) {
    nullify_current(Counter::kNullifiedWithLeader);
  }
  if (state.certificate(s.kind) || set.weight_of(s) < quorum_) return;
  count(Counter::kCertificatesFormed);
  hold(set.certificate(s, epoch_.set.members.size()), true);
}

void Engine::look_for_evidence(ViewState& state, const Vote& vote) {
  for (const VoteSet* set : {&state.notarizes, &state.nullifies, &state.finalizes}) {
    const Vote* other = set->by(vote.signer);
    if (other != nullptr && contradict(other->statement, vote.statement)) return accuse(*other, vote);
  }
}

/// One pair a key and epoch is enough.
void Engine::accuse(const Vote& a, const Vote& b) {
  if (!accused_.insert(a.signer).second) return;
  count(Counter::kEvidence);
  out_.push_back(Evidence{epoch(), epoch_.set.members[a.signer].key, a, b});
}

// --- certificates ---

void Engine::hold(const Certificate& certificate, bool formed_here) {
  const Statement& s = certificate.statement;
  if (s.view <= floor_) return;
  const bool has_room = views_.size() < config_.open_views || views_.contains(s.view);
  if (!has_room) {
    if (s.kind != StatementKind::kFinalize || s.view <= final_view()) return;
    if (RULE(kPersistCertificate)) persist(Held{certificate}, RULE(kUrgentAncestors));
    return note_final(certificate);
  }
  ViewState& state = views_[s.view];
  auto& slot = state.certificate(s.kind);
  if (slot && slot->statement == s) return;
  for (const auto* held : {&state.notarization, &state.nullification, &state.finalization}) {
    if (!*held || !contradict((*held)->statement, s)) continue;
    return halt({Fault::kMismatch, "two certificates contradict each other in view " + s.view.text(),
                 "more than a third of the committee's weight lies: keep the proof"},
                {**held, certificate});
  }
  slot = certificate;
  // Ancestors are committed without a certificate of their own: the journal has to know what made them final before the
  // ledger is where only that leads on.
  const BlockTree::Node* node = tree_.find(s.block);
  const bool is_next = node != nullptr && node->block->header.parent == tree_.tip();
  const bool urgent = s.kind == StatementKind::kFinalize && !is_next && RULE(kUrgentAncestors);
  if (RULE(kPersistCertificate)) persist(Held{certificate}, urgent);
  if (formed_here) gossip(certificate);
  if (s.kind == StatementKind::kNotarize) unfinalized_.insert(s.view);
  if (s.kind == StatementKind::kFinalize) note_final(certificate);
  if (!halted_ && s.view >= cur_) enter(s.view.next());
}

/// Everyone forms a certificate from the votes or gets it from who did; to a large set a few copies are enough.
void Engine::gossip(const Certificate& certificate) {
  Certificates out;
  out.certificates.push_back(certificate);
  const auto& members = epoch_.set.members;
  if (members.size() <= kMaxAllToAll) return broadcast(std::move(out));
  std::set<std::uint16_t> to{leaders_.leader(certificate.statement.view.next())};
  while (to.size() <= kGossipPeers) to.insert(static_cast<std::uint16_t>(random_.draw_u64() % members.size()));
  const auto message = std::make_shared<const Message>(Message{kMessageVersion, epoch(), std::move(out)});
  for (const std::uint16_t member : to) {
    if (member != me_) out_.push_back(Send{members[member].key, message});
  }
}

void Engine::note_final(const Certificate& certificate) {
  if (certificate.statement.view <= final_view()) return;
  final_ = certificate;
  if (!target_) target_ = certificate;
  standstill_timer_ = after(config_.standstill_ms);
  standstill_cursor_ = 0;
}

}  // namespace micro::simplex
