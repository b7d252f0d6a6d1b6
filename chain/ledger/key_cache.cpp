#include "chain/ledger/key_cache.hpp"

namespace micro {

std::optional<ParsedKey> KeyCache::find(const Address& sender, const PublicKey& key) {
  Shard& shard = shards_[sender.data[0] % kShards];
  const std::lock_guard lock(shard.mutex);
  if (shard.places.empty()) return std::nullopt;
  const Place& place = shard.places[place_of(sender)];
  return place.sender == sender && place.key == key ? place.parsed : std::nullopt;
}

void KeyCache::put(const Address& sender, const PublicKey& key, const ParsedKey& parsed) {
  Shard& shard = shards_[sender.data[0] % kShards];
  const std::lock_guard lock(shard.mutex);
  if (shard.places.empty()) shard.places.resize(kPlacesPerShard);
  shard.places[place_of(sender)] = {sender, key, parsed};
}

}  // namespace micro
