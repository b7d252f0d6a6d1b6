#include "rpc/daemon/gateway_payer.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "chain/base/clock.hpp"
#include "chain/economy/channel.hpp"

namespace micro {
namespace {

/// What a call may cost at most when the caller names no cap: its price and the gas of a hundred million operations.
constexpr std::uint64_t kDefaultGas = 100'000'000;
constexpr std::uint64_t kValidBlocks = 1'000;
constexpr std::uint16_t kPaymentRequired = 402;
constexpr std::uint32_t kMaxAttempts = 3;  // to bring a lane in order before a call gives up
constexpr std::chrono::milliseconds kResendAfter{100};
constexpr std::uint32_t kMaxWaits = 100;      // of that time, for a host that is not ready
constexpr std::uint32_t kChannelBuckets = 7;  // a channel lasts this many buckets, a week where a bucket is a day

ChannelId channel_id(const ChainId& chain, const TxId& opening) {
  return tagged_hash(domain::kChannelId, {chain.view(), opening.view()}).as<ChannelId>();
}

Error explain(const payment::Answer& answer) {
  const std::string why = answer.problem.empty() ? std::string(as_text(answer.reply.body)) : answer.problem;
  const bool later = answer.status == 503 || answer.status == 429;
  return {later ? Fault::kBusy : Fault::kRejected, why, later ? "try again in a moment" : ""};
}

}  // namespace

void GatewayPayer::tip(const payment::TipAdvanced& tip) {
  tip_ = tip;
  if (!openings_.all().empty()) adopt();
}

CallTerms GatewayPayer::terms(Amount price) const {
  return call_terms(config_.params, price, tip_->price_per_mgas);
}

void GatewayPayer::call(PaidCall call, Done done) {
  if (!tip_) return done(fail(Fault::kBusy, "the node has not read the ledger yet", "try again in a moment"));
  if (waiting_ >= kMaxWaitingPaidCalls) {
    return done(fail(Fault::kBusy, "too many paid calls wait already", "try again in a moment"));
  }
  const auto gas = gas_fee(Gas(kDefaultGas), tip_->price_per_mgas);
  const auto usual = gas ? checked_add(call.price, *gas) : gas;
  if (!usual) return done(std::unexpected(usual.error()));
  const Amount max_price = call.max_price.value_or(*usual);
  auto session = sessions_.choose(call.owner, call.service, max_price, tip_->epoch);
  if (!session) {
    if (session.error().fault == Fault::kNotFound) {
      session.error() = {Fault::kDenied, "no session key pays for this call",
                         "grant one with `micro wallet session create`"};
    }
    return done(std::unexpected(session.error()));
  }
  const Hash wanted = sha256(call.request.body);
  call.request.record.body_hash = wanted;
  call.request.record.price_epoch = tip_->epoch;
  ++waiting_;
  const Lane key{call.service, session->address()};
  proceed({std::move(call),
           [this, key, done = std::move(done)](Result<PaidReply> reply) {
             --waiting_;
             done(std::move(reply));
             // However it ended, nobody else may wait for its lane in vain.
             boost::asio::post(executor_, [this, key] { next(key); });
           },
           std::move(*session),
           max_price,
           false,
           {}});
}

/// The host accepts no calls so close to the end of a channel, and none once its close is requested.
bool GatewayPayer::is_ending(const OpenedChannel& channel) const {
  const std::uint32_t margin = std::max(1U, config_.params.dispute_epochs / 4);
  return channel.record.state != ChannelState::kOpen || tip_->epoch.value + margin >= channel.end_eff.value;
}

void GatewayPayer::proceed(Waiting waiting) {
  if (waiting.attempts > kMaxAttempts) {
    return waiting.done(
        fail(Fault::kBusy, "an earlier call on this channel has no outcome yet", "try again in a moment"));
  }
  const auto answered = find_answer(waiting);
  if (!answered) return waiting.done(std::unexpected(answered.error()));
  if (*answered) return waiting.done(**answered);
  const Lane key{waiting.call.service, waiting.session.address()};
  const auto channel = payer_.find_channel(waiting.call.service, waiting.session.address(), tip_->epoch);
  if (!channel) {
    if (channel.error().fault != Fault::kNotFound) return waiting.done(std::unexpected(channel.error()));
    return open_channel(std::move(waiting));
  }
  const auto record = ports_.channel(channel->id);
  if (!record) return waiting.done(std::unexpected(record.error()));
  if (!*record) {
    const auto forgotten = payer_.forget_channel(channel->id);
    if (!forgotten) return waiting.done(std::unexpected(forgotten.error()));
    ++waiting.attempts;
    return proceed(std::move(waiting));
  }
  if (is_ending(**record)) {
    ++waiting.attempts;
    return open_channel(std::move(waiting));  // the new one lasts longer, so it is the one that is found
  }
  const auto known = payer_.find_payment(channel->id, waiting.call.idempotency_key, waiting.call.request.record);
  if (!known) return waiting.done(std::unexpected(known.error()));
  if (*known) return send(std::move(waiting), *channel, **known);
  waiting.call.request.record.price_epoch = tip_->epoch;  // it may have waited over a boundary
  CallOrder order;
  order.request = waiting.call.request.record;
  order.body = waiting.call.request.body;
  order.max_price = waiting.max_price;
  order.terms = terms(channel->price);
  order.idempotency_key = waiting.call.idempotency_key;
  order.now = tip_->epoch;
  order.wall = SystemClock().wall();
  auto payment = payer_.pay(channel->id, waiting.session.voucher_key(config_.chain, channel->opening_nonce), order,
                            (*record)->record.deposit);
  if (payment) return send(std::move(waiting), *channel, *payment);
  if (payment.error().fault == Fault::kUnknownOutcome) return resolve(std::move(waiting), *channel);
  if (payment.error().fault == Fault::kBusy) {
    opening_[key].push_back(std::move(waiting));
    return;
  }
  const bool spent = payment.error().fault == Fault::kFunds && waiting.max_price <= channel->max_call_price;
  if (spent && !waiting.topped_up) return top_up(std::move(waiting), *channel);
  waiting.done(std::unexpected(payment.error()));
}

/// The answer that a client gets again by its Idempotency-Key, over whichever channel it was paid.
Result<std::optional<PaidReply>> GatewayPayer::find_answer(const Waiting& waiting) {
  if (waiting.call.idempotency_key.empty()) return std::nullopt;
  for (const PayerChannel& channel : payer_.channels()) {
    if (channel.service != waiting.call.service || channel.session != waiting.session.address()) continue;
    const auto known = TRY(payer_.find_payment(channel.id, waiting.call.idempotency_key, waiting.call.request.record));
    if (!known || !known->kept) continue;
    const auto& [receipt, kept] = *known->kept;
    PaidReply out;
    out.answer.status = kept.status;
    out.answer.reply.status = kept.status;
    out.answer.reply.content_type.assign(kept.content_type);
    out.answer.reply.body.assign(kept.body.begin(), kept.body.end());
    out.answer.receipt = payment::SignedReceipt{receipt.receipt, receipt.signature};
    out.answer.inputs = kept.inputs;
    out.charged = receipt.receipt.charged;
    return out;
  }
  return std::nullopt;
}

SignedTx GatewayPayer::sign(const SessionKey& session, Payload payload) const {
  TxBody body;
  body.chain = config_.chain;
  body.sender = session.address();
  body.nonce = ports_.next_nonce(body.sender);
  body.valid_until = Height(ports_.height().value + kValidBlocks);
  body.max_fee = Amount(kMicroPerToken);
  body.payload = std::move(payload);
  return sign_tx(std::move(body), session.secret);
}

Result<Opening> GatewayPayer::new_opening(const Waiting& waiting) {
  const SessionKey& session = waiting.session;
  OpenChannel open;
  open.service = waiting.call.service;
  open.host = waiting.call.host;
  open.end = Epoch(tip_->epoch.value + kChannelBuckets * config_.params.bucket_epochs);
  open.lanes = 1;
  ChannelTerms frozen;
  frozen.price = waiting.call.price;
  frozen.host_share_ppm = kernel::kMinHostSharePpm;  // the least: the deposit then suffices for any real share
  frozen.burn_share_ppm = config_.params.burn_share_ppm;
  const auto least = least_deposit(config_.params, frozen, open.lanes);
  const auto wanted = mul_div(waiting.max_price, kDepositCalls, 1, Round::kCeil);
  open.deposit = std::max(least.value_or(Amount(1)), wanted.value_or(waiting.max_price));
  open.deposit = std::min(open.deposit, session.caps.window_cap);
  const Nonce nonce = ports_.next_nonce(session.address());
  open.vkey = session.voucher_key(config_.chain, nonce).x_only_key();
  Opening out{1, sign(session, open), session.caps.per_call_cap};
  if (out.tx.body.nonce != nonce) return fail(Fault::kBusy, "another transaction took the number", "try again");
  return out;
}

void GatewayPayer::open_channel(Waiting waiting) {
  const Lane key{waiting.call.service, waiting.session.address()};
  opening_[key].push_back(std::move(waiting));
  if (std::exchange(is_opening_[key], true)) return;  // the one that opens wakes all
  for (const auto& [id, opening] : openings_.all()) {
    const bool same = opening.tx.body.sender == key.second && opening.terms()->service == key.first;
    if (same && !set_aside_.contains(id)) {
      return send_opening(key, Opening(opening), true);
    }
  }
  const auto opening = new_opening(opening_[key].back());
  const Status noted = opening ? openings_.add(*opening) : std::unexpected(opening.error());
  if (!noted) return channel_opened(key, {}, false, std::unexpected(noted.error()));
  send_opening(key, *opening, false);
}

void GatewayPayer::send_opening(const Lane& key, const Opening& opening, bool again) {
  auto sent = ports_.submit(opening.tx);
  if (!sent && !again) {
    // The node did not take it, so nobody has it.
    const Status forgotten = openings_.remove(tx_id(opening.tx.body));
    if (!forgotten) sent = std::unexpected(forgotten.error());
  }
  if (!sent) return channel_opened(key, opening, again, std::unexpected(sent.error()));
  ports_.wait_final(*sent, kFinalWaitMs, [this, key, opening, again](Result<TxReceipt> receipt) {
    boost::asio::post(executor_, [this, key, opening, again, receipt = std::move(receipt)]() mutable {
      channel_opened(key, opening, again, std::move(receipt));
    });
  });
}

Status GatewayPayer::take_over(const Opening& opening, const OpenedChannel& opened) {
  const OpenChannel& open = *opening.terms();
  PayerChannel channel;
  channel.chain = config_.chain;
  channel.id = opened.record.channel;
  channel.service = open.service;
  channel.host = open.host;
  channel.receipt_key = opened.record.terms.host_key;
  channel.vkey = open.vkey;
  channel.session = opening.tx.body.sender;
  channel.opening_nonce = opening.tx.body.nonce;
  channel.price = opened.record.terms.price;
  channel.max_call_price = opening.max_call_price;
  channel.end = open.end;
  channel.lanes = open.lanes;
  TRY(payer_.add_channel(channel));
  TRY(openings_.remove(tx_id(opening.tx.body)));
  provider_.feed(payment::ChannelSeen{opened.record, opened.end_eff});
  return {};
}

void GatewayPayer::adopt() {
  const std::map<TxId, Opening> openings = openings_.all();  // taking one over removes it
  for (const auto& [id, opening] : openings) {
    const auto opened = ports_.channel(channel_id(config_.chain, id));
    if (!opened) continue;
    Status done;
    if (*opened) {
      done = take_over(opening, **opened);
    } else if (opening.tx.body.valid_until < ports_.height()) {
      done = openings_.remove(id);
    }
    if (!done) ports_.warn("payer: " + done.error().message);
  }
}

void GatewayPayer::channel_opened(const Lane& key, const Opening& opening, bool again, Result<TxReceipt> receipt) {
  is_opening_[key] = false;
  auto calls = std::exchange(opening_[key], {});
  const auto give_up = [&](const Error& error) {
    for (Waiting& waiting : calls) waiting.done(std::unexpected(error));
  };
  const bool refused = receipt ? receipt->status != TxStatus::kOk : receipt.error().fault == Fault::kRejected;
  if (refused && again) {
    // It was for a call of before; these ask for a channel of their own. Only a receipt says that it can never be.
    const TxId id = tx_id(opening.tx.body);
    if (!receipt) set_aside_.insert(id);
    const Status forgotten = receipt ? openings_.remove(id) : Status{};
    if (!forgotten) return give_up(forgotten.error());
    for (Waiting& waiting : calls) proceed(std::move(waiting));
    return;
  }
  if (refused) {
    const Status forgotten = openings_.remove(tx_id(opening.tx.body));
    if (!forgotten) ports_.warn("payer: " + forgotten.error().message);
  }
  if (!receipt) return give_up(receipt.error());
  if (receipt->status != TxStatus::kOk) {
    const bool funds = receipt->status == TxStatus::kInsufficientFunds || receipt->status == TxStatus::kCannotPayFee ||
                       receipt->status == TxStatus::kEscrowExpiry || receipt->status == TxStatus::kSessionCap;
    return give_up({funds ? Fault::kFunds : Fault::kRejected,
                    "the ledger refused to open a channel: " + std::string(tx_status_text(receipt->status))});
  }
  const auto record = ports_.channel(channel_id(config_.chain, receipt->tx));
  if (!record || !*record) return give_up({Fault::kInternal, "the opened channel is not in the state"});
  if (const Status taken = take_over(opening, **record); !taken) return give_up(taken.error());
  for (Waiting& waiting : calls) proceed(std::move(waiting));
}

void GatewayPayer::top_up(Waiting waiting, const PayerChannel& channel) {
  waiting.topped_up = true;
  waiting.channel = channel.id;
  const auto amount = mul_div(waiting.max_price, kDepositCalls, 1, Round::kCeil);
  const Amount added = std::min(amount.value_or(waiting.max_price), waiting.session.caps.window_cap);
  const auto sent = ports_.submit(sign(waiting.session, TopUpChannel{channel.id, added}));
  if (!sent) return waiting.done(std::unexpected(sent.error()));
  const auto shared = std::make_shared<Waiting>(std::move(waiting));  // the callback may be copied
  ports_.wait_final(*sent, kFinalWaitMs, [this, shared](Result<TxReceipt> receipt) {
    boost::asio::post(executor_, [this, shared, receipt = std::move(receipt)] {
      if (!receipt) return shared->done(std::unexpected(receipt.error()));
      if (receipt->status != TxStatus::kOk) {
        return shared->done(fail(Fault::kFunds, "the channel's deposit is used up, and topping it up failed: " +
                                                    std::string(tx_status_text(receipt->status))));
      }
      const auto record = ports_.channel(shared->channel);
      if (record && *record) provider_.feed(payment::ChannelSeen{(*record)->record, (*record)->end_eff});
      proceed(std::move(*shared));
    });
  });
}

void GatewayPayer::resolve(Waiting waiting, const PayerChannel& channel) {
  const auto open = payer_.unresolved(channel.id);
  if (!open) return waiting.done(std::unexpected(open.error()));
  ++waiting.attempts;
  if (open->empty()) return proceed(std::move(waiting));
  for (std::size_t i = 1; i < open->size(); ++i) {
    const auto kept = payer_.lost(channel.id, (*open)[i].call.voucher.lane);  // its turn comes with the next attempt
    if (!kept) ports_.warn("payer: " + kept.error().message);
  }
  const Payment& first = open->front();
  CallRequest request;
  request.record = first.call.request;
  request.body.assign(first.call.body.begin(), first.call.body.end());
  const CodeHash module = waiting.call.module;
  const auto shared = std::make_shared<Waiting>(std::move(waiting));  // the callback may be copied
  provider_.call({first.call.voucher, first.call.signature}, std::move(request), module,
                 [this, channel, first, shared](const payment::Answer& answer) {
                   const auto settled = settle(channel, first, answer);  // whoever made that call is gone
                   if (settled || settled.error().fault != Fault::kBusy) return proceed(std::move(*shared));
                   lost(channel, first);
                   --shared->attempts;
                   if (++shared->waits > kMaxWaits) return shared->done(std::unexpected(settled.error()));
                   later([this, shared] { proceed(std::move(*shared)); });
                 });
}

void GatewayPayer::send(Waiting waiting, const PayerChannel& channel, const Payment& payment) {
  CallRequest request = waiting.call.request;
  request.record = payment.call.request;
  const CodeHash module = waiting.call.module;
  const auto shared = std::make_shared<Waiting>(std::move(waiting));  // the callback may be copied
  provider_.call({payment.call.voucher, payment.call.signature}, std::move(request), module,
                 [this, channel, payment, shared](const payment::Answer& answer) {
                   answered(std::move(*shared), channel, payment, answer);
                 });
}

void GatewayPayer::answered(Waiting waiting, const PayerChannel& channel, const Payment& payment,
                            const payment::Answer& answer) {
  auto reply = settle(channel, payment, answer);
  if (!reply && reply.error().fault == Fault::kBusy && ++waiting.waits <= kMaxWaits) {
    const auto shared = std::make_shared<Waiting>(std::move(waiting));  // the callback may be copied
    return later([this, shared, channel, payment] { send(std::move(*shared), channel, payment); });
  }
  if (!reply && reply.error().fault == Fault::kInterrupted) {
    ++waiting.attempts;
    proceed(std::move(waiting));
  } else if (!reply && reply.error().fault == Fault::kBusy) {
    lost(channel, payment);
    waiting.done(fail(Fault::kUnknownOutcome, reply.error().message + "; the call may still be run and charged",
                      "send it again with the same Idempotency-Key: it is then paid at most once"));
  } else {
    waiting.done(std::move(reply));
  }
}

Result<PaidReply> GatewayPayer::unsettled(const PayerChannel& channel, const Payment& payment,
                                          const payment::Answer& answer) {
  constexpr std::uint16_t kGone = 429;  // the stored answer is not given any more
  const std::uint8_t lane = payment.call.voucher.lane;
  if (answer.lane) {
    const LaneProof proof{answer.lane->paid.voucher,
                          answer.lane->paid.signature,
                          {answer.lane->receipt.receipt, answer.lane->receipt.signature}};
    const auto corrected = payer_.correct(channel.id, lane, proof, answer.status == kGone);
    if (corrected && *corrected) return fail(Fault::kInterrupted, "the lane continues where the host proved it to be");
    if (!corrected && corrected.error().fault == Fault::kMismatch) return std::unexpected(corrected.error());
  }
  Error why = explain(answer);
  if (why.fault != Fault::kBusy) lost(channel, payment);
  return std::unexpected(std::move(why));
}

void GatewayPayer::lost(const PayerChannel& channel, const Payment& payment) {
  const auto noted = payer_.lost(channel.id, payment.call.voucher.lane);
  if (!noted) ports_.warn("payer: " + noted.error().message);
}

void GatewayPayer::later(std::function<void()> what) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(executor_, kResendAfter);
  timer->async_wait([timer, what = std::move(what)](const boost::system::error_code& ec) {
    if (!ec) what();
  });
}

