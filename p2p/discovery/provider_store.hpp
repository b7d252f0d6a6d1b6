// Who said it provides what, on the nodes nearest to the key of it. Records run out; when there is no room, the key
// that is farthest from this node goes, since records belong to the nodes nearest to them.
#pragma once

#include <optional>

#include "chain/base/clock.hpp"
#include "p2p/discovery/contacts.hpp"

namespace micro::p2p {

inline constexpr std::uint64_t kProviderLifeMs = 48 * 3'600'000ULL;
inline constexpr std::size_t kMaxProviderRecords = 32'768;
inline constexpr std::size_t kMaxProvidersOfKey = 40;
inline constexpr std::size_t kMaxProvidersOfGroup = 4;     ///< of one key, from one address group
inline constexpr std::size_t kMaxRecordsOfProvider = 512;  ///< over all keys
inline constexpr std::size_t kMaxProviders = 8'192;        ///< different ones
// Of one address group, over all keys: who owns a few of them fills no store with identities and keys made for it.
inline constexpr std::size_t kMaxRecordsOfGroup = kMaxProviderRecords / 16;
inline constexpr std::size_t kMaxProvidersInGroup = kMaxProviders / 16;

class ProviderStore {
 public:
  /// `contacts` outlives it.
  ProviderStore(const KadKey& self, const Contacts& contacts) : self_(self), contacts_(contacts) {}

  /// False where there is no room for it.
  bool add(const KadKey& key, ContactId provider, Instant now);
  /// The last that said so first.
  [[nodiscard]] std::vector<ContactId> of(const KadKey& key, Instant now) const;
  void expire(Instant now);
  [[nodiscard]] std::size_t records() const { return records_; }
  /// Every number that is in use.
  void list_held(std::vector<ContactId>& out) const;

 private:
  struct Record {
    ContactId provider = 0;
    Instant said;
  };
  using Keys = std::map<KadKey, std::vector<Record>>;  // by their distance from this node
  struct Count {
    std::size_t providers = 0;
    std::size_t records = 0;
  };
  struct OfProvider {
    std::size_t records = 0;
    std::optional<AddressGroup> group;  // when its first was taken
  };
  [[nodiscard]] bool is_welcome(const std::vector<Record>& records, ContactId provider) const;
  [[nodiscard]] bool has_room_for(ContactId provider) const;
  [[nodiscard]] std::optional<AddressGroup> group_of(ContactId provider) const;
  void forget(ContactId provider);

  KadKey self_;
  const Contacts& contacts_;
  Keys keys_;
  std::map<ContactId, OfProvider> of_provider_;
  std::map<AddressGroup, Count> of_group_;
  std::size_t records_ = 0;
};

}  // namespace micro::p2p
