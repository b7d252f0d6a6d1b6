// The wallet's payer and the host's provider, both as they run, over a network that loses what it likes, with either
// process killed between any two steps and either disk keeping only what was synced. Whatever happens: no order is
// charged twice, one number has one receipt, and in the end both sides agree to the last µT.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "tests/gen/services/payment_rig.hpp"
#include "wallet/payer/lane.hpp"

namespace micro {
namespace {

using payment::Answer;
using payment::CallId;
using payment::NaivePayer;
using payment::Rig;

enum class Step : std::uint8_t {
  kOrder,          ///< the payer signs and syncs
  kOrderAndDie,    ///< killed before the sync
  kSend,           ///< the pending voucher arrives
  kHostSyncs,      ///< the host's disk finishes
  kRunEnds,        ///< the service answers
  kAnswerArrives,  ///< the newest answer reaches the payer
  kAnswersAreLost,
  kPayerWrites,  ///< receipts become durable
  kPayerDies,
  kHostDies,
  kEpochPasses,
  kPayerLosesDisk,
};

class BothSides {
 public:
  BothSides() { rig_.sync_at_once = false; }

  void take(Step step) {
    switch (step) {
      case Step::kOrder:
      case Step::kOrderAndDie:
        return order(step == Step::kOrderAndDie);
      case Step::kSend:
        return send();
      case Step::kHostSyncs:
        return rig_.sync();
      case Step::kRunEnds:
        if (!rig_.runs.empty()) rig_.finish_run();
        return;
      case Step::kAnswerArrives:
        return deliver();
      case Step::kAnswersAreLost:
        return rig_.answers.clear();
      case Step::kPayerWrites:
        return write();
      case Step::kPayerDies:
        return restart_payer();
      case Step::kHostDies:
        rig_.start();
        RC_ASSERT(rig_.last_status.has_value());
        return;
      case Step::kEpochPasses:
        return rig_.next_epoch();
      case Step::kPayerLosesDisk:
        durable_ = {PayerLane::opening(channel_, 0)};
        disk_was_lost_ = true;
        return restart_payer();
    }
  }

  /// Nothing is lost any more.
  void settle_everything() {
    for (int round = 0; round < 4; ++round) {
      send();
      rig_.sync();
      while (!rig_.runs.empty()) rig_.finish_run();
      rig_.sync();
      deliver();
    }
    // One more call shows whether both sides stand at the same place.
    for (int round = 0; round < 2; ++round) {
      order(false);
      for (int i = 0; i < 2; ++i) {
        send();
        rig_.sync();
        while (!rig_.runs.empty()) rig_.finish_run();
        rig_.sync();
        deliver();
      }
    }
    RC_ASSERT(!lane_.pending());
    RC_ASSERT(!receipts_.empty());
    const CallReceipt& last = receipts_.rbegin()->second;
    RC_ASSERT(lane_.settled().seq == last.seq);
    RC_ASSERT(lane_.settled().cum_charged == last.cum_charged);
    RC_ASSERT(lane_.settled().cum_base_fee == last.cum_base_fee);
    Amount sum;
    for (const auto& [seq, receipt] : receipts_) sum.micro += receipt.charged.micro;
    if (receipts_.size() == last.seq) RC_ASSERT(sum == last.cum_charged);
  }

  [[nodiscard]] bool disk_was_lost() const { return disk_was_lost_; }

