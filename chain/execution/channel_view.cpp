#include "chain/execution/channel_view.hpp"

#include <algorithm>

namespace micro {

Result<Hosting> hosting_of(const StateView& view, const ServiceId& service, const NodeId& node) {
  Hosting out;
  const auto record = TRY(read_record<ServiceRecord>(view, path::service(service)));
  std::optional<VersionId> next = record ? record->newest : std::nullopt;
  for (std::size_t seen = 0; next && seen < kMaxVersionsForHosting; ++seen) {
    if (const auto placed = TRY(read_record<PlacementRecord>(view, path::placement(*next)))) {
      for (const Placement& p : placed->hosts) {
        if (p.node != node) continue;
        if (p.end == Epoch(0)) {
          out.in_force = true;
        } else {
          out.end = std::max(out.end.value_or(p.end), p.end);
        }
      }
    }
    const auto version = TRY(read_record<VersionRecord>(view, path::version(*next)));
    if (!version) return fail(Fault::kCorrupt, "a service names a version that is not stored");
    next = version->previous;
  }
  if (out.in_force) out.end.reset();
  return out;
}

namespace {

Result<OpenedChannel> with_end(const StateView& view, ChannelRecord record) {
  ServingEnds ends;
  const auto offer = TRY(read_record<OfferRecord>(view, path::offer(record.offer)));
  if (!offer) return fail(Fault::kCorrupt, "a channel names an offer that is not stored");
  if (offer->state != OfferState::kActive) ends.offer = offer->end;
  ends.placement = TRY(hosting_of(view, record.service, record.host)).end;
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
