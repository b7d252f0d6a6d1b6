#include "wallet/payer/payer.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/gen/model_host.hpp"
#include "tests/gen/temp_folder.hpp"
#include "wallet/disk/append_log.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

struct PayerTest : testing::Test {
  test::TempFolder folder;
  test::PaymentWorld world;
  ChannelId id = world.channel.id;
  Bytes body = to_bytes("hello");

  Payer open(const std::string& name = "p", PayerConfig config = {}) {
    auto payer = Payer::open(folder / name, config);
    EXPECT_TRUE(payer) << payer.error().message;
    EXPECT_TRUE(payer->add_channel(world.channel));
    return std::move(*payer);
  }
  Result<Payment> pay(Payer& payer, const Bytes& what) {
    return payer.pay(id, world.vkey, world.order(what), world.deposit);
  }
  Result<Judgement> send(Payer& payer, const Payment& payment, test::HostMood mood = test::HostMood::kHonest) {
    const auto response = world.host.receive(payment.call, mood);
    return payer.answer(id, payment.call.voucher.lane, response.reply.value().answer());
  }
  /// What the disk would hold if the process were killed now.
  void copy(const std::string& from, const std::string& to) {
    std::filesystem::copy(folder / from, folder / to, std::filesystem::copy_options::recursive);
  }
};

TEST_F(PayerTest, PaysOverReopening) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    Payer payer = open();
    const auto payment = pay(payer, body);
    ASSERT_TRUE(payment) << payment.error().message;
    EXPECT_EQ(payment->call.voucher.seq, i);
    EXPECT_EQ(send(payer, *payment)->verdict, CallVerdict::kDone);
  }
  Payer payer = open();
  const auto totals = payer.totals(id);
  ASSERT_TRUE(totals);
  EXPECT_EQ((*totals)[0].cum_charged, world.host.state(0).cum_charged);
  EXPECT_EQ((*totals)[0].seq, 3U);
}

TEST_F(PayerTest, WhatPayReturnsIsOnDisk) {
  Payer payer = open();
  const auto payment = pay(payer, body);
  ASSERT_TRUE(payment);
  copy("p", "killed");
  auto after = Payer::open(folder / "killed");
  ASSERT_TRUE(after);
  const auto unresolved = after->unresolved(id);
  ASSERT_TRUE(unresolved);
  ASSERT_EQ(unresolved->size(), 1U);
  EXPECT_EQ((*unresolved)[0].call, payment->call) << "byte for byte, the body included";
  EXPECT_TRUE((*unresolved)[0].again);
}

TEST_F(PayerTest, AReceiptThatWasNotWrittenCostsAResendAndNoMoney) {
  Payer payer = open();
  const auto payment = pay(payer, body);
  ASSERT_TRUE(send(payer, *payment));
  copy("p", "killed");
  auto after = Payer::open(folder / "killed");
  const auto unresolved = after->unresolved(id);
  ASSERT_EQ(unresolved->size(), 1U);
  EXPECT_EQ(send(*after, (*unresolved)[0])->verdict, CallVerdict::kDone);
  EXPECT_EQ(world.host.executions().at(body), 1);
  EXPECT_EQ((*after->totals(id))[0].cum_charged, world.host.state(0).cum_charged);
}

TEST_F(PayerTest, UsesAnotherLaneWhileOneWaits) {
  Payer payer = open();
  std::set<std::uint8_t> lanes;
  for (int i = 0; i < 3; ++i) lanes.insert(pay(payer, body)->call.voucher.lane);
  EXPECT_EQ(lanes.size(), 3U);
  EXPECT_EQ(pay(payer, body).error().fault, Fault::kBusy);
  for (std::uint8_t lane = 0; lane < 3; ++lane) ASSERT_TRUE(payer.lost(id, lane));
  EXPECT_EQ(pay(payer, body).error().fault, Fault::kUnknownOutcome);
  const auto unresolved = payer.unresolved(id);
  ASSERT_EQ(unresolved->size(), 3U);
  EXPECT_EQ(payer.unresolved(id)->size(), 0U) << "they count as sent";
  ASSERT_TRUE(send(payer, (*unresolved)[1]));
  EXPECT_EQ(pay(payer, body)->call.voucher.lane, 1);
}

TEST_F(PayerTest, TwoProcessesShareTheLanes) {
  Payer one = open();
  Payer other = open();
  EXPECT_EQ(pay(one, body)->call.voucher.lane, 0);
  EXPECT_EQ(pay(other, body)->call.voucher.lane, 1);
  EXPECT_EQ(pay(other, body)->call.voucher.lane, 2);
  EXPECT_EQ(pay(one, body).error().fault, Fault::kBusy);
}

