#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <functional>
#include <map>

#include "chain/mempool/mempool.hpp"

namespace micro {
namespace {

template <class T>
T below(T end) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(0, end));
}

struct Waiting {
  std::uint8_t sender = 0;
  std::uint64_t nonce = 0;
  std::uint64_t fee = 0;
  std::uint32_t bytes = 0;
  std::uint64_t valid_until = 0;
  std::uint64_t arrival = 0;
  TxId id;
  std::uint64_t charge = 0;
  std::uint64_t funds = 0;
  bool reserved = false;
};

bool pays_more(const Waiting& a, const Waiting& b) {
  return a.fee * b.bytes > b.fee * a.bytes;
}
bool better(const Waiting& a, const Waiting& b) {
  return pays_more(a, b) || (!pays_more(b, a) && a.arrival < b.arrival);
}

// A list, searched from end to end for everything.
struct NaivePool {
  MempoolLimits limits;
  std::vector<Waiting> all;
  std::uint64_t arrivals = 0;

  std::vector<Waiting> of(std::uint8_t sender) const {
    std::vector<Waiting> out;
    for (const Waiting& w : all) {
      if (w.sender == sender) out.push_back(w);
    }
    std::ranges::sort(out, {}, &Waiting::nonce);
    return out;
  }
  std::size_t bytes(bool with_reserved = true) const {
    std::size_t sum = 0;
    for (const Waiting& w : all) sum += with_reserved || !w.reserved ? w.bytes + kMempoolEntryOverheadBytes : 0;
    return sum;
  }
  std::size_t reserved() const { return static_cast<std::size_t>(std::ranges::count(all, true, &Waiting::reserved)); }
  std::uint64_t charges(std::uint8_t sender) const {
    std::uint64_t sum = 0;
    for (const Waiting& w : all) sum += w.sender == sender ? w.charge : 0;
    return sum;
  }
  void remove_from(std::uint8_t sender, std::uint64_t nonce) {
    std::erase_if(all, [&](const Waiting& w) { return w.sender == sender && w.nonce >= nonce; });
  }
  std::optional<Waiting> worst() const {
    std::optional<Waiting> out;
    for (const Waiting& w : all) {
      const auto mine = of(w.sender);
      if (mine.back().nonce == w.nonce && !w.reserved && (!out || better(*out, w))) out = w;
    }
    return out;
  }
  PoolVerdict add(Waiting w, std::uint64_t next) {
    for (const Waiting& other : all) {
      if (other.id == w.id) return PoolVerdict::kKnown;
    }
    if (w.reserved && reserved() >= kMaxReservedEntries) return PoolVerdict::kFull;
    const auto mine = of(w.sender);
    if (w.nonce < next || (!mine.empty() && w.nonce < mine.front().nonce)) return PoolVerdict::kNonceUsed;
    if (w.nonce > (mine.empty() ? next : mine.back().nonce + 1)) return PoolVerdict::kNonceGap;
    const bool replaces = !mine.empty() && w.nonce <= mine.back().nonce;
    const auto offered = mine.size() - static_cast<std::size_t>(std::ranges::count(mine, true, &Waiting::reserved));
    if (!replaces && !w.reserved && offered >= limits.max_entries_per_sender) return PoolVerdict::kFull;
    w.arrival = arrivals++;
    if (replaces) {
      auto slot = std::ranges::find_if(all, [&](auto& o) { return o.sender == w.sender && o.nonce == w.nonce; });
      if (w.fee <= slot->fee || !pays_more(w, *slot)) return PoolVerdict::kUnderpriced;
      if (charges(w.sender) - slot->charge + w.charge > w.funds) return PoolVerdict::kUnpayable;
      const Waiting old = std::exchange(*slot, w);
      if (!w.reserved && bytes(false) > limits.max_bytes) {
        *slot = old;
        return PoolVerdict::kFull;
      }
      return PoolVerdict::kReplaced;
    }
    if (charges(w.sender) + w.charge > w.funds) return PoolVerdict::kUnpayable;
    const std::size_t cost = w.bytes + kMempoolEntryOverheadBytes;
    if (!w.reserved && cost > limits.max_bytes) return PoolVerdict::kFull;
    while (!w.reserved && (all.size() - reserved() >= limits.max_entries || bytes(false) + cost > limits.max_bytes)) {
      const auto victim = worst();
      if (!victim || !pays_more(w, *victim) || victim->sender == w.sender) return PoolVerdict::kFull;
      remove_from(victim->sender, victim->nonce);
    }
    all.push_back(w);
    return PoolVerdict::kAdded;
  }
  std::vector<TxId> select(
      std::size_t max_bytes, std::size_t max_txs, const std::map<std::uint8_t, std::uint64_t>& ahead = {},
      const std::function<bool(const TxId&)>& wanted = [](const TxId&) { return true; }) const {
    std::map<std::uint8_t, std::vector<Waiting>> queues;
    for (const Waiting& w : all) queues[w.sender] = of(w.sender);
    for (const auto& [sender, from] : ahead) {
      std::erase_if(queues[sender], [&, n = from](const Waiting& w) { return w.nonce < n; });
    }
    std::vector<TxId> out;
    std::size_t used = 0;
    for (auto& [sender, queue] : queues) {  // one sender has any
      while (std::ranges::count(queue, true, &Waiting::reserved) > 0) {
        if (out.size() >= max_txs || used + queue.front().bytes > max_bytes || !wanted(queue.front().id)) break;
        used += queue.front().bytes;
        out.push_back(queue.front().id);
        queue.erase(queue.begin());
      }
    }
    while (out.size() < max_txs) {
      std::vector<Waiting>* best = nullptr;
      for (auto& [sender, queue] : queues) {
        if (!queue.empty() && (best == nullptr || better(queue.front(), best->front()))) best = &queue;
      }
      if (best == nullptr) break;
      if (used + best->front().bytes > max_bytes || !wanted(best->front().id)) {
        best->clear();
        continue;
      }
      used += best->front().bytes;
      out.push_back(best->front().id);
      best->erase(best->begin());
    }
    return out;
  }
};

