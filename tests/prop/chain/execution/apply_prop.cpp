// Properties 1 and 2 over every kind of transaction. The variety that the generator reached is part of the test: each
// kind applied, and each outcome seen, at least a hundred times.
#include <gtest/gtest.h>

#include "tests/gen/chain/any_tx.hpp"

namespace micro {
namespace {

using test::AnyTx;
using test::ChannelWorld;

constexpr std::uint64_t kRuns = 1'000;
constexpr int kStepsPerRun = 150;
constexpr std::size_t kRefreshLot = 1;      // its place in Payload
constexpr std::uint32_t kLifeEpochs = 120;  // 30 buckets of 4 epochs

std::vector<TxStatus> all_statuses() {
  return {
#define X(name, number, text) TxStatus::name,
      MICRO_TX_STATUSES(X)
#undef X
  };
}

struct Variety {
  std::vector<int> applied = std::vector<int>(kTxKinds);
  std::map<TxStatus, int> statuses;
};

// Everything in the state but the account, the session, the supply record and what any first block of an epoch adds.
std::map<StatePath, Bytes> without(const ChannelWorld& w, const SignedTx& tx) {
  auto entries = w.state.entries();
  entries.erase(path::epoch_anchor(w.epoch()));
  entries.erase(path::account(tx.body.sender));
  entries.erase(path::supply());
  return entries;
}

void expect_only_nonce_and_fee(const ChannelWorld& before, const ChannelWorld& after, const SignedTx& tx,
                               const TxReceipt& receipt) {
  const auto old_account = *before.read<Account>(path::account(tx.body.sender));
  const auto new_account = *after.read<Account>(path::account(tx.body.sender));
  EXPECT_EQ(new_account.nonce, old_account.nonce.next());
  EXPECT_EQ(live_total(new_account.purse, after.lots()).micro + receipt.fee.micro,
            live_total(old_account.purse, before.lots()).micro);
  EXPECT_EQ(without(before, tx), without(after, tx)) << tx_status_text(receipt.status);
  EXPECT_TRUE(receipt.events.empty());
}

void step(ChannelWorld& w, AnyTx& txs, Random& random, Variety& variety, bool late) {
  if (test::draw_below(random, 12) == 0) {
    const auto out = w.end_epoch();
    ASSERT_TRUE(out) << out.error().message;
    ASSERT_EQ(test::supply_difference(w), "") << "after the end of epoch " << out->epoch.text();
    return;
  }
  const SignedTx tx = late && test::draw_below(random, 3) == 0 ? txs.next(kRefreshLot) : txs.next();
  const std::size_t kind = tx.body.payload.index();
  const bool is_account = w.state.get(path::account(tx.body.sender)).has_value();
  const ChannelWorld before = w;
  const TxStatus admitted = check_tx(w.state, w.next_block(), tx, next_nonce(w.state, tx.body.sender));
  const auto out = w.run(std::span(&tx, 1), 1, ExecutionMode::kBuild);
  ASSERT_TRUE(out) << tx_kind_name(kind) << ": " << out.error().message;
  ASSERT_EQ(test::supply_difference(w), "") << tx_kind_name(kind);
  ASSERT_EQ(admitted == TxStatus::kOk, !out->receipts.empty()) << "the mempool and the block judge alike";
  if (out->receipts.empty()) {
    ++variety.statuses[admitted];
    if (!out->boundary) {
      EXPECT_EQ(without(before, tx), without(w, tx)) << "it changes nothing";
    }
    return;
  }
  const TxReceipt& receipt = out->receipts.front();
  ++variety.statuses[receipt.status];
  if (receipt.status == TxStatus::kOk) {
    ++variety.applied[kind];
    txs.learn(receipt);
  } else if (is_account && !out->boundary) {
    expect_only_nonce_and_fee(before, w, tx, receipt);
  }
}

TEST(ApplyProp, SupplyAddsUpAndFailuresCostOnlyNonceAndFee) {
  Variety variety;
  for (std::uint64_t run = 0; run < kRuns && !HasFatalFailure(); ++run) {
    SCOPED_TRACE("run " + std::to_string(run));
    ChannelWorld w;
    test::grant_base(w, 3, 5'000'000'000);
    SeededRandom random(run);
    // Some runs begin when the first lots are about to end: then there is something to refresh.
    const bool late = run % 3 == 0;
    if (late) {
      ASSERT_TRUE(w.end_epochs(kLifeEpochs - 4));
    }
    AnyTx txs(w, random);
    for (int n = 0; n < kStepsPerRun && !HasFatalFailure(); ++n) step(w, txs, random, variety, late);
  }
  for (std::size_t kind = 0; kind < kTxKinds; ++kind) EXPECT_GE(variety.applied[kind], 100) << tx_kind_name(kind);
  for (const TxStatus status : all_statuses()) {
    // Signatures are checked before execution, and no kind of today can be as large as a transaction may be.
    if (status == TxStatus::kBadSignature || status == TxStatus::kTooLarge) continue;
    EXPECT_GE(variety.statuses[status], 100) << tx_status_name(status);
    std::printf("%6d %s\n", variety.statuses[status], std::string(tx_status_name(status)).c_str());
  }
  for (std::size_t kind = 0; kind < kTxKinds; ++kind) {
    std::printf("%6d %s\n", variety.applied[kind], std::string(tx_kind_name(kind)).c_str());
  }
}

// Property 4 in small: where blocks end makes no difference to what transactions do.
TEST(ApplyProp, OneBlockOrManyGiveTheSameReceiptsAndState) {
  for (std::uint64_t run = 0; run < 200 && !HasFailure(); ++run) {
    SCOPED_TRACE("run " + std::to_string(run));
    ChannelWorld many;
    ChannelWorld one = many;
    SeededRandom random(run);
    AnyTx txs(many, random);
    std::vector<SignedTx> included;
    std::vector<TxReceipt> receipts;
    for (int n = 0; n < 40; ++n) {
      const SignedTx tx = txs.next();
      const auto out = many.run(std::span(&tx, 1), 0, ExecutionMode::kBuild);
      ASSERT_TRUE(out) << out.error().message;
      many.height = one.height;  // a channel remembers the height at which it was opened: the one allowed difference
      if (out->receipts.empty()) continue;
      txs.learn(out->receipts.front());
      included.push_back(tx);
      receipts.push_back(out->receipts.front());
    }
    const auto out = one.run(included, 0);
    ASSERT_TRUE(out) << out.error().message;
    ASSERT_EQ(out->receipts.size(), receipts.size());
    for (std::size_t i = 0; i < receipts.size(); ++i) {
      EXPECT_EQ(encode(out->receipts[i]), encode(receipts[i]))
          << tx_kind_name(included[i].body.payload.index()) << ": " << tx_status_text(out->receipts[i].status)
          << " in one block, else " << tx_status_text(receipts[i].status);
    }
    std::string differs;
    for (const auto& [path, value] : many.state.entries()) {
      if (one.state.get(path).transform([](ByteView v) { return to_bytes(v); }) != value) differs += " " + path.hex();
    }
    EXPECT_EQ(differs, "");
    EXPECT_EQ(one.state.entries().size(), many.state.entries().size());
  }
}

}  // namespace
}  // namespace micro
