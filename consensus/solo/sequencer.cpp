#include "consensus/solo/sequencer.hpp"

#include <algorithm>

#include "consensus/core/certificate.hpp"

namespace micro {

Result<Sequencer> Sequencer::start(Ledger& ledger, StatementLog& log, const Ed25519Secret& key, const ChainHead& head,
                                   const ProposeLimits& limits) {
  Sequencer out(ledger, log, key, head, limits);
  TRY(out.enter_epoch());
  TRY(out.resume());
  return out;
}

Status Sequencer::enter_epoch() {
  set_ = TRY(ledger_->validators(head_.epoch));
  TRY(check_validator_set(set_));
  const auto me = std::ranges::find(set_.members, key_.public_key(), &Validator::key);
  if (me == set_.members.end() || me->weight < quorum_weight(set_)) {
    return fail(Fault::kDenied, "this node's consensus key does not decide alone in epoch " + head_.epoch.text(),
                "start it with the key that the genesis names as the only validator");
  }
  epoch_id_ = epoch_id(head_.chain, head_.epoch, head_.last_of_previous, validator_set_hash(set_));
  parent_view_ = View(0);
  next_view_ = View(1);
  return {};
}

Status Sequencer::resume() {
  const bool in_epoch = head_.certificate && head_.certificate->statement.epoch_id == epoch_id_;
  if (in_epoch) {
    parent_view_ = head_.certificate->statement.view;
    next_view_ = parent_view_.next();
  }
  const std::optional<SignedStatement>& last = log_->last();
  const Epoch last_epoch = last ? last->block.header.epoch : Epoch(0);
  if (last && (last_epoch > head_.epoch || last->block.header.height.value > head_.header.height.value + 1)) {
    return fail(Fault::kCorrupt, "the signer's log is ahead of the ledger: blocks that were final are missing",
                "restore the ledger's data; the log must never be removed to get past this");
  }
  const bool knows_head = last && head_.certificate && last->statement == head_.certificate->statement;
  const bool pending = last && last->statement.epoch_id == epoch_id_ && last->block.header.parent == head_.id;
  if (pending) {
    TRY(ledger_->execute(last->block));
    TRY(seal(Block(last->block), Statement(last->statement)));
    return {};
  }
  // Without its log the key may have signed one statement that nobody has seen. Its view is never used again.
  if (!knows_head && head_.header.height.value > 0) next_view_ = next_view_.next();
  return {};
}

Result<std::optional<Sealed>> Sequencer::step(TimeMs now, bool txs_wait) {
  const bool epoch_over = now >= epoch_end();
  if (!epoch_over && !txs_wait) return std::optional<Sealed>{};
  const TimeMs time = std::max(now, TimeMs(head_.header.time.value + 1));
  Block block = TRY(ledger_->propose(head_.id, time, limits_));
  if (block.txs.empty() && !block.header.boundary) return std::optional<Sealed>{};
  const Statement statement{StatementKind::kFinalize, epoch_id_, next_view_, parent_view_, block_id(block.header)};
  return std::optional(TRY(seal(std::move(block), statement)));
}

Result<Sealed> Sequencer::seal(Block block, const Statement& statement) {
  SignedStatement promise{statement, std::move(block)};
  TRY(log_->record(promise));
  Sealed sealed{std::move(promise.block), statement.block, {}};
  sealed.certificate = TRY(certify(statement, set_, std::span(&key_, 1)));
  TRY(ledger_->finalize(sealed.id, sealed.certificate));
  head_.id = sealed.id;
  head_.header = sealed.block.header;
  head_.certificate = sealed.certificate;
  parent_view_ = statement.view;
  next_view_ = statement.view.next();
  if (head_.header.boundary) {
    head_.epoch = head_.epoch.next();
    head_.epoch_started = head_.header.time;
    head_.last_of_previous = head_.id;
    TRY(enter_epoch());
  }
  return sealed;
}

}  // namespace micro
