// Part of the trie below one prefix, in the layout that was measured to be fastest: the top levels as one dense array
// in heap order (children of node i are 2i and 2i + 1), and under its lowest level path-sorted buckets of a few leaves.
// What lies between a bucket and its leaves is not stored but hashed again. A bucket that grows far beyond the others,
// because somebody searched for keys with a common prefix, becomes a subtree of its own.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "chain/state/state_view.hpp"
#include "chain/trie/leaf_run.hpp"

namespace micro {

/// Bytes of one value, owned. An account with one lot fits beside its leaf, where reading it is no access to memory of
/// its own.
class alignas(8) TrieValue {
 public:
  TrieValue() = default;
  explicit TrieValue(ByteView bytes) { assign(bytes); }
  TrieValue(TrieValue&& other) noexcept : size_(std::exchange(other.size_, 0)), place_(other.place_) {}
  TrieValue& operator=(TrieValue&& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(place_, other.place_);
    return *this;
  }
  TrieValue(const TrieValue&) = delete;
  TrieValue& operator=(const TrieValue&) = delete;
  ~TrieValue() { release(); }

  void assign(ByteView bytes);
  [[nodiscard]] ByteView view() const { return {is_near() ? place_.data() : far(), size_}; }

 private:
  static constexpr std::size_t kNearBytes = 60;
  static constexpr std::size_t kPointerAt = 4;  ///< of the place: aligned, so that leak checkers see the pointer
  [[nodiscard]] bool is_near() const { return size_ <= kNearBytes; }
  [[nodiscard]] std::uint8_t* far() const;
  void release();

  std::uint32_t size_ = 0;
  std::array<std::uint8_t, kNearBytes> place_{};  ///< the bytes, or where they are
};

struct StoredLeaf {
  StatePath path;
  Hash hash;
  TrieValue value;
};

/// One path to be written. `value` points into the diff that it came from; an empty optional removes.
struct LeafChange {
  StatePath path;
  const std::optional<Bytes>* value = nullptr;
  Hash hash;  ///< of the new leaf, when there is a value
};

class Subtree;

/// A node of some dense array and what it becomes.
struct NodeChange {
  Subtree* owner = nullptr;
  std::size_t at = 0;
  TrieNode node;
};

class Subtree {
 public:
  /// `base`: bits of the prefix. `pinned`: `bits` never changes and every bucket is a subtree (the root over the
  /// modules).
  Subtree(std::size_t base, std::size_t bits, bool pinned = false);

  [[nodiscard]] TrieNode root() const { return node(1); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const StoredLeaf* find(const StatePath& path) const;
  /// Asks the memory for what find() of these paths will read, so that their misses overlap.
  void prefetch(std::span<const StatePath> paths) const;
  /// In path order from `from`; false when the visitor stopped.
  using Visitor = std::function<bool(const StoredLeaf&)>;
  bool walk(const StatePath& from, const Visitor& visit) const;

  /// The root after `changes` (ascending by path), and on `out` the nodes that differ. Changes nothing.
  TrieNode prepare(std::span<const LeafChange> changes, std::vector<NodeChange>& out) const;
  /// Writes the leaves. The caller then stores the prepared nodes, and last, when this says that leaves came or went,
  /// calls `settle`.
  [[nodiscard]] bool write(std::span<const LeafChange> changes);
  void store(std::size_t at, const TrieNode& node);
  /// That store() of this place follows soon.
  void expect(std::size_t at) const {
    __builtin_prefetch(&hashes_[at], 1);
    __builtin_prefetch(&kinds_[at], 1);
  }
  /// Adapts the shape to what was written along `changes`; no hash of a node that stays changes.
  void settle(std::span<const LeafChange> changes);

  /// Fills an empty subtree with leaves in path order, and hashes everything.
  void fill(std::vector<StoredLeaf> leaves);

  // --- for proofs ---
  [[nodiscard]] TrieNode node(std::size_t at) const { return {hashes_[at], kinds_[at]}; }
  [[nodiscard]] bool is_bucket(std::size_t at) const { return at >= buckets_.size(); }
  [[nodiscard]] const Subtree* deep(std::size_t at) const { return buckets_[at - buckets_.size()].deep.get(); }
  [[nodiscard]] std::span<const StoredLeaf> leaves(std::size_t at) const {
    return buckets_[at - buckets_.size()].leaves;
  }
  [[nodiscard]] std::size_t bucket_depth() const { return base_ + bits_; }

 private:
  struct Bucket {
    std::vector<StoredLeaf> leaves;  ///< ascending by path; empty when `deep` is there
    std::unique_ptr<Subtree> deep;
  };

  struct Dirty {
    std::size_t at = 0;
    TrieNode node;
  };
  /// The buckets' nodes after `changes`, ascending; what changes in deeper subtrees goes to `out`.
  [[nodiscard]] std::vector<Dirty> buckets_after(std::span<const LeafChange> changes,
                                                 std::vector<NodeChange>& out) const;
  [[nodiscard]] std::size_t bucket_of(const StatePath& path) const;
  /// What is touched of a bucket.
  enum class Touch : std::uint8_t { kLeaves, kLeavesAndValues };
  /// Calls `each(bucket, changes of that bucket)`.
  template <class Each>
  void by_bucket(std::span<const LeafChange> changes, Touch touch, Each each) const;
  /// The leaves of a bucket as they will be.
  static void leaves_after(const Bucket& bucket, std::span<const LeafChange> changes, std::vector<LeafRef>& out);
  /// Asks the memory for what the changes ahead of `at` will touch.
  void prefetch(std::span<const LeafChange> changes, std::size_t at, Touch touch) const;
  [[nodiscard]] bool write_bucket(Bucket& bucket, std::span<const LeafChange> changes);
  void reshape(std::size_t bits);
  void take_leaves(std::vector<StoredLeaf>& out);
  void rehash();

  std::size_t base_;
  std::size_t bits_;
  bool pinned_;
  std::size_t size_ = 0;
  std::vector<Hash> hashes_;  ///< [1, 2^(bits+1))
  std::vector<NodeKind> kinds_;
  std::vector<Bucket> buckets_;  ///< 2^bits
};

}  // namespace micro
