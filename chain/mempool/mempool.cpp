#include "chain/mempool/mempool.hpp"

#include <algorithm>
#include <queue>

#include "chain/base/check.hpp"

namespace micro {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr unsigned kOfferFractionBits = 16;
constexpr std::size_t kFirstHeads = 1'024;  ///< that a block sorts at once; then twice as many each time
constexpr std::size_t kPrefetchAhead = 4;   ///< transactions between asking for memory and reading it

std::uint64_t offer_of(const PreparedTx& tx) {
  const Wide offer = (static_cast<Wide>(tx.tx.body.max_fee.micro) << kOfferFractionBits) / tx.encoded.size();
  return offer > ~0ULL ? ~0ULL : static_cast<std::uint64_t>(offer);
}

/// Its sender's purse covers its fee besides `waiting`, the fees of the sender's others.
bool pays(const PreparedTx& tx, std::uint64_t waiting) {
  return tx.fee <= tx.funds && waiting <= tx.funds.micro - tx.fee.micro;
}

}  // namespace

/// The heads from the best on, sorted as far as they are asked for: of many thousands a block takes the first few.
class Mempool::BestHeads {
 public:
  explicit BestHeads(std::vector<Rank> heads) : heads_(std::move(heads)) {}

  /// nullptr behind the last.
  [[nodiscard]] const Rank* peek() {
    if (at_ == sorted_ && at_ < heads_.size()) sort_more();
    return at_ < heads_.size() ? &heads_[at_] : nullptr;
  }
  /// What peek() showed, and asks the memory for those behind it.
  const Rank& take() {
    if (at_ + 2 * kPrefetchAhead < sorted_) {
      const Rank& soon = heads_[at_ + 2 * kPrefetchAhead];
      __builtin_prefetch(&soon.entry->encoded);
      __builtin_prefetch(&soon.entry->tx.body.nonce);
      __builtin_prefetch(&soon.queue->entries);
    }
    if (at_ + kPrefetchAhead < sorted_) __builtin_prefetch(heads_[at_ + kPrefetchAhead].queue->entries.data());
    return heads_[at_++];
  }

 private:
  void sort_more() {
    const auto first = heads_.begin() + static_cast<std::ptrdiff_t>(sorted_);
    sorted_ = std::min(heads_.size(), sorted_ + step_);
    const auto last = heads_.begin() + static_cast<std::ptrdiff_t>(sorted_);
    if (last != heads_.end()) std::nth_element(first, last, heads_.end());
    std::sort(first, last);
    step_ *= 2;
  }

  std::vector<Rank> heads_;
  std::size_t at_ = 0;
  std::size_t sorted_ = 0;
  std::size_t step_ = kFirstHeads;
};

Mempool::Mempool(const MempoolLimits& limits, std::uint64_t hash_seed)
    : limits_(limits), senders_(hash_seed), by_id_(hash_seed) {}

Nonce Mempool::expected(const Address& sender, Nonce next) const {
  const Queue* const queue = senders_.find(sender);
  return queue == nullptr ? next : queue->entries.back()->tx.body.nonce.next();
}

void Mempool::expect(const PreparedTx& tx) const {
  by_id_.prefetch(tx.id);
  senders_.prefetch(tx.tx.body.sender);
}

PoolVerdict Mempool::add(PreparedTx tx, Nonce next) {
  if (by_id_.find(tx.id) != nullptr) return PoolVerdict::kKnown;
  if (tx.reserved && reserved_ >= kMaxReservedEntries) return PoolVerdict::kFull;
  const Nonce nonce = tx.tx.body.nonce;
  if (nonce < next) return PoolVerdict::kNonceUsed;
  Queue* const mine = senders_.find(tx.tx.body.sender);
  if (mine == nullptr) {
    if (nonce > next) return PoolVerdict::kNonceGap;
  } else {
    const auto& entries = mine->entries;
    const Nonce first = entries.front()->tx.body.nonce;
    if (nonce > entries.back()->tx.body.nonce.next()) return PoolVerdict::kNonceGap;
    if (nonce < first) return PoolVerdict::kNonceUsed;
    const auto at = static_cast<std::size_t>(nonce.value - first.value);
    if (at < entries.size()) return replace(*mine, at, std::move(tx));
    if (entries.size() - mine->reserved >= limits_.max_entries_per_sender && !tx.reserved) return PoolVerdict::kFull;
  }
  if (!pays(tx, mine == nullptr ? 0 : mine->fees)) return PoolVerdict::kUnpayable;
  const std::uint64_t offer = offer_of(tx);
  auto entry = std::make_shared<Entry>(std::move(tx), offer, arrivals_++, mine);
  if (!entry->reserved && !make_room(*entry)) return PoolVerdict::kFull;
  Queue& queue = mine == nullptr ? begin_queue(*entry) : *mine;  // its own queue is never what made room for it
  note_tail(queue.entries.empty() ? nullptr : queue.entries.back().get(), entry.get());
  count(*entry);
  queue.entries.push_back(std::move(entry));
  return PoolVerdict::kAdded;
}