TEST_F(PayerTest, ThePromisesOfAllLanesStayWithinTheDeposit) {
  world.deposit = Amount(10'000);
  Payer one = open();
  Payer other = open();
  ASSERT_TRUE(pay(one, body));
  ASSERT_TRUE(pay(other, body));
  EXPECT_EQ(pay(one, body).error().fault, Fault::kFunds);
}

TEST_F(PayerTest, ADroppedHostStaysDropped) {
  {
    Payer payer = open();
    const auto payment = pay(payer, body);
    EXPECT_EQ(send(payer, *payment, test::HostMood::kOvercharges)->verdict, CallVerdict::kDropped);
    EXPECT_EQ(pay(payer, body).error().fault, Fault::kDenied);
    EXPECT_FALSE(payer.find_channel(world.channel.service, world.channel.session, Epoch(1)));
  }
  Payer payer = open();
  EXPECT_EQ(pay(payer, body).error().fault, Fault::kDenied);
  EXPECT_FALSE(payer.drop_reason(id)->empty());
  EXPECT_EQ(payer.receipts(id, 0)->size(), 1U) << "the evidence";
}

TEST_F(PayerTest, ACrashBetweenTheTwoNotesOfADropDropsToo) {
  {
    Payer payer = open();
    ASSERT_TRUE(send(payer, *pay(payer, body), test::HostMood::kOvercharges));
  }
  std::filesystem::remove(folder / "p" / id.hex() / "dropped");
  Payer payer = open();
  EXPECT_EQ(pay(payer, body).error().fault, Fault::kDenied);
}

TEST_F(PayerTest, ALostFolderIsRebuiltFromACorrective402) {
  {
    Payer payer = open();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(send(payer, *pay(payer, body)));
  }
  std::filesystem::remove_all(folder / "p");
  Payer payer = open();
  const Bytes next = to_bytes("next");
  const auto refused = pay(payer, next);
  const auto response = world.host.receive(refused->call);
  ASSERT_FALSE(response.reply);
  ASSERT_TRUE(response.proof);
  EXPECT_EQ(payer.correct(id, 0, *response.proof), true);
  const auto again = pay(payer, next);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->call.voucher.seq, 4U);
  EXPECT_EQ(send(payer, *again)->verdict, CallVerdict::kDone);
  EXPECT_EQ((*payer.totals(id))[0].cum_charged, world.host.state(0).cum_charged);
}

TEST_F(PayerTest, AnIdempotencyKeyFindsItsPayment) {
  Payer payer = open();
  CallOrder order = world.order(body);
  order.idempotency_key = "order-1";
  const CallRequestRecord req = order.request;
  EXPECT_FALSE(payer.find_payment(id, "order-1", req)->has_value());
  const auto payment = payer.pay(id, world.vkey, order, world.deposit);
  ASSERT_TRUE(payment);
  EXPECT_EQ((*payer.find_payment(id, "order-1", req))->call, payment->call);
  ASSERT_TRUE(send(payer, *payment));
  const auto answered = payer.find_payment(id, "order-1", req);
  EXPECT_EQ((*answered)->call.voucher, payment->call.voucher);
  EXPECT_EQ((*answered)->call.signature, payment->call.signature);
  CallRequestRecord later = req;
  later.price_epoch = req.price_epoch.next();
  EXPECT_EQ((*payer.find_payment(id, "order-1", later))->call.voucher, payment->call.voucher);
  later.target = Text<kMaxTargetBytes>("/other");
  EXPECT_EQ(payer.find_payment(id, "order-1", later).error().fault, Fault::kInvalid);
  const auto kept = (*payer.find_payment(id, "order-1", req))->kept;
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->answer.status, 200U);
  EXPECT_EQ(kept->receipt.receipt.resp, response_hash(200, kept->answer.body)) << "the answer that was signed";
  order.idempotency_key = "order-2";
  ASSERT_TRUE(send(payer, *payer.pay(id, world.vkey, order, world.deposit), test::HostMood::kFails));
  EXPECT_FALSE(payer.find_payment(id, "order-2", req)->has_value()) << "a failed call may be signed anew";
}

TEST_F(PayerTest, AnAnswerIsOnDiskBeforeTheHostForgetsIt) {
  Payer payer = open();
  CallOrder order = world.order(body);
  order.idempotency_key = "order-1";
  ASSERT_TRUE(send(payer, *payer.pay(id, world.vkey, order, world.deposit)));
  const auto answer = (*payer.find_payment(id, "order-1", order.request))->kept->answer;
  ASSERT_TRUE(pay(payer, body));  // with this voucher in hand the host keeps the first answer no more
  copy("p", "killed");
  auto after = Payer::open(folder / "killed");
  const auto found = after->find_payment(id, "order-1", order.request);
  ASSERT_TRUE(found && *found && (*found)->kept) << "paid, and its client cannot have it";
  EXPECT_EQ((*found)->kept->answer, answer);
}

