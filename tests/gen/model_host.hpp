// A host as simple as can be, to pay to in tests: one map of what it accepted. It honours the rules unless told to lie.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "chain/economy/voucher.hpp"
#include "wallet/payer/lane.hpp"

namespace micro::test {

enum class HostMood : std::uint8_t {
  kHonest,
  kFails,           ///< signs FAILED
  kTraps,           ///< the guest used up its gas
  kOvercharges,     ///< one µT too much
  kWrongSum,        ///< cum does not follow
  kOtherInputs,     ///< the inputs are not those committed to
  kOtherPrice,      ///< p is not the epoch's
  kChargesFailure,  ///< FAILED, but charged
  kOtherAnswer,     ///< the body is not the one that was signed
};

struct HostReply {
  SignedReceipt receipt;
  CallInputs inputs;
  std::uint16_t status = 200;
  Bytes body;

  [[nodiscard]] CallAnswer answer() const { return {receipt, inputs, status, body}; }
};

class ModelHost {
 public:
  ModelHost(PayerChannel channel, Ed25519Secret key, CallTerms terms)
      : channel_(std::move(channel)), key_(std::move(key)), terms_(terms) {}

  /// Either the reply, stored or new, or a corrective 402 (nothing when this lane was never used).
  struct Response {
    std::optional<HostReply> reply;
    std::optional<LaneProof> proof;
  };

  Response receive(const SignedCall& call, HostMood mood = HostMood::kHonest, std::uint64_t work_gas = 1'000) {
    auto& lane = lanes_[call.voucher.lane];
    if (const auto stored = lane.calls.find(call.voucher.seq); stored != lane.calls.end()) {
      if (stored->second.first.voucher == call.voucher) return {stored->second.second, {}};
      return {{}, proof(call.voucher.lane)};
    }
    if (call.voucher.seq != lane.state.seq + 1) return {{}, proof(call.voucher.lane)};
    if (!verify_voucher(channel_.vkey, call.voucher, call.signature) || call.voucher.cum < lane.state.cum_charged ||
        call.voucher.req != request_hash(call.request)) {
      return {};
    }
    HostReply reply = run(call, lane.state, mood, work_gas);
    lane.state.seq = reply.receipt.receipt.seq;
    lane.state.cum_charged = reply.receipt.receipt.cum_charged;
    lane.state.cum_base_fee = reply.receipt.receipt.cum_base_fee;
    lane.calls[call.voucher.seq] = {call, reply};
    if (reply.receipt.receipt.outcome == CallOutcomeKind::kDone) ++executions_[call.body];
    return {reply, {}};
  }

  /// What it would show in a corrective 402.
  [[nodiscard]] std::optional<LaneProof> proof(std::uint8_t lane) const {
    const auto found = lanes_.find(lane);
    if (found == lanes_.end() || found->second.calls.empty()) return std::nullopt;
    const auto& [call, reply] = found->second.calls.rbegin()->second;
    return LaneProof{call.voucher, call.signature, reply.receipt};
  }
  /// As after a restore of an old backup.
  void forget_after(std::uint8_t lane, std::uint64_t seq) {
    auto& calls = lanes_[lane].calls;
    calls.erase(calls.upper_bound(seq), calls.end());
  }

  [[nodiscard]] LaneState state(std::uint8_t lane) const {
    const auto found = lanes_.find(lane);
    return found == lanes_.end() ? LaneState{} : found->second.state;
  }
  /// How often each body was answered.
  [[nodiscard]] const std::map<Bytes, int>& executions() const { return executions_; }
  [[nodiscard]] SignedReceipt sign(const CallReceipt& receipt) const { return {receipt, sign_receipt(key_, receipt)}; }

 private:
  struct Lane {
    LaneState state;
    std::map<std::uint64_t, std::pair<SignedCall, HostReply>> calls;
  };

