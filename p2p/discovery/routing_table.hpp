// Whom a node of Kademlia knows: per number of leading bits that a contact shares with this node's own key a bucket of
// k, and a few that wait to take a place. Nobody who answers is ever pushed out, which is what makes a flood of new
// nodes worthless; few of one network have a place in a bucket, so that who owns many addresses there fills none.
// All buckets are one list, eight bytes a contact: a simulator has a million of these tables.
#pragma once

#include <span>

#include "chain/base/clock.hpp"
#include "p2p/discovery/contacts.hpp"

namespace micro::p2p {

struct TableLimits {
  std::uint8_t bucket = 20;
  std::uint8_t waiting = 8;         ///< for a place in a bucket
  std::size_t group_in_bucket = 2;  ///< of one address group
  std::size_t subnet_in_table = 10;
};

inline constexpr std::uint32_t kDeadAfterFailures = 2;  ///< in a row
inline constexpr std::uint64_t kDoubtfulMs = 900'000;   ///< without an answer, until it is asked whether it is there

class RoutingTable {
 public:
  /// `contacts` outlives it.
  RoutingTable(const KadKey& self, const Contacts& contacts, TableLimits limits)
      : self_(self), contacts_(contacts), limits_(limits) {}

  /// It answered. Whether it has a place now.
  bool saw(ContactId contact, Instant now);
  /// It did not answer. Whoever did not twice in a row loses its place to the last that waits.
  void failed(ContactId contact);
  void remove(ContactId contact);

  /// The nearest, nearest first.
  [[nodiscard]] std::vector<ContactId> closest(const KadKey& target, std::size_t count) const;
  [[nodiscard]] bool contains(ContactId contact) const;
  [[nodiscard]] std::size_t size() const;
  /// Of those whom nobody has heard for kDoubtfulMs the one for longest.
  [[nodiscard]] std::optional<ContactId> doubtful(Instant now) const;
  /// How many leading bits the nearest of them shares, and one; 0 for an empty table.
  [[nodiscard]] unsigned depth() const;
  [[nodiscard]] std::size_t size_of(unsigned bucket) const;
  /// Every number that is in use, waiting ones too.
  void list_held(std::vector<ContactId>& out) const;

 private:
  struct Entry {
    ContactId contact = 0;
    std::uint32_t seen_s : 30 = 0;
    std::uint32_t failures : 2 = 0;
  };
  struct Bucket {
    std::uint8_t placed = 0;
    std::uint8_t waiting = 0;  // behind those, the last seen at the end
  };
  struct Spot {  // where a bucket is in the list
    std::size_t begin = 0;
    std::size_t waiting = 0;
    std::size_t end = 0;
  };
  [[nodiscard]] unsigned bucket_of(const KadKey& key) const;
  [[nodiscard]] Spot spot(unsigned bucket) const;
  [[nodiscard]] std::size_t find(std::size_t begin, std::size_t end, ContactId contact) const;
  [[nodiscard]] bool is_diverse(unsigned bucket, ContactId contact) const;
  void insert(std::size_t at, Entry entry);
  void erase(std::size_t at) { entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at)); }
  void forget_waiting(unsigned bucket, Spot where, ContactId contact);
  void wait(unsigned bucket, Spot where, Entry entry);
  void free_place(unsigned bucket, std::size_t at);
  template <class Visit>
  void each_placed(Visit visit) const;

  KadKey self_;
  const Contacts& contacts_;
  TableLimits limits_;
  std::vector<Bucket> buckets_;
  std::vector<Entry> entries_;  // bucket after bucket
};

}  // namespace micro::p2p
