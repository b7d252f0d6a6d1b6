// Session keys: what they may be granted.
#pragma once

#include "chain/records/records.hpp"

namespace micro {

/// A session lasts at most this many buckets (Q epochs each): a lost key stops by itself.
inline constexpr std::uint32_t kMaxSessionBuckets = 400;

/// It ends after `now` and within the limit, its caps and window are not zero, and its services are ascending.
bool session_terms_in_range(const GrantSessionKey& terms, Epoch now, const ChainParams& params);
/// The key may open channels to this service.
bool session_allows(const SessionRecord& session, const ServiceId& service);

}  // namespace micro
