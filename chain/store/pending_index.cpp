#include "chain/store/pending_index.hpp"

#include <algorithm>
#include <mutex>

namespace micro {
namespace {

using Op = KvBatch::Op;

constexpr std::size_t kPrefetchEntries = 8;  ///< between asking for one and reading it

std::strong_ordering compare(ByteView a, ByteView b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}
bool key_before(const Op& op, ByteView key) {
  return compare(op.key, key) < 0;
}
bool before(const Op& a, const Op& b) {
  return compare(a.key, b.key) < 0;
}
bool same_key(const Op& a, const Op& b) {
  return compare(a.key, b.key) == 0;
}

/// Sorted by what fits into a word first: keys are random behind their first byte, so the rest hardly ever decides.
std::vector<Op> sorted_ops(const KvBatch& entries) {
  std::vector<Op> ops;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
  ops.reserve(entries.size());
  order.reserve(entries.size());
  entries.each([&](const Op& op) {
    order.emplace_back(first_bytes(op.key), static_cast<std::uint32_t>(ops.size()));
    ops.push_back(op);
  });
  std::ranges::sort(order, [&](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : before(ops[a.second], ops[b.second]);
  });
  std::vector<Op> out;
  out.reserve(ops.size());
  for (const auto& [first, i] : order) out.push_back(ops[i]);
  return out;
}

}  // namespace

void PendingIndex::add(Height block, KvBatch entries) {
  auto run = std::make_unique<Run>(Run{block, std::move(entries), {}});
  run->sorted = sorted_ops(run->entries);
  const std::unique_lock lock(mutex_);
  runs_.push_back(std::move(run));
}

std::optional<Bytes> PendingIndex::get(ByteView key) const {
  const std::shared_lock lock(mutex_);
  for (const auto& run : runs_) {
    const auto at = std::lower_bound(run->sorted.begin(), run->sorted.end(), key, key_before);
    if (at != run->sorted.end() && compare(at->key, key) == 0) return to_bytes(*at->value);
  }
  return std::nullopt;
}

std::vector<Bytes> PendingIndex::last_keys(ByteView from, ByteView until, std::size_t limit) const {
  std::vector<Bytes> out;
  const std::shared_lock lock(mutex_);
  for (const auto& run : runs_) {
    const auto first = std::lower_bound(run->sorted.begin(), run->sorted.end(), from, key_before);
    auto at =
        until.empty() ? run->sorted.end() : std::lower_bound(run->sorted.begin(), run->sorted.end(), until, key_before);
    for (std::size_t n = 0; n < limit && at > first; ++n) out.push_back(to_bytes((--at)->key));
  }
  std::ranges::sort(out, std::greater<>{});
  const auto repeated = std::ranges::unique(out);
  out.erase(repeated.begin(), repeated.end());
  if (out.size() > limit) out.resize(limit);
  return out;
}

std::size_t PendingIndex::entries() const {
  const std::shared_lock lock(mutex_);
  std::size_t n = 0;
  for (const auto& run : runs_) n += run->sorted.size();
  return n;
}

std::optional<Height> PendingIndex::first_block() const {
  const std::shared_lock lock(mutex_);
  if (runs_.empty()) return std::nullopt;
  return runs_.front()->block;
}

std::vector<Op> PendingIndex::merged() const {
  // By the first bytes: keys are random behind their table's letter, so the keys themselves are hardly ever read.
  using Place = std::pair<std::uint64_t, const Op*>;
  const auto place_before = [](const Place& a, const Place& b) {
    return a.first != b.first ? a.first < b.first : before(*a.second, *b.second);
  };
  std::vector<std::vector<Place>> runs;
  for (const auto& run : runs_) {
    std::vector<Place>& places = runs.emplace_back();
    places.reserve(run->sorted.size());
    for (const Op& op : run->sorted) places.emplace_back(first_bytes(op.key), &op);
  }
  while (runs.size() > 1) {  // neighbours in pairs: each entry moves once for each doubling
    std::vector<std::vector<Place>> next;
    for (std::size_t i = 0; i + 1 < runs.size(); i += 2) {
      std::vector<Place>& both = next.emplace_back(runs[i].size() + runs[i + 1].size());
      std::ranges::merge(runs[i], runs[i + 1], both.begin(), place_before);
    }
    if (runs.size() % 2 == 1) next.push_back(std::move(runs.back()));
    runs = std::move(next);
  }
  std::vector<Op> all;
  if (runs.empty()) return all;
  all.reserve(runs.front().size());
  const std::vector<Place>& places = runs.front();
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i + kPrefetchEntries < places.size()) __builtin_prefetch(places[i + kPrefetchEntries].second);
    const Op& op = *places[i].second;
    const bool repeated = i > 0 && places[i].first == places[i - 1].first && same_key(all.back(), op);
    if (!repeated) all.push_back(op);
  }
  return all;
}

Status PendingIndex::hand_over(const std::function<Status(std::span<const Op>)>& write) {
  {
    const std::shared_lock lock(mutex_);
    TRY(write(merged()));
  }
  const std::unique_lock lock(mutex_);
  runs_.clear();
  return {};
}

}  // namespace micro
