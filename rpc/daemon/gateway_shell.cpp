#include "rpc/daemon/gateway_shell.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "chain/base/clock.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kValidBlocks = 1'000;

ChannelId channel_id(const ChainId& chain, const TxId& opening) {
  return tagged_hash(domain::kChannelId, {chain.view(), opening.view()}).as<ChannelId>();
}

gateway::OpeningNote note_of(const Opening& opening) {
  const TxBody& body = opening.tx.body;
  return {tx_id(body), {opening.terms()->service, body.sender}, body.valid_until};
}

std::vector<gateway::OpeningNote> notes_of(const Openings& openings) {
  std::vector<gateway::OpeningNote> out;
  for (const auto& [id, opening] : openings.all()) out.push_back(note_of(opening));
  return out;
}

gateway::Channel channel_of(const PayerChannel& channel) {
  return {channel.id, channel.receipt_key, channel.opening_nonce, channel.price, channel.max_call_price};
}

gateway::Promise promise_of(const gateway::Channel& channel, const Payment& payment) {
  gateway::Promise out;
  out.channel = channel;
  out.paid = {payment.call.voucher, payment.call.signature};
  out.request = payment.call.request;
  out.body.assign(payment.call.body.begin(), payment.call.body.end());
  out.again = payment.again;
  return out;
}

PaidReply reply_of(const Payment::Kept& kept) {
  const auto& [receipt, answer] = kept;
  PaidReply out;
  out.answer.status = answer.status;
  out.answer.reply.status = answer.status;
  out.answer.reply.content_type.assign(answer.content_type);
  out.answer.reply.body.assign(answer.body.begin(), answer.body.end());
  out.answer.receipt = payment::SignedReceipt{receipt.receipt, receipt.signature};
  out.answer.inputs = answer.inputs;
  out.charged = receipt.receipt.charged;
  return out;
}

gateway::Verdict verdict_of(CallVerdict verdict) {
  switch (verdict) {
    case CallVerdict::kDone:
      return gateway::Verdict::kDone;
    case CallVerdict::kFailed:
      return gateway::Verdict::kFailed;
    case CallVerdict::kDropped:
      break;
  }
  return gateway::Verdict::kDropped;
}

}  // namespace

GatewayShell::GatewayShell(boost::asio::any_io_executor executor, const PayConfig& config, const PayPorts& ports,
                           ProviderShell& provider, Payer payer, Openings openings, SessionStore sessions)
    : executor_(std::move(executor)),
      config_(config),
      ports_(ports),
      provider_(provider),
      payer_(std::move(payer)),
      openings_(std::move(openings)),
      sessions_(std::move(sessions)),
      gateway_(config_.params, notes_of(openings_)) {}

void GatewayShell::tip(const payment::TipAdvanced& tip) {
  feed(gateway::TipAdvanced{tip.epoch, ports_.height(), tip.price_per_mgas});
}

void GatewayShell::call(gateway::CallId id, PaidCall call, Done done) {
  done_.emplace(id, std::move(done));
  feed(gateway::CallArrived{id, std::move(call)});
}

void GatewayShell::feed(gateway::Event event) {
  heard_.push_back(std::move(event));
  if (std::exchange(performing_, true)) return;
  while (!heard_.empty()) {
    gateway::Event next = std::move(heard_.front());
    heard_.pop_front();
    for (gateway::Effect& effect : gateway_.on(std::move(next))) std::visit([this](auto& e) { perform(e); }, effect);
  }
  performing_ = false;
}

// --- keys and books ---

void GatewayShell::perform(gateway::ChooseSession& e) {
  const auto session = sessions_.choose(e.owner, e.service, e.max_price, e.epoch);
  if (!session) return feed(gateway::SessionChosen{e.id, std::unexpected(session.error())});
  feed(gateway::SessionChosen{
      e.id, gateway::Session{session->address(), session->caps.per_call_cap, session->caps.window_cap}});
}

void GatewayShell::perform(gateway::FindLane& e) {
  feed(gateway::LaneFound{e.id, look_for(e)});
}

