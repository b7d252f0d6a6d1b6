// A payer's lane against a naive host, over a network that loses everything it can and a process that is killed between
// any two steps. Whatever happens: one order is answered at most once, no two vouchers share a number, and in the end
// both sides agree to the last µT.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/model_host.hpp"
#include "wallet/payer/lane.hpp"

namespace micro {
namespace {

enum class Step : std::uint8_t {
  kOrder,          ///< sign and make durable
  kOrderAndDie,    ///< killed after signing, before it is durable: nothing was sent
  kSend,           ///< the pending voucher reaches the host; its answer is under way
  kSendIntoVoid,   ///< it does not
  kAnswerArrives,  ///< the newest answer under way
  kOldAnswer,      ///< any earlier answer, once more
  kWriteReceipts,  ///< what was applied becomes durable
  kKill,           ///< only what is durable is left
  kProof,          ///< a corrective 402
  kLoseDisk,       ///< the log is gone
};

struct Player {
  test::PaymentWorld world;
  std::vector<Entry> durable{PayerLane::opening(world.channel, 0)};
  std::vector<Entry> unwritten;
  PayerLane lane = PayerLane::restore(world.channel, 0, durable).value();
  std::vector<test::HostReply> answers;
  std::map<std::uint64_t, SignedCall> sent;  ///< since the disk was lost, if ever
  std::uint32_t orders = 0;
  bool disk_was_lost = false;