void Mempool::count(Entry& come) {
  by_id_.insert(&come);
  bytes_ += cost(come);
  come.queue->fees += come.fee.micro;
  if (!come.reserved) return;
  ++reserved_;
  ++come.queue->reserved;
  reserved_bytes_ += cost(come);
}

void Mempool::uncount(const Entry& gone) {
  bytes_ -= cost(gone);
  gone.queue->fees -= gone.fee.micro;
  by_id_.erase(gone.id);
  if (!gone.reserved) return;
  --reserved_;
  --gone.queue->reserved;
  reserved_bytes_ -= cost(gone);
}

PoolVerdict Mempool::replace(Queue& queue, std::size_t at, PreparedTx tx) {
  auto& slot = queue.entries[at];
  const std::uint64_t offer = offer_of(tx);
  auto entry = std::make_shared<Entry>(std::move(tx), offer, arrivals_++, &queue);
  if (entry->tx.body.max_fee <= slot->tx.body.max_fee || entry->offer <= slot->offer) return PoolVerdict::kUnderpriced;
  if (!pays(*entry, queue.fees - slot->fee.micro)) return PoolVerdict::kUnpayable;
  const std::size_t others = bytes_ - reserved_bytes_ - (slot->reserved ? 0 : cost(*slot));
  if (!entry->reserved && others + cost(*entry) > limits_.max_bytes) return PoolVerdict::kFull;
  if (at == 0) heads_[queue.head] = rank(*entry);
  if (at + 1 == queue.entries.size()) note_tail(slot.get(), entry.get());
  uncount(*slot);
  count(*entry);
  slot = std::move(entry);
  return PoolVerdict::kReplaced;
}

Mempool::Queue& Mempool::begin_queue(Entry& first) {
  const std::unique_ptr<Queue>& queue = queues_.emplace_back(std::make_unique<Queue>());
  queue->sender = first.tx.body.sender;
  queue->head = heads_.size();
  first.queue = queue.get();
  heads_.push_back(rank(first));
  senders_.insert(queue.get());
  return *queue;
}

void Mempool::end_queue(Queue& queue) {
  CHECK(queue.entries.empty(), "only an empty queue ends");
  senders_.erase(queue.sender);
  const std::size_t hole = queue.head;
  if (hole + 1 != heads_.size()) {
    heads_[hole] = heads_.back();
    queues_[hole] = std::move(queues_.back());
    queues_[hole]->head = hole;
  }
  heads_.pop_back();
  queues_.pop_back();
}

bool Mempool::make_room(const Entry& newcomer) {
  if (cost(newcomer) > limits_.max_bytes || limits_.max_entries == 0) return false;
  const auto too_full = [&] {
    return by_id_.size() - reserved_ >= limits_.max_entries ||
           bytes_ - reserved_bytes_ + cost(newcomer) > limits_.max_bytes;
  };
  if (too_full() && !tails_) {
    tails_.emplace();
    for (const auto& queue : queues_) note_tail(nullptr, queue->entries.back().get());
  }
  while (too_full()) {
    if (tails_->empty()) return false;
    const Rank worst = *tails_->rbegin();
    if (newcomer.offer <= worst.offer || worst.queue == newcomer.queue) return false;
    erase_tail(*worst.queue, worst.queue->entries.size() - 1);
  }
  return true;
}

void Mempool::note_tail(const Entry* gone, const Entry* come) {
  if (!tails_) return;
  if (2 * by_id_.size() < limits_.max_entries && 2 * bytes_ < limits_.max_bytes) return tails_.reset();
  if (gone != nullptr) tails_->erase(rank(*gone));
  if (come != nullptr && !come->reserved) tails_->insert(rank(*come));
}

