// Index entries of the newest blocks, in memory, one sorted run a block, until there are enough to go to the database
// at once. They follow from the blocks, so losing them costs reading those blocks again; in return a large block's
// thousands of random keys pass neither the database's log nor its memtable.
#pragma once

#include <memory>
#include <shared_mutex>
#include <vector>

#include "chain/store/kv.hpp"
#include "chain/types/ids.hpp"

namespace micro {

/// Safe to use from many threads.
class PendingIndex {
 public:
  /// `entries` holds no key twice and removes nothing.
  void add(Height block, KvBatch entries);
  [[nodiscard]] std::optional<Bytes> get(ByteView key) const;
  /// Keys in [from, until), the greatest first, at most `limit`; an empty `until` is the end of everything.
  [[nodiscard]] std::vector<Bytes> last_keys(ByteView from, ByteView until, std::size_t limit) const;

  [[nodiscard]] std::size_t entries() const;
  /// The lowest block whose entries are here.
  [[nodiscard]] std::optional<Height> first_block() const;
  /// Calls `write` with all entries, ascending by key, none twice, and forgets them when it succeeds: readers find them
  /// here until then.
  Status hand_over(const std::function<Status(std::span<const KvBatch::Op>)>& write);

 private:
  struct Run {
    Height block;
    KvBatch entries;                  ///< owns what `sorted` points to
    std::vector<KvBatch::Op> sorted;  ///< ascending by key
  };
  [[nodiscard]] std::vector<KvBatch::Op> merged() const;

  mutable std::shared_mutex mutex_;
  std::vector<std::unique_ptr<const Run>> runs_;
};

}  // namespace micro
