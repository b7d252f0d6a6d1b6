// What a service may be called, where its source may come from, and what a version may ask for.
#pragma once

#include "chain/records/records.hpp"

namespace micro {

inline constexpr std::uint32_t kMaxVersionMemoryMib = 256;  ///< what the engine gives a call at most

/// A DNS label (RFC 1035 §2.3.1): a letter, then letters, digits and hyphens, not ending in one; lower case. Labels
/// with
/// "--" at the third place are left to IDNA (RFC 5891 §4.2.3.1), since they display as something else.
bool is_service_name(std::string_view name);
/// https://host/path without credentials, query or fragment; where `allow_local`, also file:///path, /path
/// and plain http to this machine itself.
bool is_source_url(std::string_view url, bool allow_local);
/// Empty, or a relative path that stays inside the repository.
bool is_source_subdir(std::string_view subdir);
/// From the constitution's minimum to all of it.
inline bool is_host_share(std::uint32_t ppm) {
  return ppm >= kernel::kMinHostSharePpm && ppm <= kPpm;
}
inline bool is_version_memory(std::uint32_t mib) {
  return mib >= 1 && mib <= kMaxVersionMemoryMib;
}

/// hash of (owner ‖ nonce of the PublishService).
ServiceId service_id(const Address& owner, Nonce nonce);
/// What the node key signs in an AttestBuild.
Hash build_attest_hash(const ChainId& chain, const AttestBuild& attestation);

}  // namespace micro
