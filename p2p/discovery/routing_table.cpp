#include "p2p/discovery/routing_table.hpp"

#include <algorithm>

namespace micro::p2p {
namespace {

constexpr std::uint64_t kNsInSecond = 1'000'000'000;
constexpr std::uint32_t kMostSeconds = (1U << 30) - 1;  // 34 years of a process

std::uint32_t seconds(Instant now) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(now.ns / kNsInSecond, kMostSeconds));
}

// The first word of a distance decides nearly always, and costs no second look at the key.
struct Ranked {
  std::uint64_t distance = 0;
  ContactId contact = 0;
};

}  // namespace

unsigned RoutingTable::bucket_of(const KadKey& key) const {
  return std::min(common_bits(self_, key), kKadKeyBits - 1);
}

RoutingTable::Spot RoutingTable::spot(unsigned bucket) const {
  Spot out;
  for (unsigned at = 0; at < bucket && at < buckets_.size(); ++at) {
    out.begin += std::size_t{buckets_[at].placed} + buckets_[at].waiting;
  }
  out.waiting = out.end = out.begin;
  if (bucket >= buckets_.size()) return out;
  out.waiting += buckets_[bucket].placed;
  out.end = out.waiting + buckets_[bucket].waiting;
  return out;
}

// `end` where it is not there.
std::size_t RoutingTable::find(std::size_t begin, std::size_t end, ContactId contact) const {
  while (begin < end && entries_[begin].contact != contact) ++begin;
  return begin;
}

template <class Visit>
void RoutingTable::each_placed(Visit visit) const {
  std::size_t at = 0;
  for (const Bucket& bucket : buckets_) {
    for (std::size_t n = 0; n < bucket.placed; ++n) visit(entries_[at + n]);
    at += std::size_t{bucket.placed} + bucket.waiting;
  }
}

bool RoutingTable::is_diverse(unsigned bucket, ContactId contact) const {
  const Place& place = contacts_.place(contact);
  if (!place.is_limited) return true;
  const Spot where = spot(bucket);
  std::size_t of_group = 0;
  for (std::size_t at = where.begin; at < where.waiting; ++at) {
    const Place& there = contacts_.place(entries_[at].contact);
    of_group += there.is_limited && there.group == place.group ? 1 : 0;
  }
  if (of_group >= limits_.group_in_bucket) return false;
  std::size_t of_subnet = 0;
  each_placed([&](const Entry& entry) {
    const Place& there = contacts_.place(entry.contact);
    of_subnet += there.is_limited && there.subnet == place.subnet ? 1 : 0;
  });
  return of_subnet < limits_.subnet_in_table;
}

// Grows by a sixteenth: doubling would hold as much again for nobody.
void RoutingTable::insert(std::size_t at, Entry entry) {
  constexpr std::size_t kLeast = 16;
  if (entries_.size() == entries_.capacity()) entries_.reserve(entries_.size() + kLeast + entries_.size() / 16);
  entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(at), entry);
}

bool RoutingTable::saw(ContactId contact, Instant now) {
  const KadKey& key = contacts_.key(contact);
  if (key == self_) return false;
  const unsigned bucket = bucket_of(key);
  if (buckets_.size() <= bucket) {
    constexpr std::size_t kAhead = 4;
    if (buckets_.capacity() <= bucket) buckets_.reserve(bucket + kAhead);
    buckets_.resize(bucket + 1);
  }
  const Spot where = spot(bucket);
  const Entry entry{.contact = contact, .seen_s = seconds(now) & kMostSeconds, .failures = 0};
  if (const std::size_t at = find(where.begin, where.waiting, contact); at != where.waiting) {
    entries_[at] = entry;
    return true;
  }
  if (!is_diverse(bucket, contact)) return false;  // nor may it push others out of the waiting list
  if (buckets_[bucket].placed >= limits_.bucket) {
    wait(bucket, where, entry);
    return false;
  }
  forget_waiting(bucket, where, contact);
  insert(where.waiting, entry);
  ++buckets_[bucket].placed;
  return true;
}

void RoutingTable::forget_waiting(unsigned bucket, Spot where, ContactId contact) {
  const std::size_t at = find(where.waiting, where.end, contact);
  if (at == where.end) return;
  erase(at);
  --buckets_[bucket].waiting;
}

void RoutingTable::wait(unsigned bucket, Spot where, Entry entry) {
  if (limits_.waiting == 0) return;
  // The one that it was, or the one that waits for longest, makes room at the end.
  std::size_t at = find(where.waiting, where.end, entry.contact);
  if (at == where.end && buckets_[bucket].waiting < limits_.waiting) {
    insert(where.end, entry);
    ++buckets_[bucket].waiting;
    return;
  }
  if (at == where.end) at = where.waiting;
  for (; at + 1 < where.end; ++at) entries_[at] = entries_[at + 1];
  entries_[at] = entry;
}