TEST_F(PayerTest, ALongLogIsShortened) {
  Payer payer = open("p", {.compact_lane_bytes = 16'384});
  for (int i = 0; i < 80; ++i) ASSERT_TRUE(send(payer, *pay(payer, body)));
  const auto path = folder / "p" / id.hex() / "lane-0.log";
  EXPECT_LT(std::filesystem::file_size(path), 100'000U);
  copy("p", "killed");
  auto after = Payer::open(folder / "killed");
  const auto left = after->unresolved(id);
  for (const auto& payment : *left) ASSERT_TRUE(send(*after, payment));
  EXPECT_EQ((*after->totals(id))[0].seq, 80U);
}

TEST_F(PayerTest, ForgetsAClosedChannel) {
  {
    Payer payer = open();
    Payer other = open();
    ASSERT_TRUE(pay(other, body));
    EXPECT_EQ(payer.forget_channel(id).error().fault, Fault::kBusy);
  }
  Payer payer = open();
  ASSERT_TRUE(payer.forget_channel(id));
  EXPECT_EQ(payer.channels().size(), 0U);
  EXPECT_EQ(payer.forget_channel(id).error().fault, Fault::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder / "p" / id.hex()));
}

TEST_F(PayerTest, RefusesBadChannels) {
  Payer payer = open();
  PayerChannel other = world.channel;
  other.price = Amount(1);
  EXPECT_EQ(payer.add_channel(other).error().fault, Fault::kRejected);
  other.id.data.fill(1);
  for (const auto lanes : {std::uint8_t{0}, std::uint8_t{17}}) {
    other.lanes = lanes;
    EXPECT_EQ(payer.add_channel(other).error().fault, Fault::kInvalid);
  }
  EXPECT_EQ(payer.find_channel(world.channel.service, world.channel.session, Epoch(999))->id, id);
  EXPECT_FALSE(payer.find_channel(world.channel.service, world.channel.session, world.channel.end));
}

// More than a crash can do: acknowledged records are cut off too. The host's proof brings them back.
TEST_F(PayerTest, ALogCutAnywhereCostsNoMoney) {
  {
    Payer payer = open();
    for (const auto* text : {"a", "b", "c"}) ASSERT_TRUE(send(payer, *pay(payer, to_bytes(text))));
  }
  const auto file = std::filesystem::path(id.hex()) / "lane-0.log";
  const Bytes whole = read_file(folder / "p" / file, kMaxAppendLogBytes).value();
  const test::ModelHost host = world.host;
  for (std::size_t size = 0; size <= whole.size(); size += 53) {
    world.host = host;
    ASSERT_TRUE(write_file_durably(folder / "p" / file, ByteView(whole).first(size), IfPresent::kReplace));
    Payer payer = open();
    const auto unresolved = payer.unresolved(id);
    ASSERT_TRUE(unresolved) << size;
    for (const auto& payment : *unresolved) ASSERT_TRUE(send(payer, payment)) << size;
    auto payment = pay(payer, to_bytes("d"));
    ASSERT_TRUE(payment) << size;
    if (const auto response = world.host.receive(payment->call); !response.reply) {
      ASSERT_EQ(payer.correct(id, 0, *response.proof), true) << size;
      payment = pay(payer, to_bytes("d"));
    }
    EXPECT_EQ(send(payer, *payment)->verdict, CallVerdict::kDone) << size;
    for (const auto& [what, times] : world.host.executions()) EXPECT_EQ(times, 1) << as_text(what) << " " << size;
    EXPECT_EQ((*payer.totals(id))[0].cum_charged, world.host.state(0).cum_charged) << size;
    EXPECT_EQ((*payer.totals(id))[0].seq, 4U) << size;
  }
}

TEST_F(PayerTest, ADamagedLogIsNamed) {
  {
    Payer payer = open();
    ASSERT_TRUE(send(payer, *pay(payer, body)));
  }
  const auto path = folder / "p" / id.hex() / "lane-0.log";
  Bytes bytes = read_file(path, kMaxAppendLogBytes).value();
  bytes[40] ^= 1;
  ASSERT_TRUE(write_file_durably(path, bytes, IfPresent::kReplace));
  Payer payer = open();
  const auto payment = pay(payer, body);
  ASSERT_FALSE(payment);
  EXPECT_EQ(payment.error().fault, Fault::kCorrupt);
  EXPECT_NE(payment.error().message.find("lane-0.log"), std::string::npos);
}

}  // namespace
}  // namespace micro
