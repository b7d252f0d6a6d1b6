#include "p2p/discovery/provider_store.hpp"

#include <algorithm>

namespace micro::p2p {
namespace {

bool is_over(Instant said, Instant now) {
  return now >= said.plus_ms(kProviderLifeMs);
}

}  // namespace

bool ProviderStore::is_welcome(const std::vector<Record>& records, ContactId provider) const {
  if (records.size() >= kMaxProvidersOfKey) return false;
  const Place& place = contacts_.place(provider);
  if (!place.is_limited) return true;
  const auto same = std::ranges::count_if(records, [&](const Record& record) {
    const Place& there = contacts_.place(record.provider);
    return there.is_limited && there.group == place.group;
  });
  return static_cast<std::size_t>(same) < kMaxProvidersOfGroup;
}

std::optional<AddressGroup> ProviderStore::group_of(ContactId provider) const {
  const auto known = of_provider_.find(provider);
  if (known != of_provider_.end()) return known->second.group;
  const Place& place = contacts_.place(provider);
  return place.is_limited ? std::optional(place.group) : std::nullopt;
}

bool ProviderStore::has_room_for(ContactId provider) const {
  const auto known = of_provider_.find(provider);
  if (known == of_provider_.end() ? of_provider_.size() >= kMaxProviders
                                  : known->second.records >= kMaxRecordsOfProvider) {
    return false;
  }
  const auto group = group_of(provider);
  const auto others = group ? of_group_.find(*group) : of_group_.end();
  if (others == of_group_.end()) return true;
  const bool is_new = known == of_provider_.end();
  return others->second.records < kMaxRecordsOfGroup && !(is_new && others->second.providers >= kMaxProvidersInGroup);
}

bool ProviderStore::add(const KadKey& key, ContactId provider, Instant now) {
  const KadKey distance = distance_of(self_, key);
  const auto found = keys_.find(distance);
  if (found != keys_.end()) {
    const auto at = std::ranges::find(found->second, provider, &Record::provider);
    if (at != found->second.end()) {
      at->said = now;
      return true;
    }
    if (!is_welcome(found->second, provider)) return false;
  }
  if (!has_room_for(provider)) return false;
  if (records_ >= kMaxProviderRecords) {
    const auto farthest = std::prev(keys_.end());
    if (farthest->first <= distance) return false;
    for (const Record& record : farthest->second) forget(record.provider);
    keys_.erase(farthest);
  }
  keys_[distance].push_back({.provider = provider, .said = now});
  const auto group = group_of(provider);
  OfProvider& own = of_provider_[provider];
  if (group) {
    own.group = group;
    Count& count = of_group_[*group];
    ++count.records;
    if (own.records == 0) ++count.providers;
  }
  ++own.records;
  ++records_;
  return true;
}

void ProviderStore::forget(ContactId provider) {
  --records_;
  const auto own = of_provider_.find(provider);
  const bool is_last = --own->second.records == 0;
  if (own->second.group) {
    const auto of_group = of_group_.find(*own->second.group);
    if (is_last) --of_group->second.providers;
    if (--of_group->second.records == 0) of_group_.erase(of_group);
  }
  if (is_last) of_provider_.erase(own);
}

std::vector<ContactId> ProviderStore::of(const KadKey& key, Instant now) const {
  const auto found = keys_.find(distance_of(self_, key));
  if (found == keys_.end()) return {};
  std::vector<Record> records = found->second;
  std::erase_if(records, [&](const Record& record) { return is_over(record.said, now); });
  std::ranges::sort(records, [](const Record& a, const Record& b) {
    return std::pair(b.said, a.provider) < std::pair(a.said, b.provider);
  });
  std::vector<ContactId> out;
  for (const Record& record : records) out.push_back(record.provider);
  return out;
}

void ProviderStore::expire(Instant now) {
  for (auto at = keys_.begin(); at != keys_.end();) {
    std::erase_if(at->second, [&](const Record& record) {
      if (!is_over(record.said, now)) return false;
      forget(record.provider);
      return true;
    });
    at = at->second.empty() ? keys_.erase(at) : std::next(at);
  }
}

void ProviderStore::list_held(std::vector<ContactId>& out) const {
  for (const auto& [provider, records] : of_provider_) out.push_back(provider);
}

}  // namespace micro::p2p
