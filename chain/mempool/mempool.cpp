#include "chain/mempool/mempool.hpp"

#include <algorithm>
#include <queue>

namespace micro {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr unsigned kOfferFractionBits = 16;

std::uint64_t offer_of(const PreparedTx& tx) {
  const Wide offer = (static_cast<Wide>(tx.tx.body.max_fee.micro) << kOfferFractionBits) / tx.encoded.size();
  return offer > ~0ULL ? ~0ULL : static_cast<std::uint64_t>(offer);
}

/// Its sender's purse covers its fee besides `waiting`, the fees of the sender's others.
bool pays(const PreparedTx& tx, std::uint64_t waiting) {
  return tx.fee <= tx.funds && waiting <= tx.funds.micro - tx.fee.micro;
}

}  // namespace

Mempool::Mempool(const MempoolLimits& limits, std::uint64_t hash_seed)
    : limits_(limits), senders_(16, SeededHash{hash_seed}), by_id_(hash_seed) {}

Nonce Mempool::expected(const Address& sender, Nonce next) const {
  const auto it = senders_.find(sender);
  return it == senders_.end() ? next : it->second.entries.back()->tx.body.nonce.next();
}

PoolVerdict Mempool::add(PreparedTx tx, Nonce next) {
  if (by_id_.find(tx.id) != nullptr) return PoolVerdict::kKnown;
  const Nonce nonce = tx.tx.body.nonce;
  const Address sender = tx.tx.body.sender;
  if (nonce < next) return PoolVerdict::kNonceUsed;
  const auto it = senders_.find(sender);
  if (it == senders_.end()) {
    if (nonce > next) return PoolVerdict::kNonceGap;
  } else {
    const auto& entries = it->second.entries;
    const Nonce first = entries.front()->tx.body.nonce;
    if (nonce > entries.back()->tx.body.nonce.next()) return PoolVerdict::kNonceGap;
    if (nonce < first) return PoolVerdict::kNonceUsed;
    const auto at = static_cast<std::size_t>(nonce.value - first.value);
    if (at < entries.size()) return replace(it->second, at, std::move(tx));
    if (entries.size() >= limits_.max_entries_per_sender) return PoolVerdict::kFull;
  }
  if (!pays(tx, it == senders_.end() ? 0 : it->second.fees)) return PoolVerdict::kUnpayable;
  const std::uint64_t offer = offer_of(tx);
  auto entry = std::make_shared<Entry>(Entry{std::move(tx), offer, arrivals_++});
  if (!make_room(*entry)) return PoolVerdict::kFull;
  Queue& queue = senders_[sender];  // a newcomer's own queue is never what made room for it
  entry->queue = &queue;
  if (queue.entries.empty()) {
    queue.head = heads_.size();
    heads_.push_back(rank(*entry));
  }
  note_tail(queue.entries.empty() ? nullptr : queue.entries.back().get(), entry.get());
  by_id_.insert(entry.get());
  bytes_ += cost(*entry);
  queue.fees += entry->fee.micro;
  queue.entries.push_back(std::move(entry));
  return PoolVerdict::kAdded;
}

PoolVerdict Mempool::replace(Queue& queue, std::size_t at, PreparedTx tx) {
  auto& slot = queue.entries[at];
  const std::uint64_t offer = offer_of(tx);
  auto entry = std::make_shared<Entry>(Entry{std::move(tx), offer, arrivals_++, &queue});
  if (entry->tx.body.max_fee <= slot->tx.body.max_fee || entry->offer <= slot->offer) return PoolVerdict::kUnderpriced;
  if (!pays(*entry, queue.fees - slot->fee.micro)) return PoolVerdict::kUnpayable;
  if (bytes_ - cost(*slot) + cost(*entry) > limits_.max_bytes) return PoolVerdict::kFull;
  if (at == 0) heads_[queue.head] = rank(*entry);
  if (at + 1 == queue.entries.size()) note_tail(slot.get(), entry.get());
  by_id_.erase(slot->id);
  by_id_.insert(entry.get());
  bytes_ = bytes_ - cost(*slot) + cost(*entry);
  queue.fees += entry->fee.micro - slot->fee.micro;
  slot = std::move(entry);
  return PoolVerdict::kReplaced;
}

void Mempool::remove_head(const Queue& queue) {
  const std::size_t hole = queue.head;
  heads_[hole] = heads_.back();
  heads_[hole].queue->head = hole;
  heads_.pop_back();
}

