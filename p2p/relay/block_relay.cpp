#include "p2p/relay/block_relay.hpp"

#include <algorithm>

#include "p2p/relay/short_ids.hpp"

namespace micro::p2p {
BlockRelay::Peer* BlockRelay::find(const PeerId& peer) {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : &found->second;
}

Status BlockRelay::connected(const PeerId& peer, PeerFacts /*facts*/, Instant /*now*/) {
  if (peers_.contains(peer) || peers_.size() >= kMaxRelayPeers) return fail(Fault::kBusy, "no room for a relay's peer");
  peers_[peer];
  return {};
}

void BlockRelay::disconnected(const PeerId& peer, Instant now) {
  if (peers_.erase(peer) == 0) return;
  std::erase(at_once_, peer);
  for (auto& [block, told] : told_) told.erase(peer);
  offences_.erase(peer);
  ready_.erase(peer);
  std::vector<BlockKey> blocks;
  for (const auto& [block, job] : jobs_) blocks.push_back(block);
  for (const BlockKey& block : blocks) {
    Job& job = jobs_.at(block);
    job.waiting.erase(peer);
    refuse(block, job, peer, now);
  }
}

// --- what waits for a peer ---

void BlockRelay::say(const PeerId& to, const BlockFrameOf& frame) {
  Peer* const peer = find(to);
  if (peer == nullptr) return;
  Bytes bytes = encode(frame);
  peer->control_bytes += bytes.size();
  peer->control.push_back(std::move(bytes));
  if (peer->control.size() > kMaxQueuedBlockNews) {
    peer->control_bytes -= peer->control.front().size();
    peer->control.pop_front();
    ++stats_.passed_over;
  }
  ready_.insert(to);
}

void BlockRelay::answer(const PeerId& to, std::variant<GetCompact, GetBlockItems> request) {
  Peer* const peer = find(to);
  if (peer == nullptr) return;
  if (peer->answers.size() >= kMaxQueuedBlockAnswers) {
    return std::visit([&](const auto& one) { say(to, NoBlock{.block = one.block}); }, request);
  }
  peer->answers.push_back(std::move(request));
  ready_.insert(to);
}

std::vector<PeerId> BlockRelay::take_ready() {
  const auto ready = std::exchange(ready_, {});
  return {ready.begin(), ready.end()};
}

Bytes BlockRelay::next_frame(const PeerId& to, Instant /*now*/) {
  Peer* const peer = find(to);
  if (peer == nullptr || (peer->control.empty() && peer->answers.empty())) return {};
  if (peer->control.empty()) {
    const auto request = std::move(peer->answers.front());
    peer->answers.pop_front();
    return encode(std::visit([this](const auto& one) { return answer_to(one); }, request));
  }
  Bytes out = std::move(peer->control.front());
  peer->control.pop_front();
  peer->control_bytes -= out.size();
  return out;
}

// --- news: who tells whom ---

std::set<PeerId>& BlockRelay::told_of(const BlockKey& block) {
  const auto found = std::ranges::find(told_, block, [](const auto& one) { return one.first; });
  if (found != told_.end()) return found->second;
  told_.emplace_front(block, std::set<PeerId>());
  if (told_.size() > kMaxRecentBlocks) told_.pop_back();
  return told_.front().second;
}

void BlockRelay::tell(const BlockKey& block, ByteView header, const CompactBlock& compact, bool headers_too) {
  std::set<PeerId>& told = told_of(block);
  for (const auto& [peer, one] : peers_) {
    if (told.contains(peer)) continue;
    if (one.wants_at_once && one.control_bytes <= kMaxQueuedBlockNewsBytes) {
      say(peer, compact);
    } else if (headers_too) {
      say(peer, NewHeader{.header = Blob<kMaxHeaderBytes>(header)});
    } else {
      continue;
    }
    told.insert(peer);
  }
}

CompactBlock BlockRelay::compact_of(const BlockParts& parts, const std::vector<std::uint32_t>& prefill) {
  CompactBlock out{.header = Blob<kMaxHeaderBytes>(ByteView(parts.header)),
                   .nonce = random_.draw_u64(),
                   .short_ids = {},
                   .prefilled = {}};
  const SipKey key = short_id_key(parts.header, out.nonce);
  std::size_t bytes = 0;
  auto next = prefill.begin();
  for (std::uint32_t at = 0; at < parts.items.size(); ++at) {
    const Bytes& item = *parts.items[at];
    const bool wished = next != prefill.end() && *next == at;
    if (wished) ++next;
    if (wished && bytes + item.size() <= kMaxPrefillBytes && out.prefilled.size() < kMaxPulledIds) {
      bytes += item.size();
      out.prefilled.push_back({.index = at, .item = ItemBlob(ByteView(item))});
      continue;
    }
    const auto id = source_.id_of(item);
    out.short_ids.push_back(id ? short_id_of(key, *id) : ShortItemId());
  }
  return out;
}

void BlockRelay::publish(const BlockKey& block, const std::vector<std::uint32_t>& likely_missing, Instant /*now*/) {
  const auto parts = source_.find(block);
  if (!parts) return;
  if (const auto job = jobs_.find(block); job != jobs_.end()) serve_waiting(block, job->second);
  drop(block);  // it came from elsewhere at the same time
  tell(block, parts->header, compact_of(*parts, likely_missing), true);
}

// Peers that brought a new block first tell of the next ones at once.
void BlockRelay::prefer(const PeerId& peer) {
  if (find(peer) == nullptr) return;
  if (std::erase(at_once_, peer) == 0) say(peer, SetMode{.at_once = true});
  at_once_.push_front(peer);
  if (at_once_.size() <= kMaxAtOncePeers) return;
  say(at_once_.back(), SetMode{.at_once = false});
  at_once_.pop_back();
}

void BlockRelay::on(const PeerId& from, const SetMode& frame, Instant /*now*/) {
  const auto served = std::ranges::count_if(peers_, [](const auto& one) { return one.second.wants_at_once; });
  Peer& peer = *find(from);
  peer.wants_at_once = frame.at_once && (peer.wants_at_once || static_cast<std::size_t>(served) < kMaxServedAtOnce);
}

// --- what comes ---

Status BlockRelay::on_frame(const PeerId& from, ByteView frame, Instant now) {
  if (find(from) == nullptr) return {};
  const auto said = TRY(decode<BlockFrameOf>(frame));
  std::visit([&](const auto& one) { on(from, one, now); }, said);
  return {};
}

// The job of the block that a peer tells of; null where there is nothing to do or no room.
BlockRelay::Job* BlockRelay::note(const PeerId& from, ByteView header, Instant now) {
  const auto block = source_.key_of(header);
  if (!block) {
    offend(from, 1);
    return nullptr;
  }
  if (source_.knows(*block)) {
    // Only of recent ones: nobody makes us forget those by telling of old ones.
    const auto recent = std::ranges::find(told_, *block, [](const auto& one) { return one.first; });
    if (recent != told_.end()) recent->second.insert(from);
    return nullptr;
  }
  if (const auto found = jobs_.find(*block); found != jobs_.end()) {
    auto& announcers = found->second.announcers;
    const bool is_new = std::ranges::find(announcers, from) == announcers.end();
    if (is_new && announcers.size() < kMaxBlockAnnouncers) announcers.push_back(from);
    told_of(*block).insert(from);
    return &found->second;
  }
  Peer& peer = *find(from);
  if (jobs_.size() >= kMaxBlockJobs || peer.jobs >= kMaxJobsOfPeer) {
    ++stats_.passed_over;
    return nullptr;
  }
  ++peer.jobs;
  told_of(*block).insert(from);
  Job& job = jobs_[*block];
  job.header = to_bytes(header);
  job.first = from;
  job.announcers = {from};
  job.until = now.plus_ms(kBlockJudgeMs);
  headers_.push_back({.block = *block, .header = job.header, .from = from});
  return &job;
}

void BlockRelay::on(const PeerId& from, const NewHeader& frame, Instant now) {
  note(from, frame.header, now);
}

void BlockRelay::on(const PeerId& from, const CompactBlock& frame, Instant now) {
  if (!is_sound(frame)) return offend(from, 1);
  if (Job* const job = note(from, frame.header, now)) take_compact(from, frame, *job, now);
}

void BlockRelay::on(const PeerId& from, const GetCompact& frame, Instant /*now*/) {
  if (!source_.find(frame.block)) return wait_for(frame.block, from, std::nullopt);
  told_of(frame.block).insert(from);
  answer(from, frame);
}

void BlockRelay::on(const PeerId& from, const GetBlockItems& frame, Instant /*now*/) {
  if (frame.indexes.empty() || std::ranges::adjacent_find(frame.indexes, std::greater_equal()) != frame.indexes.end()) {
    return offend(from, 1);
  }
  if (source_.find(frame.block)) return answer(from, frame);
  wait_for(frame.block, from, frame);
}

// Whoever was told of it at once may ask before it is whole here.
void BlockRelay::wait_for(const BlockKey& block, const PeerId& peer, std::optional<GetBlockItems> items) {
  const auto job = jobs_.find(block);
  if (job == jobs_.end() || job->second.waiting.size() >= kMaxWaitingForItems)
    return say(peer, NoBlock{.block = block});
  job->second.waiting[peer] = std::move(items);
}

void BlockRelay::serve_waiting(const BlockKey& block, Job& job) {
  for (auto& [peer, request] : std::exchange(job.waiting, {})) {
    if (request) {
      answer(peer, *std::move(request));
    } else {
      answer(peer, GetCompact{.block = block});
    }
  }
}

BlockFrameOf BlockRelay::answer_to(const GetCompact& request) {
  const auto parts = source_.find(request.block);
  if (!parts) return NoBlock{.block = request.block};
  return compact_of(*parts, {});
}

BlockFrameOf BlockRelay::answer_to(const GetBlockItems& request) {
  const auto parts = source_.find(request.block);
  if (!parts) return NoBlock{.block = request.block};
  // It was told wrong short ids, perhaps by us: we hand them on before the items are here.
  if (request.indexes.back() >= parts->items.size()) return compact_of(*parts, {});
  BlockItems out{.block = request.block, .items = {}};
  for (const std::uint32_t index : request.indexes) out.items.emplace_back(ByteView(*parts->items[index]));
  return out;
}

void BlockRelay::on(const PeerId& from, const BlockItems& frame, Instant now) {
  const auto found = jobs_.find(frame.block);
  if (found == jobs_.end()) return;
  Job& job = found->second;
  if (job.stage != Stage::kItems || job.asked != from) return;  // too late
  if (!is_answer(job, frame)) {
    offend(from, 1);
    return refuse(frame.block, job, from, now);
  }
  if (!fill(job, frame)) return doubt(frame.block, job, from, now);
  stats_.fetched += frame.items.size();
  whole(frame.block, job, from, now);
}

void BlockRelay::on(const PeerId& from, const NoBlock& frame, Instant now) {
  const auto found = jobs_.find(frame.block);
  if (found != jobs_.end() && found->second.asked == from) refuse(frame.block, found->second, from, now);
}

}  // namespace micro::p2p