// Whoever was at `at` leaves; the last that waits and fits takes the place.
void RoutingTable::free_place(unsigned bucket, std::size_t at) {
  erase(at);
  Bucket& sizes = buckets_[bucket];
  --sizes.placed;
  for (std::size_t passed_over = 0; sizes.placed < limits_.bucket && passed_over < sizes.waiting;) {
    const Spot where = spot(bucket);
    const std::size_t last = where.end - 1 - passed_over;
    const Entry entry = entries_[last];
    if (!is_diverse(bucket, entry.contact)) {
      ++passed_over;
      continue;
    }
    erase(last);
    --sizes.waiting;
    insert(where.waiting, entry);
    ++sizes.placed;
  }
}

void RoutingTable::failed(ContactId contact) {
  const unsigned bucket = bucket_of(contacts_.key(contact));
  if (bucket >= buckets_.size()) return;
  const Spot where = spot(bucket);
  forget_waiting(bucket, where, contact);
  const std::size_t at = find(where.begin, where.waiting, contact);
  if (at == where.waiting) return;
  if (entries_[at].failures + 1U < kDeadAfterFailures) {
    ++entries_[at].failures;
  } else {
    free_place(bucket, at);
  }
}

void RoutingTable::remove(ContactId contact) {
  const unsigned bucket = bucket_of(contacts_.key(contact));
  if (bucket >= buckets_.size()) return;
  const Spot where = spot(bucket);
  forget_waiting(bucket, where, contact);
  const std::size_t at = find(where.begin, where.waiting, contact);
  if (at != where.waiting) free_place(bucket, at);
}

// Whoever is in the target's bucket shares more bits with it than anybody else; whoever is in a deeper one shares
// exactly the bits that this node does; and each shallower bucket is farther than the one before.
std::vector<ContactId> RoutingTable::closest(const KadKey& target, std::size_t count) const {
  std::vector<Ranked> found;
  found.reserve(count + limits_.bucket);
  const std::uint64_t there = kad_detail::word(target, 0);
  const auto sort_from = [&](std::size_t from) {
    std::sort(found.begin() + static_cast<std::ptrdiff_t>(from), found.end(), [&](const Ranked& a, const Ranked& b) {
      if (a.distance != b.distance) return a.distance < b.distance;
      return is_nearer(target, contacts_.key(a.contact), contacts_.key(b.contact));
    });
  };
  const auto add = [&](const Spot& where) {
    for (std::size_t at = where.begin; at < where.waiting; ++at) {
      const ContactId contact = entries_[at].contact;
      found.push_back({.distance = kad_detail::word(contacts_.key(contact), 0) ^ there, .contact = contact});
    }
  };
  const auto all = static_cast<unsigned>(buckets_.size());
  const unsigned home = bucket_of(target);
  add(spot(home));
  sort_from(0);
  if (found.size() < count) {
    const std::size_t from = found.size();
    for (unsigned at = home + 1; at < all; ++at) add(spot(at));
    sort_from(from);
  }
  for (unsigned at = std::min(home, all); at-- > 0 && found.size() < count;) {
    const std::size_t from = found.size();
    add(spot(at));
    sort_from(from);
  }
  std::vector<ContactId> out;
  out.reserve(std::min(count, found.size()));
  for (std::size_t n = 0; n < std::min(count, found.size()); ++n) out.push_back(found[n].contact);
  return out;
}

bool RoutingTable::contains(ContactId contact) const {
  const Spot where = spot(bucket_of(contacts_.key(contact)));
  return find(where.begin, where.waiting, contact) != where.waiting;
}

std::size_t RoutingTable::size() const {
  std::size_t out = 0;
  for (const Bucket& bucket : buckets_) out += bucket.placed;
  return out;
}

std::size_t RoutingTable::size_of(unsigned bucket) const {
  return bucket < buckets_.size() ? buckets_[bucket].placed : 0;
}

std::optional<ContactId> RoutingTable::doubtful(Instant now) const {
  const Entry* oldest = nullptr;
  each_placed([&](const Entry& entry) {
    if (oldest == nullptr || entry.seen_s < oldest->seen_s) oldest = &entry;
  });
  if (oldest == nullptr || seconds(now) - oldest->seen_s < kDoubtfulMs / 1'000) return std::nullopt;
  return oldest->contact;
}

unsigned RoutingTable::depth() const {
  for (std::size_t at = buckets_.size(); at-- > 0;) {
    if (buckets_[at].placed > 0) return static_cast<unsigned>(at) + 1;
  }
  return 0;
}

void RoutingTable::list_held(std::vector<ContactId>& out) const {
  for (const Entry& entry : entries_) out.push_back(entry.contact);
}

}  // namespace micro::p2p
