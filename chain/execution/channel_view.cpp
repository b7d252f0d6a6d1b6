#include "chain/execution/channel_view.hpp"

#include <algorithm>
#include <iterator>
#include <span>

namespace micro {

namespace {

/// What any of the newest versions has, or had, on the node.
Result<std::vector<Placement>> placements_on(const StateView& view, const ServiceId& service, const NodeId& node) {
  std::vector<Placement> out;
  const auto record = TRY(read_record<ServiceRecord>(view, path::service(service)));
  std::optional<VersionId> next = record ? record->newest : std::nullopt;
  for (std::size_t seen = 0; next && seen < kMaxVersionsForHosting; ++seen) {
    if (const auto placed = TRY(read_record<PlacementRecord>(view, path::placement(*next)))) {
      std::ranges::copy_if(placed->hosts, std::back_inserter(out), [&](const Placement& p) { return p.node == node; });
    }
    const auto version = TRY(read_record<VersionRecord>(view, path::version(*next)));
    if (!version) return fail(Fault::kCorrupt, "a service names a version that is not stored");
    next = version->previous;
  }
  return out;
}

bool in_force(const Placement& p) {
  return p.end == Epoch(0);
}

/// The end of the service that covers `since`: placements that touch or overlap are one. None while it goes on, and
/// where the placement of then is forgotten but another is in force.
std::optional<Epoch> unbroken_end(std::span<const Placement> placements, Epoch since) {
  const auto covers = [](const Placement& p, Epoch at) { return p.since <= at && (in_force(p) || p.end >= at); };
  Epoch end = since;
  for (bool grew = true; grew;) {
    grew = false;
    for (const Placement& p : placements) {
      if (!covers(p, end)) continue;
      if (in_force(p)) return std::nullopt;
      grew |= p.end > end;
      end = std::max(end, p.end);
    }
  }
  if (end > since) return end;
  std::optional<Epoch> latest;
  for (const Placement& p : placements) {
    if (in_force(p)) return std::nullopt;
    latest = std::max(latest.value_or(p.end), p.end);
  }
  return latest;
}

}  // namespace

Result<Hosting> hosting_of(const StateView& view, const ServiceId& service, const NodeId& node, Epoch since) {
  const auto placements = TRY(placements_on(view, service, node));
  return Hosting{std::ranges::any_of(placements, in_force), unbroken_end(placements, since)};
}

namespace {

Result<OpenedChannel> with_end(const StateView& view, ChannelRecord record) {
  ServingEnds ends;
  const auto offer = TRY(read_record<OfferRecord>(view, path::offer(record.offer)));
  if (!offer) return fail(Fault::kCorrupt, "a channel names an offer that is not stored");
  if (offer->state != OfferState::kActive) ends.offer = offer->end;
  ends.placement = TRY(hosting_of(view, record.service, record.host, record.opened)).end;
  const Epoch end_eff = effective_end(record, ends);
  return OpenedChannel{std::move(record), end_eff};
}

}  // namespace

Result<std::optional<OpenedChannel>> read_channel(const StateView& view, const ChannelId& id) {
  auto record = TRY(read_record<ChannelRecord>(view, path::channel(id)));
  if (!record) return std::optional<OpenedChannel>{};
  return std::optional<OpenedChannel>(TRY(with_end(view, std::move(*record))));
}

Result<std::vector<OpenedChannel>> channels_of_host(const StateView& view, const NodeId& host) {
  std::vector<ChannelRecord> records;
  Status status;
  view.scan(Module::kChannels, [&](const StatePath&, ByteView bytes) {
    auto record = decode<ChannelRecord>(bytes);
    if (!record) status = fail(Fault::kCorrupt, "channel record: " + record.error().message);
    if (record && record->host == host) records.push_back(std::move(*record));
    return status.has_value();
  });
  TRY(status);
  std::vector<OpenedChannel> out;
  for (ChannelRecord& record : records) out.push_back(TRY(with_end(view, std::move(record))));
  return out;
}

}  // namespace micro
