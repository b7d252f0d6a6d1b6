// Whom a node of Kademlia knows: per number of leading bits that a contact shares with this node's own key a bucket of
// k, and a few that wait to take a place. Nobody who answers is ever pushed out, which is what makes a flood of new
// nodes worthless; few of one network have a place in a bucket, so that who owns many addresses there fills none.
#pragma once

#include "chain/base/clock.hpp"
#include "p2p/discovery/contacts.hpp"

namespace micro::p2p {

struct TableLimits {
  std::size_t bucket = 20;
  std::size_t waiting = 8;          ///< for a place in a bucket
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
    std::uint32_t seen_s = 0;
    std::uint32_t failures = 0;
  };
  struct Bucket {
    std::vector<Entry> entries;
    std::vector<Entry> waiting;  // the last seen at the end
  };
  [[nodiscard]] unsigned bucket_of(const KadKey& key) const;
  [[nodiscard]] bool is_diverse(const Bucket& bucket, ContactId contact) const;
  void wait(Bucket& bucket, Entry entry) const;
  void fill(Bucket& bucket) const;

  KadKey self_;
  const Contacts& contacts_;
  TableLimits limits_;
  std::vector<Bucket> buckets_;
};

}  // namespace micro::p2p
