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
  const auto of_it = of_provider_.find(provider);
  if (of_it == of_provider_.end() ? of_provider_.size() >= kMaxProviders : of_it->second >= kMaxRecordsOfProvider) {
    return false;
  }
  if (records_ >= kMaxProviderRecords) {
    const auto farthest = std::prev(keys_.end());
    if (farthest->first <= distance) return false;
    for (const Record& record : farthest->second) forget(record.provider);
    keys_.erase(farthest);
  }
  keys_[distance].push_back({.provider = provider, .said = now});
  ++of_provider_[provider];
  ++records_;
  return true;
}

void ProviderStore::forget(ContactId provider) {
  --records_;
  const auto found = of_provider_.find(provider);
  if (--found->second == 0) of_provider_.erase(found);
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
