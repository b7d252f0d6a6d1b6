#include "p2p/sync/id_plan.hpp"

#include <algorithm>

namespace micro::p2p::sync {
namespace {

constexpr std::size_t kBlocksPerAsk = 4;  // each may be large, and an answer ends with one

Result<std::vector<std::optional<Bytes>>> items_of(bool headers, ByteView answer) {
  std::vector<std::optional<Bytes>> out;
  const auto add = [&](auto& items) {
    for (auto& item : items) {
      out.push_back(item ? std::optional<Bytes>(std::move(static_cast<Bytes&>(*item))) : std::nullopt);
    }
  };
  if (headers) {
    auto given = TRY(decode<HeadersByIdAnswer>(answer));
    add(given.headers);
  } else {
    auto given = TRY(decode<BlocksByIdAnswer>(answer));
    add(given.blocks);
  }
  return out;
}

}  // namespace

const std::vector<Id>& IdPlan::ids(const Ask& ask) {
  const auto* headers = std::get_if<HeadersByIdAsk>(&ask);
  return headers != nullptr ? headers->ids : std::get<BlocksByIdAsk>(ask).ids;
}

Status IdPlan::want(const Id& id) {
  if (wanted_.size() >= kMaxWantedIds && !wanted_.contains(id)) return fail(Fault::kBusy, "too many ids are wanted");
  wanted_.try_emplace(id);
  return {};
}

void IdPlan::forget(const Id& id) {
  wanted_.erase(id);
  checked_.erase(id);
}

std::vector<Id> IdPlan::unknown_to(const std::vector<PeerId>& peers) const {
  std::vector<Id> out;
  for (const auto& [id, one] : wanted_) {
    const bool hopeless = std::ranges::all_of(peers, [&](const PeerId& peer) { return one.without.contains(peer); });
    if (hopeless && !peers.empty()) out.push_back(id);
  }
  return out;
}

std::optional<Ask> IdPlan::next(const Candidate& candidate) {
  const std::size_t most = what_ == What::kHeaders ? kMaxIdsPerAsk : kBlocksPerAsk;
  List<Id, kMaxIdsPerAsk> picked;
  for (auto& [id, one] : wanted_) {
    if (one.under_way || one.without.contains(candidate.peer)) continue;
    one.under_way = true;
    picked.push_back(id);
    if (picked.size() == most) break;
  }
  if (picked.empty()) return std::nullopt;
  if (what_ == What::kHeaders) return HeadersByIdAsk{.ids = std::move(picked)};
  return BlocksByIdAsk{.ids = std::move(picked)};
}

bool IdPlan::can_answer(const Candidate& candidate, const Ask& ask) const {
  return std::ranges::any_of(ids(ask), [&](const Id& id) {
    const auto it = wanted_.find(id);
    return it != wanted_.end() && !it->second.without.contains(candidate.peer);
  });
}

void IdPlan::give_back(const Ask& ask) {
  for (const Id& id : ids(ask)) {
    const auto it = wanted_.find(id);
    if (it != wanted_.end() && !checked_.contains(id)) it->second.under_way = false;
  }
}

Status IdPlan::check(const Id& id, ByteView bytes) {
  return what_ == What::kHeaders ? sink_.check_header(id, bytes) : sink_.check_block(id, bytes);
}

Result<bool> IdPlan::on_answer(const PeerId& peer, const Ask& ask, ByteView answer) {
  const auto& asked = ids(ask);
  const auto all = [&]() -> Result<bool> {
    auto items = TRY(items_of(what_ == What::kHeaders, answer));
    if (items.empty() || items.size() > asked.size()) {
      return fail(Fault::kInvalid, "an answer for none of the ids, or for more of them");
    }
    for (std::size_t n = 0; n < items.size(); ++n) {
      const auto wanted = wanted_.find(asked[n]);
      if (items[n]) TRY(check(asked[n], *items[n]));
      if (wanted == wanted_.end()) continue;  // no longer of interest
      if (items[n]) {
        checked_.emplace(asked[n], *std::move(items[n]));
      } else {
        wanted->second.without.insert(peer);
      }
    }
    return items.size() == asked.size();
  }();
  give_back(ask);
  return all;
}

Status IdPlan::settle() {
  for (std::size_t n = 0; n < kTakesPerTurn && !checked_.empty(); ++n) {
    const auto& [id, bytes] = *checked_.begin();
    TRY(what_ == What::kHeaders ? sink_.take_header(id, bytes) : sink_.take_block(id, bytes));
    wanted_.erase(id);
    checked_.erase(checked_.begin());
  }
  return {};
}

}  // namespace micro::p2p::sync
