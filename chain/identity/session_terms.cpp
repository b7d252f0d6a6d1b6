#include "chain/identity/session_terms.hpp"

#include <algorithm>

namespace micro {

bool session_terms_in_range(const GrantSessionKey& terms, Epoch now, const ChainParams& params) {
  const std::uint64_t last = now.value + std::uint64_t{kMaxSessionBuckets} * params.bucket_epochs;
  if (terms.expires <= now || terms.expires.value > last) return false;
  if (terms.per_call_cap.is_zero() || terms.window_cap.is_zero() || terms.window_epochs == 0) return false;
  for (std::size_t i = 1; i < terms.services.size(); ++i) {
    if (!(terms.services[i - 1] < terms.services[i])) return false;
  }
  return true;
}

bool session_allows(const SessionRecord& session, const ServiceId& service) {
  return session.services.empty() || std::ranges::binary_search(session.services, service);
}

}  // namespace micro
