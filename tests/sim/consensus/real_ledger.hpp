// The real ledger on databases in memory, whose images survive the crash of a simulated node.
#pragma once

#include "tests/gen/chain/small_net.hpp"
#include "tests/sim/consensus/sim_ledger.hpp"

namespace micro::test {

/// The committee of the genesis stays: the ledger does not change sets yet.
Genesis real_genesis(const Committees& committees, std::uint32_t epoch_ms);

class RealLedger final : public SimLedger, private Ledger {
 public:
  RealLedger(const Genesis& genesis, std::shared_ptr<ModelChain> disk);
  ~RealLedger() override;
  Ledger& port() override { return *this; }
  [[nodiscard]] ChainHead head() const override { return net_->ledger().head().value(); }
  [[nodiscard]] std::optional<Block> block(const BlockId& id) const override;
  [[nodiscard]] std::optional<Certificate> boundary(Epoch epoch) const override;
  [[nodiscard]] bool txs_wait() const override { return net_->ledger().txs_wait(); }
  void submit(std::uint64_t tx) override;
  [[nodiscard]] bool is_executed(const BlockId& id) const override;

 private:
  Result<Block> propose(const BlockId& parent, TimeMs time, const ProposeLimits& limits) override;
  Status execute(const Block& block) override;
  Status finalize(const BlockId& block, const std::optional<Certificate>& certificate) override;
  [[nodiscard]] Result<ValidatorSet> validators(Epoch epoch) const override { return net_->ledger().validators(epoch); }

  std::shared_ptr<ModelChain> disk_;
  std::unique_ptr<SmallNet> net_;
  std::set<BlockId> executed_;
};

}  // namespace micro::test