/// An Idempotency-Key is looked for on every channel of the lane: it is that of the old call over a new channel too.
Result<gateway::Found> GatewayShell::look_for(const gateway::FindLane& e) {
  gateway::Found out;
  if (!e.idempotency_key.empty()) {
    for (const PayerChannel& channel : payer_.channels()) {
      if (channel.service != e.lane.service || channel.session != e.lane.session) continue;
      const auto known = TRY(payer_.find_payment(channel.id, e.idempotency_key, e.request));
      if (!known) continue;
      if (known->kept) {
        out.kept = reply_of(*known->kept);
        return out;
      }
      out.channel = channel_of(channel);
      out.known = promise_of(*out.channel, *known);
    }
  }
  if (!out.channel) {
    const auto channel = payer_.find_channel(e.lane.service, e.lane.session, e.epoch);
    if (!channel && channel.error().fault == Fault::kNotFound) return out;
    out.channel = channel_of(TRY(channel));
  }
  const auto opened = TRY(ports_.channel(out.channel->id));
  if (opened) {
    out.ledger =
        gateway::LedgerChannel{opened->record.state == ChannelState::kOpen, opened->end_eff, opened->record.deposit};
  }
  return out;
}

void GatewayShell::perform(gateway::ForgetChannel& e) {
  feed(gateway::ChannelForgotten{e.id, payer_.forget_channel(e.channel)});
}

void GatewayShell::perform(gateway::SignVoucher& e) {
  feed(gateway::VoucherSigned{e.id, sign_voucher(e)});
}

Result<gateway::Promise> GatewayShell::sign_voucher(const gateway::SignVoucher& e) {
  const SessionKey session = TRY(sessions_.find(e.lane.session));
  CallOrder order;
  order.request = e.request.record;
  order.body = e.request.body;
  order.max_price = e.max_price;
  order.terms = e.terms;
  order.idempotency_key = e.idempotency_key;
  order.now = e.epoch;
  order.wall = SystemClock().wall();
  return promise_of(e.channel, TRY(payer_.pay(e.channel.id, session.voucher_key(config_.chain, e.channel.opening_nonce),
                                              order, e.deposit)));
}

void GatewayShell::perform(gateway::ListUnresolved& e) {
  feed(gateway::UnresolvedListed{e.id, unresolved(e.channel)});
}

Result<std::vector<gateway::Promise>> GatewayShell::unresolved(const ChannelId& id) {
  std::vector<gateway::Promise> out;
  for (const PayerChannel& channel : payer_.channels()) {
    if (channel.id != id) continue;
    for (const Payment& payment : TRY(payer_.unresolved(id))) out.push_back(promise_of(channel_of(channel), payment));
  }
  return out;
}

void GatewayShell::perform(gateway::JudgeReceipt& e) {
  const payment::SignedReceipt& signed_receipt = *e.answer.receipt;
  CallAnswer judged;
  judged.receipt = {signed_receipt.receipt, signed_receipt.signature};
  if (signed_receipt.receipt.outcome == CallOutcomeKind::kDone) judged.inputs = e.answer.inputs;
  judged.status = e.answer.reply.status;
  judged.body = e.answer.reply.body;
  judged.content_type = e.answer.reply.content_type;
  const auto verdict = payer_.answer(e.channel, e.lane, judged);
  if (!verdict) return feed(gateway::ReceiptJudged{e.id, std::unexpected(verdict.error())});
  feed(gateway::ReceiptJudged{e.id, gateway::Judgement{verdict_of(verdict->verdict), verdict->reason}});
}

void GatewayShell::perform(gateway::JudgeProof& e) {
  const LaneProof proof{
      e.proof.paid.voucher, e.proof.paid.signature, {e.proof.receipt.receipt, e.proof.receipt.signature}};
  feed(gateway::ProofJudged{e.id, payer_.correct(e.channel, e.lane, proof, e.answer_is_gone)});
}

void GatewayShell::perform(gateway::SetAside& e) {
  const Status noted = payer_.lost(e.channel, e.lane);
  if (!noted) ports_.warn("payer: " + noted.error().message);
}

// --- the ledger ---

SignedTx GatewayShell::sign(const SessionKey& session, Nonce nonce, Payload payload) const {
  TxBody body;
  body.chain = config_.chain;
  body.sender = session.address();
  body.nonce = nonce;
  body.valid_until = Height(ports_.height().value + kValidBlocks);
  body.max_fee = Amount(kMicroPerToken);
  body.payload = std::move(payload);
  return sign_tx(std::move(body), session.secret);
}

Result<TxId> GatewayShell::submit_top_up(const gateway::TopUp& e) {
  const SessionKey session = TRY(sessions_.find(e.lane.session));
  return ports_.submit(sign(session, ports_.next_nonce(e.lane.session), TopUpChannel{e.channel, e.amount}));
}

