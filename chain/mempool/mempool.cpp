#include "chain/mempool/mempool.hpp"

#include <algorithm>
#include <queue>

namespace micro {
namespace {

__extension__ using Wide = unsigned __int128;

/// a offers more per byte than b.
bool pays_more(const Mempool::Entry& a, const Mempool::Entry& b) {
  return static_cast<Wide>(a.tx.body.max_fee.micro) * b.encoded.size() > static_cast<Wide>(b.tx.body.max_fee.micro) * a.encoded.size();
}

}  // namespace

template <std::size_t N, class Tag>
std::size_t Mempool::SeededHash::operator()(const FixedBytes<N, Tag>& v) const {
  std::uint64_t h = seed;
  for (std::size_t i = 0; i + 8 <= N; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, v.data.data() + i, 8);
    h = (h ^ word) * 0x9e37'79b9'7f4a'7c15ULL;
    h ^= h >> 32;
  }
  return h;
}

bool Mempool::Better::operator()(const Entry* a, const Entry* b) const {
  if (pays_more(*a, *b)) return true;
  if (pays_more(*b, *a)) return false;
  return a->arrival < b->arrival;
}

Mempool::Mempool(const MempoolLimits& limits, std::uint64_t hash_seed)
    : limits_(limits), senders_(16, SeededHash{hash_seed}), by_id_(16, SeededHash{hash_seed}) {}

Nonce Mempool::expected(const Address& sender, Nonce next) const {
  const auto it = senders_.find(sender);
  return it == senders_.end() ? next : it->second.entries.back()->tx.body.nonce.next();
}

PoolVerdict Mempool::add(PreparedTx tx, Nonce next) {
  if (by_id_.contains(tx.id)) return PoolVerdict::kKnown;
  const Nonce nonce = tx.tx.body.nonce;
  const Address sender = tx.tx.body.sender;
  if (nonce < next) return PoolVerdict::kNonceUsed;
  if (nonce > expected(sender, next)) return PoolVerdict::kNonceGap;
  auto it = senders_.find(sender);
  if (it != senders_.end()) {
    const Nonce first = it->second.entries.front()->tx.body.nonce;
    if (nonce < first) return PoolVerdict::kNonceUsed;
    const auto at = static_cast<std::size_t>(nonce.value - first.value);
    if (at < it->second.entries.size()) return replace(it->second, at, std::move(tx));
    if (it->second.entries.size() >= limits_.max_entries_per_sender) return PoolVerdict::kFull;
  }
  auto entry = std::make_unique<Entry>(Entry{std::move(tx), arrivals_++});
  if (!make_room(*entry)) return PoolVerdict::kFull;
  it = senders_.try_emplace(sender).first;
  Queue& queue = it->second;
  if (queue.entries.empty()) {
    heads_.insert(entry.get());
  } else {
    tails_.erase(queue.entries.back().get());
  }
  tails_.insert(entry.get());
  by_id_.emplace(entry->id, entry.get());
  bytes_ += cost(*entry);
  queue.entries.push_back(std::move(entry));
  return PoolVerdict::kAdded;
}

PoolVerdict Mempool::replace(Queue& queue, std::size_t at, PreparedTx tx) {
  auto& slot = queue.entries[at];
  auto entry = std::make_unique<Entry>(Entry{std::move(tx), arrivals_++});
  const bool offers_more = entry->tx.body.max_fee > slot->tx.body.max_fee && pays_more(*entry, *slot);
  if (!offers_more) return PoolVerdict::kUnderpriced;
  if (bytes_ - cost(*slot) + cost(*entry) > limits_.max_bytes) return PoolVerdict::kFull;
  if (heads_.erase(slot.get()) > 0) heads_.insert(entry.get());
  if (tails_.erase(slot.get()) > 0) tails_.insert(entry.get());
  by_id_.erase(slot->id);
  by_id_.emplace(entry->id, entry.get());
  bytes_ = bytes_ - cost(*slot) + cost(*entry);
  slot = std::move(entry);
  return PoolVerdict::kReplaced;
}

