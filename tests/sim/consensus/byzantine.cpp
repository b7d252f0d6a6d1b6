#include "tests/sim/consensus/byzantine.hpp"

#include "tests/sim/consensus/cluster.hpp"

namespace micro::test {

using namespace simplex;  // NOLINT

namespace {
constexpr std::size_t kMaxRecorded = 400;
constexpr std::size_t kMaxSupported = 20'000;
}  // namespace

void Liar::pass(SimNode& to, const MessagePtr& message, std::uint64_t extra_us) {
  cluster_.transmit(node_, to, message, extra_us);
}

void Liar::say(SimNode& to, MessageBody body) {
  pass(to, std::make_shared<const Message>(Message{1, node_.engine().epoch(), std::move(body)}));
}

void Liar::say_to_all(const MessageBody& body) {
  for (auto& to : cluster_.nodes()) {
    if (to.get() != &node_) say(*to, body);
  }
}

std::optional<Vote> Liar::vote(StatementKind kind, View view, View parent, const BlockId& block) {
  const Engine& engine = node_.engine();
  const auto& members = engine.set().members;
  const auto me = std::ranges::find(members, node_.key(), &Validator::key);
  if (me == members.end()) return std::nullopt;
  Statement s{kind, engine.epoch_id(), view, parent, block};
  return Vote{s, static_cast<std::uint16_t>(me - members.begin()), node_.signer().sign(statement_hash(s))};
}

/// Notarize and Finalize for whatever was said, whether it makes sense or not.
void Liar::support(const Statement& s) {
  if (!node_.is_up() || s.kind == StatementKind::kNullify || s.epoch_id != node_.engine().epoch_id()) return;
  if (supported_.size() > kMaxSupported || !supported_.insert(encode(s)).second) return;
  Votes votes;
  for (const auto kind : {StatementKind::kNotarize, StatementKind::kFinalize}) {
    if (auto v = vote(kind, s.view, s.parent_view, s.block)) votes.votes.push_back(*v);
  }
  if (!votes.votes.empty()) say_to_all(votes);
}

void Liar::hears(const Message& message) {
  if (recorded_.size() < kMaxRecorded && cluster_.dice().chance(50'000)) {
    recorded_.push_back(std::make_shared<const Message>(message));
  }
  const Behaviour b = node_.behaviour();
  if (b == Behaviour::kSwapper) return relay_swapped(message);
  if (b != Behaviour::kLyingProposer && b != Behaviour::kEquivocator && b != Behaviour::kNuller) return;
  if (const auto* proposal = std::get_if<Proposal>(&message.body)) support(proposal->vote.statement);
}

/// An honest leader's proposal with a body that it never made.
void Liar::relay_swapped(const Message& message) {
  const auto* proposal = std::get_if<Proposal>(&message.body);
  if (proposal == nullptr || !proposal->block || !node_.is_up() || !cluster_.dice().chance(300'000)) return;
  Proposal out = *proposal;
  if (cluster_.dice().chance(500'000)) {
    out.block->txs.push_back(model_tx(79));
  } else {
    out.block->header.time = TimeMs(2);
  }
  cluster_.count(SimFault::kSwapped);
  say_to_all(out);
}

void Liar::sends(SimNode& to, const MessagePtr& message) {
  Dice& dice = cluster_.dice();
  switch (node_.behaviour()) {
    case Behaviour::kEquivocator:
      if (const auto* proposal = std::get_if<Proposal>(&message->body); proposal != nullptr && to.index() % 2 == 1) {
        return equivocate(to, *proposal);
      }
      return pass(to, message);
    case Behaviour::kWithholder: {
      const bool is_dear = std::holds_alternative<Proposal>(message->body) ||
                           std::holds_alternative<Certificates>(message->body) ||
                           std::holds_alternative<Blocks>(message->body);
      if (!is_dear || !dice.chance(600'000)) return pass(to, message);
      cluster_.count(SimFault::kWithheld);
      if (const auto* proposal = std::get_if<Proposal>(&message->body); proposal != nullptr && dice.chance(500'000)) {
        Proposal bare = *proposal;
        bare.block.reset();
        bare.certificates.clear();
        say(to, bare);
      }
      return;
    }
    case Behaviour::kSlowDrip:
      cluster_.count(SimFault::kDripped);
      return pass(to, message, dice.between(100'000, 400'000));
    case Behaviour::kSwapper:
      if (dice.chance(600'000)) return swap_attachments(to, *message);
      return pass(to, message);
    case Behaviour::kClockLiar:
      if (std::holds_alternative<Proposal>(message->body)) cluster_.count(SimFault::kFutureBlock);
      return pass(to, message);
    case Behaviour::kTwins:
      cluster_.count(SimFault::kTwinSplit);
      // Which of the two a peer hears changes every second.
      if (((cluster_.now().ns / 1'000'000'000 + to.index() * 7 + node_.index()) >> 1) % 2 == 0 && !cluster_.healed())
        return;
      return pass(to, message);
    default:
      return pass(to, message);
  }
}

/// Another valid block for this one.
void Liar::equivocate(SimNode& to, const Proposal& honest) {
  if (!honest.block) return say(to, honest);
  auto [it, is_new] = other_block_.try_emplace({node_.engine().epoch(), honest.vote.statement.view});
  if (is_new) {
    const TimeMs later(honest.block->header.time.value + 1);
    auto other = node_.ledger().port().propose(honest.block->header.parent, later, {.max_bytes = 0, .max_txs = 0});
    if (!other) return say(to, honest);
    it->second = std::move(*other);
  }
  cluster_.count(SimFault::kEquivocation);
  Proposal out = honest;
  out.block = it->second;
  const Statement& s = honest.vote.statement;
  if (auto v = vote(StatementKind::kNotarize, s.view, s.parent_view, block_id(it->second.header))) out.vote = *v;
  say(to, out);
  if (cluster_.dice().chance(300'000)) say(to, honest);
}

/// What nobody signed for is changed on the way: the receiver must not blame the leader.
void Liar::swap_attachments(SimNode& to, const Message& message) {
  Dice& dice = cluster_.dice();
  Message out = message;
  const auto spoil = [&](auto& certificates) {
    for (Certificate& c : certificates) {
      if (c.signatures.empty() || !dice.chance(700'000)) continue;
      if (dice.chance(500'000)) {
        c.signatures.front().data[3] ^= 1;
      } else {
        c.statement.block.data[0] ^= 1;
      }
    }
  };
  if (auto* proposal = std::get_if<Proposal>(&out.body)) {
    spoil(proposal->certificates);
    if (proposal->block && dice.chance(700'000)) {
      if (dice.chance(500'000)) {
        proposal->block->txs.push_back(model_tx(77));
      } else {
        proposal->block->header.time = TimeMs(1);
      }
    }
  } else if (auto* held = std::get_if<Certificates>(&out.body)) {
    spoil(held->certificates);
  } else if (auto* votes = std::get_if<Votes>(&out.body)) {
    if (!dice.chance(100'000)) return pass(to, std::make_shared<const Message>(std::move(out)));
    votes->votes.front().signature.data[9] ^= 4;
  } else if (auto* blocks = std::get_if<Blocks>(&out.body)) {
    if (!blocks->blocks.empty()) blocks->blocks.front().txs.push_back(model_tx(78));
  } else {
    return pass(to, std::make_shared<const Message>(std::move(out)));
  }
  cluster_.count(SimFault::kSwapped);
  pass(to, std::make_shared<const Message>(std::move(out)));
}

void Liar::tick() {
  if (!node_.is_up()) return;
  Dice& dice = cluster_.dice();
  const Engine& engine = node_.engine();
  if (engine.epoch_id() != epoch_id_) old_epoch_id_ = std::exchange(epoch_id_, engine.epoch_id());
  if (engine.epoch() != last_epoch_) {
    last_epoch_ = engine.epoch();
    last_lie_ = View(0);
  }
  if (node_.behaviour() == Behaviour::kLyingProposer) lie_as_leader();
  if (node_.behaviour() == Behaviour::kReplayer && !recorded_.empty()) {
    cluster_.count(SimFault::kReplayed);
    Message old = *recorded_[dice.below(recorded_.size())];
    if (dice.chance(500'000)) old.epoch = engine.epoch();
    const auto message = std::make_shared<const Message>(std::move(old));
    for (auto& to : cluster_.nodes()) {
      if (to.get() != &node_) pass(*to, message);
    }
  }
  if (node_.behaviour() == Behaviour::kNuller && engine.view() > last_lie_) {
    last_lie_ = engine.view();
    cluster_.count(SimFault::kNullAndFinal);
    Votes votes;
    if (auto v = vote(StatementKind::kNullify, engine.view(), View(0), BlockId{})) votes.votes.push_back(*v);
    const auto before = engine.views().find(View(engine.view().value - 1));
    if (before != engine.views().end() && before->second.notarization) {
      const Statement& s = before->second.notarization->statement;
      if (auto v = vote(StatementKind::kFinalize, s.view, s.parent_view, s.block)) votes.votes.push_back(*v);
    }
    if (!votes.votes.empty()) say_to_all(votes);
  }
}

std::optional<Block> Liar::forged_block(const Header& parent, const BlockId& parent_id, bool good) {
  const TimeMs time(std::max(node_.now().wall.value, parent.time.value + 1));
  auto block = node_.ledger().port().propose(parent_id, time, {.max_bytes = 0, .max_txs = 0});
  if (block && good) return *block;
  Block out = block ? *block : Block{};
  out.header.height = parent.height.next();
  out.header.parent = parent_id;
  out.header.time = time;
  out.header.epoch = node_.engine().epoch();
  out.header.state_root.data[5] ^= 0x11;
  return out;
}

/// In its own views, and in others': parents that nobody certified, views skipped without proof, two bodies, roots that
/// do not match, blocks behind the end of the epoch.
void Liar::lie_as_leader() {
  Dice& dice = cluster_.dice();
  const Engine& engine = node_.engine();
  const View view = engine.view();
  if (view <= last_lie_) return;
  const auto& members = engine.set().members;
  const bool leads = members[engine.leader(view)].key == node_.key();
  if (!leads && !dice.chance(50'000)) return;
  last_lie_ = view;
  std::vector<std::pair<View, BlockId>> bases{{View(0), engine.tree().tip()}};
  for (const auto& [v, state] : engine.views()) {
    if (v >= view) break;
    if (state.notarization) bases.emplace_back(v, state.notarization->statement.block);
    for (const Vote& p : state.proposals) bases.emplace_back(v, p.statement.block);
  }
  bases.emplace_back(engine.final_view(), engine.tree().tip());
  const std::size_t copies = dice.between(1, 2);
  for (std::size_t k = 0; k < copies; ++k) {
    auto [parent_view, parent_id] = bases[dice.below(bases.size())];
    // The lie that costs most when it is believed: on a block that is known but was given up.
    const auto before = engine.views().find(View(view.value - 1));
    if (before != engine.views().end() && !before->second.notarization && !before->second.proposals.empty() &&
        dice.chance(500'000)) {
      parent_view = before->first;
      parent_id = before->second.proposals.front().statement.block;
    }
    const Header* parent = engine.tree().header(parent_id);
    if (parent == nullptr) continue;
    auto block = forged_block(*parent, parent_id, dice.chance(750'000));
    if (!block) continue;
    const View claimed = dice.chance(200'000) ? View(dice.below(view.value)) : parent_view;
    auto v = vote(StatementKind::kNotarize, view, claimed, block_id(block->header));
    if (!v) continue;
    if (!old_epoch_id_.is_zero() && dice.chance(100'000)) {
      cluster_.count(SimFault::kStaleProposal);
      v->statement.epoch_id = old_epoch_id_;
      v->signature = node_.signer().sign(statement_hash(v->statement));
    }
    Proposal out;
    out.vote = *v;
    out.block = *block;
    cluster_.count(SimFault::kLie);
    for (auto& to : cluster_.nodes()) {
      if (to.get() != &node_ && (copies == 1 || to->index() % 2 == k)) say(*to, out);
    }
    support(v->statement);
  }
}

}  // namespace micro::test
