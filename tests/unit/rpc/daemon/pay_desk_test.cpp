// The node's payer and provider together, with a ledger of a few lines and a service that answers when the test says
// so.
#include "rpc/daemon/pay_desk.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <filesystem>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "chain/base/clock.hpp"
#include "chain/store/memory_kv.hpp"
#include "services/payment/disk/kv_store.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

using test::TempFolder;

template <class T>
T filled(std::uint8_t byte) {
  T out;
  out.data.fill(byte);
  return out;
}

const NodeId kNode = filled<NodeId>(2);
const ServiceId kService = filled<ServiceId>(7);
const Address kOwner = filled<Address>(9);
constexpr Amount kPrice{1'000};

/// Every transaction is final at once and succeeds.
class InstantLedger {
 public:
  Result<TxId> submit(const SignedTx& tx) {
    const std::lock_guard lock(mutex_);
    const TxId id = tx_id(tx.body);
    if (known_.contains(id)) return id;
    if (refuse_) return fail(Fault::kRejected, "this nonce was used already");
    if (tx.body.nonce.value != nonces_[tx.body.sender]) return fail(Fault::kRejected, "another number is next");
    if (forgetful_) return id;
    known_.insert(id);
    ++nonces_[tx.body.sender];
    sent_.push_back(tx.body.payload);
    if (const auto* open = std::get_if<OpenChannel>(&tx.body.payload)) {
      OpenedChannel c;
      c.record.channel = tagged_hash(domain::kChannelId, {tx.body.chain.view(), id.view()}).as<ChannelId>();
      c.record.service = open->service;
      c.record.host = open->host;
      c.record.vkey = open->vkey;
      c.record.terms = {kPrice, 700'000, 50'000, host_key_};
      c.record.opened_at = Height(100);
      c.record.end = c.end_eff = open->end;
      c.record.deposit = open->deposit;
      c.record.lanes.resize(open->lanes);
      channels_[c.record.channel] = c;
    }
    return id;
  }
  Nonce next_nonce(const Address& who) {
    const std::lock_guard lock(mutex_);
    return Nonce(nonces_[who]);
  }
  std::optional<OpenedChannel> channel(const ChannelId& id) {
    const std::lock_guard lock(mutex_);
    const auto found = channels_.find(id);
    return found == channels_.end() ? std::nullopt : std::optional(found->second);
  }
  void forget_channels() {
    const std::lock_guard lock(mutex_);
    channels_.clear();
  }
  std::vector<OpenedChannel> channels() {
    const std::lock_guard lock(mutex_);
    std::vector<OpenedChannel> out;
    for (const auto& [id, c] : channels_) out.push_back(c);
    return out;
  }
  template <class Kind>
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::ranges::count_if(sent_, [](const Payload& p) { return std::holds_alternative<Kind>(p); }));
  }
  /// Takes transactions and loses them, as a node that is killed does.
  void be_forgetful(bool on) {
    const std::lock_guard lock(mutex_);
    forgetful_ = on;
  }
  /// Takes nothing that it does not know.
  void refuse(bool on) {
    const std::lock_guard lock(mutex_);
    refuse_ = on;
  }
  explicit InstantLedger(Ed25519Key host_key) : host_key_(host_key) {}

 private:
  std::mutex mutex_;
  bool forgetful_ = false;
  bool refuse_ = false;
  std::set<TxId> known_;
  Ed25519Key host_key_;
  std::map<Address, std::uint64_t> nonces_;
  std::map<ChannelId, OpenedChannel> channels_;
  std::vector<Payload> sent_;
};

