#include "p2p/discovery/routing_table.hpp"

#include <algorithm>

namespace micro::p2p {
namespace {

constexpr std::uint64_t kNsInSecond = 1'000'000'000;

std::uint32_t seconds(Instant now) {
  return static_cast<std::uint32_t>(now.ns / kNsInSecond);
}

// There are many tables in a simulator: no more memory than the limit says.
template <class T>
void push_tight(std::vector<T>& list, T value, std::size_t limit) {
  constexpr std::size_t kLeast = 4;
  if (list.size() == list.capacity()) list.reserve(std::min(limit, std::max(kLeast, 2 * list.size())));
  list.push_back(value);
}

template <class Entries>
auto find_entry(Entries& entries, ContactId contact) {
  return std::ranges::find_if(entries, [&](const auto& entry) { return entry.contact == contact; });
}

}  // namespace

unsigned RoutingTable::bucket_of(const KadKey& key) const {
  return std::min(common_bits(self_, key), kKadKeyBits - 1);
}

bool RoutingTable::is_diverse(const Bucket& bucket, ContactId contact) const {
  const Place& place = contacts_.place(contact);
  if (!place.is_limited) return true;
  const auto in_group = [&](const Entry& entry) {
    const Place& there = contacts_.place(entry.contact);
    return there.is_limited && there.group == place.group;
  };
  const auto of_group = std::ranges::count_if(bucket.entries, in_group);
  if (static_cast<std::size_t>(of_group) >= limits_.group_in_bucket) return false;
  std::size_t of_subnet = 0;
  for (const Bucket& each : buckets_) {
    for (const Entry& entry : each.entries) {
      const Place& there = contacts_.place(entry.contact);
      of_subnet += there.is_limited && there.subnet == place.subnet ? 1 : 0;
    }
  }
  return of_subnet < limits_.subnet_in_table;
}

bool RoutingTable::saw(ContactId contact, Instant now) {
  const KadKey& key = contacts_.key(contact);
  if (key == self_) return false;
  const unsigned number = bucket_of(key);
  if (buckets_.size() <= number) buckets_.resize(number + 1);
  Bucket& bucket = buckets_[number];
  const Entry entry{.contact = contact, .seen_s = seconds(now), .failures = 0};
  if (const auto at = find_entry(bucket.entries, contact); at != bucket.entries.end()) {
    *at = entry;
    return true;
  }
  if (!is_diverse(bucket, contact)) return false;  // nor may it push others out of the waiting list
  if (bucket.entries.size() >= limits_.bucket) {
    wait(bucket, entry);
    return false;
  }
  if (const auto at = find_entry(bucket.waiting, contact); at != bucket.waiting.end()) bucket.waiting.erase(at);
  push_tight(bucket.entries, entry, limits_.bucket);
  return true;
}

void RoutingTable::wait(Bucket& bucket, Entry entry) const {
  if (const auto at = find_entry(bucket.waiting, entry.contact); at != bucket.waiting.end()) bucket.waiting.erase(at);
  if (limits_.waiting == 0) return;
  if (bucket.waiting.size() >= limits_.waiting) bucket.waiting.erase(bucket.waiting.begin());
  push_tight(bucket.waiting, entry, limits_.waiting);
}

void RoutingTable::fill(Bucket& bucket) const {
  for (auto at = bucket.waiting.end(); at != bucket.waiting.begin();) {
    --at;
    if (bucket.entries.size() >= limits_.bucket || !is_diverse(bucket, at->contact)) continue;
    push_tight(bucket.entries, *at, limits_.bucket);
    at = bucket.waiting.erase(at);
  }
}

void RoutingTable::failed(ContactId contact) {
  const unsigned number = bucket_of(contacts_.key(contact));
  if (number >= buckets_.size()) return;
  Bucket& bucket = buckets_[number];
  if (const auto at = find_entry(bucket.waiting, contact); at != bucket.waiting.end()) bucket.waiting.erase(at);
  const auto at = find_entry(bucket.entries, contact);
  if (at == bucket.entries.end() || ++at->failures < kDeadAfterFailures) return;
  bucket.entries.erase(at);
  fill(bucket);
}

void RoutingTable::remove(ContactId contact) {
  const unsigned number = bucket_of(contacts_.key(contact));
  if (number >= buckets_.size()) return;
  Bucket& bucket = buckets_[number];
  std::erase_if(bucket.waiting, [&](const Entry& entry) { return entry.contact == contact; });
  if (std::erase_if(bucket.entries, [&](const Entry& entry) { return entry.contact == contact; }) > 0) fill(bucket);
}

// Whoever is in the target's bucket shares more bits with it than anybody else; whoever is in a deeper one shares
// exactly the bits that this node does; and each shallower bucket is farther than the one before.
std::vector<ContactId> RoutingTable::closest(const KadKey& target, std::size_t count) const {
  std::vector<ContactId> out;
  const auto sort_from = [&](std::size_t from) {
    std::sort(out.begin() + static_cast<std::ptrdiff_t>(from), out.end(),
              [&](ContactId a, ContactId b) { return is_nearer(target, contacts_.key(a), contacts_.key(b)); });
  };
  const auto add = [&](const Bucket& bucket) {
    for (const Entry& entry : bucket.entries) out.push_back(entry.contact);
  };
  const std::size_t home = bucket_of(target);
  if (home < buckets_.size()) {
    add(buckets_[home]);
    sort_from(0);
  }
  if (out.size() < count) {
    const std::size_t from = out.size();
    for (std::size_t at = home + 1; at < buckets_.size(); ++at) add(buckets_[at]);
    sort_from(from);
  }
  for (std::size_t at = std::min(home, buckets_.size()); at-- > 0 && out.size() < count;) {
    const std::size_t from = out.size();
    add(buckets_[at]);
    sort_from(from);
  }
  if (out.size() > count) out.resize(count);
  return out;
}

bool RoutingTable::contains(ContactId contact) const {
  const unsigned number = bucket_of(contacts_.key(contact));
  return number < buckets_.size() && find_entry(buckets_[number].entries, contact) != buckets_[number].entries.end();
}

std::size_t RoutingTable::size() const {
  std::size_t out = 0;
  for (const Bucket& bucket : buckets_) out += bucket.entries.size();
  return out;
}

std::size_t RoutingTable::size_of(unsigned bucket) const {
  return bucket < buckets_.size() ? buckets_[bucket].entries.size() : 0;
}

std::optional<ContactId> RoutingTable::doubtful(Instant now) const {
  const Entry* oldest = nullptr;
  for (const Bucket& bucket : buckets_) {
    for (const Entry& entry : bucket.entries) {
      if (oldest == nullptr || entry.seen_s < oldest->seen_s) oldest = &entry;
    }
  }
  if (oldest == nullptr || seconds(now) - oldest->seen_s < kDoubtfulMs / 1'000) return std::nullopt;
  return oldest->contact;
}

unsigned RoutingTable::depth() const {
  for (std::size_t at = buckets_.size(); at-- > 0;) {
    if (!buckets_[at].entries.empty()) return static_cast<unsigned>(at) + 1;
  }
  return 0;
}

void RoutingTable::list_held(std::vector<ContactId>& out) const {
  for (const Bucket& bucket : buckets_) {
    for (const Entry& entry : bucket.entries) out.push_back(entry.contact);
    for (const Entry& entry : bucket.waiting) out.push_back(entry.contact);
  }
}

}  // namespace micro::p2p
