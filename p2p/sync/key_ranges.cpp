#include "p2p/sync/key_ranges.hpp"

#include <algorithm>

namespace micro::p2p::sync {
namespace {

std::optional<Key> previous_key(Key key) {
  for (std::size_t n = Key::kSize; n-- > 0;) {
    if (key.data[n]-- != 0) return key;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Key> next_key(const Key& key) {
  Key out = key;
  for (std::size_t n = Key::kSize; n-- > 0;) {
    if (++out.data[n] != 0) return out;
  }
  return std::nullopt;
}

Key middle_key(const Key& first, const Key& last) {
  // (first + last) / 2, the carry of the sum being the highest bit.
  Key sum;
  unsigned carry = 0;
  for (std::size_t n = Key::kSize; n-- > 0;) {
    carry += static_cast<unsigned>(first.data[n]) + last.data[n];
    sum.data[n] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  for (std::size_t n = 0; n < Key::kSize; ++n) {
    const unsigned whole = carry << 8 | sum.data[n];
    sum.data[n] = static_cast<std::uint8_t>(whole >> 1);
    carry = whole & 1;
  }
  return sum;
}

void KeyRanges::remove(const KeyRange& range) {
  auto it = ranges_.upper_bound(range.first);
  if (it != ranges_.begin()) --it;
  while (it != ranges_.end() && it->first <= range.last) {
    const KeyRange old{it->first, it->second};
    if (old.last < range.first) {
      ++it;
      continue;
    }
    it = ranges_.erase(it);
    if (old.first < range.first) ranges_[old.first] = *previous_key(range.first);
    if (old.last > range.last) it = ranges_.emplace(*next_key(range.last), old.last).first;
  }
}

List<KeyRange, kMaxMissingRanges> KeyRanges::list() const {
  List<KeyRange, kMaxMissingRanges> out;
  out.reserve(ranges_.size());
  for (const auto& [first, last] : ranges_) out.push_back({first, last});
  return out;
}

std::optional<KeyRange> KeyRanges::first_without(const std::map<Key, Key>& other) const {
  for (const auto& [first, last] : ranges_) {
    KeyRange free{first, last};
    bool is_left = true;
    auto it = other.upper_bound(free.first);
    if (it != other.begin()) --it;
    for (; it != other.end() && it->first <= free.last; ++it) {
      if (it->second < free.first) continue;
      if (it->first > free.first) {
        free.last = *previous_key(it->first);
        break;
      }
      const auto behind = next_key(it->second);
      is_left = behind && *behind <= free.last;
      if (!is_left) break;
      free.first = *behind;
    }
    if (is_left) return free;
  }
  return std::nullopt;
}

void HeightRanges::add(std::uint64_t first, std::uint64_t end) {
  if (first >= end) return;
  remove(first, end);
  auto it = ranges_.emplace(first, end).first;
  const auto after = std::next(it);
  if (after != ranges_.end() && after->first == end) {
    it->second = after->second;
    ranges_.erase(after);
  }
  if (it == ranges_.begin()) return;
  const auto before = std::prev(it);
  if (before->second != first) return;
  before->second = it->second;
  ranges_.erase(it);
}

void HeightRanges::remove(std::uint64_t first, std::uint64_t end) {
  if (first >= end) return;
  auto it = ranges_.upper_bound(first);
  if (it != ranges_.begin()) --it;
  while (it != ranges_.end() && it->first < end) {
    const HeightSpan old{it->first, it->second};
    if (old.end <= first) {
      ++it;
      continue;
    }
    it = ranges_.erase(it);
    if (old.next < first) ranges_[old.next] = first;
    if (old.end > end) it = ranges_.emplace(end, old.end).first;
  }
}

std::optional<HeightSpan> HeightRanges::first_in(std::uint64_t from, std::uint64_t until) const {
  for (const auto& [first, end] : ranges_) {
    const HeightSpan cut{std::max(first, from), std::min(end, until)};
    if (cut.next < cut.end) return cut;
  }
  return std::nullopt;
}

}  // namespace micro::p2p::sync