/// Runs wait here until the test lets them end.
class SlowService {
 public:
  using Done = std::function<void(payment::Event)>;
  void run(payment::Run run, Done done) {
    const std::lock_guard lock(mutex_);
    ++runs_;
    if (hold_) {
      held_.emplace_back(std::move(run), std::move(done));
    } else if (up_) {
      done(result(run));
    } else {
      done(payment::RunDeferred{run.call});
    }
  }
  static payment::RunEnded result(const payment::Run& run) {
    CallReply reply;
    reply.status = 200;
    reply.body.assign(run.inputs.seed.data.begin(), run.inputs.seed.data.begin() + 8);
    return {run.call, RunOutcome::kCompleted, Gas(1'000), reply};
  }
  void set_up(bool up) {
    const std::lock_guard lock(mutex_);
    up_ = up;
  }
  void hold(bool on) {
    const std::lock_guard lock(mutex_);
    hold_ = on;
  }
  void drop_held() {
    const std::lock_guard lock(mutex_);
    held_.clear();
  }
  std::size_t runs() {
    const std::lock_guard lock(mutex_);
    return runs_;
  }

 private:
  std::mutex mutex_;
  std::deque<std::pair<payment::Run, Done>> held_;
  std::size_t runs_ = 0;
  bool up_ = true;
  bool hold_ = false;
};

struct PayDeskTest : testing::Test {
  TempFolder folder;
  MemoryKv kv;
  payment::KvStore store{kv};
  Ed25519Secret node_key = Ed25519Secret::from_seed(filled<Hash>(3));
  InstantLedger ledger{node_key.public_key()};
  SlowService service;
  SystemRandom random;
  std::uint64_t generation = 0;
  Epoch epoch{10};
  std::atomic<std::uint64_t> height = 200;
  std::atomic<bool> answers = true;  ///< wait_final ever does
  std::atomic<int> waits = 0;        ///< calls of it
  std::unique_ptr<PayDesk> desk;

  PayConfig config() const {
    PayConfig c;
    c.folder = folder.path();
    c.chain = filled<ChainId>(1);
    c.engine = filled<Hash>(5);
    c.node_key = node_key;
    c.call_secret = filled<Hash>(4);
    c.operating = *SecretKey::from(filled<Hash>(6));
    return c;
  }
  void SetUp() override {
    start();
    const SessionCaps caps{Epoch(10'000), Amount(1'000'000), Amount(1'000'000'000), 24, {}, true};
    std::promise<bool> made;
    desk->new_session("test", kOwner, caps, [&](const Result<SessionKey>& key) { made.set_value(key.has_value()); });
    ASSERT_TRUE(made.get_future().get());
  }
  void TearDown() override { desk->stop(); }

  void start() {
    PayPorts ports;
    ports.submit = [this](const SignedTx& tx) { return ledger.submit(tx); };
    ports.wait_final = [this](const TxId& id, std::uint64_t, const std::function<void(Result<TxReceipt>)>& done) {
      ++waits;
      if (answers) done(TxReceipt{id, TxStatus::kOk, Amount(1), {}});
    };
    ports.next_nonce = [this](const Address& a) { return ledger.next_nonce(a); };
    ports.height = [this] { return Height(height); };
    ports.channel = [this](const ChannelId& id) { return Result<std::optional<OpenedChannel>>(ledger.channel(id)); };
    ports.run = [this](payment::Run run, SlowService::Done done) { service.run(std::move(run), std::move(done)); };
    ports.warn = [](const std::string&) {};
    desk = *PayDesk::open(config(), std::move(ports), store, generation, Height(50), random);
    ++generation;
    desk->start();
    desk->host_is(kNode);
    tip();
    std::vector<payment::ChannelSeen> seen;
    for (OpenedChannel& c : ledger.channels()) seen.push_back({c.record, c.end_eff});
    desk->channels(std::move(seen), {}, true);
  }
  /// The process ends without finishing anything, and starts over what is on disk.
  void restart() {
    desk->stop();
    desk.reset();
    start();
  }
  void tip() { desk->tip({epoch, SystemClock().wall(), config().params.price_per_mgas}); }

  std::future<Result<PaidReply>> call_later(const std::string& key = {}, std::string_view body = "1+1") {
    PaidCall call;
    call.service = kService;
    call.host = kNode;
    call.price = kPrice;
    call.module = filled<CodeHash>(8);
    call.request.record.service = kService;
    call.request.record.method = Text<kMaxMethodBytes>("POST");
    call.request.body = Blob<kMaxRequestBodyBytes>(as_bytes(body));
    call.max_price = Amount(5'000);
    call.idempotency_key = key;
    auto promise = std::make_shared<std::promise<Result<PaidReply>>>();
    desk->call(std::move(call), [promise](Result<PaidReply> reply) { promise->set_value(std::move(reply)); });
    return promise->get_future();
  }
  Result<PaidReply> call(const std::string& key = {}) { return call_later(key).get(); }
  /// A call that opens a channel and hears no more of it; `lost`: the opening comes into no block either.
  std::future<Result<PaidReply>> cut_off_opening(bool lost) {
    ledger.be_forgetful(lost);
    answers = false;
    auto cut = call_later();
    while (waits < 1) std::this_thread::yield();
    ledger.be_forgetful(false);
    answers = true;
    return cut;
  }
};

TEST_F(PayDeskTest, OpensAChannelOnceAndPaysEachCall) {
  for (int i = 0; i < 5; ++i) {
    const auto reply = call();
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->answer.status, 200);
    EXPECT_GT(reply->charged, kPrice);
  }
  EXPECT_EQ(ledger.count<OpenChannel>(), 1U);
  EXPECT_EQ(service.runs(), 5U);
}

TEST_F(PayDeskTest, CallsAtOnceTakeTurnsOnTheLane) {
  std::vector<std::future<Result<PaidReply>>> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(call_later());
  for (auto& c : calls) EXPECT_TRUE(c.get());
  EXPECT_EQ(ledger.count<OpenChannel>(), 1U);
}

TEST_F(PayDeskTest, WhoLeavesBeforeTheVoucherIsSignedPaysNothing) {
  answers = false;  // of the ledger about the channel's opening
  std::promise<Result<PaidReply>> told;
  PaidCall order;
  order.service = kService;
  order.host = kNode;
  order.price = kPrice;
  const auto id = desk->call(std::move(order), [&](Result<PaidReply> reply) { told.set_value(std::move(reply)); });
  while (waits < 1) std::this_thread::yield();
  desk->leave(id);
  EXPECT_EQ(told.get_future().get().error().fault, Fault::kInterrupted);
  answers = true;
  tip();
  ASSERT_TRUE(call());
  EXPECT_EQ(service.runs(), 1U);
}

TEST_F(PayDeskTest, ARetryWithItsKeyGetsTheSameAnswerAndIsChargedOnce) {
  const auto first = call("order-1");
  ASSERT_TRUE(first);
  epoch = epoch.next();
  tip();
  const auto again = call("order-1");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(service.runs(), 1U);
  EXPECT_EQ(again->answer.receipt->receipt, first->answer.receipt->receipt);
  EXPECT_EQ(again->answer.reply, first->answer.reply);
  EXPECT_EQ(call_later("order-1", "another body").get().error().fault, Fault::kInvalid);
}

TEST_F(PayDeskTest, ARetryGetsItsAnswerAfterOtherCallsAndARestart) {
  const auto first = call("order-1");
  ASSERT_TRUE(first);
  ASSERT_TRUE(call("order-2"));  // the host keeps the last answer of a lane only
  ASSERT_TRUE(call());
  for (const bool restarted : {false, true}) {
    if (restarted) restart();
    const auto again = call("order-1");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->answer.reply, first->answer.reply);
    EXPECT_EQ(again->answer.receipt->receipt, first->answer.receipt->receipt);
    EXPECT_EQ(again->answer.inputs, first->answer.inputs);
    EXPECT_EQ(again->charged, first->charged);
  }
  EXPECT_EQ(service.runs(), 3U);
}

TEST_F(PayDeskTest, ARetryOverANewChannelIsStillTheOldCall) {
  const auto first = call("order-1");
  ASSERT_TRUE(first);
  epoch = Epoch(ledger.channels().at(0).end_eff.value - 3);
  tip();
  const auto again = call("order-1");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->answer.receipt->receipt, first->answer.receipt->receipt);
  EXPECT_EQ(service.runs(), 1U);
}

