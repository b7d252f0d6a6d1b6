// Sets of ranges of keys and of heights: disjoint, ordered.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "p2p/sync/messages.hpp"

namespace micro::p2p::sync {

/// The key behind this one; none behind the last.
std::optional<Key> next_key(const Key& key);
/// In the middle of a range, rounded down.
Key middle_key(const Key& first, const Key& last);

/// Keys of which something is missing, or under way. Ranges that touch stay apart.
class KeyRanges {
 public:
  /// Of a range that meets none that is there.
  void add(const KeyRange& range) { ranges_[range.first] = range.last; }
  /// Takes these keys out wherever they are.
  void remove(const KeyRange& range);
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::size_t size() const { return ranges_.size(); }
  [[nodiscard]] List<KeyRange, kMaxMissingRanges> list() const;
  /// The lowest part of it that `other` does not hold.
  [[nodiscard]] std::optional<KeyRange> first_without(const std::map<Key, Key>& other) const;

 private:
  std::map<Key, Key> ranges_;  // first to last
};

/// Heights by ranges [first, end).
class HeightRanges {
 public:
  void add(std::uint64_t first, std::uint64_t end);
  void remove(std::uint64_t first, std::uint64_t end);
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  /// The lowest range within [from, until), cut to it.
  [[nodiscard]] std::optional<HeightSpan> first_in(std::uint64_t from, std::uint64_t until) const;

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;
};

}  // namespace micro::p2p::sync
