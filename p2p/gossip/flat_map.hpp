// A map as a sorted list: for maps of a few entries, of which there are many, and without memory while empty.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace micro::p2p {

/// Adds at `at`, with little more memory than is used: doubling would hold as much again for nobody.
template <class T>
auto insert_tight(std::vector<T>& list, typename std::vector<T>::const_iterator at, T value) {
  constexpr std::size_t kLeast = 2;
  const auto offset = at - list.cbegin();
  if (list.size() == list.capacity()) list.reserve(list.size() + std::max(kLeast, list.size() / 4));
  return list.insert(list.cbegin() + offset, std::move(value));
}

/// What is pointed at moves when something comes or goes.
template <class Key, class Value>
class FlatMap {
 public:
  using Entry = std::pair<Key, Value>;
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }
  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() const { return entries_.end(); }
  template <class Like>
  auto find(const Like& key) {
    const auto at = place(entries_, key);
    return at != entries_.end() && at->first == key ? at : entries_.end();
  }
  template <class Like>
  [[nodiscard]] auto find(const Like& key) const {
    const auto at = place(entries_, key);
    return at != entries_.end() && at->first == key ? at : entries_.end();
  }
  template <class Like>
  Value& operator[](const Like& key) {
    const auto at = place(entries_, key);
    if (at != entries_.end() && at->first == key) return at->second;
    return insert_tight(entries_, at, Entry(Key(key), Value()))->second;
  }
  auto erase(typename std::vector<Entry>::iterator at) { return entries_.erase(at); }
  template <class Passes>
  std::size_t erase_if(Passes passes) {
    return std::erase_if(entries_, passes);
  }

 private:
  template <class Entries, class Like>
  static auto place(Entries& entries, const Like& key) {
    return std::partition_point(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.first < key; });
  }
  std::vector<Entry> entries_;
};

}  // namespace micro::p2p
