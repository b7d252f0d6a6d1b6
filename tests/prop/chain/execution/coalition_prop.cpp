// The closed coalition (economy.md §2) over everything that a few people who know each other can sign: calls through
// channels, cycles, splits, bonds, refunds, refreshes. They end with less by what calls burn, and a longer life of
// tokens always costs at least what refreshing it would.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/chain/any_tx.hpp"

namespace micro {
namespace {

using test::AnyTx;
using test::ChannelWorld;

template <class T>
T below(T end) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(0, end));
}

/// Tokens by the epochs that are left to them, longest first; a bond's clock stands still since it was made.
using Lives = std::map<std::uint64_t, std::uint64_t, std::greater<>>;

Lives lives_of(const ChannelWorld& w) {
  Lives out;
  const auto add = [&](const Purse& purse, Epoch from) {
    for (const Lot& lot : purse.lots) {
      if (lot.expiry > from) out[lot.expiry.value - from.value] += lot.amount.micro;
    }
  };
  for (const Module module : purse_modules()) {
    w.state.scan(module, [&](const StatePath&, ByteView record) {
      Epoch from = w.lots().now;
      if (module == Module::kOffers) from = decode<OfferRecord>(record).value().bonded_at;
      if (module == Module::kSeats) from = decode<SeatRecord>(record).value().bonded_at;
      RC_ASSERT(for_each_purse(module, record, [&](const Purse& purse, bool) { add(purse, from); }).has_value());
      return true;
    });
  }
  return out;
}

/// Tokens that have longer to live than all those that had so long before: the least number that was renewed.
std::uint64_t renewed(const Lives& before, const Lives& after) {
  auto old_it = before.begin();
  std::uint64_t old_sum = 0, new_sum = 0, most = 0;
  for (const auto& [life, amount] : after) {
    new_sum += amount;
    while (old_it != before.end() && old_it->first >= life) old_sum += (old_it++)->second;
    most = std::max(most, new_sum > old_sum ? new_sum - old_sum : 0);
  }
  return most;
}

struct Ledger {
  u128 wealth = 0;  ///< live, bonds included, and in grace
  u128 burned = 0;
};
Ledger counted(const ChannelWorld& w) {
  const Supply supply = w.supply();
  Ledger out{supply.paused.micro, supply.burned.value() + supply.purged.value()};
  for (const auto* buckets : {&supply.live, &supply.grace}) {
    for (const BucketTotal& bucket : *buckets) out.wealth += bucket.amount.micro;
  }
  return out;
}

struct Coalition {
  ChannelWorld w;
  std::uint64_t renewed_sum = 0;  ///< tokens that got a longer life
  std::uint64_t paid_for_it = 0;  ///< burned by refreshes and by claims
  std::uint64_t washed = 0;       ///< charged for calls among themselves
  std::uint64_t claims = 0;

  explicit Coalition(test::Roles roles) : w(roles) {}

  void follow(const Lives& before, const BlockOutcome& out) {
    for (const TxReceipt& receipt : out.receipts) {
      for (const Event& event : receipt.events) {
        if (const auto* e = std::get_if<event::LotRefreshed>(&event)) paid_for_it += e->fee.micro;
        const auto* claimed = std::get_if<event::Claimed>(&event);
        if (claimed == nullptr) continue;
        paid_for_it += claimed->burned.micro;
        washed += claimed->charged.micro;
        ++claims;
      }
    }
    renewed_sum += renewed(before, lives_of(w));
  }
};

int renewals_seen = 0, washes_seen = 0;

RC_GTEST_PROP(ClosedCoalition, NeverGainsTokensAndPaysForEveryEpochOfLife, ()) {
  Coalition a({below<std::uint64_t>(3), below<std::uint64_t>(3), below<std::uint64_t>(3)});
  SeededRandom random(below<std::uint64_t>(1'000'000'000));
  if (below(3) == 0) RC_ASSERT(a.w.end_epochs(110).has_value());  // the lots of the genesis end at 120
  AnyTx txs(a.w, random);
  const Ledger start = counted(a.w);
  const std::uint64_t phi = a.w.genesis.params.burn_share_ppm;
  for (auto steps = 20 + below(60); steps > 0; --steps) {
    const Lives before = lives_of(a.w);
    const Ledger had = counted(a.w);
    const bool boundary = below(8) == 0;
    std::vector<SignedTx> block;
    if (!boundary) block.push_back(txs.next());
    const auto out = a.w.run(block, boundary ? a.w.genesis.params.epoch_ms : 1, ExecutionMode::kBuild);
    if (!out) RC_FAIL(out.error().message);
    for (const TxReceipt& receipt : out->receipts) txs.learn(receipt);
    a.follow(before, *out);
    const Ledger has = counted(a.w);
    RC_ASSERT(has.wealth + has.burned == had.wealth + had.burned);
    RC_ASSERT(has.wealth <= had.wealth);
    // W ≤ W₀ − φ·V, a rounding of each claim apart; and no life is cheaper than ρ₀.
    RC_ASSERT((start.wealth - has.wealth + a.claims) * kPpm >= static_cast<u128>(phi) * a.washed);
    RC_ASSERT(static_cast<u128>(a.paid_for_it) * kPpm >=
              static_cast<u128>(a.renewed_sum) * kernel::kRefreshFeeFloorPpm);
  }
  renewals_seen += a.renewed_sum > 0 ? 1 : 0;
  washes_seen += a.washed > 0 ? 1 : 0;
}

TEST(ClosedCoalitionVariety, RenewedAndWashedInManyHistories) {
  EXPECT_GE(renewals_seen, 100);
  EXPECT_GE(washes_seen, 100);
}

}  // namespace
}  // namespace micro
