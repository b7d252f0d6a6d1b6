// Who said it provides what, on the nodes nearest to the key of it. Records run out; when there is no room, the key
// that is farthest from this node goes, since records belong to the nodes nearest to them.
#pragma once

#include "chain/base/clock.hpp"
#include "p2p/discovery/contacts.hpp"

namespace micro::p2p {

inline constexpr std::uint64_t kProviderLifeMs = 48 * 3'600'000ULL;
inline constexpr std::size_t kMaxProviderRecords = 32'768;
inline constexpr std::size_t kMaxProvidersOfKey = 40;
inline constexpr std::size_t kMaxProvidersOfGroup = 4;     ///< of one key, from one address group
inline constexpr std::size_t kMaxRecordsOfProvider = 512;  ///< over all keys
inline constexpr std::size_t kMaxProviders = 8'192;        ///< different ones

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
  [[nodiscard]] bool is_welcome(const std::vector<Record>& records, ContactId provider) const;
  void forget(ContactId provider);

  KadKey self_;
  const Contacts& contacts_;
  Keys keys_;
  std::map<ContactId, std::size_t> of_provider_;
  std::size_t records_ = 0;
};

}  // namespace micro::p2p
