// From a header to a whole block: what the pool has, what announcers are asked for, and what the application says.
#include <algorithm>

#include "p2p/relay/block_relay.hpp"
#include "p2p/relay/short_ids.hpp"

namespace micro::p2p {

std::vector<HeaderToJudge> BlockRelay::take_headers() {
  return std::exchange(headers_, {});
}

std::vector<BlockToJudge> BlockRelay::take_blocks() {
  return std::exchange(blocks_, {});
}

std::map<PeerId, double> BlockRelay::take_offences() {
  return std::exchange(offences_, {});
}

void BlockRelay::header_judged(const BlockKey& block, ItemVerdict verdict, Instant now) {
  const auto found = jobs_.find(block);
  if (found == jobs_.end() || found->second.stage != Stage::kHeader) return;
  Job& job = found->second;
  if (verdict == ItemVerdict::kReject) {
    for (const PeerId& peer : job.announcers) offend(peer, 1);
  }
  if (verdict != ItemVerdict::kAccept) return drop(block);
  if (!job.compact) return ask_next(block, job, now);
  tell(block, job.header, *job.compact, false);  // whoever waits for it need not wait for the items
  put_together(block, job, now);
}

// A second one only in place of items that were asked for: whoever answers so says that the first is wrong.
void BlockRelay::take_compact(const PeerId& from, const CompactBlock& frame, Job& job, Instant now) {
  const bool is_asked = job.asked == from;
  if (job.compact) {
    if (job.stage != Stage::kItems || !is_asked || (job.is_own && job.compact_from == from)) return;
    demote(job.compact_from);
    job.is_doubted = true;
  } else if (job.is_doubted && !is_asked) {
    return;
  }
  job.compact = frame;
  job.compact_from = from;
  job.is_own = is_asked;
  if (job.stage != Stage::kHeader) put_together(*source_.key_of(frame.header), job, now);
}

void BlockRelay::put_together(const BlockKey& block, Job& job, Instant now) {
  const CompactBlock& compact = *job.compact;
  job.items.assign(compact.short_ids.size() + compact.prefilled.size(), nullptr);
  for (const PrefilledItem& one : compact.prefilled) {
    job.items[one.index] = std::make_shared<const Bytes>(to_bytes(ByteView(one.item)));
  }
  stats_.prefilled += compact.prefilled.size();
  fill_from_pool(job);
  job.missing.clear();
  for (std::uint32_t at = 0; at < job.items.size(); ++at) {
    if (job.items[at] == nullptr) job.missing.push_back(at);
  }
  if (!job.missing.empty()) {
    ask_first(job, job.compact_from);  // who told of these has them
    return ask_next(block, job, now);
  }
  ++stats_.at_once;
  whole(block, job, job.compact_from, now);
}

// A short id that stands twice in the block or for two items of the pool says nothing: the item is asked for.
void BlockRelay::fill_from_pool(Job& job) {
  const CompactBlock& compact = *job.compact;
  const SipKey key = short_id_key(compact.header, compact.nonce);
  const std::vector<std::uint32_t> places = short_id_places(compact);
  std::map<ShortItemId, std::optional<std::uint32_t>> wanted;  // nothing: ambiguous
  for (std::size_t n = 0; n < places.size(); ++n) {
    const auto [at, is_new] = wanted.emplace(compact.short_ids[n], places[n]);
    if (!is_new) at->second.reset();
  }
  source_.each_item([&](const ItemId& id, const SharedItem& item) {
    const auto found = wanted.find(short_id_of(key, id));
    if (found == wanted.end() || !found->second) return;
    SharedItem& slot = job.items[*found->second];
    if (slot == nullptr) {
      slot = item;
      return;
    }
    slot = nullptr;
    found->second.reset();
  });
  const auto filled = std::ranges::count_if(places, [&](std::uint32_t at) { return job.items[at] != nullptr; });
  stats_.from_pool += static_cast<std::uint64_t>(filled);
  job.from_pool = filled > 0;
}

void BlockRelay::ask_next(const BlockKey& block, Job& job, Instant now) {
  job.asked.reset();
  while (!job.announcers.empty() && find(job.announcers.front()) == nullptr) {
    job.announcers.erase(job.announcers.begin());
  }
  if (job.announcers.empty()) {
    ++stats_.given_up;
    return drop(block);
  }
  job.asked = job.announcers.front();
  job.until = now.plus_ms(kBlockItemsMs);
  if (!job.compact) {
    job.stage = Stage::kCompact;
    return say(*job.asked, GetCompact{.block = block});
  }
  job.stage = Stage::kItems;
  GetBlockItems frame{.block = block, .indexes = {}};
  frame.indexes.assign(job.missing.begin(), job.missing.end());
  say(*job.asked, frame);
}

void BlockRelay::ask_first(Job& job, const PeerId& peer) {
  if (std::erase(job.announcers, peer) > 0) job.announcers.insert(job.announcers.begin(), peer);
}

// `by` has it not, or says what cannot be.
void BlockRelay::refuse(const BlockKey& block, Job& job, const PeerId& by, Instant now) {
  std::erase(job.announcers, by);
  if (job.asked == by) ask_next(block, job, now);
}

// As many as were asked for, each one an item: more cannot be said without the short ids.
bool BlockRelay::is_answer(const Job& job, const BlockItems& frame) const {
  return frame.items.size() == job.missing.size() &&
         std::ranges::all_of(frame.items, [&](const ItemBlob& item) { return source_.id_of(item).has_value(); });
}

// False where these are not the items that the short ids stand for.
bool BlockRelay::fill(Job& job, const BlockItems& frame) {
  const SipKey key = short_id_key(std::span(job.compact->header), job.compact->nonce);
  std::map<std::uint32_t, ShortItemId> expected;
  const std::vector<std::uint32_t> places = short_id_places(*job.compact);
  for (std::size_t n = 0; n < places.size(); ++n) expected[places[n]] = job.compact->short_ids[n];
  for (std::size_t n = 0; n < frame.items.size(); ++n) {
    const auto id = source_.id_of(frame.items[n]);
    if (!id || short_id_of(key, *id) != expected.at(job.missing[n])) return false;
  }
  for (std::size_t n = 0; n < frame.items.size(); ++n) {
    job.items[job.missing[n]] = std::make_shared<const Bytes>(to_bytes(ByteView(frame.items[n])));
  }
  return true;
}

// Short ids and items do not fit. Short ids are handed on before anybody has the items: who told of them need not have
// made them up, and who has the true block gives other items. Only who was asked for his own short ids answers for
// them; `by` is asked for them now.
void BlockRelay::doubt(const BlockKey& block, Job& job, const PeerId& by, Instant now) {
  if (job.is_own && job.compact_from == by) {
    offend(by, 1);
    std::erase(job.announcers, by);
  } else {
    ask_first(job, by);
  }
  drop_compact(job);
  ask_next(block, job, now);
}

void BlockRelay::drop_compact(Job& job) {
  demote(job.compact_from);
  job.compact.reset();
  job.is_own = false;
  job.is_doubted = true;
}

// Others are to tell at once.
void BlockRelay::demote(const PeerId& peer) {
  if (std::erase(at_once_, peer) > 0) say(peer, SetMode{.at_once = false});
}

void BlockRelay::whole(const BlockKey& block, Job& job, const PeerId& from, Instant now) {
  ++stats_.whole;
  job.stage = Stage::kJudged;
  job.asked.reset();
  job.until = now.plus_ms(kBlockJudgeMs);
  blocks_.push_back({.block = block, .parts = {.header = job.header, .items = job.items}, .from = from});
}

void BlockRelay::block_judged(const BlockKey& block, ItemVerdict verdict, Instant now) {
  const auto found = jobs_.find(block);
  if (found == jobs_.end() || found->second.stage != Stage::kJudged) return;
  Job& job = found->second;
  if (verdict == ItemVerdict::kIgnore) return drop(block);
  if (verdict == ItemVerdict::kReject) return judge_again(block, job, now);
  prefer(job.is_doubted ? job.compact_from : job.first);
  serve_waiting(block, job);
  tell(block, job.header, *job.compact, true);
  drop(block);
}

// The header is good, so some items behind it are: if items were put in by their short ids, those are fetched; if not,
// the short ids were made up.
void BlockRelay::judge_again(const BlockKey& block, Job& job, Instant now) {
  if (std::exchange(job.from_pool, false)) {
    ++stats_.collisions;
    job.missing = short_id_places(*job.compact);
    for (const std::uint32_t at : job.missing) job.items[at] = nullptr;
    return ask_next(block, job, now);
  }
  const bool is_known = std::erase(job.announcers, job.compact_from) > 0;
  if (job.is_own) {
    offend(job.compact_from, 1);
  } else if (is_known) {
    job.announcers.push_back(job.compact_from);  // it may have handed on what it could not check
  }
  drop_compact(job);
  ask_next(block, job, now);
}

void BlockRelay::drop(const BlockKey& block) {
  const auto node = jobs_.extract(block);
  if (node.empty()) return;
  for (const auto& [peer, request] : node.mapped().waiting) say(peer, NoBlock{.block = block});
  if (Peer* const peer = find(node.mapped().first); peer != nullptr && peer->jobs > 0) --peer->jobs;
}

Instant BlockRelay::next_deadline() const {
  Instant out = kNever;
  for (const auto& [block, job] : jobs_) out = std::min(out, job.until);
  return out;
}

void BlockRelay::expire(Instant now) {
  std::vector<BlockKey> late;
  for (const auto& [block, job] : jobs_) {
    if (job.until <= now) late.push_back(block);
  }
  for (const BlockKey& block : late) {
    Job& job = jobs_.at(block);
    if (!job.asked) {  // the application does not answer
      drop(block);
      continue;
    }
    ++stats_.timeouts;
    const PeerId peer = *job.asked;
    demote(peer);  // it may wait for the items itself
    refuse(block, job, peer, now);
  }
}

}  // namespace micro::p2p
