// From a name to what answers it.
#pragma once

#include "chain/records/records.hpp"

namespace micro {

inline constexpr std::size_t kMinCommitDigits = 7;  ///< hex digits of a commit that name a version
inline constexpr std::size_t kMaxVersionsWalked = 10'000;

struct ResolvedService {
  ServiceRecord service;
  VersionRecord version;
  std::optional<StatusRecord> status;        ///< none until the first boundary after the announcement
  std::optional<PlacementRecord> placement;  ///< where it is placed, if it ever was
};

/// The service of that name; kNotFound.
Result<ServiceRecord> find_service(const StateView& view, std::string_view name);
/// Without a commit: the newest active version (settled: "the bare name means the newest active"). With one (hex, at
/// least 7 digits): that version in whatever state it is. kNotFound says what is missing, kInvalid an ambiguous commit.
Result<ResolvedService> resolve_service(const StateView& view, std::string_view name,
                                        std::optional<std::string_view> commit_prefix = std::nullopt);
/// Versions of a service, newest first.
Result<std::vector<VersionRecord>> versions_of(const StateView& view, const ServiceRecord& service);

}  // namespace micro
