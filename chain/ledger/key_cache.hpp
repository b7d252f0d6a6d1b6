// Public keys that were parsed already: parsing takes a seventh of a verification. Bounded; the address says which
// eight places a key may take, so the worst that anybody can do is to make others parse again.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "chain/types/address.hpp"
#include "chain/types/transaction.hpp"

namespace micro {

class KeyCache {
 public:
  /// The parsed key if `key` is the sender's: its address was checked when it entered.
  std::optional<ParsedKey> find(const Address& sender, const PublicKey& key);
  /// Asks the memory for what find() of these senders will read.
  void prefetch(std::span<const SignedTx> txs);
  void put(const Address& sender, const PublicKey& key, const ParsedKey& parsed);

 private:
  // Eight places to a set: with four, a fifteenth of the keys of a cache that is two fifths full would find no place.
  static constexpr std::size_t kShards = 256;
  static constexpr std::size_t kSetsPerShard = 128;  ///< about 136 KiB a shard, made when it is first used
  static constexpr std::size_t kPlacesPerSet = 8;
  /// The marks lie together: looking for one reads one line of memory and then the place itself.
  struct Set {
    struct Place {
      Address sender;
      PublicKey key;
      std::optional<ParsedKey> parsed;  ///< none: the place is free
    };
    std::array<std::uint32_t, kPlacesPerSet> marks{};  ///< a part of the sender's address
    std::array<Place, kPlacesPerSet> places;
  };
  struct Shard {
    std::mutex mutex;
    std::vector<Set> sets;
    std::uint32_t puts = 0;  ///< the place that the next one takes where all are taken
  };
  [[nodiscard]] Shard& shard_of(const Address& sender) { return shards_[sender.data[0] % kShards]; }
  static std::size_t set_of(const Address& sender) { return sender.data[1] % kSetsPerShard; }
  static std::uint32_t mark_of(const Address& sender);

  std::array<Shard, kShards> shards_;
};

}  // namespace micro