  void restart() {
    unwritten.clear();
    const auto restored = PayerLane::restore(world.channel, 0, durable);
    RC_ASSERT(restored.has_value());
    lane = *restored;
  }
  void commit(const Entry& entry) {
    for (auto& earlier : unwritten) durable.push_back(std::move(earlier));
    unwritten.clear();
    durable.push_back(entry);
    RC_ASSERT(lane.apply(entry).has_value());
  }
  void order(bool die) {
    const Bytes body = to_bytes("order " + std::to_string(++orders));
    const auto max_price = Amount(*rc::gen::inRange<std::uint64_t>(1'100, 50'000));
    const auto entry = lane.prepare(world.vkey, world.order(body, max_price), world.deposit, Amount());
    if (lane.pending() || lane.dropped()) {
      RC_ASSERT(!entry.has_value());
      return;
    }
    RC_ASSERT(entry.has_value());
    die ? restart() : commit(*entry);
  }
  void send(bool arrives) {
    if (!lane.pending()) return;
    const SignedCall call = *lane.pending();
    const auto [at, fresh] = sent.emplace(call.voucher.seq, call);
    RC_ASSERT(fresh || (at->second.voucher == call.voucher && at->second.signature == call.signature));
    if (!arrives) return;
    const auto mood = *rc::gen::weightedElement<test::HostMood>(
        {{6, test::HostMood::kHonest}, {2, test::HostMood::kFails}, {1, test::HostMood::kTraps}});
    const auto response = world.host.receive(call, mood, *rc::gen::inRange<std::uint64_t>(0, 20'000'000));
    if (response.reply) answers.push_back(*response.reply);
    // Without a loss the host has nothing to correct.
    RC_ASSERT(response.reply.has_value() || disk_was_lost);
  }
  void answer(const test::HostReply& reply) {
    const auto judged = lane.judge(reply.answer());
    if (!judged) return;
    RC_ASSERT(judged->verdict != CallVerdict::kDropped);
    for (const auto& entry : judged->entries) {
      RC_ASSERT(lane.apply(entry).has_value());
      unwritten.push_back(entry);
    }
  }
  void proof() {
    const auto shown = world.host.proof(0);
    if (!shown) return;
    const auto entry = lane.judge_proof(*shown);
    if (!entry) return;
    RC_ASSERT(!std::holds_alternative<entry::Dropped>(*entry));
    RC_ASSERT(disk_was_lost || std::holds_alternative<entry::Settled>(*entry));
    commit(*entry);
  }
  void lose_disk() {
    durable = {PayerLane::opening(world.channel, 0)};
    sent.clear();
    disk_was_lost = true;
    restart();
  }
  void take(Step step) {
    switch (step) {
      case Step::kOrder:
      case Step::kOrderAndDie:
        return order(step == Step::kOrderAndDie);
      case Step::kSend:
      case Step::kSendIntoVoid:
        return send(step == Step::kSend);
      case Step::kAnswerArrives:
        if (!answers.empty()) answer(answers.back());
        return;
      case Step::kOldAnswer:
        if (!answers.empty()) answer(answers[*rc::gen::inRange<std::size_t>(0, answers.size())]);
        return;
      case Step::kWriteReceipts:
        for (auto& entry : unwritten) durable.push_back(std::move(entry));
        unwritten.clear();
        return;
      case Step::kKill:
        return restart();
      case Step::kProof:
        return proof();
      case Step::kLoseDisk:
        return lose_disk();
    }
  }
  void check() const {
    for (const auto& [body, times] : world.host.executions()) RC_ASSERT(times == 1);
    RC_ASSERT(lane.settled().seq <= world.host.state(0).seq);
    RC_ASSERT(lane.settled().cum_charged <= world.host.state(0).cum_charged);
    RC_ASSERT(!lane.dropped());
  }
  /// The network heals and nobody dies any more.
  void settle_everything() {
    for (int i = 0; i < 3; ++i) {
      send(true);
      if (!answers.empty()) answer(answers.back());
      proof();
    }
    RC_ASSERT(!lane.pending());
    if (lane.settled().seq != world.host.state(0).seq) proof();
    RC_ASSERT(lane.settled() == world.host.state(0));
  }
};

rc::Gen<std::vector<Step>> some_steps(bool with_loss) {
  return rc::gen::container<std::vector<Step>>(rc::gen::weightedElement<Step>({
      {6, Step::kOrder},
      {1, Step::kOrderAndDie},
      {6, Step::kSend},
      {2, Step::kSendIntoVoid},
      {6, Step::kAnswerArrives},
      {1, Step::kOldAnswer},
      {2, Step::kWriteReceipts},
      {2, Step::kKill},
      {1, Step::kProof},
      {with_loss ? std::size_t{1} : std::size_t{0}, Step::kLoseDisk},
  }));
}

RC_GTEST_PROP(PayerLane, NeverPaysTwiceWhateverIsLost, ()) {
  const auto steps = *some_steps(false);
  Player player;
  for (const Step step : steps) {
    player.take(step);
    player.check();
  }
  player.settle_everything();
  player.check();
  player.take(Step::kWriteReceipts);
  const LaneState before = player.lane.settled();
  player.restart();
  RC_ASSERT(player.lane.settled() == before);
  RC_TAG(player.world.host.executions().size());
}

RC_GTEST_PROP(PayerLane, ALostDiskCostsNoMoneyEither, ()) {
  const auto steps = *some_steps(true);
  Player player;
  for (const Step step : steps) {
    player.take(step);
    player.check();
  }
  player.settle_everything();
  player.check();
}

// A host that lies once has in hand at most what the pending voucher promised.
RC_GTEST_PROP(PayerLane, ALyingHostGainsAtMostOneMaximumPrice, ()) {
  const auto honest_calls = *rc::gen::inRange(0, 5);
  const auto lie =
      *rc::gen::element(test::HostMood::kOvercharges, test::HostMood::kWrongSum, test::HostMood::kOtherInputs,
                        test::HostMood::kOtherPrice, test::HostMood::kChargesFailure);
  Player player;
  for (int i = 0; i < honest_calls; ++i) {
    player.order(false);
    player.send(true);
    player.answer(player.answers.back());
  }
  const Amount honest = player.lane.settled().cum_charged;
  player.order(false);
  const SignedCall call = *player.lane.pending();
  const auto reply = player.world.host.receive(call, lie).reply;
  RC_ASSERT(reply.has_value());
  const auto judged = player.lane.judge(reply->answer());
  RC_ASSERT(judged.has_value());
  RC_ASSERT(judged->verdict == CallVerdict::kDropped);
  for (const auto& entry : judged->entries) player.commit(entry);
  player.restart();
  RC_ASSERT(player.lane.dropped().has_value());
  RC_ASSERT(player.lane.committed() == Amount(honest.micro + call.max_price.micro));
  const Bytes body = to_bytes("one more");
  RC_ASSERT(!player.lane.prepare(player.world.vkey, player.world.order(body), player.world.deposit, Amount()));
}

RC_GTEST_PROP(PayerLane, ACompactedLogContinuesAsTheWholeOne, ()) {
  const auto steps = *some_steps(false);
  Player player;
  for (const Step step : steps) player.take(step);
  const auto again = PayerLane::restore(player.world.channel, 0, player.lane.compacted());
  RC_ASSERT(again.has_value());
  RC_ASSERT(again->settled() == player.lane.settled());
  RC_ASSERT(again->pending() == player.lane.pending());
  RC_ASSERT(again->compacted() == player.lane.compacted());
}

}  // namespace
}  // namespace micro
