#include "chain/execution/payment_steps.hpp"

#include <algorithm>

#include "chain/identity/session_terms.hpp"

namespace micro {

Result<Hosting> hosting_of(const TxScope& s, const ServiceId& service, const NodeId& node) {
  Hosting out;
  const auto record = TRY(s.load<ServiceRecord>(path::service(service)));
  std::optional<VersionId> next = record ? record->newest : std::nullopt;
  for (std::size_t seen = 0; next && seen < kMaxVersionsForHosting; ++seen) {
    if (const auto placed = TRY(s.load<PlacementRecord>(path::placement(*next)))) {
      for (const Placement& p : placed->hosts) {
        if (p.node != node) continue;
        if (p.end == Epoch(0)) {
          out.in_force = true;
        } else {
          out.end = std::max(out.end.value_or(p.end), p.end);
        }
      }
    }
    const auto version = TRY(s.load<VersionRecord>(path::version(*next)));
    if (!version) return fail(Fault::kCorrupt, "a service names a version that is not stored");
    next = version->previous;
  }
  if (out.in_force) out.end.reset();
  return out;
}

Result<std::optional<OpenedChannel>> load_channel(const TxScope& s, const ChannelId& id) {
  auto record = TRY(s.load<ChannelRecord>(path::channel(id)));
  if (!record) return std::optional<OpenedChannel>{};
  ServingEnds ends;
  const auto offer = TRY(s.load<OfferRecord>(path::offer(record->offer)));
  if (!offer) return fail(Fault::kCorrupt, "a channel names an offer that is not stored");
  if (offer->state != OfferState::kActive) ends.offer = offer->end;
  ends.placement = TRY(hosting_of(s, record->service, record->host)).end;
  const Epoch end_eff = effective_end(*record, ends);
  return OpenedChannel{std::move(*record), end_eff};
}

bool signer_allows(TxScope& s, const ServiceId& service) {
  return s.session() == nullptr || session_allows(*s.session(), service);
}

Result<PaidOut> pay_out(TxScope& s, const ChannelRecord& channel, Purse& from, Amount to_host, Amount to_owner) {
  PaidOut paid;
  paid.to_host = min(to_host, s.live(from));
  Account* host = TRY(s.account(channel.host_owner));
  if (!s.renew(from, host->purse, paid.to_host)) return fail(Fault::kCorrupt, "proceeds are missing");
  paid.to_owner = min(to_owner, s.live(from));
  Account* owner = TRY(s.account(channel.owner));
  if (!s.renew(from, owner->purse, paid.to_owner)) return fail(Fault::kCorrupt, "proceeds are missing");
  return paid;
}

Result<Amount> refund_escrow(TxScope& s, ChannelRecord& channel) {
  Account* payer = TRY(s.account(channel.payer));
  const Amount refund = s.live(channel.escrow);
  add_all(payer->purse, channel.escrow);
  channel.escrow.lots.clear();
  channel.prepaid = Amount(0);
  return refund;
}

Status clear_held(TxScope& s, ChannelRecord& channel) {
  if (channel.held.lots.empty()) return {};
  Account* host = TRY(s.account(channel.host_owner));
  add_all(host->purse, channel.held);
  channel.held.lots.clear();
  return {};
}

}  // namespace micro
