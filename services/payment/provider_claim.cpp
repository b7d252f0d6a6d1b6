// What the ledger tells the provider, and what the provider asks of the ledger: claims, closes, finalizing.
#include "services/payment/provider.hpp"

#include <algorithm>

namespace micro::payment {

// --- the books after a start ---

Status Provider::recover(const StoreMeta& meta) {
  fence_ = meta.fence;
  return store_.scan([this](ByteView key, ByteView value) { return recover_entry(key, value); });
}

Status Provider::recover_entry(ByteView key, ByteView value) {
  const auto damaged = [](const Error& e) { return fail(Fault::kCorrupt, "payments database: " + e.message); };
  Decoder decoder(key);
  std::uint8_t kind = 0;
  TRY(decoder.get(kind));
  if (kind == static_cast<std::uint8_t>(RecordKind::kMeta)) return {};
  ChannelId id;
  TRY(decoder.get(id));
  Channel& channel = channels_[id];
  if (kind == static_cast<std::uint8_t>(RecordKind::kClosing)) {
    const auto record = decode<ClosingRecord>(value);
    if (!record) return damaged(record.error());
    channel.closing = record->valid_until;
    channel.closing_synced = true;
    return {};
  }
  std::uint8_t number = 0;
  TRY(decoder.get(number));
  TRY(decoder.finish());
  if (number >= kMaxLanesPerChannel) return fail(Fault::kCorrupt, "payments database: a lane above the limit");
  if (number >= channel.lanes.size()) channel.lanes.resize(number + 1U);
  if (kind == static_cast<std::uint8_t>(RecordKind::kAccepted)) {
    auto record = decode<AcceptedRecord>(value);
    if (!record) return damaged(record.error());
    return recover_accepted(channel.lanes[number], id, number, std::move(*record), value.size());
  }
  if (kind != static_cast<std::uint8_t>(RecordKind::kEnded)) {
    return fail(Fault::kCorrupt, "payments database: an entry of unknown kind");
  }
  const auto record = decode<EndedRecord>(value);
  if (!record) return damaged(record.error());
  return recover_ended(channel.lanes[number], id, number, *record, value.size());
}

Status Provider::recover_accepted(Lane& lane, const ChannelId& id, std::uint8_t number, AcceptedRecord record,
                                  std::size_t bytes) {
  const Voucher& v = record.paid.voucher;
  if (v.channel != id || v.lane != number) return fail(Fault::kCorrupt, "payments database: a call in a wrong place");
  lane.flight = std::move(record);
  lane.phase = Phase::kAccepting;
  account(lane.accepted_bytes, bytes);
  ++running_;
  return {};
}

Status Provider::recover_ended(Lane& lane, const ChannelId& id, std::uint8_t number, const EndedRecord& record,
                               std::size_t bytes) {
  const CallReceipt& r = record.receipt;
  const Voucher& v = record.paid.voucher;
  const bool fits = v.channel == id && v.lane == number && r.channel == id && r.lane == number && r.seq == v.seq;
  if (!fits) return fail(Fault::kCorrupt, "payments database: a receipt in a wrong place");
  lane.totals = {r.seq, r.cum_charged, r.cum_base_fee};
  lane.last = LaneProof{record.paid, {r, record.receipt_signature}};
  lane.claimable = record.claimable;
  if (r.outcome == CallOutcomeKind::kDone) {
    lane.claimable = LaneClaim{v, record.paid.signature, r.cum_charged, r.cum_base_fee};
  }
  account(lane.ended_bytes, bytes);
  return {};
}

/// Nothing of this lane counts any more.
void Provider::let_go(Lane& lane) {
  if (lane.phase == Phase::kAccepting || lane.phase == Phase::kRunning) --running_;
  lane.phase = Phase::kIdle;
  lane.flight.reset();
  account(lane.accepted_bytes, 0);
  account(lane.ended_bytes, 0);
}

// --- the ledger ---

void Provider::on_channel(const ChannelSeen& e) {
  Channel& channel = channels_[e.record.channel];
  const bool first = !channel.record;
  if (!first && channel.record->lanes != e.record.lanes) channel.claim_sent.reset();
  channel.record = e.record;
  channel.end_eff = e.end_eff;
  if (first) take_over(channel);
  consider_claim(channel);
}

/// The books of a channel meet the ledger: they go on from where they were, or they are not those of this channel's
/// life.
void Provider::take_over(Channel& channel) {
  const ChannelRecord& record = *channel.record;
  channel.fenced = record.opened_at <= fence_ || channel.lanes.size() > record.lanes.size();
  for (std::size_t i = record.lanes.size(); i < channel.lanes.size(); ++i) let_go(channel.lanes[i]);
  channel.lanes.resize(record.lanes.size());
  for (std::size_t i = 0; i < channel.lanes.size(); ++i) {
    const Lane& lane = channel.lanes[i];
    const bool follows = !lane.flight || lane.flight->paid.voucher.seq == lane.totals.seq + 1;
    // The ledger holds a later claim than these books: they are an old copy.
    if (!follows || record.lanes[i].seq > lane.totals.seq) channel.fenced = true;
  }
  for (Lane& lane : channel.lanes) {
    if (lane.phase != Phase::kAccepting) continue;
    if (channel.fenced) {
      let_go(lane);
    } else {
      start(lane);
    }
  }
}

void Provider::on_gone(const ChannelId& id) {
  const auto found = channels_.find(id);
  if (found == channels_.end()) return;
  std::vector<Write> writes{{closing_key(id), std::nullopt}};
  for (std::size_t i = 0; i < found->second.lanes.size(); ++i) {
    Lane& lane = found->second.lanes[i];
    const auto number = static_cast<std::uint8_t>(i);
    writes.push_back({lane_key(RecordKind::kAccepted, id, number), std::nullopt});
    writes.push_back({lane_key(RecordKind::kEnded, id, number), std::nullopt});
    let_go(lane);
    if (!lane.caller) continue;
    Answer answer;
    answer.status = 402;
    answer.problem = "the channel was closed while the call was in work";
    respond(*lane.caller, std::move(answer));
  }
  if (found->second.close_caller) {
    effects_.emplace_back(
        CloseSigned{*found->second.close_caller, fail(Fault::kNotFound, "the channel is closed already")});
  }
  channels_.erase(found);
  persist(std::move(writes), Pending::What::kNothing, {});
}

void Provider::on_ledger_read() {
  std::vector<ChannelId> unknown;
  for (const auto& [id, channel] : channels_) {
    if (!channel.record) unknown.push_back(id);
  }
  for (const ChannelId& id : unknown) on_gone(id);
}

void Provider::on_tip(const TipAdvanced& e) {
  const bool new_epoch = !tip_ || e.epoch != tip_->epoch;
  if (tip_ && new_epoch) {
    previous_price_ = tip_->epoch.next() == e.epoch ? std::optional(tip_->price_per_mgas) : std::nullopt;
  }
  tip_ = e;
  if (!new_epoch) return;
  for (auto& [id, channel] : channels_) {
    if (!channel.record) continue;
    channel.claim_sent.reset();  // an epoch is long enough: it was lost, or refused
    consider_claim(channel);
    consider_finalize(channel);
  }
}

void Provider::on_draining(bool on) {
  draining_ = on;
  if (!on) return;
  for (auto& [id, channel] : channels_) consider_claim(channel);
}

// --- claims ---

/// The chance to claim may pass: claim whatever is worth more than the fee.
bool Provider::is_urgent(const Channel& channel) const {
  return draining_ || claim_asked_ || channel.record->state == ChannelState::kClosing ||
         tip_->epoch.value + margin_epochs() >= channel.end_eff.value;
}

void Provider::consider_claim(Channel& channel) {
  if (!channel.record || channel.fenced || channel.claim_sent || !tip_) return;
  const ChannelRecord& record = *channel.record;
  if (record.state == ChannelState::kClosed || record.disputed) return;
  if (tip_->epoch > claim_deadline(record, channel.end_eff, config_.params)) return;
  Claim claim;
  std::vector<LaneTotal> totals;
  for (std::size_t i = 0; i < channel.lanes.size(); ++i) {
    const auto& best = channel.lanes[i].claimable;
    if (!best || best->cum_charged <= record.lanes[i].cum_charged) continue;
    claim.lanes.push_back(*best);
    totals.push_back({best->voucher.lane, best->voucher.seq, best->cum_charged, best->cum_base_fee});
  }
  if (totals.empty()) return;
  const auto worth = settle(record, totals);
  if (!worth) return;
  const Amount fee = claim_fee(config_.params, totals.size());
  const u128 threshold = static_cast<u128>(fee.micro) * (is_urgent(channel) ? 1 : config_.claim_fees);
  if (worth->to_host.micro <= threshold) return;
  claim.channel = record.channel;
  claim.host_signature = config_.node_key.sign(claim_hash(config_.chain, claim.channel, claim.lanes));
  channel.claim_sent = tip_->epoch;
  effects_.emplace_back(SubmitClaim{std::move(claim)});
}

void Provider::consider_finalize(Channel& channel) {
  if (channel.finalize_sent == tip_->epoch) return;
  if (tip_->epoch <= dispute_deadline(*channel.record, channel.end_eff, config_.params)) return;
  channel.finalize_sent = tip_->epoch;
  effects_.emplace_back(SubmitFinalize{channel.record->channel});
}

std::vector<ChannelBooks> Provider::books() const {
  std::vector<ChannelBooks> out;
  for (const auto& [id, channel] : channels_) {
    if (!channel.record) continue;
    ChannelBooks& books = out.emplace_back();
    books.channel = id;
    books.service = channel.record->service;
    books.payer = channel.record->payer;
    std::vector<LaneTotal> totals;
    for (std::size_t i = 0; i < channel.lanes.size(); ++i) {
      const LaneState& lane = channel.lanes[i].totals;
      books.calls += lane.seq;
      books.charged = Amount(books.charged.micro + lane.cum_charged.micro);
      books.base_fee = Amount(books.base_fee.micro + lane.cum_base_fee.micro);
      if (lane.seq == 0) continue;
      totals.push_back({static_cast<std::uint8_t>(i), lane.seq, lane.cum_charged, lane.cum_base_fee});
    }
    ChannelRecord unclaimed = *channel.record;
    for (LaneState& lane : unclaimed.lanes) lane = {};
    if (const auto all = settle(unclaimed, totals)) books.earned = all->to_host;
    if (channel.fenced) continue;
    if (const auto open = settle(*channel.record, totals)) books.claimable = open->to_host;
    const auto is_open = [&](const LaneTotal& t) { return t.cum_charged > channel.record->lanes[t.lane].cum_charged; };
    books.claim_fee = claim_fee(config_.params, static_cast<std::size_t>(std::ranges::count_if(totals, is_open)));
    books.claim_sent = channel.claim_sent.has_value();
  }
  std::ranges::sort(out, {}, &ChannelBooks::channel);
  return out;
}

// --- cooperative close ---

void Provider::on_close_asked(const CloseAsked& e) {
  const auto refuse = [&](Fault fault, std::string why) {
    effects_.emplace_back(CloseSigned{e.id, fail(fault, std::move(why))});
  };
  const auto found = channels_.find(e.channel);
  if (found == channels_.end() || !found->second.record)
    return refuse(Fault::kNotFound, "this host knows no such channel");
  Channel& channel = found->second;
  const ChannelRecord& record = *channel.record;
  if (channel.fenced)
    return refuse(Fault::kRefused, "this host lost its books of the channel: request the close instead");
  if (!verify_schnorr(record.vkey, close_ask_hash(e.channel), e.signature)) {
    return refuse(Fault::kDenied, "the channel's key did not sign this");
  }
  if (record.state == ChannelState::kClosed || record.disputed)
    return refuse(Fault::kRejected, "the channel is closed");
  if (!tip_) return refuse(Fault::kBusy, "this host has not read the ledger yet");
  if (channel.close_caller) refuse(Fault::kBusy, "the close is in work");
  channel.close_caller = channel.close_caller.value_or(e.id);
  if (channel.closing && tip_->epoch <= *channel.closing) return consider_close(channel);
  channel.closing = Epoch(tip_->epoch.value + config_.close_valid_epochs);
  channel.closing_synced = false;
  std::vector<Write> writes{{closing_key(e.channel), encode(ClosingRecord{*channel.closing})}};
  persist(std::move(writes), Pending::What::kClosing, {e.channel, 0, 0});
}

void Provider::consider_close(Channel& channel) {
  if (!channel.close_caller || !channel.closing_synced) return;
  CoopClose close;
  close.channel = channel.record->channel;
  close.valid_until = *channel.closing;
  for (std::size_t i = 0; i < channel.lanes.size(); ++i) {
    const Lane& lane = channel.lanes[i];
    if (lane.phase != Phase::kIdle) return;  // comes back when the call has ended
    if (lane.totals.seq == 0) continue;
    close.totals.push_back(
        {static_cast<std::uint8_t>(i), lane.totals.seq, lane.totals.cum_charged, lane.totals.cum_base_fee});
  }
  close.host_signature =
      config_.node_key.sign(close_hash(config_.chain, close.channel, close.totals, close.valid_until));
  effects_.emplace_back(CloseSigned{*channel.close_caller, std::move(close)});
  channel.close_caller.reset();
}

}  // namespace micro::payment
