// What a simulated node runs consensus over: a cheap model of the ledger's port, or the real ledger, on memory or on
// RocksDB.
#pragma once

#include <memory>
#include <set>

#include "chain/types/ledger_port.hpp"
#include "tests/sim/consensus/scenario.hpp"

namespace micro::test {

class RocksMachine;

/// Who is in the set of an epoch, for all nodes alike.
struct Committees {
  std::vector<Ed25519Key> keys;  ///< of the members of the scenario
  std::vector<std::vector<std::uint64_t>> weights;
  [[nodiscard]] ValidatorSet set(Epoch epoch) const;
};

class SimLedger {
 public:
  virtual ~SimLedger() = default;
  /// What the real ledger says when it cannot be opened; nothing else may be asked of it then.
  [[nodiscard]] virtual Status opened() const { return {}; }
  virtual Ledger& port() = 0;
  [[nodiscard]] virtual ChainHead head() const = 0;
  [[nodiscard]] virtual std::optional<Block> block(const BlockId& id) const = 0;
  [[nodiscard]] virtual std::optional<Certificate> boundary(Epoch epoch) const = 0;
  [[nodiscard]] virtual bool txs_wait() const = 0;
  virtual void submit(std::uint64_t tx) = 0;
  virtual void submit(const SignedTx&) {}
  /// The next step of a member's operator on its way into the committee or, with `leaves`, out of it, as this node's
  /// state asks for it; nothing while a step waits, and in the model.
  [[nodiscard]] virtual std::optional<SignedTx> committee_step(std::size_t, const Ed25519Secret&, bool) const {
    return std::nullopt;
  }
  /// The transaction that brings evidence before the ledger; nothing while another waits, and in the model.
  [[nodiscard]] virtual std::optional<SignedTx> report(const SubmitEvidence&) const { return std::nullopt; }
  /// Keys that the ledger convicted.
  [[nodiscard]] virtual std::vector<Ed25519Key> convicted() const { return {}; }
  [[nodiscard]] virtual bool is_executed(const BlockId& id) const = 0;
};

/// What survives a crash of a node's ledger.
struct ModelChain {
  std::vector<Block> blocks;
  std::vector<std::optional<Certificate>> certificates;
  std::map<BlockId, std::size_t> index;
  std::map<Bytes, Bytes> ledger_db;  ///< of the real ledger
  std::map<Bytes, Bytes> state_db;
  std::shared_ptr<RocksMachine> machine;  ///< …where its databases are RocksDB's
};

/// The model forgets early what it executed, so that being forgotten is no rare thing.
inline constexpr std::size_t kModelUnfinalized = 6;

/// Transactions are numbers that may be in the chain once. A number divisible by `kPoison` gives another root on every
/// node.
inline constexpr std::uint64_t kPoison = 1'000'003;

class ModelLedger final : public SimLedger, private Ledger {
 public:
  ModelLedger(const Committees& committees, std::uint32_t epoch_ms, std::shared_ptr<ModelChain> chain,
              std::uint64_t node, bool poison_first = false);
  Ledger& port() override { return *this; }
  [[nodiscard]] ChainHead head() const override;
  [[nodiscard]] std::optional<Block> block(const BlockId& id) const override;
  [[nodiscard]] std::optional<Certificate> boundary(Epoch epoch) const override;
  [[nodiscard]] bool txs_wait() const override { return !waiting_.empty(); }
  void submit(std::uint64_t tx) override;
  [[nodiscard]] bool is_executed(const BlockId& id) const override {
    return was_executed_.contains(id) || id == head_.id || chain_->index.contains(id);
  }

 private:
  Result<Block> propose(const BlockId& parent, TimeMs time, const ProposeLimits& limits) override;
  Status execute(const Block& block) override;
  Status finalize(const BlockId& block, const std::optional<Certificate>& certificate) override;
  [[nodiscard]] Result<ValidatorSet> validators(Epoch epoch) const override;
  struct On {
    Header header;
    BlockId id;
    Epoch epoch;
    TimeMs epoch_started;
  };
  [[nodiscard]] std::optional<On> on(const BlockId& id) const;
  [[nodiscard]] bool is_used(std::uint64_t tx, BlockId parent) const;
  [[nodiscard]] Block run(const On& parent, TimeMs time, List<SignedTx, kMaxTxsPerBlock> txs) const;
  void advance(const Block& block);
  void keep(const BlockId& id, const Block& block);

  const Committees* committees_;
  std::uint32_t epoch_ms_;
  std::shared_ptr<ModelChain> chain_;
  std::uint64_t node_;
  bool poison_first_;
  ChainHead head_;
  std::map<BlockId, Block> executed_;
  std::vector<BlockId> order_;             ///< of execution, the oldest first
  std::map<BlockId, Block> was_executed_;  ///< since the process started, forgotten or not
  std::set<std::uint64_t> committed_;
  std::set<std::uint64_t> waiting_;
};

/// What the databases are no longer careful about, for the simulator's own test.
#define MICRO_DISK_MUTANTS(X)                                              \
  X(kCommitUnsynced)   /* a commit is told before it is synced */          \
  X(kCommitInTwo)      /* a block and the tip, values and height, apart */ \
  X(kStateBeforeBlock) /* the state's batch is written before the block's */
enum class DiskMutant : std::uint8_t {
#define X(name) name,
  MICRO_DISK_MUTANTS(X)
#undef X
};
inline thread_local std::optional<DiskMutant> broken_disk;

/// The real ledger. Its committee stays the one of epoch 0, or follows the seats that operators take and leave. In
/// real_ledger.cpp, apart from all that it links.
std::unique_ptr<SimLedger> make_real_ledger(const Committees& committees, const Scenario& scenario,
                                            std::shared_ptr<ModelChain> disk);

SignedTx model_tx(std::uint64_t number);
/// Names a transaction of either ledger.
std::uint64_t tx_key(const SignedTx& tx);
inline std::uint64_t tx_number(const SignedTx& tx) {
  return tx.body.nonce.value;
}

}  // namespace micro::test
