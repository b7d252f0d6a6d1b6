// Public keys that were parsed already: parsing takes a seventh of a verification. Bounded; a place is found by the
// address, so the worst that anybody can do is to make others parse again.
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
  void put(const Address& sender, const PublicKey& key, const ParsedKey& parsed);

 private:
  static constexpr std::size_t kShards = 256;
  static constexpr std::size_t kPlacesPerShard = 1'024;  ///< about 130 KiB a shard, made when it is first used
  struct Place {
    Address sender;
    PublicKey key;
    std::optional<ParsedKey> parsed;
  };
  struct Shard {
    std::mutex mutex;
    std::vector<Place> places;
  };
  static std::size_t place_of(const Address& sender) {
    return (sender.data[1] + std::size_t{256} * sender.data[2]) % kPlacesPerShard;
  }

  std::array<Shard, kShards> shards_;
};

}  // namespace micro
