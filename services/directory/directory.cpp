#include "services/directory/directory.hpp"

#include <algorithm>
#include <set>

namespace micro {
namespace {

/// A service whose versions are looked up beyond this many keeps the older ones out of the directory.
constexpr std::size_t kMaxVersionsListed = 256;

void note(std::set<ServiceId>& touched, const Event& event, const StateView& view) {
  const auto by_version = [&](const VersionId& id) {
    const auto version = read_record<VersionRecord>(view, path::version(id));
    if (version && *version) touched.insert((*version)->service);
  };
  std::visit(
      [&](const auto& e) {
        if constexpr (requires { e.service; }) {
          touched.insert(e.service);
        } else if constexpr (requires { e.version; }) {
          by_version(e.version);
        }
      },
      event);
}

}  // namespace

const HostRef* ServedVersion::local_host() const {
  const auto found = std::ranges::find_if(hosts, &HostRef::local);
  return found == hosts.end() ? nullptr : &*found;
}

Status Directory::load(const StateView& view, Epoch now) {
  services_.clear();
  names_.clear();
  ends_.clear();
  std::vector<ServiceId> ids;
  Status status;
  view.scan(Module::kServices, [&](const StatePath&, ByteView bytes) {
    const auto record = decode<ServiceRecord>(bytes);
    if (!record) status = fail(Fault::kCorrupt, "state record: " + record.error().message);
    if (record) ids.push_back(record->service);
    return status.has_value();
  });
  TRY(status);
  for (const ServiceId& id : ids) TRY(refresh(view, id, now));
  return {};
}

Status Directory::apply(const StateView& view, std::span<const Event> events, Epoch now) {
  std::set<ServiceId> touched;
  for (const Event& event : events) note(touched, event, view);
  for (const ServiceId& service : touched) TRY(refresh(view, service, now));
  drop_ended(now);
  return {};
}

Status Directory::refresh(const StateView& view, const ServiceId& service, Epoch now) {
  const auto record = TRY(read_record<ServiceRecord>(view, path::service(service)));
  if (!record) return {};  // events may name what a failed transaction never made
  ServiceEntry entry = TRY(read_entry(view, *record, now));
  names_.insert_or_assign(entry.name, service);
  services_.insert_or_assign(service, std::move(entry));
  return {};
}

Result<ServiceEntry> Directory::read_entry(const StateView& view, const ServiceRecord& record, Epoch now) {
  ServiceEntry entry{record.service, record.name, record.owner, record.price, record.host_share_ppm, {}};
  std::optional<VersionId> next = record.newest;
  bool has_active = false;
  for (std::size_t seen = 0; next && seen < kMaxVersionsListed; ++seen) {
    const auto version = TRY(read_record<VersionRecord>(view, path::version(*next)));
    if (!version) return fail(Fault::kCorrupt, "a service names a version that is not stored");
    ServedVersion served{version->version, version->commit, VersionState::kAnnounced, {}, version->memory_mib, {}};
    if (const auto status = TRY(read_record<StatusRecord>(view, path::status(*next)))) {
      served.state = status->state;
      served.module = status->wasm_hash;
    }
    if (const auto placed = TRY(read_record<PlacementRecord>(view, path::placement(*next)))) {
      for (const Placement& p : placed->hosts) {
        if (p.end != Epoch(0) && p.end <= now) continue;
        served.hosts.push_back({p.node, p.node == self_, p.end});
        if (p.end != Epoch(0)) ends_.emplace(p.end, record.service);
      }
    }
    const bool newest_active = served.state == VersionState::kActive && !has_active;
    has_active = has_active || newest_active;
    if (seen == 0 || newest_active || !served.hosts.empty()) entry.versions.push_back(std::move(served));
    next = version->previous;
  }
  return entry;
}

/// Draining hosts whose last epoch is over.
void Directory::drop_ended(Epoch now) {
  while (!ends_.empty() && ends_.begin()->first <= now) {
    const auto found = services_.find(ends_.begin()->second);
    ends_.erase(ends_.begin());
    if (found == services_.end()) continue;
    for (ServedVersion& version : found->second.versions) {
      std::erase_if(version.hosts, [&](const HostRef& h) { return h.end != Epoch(0) && h.end <= now; });
    }
  }
}

const ServiceEntry* Directory::find(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : find(found->second);
}

const ServiceEntry* Directory::find(const ServiceId& service) const {
  const auto found = services_.find(service);
  return found == services_.end() ? nullptr : &found->second;
}

Result<Route> Directory::route(std::string_view name, std::string_view commit) const {
  const ServiceEntry* service = find(name);
  if (service == nullptr) {
    return fail(Fault::kNotFound, "there is no service " + std::string(name), "`micro services` lists what there is");
  }
  Route route{service, nullptr};
  if (commit.empty()) {
    const auto active = [](const ServedVersion& v) { return v.state == VersionState::kActive; };
    const auto placed = [&](const ServedVersion& v) { return active(v) && !v.hosts.empty(); };
    auto found = std::ranges::find_if(service->versions, placed);
    if (found == service->versions.end()) found = std::ranges::find_if(service->versions, active);
    if (found == service->versions.end()) found = service->versions.begin();
    if (found != service->versions.end()) route.version = &*found;
  } else {
    if (commit.size() < kMinCommitPrefixDigits) {
      return fail(Fault::kInvalid, "a commit is named by at least 7 hex digits");
    }
    for (const ServedVersion& version : service->versions) {
      if (!version.commit.hex().starts_with(commit)) continue;
      if (route.version != nullptr) return fail(Fault::kInvalid, "several versions start with " + std::string(commit));
      route.version = &version;
    }
  }
  if (route.version == nullptr) {
    const std::string what = commit.empty() ? "no version" : "no version " + std::string(commit) + " that is served";
    return fail(Fault::kNotFound, service->name + " has " + what, "announce and fund one");
  }
  return route;
}

std::vector<const ServiceEntry*> Directory::all() const {
  std::vector<const ServiceEntry*> list;
  for (const auto& [id, entry] : services_) list.push_back(&entry);
  std::ranges::sort(list, {}, &ServiceEntry::name);
  return list;
}

}  // namespace micro
