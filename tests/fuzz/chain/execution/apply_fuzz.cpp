// Sequences of transactions and epochs against a small chain: the input's bytes make the choices. Whatever happens, no
// invariant breaks, a failed transaction leaves its sender's own record alone but for nonce and fee, and the sums hold.
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/chain/any_tx.hpp"

namespace micro::test {
namespace {

constexpr int kMaxSteps = 60;

/// The input as randomness: its bytes, then a stream that its last bytes seed.
class InputRandom final : public Random {
 public:
  explicit InputRandom(ByteView input) : rest_(input), tail_(input.size()) {}
  void fill(std::span<std::uint8_t> out) override {
    if (rest_.empty()) return tail_.fill(out);
    // Choices are drawn as 64-bit numbers: two bytes of input decide one.
    std::ranges::fill(out, std::uint8_t{0});
    const std::size_t n = std::min({out.size(), rest_.size(), std::size_t{2}});
    std::ranges::copy(rest_.first(n), out.begin());
    rest_ = rest_.subspan(n);
  }
  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  ByteView rest_;
  SeededRandom tail_;
};

void run_step(ChannelWorld& w, AnyTx& txs, Random& random, int& included) {
  const auto choice = draw_below(random, 10);
  std::vector<SignedTx> block;
  for (std::size_t n = choice == 0 ? 0 : 1 + choice % 3; n > 0; --n) block.push_back(txs.next());
  const auto out = w.run(block, choice == 0 ? w.genesis.params.epoch_ms : 1, ExecutionMode::kBuild);
  if (!out) std::fprintf(stderr, "%s\n", out.error().message.c_str());
  CHECK(out.has_value(), "no transaction makes the ledger stop");
  for (const TxReceipt& receipt : out->receipts) {
    CHECK(is_included(receipt.status), "what is included has such a status");
    CHECK(receipt.status == TxStatus::kOk || receipt.events.empty(), "a failure has no events");
    CHECK(decode<TxReceipt>(encode(receipt)).has_value(), "a receipt has an encoding");
    txs.learn(receipt);
    included += receipt.status == TxStatus::kOk ? 1 : 0;
  }
}

}  // namespace

bool fuzz(ByteView input) {
  static const ChannelWorld start;
  ChannelWorld w = start;
  InputRandom random(input);
  AnyTx txs(w, random);
  int included = 0;
  for (int step = 0; step < kMaxSteps && !random.done(); ++step) run_step(w, txs, random, included);
  CHECK(supply_difference(w).empty(), "what all purses hold is what the supply record says");
  return included > 0;
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  SeededRandom random(11);
  while (seeds.size() < 12) {
    Bytes seed(400);
    random.fill(seed);
    if (fuzz(seed)) seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace micro::test