Result<PaidReply> GatewayPayer::settle(const PayerChannel& channel, const Payment& payment,
                                       const payment::Answer& answer) {
  if (!answer.receipt) return unsettled(channel, payment, answer);
  const CallReceipt& receipt = answer.receipt->receipt;
  CallAnswer judged;
  judged.receipt = {receipt, answer.receipt->signature};
  if (receipt.outcome == CallOutcomeKind::kDone) judged.inputs = answer.inputs;
  judged.status = answer.reply.status;
  judged.body = answer.reply.body;
  judged.content_type = answer.reply.content_type;
  const auto verdict = payer_.answer(channel.id, payment.call.voucher.lane, judged);
  if (!verdict) {
    // An answer that was settled before and is asked for again, by its Idempotency-Key: nothing is owed for it anew.
    const bool same = payment.again && verdict.error().fault == Fault::kNotFound &&
                      receipt.req == payment.call.voucher.req && receipt.seq == payment.call.voucher.seq &&
                      verify_receipt(channel.receipt_key, receipt, answer.receipt->signature) &&
                      receipt.resp == response_hash(answer.reply.status, answer.reply.body);
    if (same) return PaidReply{answer, receipt.charged};
    return std::unexpected(verdict.error());
  }
  if (verdict->verdict == CallVerdict::kDropped) {
    return fail(Fault::kMismatch, "the host signed something false and is not paid any more: " + verdict->reason);
  }
  if (verdict->verdict == CallVerdict::kFailed) {
    // Its number is used up and cost nothing. When the epoch changed while the bytes waited for a host that then
    // refused to begin, that is why, and the call is signed anew for the gas price of now.
    const bool refused = answer.reply.status == kPaymentRequired;
    if (refused && payment.call.request.price_epoch != tip_->epoch)
      return fail(Fault::kInterrupted, "the epoch changed while the call waited");
    return std::unexpected(explain(answer));
  }
  return PaidReply{answer, receipt.charged};
}

void GatewayPayer::next(const Lane& key) {
  const auto found = opening_.find(key);
  if (found == opening_.end() || found->second.empty() || is_opening_[key]) return;
  Waiting waiting = std::move(found->second.front());
  found->second.pop_front();
  proceed(std::move(waiting));
}

}  // namespace micro