TEST_F(PayDeskTest, ACallCutOffByARestartGivesItsClientTheAnswer) {
  ASSERT_TRUE(call());
  service.hold(true);
  const auto cut = call_later("order-2");
  while (service.runs() < 2) std::this_thread::yield();
  service.drop_held();
  service.hold(false);
  restart();
  ASSERT_TRUE(call()) << "somebody else's call settles the one that was cut off";
  const auto again = call("order-2");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->answer.receipt->receipt.seq, 2U);
  EXPECT_EQ(again->answer.status, 200);
}

TEST_F(PayDeskTest, ACallCutOffByARestartIsFinishedBeforeTheNext) {
  ASSERT_TRUE(call());
  service.hold(true);
  const auto cut = call_later("order-2");
  while (service.runs() < 2) std::this_thread::yield();
  service.drop_held();  // the worker died with the process
  service.hold(false);
  restart();
  const auto next = call();
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(next->answer.receipt->receipt.seq, 3U) << "number 2 was run and settled first";
}

TEST_F(PayDeskTest, APromiseWaitsForAServiceThatStartsLater) {
  ASSERT_TRUE(call());
  service.set_up(false);
  auto waiting = call_later();
  while (service.runs() < 2) std::this_thread::yield();
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  service.set_up(true);
  // Blocks go on until one comes after the provider knew that the service was down.
  while (waiting.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) tip();
  EXPECT_TRUE(waiting.get());
}