struct Pair {
  MempoolLimits limits{.max_bytes = 14 * kMempoolEntryOverheadBytes, .max_entries = 12, .max_entries_per_sender = 5};
  Mempool pool{limits, 0x1234};
  NaivePool model{limits, {}, 0};
  std::map<std::uint8_t, std::uint64_t> next;  ///< what the state expects

  void add() {
    Waiting w;
    w.sender = below<std::uint8_t>(5);
    const auto mine = model.of(w.sender);
    const std::uint64_t end = mine.empty() ? next[w.sender] : mine.back().nonce + 1;
    w.nonce = end + 1 - std::min<std::uint64_t>(end + 1, below<std::uint64_t>(3));
    w.fee = 1 + below<std::uint64_t>(40);
    w.bytes = 100 + 50 * below<std::uint32_t>(3);
    w.valid_until = below<std::uint64_t>(20);
    w.charge = below<std::uint64_t>(8);
    w.funds = below<std::uint64_t>(40);
    w.reserved = w.sender == 4 && below(3) == 0;
    SignedTx tx;
    tx.body.sender.data.fill(w.sender);
    tx.body.nonce = Nonce(w.nonce);
    tx.body.max_fee = Amount(w.fee);
    tx.body.valid_until = Height(w.valid_until);
    w.id = tx_id(tx.body);
    RC_ASSERT(pool.add({tx, w.id, Hash{}, Bytes(w.bytes), Amount(w.charge), Amount(w.funds), w.reserved},
                       Nonce(next[w.sender])) == model.add(w, next[w.sender]));
  }
  void commit() {
    std::vector<SignedTx> txs;
    std::vector<TxId> ids;
    for (const TxId& id : model.select(600, 4)) {
      const auto w = *std::ranges::find(model.all, id, &Waiting::id);
      next[w.sender] = w.nonce + 1;
      txs.push_back(pool.find(id)->tx);
      ids.push_back(id);
    }
    pool.committed(txs, ids);
    for (const TxId& id : ids) RC_ASSERT(pool.find(id) == nullptr);
    for (const auto& [sender, n] : next) {
      Address address;
      address.data.fill(sender);
      pool.committed(address, Nonce(n));
      std::erase_if(model.all,
                    [&, s = sender, below_n = n](const Waiting& w) { return w.sender == s && w.nonce < below_n; });
      RC_ASSERT(pool.expected(address, Nonce(n)) >= Nonce(n));
    }
  }
  void drop() {
    if (model.all.empty()) return;
    const Waiting w = model.all[below(model.all.size())];
    pool.drop(w.id);
    model.remove_from(w.sender, w.nonce);
    RC_ASSERT(pool.find(w.id) == nullptr);
  }
  void expire() {
    const auto height = below<std::uint64_t>(8);
    pool.expire(Height(height));
    for (std::uint8_t sender = 0; sender < 5; ++sender) {
      for (const Waiting& w : model.of(sender)) {
        if (w.valid_until < height) {
          model.remove_from(sender, w.nonce);
          break;
        }
      }
    }
  }
  void check() const {
    RC_ASSERT(pool.size() == model.all.size());
    RC_ASSERT(pool.bytes() == model.bytes());
    RC_ASSERT(pool.size() - model.reserved() <= limits.max_entries);
    RC_ASSERT(model.bytes(false) <= limits.max_bytes);
    for (const auto& [max_bytes, max_txs] :
         {std::pair<std::size_t, std::size_t>{100'000, 100}, {700, 100}, {9'000, 3}}) {
      std::vector<TxId> chosen;
      for (const auto& entry : pool.select(max_bytes, max_txs)) chosen.push_back(entry->id);
      RC_ASSERT(chosen == model.select(max_bytes, max_txs));
    }
  }
  // Blocks that are not final hold some senders' first transactions, or more than what waits here.
  void check_ahead() const {
    std::map<std::uint8_t, std::uint64_t> from;
    Mempool::Ahead ahead;
    for (const auto& [sender, n] : next) {
      if (below(2) == 0) continue;
      from[sender] = n + below<std::uint64_t>(7);
      Address address;
      address.data.fill(sender);
      ahead[address] = Nonce(from[sender]);
    }
    std::vector<TxId> chosen;
    for (const auto& entry : pool.select(900, 5, ahead)) chosen.push_back(entry->id);
    RC_ASSERT(chosen == model.select(900, 5, from));
  }
  void check_wanted() const {
    std::vector<TxId> some;
    for (const Waiting& w : model.all) {
      if (below(3) == 0) some.push_back(w.id);
    }
    std::ranges::sort(some);
    const auto is_some = [&](const TxId& id) { return std::ranges::binary_search(some, id); };
    const auto ids = [](const std::vector<Mempool::EntryPtr>& entries) {
      std::vector<TxId> out;
      for (const auto& entry : entries) out.push_back(entry->id);
      return out;
    };
    const auto isnt = [&](const TxId& id) { return !is_some(id); };
    RC_ASSERT(ids(pool.select(900, 5, {}, {.without = some})) == model.select(900, 5, {}, isnt));
    if (!some.empty()) RC_ASSERT(ids(pool.select(900, 5, {}, {.only = some})) == model.select(900, 5, {}, is_some));
  }
};