 private:
  PayerChannel make_channel() const {
    PayerChannel out;
    out.chain = rig_.config.chain;
    out.id = rig_.record.channel;
    out.service = rig_.record.service;
    out.host = rig_.record.host;
    out.receipt_key = rig_.host_key();
    out.vkey = rig_.record.vkey;
    out.price = rig_.record.terms.price;
    out.max_call_price = Amount(100'000);
    out.end = rig_.record.end;
    return out;
  }

  void order(bool die) {
    const std::string body = "order " + std::to_string(++orders_);
    CallOrder order;
    order.request = rig_.request(body).record;
    order.body = as_bytes(body);
    order.max_price = Amount(*rc::gen::inRange<std::uint64_t>(1'100, 9'000));
    order.terms = call_terms(rig_.config.params, channel_.price, rig_.config.params.price_per_mgas);
    order.now = rig_.epoch;
    order.wall = rig_.now;
    const auto entry = lane_.prepare(NaivePayer::vkey(), order, rig_.record.deposit, Amount());
    if (lane_.pending()) {
      RC_ASSERT(!entry.has_value());
    } else if (entry && die) {
      restart_payer();
    } else if (entry) {
      commit(*entry);
    }
  }

  void send() {
    if (!lane_.pending()) return;
    const SignedCall& call = *lane_.pending();
    CallRequest request;
    request.record = call.request;
    request.body = Blob<kMaxRequestBodyBytes>(ByteView(call.body));
    rig_.call({call.voucher, call.signature}, request);
  }

  void deliver() {
    if (rig_.answers.empty()) return;
    const Answer answer = rig_.answers.rbegin()->second;
    rig_.answers.erase(std::prev(rig_.answers.end()));
    if (answer.receipt) return settle(answer);
    if (!answer.lane) return;
    const LaneProof proof{answer.lane->paid.voucher,
                          answer.lane->paid.signature,
                          {answer.lane->receipt.receipt, answer.lane->receipt.signature}};
    note(proof.receipt.receipt);
    const auto entry = lane_.judge_proof(proof, answer.status == 429);
    if (!entry) return;
    RC_ASSERT(!std::holds_alternative<entry::Dropped>(*entry));
    RC_ASSERT(disk_was_lost_ || answer.status == 429 || std::holds_alternative<entry::Settled>(*entry));
    commit(*entry);
  }

  void settle(const Answer& answer) {
    const CallReceipt& receipt = answer.receipt->receipt;
    note(receipt);
    const auto judged =
        lane_.judge({{receipt, answer.receipt->signature}, answer.inputs, answer.reply.status, answer.reply.body});
    if (!judged) return;
    RC_ASSERT(judged->verdict != CallVerdict::kDropped);
    for (const auto& entry : judged->entries) {
      RC_ASSERT(lane_.apply(entry).has_value());
      unwritten_.push_back(entry);
    }
  }

  /// One number, one receipt; one order, one charge.
  void note(const CallReceipt& receipt) {
    const auto [at, fresh] = receipts_.emplace(receipt.seq, receipt);
    RC_ASSERT(at->second == receipt);
    if (fresh && receipt.outcome == CallOutcomeKind::kDone) RC_ASSERT(charged_.insert(receipt.req).second);
  }

  void commit(const Entry& entry) {
    write();
    durable_.push_back(entry);
    RC_ASSERT(lane_.apply(entry).has_value());
  }
  void write() {
    durable_.insert(durable_.end(), unwritten_.begin(), unwritten_.end());
    unwritten_.clear();
  }
  void restart_payer() {
    unwritten_.clear();
    const auto restored = PayerLane::restore(channel_, 0, durable_);
    RC_ASSERT(restored.has_value());
    lane_ = *restored;
  }

  Rig rig_;
  PayerChannel channel_ = make_channel();
  std::vector<Entry> durable_{PayerLane::opening(channel_, 0)};
  std::vector<Entry> unwritten_;
  PayerLane lane_ = PayerLane::restore(channel_, 0, durable_).value();
  std::map<std::uint64_t, CallReceipt> receipts_;
  std::set<Hash> charged_;
  std::uint32_t orders_ = 0;
  bool disk_was_lost_ = false;
};

rc::Gen<std::vector<Step>> some_steps(bool with_loss) {
  return rc::gen::scale(3.0, rc::gen::container<std::vector<Step>>(rc::gen::weightedElement<Step>({
                                 {6, Step::kOrder},
                                 {1, Step::kOrderAndDie},
                                 {8, Step::kSend},
                                 {8, Step::kHostSyncs},
                                 {8, Step::kRunEnds},
                                 {8, Step::kAnswerArrives},
                                 {1, Step::kAnswersAreLost},
                                 {2, Step::kPayerWrites},
                                 {2, Step::kPayerDies},
                                 {2, Step::kHostDies},
                                 {1, Step::kEpochPasses},
                                 {with_loss ? std::size_t{1} : std::size_t{0}, Step::kPayerLosesDisk},
                             })));
}

RC_GTEST_PROP(PaymentOfBothSides, ChargesOnceWhateverCrashes, ()) {
  const auto steps = *some_steps(false);
  BothSides both;
  for (const Step step : steps) both.take(step);
  both.settle_everything();
}

RC_GTEST_PROP(PaymentOfBothSides, APayerThatLosesItsDiskIsPutBackOnItsFeet, ()) {
  const auto steps = *some_steps(true);
  BothSides both;
  for (const Step step : steps) both.take(step);
  both.settle_everything();
}

}  // namespace
}  // namespace micro
