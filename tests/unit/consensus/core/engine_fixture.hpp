// One engine among four, with the other members' words put into its ears.
#pragma once

#include <gtest/gtest.h>

#include "consensus/core/certificate.hpp"
#include "tests/sim/consensus/instant_node.hpp"

namespace micro::test {

using namespace simplex;  // NOLINT: the tests speak the engine's words

/// One engine among four, and the keys of all.
class EngineTest : public testing::Test {
 protected:
  void begin(std::size_t members = 4, EngineConfig config = {}) {
    committees_ = small_committee(members);
    for (std::size_t m = 0; m < members; ++m) signers_.emplace_back(kInstantSeed, m, false);
    std::ranges::sort(signers_, {}, [](const SimSigner& s) { return s.key(); });
    node_.emplace(committees_, 0, config);
    node_->start();
    set_ = committees_.set(Epoch(0));
    me_ = index_of(node_->signer().key());
  }
  std::uint16_t index_of(const Ed25519Key& key) {
    return static_cast<std::uint16_t>(std::ranges::find(set_.members, key, &Validator::key) - set_.members.begin());
  }
  Vote vote(std::uint16_t signer, StatementKind kind, std::uint64_t view, std::uint64_t parent = 0,
            BlockId block = {}) {
    const Statement s{kind, node_->engine().epoch_id(), View(view), View(parent), block};
    return {s, signer, signers_[signer].sign(statement_hash(s))};
  }
  Certificate certificate(StatementKind kind, std::uint64_t view, std::uint64_t parent = 0, BlockId block = {}) {
    VoteSet set;
    for (std::uint16_t i = 0; i < set_.members.size(); ++i) set.add(vote(i, kind, view, parent, block), 1);
    return set.certificate(vote(0, kind, view, parent, block).statement, set_.members.size());
  }
  void hear_vote(const Vote& v) {
    Votes votes;
    votes.votes.push_back(v);
    node_->receive(key(v.signer), votes);
  }
  void hear(const Certificate& c) {
    Certificates held;
    held.certificates.push_back(c);
    node_->receive(key(0), held);
  }
  Ed25519Key key(std::uint16_t member) { return set_.members[member].key; }
  std::uint16_t leader(std::uint64_t view) { return node_->engine().leader(View(view)); }
  [[nodiscard]] std::uint16_t other(std::uint16_t n = 1) const { return static_cast<std::uint16_t>((me_ + n) % 4); }
  /// The next view from the current one that this node leads, or does not; views before it are nullified.
  std::uint64_t reach_view(bool led_by_me) {
    while ((leader(node_->engine().view().value) == me_) != led_by_me) {
      hear(certificate(StatementKind::kNullify, node_->engine().view().value));
    }
    return node_->engine().view().value;
  }
  Block block_on_tip(std::uint64_t after_ms = 1) {
    const ChainHead head = node_->ledger().head();
    return node_->ledger().port().propose(head.id, TimeMs(head.header.time.value + after_ms), {}).value();
  }
  Proposal proposal_of(std::uint64_t view, const Block& block, std::uint64_t parent = 0) {
    Proposal out;
    out.vote = vote(leader(view), StatementKind::kNotarize, view, parent, block_id(block.header));
    out.block = block;
    return out;
  }
  /// Own votes of a kind that left since the last call.
  std::vector<Statement> said(StatementKind kind) {
    std::vector<Statement> out;
    for (const auto& [to, message] : node_->take_out()) {
      if (const auto* votes = std::get_if<Votes>(&message->body)) {
        for (const Vote& v : votes->votes) {
          if (v.signer == me_ && v.statement.kind == kind) out.push_back(v.statement);
        }
      } else if (const auto* p = std::get_if<Proposal>(&message->body)) {
        if (p->vote.signer == me_ && kind == StatementKind::kNotarize) out.push_back(p->vote.statement);
      }
    }
    return out;
  }

  /// In the turns that were kept.
  [[nodiscard]] std::size_t signatures_checked() const {
    std::size_t out = 0;
    for (const Effects& turn : node_->turns) {
      for (const Effect& effect : turn) {
        const auto* check = std::get_if<Check>(&effect);
        if (check == nullptr) continue;
        for (const CheckItem& item : check->items) out += item.signatures.size();
      }
    }
    return out;
  }
  /// The number of the last batch that is to be verified, in the turns that were kept.
  [[nodiscard]] std::uint64_t last_batch() const {
    std::uint64_t out = 0;
    for (const Effects& turn : node_->turns) {
      for (const Effect& effect : turn) {
        if (const auto* check = std::get_if<Check>(&effect)) out = check->batch;
      }
    }
    return out;
  }

  Committees committees_;
  std::vector<SimSigner> signers_;
  std::optional<InstantNode> node_;
  ValidatorSet set_;
  std::uint16_t me_ = 0;
};

}  // namespace micro::test
