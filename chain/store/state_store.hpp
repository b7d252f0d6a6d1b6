// The finalized state's values on disk, and how far they go. Values and meta are one synced batch, so the height can
// never disagree with the values; the trie is rebuilt from them when the node starts. A large block's values stand in
// that batch as one record, and reach their places many blocks at a time, as a file of their own: one by one they would
// pass log, memtable and flush, which cost a transfer more than executing it.
#pragma once

#include <memory>

#include "chain/codec/fields.hpp"
#include "chain/state/proof.hpp"
#include "chain/state/state_view.hpp"
#include "chain/store/kv.hpp"
#include "chain/types/block.hpp"

namespace micro {

struct StateMeta {
  ChainId chain;
  Height height;
  BlockId block;
  StateRoot root;
  Epoch epoch;  ///< that the next block runs in
  static constexpr auto kFields =
      fields<&StateMeta::chain, &StateMeta::height, &StateMeta::block, &StateMeta::root, &StateMeta::epoch>;
  bool operator==(const StateMeta&) const = default;
};

/// When values go to their places: with their block, or many blocks' together.
struct StateLimits {
  std::size_t min_deferred = 1'000;   ///< changes of a block; fewer go there with it, unless others wait
  std::size_t max_bytes = 32u << 20;  ///< of records that wait, on disk and in memory
  std::size_t max_blocks = 256;       ///< that wait
};

class StateStore {
 public:
  explicit StateStore(std::unique_ptr<Kv> kv, const StateLimits& limits = {}) : kv_(std::move(kv)), limits_(limits) {}

  struct Loaded {
    StateMeta meta;
    std::vector<StateEntry> entries;  ///< in path order
  };
  /// Nothing when no state was written completely. Comes before the first write() to a database that holds a state.
  [[nodiscard]] Result<std::optional<Loaded>> load();
  /// Replaces whatever is there, in several batches: complete once the meta is there.
  Status write_genesis(const StateDiff& diff, const StateMeta& meta);
  /// The changes of the block at meta.height, which is above all written before. Atomic, and on disk when it returns.
  Status write(const StateDiff& diff, const StateMeta& meta);

 private:
  /// The changes of a block whose values are not in their places yet.
  struct Record {
    Height height;
    Bytes changes;
  };
  [[nodiscard]] Result<StateDiff> load_records(Height head);
  Status place_values();

  std::unique_ptr<Kv> kv_;
  StateLimits limits_;
  std::vector<Record> waiting_;  ///< ascending by height, as on disk
  std::size_t waiting_bytes_ = 0;
  std::vector<Height> placed_;  ///< whose records are still on disk, until the next batch
};

}  // namespace micro
