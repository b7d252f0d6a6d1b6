#include "chain/ledger/key_cache.hpp"

#include <algorithm>

namespace micro {

std::optional<ParsedKey> KeyCache::find(const Address& sender, const PublicKey& key) {
  Shard& shard = shards_[sender.data[0] % kShards];
  const std::lock_guard lock(shard.mutex);
  if (shard.sets.empty()) return std::nullopt;
  for (const Place& place : shard.sets[sender.data[1] % kSetsPerShard]) {
    if (place.sender == sender && place.key == key) return place.parsed;
  }
  return std::nullopt;
}

void KeyCache::put(const Address& sender, const PublicKey& key, const ParsedKey& parsed) {
  Shard& shard = shards_[sender.data[0] % kShards];
  const std::lock_guard lock(shard.mutex);
  if (shard.sets.empty()) shard.sets.resize(kSetsPerShard);
  auto& set = shard.sets[sender.data[1] % kSetsPerShard];
  const auto free = std::ranges::find_if(set, [&](const Place& p) { return !p.parsed || p.sender == sender; });
  Place& place = free != set.end() ? *free : set[shard.puts++ % kPlacesPerSet];
  place = {sender, key, parsed};
}

}  // namespace micro
