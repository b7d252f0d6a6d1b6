#include "chain/execution/payment_steps.hpp"

#include "chain/identity/session_terms.hpp"

namespace micro {

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