void GatewayShell::perform(gateway::TopUp& e) {
  const auto sent = submit_top_up(e);
  if (!sent) return feed(gateway::ToppedUp{e.id, std::unexpected(sent.error())});
  ports_.wait_final(*sent, kFinalWaitMs, [this, id = e.id, channel = e.channel](Result<TxReceipt> receipt) {
    boost::asio::post(executor_, [this, id, channel, receipt = std::move(receipt)] {
      const auto opened = ports_.channel(channel);
      if (opened && *opened) provider_.feed(payment::ChannelSeen{(*opened)->record, (*opened)->end_eff});
      feed(gateway::ToppedUp{id, receipt});
    });
  });
}

void GatewayShell::perform(gateway::SignOpening& e) {
  feed(gateway::OpeningSigned{e.lane, sign_opening(e)});
}

Result<gateway::OpeningNote> GatewayShell::sign_opening(gateway::SignOpening& e) {
  const SessionKey session = TRY(sessions_.find(e.lane.session));
  const Nonce nonce = ports_.next_nonce(e.lane.session);
  e.open.vkey = session.voucher_key(config_.chain, nonce).x_only_key();
  const Opening opening{1, sign(session, nonce, std::move(e.open)), e.max_call_price};
  TRY(openings_.add(opening));
  return note_of(opening);
}

void GatewayShell::perform(gateway::SubmitOpening& e) {
  const auto found = openings_.all().find(e.id);
  const auto sent = found == openings_.all().end() ? Result<TxId>(fail(Fault::kRejected, "this opening is over"))
                                                   : ports_.submit(found->second.tx);
  if (!sent) return feed(gateway::OpeningEnded{e.lane, e.id, false, std::unexpected(sent.error())});
  ports_.wait_final(*sent, kFinalWaitMs, [this, lane = e.lane, id = e.id](Result<TxReceipt> receipt) {
    boost::asio::post(executor_, [this, lane, id, receipt = std::move(receipt)] {
      feed(gateway::OpeningEnded{lane, id, true, receipt});
    });
  });
}

void GatewayShell::perform(gateway::TakeOver& e) {
  const Height as_of = ports_.height();  // read before the state is
  auto done = take_over(e.id);
  if (!done) ports_.warn("payer: " + done.error().message);
  feed(gateway::TakenOver{e.id, std::move(done), as_of});
}

Result<bool> GatewayShell::take_over(const TxId& id) {
  const auto found = openings_.all().find(id);
  if (found == openings_.all().end()) return true;  // with an earlier block
  const auto opened = TRY(ports_.channel(channel_id(config_.chain, id)));
  if (!opened) return false;
  const Opening opening = found->second;  // removed below
  const OpenChannel& open = *opening.terms();
  PayerChannel channel;
  channel.chain = config_.chain;
  channel.id = opened->record.channel;
  channel.service = open.service;
  channel.host = open.host;
  channel.receipt_key = opened->record.terms.host_key;
  channel.vkey = open.vkey;
  channel.session = opening.tx.body.sender;
  channel.opening_nonce = opening.tx.body.nonce;
  channel.price = opened->record.terms.price;
  channel.max_call_price = opening.max_call_price;
  channel.end = open.end;
  channel.lanes = open.lanes;
  TRY(payer_.add_channel(channel));
  TRY(openings_.remove(id));
  provider_.feed(payment::ChannelSeen{opened->record, opened->end_eff});
  return true;
}

void GatewayShell::perform(gateway::ForgetOpening& e) {
  const Status done = openings_.remove(e.id);
  if (!done) ports_.warn("payer: " + done.error().message);
}

// --- the host, time and the caller ---

void GatewayShell::perform(gateway::SendVoucher& e) {
  provider_.call(e.paid, std::move(e.request), e.module,
                 [this, id = e.id, sending = e.sending](payment::Answer answer) {
                   feed(gateway::Answered{id, sending, std::move(answer)});
                 });
}

void GatewayShell::perform(gateway::ArmTimer& e) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(executor_, std::chrono::milliseconds(e.after_ms));
  timer->async_wait([this, timer, id = e.id](const boost::system::error_code& ec) {
    if (!ec) feed(gateway::TimeIsUp{id});
  });
}

void GatewayShell::perform(gateway::Finish& e) {
  const auto found = done_.find(e.id);
  if (found == done_.end()) return;
  const Done done = std::move(found->second);
  done_.erase(found);
  done(std::move(e.reply));
}

}  // namespace micro
