// Channels and deposits. An opening is on disk before it is sent, and no second one is signed for a lane while the
// first may still come into a block.
#include "chain/economy/channel.hpp"
#include "services/gateway/gateway.hpp"

namespace micro::gateway {

void Gateway::open_channel(Call& call) {
  const LaneKey key = lane_of(call);
  const Session session = call.session;
  OpenChannel open;
  open.service = call.order.service;
  open.host = call.order.host;
  open.end = Epoch(tip_->epoch.value + kChannelBuckets * params_.bucket_epochs);
  open.lanes = 1;
  ChannelTerms frozen;
  frozen.price = call.order.price;
  frozen.host_share_ppm = kernel::kMinHostSharePpm;  // the least: the deposit then suffices for any real share
  frozen.burn_share_ppm = params_.burn_share_ppm;
  const auto least = least_deposit(params_, frozen, open.lanes);
  const auto wanted = mul_div(call.max_price, kDepositCalls, 1, Round::kCeil);
  open.deposit = std::max(least.value_or(Amount(1)), wanted.value_or(call.max_price));
  open.deposit = std::min(open.deposit, session.window_cap);
  if (call.left) return finish(call, fail(Fault::kInterrupted, "the caller left"));
  queue(call);
  Lane& lane = lanes_[key];
  if (std::exchange(lane.opening, true)) return;  // the one that opens wakes all
  lane.again = false;
  for (const auto& [id, note] : openings_) {
    if (note.lane != key || set_aside_.contains(id)) continue;
    lane.again = true;
    effects_.emplace_back(SubmitOpening{key, id});
    return;
  }
  effects_.emplace_back(SignOpening{key, std::move(open), session.per_call_cap});
}

void Gateway::wake_all(Lane& lane) {
  lane.opening = false;
  lane.taking_over.reset();
  lane.active += lane.queue.size();
  for (const CallId id : std::exchange(lane.queue, {})) {
    calls_[id].wait = Wait::kLane;
    ready_.push_back(id);
  }
}

void Gateway::give_up(Lane& lane, const Error& error) {
  lane.opening = false;
  lane.taking_over.reset();
  lane.active += lane.queue.size();
  for (const CallId id : std::exchange(lane.queue, {})) finish(calls_[id], std::unexpected(error));
}

void Gateway::forget_opening(const TxId& id) {
  if (openings_.erase(id) == 0) return;
  set_aside_.erase(id);
  effects_.emplace_back(ForgetOpening{id});
}

void Gateway::handle(OpeningSigned& e) {
  const auto found = lanes_.find(e.lane);
  if (found == lanes_.end() || !found->second.opening) return;
  if (!e.note) return give_up(found->second, e.note.error());
  openings_.emplace(e.note->id, *e.note);
  effects_.emplace_back(SubmitOpening{e.lane, e.note->id});
}

void Gateway::handle(OpeningEnded& e) {
  const auto found = lanes_.find(e.lane);
  if (found == lanes_.end() || !found->second.opening) return;
  Lane& lane = found->second;
  const bool refused = e.receipt ? e.receipt->status != TxStatus::kOk : e.receipt.error().fault == Fault::kRejected;
  if (refused && lane.again) {
    // It was for a call of before; these ask for a channel of their own. Only a receipt says that it can never be.
    if (e.receipt) {
      forget_opening(e.id);
    } else {
      set_aside_.insert(e.id);
    }
    return wake_all(lane);
  }
  if (refused || (!e.taken && !lane.again)) forget_opening(e.id);  // what the node did not take, nobody has
  if (!e.receipt) return give_up(lane, e.receipt.error());
  if (e.receipt->status != TxStatus::kOk) {
    const TxStatus status = e.receipt->status;
    const bool funds = status == TxStatus::kInsufficientFunds || status == TxStatus::kCannotPayFee ||
                       status == TxStatus::kEscrowExpiry || status == TxStatus::kSessionCap;
    return give_up(lane, {funds ? Fault::kFunds : Fault::kRejected,
                          "the ledger refused to open a channel: " + std::string(tx_status_text(status))});
  }
  lane.taking_over = e.id;
  effects_.emplace_back(TakeOver{e.id});
}

void Gateway::handle(TakenOver& e) {
  const auto note = openings_.find(e.id);
  if (e.done && *e.done && note != openings_.end()) {
    openings_.erase(note);
    set_aside_.erase(e.id);
  } else if (e.done && !*e.done && note != openings_.end() && note->second.valid_until < e.as_of) {
    forget_opening(e.id);
  }
  for (auto& [key, lane] : lanes_) {
    if (lane.taking_over != e.id) continue;
    if (!e.done) return give_up(lane, e.done.error());
    if (!*e.done) return give_up(lane, {Fault::kInternal, "the opened channel is not in the state"});
    return wake_all(lane);
  }
}

void Gateway::top_up(Call& call) {
  call.topped_up = true;
  call.wait = Wait::kToppedUp;
  const auto amount = mul_div(call.max_price, kDepositCalls, 1, Round::kCeil);
  effects_.emplace_back(TopUp{call.id, lane_of(call), call.channel.id,
                              std::min(amount.value_or(call.max_price), call.session.window_cap)});
}

void Gateway::handle(ToppedUp& e) {
  Call* call = find(e.id, Wait::kToppedUp);
  if (call == nullptr) return;
  if (!e.receipt) return finish(*call, std::unexpected(std::move(e.receipt.error())));
  if (e.receipt->status != TxStatus::kOk) {
    return finish(*call, fail(Fault::kFunds, "the channel's deposit is used up, and topping it up failed: " +
                                                 std::string(tx_status_text(e.receipt->status))));
  }
  proceed(*call);
}

}  // namespace micro::gateway
