#include "chain/registry/resolve.hpp"

#include <algorithm>

namespace micro {
namespace {

Result<VersionRecord> stored_version(const StateView& view, const VersionId& id) {
  auto version = TRY(read_record<VersionRecord>(view, path::version(id)));
  if (!version) return fail(Fault::kCorrupt, "version " + id.brief() + " is named but not stored");
  return std::move(*version);
}

Result<ResolvedService> with_state(const StateView& view, ServiceRecord service, VersionRecord version) {
  ResolvedService out{std::move(service), std::move(version), {}, {}};
  out.status = TRY(read_record<StatusRecord>(view, path::status(out.version.version)));
  out.placement = TRY(read_record<PlacementRecord>(view, path::placement(out.version.version)));
  return out;
}

Result<VersionRecord> by_commit(const StateView& view, const ServiceRecord& service, std::string_view prefix) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (prefix.size() < kMinCommitDigits || prefix.size() > 2 * CommitId::kSize || !std::ranges::all_of(prefix, is_hex)) {
    return fail(Fault::kInvalid, "\"" + std::string(prefix) + "\" does not name a commit",
                "write at least 7 of its hex digits, in lower case");
  }
  std::optional<VersionRecord> found;
  for (VersionRecord& version : TRY(versions_of(view, service))) {
    if (!version.commit.hex().starts_with(prefix)) continue;
    if (found) return fail(Fault::kInvalid, "several versions begin with " + std::string(prefix), "write more digits");
    found = std::move(version);
  }
  if (!found) return fail(Fault::kNotFound, std::string(service.name) + " has no version " + std::string(prefix));
  return std::move(*found);
}

}  // namespace

Result<ServiceRecord> find_service(const StateView& view, std::string_view name) {
  const auto id = TRY(read_record<ServiceId>(view, path::name(name)));
  if (!id) return fail(Fault::kNotFound, "there is no service named \"" + std::string(name) + "\"");
  auto service = TRY(read_record<ServiceRecord>(view, path::service(*id)));
  if (!service) return fail(Fault::kCorrupt, "service " + id->brief() + " is named but not stored");
  return std::move(*service);
}

Result<std::vector<VersionRecord>> versions_of(const StateView& view, const ServiceRecord& service) {
  std::vector<VersionRecord> out;
  std::optional<VersionId> next = service.newest;
  while (next && out.size() < kMaxVersionsWalked) {
    out.push_back(TRY(stored_version(view, *next)));
    next = out.back().previous;
  }
  return out;
}

Result<ResolvedService> resolve_service(const StateView& view, std::string_view name,
                                        std::optional<std::string_view> commit_prefix) {
  ServiceRecord service = TRY(find_service(view, name));
  if (commit_prefix) {
    VersionRecord version = TRY(by_commit(view, service, *commit_prefix));
    return with_state(view, std::move(service), std::move(version));
  }
  std::optional<VersionId> next = service.newest;
  for (std::size_t walked = 0; next && walked < kMaxVersionsWalked; ++walked) {
    const auto status = TRY(read_record<StatusRecord>(view, path::status(*next)));
    VersionRecord version = TRY(stored_version(view, *next));
    if (status && status->state == VersionState::kActive)
      return with_state(view, std::move(service), std::move(version));
    next = version.previous;
  }
  return fail(Fault::kNotFound, "\"" + std::string(name) + "\" has no active version",
              "`micro status " + std::string(name) + "` says what it waits for");
}

}  // namespace micro