void Mempool::erase_tail(Queue& queue, std::size_t keep) {
  auto& entries = queue.entries;
  if (entries.size() <= keep) return;
  note_tail(entries.back().get(), keep == 0 ? nullptr : entries[keep - 1].get());
  while (entries.size() > keep) {
    uncount(*entries.back());
    entries.pop_back();
  }
  if (keep == 0) end_queue(queue);
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

bool Mempool::Choice::is_wanted(const Entry& e) const {
  if (!wanted.only.empty()) return std::ranges::binary_search(wanted.only, e.id);
  return wanted.without.empty() || !std::ranges::binary_search(wanted.without, e.id);
}

std::vector<Mempool::EntryPtr> Mempool::select(std::size_t max_bytes, std::size_t max_txs, const Ahead& ahead,
                                               const WantedTxs& wanted) const {
  Choice choice{max_bytes, max_txs, wanted, {}, 0};
  if (reserved_ == 0) {
    choose_best(choice, ahead);
  } else {
    choose_best(choice, choose_reserved(choice, ahead));
  }
  return std::move(choice.entries);
}

/// Senders of reserved ones, up to the last of these. Gives from where on the rest of each sender is chosen.
Mempool::Ahead Mempool::choose_reserved(Choice& choice, Ahead ahead) const {
  for (const auto& queue : queues_) {
    std::size_t left = queue->reserved;
    if (left == 0) continue;
    const auto from = ahead.find(queue->sender);
    for (const auto& entry : queue->entries) {
      if (left == 0) break;
      const Nonce nonce = entry->tx.body.nonce;
      left -= entry->reserved ? 1 : 0;
      if (from != ahead.end() && nonce < from->second) continue;
      if (!choice.fits(*entry)) break;
      choice.take(entry);
      ahead.insert_or_assign(queue->sender, nonce.next());
    }
  }
  return ahead;
}

void Mempool::choose_best(Choice& choice, const Ahead& ahead) const {
  BestHeads heads(heads_behind(ahead));
  // Whoever is chosen makes place for the next of its sender; the best, which ranks lowest, on top.
  std::priority_queue<Rank, std::vector<Rank>, std::greater<>> followers;
  while (choice.entries.size() < choice.max_txs) {
    const Rank* const head = heads.peek();
    if (head == nullptr && followers.empty()) break;
    const bool follows = head == nullptr || (!followers.empty() && followers.top() < *head);
    const Rank best = follows ? followers.top() : heads.take();
    if (follows) followers.pop();
    const Entry& entry = *best.entry;
    if (!choice.fits(entry)) continue;  // and with it those behind it; a smaller one may still fit
    const auto& entries = best.queue->entries;
    const auto at = static_cast<std::size_t>(entry.tx.body.nonce.value - entries.front()->tx.body.nonce.value);
    if (at + 1 < entries.size()) followers.push(rank(*entries[at + 1]));
    choice.take(entries[at]);
  }
}

void Mempool::committed(const Address& sender, Nonce next) {
  Queue* const queue = senders_.find(sender);
  if (queue == nullptr) return;
  auto& entries = queue->entries;
  const Nonce first = entries.front()->tx.body.nonce;
  const std::uint64_t done = next > first ? next.value - first.value : 0;
  if (done >= entries.size() || first > next) return erase_tail(*queue, 0);
  if (done == 0) return;
  for (std::uint64_t i = 0; i < done; ++i) uncount(*entries[i]);
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(done));
  heads_[queue->head] = rank(*entries.front());
}

/// Three steps behind each other: the tables' places, what they point to, and what that points to.
void Mempool::prefetch_committed(std::span<const SignedTx> txs, std::span<const TxId> ids, std::size_t at) const {
  if (at + 3 * kPrefetchAhead < txs.size()) {
    by_id_.prefetch(ids[at + 3 * kPrefetchAhead]);
    senders_.prefetch(txs[at + 3 * kPrefetchAhead].body.sender);
  }
  if (at + 2 * kPrefetchAhead < txs.size()) {
    if (const Entry* const entry = by_id_.likely(ids[at + 2 * kPrefetchAhead])) {
      __builtin_prefetch(&entry->tx.body.nonce);
      __builtin_prefetch(&entry->tx.body.payload);
      __builtin_prefetch(&entry->id);
      __builtin_prefetch(&entry->encoded);
    }
    if (const Queue* const queue = senders_.likely(txs[at + 2 * kPrefetchAhead].body.sender)) {
      __builtin_prefetch(queue);
      __builtin_prefetch(&queue->fees);
    }
  }
  if (at + kPrefetchAhead < txs.size()) {
    const Entry* const entry = by_id_.likely(ids[at + kPrefetchAhead]);
    if (entry != nullptr) __builtin_prefetch(entry->encoded.data());
    const Queue* const queue = senders_.likely(txs[at + kPrefetchAhead].body.sender);
    if (queue != nullptr) __builtin_prefetch(queue->entries.data());
  }
}

void Mempool::committed(std::span<const SignedTx> txs, std::span<const TxId> ids) {
  CHECK(txs.size() == ids.size(), "each transaction has its id");
  for (std::size_t i = 0; i < txs.size(); ++i) {
    prefetch_committed(txs, ids, i);
    committed(txs[i].body.sender, txs[i].body.nonce.next());
  }
}

void Mempool::drop(const TxId& id) {
  const Entry* const entry = by_id_.find(id);
  if (entry == nullptr) return;
  const Nonce first = entry->queue->entries.front()->tx.body.nonce;
  erase_tail(*entry->queue, static_cast<std::size_t>(entry->tx.body.nonce.value - first.value));
}

void Mempool::expire(Height next) {
  for (std::size_t i = queues_.size(); i-- > 0;) {  // a queue that ends is replaced by the last, which was seen already
    Queue& queue = *queues_[i];
    const auto old = std::ranges::find_if(queue.entries, [&](const auto& e) { return e->tx.body.valid_until < next; });
    erase_tail(queue, static_cast<std::size_t>(old - queue.entries.begin()));
  }
}

Mempool::EntryPtr Mempool::find(const TxId& id) const {
  const Entry* const entry = by_id_.find(id);
  if (entry == nullptr) return nullptr;
  const auto& entries = entry->queue->entries;
  return entries[static_cast<std::size_t>(entry->tx.body.nonce.value - entries.front()->tx.body.nonce.value)];
}

}  // namespace micro
