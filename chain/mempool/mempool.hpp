// Transactions that wait for a block. It knows nothing of rules or state: whoever adds one has checked it and says
// which nonce the finalized state expects of its sender.
//
// Order: higher max_fee per byte first, earlier arrival first among equals; a sender's own always by nonce, without
// gaps. Bounds: bytes, entries, entries a sender, and a sender's means: the sum of its waiting fees stays within what
// it had for fees when the last of them was checked. Eviction when full: among the last transactions of all senders the
// lowest max_fee per byte, the latest arrival among equals; only for a newcomer that offers strictly more, and never
// one that the newcomer follows. Replacement of the same nonce: strictly higher max_fee and strictly higher max_fee per
// byte. A few reserved ones have a lane of their own: they stand beside the bounds, are never evicted, and a block
// takes them first, with what their senders sent before them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "chain/mempool/id_table.hpp"
#include "chain/types/transaction.hpp"

namespace micro {

struct MempoolLimits {
  std::size_t max_bytes = 128u << 20;  ///< of encoded transactions and bookkeeping
  std::size_t max_entries = 200'000;
  std::size_t max_entries_per_sender = 1'024;
};

/// Of the node's own, beside all other bounds: no flood keeps them out, and no block is full of them.
inline constexpr std::size_t kMaxReservedEntries = 64;

/// Memory of one waiting transaction besides its encoding, about.
inline constexpr std::size_t kMempoolEntryOverheadBytes = 1'024;

/// A transaction with what is worked out from it once: by whoever verified its signature.
struct PreparedTx {
  SignedTx tx;
  TxId id;
  Hash content;  ///< of the signed bytes: the transaction's leaf under `Header::txs_root`
  Bytes encoded;
  Amount fee;    ///< what a block will take of its sender; 0 when somebody else pays it
  Amount funds;  ///< what its sender had for fees when it was checked: for this one and those that wait before it
  bool reserved = false;  ///< for the lane that no flood fills
};

enum class PoolVerdict : std::uint8_t {
  kAdded,
  kReplaced,     ///< took the place of one with the same nonce
  kKnown,        ///< is waiting already
  kNonceUsed,    ///< below what the state expects
  kNonceGap,     ///< an earlier nonce is missing
  kUnderpriced,  ///< a replacement has to offer more
  kUnpayable,    ///< its sender cannot pay the fees of all that would wait
  kFull,         ///< the pool, or the sender's share of it, holds only better offers
};

/// Which transactions a block may hold, both lists sorted; of a sender none behind one that it may not.
struct WantedTxs {
  std::span<const TxId> without = {};
  std::span<const TxId> only = {};  ///< of these, if there are any
};

class Mempool {
 private:
  struct Queue;

 public:
  struct Entry : PreparedTx {
    std::uint64_t offer = 0;
    std::uint64_t arrival = 0;
    Queue* queue = nullptr;  ///< the sender's, while it waits
  };
  /// Shared, so that a block is built from it without copying while the pool goes on.
  using EntryPtr = std::shared_ptr<const Entry>;

  /// `hash_seed` is random, so that nobody can aim at one bucket of the index.
  explicit Mempool(const MempoolLimits& limits, std::uint64_t hash_seed);

  /// The nonce behind the sender's waiting transactions; `next` is what the finalized state expects.
  [[nodiscard]] Nonce expected(const Address& sender, Nonce next) const;
  PoolVerdict add(PreparedTx tx, Nonce next);
  /// That add() of this one follows soon: asks the memory for what it will look at.
  void expect(const PreparedTx& tx) const;

