// Channels open, grow, and are asked to close.
#include "chain/execution/handlers.hpp"
#include "chain/execution/payment_steps.hpp"

namespace micro {
namespace {

/// Into the escrow: transferable lots that outlive the channel and everything that may come after it.
TxStatus fund_escrow(TxScope& s, ChannelRecord& channel, Amount amount) {
  const LotFilter filter{std::max(escrow_min_expiry(s.params(), channel.end), s.now().next()), true};
  Purse& purse = s.payer().purse;
  if (s.move(purse, channel.escrow, amount, filter)) return TxStatus::kOk;
  return s.live(purse) < amount ? TxStatus::kInsufficientFunds : TxStatus::kEscrowExpiry;
}

TxStatus check_session(TxScope& s, const ServiceRecord& service) {
  if (!signer_allows(s, service.service)) return TxStatus::kSessionService;
  const SessionRecord* session = s.session();
  if (session != nullptr && service.price > session->per_call_cap) return TxStatus::kSessionCap;
  return TxStatus::kOk;
}

ChannelRecord new_channel(TxScope& s, const OpenChannel& t, const ServiceRecord& service, const NodeRecord& node) {
  ChannelRecord c;
  c.channel = tagged_hash(domain::kChannelId, {s.ctx().block.chain.view(), s.id().view()}).as<ChannelId>();
  c.payer = s.payer().address;
  c.service = t.service;
  c.host = t.host;
  c.host_owner = node.owner;
  c.owner = service.owner;
  c.offer = *node.offer;
  c.vkey = t.vkey;
  c.terms = {service.price, service.host_share_ppm, s.params().burn_share_ppm, node.node_key};
  c.opened_at = s.ctx().block.height;
  c.opened = s.now();
  c.end = t.end;
  c.deposit = t.deposit;
  c.prepaid = finalize_fee(s.params());
  c.lanes.resize(t.lanes);
  return c;
}

}  // namespace

Result<TxStatus> apply(TxScope& s, const OpenChannel& t) {
  const bool terms_in_range =
      t.lanes >= 1 && t.lanes <= kMaxLanesPerChannel && t.end > s.now() && t.end <= latest_end(s.params(), s.now());
  if (!terms_in_range) return TxStatus::kBadChannelTerms;
  const auto service = TRY(s.load<ServiceRecord>(path::service(t.service)));
  if (!service) return TxStatus::kNoSuchService;
  const auto node = TRY(s.load<NodeRecord>(path::node(t.host)));
  if (!node) return TxStatus::kNoSuchNode;
  if (!node->offer || !TRY(hosting_of(s.view(), t.service, t.host, s.now())).in_force) return TxStatus::kNotPlaced;
  const auto offer = TRY(s.load<OfferRecord>(path::offer(*node->offer)));
  if (!offer || offer->state != OfferState::kActive) return TxStatus::kNotPlaced;
  if (const TxStatus status = check_session(s, *service); status != TxStatus::kOk) return status;
  ChannelRecord channel = new_channel(s, t, *service, *node);
  const auto least = least_deposit(s.params(), channel.terms, t.lanes);
  if (!least || t.deposit < *least) return TxStatus::kDepositTooSmall;
  const Amount escrowed = TRY(checked_add(t.deposit, channel.prepaid));
  if (!s.spend_from_window(escrowed)) return TxStatus::kSessionCap;
  if (const TxStatus status = fund_escrow(s, channel, escrowed); status != TxStatus::kOk) return status;
  s.store(path::channel(channel.channel), channel);
  s.emit(event::ChannelOpened{channel.channel, channel.payer, channel.service, channel.host, t.deposit, t.end});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const TopUpChannel& t) {
  if (t.amount.is_zero()) return TxStatus::kZeroAmount;
  auto opened = TRY(read_channel(s.view(), t.channel));
  if (!opened) return TxStatus::kNoSuchChannel;
  ChannelRecord& channel = opened->record;
  if (channel.payer != s.payer().address) return TxStatus::kNotPayer;
  if (!signer_allows(s, channel.service)) return TxStatus::kSessionService;
  if (channel.state == ChannelState::kClosing) return TxStatus::kChannelClosing;
  if (channel.state == ChannelState::kClosed) return TxStatus::kChannelClosed;
  if (s.now() >= opened->end_eff) return TxStatus::kTooLate;
  const Amount deposit = TRY(checked_add(channel.deposit, t.amount));
  if (deposit.micro > kMaxSupplyMicro) return TxStatus::kOverflow;
  if (!s.spend_from_window(t.amount)) return TxStatus::kSessionCap;
  if (const TxStatus status = fund_escrow(s, channel, t.amount); status != TxStatus::kOk) return status;
  channel.deposit = deposit;
  s.store(path::channel(channel.channel), channel);
  s.emit(event::ChannelToppedUp{channel.channel, channel.payer, t.amount});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const RequestClose& t) {
  auto opened = TRY(read_channel(s.view(), t.channel));
  if (!opened) return TxStatus::kNoSuchChannel;
  ChannelRecord& channel = opened->record;
  if (channel.payer != s.payer().address) return TxStatus::kNotPayer;
  if (!signer_allows(s, channel.service)) return TxStatus::kSessionService;
  if (channel.state == ChannelState::kClosing) return TxStatus::kChannelClosing;
  if (channel.state == ChannelState::kClosed) return TxStatus::kChannelClosed;
  if (s.now() > claim_deadline(channel, opened->end_eff, s.params())) return TxStatus::kTooLate;
  channel.state = ChannelState::kClosing;
  channel.close_requested = s.now();
  s.store(path::channel(channel.channel), channel);
  s.emit(event::CloseRequested{channel.channel, claim_deadline(channel, opened->end_eff, s.params()).next()});
  return TxStatus::kOk;
}

}  // namespace micro