TEST_F(PayDeskTest, ACallThatWaitedOverAnEpochIsSignedAnewForItsGasPrice) {
  const TimeMs long_ago(SystemClock().wall().value - 3ULL * config().params.epoch_ms - 10'000);
  desk->tip({epoch, long_ago, config().params.price_per_mgas});  // the host answers 503 while the ledger is behind
  auto waiting = call_later();
  while (ledger.count<OpenChannel>() == 0) std::this_thread::yield();
  std::promise<void> sent;  // what is asked now is answered after the first attempt
  desk->sessions([&](const std::vector<SessionKey>&) { sent.set_value(); });
  sent.get_future().get();
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  epoch = Epoch(epoch.value + 3);
  tip();
  const auto reply = waiting.get();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->answer.receipt->receipt.seq, 2U) << "the first number was refused and cost nothing";
  EXPECT_EQ(service.runs(), 1U);
}

TEST_F(PayDeskTest, AChannelTheLedgerForgotIsReplaced) {
  ASSERT_TRUE(call());
  const auto old = ledger.channels().at(0).record.channel;
  ledger.forget_channels();
  desk->channels({}, {old}, false);
  const auto reply = call();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(ledger.count<OpenChannel>(), 2U);
}

// The node is killed after its transaction became final and before it knew. The deposit is in a channel that only this
// payer can use.
TEST_F(PayDeskTest, AChannelWhoseOpeningWasCutOffIsTakenOver) {
  const auto cut = cut_off_opening(false);
  ASSERT_EQ(ledger.channels().size(), 1U);
  restart();
  const auto reply = call();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(ledger.count<OpenChannel>(), 1U) << "no second deposit";
  EXPECT_EQ(reply->answer.receipt->receipt.channel, ledger.channels().at(0).record.channel);
  restart();
  EXPECT_TRUE(call());
  EXPECT_EQ(ledger.count<OpenChannel>(), 1U);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "openings"));
}

// It became final only after the call that asked for it had given up, in the same process or the next.
TEST_F(PayDeskTest, AnOpeningThatIsFinalLateIsTakenOverWithTheBlockThatHoldsIt) {
  const auto cut = cut_off_opening(true);
  restart();
  EXPECT_TRUE(ledger.channels().empty());
  const auto reply = call();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(ledger.count<OpenChannel>(), 1U) << "the same bytes were sent again";
  EXPECT_EQ(waits, 2);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "openings"));
}

// Another transaction took its number, so the ledger refuses it; a call is not held up by it. It is kept until it can
// be in no block any more.
TEST_F(PayDeskTest, AnOpeningThatCanNoMoreBeHoldsNobodyUp) {
  const auto cut = cut_off_opening(true);
  std::promise<Address> payer;
  desk->sessions([&](const std::vector<SessionKey>& keys) { payer.set_value(keys.at(0).address()); });
  SignedTx other;
  other.body.sender = payer.get_future().get();
  ASSERT_TRUE(ledger.submit(other));
  restart();
  const auto reply = call();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(ledger.count<OpenChannel>(), 1U);
  EXPECT_FALSE(std::filesystem::is_empty(folder.path() / "openings"));
  height = 10'000;
  tip();
  ASSERT_TRUE(call());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "openings"));
}

TEST_F(PayDeskTest, AnOpeningThatTheNodeRefusesLeavesNothing) {
  ledger.refuse(true);
  const auto refused = call();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::kRejected);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "openings"));
  ledger.refuse(false);
  EXPECT_TRUE(call());
  EXPECT_EQ(ledger.count<OpenChannel>(), 1U);
}

TEST_F(PayDeskTest, AChannelNearItsEndIsLeftForAnother) {
  ASSERT_TRUE(call());
  epoch = Epoch(ledger.channels().at(0).end_eff.value - 3);  // the host refuses within D/4 epochs of the end
  tip();
  const auto reply = call();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(ledger.count<OpenChannel>(), 2U);
}

TEST_F(PayDeskTest, ClaimsWhatItEarned) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(call());
  std::promise<std::size_t> claimed;
  desk->claim([&](const std::vector<TxId>& ids) { claimed.set_value(ids.size()); });
  EXPECT_EQ(claimed.get_future().get(), 1U);
  EXPECT_EQ(ledger.count<Claim>(), 1U);
}

}  // namespace
}  // namespace micro