  /// The nonces that senders go on with behind blocks that are not final yet.
  using Ahead = std::map<Address, Nonce>;
  /// What a block should hold, best first; of a sender in `ahead` only from that nonce on. O(senders + transactions
  /// chosen · log).
  [[nodiscard]] std::vector<EntryPtr> select(std::size_t max_bytes, std::size_t max_txs, const Ahead& ahead = {},
                                             const WantedTxs& wanted = {}) const;
  /// Transactions of the sender below `next` are in the state; when what remains does not begin there, it goes as well.
  void committed(const Address& sender, Nonce next);
  /// The same for many transactions that are in the state now, with their ids, whose memory accesses overlap.
  void committed(std::span<const SignedTx> txs, std::span<const TxId> ids);
  /// Removes a transaction that no block may include, and those of its sender behind it.
  void drop(const TxId& id);
  /// Removes all that may no longer be included at `next`, and those behind them.
  void expire(Height next);

  /// Nothing when it does not wait here.
  [[nodiscard]] EntryPtr find(const TxId& id) const;
  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return by_id_.size() == 0; }

 private:
  /// Sorts without looking at the entry: best offer first.
  struct Rank {
    std::uint64_t offer = 0;
    std::uint64_t arrival = 0;
    const Entry* entry = nullptr;
    Queue* queue = nullptr;  ///< the entry's
    bool operator<(const Rank& o) const { return offer != o.offer ? offer > o.offer : arrival < o.arrival; }
    bool operator>(const Rank& o) const { return o < *this; }
  };
  static Rank rank(const Entry& entry) { return {entry.offer, entry.arrival, &entry, entry.queue}; }
  struct Queue {
    Address sender;
    std::vector<std::shared_ptr<Entry>> entries;  ///< consecutive nonces; never empty between calls
    std::size_t head = 0;                         ///< its place in queues_, and its first's in heads_
    std::uint64_t fees = 0;                       ///< of all of them, µT; never above what one of them had as `funds`
    std::size_t reserved = 0;                     ///< among them
  };
  class BestHeads;

  /// What a block holds so far.
  struct Choice {
    std::size_t max_bytes = 0;
    std::size_t max_txs = 0;
    WantedTxs wanted;
    std::vector<EntryPtr> entries;
    std::size_t bytes = 0;
    [[nodiscard]] bool fits(const Entry& e) const {
      return entries.size() < max_txs && bytes + e.encoded.size() <= max_bytes && is_wanted(e);
    }
    [[nodiscard]] bool is_wanted(const Entry& e) const;
    void take(const EntryPtr& e) { bytes += e->encoded.size(), entries.push_back(e); }
  };
  [[nodiscard]] Ahead choose_reserved(Choice& choice, Ahead ahead) const;
  void choose_best(Choice& choice, const Ahead& ahead) const;
  [[nodiscard]] std::vector<Rank> heads_behind(const Ahead& ahead) const;
  PoolVerdict replace(Queue& queue, std::size_t at, PreparedTx tx);
  [[nodiscard]] bool make_room(const Entry& newcomer);
  Queue& begin_queue(Entry& first);
  void end_queue(Queue& queue);
  void erase_tail(Queue& queue, std::size_t keep);
  void count(Entry& come);
  void uncount(const Entry& gone);
  void prefetch_committed(std::span<const SignedTx> txs, std::span<const TxId> ids, std::size_t at) const;
  void note_tail(const Entry* gone, const Entry* come);
  static std::size_t cost(const Entry& entry) { return entry.encoded.size() + kMempoolEntryOverheadBytes; }

  MempoolLimits limits_;
  IdTable<Queue, &Queue::sender> senders_;
  IdTable<Entry> by_id_;
  std::vector<Rank> heads_;                     ///< first of each sender, in any order: only a block needs them sorted
  std::vector<std::unique_ptr<Queue>> queues_;  ///< in the order of heads_
  /// Last of each sender, but for reserved ones; kept only while the pool is nearly full.
  std::optional<std::set<Rank>> tails_;
  std::size_t bytes_ = 0;
  std::size_t reserved_ = 0;
  std::size_t reserved_bytes_ = 0;  ///< among bytes_
  std::uint64_t arrivals_ = 0;
};

}  // namespace micro