RC_GTEST_PROP(MempoolProp, EqualsAListThatIsSearched, ()) {
  Pair pair;
  for (int step = 0; step < 120; ++step) {
    const int what = below(20);
    if (what < 15) {
      pair.add();
    } else if (what < 17) {
      pair.commit();
    } else if (what < 19) {
      pair.drop();
    } else {
      pair.expire();
    }
    pair.check();
    pair.check_ahead();
    pair.check_wanted();
  }
}

// A pool that is full of the best offers takes what is reserved all the same, so much and no more, and a block begins
// with it.
TEST(Mempool, AFullPoolKeepsNothingReservedOut) {
  const MempoolLimits limits{.max_bytes = 1u << 30, .max_entries = 50, .max_entries_per_sender = 2};
  Mempool pool(limits, 7);
  const auto add = [&](std::uint8_t sender, std::uint64_t nonce, std::uint64_t fee, bool reserved) {
    SignedTx tx;
    tx.body.sender.data.fill(sender);
    tx.body.nonce = Nonce(nonce);
    tx.body.max_fee = Amount(fee);
    return pool.add({tx, tx_id(tx.body), Hash{}, Bytes(100), Amount(0), Amount(0), reserved}, Nonce(0));
  };
  ASSERT_EQ(add(99, 0, 1, false), PoolVerdict::kAdded) << "the node sent something before";
  for (std::uint8_t sender = 0; sender < 49; ++sender) ASSERT_EQ(add(sender, 0, 1'000, false), PoolVerdict::kAdded);
  ASSERT_EQ(add(98, 0, 1'000, false), PoolVerdict::kAdded) << "the cheapest went";
  ASSERT_EQ(pool.size(), 50U);
  EXPECT_EQ(add(97, 0, 1'000, false), PoolVerdict::kFull);
  for (std::uint64_t n = 0; n < kMaxReservedEntries; ++n) ASSERT_EQ(add(99, n, 1, true), PoolVerdict::kAdded) << n;
  EXPECT_EQ(add(99, kMaxReservedEntries, 1, true), PoolVerdict::kFull);
  EXPECT_EQ(add(96, 0, 1, true), PoolVerdict::kFull);
  ASSERT_EQ(add(95, 0, 2'000, false), PoolVerdict::kAdded) << "others go on competing, with each other only";
  EXPECT_EQ(pool.size(), 50U + kMaxReservedEntries);
  const auto chosen = pool.select(1'000, 8);
  ASSERT_EQ(chosen.size(), 8U);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    EXPECT_TRUE(chosen[i]->reserved);
    EXPECT_EQ(chosen[i]->tx.body.nonce, Nonce(i)) << "in the order of its sender";
  }
  Address node;
  node.data.fill(99);
  pool.committed(node, Nonce(kMaxReservedEntries));
  EXPECT_EQ(pool.size(), 50U);
  EXPECT_EQ(add(94, 0, 1, true), PoolVerdict::kAdded) << "its places are free again";
}

// More senders than are sorted at once; many of them offer the same.
RC_GTEST_PROP(MempoolProp, ChoosesTheBestOfManySenders, (std::uint64_t seed)) {
  Mempool pool({}, seed);
  struct Offer {
    std::uint64_t fee = 0;
    std::size_t arrival = 0;
    TxId id;
  };
  std::vector<Offer> offers;
  const auto senders = *rc::gen::inRange<std::size_t>(1, 5'000);
  for (std::size_t i = 0; i < senders; ++i) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    SignedTx tx;
    std::memcpy(tx.body.sender.data.data(), &i, sizeof i);
    tx.body.max_fee = Amount(1 + (seed >> 40) % 50);
    const TxId id = tx_id(tx.body);
    RC_ASSERT(pool.add({tx, id, Hash{}, Bytes(100), Amount(1), Amount(1)}, Nonce(0)) == PoolVerdict::kAdded);
    offers.push_back({tx.body.max_fee.micro, i, id});
  }
  std::ranges::sort(
      offers, [](const Offer& a, const Offer& b) { return a.fee != b.fee ? a.fee > b.fee : a.arrival < b.arrival; });
  while (!offers.empty()) {
    const auto wanted = std::min(offers.size(), *rc::gen::inRange<std::size_t>(1, 3'000));
    const auto chosen = pool.select(~std::size_t{0}, wanted);
    RC_ASSERT(chosen.size() == wanted);
    std::vector<SignedTx> txs;
    std::vector<TxId> ids;
    for (std::size_t i = 0; i < wanted; ++i) {
      RC_ASSERT(chosen[i]->id == offers[i].id);
      txs.push_back(chosen[i]->tx);
      ids.push_back(chosen[i]->id);
    }
    pool.committed(txs, ids);
    offers.erase(offers.begin(), offers.begin() + static_cast<std::ptrdiff_t>(wanted));
    RC_ASSERT(pool.size() == offers.size());
  }
}

}  // namespace
}  // namespace micro
