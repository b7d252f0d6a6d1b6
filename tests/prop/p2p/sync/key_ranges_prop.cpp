// Sets of ranges against sets of numbers.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "p2p/sync/key_ranges.hpp"

namespace micro::p2p::sync {
namespace {

constexpr int kKeys = 64;  // at the end of the key space, so that the last key is among them

Key key_at(int n) {
  Key out;
  out.data.fill(0xff);
  out.data.back() = static_cast<std::uint8_t>(256 - kKeys + n);
  return out;
}
int number_of(const Key& key) {
  return key.data.back() - (256 - kKeys);
}

std::set<int> keys_of(const KeyRanges& ranges) {
  std::set<int> out;
  std::optional<Key> before;
  for (const KeyRange& range : ranges.list()) {
    RC_ASSERT(range.first <= range.last);
    if (before) RC_ASSERT(*before < range.first);
    before = range.last;
    for (int n = number_of(range.first); n <= number_of(range.last); ++n) out.insert(n);
  }
  return out;
}

RC_GTEST_PROP(KeyRangesProp, EqualASetOfKeys, ()) {
  KeyRanges ranges;
  ranges.add({key_at(0), key_at(kKeys - 1)});
  std::set<int> model;
  for (int n = 0; n < kKeys; ++n) model.insert(n);
  const int removals = *rc::gen::inRange(0, 12);
  for (int n = 0; n < removals; ++n) {
    const int first = *rc::gen::inRange(0, kKeys);
    const int last = *rc::gen::inRange(first, std::min(first + 12, kKeys));
    ranges.remove({key_at(first), key_at(last)});
    for (int at = first; at <= last; ++at) model.erase(at);
    RC_ASSERT(keys_of(ranges) == model);
  }
  std::map<Key, Key> taken;
  std::set<int> free = model;
  for (int at = 0; at < kKeys;) {
    const int last = *rc::gen::inRange(at, std::min(at + 16, kKeys));
    if (*rc::gen::arbitrary<bool>()) {
      taken[key_at(at)] = key_at(last);
      for (int n = at; n <= last; ++n) free.erase(n);
    }
    at = last + 1;
  }
  const auto first = ranges.first_without(taken);
  RC_ASSERT(first.has_value() == !free.empty());
  if (!first) return;
  RC_ASSERT(number_of(first->first) == *free.begin());
  for (int n = number_of(first->first); n <= number_of(first->last); ++n) RC_ASSERT(free.contains(n));
}

RC_GTEST_PROP(HeightRangesProp, EqualASetOfHeights, ()) {
  HeightRanges ranges;
  std::set<std::uint64_t> model;
  const int steps = *rc::gen::inRange(0, 20);
  for (int n = 0; n < steps; ++n) {
    const auto first = *rc::gen::inRange<std::uint64_t>(0, 40);
    const auto end = *rc::gen::inRange<std::uint64_t>(first, 42);
    if (*rc::gen::arbitrary<bool>()) {
      ranges.add(first, end);
      for (auto at = first; at < end; ++at) model.insert(at);
    } else {
      ranges.remove(first, end);
      for (auto at = first; at < end; ++at) model.erase(at);
    }
    const auto from = *rc::gen::inRange<std::uint64_t>(0, 42);
    const auto until = *rc::gen::inRange<std::uint64_t>(0, 42);
    const auto lowest = model.lower_bound(from);
    const auto found = ranges.first_in(from, until);
    RC_ASSERT(found.has_value() == (lowest != model.end() && *lowest < until));
    if (!found) continue;
    RC_ASSERT(found->next == *lowest);
    // It goes on as far as there is something: neighbours are one range.
    for (auto at = found->next; at < found->end; ++at) RC_ASSERT(model.contains(at));
    RC_ASSERT(found->end == until || !model.contains(found->end));
  }
  RC_ASSERT(ranges.empty() == model.empty());
}

RC_GTEST_PROP(KeyRangesProp, TheMiddleHalves, (std::uint64_t a, std::uint64_t b)) {
  const auto key = [](std::uint64_t n) {
    Key out;
    for (std::size_t at = 0; at < 8; ++at) out.data[24 + at] = static_cast<std::uint8_t>(n >> (56 - 8 * at));
    return out;
  };
  const auto [low, high] = std::minmax(a, b);
  RC_ASSERT(middle_key(key(low), key(high)) == key(low + (high - low) / 2));
}

}  // namespace
}  // namespace micro::p2p::sync
