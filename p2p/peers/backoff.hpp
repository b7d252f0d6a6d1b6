// How long to leave alone what just failed: twice as long each time, plus up to a quarter by chance so that a crowd
// that lost the same peer does not come back as one.
#pragma once

#include <algorithm>
#include <map>

#include "chain/base/clock.hpp"
#include "chain/base/random.hpp"

namespace micro::p2p {

inline constexpr std::uint64_t kFirstBackoffMs = 5'000;
inline constexpr std::uint64_t kMostBackoffMs = 3'600'000;
inline constexpr std::size_t kMaxBackoffs = 4'096;  ///< the one that ends soonest makes room

template <class Key>
class Backoff {
 public:
  void failed(const Key& key, Instant now, Random& random) {
    if (entries_.size() >= kMaxBackoffs && !entries_.contains(key)) {
      entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.until; }));
    }
    Entry& entry = entries_[key];
    const std::uint64_t base = std::min(kMostBackoffMs, kFirstBackoffMs << std::min(entry.failures, kMostDoublings));
    entry.until = now.plus_ms(base + random.draw_u64() % (base / 4));
    ++entry.failures;
  }
  void succeeded(const Key& key) { entries_.erase(key); }
  [[nodiscard]] bool may_try(const Key& key, Instant now) const {
    const auto found = entries_.find(key);
    return found == entries_.end() || now >= found->second.until;
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  static constexpr unsigned kMostDoublings = 16;
  struct Entry {
    unsigned failures = 0;
    Instant until;
  };
  std::map<Key, Entry> entries_;
};

}  // namespace micro::p2p