bool Mempool::make_room(const Entry& newcomer) {
  if (cost(newcomer) > limits_.max_bytes || limits_.max_entries == 0) return false;
  const auto too_full = [&] {
    return by_id_.size() >= limits_.max_entries || bytes_ + cost(newcomer) > limits_.max_bytes;
  };
  if (too_full() && !tails_) {
    tails_.emplace();
    for (const auto& [sender, queue] : senders_) tails_->insert(rank(*queue.entries.back()));
  }
  while (too_full()) {
    const Entry* worst = tails_->rbegin()->entry;
    if (newcomer.offer <= worst->offer || worst->tx.body.sender == newcomer.tx.body.sender) return false;
    const auto sender = senders_.find(worst->tx.body.sender);
    erase_tail(sender, sender->second.entries.size() - 1);
  }
  return true;
}

void Mempool::note_tail(const Entry* gone, const Entry* come) {
  if (!tails_) return;
  if (2 * by_id_.size() < limits_.max_entries && 2 * bytes_ < limits_.max_bytes) return tails_.reset();
  if (gone != nullptr) tails_->erase(rank(*gone));
  if (come != nullptr) tails_->insert(rank(*come));
}

void Mempool::erase_tail(Senders::iterator sender, std::size_t keep) {
  auto& entries = sender->second.entries;
  if (entries.size() <= keep) return;
  note_tail(entries.back().get(), keep == 0 ? nullptr : entries[keep - 1].get());
  if (keep == 0) remove_head(sender->second);
  while (entries.size() > keep) {
    bytes_ -= cost(*entries.back());
    sender->second.fees -= entries.back()->fee.micro;
    by_id_.erase(entries.back()->id);
    entries.pop_back();
  }
  if (keep == 0) senders_.erase(sender);
}

/// The first of each sender that a block behind those of `ahead` may hold, in any order.
std::vector<Mempool::Rank> Mempool::heads_behind(const Ahead& ahead) const {
  std::vector<Rank> out = heads_;
  if (ahead.empty()) return out;
  std::erase_if(out, [&](Rank& head) {
    const auto from = ahead.find(head.entry->tx.body.sender);
    const Nonce first = head.entry->tx.body.nonce;
    if (from == ahead.end() || from->second <= first) return false;
    const auto& entries = head.queue->entries;
    const std::uint64_t place = from->second.value - first.value;
    if (place >= entries.size()) return true;
    head = rank(*entries[place]);
    return false;
  });
  return out;
}

std::vector<Mempool::EntryPtr> Mempool::select(std::size_t max_bytes, std::size_t max_txs, const Ahead& ahead) const {
  std::vector<EntryPtr> out;
  // The best, which ranks lowest, on top; whoever is chosen makes place for the next of its sender.
  std::priority_queue<Rank, std::vector<Rank>, std::greater<>> best_first(std::greater<>{}, heads_behind(ahead));
  std::size_t bytes = 0;
  while (out.size() < max_txs && !best_first.empty()) {
    const Entry& best = *best_first.top().entry;
    best_first.pop();
    const auto& entries = best.queue->entries;
    if (bytes + best.encoded.size() > max_bytes) continue;  // and with it those behind it; a smaller one may still fit
    bytes += best.encoded.size();
    const auto at = static_cast<std::size_t>(best.tx.body.nonce.value - entries.front()->tx.body.nonce.value);
    if (at + 1 < entries.size()) best_first.push(rank(*entries[at + 1]));
    out.push_back(entries[at]);
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
  for (std::uint64_t i = 0; i < done; ++i) {
    bytes_ -= cost(*entries[i]);
    it->second.fees -= entries[i]->fee.micro;
    by_id_.erase(entries[i]->id);
  }
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(done));
  heads_[it->second.head] = rank(*entries.front());
}

void Mempool::drop(const TxId& id) {
  const Entry* const entry = by_id_.find(id);
  if (entry == nullptr) return;
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

Mempool::EntryPtr Mempool::find(const TxId& id) const {
  const Entry* const entry = by_id_.find(id);
  if (entry == nullptr) return nullptr;
  const auto& entries = entry->queue->entries;
  return entries[static_cast<std::size_t>(entry->tx.body.nonce.value - entries.front()->tx.body.nonce.value)];
}

}  // namespace micro
