// Public keys that were parsed already: parsing takes a seventh of a verification. Bounded; the address says which four
// places a key may take, so the worst that anybody can do is to make others parse again.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "chain/types/address.hpp"

namespace micro {

class KeyCache {
 public:
  /// The parsed key if `key` is the sender's: its address was checked when it entered.
  std::optional<ParsedKey> find(const Address& sender, const PublicKey& key);
  /// Asks the memory for what find() of this sender will read.
  void prefetch(const Address& sender);
  void put(const Address& sender, const PublicKey& key, const ParsedKey& parsed);

 private:
  static constexpr std::size_t kShards = 256;
  static constexpr std::size_t kSetsPerShard = 256;  ///< about 140 KiB a shard, made when it is first used
  static constexpr std::size_t kPlacesPerSet = 4;
  /// The senders lie together: looking for one reads two lines of memory and then the place itself.
  struct Set {
    struct Place {
      PublicKey key;
      std::optional<ParsedKey> parsed;  ///< none: the place is free
    };
    std::array<Address, kPlacesPerSet> senders;
    std::array<Place, kPlacesPerSet> places;
  };
  struct Shard {
    std::mutex mutex;
    std::vector<Set> sets;
    std::uint32_t puts = 0;  ///< the place that the next one takes where all are taken
  };

  std::array<Shard, kShards> shards_;
};

}  // namespace micro
