// Waiting transactions by id, and queues by sender: an open table of pointers. Every transaction is looked up, entered
// and removed once, each at a random place of memory, and the nodes of a chained table would be a second and a third
// such place.
#pragma once

#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "chain/types/ids.hpp"

namespace micro {

/// Seeded, so that nobody can aim at one place of a table.
struct SeededHash {
  std::uint64_t seed = 0;
  template <std::size_t N, class Tag>
  std::size_t operator()(const FixedBytes<N, Tag>& v) const {
    std::uint64_t h = seed;
    for (std::size_t i = 0; i + 8 <= N; i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, v.data.data() + i, 8);
      h = (h ^ word) * 0x9e37'79b9'7f4a'7c15ULL;
      h ^= h >> 32;
    }
    return h;
  }
};

/// Of T* whose member `Key` is the key. Grows to twice what it held at most, and is never walked.
template <class T, auto Key = &T::id>
class IdTable {
 public:
  using Id = std::remove_cvref_t<decltype(std::declval<const T&>().*Key)>;

  explicit IdTable(std::uint64_t seed) : hash_{seed} {}

  [[nodiscard]] std::size_t size() const { return size_; }
  /// nullptr when there is none.
  [[nodiscard]] T* find(const Id& id) const { return slots_[place_of(id, hash_(id))].item; }
  /// Asks the memory for the place that find() looks at first…
  void prefetch(const Id& id) const { __builtin_prefetch(&slots_[home(hash_(id))]); }
  /// …and says, without touching an item, what it will most likely find there. Only to be prefetched.
  [[nodiscard]] const T* likely(const Id& id) const {
    const std::size_t hash = hash_(id);
    const Slot& slot = slots_[home(hash)];
    return slot.hash == hash ? slot.item : nullptr;
  }
  /// There is no other with its id.
  void insert(T* item) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    const std::size_t hash = hash_(item->*Key);
    slots_[place_of(item->*Key, hash)] = {hash, item};
    ++size_;
  }
  void erase(const Id& id) {
    std::size_t hole = place_of(id, hash_(id));
    if (slots_[hole].item == nullptr) return;
    // Whatever stands behind the hole, and would not be found across it, moves into it.
    for (std::size_t at = next(hole); slots_[at].item != nullptr; at = next(at)) {
      const std::size_t from_home = (at - slots_[at].hash) & (slots_.size() - 1);
      const std::size_t from_hole = (at - hole) & (slots_.size() - 1);
      if (from_home < from_hole) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {};
    --size_;
  }

 private:
  struct Slot {
    std::size_t hash = 0;
    T* item = nullptr;  ///< none: free
  };
  [[nodiscard]] std::size_t home(std::size_t hash) const { return hash & (slots_.size() - 1); }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
  /// Where it is, or where it would enter.
  [[nodiscard]] std::size_t place_of(const Id& id, std::size_t hash) const {
    std::size_t at = home(hash);
    while (slots_[at].item != nullptr && (slots_[at].hash != hash || slots_[at].item->*Key != id)) at = next(at);
    return at;
  }
  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.item != nullptr) slots_[place_of(slot.item->*Key, slot.hash)] = slot;
    }
  }

  SeededHash hash_;
  std::size_t size_ = 0;
  std::vector<Slot> slots_ = std::vector<Slot>(64);  ///< a power of two; half of it is free
};

}  // namespace micro