bool Mempool::make_room(const Entry& newcomer) {
  if (cost(newcomer) > limits_.max_bytes || limits_.max_entries == 0) return false;
  const auto too_full = [&] {
    return by_id_.size() >= limits_.max_entries || bytes_ + cost(newcomer) > limits_.max_bytes;
  };
  while (too_full()) {
    const Entry* worst = *tails_.rbegin();
    if (!pays_more(newcomer, *worst) || worst->tx.body.sender == newcomer.tx.body.sender) return false;
    const auto sender = senders_.find(worst->tx.body.sender);
    erase_tail(sender, sender->second.entries.size() - 1);
  }
  return true;
}

void Mempool::erase_tail(Senders::iterator sender, std::size_t keep) {
  auto& entries = sender->second.entries;
  if (entries.size() <= keep) return;
  tails_.erase(entries.back().get());
  if (keep == 0) {
    heads_.erase(entries.front().get());
  } else {
    tails_.insert(entries[keep - 1].get());
  }
  while (entries.size() > keep) {
    bytes_ -= cost(*entries.back());
    by_id_.erase(entries.back()->id);
    entries.pop_back();
  }
  if (keep == 0) senders_.erase(sender);
}

std::vector<const Mempool::Entry*> Mempool::select(std::size_t max_bytes, std::size_t max_txs) const {
  std::vector<const Entry*> out;
  const auto worse = [](const Entry* a, const Entry* b) { return Better{}(b, a); };
  std::priority_queue<const Entry*, std::vector<const Entry*>, decltype(worse)> followers(worse);
  auto head = heads_.begin();
  std::size_t bytes = 0;
  while (out.size() < max_txs && (head != heads_.end() || !followers.empty())) {
    const Entry* best = nullptr;
    if (followers.empty() || (head != heads_.end() && Better{}(*head, followers.top()))) {
      best = *head++;
    } else {
      best = followers.top();
      followers.pop();
    }
    if (bytes + best->encoded.size() > max_bytes) continue;  // and with it those behind it; a smaller one may still fit
    bytes += best->encoded.size();
    out.push_back(best);
    const auto& entries = senders_.find(best->tx.body.sender)->second.entries;
    const auto after = static_cast<std::size_t>(best->tx.body.nonce.value - entries.front()->tx.body.nonce.value) + 1;
    if (after < entries.size()) followers.push(entries[after].get());
  }
  return out;
}

void Mempool::committed(const Address& sender, Nonce next) {
  const auto it = senders_.find(sender);
  if (it == senders_.end()) return;
  auto& entries = it->second.entries;
  const Nonce first = entries.front()->tx.body.nonce;
  const std::uint64_t done = next > first ? next.value - first.value : 0;
  if (done >= entries.size() || first > next) return erase_tail(it, 0);
  if (done == 0) return;
  heads_.erase(entries.front().get());
  for (std::uint64_t i = 0; i < done; ++i) {
    bytes_ -= cost(*entries.front());
    by_id_.erase(entries.front()->id);
    entries.pop_front();
  }
  heads_.insert(entries.front().get());
}

void Mempool::drop(const TxId& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const Entry* entry = found->second;
  const auto sender = senders_.find(entry->tx.body.sender);
  const Nonce first = sender->second.entries.front()->tx.body.nonce;
  erase_tail(sender, static_cast<std::size_t>(entry->tx.body.nonce.value - first.value));
}

void Mempool::expire(Height next) {
  for (auto it = senders_.begin(); it != senders_.end();) {
    const auto here = it++;
    const auto& entries = here->second.entries;
    const auto old = std::ranges::find_if(entries, [&](const auto& e) { return e->tx.body.valid_until < next; });
    erase_tail(here, static_cast<std::size_t>(old - entries.begin()));
  }
}

const Mempool::Entry* Mempool::find(const TxId& id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

}  // namespace micro
