// Many hashes under one domain tag: what tagged_hash() gives for each, in a quarter or an eighth of the time where the
// processor has vector instructions. Messages of the same number of blocks share a run.
//
//   HashBatch batch(domain::kTrieNode);
//   for (…) batch.add({left.view(), right.view()}, parents[i]);
//   batch.flush();  // now `parents` is filled
#pragma once

#include <array>
#include <initializer_list>
#include <optional>

#include "chain/crypto/blake2b_lanes.hpp"
#include "chain/crypto/hash.hpp"

namespace micro {

class HashBatch {
 public:
  /// Without a tag: blake2b_256().
  explicit HashBatch(std::optional<domain::Tag> tag = std::nullopt, blake2b::Lanes lanes = blake2b::best_lanes());
  HashBatch(const HashBatch&) = delete;
  HashBatch& operator=(const HashBatch&) = delete;

  /// The hash of the tag and the parts, as tagged_hash() has it. Copies the bytes; `out` is written by the time flush()
  /// returns and lives until then.
  void add(std::initializer_list<ByteView> parts, Hash& out);
  void add(ByteView bytes, Hash& out) { add({bytes}, out); }
  void flush();

 private:
  static constexpr std::size_t kMaxBlocks = 4;  ///< longer messages are hashed alone
  /// Messages of one number of blocks that wait until there are enough.
  struct Queue {
    std::array<std::uint64_t, blake2b::kMaxLanes> sizes{};
    std::array<Hash*, blake2b::kMaxLanes> out{};
    std::size_t waiting = 0;
  };
  [[nodiscard]] Hash alone(std::initializer_list<ByteView> parts) const;
  void run(std::size_t blocks);
  /// Where the words of a queue begin: the queues lie one behind the other.
  static constexpr std::size_t words_before(std::size_t blocks) {
    return blocks * (blocks - 1) / 2 * blake2b::kBlockWords * blake2b::kMaxLanes;
  }

  std::optional<domain::Tag> tag_;
  blake2b::Lanes lanes_;
  std::array<std::uint8_t, blake2b::kBlockBytes> prefix_{};
  std::size_t prefix_bytes_ = 0;
  std::array<Queue, kMaxBlocks> queues_;
  alignas(
      64) std::array<std::uint64_t, kMaxBlocks*(kMaxBlocks + 1) / 2 * blake2b::kBlockWords * blake2b::kMaxLanes> words_;
};

}  // namespace micro
