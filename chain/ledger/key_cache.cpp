#include "chain/ledger/key_cache.hpp"

#include <cstring>

namespace micro {

std::uint32_t KeyCache::mark_of(const Address& sender) {
  std::uint32_t mark = 0;
  std::memcpy(&mark, &sender.data[2], sizeof mark);
  return mark;
}

std::optional<ParsedKey> KeyCache::find(const Address& sender, const PublicKey& key) {
  Shard& shard = shard_of(sender);
  const std::lock_guard lock(shard.mutex);
  if (shard.sets.empty()) return std::nullopt;
  const Set& set = shard.sets[set_of(sender)];
  for (std::size_t i = 0; i < kPlacesPerSet; ++i) {
    if (set.marks[i] != mark_of(sender)) continue;
    const Set::Place& place = set.places[i];
    if (place.sender == sender && place.key == key) return place.parsed;
  }
  return std::nullopt;
}

void KeyCache::prefetch(std::span<const SignedTx> txs) {
  // The second pass reads what the first one asked for.
  for (const bool places : {false, true}) {
    for (const SignedTx& tx : txs) {
      const Address& sender = tx.body.sender;
      Shard& shard = shard_of(sender);
      const std::lock_guard lock(shard.mutex);
      if (shard.sets.empty()) continue;
      const Set& set = shard.sets[set_of(sender)];
      if (!places) __builtin_prefetch(&set.marks);
      for (std::size_t i = 0; places && i < kPlacesPerSet; ++i) {
        if (set.marks[i] != mark_of(sender)) continue;
        __builtin_prefetch(&set.places[i].sender);
        __builtin_prefetch(&set.places[i].parsed);
        __builtin_prefetch(&set.places[i] + 1);
      }
    }
  }
}

void KeyCache::put(const Address& sender, const PublicKey& key, const ParsedKey& parsed) {
  Shard& shard = shard_of(sender);
  const std::lock_guard lock(shard.mutex);
  if (shard.sets.empty()) shard.sets.resize(kSetsPerShard);
  Set& set = shard.sets[set_of(sender)];
  std::size_t i = 0;
  while (i < kPlacesPerSet && set.places[i].parsed && set.places[i].sender != sender) ++i;
  if (i == kPlacesPerSet) i = shard.puts++ % kPlacesPerSet;
  set.marks[i] = mark_of(sender);
  set.places[i] = {sender, key, parsed};
}

}  // namespace micro
