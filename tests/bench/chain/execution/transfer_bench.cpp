// What the rules alone cost: plain transfers through execute_block, without tree, disk and signatures.
#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "chain/base/clock.hpp"
#include "tests/gen/ledger_world.hpp"

namespace micro {
namespace {

/// A state with the cost of a hash table, as the trie's leaf index has.
class TableState final : public StateView {
 public:
  void apply(const StateDiff& diff) {
    for (const auto& [path, value] : diff) {
      if (value) {
        entries_.insert_or_assign(path, *value);
      } else {
        entries_.erase(path);
      }
    }
  }
  [[nodiscard]] std::optional<ByteView> get(const StatePath& path) const override {
    const auto it = entries_.find(path);
    if (it == entries_.end()) return std::nullopt;
    return ByteView(it->second);
  }
  void scan(Module, const Visitor&) const override {}

 private:
  std::unordered_map<StatePath, Bytes> entries_;
};

Address account(std::uint64_t n) { return sha256(encode(n)).as<Address>(); }

TEST(TransferBench, MicrosecondsATransfer) {
  constexpr std::size_t kAccounts = 100'000;
  constexpr std::size_t kTxs = 10'000;
  constexpr int kRounds = 5;
  test::World w(1);
  w.genesis.accounts.clear();
  for (std::uint64_t i = 0; i < kAccounts; ++i) w.genesis.accounts.push_back({account(i), Amount(1'000'000'000)});
  std::ranges::sort(w.genesis.accounts, {}, &GenesisAccount::address);
  TableState state;
  state.apply(genesis_state(w.genesis).value());
  const ChainId chain = chain_id(w.genesis);
  SeededRandom random(1);
  SystemClock clock;
  std::uint64_t best = ~0ull;
  std::vector<std::uint64_t> nonces(kAccounts);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<SignedTx> txs(kTxs);
    for (SignedTx& tx : txs) {
      const std::uint64_t from = random.draw_u64() % kAccounts;
      tx.body = {1, chain, account(from), Nonce(nonces[from]++), Height(1'000), Amount(10'000),
                 Transfer{account((from + 1 + random.draw_u64() % (kAccounts - 1)) % kAccounts), Amount(1'000), {}}};
    }
    BlockInput input{chain, NetworkKind::kDev, Height(static_cast<std::uint64_t>(round) + 1),
                     TimeMs(w.genesis.time.value + 1 + static_cast<std::uint64_t>(round)), {}};
    const Instant start = clock.now();
    const auto out = execute_block(state, input, txs, w.policy, ExecutionMode::kValidate);
    const std::uint64_t took = clock.now().ns - start.ns;
    ASSERT_TRUE(out.has_value()) << out.error().message;
    ASSERT_EQ(out->receipts.size(), kTxs);
    best = std::min(best, took);
    state.apply(out->diff);
  }
  std::printf("{\"name\":\"execute_transfer\",\"value\":%.3f,\"unit\":\"us\",\"limit\":3.0,\"ratio\":%.3f}\n",
              static_cast<double>(best) / 1e3 / kTxs, 3.0 / (static_cast<double>(best) / 1e3 / kTxs));
}

}  // namespace
}  // namespace micro
