// The real ledger on databases in memory, whose images survive the crash of a simulated node.
#include "tests/gen/chain/small_net.hpp"
#include "tests/sim/consensus/sim_ledger.hpp"

namespace micro::test {
namespace {

constexpr std::uint64_t kSenders = 8;

/// Signing is dear and every node gets the same transaction.
const SignedTx& transfer(const SmallNet& net, std::uint64_t number) {
  thread_local std::map<std::pair<ChainId, std::uint64_t>, SignedTx> made;
  const auto key = std::pair(chain_id(net.genesis()), number);
  if (made.size() > 20'000) made.clear();
  const auto it = made.find(key);
  if (it != made.end()) return it->second;
  const auto from = static_cast<std::uint8_t>(1 + number % kSenders);
  const auto to = static_cast<std::uint8_t>(1 + (number + 3) % kSenders);
  return made.emplace(key, net.transfer(from, number / kSenders, to, 10 + number)).first->second;
}

Genesis real_genesis(const Committees& committees, std::uint32_t epoch_ms) {
  Genesis genesis = small_genesis();
  genesis.params.epoch_ms = epoch_ms;
  genesis.validators = committees.set(Epoch(0));
  return genesis;
}

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

}  // namespace

RealLedger::RealLedger(const Genesis& genesis, std::shared_ptr<ModelChain> disk) : disk_(std::move(disk)) {
  net_ = std::make_unique<SmallNet>(genesis, Disks{disk_->ledger_db, disk_->state_db});
}

RealLedger::~RealLedger() {
  const Disks disks = net_->disks();
  disk_->ledger_db = disks.ledger;
  disk_->state_db = disks.state;
}

std::optional<Block> RealLedger::block(const BlockId& id) const {
  const auto height = net_->ledger().blocks().height_of(id);
  if (!height || height->value == 0) return std::nullopt;
  auto out = net_->ledger().blocks().block(*height);
  return out ? std::optional(std::move(*out)) : std::nullopt;
}

std::optional<Certificate> RealLedger::boundary(Epoch epoch) const {
  const auto height = net_->ledger().blocks().boundary_of(epoch);
  if (!height) return std::nullopt;
  auto out = net_->ledger().blocks().certificate(*height);
  return out ? std::optional(std::move(*out)) : std::nullopt;
}

void RealLedger::submit(std::uint64_t tx) {
  static_cast<void>(net_->ledger().submit(transfer(*net_, tx - 1)));
}

bool RealLedger::is_executed(const BlockId& id) const {
  return executed_.contains(id) || head().id == id || net_->ledger().blocks().height_of(id).has_value();
}

Result<Block> RealLedger::propose(const BlockId& parent, TimeMs time, const ProposeLimits& limits) {
  Block out = TRY(net_->ledger().propose(parent, time, limits));
  executed_.insert(block_id(out.header));
  return out;
}

Status RealLedger::execute(const Block& block) {
  TRY(net_->ledger().execute(block));
  executed_.insert(block_id(block.header));
  return {};
}

Status RealLedger::finalize(const BlockId& block, const std::optional<Certificate>& certificate) {
  return net_->ledger().finalize(block, certificate);
}

std::unique_ptr<SimLedger> make_real_ledger(const Committees& committees, std::uint32_t epoch_ms,
                                            std::shared_ptr<ModelChain> disk) {
  return std::make_unique<RealLedger>(real_genesis(committees, epoch_ms), std::move(disk));
}

}  // namespace micro::test
