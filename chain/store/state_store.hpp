// The finalized state's values on disk, and how far they go. Values and meta are one synced batch, so the height can
// never disagree with the values; the trie is rebuilt from them when the node starts.
#pragma once

#include <memory>

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
      std::tuple{&StateMeta::chain, &StateMeta::height, &StateMeta::block, &StateMeta::root, &StateMeta::epoch};
  bool operator==(const StateMeta&) const = default;
};

class StateStore {
 public:
  explicit StateStore(std::unique_ptr<Kv> kv) : kv_(std::move(kv)) {}

  struct Loaded {
    StateMeta meta;
    std::vector<StateEntry> entries;  ///< in path order
  };
  /// Nothing when no state was written completely.
  [[nodiscard]] Result<std::optional<Loaded>> load() const;
  /// Replaces whatever is there, in several batches: complete once the meta is there.
  Status write_genesis(const StateDiff& diff, const StateMeta& meta);
  Status write(const StateDiff& diff, const StateMeta& meta);

 private:
  std::unique_ptr<Kv> kv_;
};

}  // namespace micro
