#include "chain/execution/full_sum.hpp"
#include "tests/gen/ledger_world.hpp"

namespace micro {
namespace {

using test::machine_key;
using test::person;
using test::World;

TEST(GenesisState, MintsOneFreshLotAnAccountAndBalances) {
  World w(3, 500);
  w.start();
  const auto sum = check_full_sum(w.state);
  ASSERT_TRUE(sum.has_value()) << sum.error().message;
  EXPECT_EQ(sum->in_accounts, Amount(1'500));
  EXPECT_EQ(w.supply().minted.value(), 1'500u);
  EXPECT_EQ(w.account(1).purse.lots.at(0).expiry, Epoch(120));
  EXPECT_EQ(w.read<ValidatorSet>(path::validators(Epoch(0))), w.genesis.validators);
  EXPECT_EQ(w.read<PolicyRecord>(path::policy())->current,
            policy_hash({w.genesis.policy.data(), w.genesis.policy.size()}));
  EXPECT_EQ(*w.read<ChainParams>(path::params()), w.genesis.params);
}

TEST(GenesisState, SaysWhatIsWrong) {
  const auto refused = [](auto change) {
    World w;
    change(w.genesis);
    const auto state = genesis_state(w.genesis);
    return !state.has_value() && state.error().fault == Fault::kInvalid;
  };
  EXPECT_FALSE(refused([](Genesis&) {}));
  EXPECT_TRUE(refused([](Genesis& g) { g.version = 2; }));
  EXPECT_TRUE(refused([](Genesis& g) { g.params.epoch_ms = 0; }));
  EXPECT_TRUE(refused([](Genesis& g) { g.validators.members.clear(); }));
  EXPECT_TRUE(refused([](Genesis& g) { g.validators.members[0].weight = 0; }));
  EXPECT_TRUE(refused([](Genesis& g) { g.validators.members.push_back(g.validators.members[0]); }));
  EXPECT_TRUE(refused([](Genesis& g) { std::swap(g.accounts[0], g.accounts[1]); }));
  EXPECT_TRUE(refused([](Genesis& g) { g.accounts[0] = g.accounts[1]; }));
  EXPECT_TRUE(refused([](Genesis& g) { g.accounts[0].amount = Amount(0); }));
  EXPECT_TRUE(refused([](Genesis& g) { g.accounts[0].amount = Amount(kMaxSupplyMicro); }));
  EXPECT_FALSE(refused([](Genesis& g) { g.policy.clear(); }));
}

TEST(GenesisState, ABlockNeedsAWholeStateAndATimeOfItsOwn) {
  World w;
  const MapState empty;
  EXPECT_EQ(execute_block(empty, w.next_block(), {}, w.policy, ExecutionMode::kValidate).error().fault,
            Fault::kCorrupt);
  w.start();
  EXPECT_EQ(execute_block(w.state, w.next_block(0), {}, w.policy, ExecutionMode::kValidate).error().fault,
            Fault::kInvalid);
}

/// Counts what a transition reads.
class Watched final : public StateView {
 public:
  explicit Watched(const StateView& view) : view_(view) {}
  [[nodiscard]] std::optional<ByteView> get(const StatePath& path) const override {
    account_reads += module_of(path) == Module::kAccounts;
    return view_.get(path);
  }
  void scan(Module module, const Visitor& visit) const override {
    account_reads += module == Module::kAccounts;
    view_.scan(module, visit);
  }
  mutable int account_reads = 0;

 private:
  const StateView& view_;
};

TEST(EpochBoundary, ReadsNoAccountHoweverManyLotsExpire) {
  World w(2'000, 1'000, 1);
  w.start();
  ASSERT_TRUE(w.end_epochs(29).has_value());
  const Watched watched(w.state);
  const auto out = execute_block(watched, w.next_block(1'000), {}, w.policy, ExecutionMode::kValidate);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(std::get<event::EpochEnded>(out->boundary_events.back()).expired, Amount(2'000'000));
  EXPECT_EQ(watched.account_reads, 0);
  EXPECT_LT(out->diff.size(), 8u);
}

TEST(FullSum, FindsAPurseThatTheCountersDoNotKnow) {
  World w;
  w.start();
  ASSERT_TRUE(check_full_sum(w.state).has_value());
  Account rich = w.account(0);
  rich.purse.lots[0].amount.micro += 1;
  w.state.apply({{path::account(person(0)), encode(rich)}});
  EXPECT_EQ(check_full_sum(w.state).error().fault, Fault::kCorrupt);
}

TEST(ReleaseInvariants, ATransactionThatLosesTokensStopsTheNode) {
  World w;
  w.start();
  // The counters deny tokens that an account holds: the first transaction that burns them finds out.
  Supply supply = w.supply();
  supply.minted = Wide(supply.minted.value() - 4'000'000'000);
  supply.live.clear();
  w.state.apply({{path::supply(), encode(supply)}});
  const SignedTx tx = w.make(0, Transfer{person(1), Amount(5), {}});
  const auto out = w.run(std::span(&tx, 1));
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().fault, Fault::kCorrupt);
}

}  // namespace
}  // namespace micro