  HostReply run(const SignedCall& call, const LaneState& before, HostMood mood, std::uint64_t work_gas) {
    HostReply out;
    const Amount max_price(call.voucher.cum.micro - before.cum_charged.micro);
    const auto limit = call_gas_limit(terms_, max_price, call.body.size()).value();
    out.body = to_bytes("echo ");
    out.body.insert(out.body.end(), call.body.begin(), call.body.end());
    out.inputs.gas_limit = limit;
    out.inputs.price_per_mgas = terms_.price_per_mgas;
    const Gas used(intrinsic_gas(terms_, call.body.size(), out.body.size())->value + work_gas);
    const bool failed = mood == HostMood::kFails || mood == HostMood::kChargesFailure;
    const auto outcome = failed                     ? RunOutcome::kHostFailed
                         : mood == HostMood::kTraps ? RunOutcome::kExhausted
                                                    : RunOutcome::kCompleted;
    CallCharge charge = charge_call(terms_, outcome, used, limit).value();
    if (mood == HostMood::kOvercharges || mood == HostMood::kChargesFailure) charge.charged.micro += 1;
    if (mood == HostMood::kOtherPrice) out.inputs.price_per_mgas.micro += 1;
    CallReceipt& receipt = out.receipt.receipt;
    receipt.channel = call.voucher.channel;
    receipt.lane = call.voucher.lane;
    receipt.seq = call.voucher.seq;
    receipt.outcome = failed ? CallOutcomeKind::kFailed : CallOutcomeKind::kDone;
    receipt.req = call.voucher.req;
    receipt.resp = response_hash(out.status, out.body);
    receipt.charged = charge.charged;
    receipt.base_fee = charge.base_fee;
    receipt.cum_charged =
        Amount(before.cum_charged.micro + charge.charged.micro + (mood == HostMood::kWrongSum ? 1 : 0));
    receipt.cum_base_fee = Amount(before.cum_base_fee.micro + charge.base_fee.micro);
    receipt.gas = charge.gas;
    receipt.epoch = call.request.price_epoch;
    receipt.inputs = call_inputs_hash(out.inputs);
    if (mood == HostMood::kOtherInputs) out.inputs.time = TimeMs(1);
    if (mood == HostMood::kOtherAnswer) out.body.push_back('!');
    out.receipt.signature = sign_receipt(key_, receipt);
    return out;
  }

  PayerChannel channel_;
  Ed25519Secret key_;
  CallTerms terms_;
  std::map<std::uint8_t, Lane> lanes_;
  std::map<Bytes, int> executions_;
};

/// A channel with its keys, a host, and orders for it.
struct PaymentWorld {
  SeededRandom random{42};
  SecretKey vkey = SecretKey::generate(random);
  Ed25519Secret host_key = Ed25519Secret::generate(random);
  CallTerms terms{Amount(1'000), Amount(100), 50'000, 10};
  PayerChannel channel = make_channel();
  ModelHost host{channel, host_key, terms};
  Amount deposit{1'000'000'000};

  PayerChannel make_channel() {
    PayerChannel out;
    out.id.data.fill(0xc4);
    out.service.data.fill(0x5e);
    out.session.data.fill(0x77);
    out.receipt_key = host_key.public_key();
    out.vkey = vkey.x_only_key();
    out.price = terms.price;
    out.max_call_price = Amount(50'000);
    out.end = Epoch(1'000);
    out.lanes = 3;
    return out;
  }
  /// `body` must outlive the order.
  [[nodiscard]] CallOrder order(ByteView body, Amount max_price = Amount(5'000)) const {
    CallOrder out;
    out.request.method.assign("POST");
    out.request.service = channel.service;
    out.request.target.assign("/echo");
    out.request.body_hash = sha256(body);
    out.request.price_epoch = Epoch(7);
    out.body = body;
    out.max_price = max_price;
    out.terms = terms;
    out.now = Epoch(7);
    out.wall = TimeMs(1'000'000);
    return out;
  }
};

}  // namespace micro::test
