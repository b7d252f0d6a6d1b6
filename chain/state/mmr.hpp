// Merkle mountain range over the ids of all blocks: each header commits to every block below it (`headers_root`), with
// a logarithmic proof for any of them. Perfect binary trees of falling size; the root hashes the count and all their
// tops.
//   leaf = H(kMmrLeaf ‖ id)   inner = H(kMmrNode ‖ left ‖ right)   root = H(kMmrRoot ‖ u64 count ‖ peaks, largest
//   first)
#pragma once

#include <functional>

#include "chain/codec/codec.hpp"
#include "chain/types/ids.hpp"

namespace micro {

/// A node by its level (leaves are 0) and its position within the level. Nodes never change once written.
struct MmrPlace {
  std::uint8_t level = 0;
  std::uint64_t index = 0;
  static constexpr auto kFields = fields<&MmrPlace::level, &MmrPlace::index>;
  auto operator<=>(const MmrPlace&) const = default;
};

/// What appending needs: the tops of the mountains. Small, so each unfinalized block has a copy.
struct MmrPeaks {
  std::uint64_t count = 0;
  List<Hash, 64> peaks;  ///< largest first; one for each set bit of `count`
  static constexpr auto kFields = fields<&MmrPeaks::count, &MmrPeaks::peaks>;
  bool operator==(const MmrPeaks&) const = default;

  using Sink = std::function<void(const MmrPlace&, const Hash&)>;
  /// `sink` receives every node that comes into being, for later proofs.
  void append(const BlockId& id, const Sink& sink = {});
  /// Zero when empty.
  [[nodiscard]] Hash root() const;
};

struct MmrProof {
  std::uint64_t index = 0;
  std::uint64_t count = 0;
  List<Hash, 64> path;    ///< siblings inside the mountain, from the leaf upwards
  List<Hash, 64> others;  ///< the other peaks, largest first
  static constexpr auto kFields = fields<&MmrProof::index, &MmrProof::count, &MmrProof::path, &MmrProof::others>;
  bool operator==(const MmrProof&) const = default;
};

/// That block `index` is among the first `count`; kInvalid unless index < count, else what `node` fails with.
Result<MmrProof> mmr_prove(std::uint64_t index, std::uint64_t count,
                           const std::function<Result<Hash>(const MmrPlace&)>& node);
bool mmr_verify(const Hash& root, const BlockId& id, const MmrProof& proof);

}  // namespace micro
