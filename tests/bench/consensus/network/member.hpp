// A node of the measured network: a ledger on RocksDB, a replica with its journal, and threads that take transactions
// in. Shares nothing with the others but the program and the disk.
#pragma once

#include <atomic>
#include <map>
#include <ranges>

#include "chain/ledger/ledger_impl.hpp"
#include "chain/ledger/tx_intake.hpp"
#include "consensus/replica/replica.hpp"
#include "tests/bench/consensus/network/wire.hpp"
#include "tests/bench/no_policy.hpp"
#include "tests/bench/transfer_world.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::bench {

class Network;

/// When a member did what with a block, in nanoseconds; 0 when it did not.
struct BlockTimes {
  std::uint64_t built_from = 0;  ///< where it is the proposer's
  std::uint64_t built = 0;
  std::uint64_t executed_from = 0;
  std::uint64_t executed = 0;
  std::uint64_t commit_from = 0;
  std::uint64_t final = 0;
  std::vector<std::uint32_t> transfers;  ///< their numbers
};

/// The ledger with a watch beside it.
class TimedLedger final : public Ledger {
 public:
  explicit TimedLedger(LedgerImpl& ledger) : ledger_(ledger) {}
  Result<Block> propose(const BlockId& parent, TimeMs time, const ProposeLimits& limits) override;
  Status execute(const Block& block) override;
  Status finalize(const BlockId& block, const std::optional<Certificate>& certificate) override;
  [[nodiscard]] Result<ValidatorSet> validators(Epoch epoch) const override { return ledger_.validators(epoch); }

  void finalized(const FinalizedBlock& block);
  [[nodiscard]] std::map<BlockId, BlockTimes> times() const;

 private:
  LedgerImpl& ledger_;
  mutable std::mutex mutex_;
  std::map<BlockId, BlockTimes> times_;
};

class Member final : public simplex::Peers {
 public:
  Member(Network& network, const World& world, std::size_t number, std::uint64_t delay_us);
  ~Member() override;
  void start() { replica_->start(); }
  void stop_replica() { replica_->stop(); }

  void send(const Ed25519Key& to, const simplex::MessagePtr& message) override;
  void broadcast(const simplex::MessagePtr& message) override;

  TxIntake& intake() { return *intake_; }
  LedgerImpl& ledger() { return *ledger_; }
  Wire& wire() { return *wire_; }
  [[nodiscard]] const Ed25519Key& key() const { return key_; }
  [[nodiscard]] std::map<BlockId, BlockTimes> times() const { return timed_->times(); }
  /// Transfers and blocks that are final here.
  [[nodiscard]] std::size_t transfers() const { return transfers_; }
  [[nodiscard]] std::size_t blocks() const { return blocks_; }

 private:
  Network& network_;
  Ed25519Key key_;
  test::TempFolder folder_;
  NoPolicy policy_;
  std::unique_ptr<LedgerImpl> ledger_;
  std::unique_ptr<TimedLedger> timed_;
  std::unique_ptr<TxIntake> intake_;
  std::unique_ptr<simplex::Replica> replica_;
  std::unique_ptr<Wire> wire_;
  std::atomic<std::size_t> transfers_ = 0;
  std::atomic<std::size_t> blocks_ = 0;
};

/// All members of a world, from the genesis on.
class Network {
 public:
  Network(const World& world, std::uint64_t delay_us);
  ~Network();
  /// A client that sends to everyone: how many took it.
  std::size_t submit(const Bytes& transfer);
  void carry(const Member& from, const Ed25519Key* to, const simplex::Message& message);
  std::vector<std::unique_ptr<Member>>& members() { return members_; }
  /// Final with every member.
  [[nodiscard]] std::size_t transfers() const;
  /// Of a transfer by its number: final with any member.
  void note_final(std::size_t number) { final_[number] = true; }
  [[nodiscard]] bool is_final(std::size_t number) const { return final_[number]; }

 private:
  std::vector<std::atomic<bool>> final_;
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace micro::bench
