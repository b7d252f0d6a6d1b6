// Blocks above the committed tip that this node holds, and what executing them said. Blocks hang together by their
// parents' ids; every walk ends at the tip, at a missing body, or on a branch that the tip left behind.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "consensus/core/events.hpp"

namespace micro::simplex {

inline constexpr std::size_t kMaxTreeBlocks = 512;
inline constexpr std::size_t kMaxTreeBytes = 192u << 20;  ///< of encoded bodies, roughly
inline constexpr std::size_t kMaxRejected = 1'024;        ///< ids of blocks known to be invalid

enum class BlockState : std::uint8_t { kUnknown, kRunning, kValid, kInvalid };

class BlockTree {
 public:
  struct Node {
    BlockPtr block;
    BlockState state = BlockState::kUnknown;
    bool journaled = false;
    std::size_t bytes = 0;
    View last_view;  ///< the newest view that it was proposed in, or certified in
  };
  struct Walk {
    std::optional<BlockId> missing;  ///< the first body that is not here
    std::optional<BlockId> next;     ///< the first block that can be executed now
    bool dead = false;               ///< leads to an invalid block, or away from the tip
    bool valid = false;              ///< executed, all ancestors too
    std::size_t depth = 0;           ///< blocks above the tip, this one included, as far as the walk got
  };

  void reset(const BlockId& tip, const Header& header);
  [[nodiscard]] const BlockId& tip() const { return tip_; }
  [[nodiscard]] const Header& tip_header() const { return tip_header_; }

  /// False when there is no room; then the block is as good as never received.
  bool add(const BlockId& id, BlockPtr block, View view);
  [[nodiscard]] Node* find(const BlockId& id);
  [[nodiscard]] const Node* find(const BlockId& id) const;
  /// The tip's header or that of a held block.
  [[nodiscard]] const Header* header(const BlockId& id) const;
  /// From `id` down to the tip.
  [[nodiscard]] Walk walk(const BlockId& id) const;
  [[nodiscard]] bool is_valid(const BlockId& id) const { return id == tip_ || walk(id).valid; }

  void set_state(const BlockId& id, BlockState state);
  void reject(const BlockId& id);
  /// As if it had never been executed.
  void reconsider(const BlockId& id);
  [[nodiscard]] bool is_rejected(const BlockId& id) const { return rejected_.contains(id); }
  /// The block above the tip became durable: forgets it, everything as low, and what stood on other branches.
  void commit(const BlockId& id);
  /// Drops the body, if nothing needs it: it can be fetched again.
  void drop(const BlockId& id);
  /// Adds the block and what it stands on, as far as it is here; stops at one that is listed already.
  void list_chain(BlockId id, std::set<BlockId>& out) const;
  template <class Goes>
  void drop_where(Goes goes) {
    std::vector<BlockId> gone;
    for (const auto& [id, node] : nodes_) {
      if (goes(id, node)) gone.push_back(id);
    }
    for (const BlockId& id : gone) drop(id);
  }

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const std::map<BlockId, Node>& nodes() const { return nodes_; }

 private:
  BlockId tip_;
  Header tip_header_;
  std::map<BlockId, Node> nodes_;
  std::size_t bytes_ = 0;
  std::map<BlockId, std::uint64_t> rejected_;  ///< with the order they came in
  std::uint64_t rejections_ = 0;
};

}  // namespace micro::simplex
