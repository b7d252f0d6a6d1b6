#include <algorithm>

#include "chain/crypto/hash.hpp"
#include "consensus/core/certificate.hpp"
#include "consensus/core/engine.hpp"
#include "consensus/core/rules.hpp"

namespace micro::simplex {

// --- answering ---

/// A budget for each peer and Δ: what costs us a look-up and our link must not be free for others.
bool Engine::may_answer(const Ed25519Key& peer) {
  if (now_.at >= answers_until_) {
    answers_.clear();
    answers_until_ = after(config_.delta_ms);
  }
  const bool has_room = answers_.size() < kMaxTrackedPeers || answers_.contains(peer);
  if (!has_room || answers_[peer] >= kMaxAnswersPerPeer) {
    count(Counter::kDroppedAnswers);
    return false;
  }
  ++answers_[peer];
  return true;
}

void Engine::on_ask(const Ed25519Key& from, Epoch asker, const Ask& ask) {
  if (ask.kind == AskKind::kBlocks) {
    if (!may_answer(from)) return;
    count(Counter::kBlocksServed);
    Blocks out;
    std::size_t bytes = 0;
    const BlockTree::Node* node = tree_.find(ask.block);
    if (node == nullptr) {
      out_.push_back(ServeBlocks{from, ask.block, ask.above});
      return;
    }
    for (; node != nullptr && node->block->header.height > ask.above && out.blocks.size() < kMaxBlocksPerAnswer;
         node = tree_.find(node->block->header.parent)) {
      bytes += node->bytes;
      if (bytes > kMaxAnswerBytes && !out.blocks.empty()) break;
      out.blocks.push_back(*node->block);
    }
    if (!out.blocks.empty()) send(from, std::move(out));
    return;
  }
  if (asker != epoch()) {
    Message message{kMessageVersion, asker, ask};
    return on_other_epoch(from, message);
  }
  Certificates out;
  if (ask.kind == AskKind::kStatus) {
    if (final_ && final_->statement.view > ask.from) out.certificates.push_back(*final_);
  } else {
    for (auto it = views_.lower_bound(ask.from); it != views_.end() && it->first <= ask.to; ++it) {
      for (const auto* c : {&it->second.notarization, &it->second.nullification, &it->second.finalization}) {
        if (*c && out.certificates.size() < kMaxCertificatesPerMessage) out.certificates.push_back(**c);
      }
    }
    if (out.certificates.empty() && final_ && final_->statement.view >= ask.from) out.certificates.push_back(*final_);
  }
  if (!out.certificates.empty() && may_answer(from)) send(from, std::move(out));
}

/// A peer in an older epoch gets what ended it; a newer one is asked for that.
void Engine::on_other_epoch(const Ed25519Key& from, Message& message) {
  // A certificate from there is an answer itself: answering it would never end.
  if (message.epoch < epoch() && std::holds_alternative<Certificates>(message.body)) return;
  if (!may_answer(from)) return;
  if (message.epoch > epoch()) {
    count(Counter::kStatusAsked);
    return send(from, Ask{AskKind::kStatus, final_view(), {}, {}, {}});
  }
  count(Counter::kStaleEpoch);
  if (!RULE(kOldEpochAnswer)) return;
  count(Counter::kOldEpochHelped);
  const auto it = boundaries_.find(message.epoch);
  if (it == boundaries_.end()) {
    out_.push_back(ServeBoundary{from, message.epoch});
    return;
  }
  Certificates out;
  out.certificates.push_back(it->second);
  out_.push_back(Send{from, std::make_shared<const Message>(Message{kMessageVersion, message.epoch, std::move(out)})});
}

/// A peer still votes in `view`, which is over here: what moved this node moves that one.
void Engine::help(const Ed25519Key& peer, View view) {
  Certificates out;
  if (final_ && final_->statement.view >= view) out.certificates.push_back(*final_);
  const auto add = [&](View v) {
    const auto it = views_.find(v);
    if (it == views_.end()) return;
    for (const auto* c : {&it->second.notarization, &it->second.nullification}) {
      if (*c) out.certificates.push_back(**c);
    }
  };
  add(view);
  if (view.next() != cur_) add(View(cur_.value - 1));
  if (out.certificates.empty() || !may_answer(peer)) return;
  count(Counter::kHelped);
  send(peer, std::move(out));
}

// --- asking ---

void Engine::want_block(const BlockId& id, View view, Height above) {
  if (!RULE(kFetchBodies)) return;
  const auto it = fetches_.find(id);
  if (it != fetches_.end()) {
    it->second.wanted = true;
  } else if (fetches_.size() < kMaxFetches) {
    fetches_[id] = {now_.at, view, above, true};
  }
}

void Engine::want_certificates(View from, View to) {
  if (!need_ || need_->from != from || need_->to != to) {
    if (need_ && need_->wanted) return;  // one range at a time: the first that is missing
    const Instant next = need_ ? std::max(need_->next, now_.at) : now_.at;
    need_ = CertificateNeed{from, to, next, true};
  }
  need_->wanted = true;
}

/// Mostly someone who signed what that view certified, or voted in it; now and then anyone. Votes alone mislead: where
/// a leader equivocated, those that are known may all be for the other block.
std::optional<Ed25519Key> Engine::some_member(View signed_view) {
  const auto& members = epoch_.set.members;
  std::vector<std::uint16_t> candidates;
  const auto it = views_.find(signed_view);
  const Certificate* certified = it == views_.end() ? nullptr : it->second.certified();
  for (std::uint16_t i = 0; i < members.size(); ++i) {
    if (i == me_ || it == views_.end()) continue;
    const bool signs = certified != nullptr ? has_signer(*certified, i) : it->second.notarizes.by(i) != nullptr;
    if (signs) candidates.push_back(i);
  }
  if (candidates.empty() || random_.draw_u64() % 4 == 0) {
    candidates.clear();
    for (std::uint16_t i = 0; i < members.size(); ++i) {
      if (i != me_) candidates.push_back(i);
    }
  }
  if (candidates.empty()) return std::nullopt;
  return members[candidates[random_.draw_u64() % candidates.size()]].key;
}

void Engine::send_requests() {
  std::erase_if(fetches_, [](const auto& entry) { return !entry.second.wanted; });
  if (need_ && !need_->wanted) need_.reset();
  for (auto& [id, fetch] : fetches_) {
    if (fetch.next > now_.at) continue;
    fetch.next = after(2ULL * config_.delta_ms);
    const auto peer = some_member(fetch.view);
    if (!peer) continue;
    count(Counter::kBlocksAsked);
    send(*peer, Ask{AskKind::kBlocks, {}, {}, id, fetch.above});
  }
  if (need_ && need_->next <= now_.at) {
    need_->next = after(config_.delta_ms);
    if (const auto peer = some_member(View(0))) {
      count(Counter::kCertificatesAsked);
      send(*peer, Ask{AskKind::kCertificates, need_->from, need_->to, {}, {}});
    }
  }
}

void Engine::on_blocks(const Ed25519Key& from, Blocks& blocks) {
  if (blocks.blocks.empty()) return;
  PendingBlocks pending;
  CheckItem item;
  BlockId expected = block_id(blocks.blocks.front().header);
  if (!fetches_.contains(expected)) return;  // late, or never asked for
  for (Block& block : blocks.blocks) {
    const BlockId id = block_id(block.header);
    if (id != expected) {
      count(Counter::kBadBodies);
      out_.push_back(Blame{from, "an answer whose blocks do not follow each other"});
      break;
    }
    expected = block.header.parent;
    pending.ids.push_back(id);
    item.bodies.push_back(std::make_shared<const Block>(std::move(block)));
  }
  Encoder key;
  key.put(from).put(pending.ids.front());
  verify({from, blake2b_256(key.bytes()), std::move(pending)}, std::move(item));
}

/// Blocks that hang together and begin with one that was asked for. Where there is no room, the newest of the path make
/// it: the oldest are needed first.
void Engine::add_synced(const std::vector<BlockPtr>& blocks) {
  if (!fetches_.contains(block_id(blocks.front()->header))) return;
  for (const BlockPtr& block : blocks) {
    const Header& header = block->header;
    if (header.height <= tree_.tip_header().height) return;
    const BlockId id = block_id(header);
    if (!path_.empty() && path_.begin()->first > tree_.tip_header().height.next()) {
      // Still walking back: the path learns the parent even if the body finds no place.
      if (path_.begin()->second == id) lengthen_path(Height(header.height.value - 1), header.parent);
    } else if (path_.empty() && target_ && target_->statement.block == id) {
      path_[header.height] = id;
      path_[Height(header.height.value - 1)] = header.parent;
    }
    if (path_.contains(tree_.tip_header().height)) path_.erase(tree_.tip_header().height);
    if (add_body(id, block, cur_)) continue;
    if (!drop_farthest(header.height) || !tree_.add(id, block, cur_)) return count(Counter::kDroppedBodies);
  }
}

/// The highest body of the path above a height: its turn is the last. Over the bodies, not over the path, which may
/// have millions of ids.
bool Engine::drop_farthest(Height above) {
  std::optional<BlockId> farthest;
  Height at = above;
  for (const auto& [id, node] : tree_.nodes()) {
    const Height height = node.block->header.height;
    if (height <= at || node.state != BlockState::kUnknown || node.journaled || !is_on_path(id, height)) continue;
    farthest = id;
    at = height;
  }
  if (farthest) tree_.drop(*farthest);
  return farthest.has_value();
}

// --- repeating ---

void Engine::retry_nullify() {
  retry_timer_.reset();
  const auto it = views_.find(cur_);
  if (!RULE(kRetry) || it == views_.end() || !it->second.own_nullify) return;
  count(Counter::kNullifyRetried);
  retry_timer_ = after(config_.retry_ms);
  const auto before = views_.find(View(cur_.value - 1));
  Certificates admitted;
  if (before != views_.end()) {
    for (const auto* c : {&before->second.notarization, &before->second.nullification, &before->second.finalization}) {
      if (*c) {
        admitted.certificates.push_back(**c);
        break;
      }
    }
  } else if (final_ && final_->statement.view.next() == cur_) {
    admitted.certificates.push_back(*final_);
  }
  if (!admitted.certificates.empty()) broadcast(std::move(admitted));
  Votes votes;
  votes.votes.push_back(*it->second.own_nullify);
  broadcast(std::move(votes));
}

/// Nothing became final for long: everything that could be missing somewhere is sent again, a capped part of it a
/// round.
void Engine::standstill() {
  standstill_timer_ = after(config_.standstill_ms);
  if (!RULE(kStandstill)) return;
  count(Counter::kStandstills);
  std::vector<std::variant<const Certificate*, const Vote*>> items;
  if (final_) items.emplace_back(&*final_);
  for (const auto& [view, state] : views_) {
    for (const auto* c : {&state.notarization, &state.nullification, &state.finalization}) {
      if (*c && !(final_ && (*c)->statement == final_->statement)) items.emplace_back(&**c);
    }
    for (const auto* v : {&state.own_notarize, &state.own_nullify, &state.own_finalize}) {
      if (*v) items.emplace_back(&**v);
    }
  }
  Certificates certificates;
  Votes votes;
  const std::size_t n = std::min<std::size_t>(items.size(), config_.standstill_items);
  if (n < items.size()) count(Counter::kStandstillsCapped);
  for (std::size_t i = 0; i < n; ++i) {
    const auto& item = items[(standstill_cursor_ + i) % items.size()];
    if (const auto* c = std::get_if<const Certificate*>(&item)) {
      certificates.certificates.push_back(**c);
    } else {
      votes.votes.push_back(*std::get<const Vote*>(item));
    }
  }
  if (RULE(kStandstillRotates) && !items.empty()) standstill_cursor_ = (standstill_cursor_ + n) % items.size();
  if (!certificates.certificates.empty()) broadcast(std::move(certificates));
  if (!votes.votes.empty()) broadcast(std::move(votes));
  const auto current = views_.find(cur_);
  if (current != views_.end() && current->second.own_notarize && leaders_.leader(cur_) == me_) {
    broadcast(open_proposal(*current->second.own_notarize, true));
  }
  if (const auto peer = some_member(View(0))) {
    count(Counter::kStatusAsked);
    send(*peer, Ask{AskKind::kStatus, final_view(), {}, {}, {}});
  }
}

}  // namespace micro::simplex
