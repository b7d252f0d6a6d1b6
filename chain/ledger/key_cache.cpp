#include "chain/ledger/key_cache.hpp"

namespace micro {

std::optional<ParsedKey> KeyCache::find(const Address& sender, const PublicKey& key) {
  Shard& shard = shards_[sender.data[0] % kShards];
  const std::lock_guard lock(shard.mutex);
  if (shard.sets.empty()) return std::nullopt;
  const Set& set = shard.sets[sender.data[1] % kSetsPerShard];
  for (std::size_t i = 0; i < kPlacesPerSet; ++i) {
    if (set.senders[i] == sender && set.places[i].key == key) return set.places[i].parsed;
  }
  return std::nullopt;
}

void KeyCache::prefetch(const Address& sender) {
  constexpr std::size_t kLineBytes = 64;
  const char* set = nullptr;
  {
    Shard& shard = shards_[sender.data[0] % kShards];
    const std::lock_guard lock(shard.mutex);
    if (shard.sets.empty()) return;
    set = reinterpret_cast<const char*>(&shard.sets[sender.data[1] % kSetsPerShard]);
  }
  for (std::size_t at = 0; at < sizeof(Set); at += kLineBytes) __builtin_prefetch(set + at);
}

void KeyCache::put(const Address& sender, const PublicKey& key, const ParsedKey& parsed) {
  Shard& shard = shards_[sender.data[0] % kShards];
  const std::lock_guard lock(shard.mutex);
  if (shard.sets.empty()) shard.sets.resize(kSetsPerShard);
  Set& set = shard.sets[sender.data[1] % kSetsPerShard];
  std::size_t i = 0;
  while (i < kPlacesPerSet && set.places[i].parsed && set.senders[i] != sender) ++i;
  if (i == kPlacesPerSet) i = shard.puts++ % kPlacesPerSet;
  set.senders[i] = sender;
  set.places[i] = {key, parsed};
}

}  // namespace micro
