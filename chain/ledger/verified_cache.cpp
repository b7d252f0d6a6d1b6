#include "chain/ledger/verified_cache.hpp"

#include <utility>

namespace micro {

void VerifiedCache::put(std::span<const Hash> contents) {
  const std::lock_guard lock(mutex_);
  for (const Hash& content : contents) {
    if (newer_.size() >= kMaxVerifiedPerGeneration) older_ = std::exchange(newer_, {});
    newer_.insert(content);
  }
}

bool VerifiedCache::has(const Hash& content) const {
  const std::lock_guard lock(mutex_);
  return newer_.contains(content) || older_.contains(content);
}

}  // namespace micro
