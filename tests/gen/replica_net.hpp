// Replicas with their threads and journals on disk, over real ledgers in memory, that talk to each other directly.
#pragma once

#include <gtest/gtest.h>

#include <shared_mutex>

#include "consensus/replica/replica.hpp"
#include "tests/gen/chain/small_net.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::simplex {

using test::SmallNet;
using test::validator_key;

inline constexpr auto kPatience = std::chrono::seconds(60);  ///< for a test that hangs, never reached by one that works

class Network;

/// A ledger that a test may make refuse blocks.
class JudgedLedger final : public Ledger {
 public:
  explicit JudgedLedger(Ledger& ledger) : ledger_(ledger) {}
  std::function<Status(const Block&)> judge;  ///< asked before a block is executed
  Result<Block> propose(const BlockId& parent, TimeMs time, const ProposeLimits& limits) override {
    return ledger_.propose(parent, time, limits);
  }
  Status execute(const Block& block) override {
    if (judge) TRY(judge(block));
    return ledger_.execute(block);
  }
  Status finalize(const BlockId& block, const std::optional<Certificate>& certificate) override {
    return ledger_.finalize(block, certificate);
  }
  [[nodiscard]] Result<ValidatorSet> validators(Epoch epoch) const override { return ledger_.validators(epoch); }

 private:
  Ledger& ledger_;
};

/// A node: ledger and replica, and the folder that outlives both.
class Member final : public Peers {
 public:
  Member(Network& network, std::uint8_t number) : network_(network), number_(number) {}

  Status boot(test::Disks disks);
  void send(const Ed25519Key& to, const MessagePtr& message) override;
  void broadcast(const MessagePtr& message) override;
  [[nodiscard]] Ed25519Key key() const { return validator_key(number_).public_key(); }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

  [[nodiscard]] const std::filesystem::path& proofs() const { return proofs_.path(); }
  /// What this one was told of others' faults, since it was made.
  [[nodiscard]] std::vector<Evidence> evidence() const {
    const std::lock_guard lock(evidence_mutex_);
    return evidence_;
  }
  bool starts = true;  ///< when it boots; else the test starts the replica
  /// Called besides, in the replica's thread. Set before it boots.
  std::function<void(const Evidence&)> on_evidence;
  /// Called with each message before it leaves, in the replica's thread. Set before it boots.
  std::function<void(const Message&)> on_said;
  /// What of others' blocks it executes. Set before it boots.
  std::function<Status(const Block&)> judge;
  /// Blocks that it refused, with the reasons, since it was made.
  [[nodiscard]] std::vector<std::pair<BlockId, std::string>> refusals() const {
    const std::lock_guard lock(evidence_mutex_);
    return refusals_;
  }
  /// Certificates that it stopped with.
  [[nodiscard]] std::size_t proof() const {
    const std::lock_guard lock(evidence_mutex_);
    return proof_;
  }

  std::unique_ptr<SmallNet> net;
  std::unique_ptr<JudgedLedger> ledger;
  std::unique_ptr<JustificationLog> justifications;
  std::unique_ptr<VoteLog> votes;
  std::unique_ptr<Replica> replica;

 private:
  Network& network_;
  std::uint8_t number_;
  test::TempFolder folder_;
  test::TempFolder proofs_;
  test::TempFolder votes_;
  mutable std::mutex evidence_mutex_;
  std::vector<Evidence> evidence_;
  std::vector<std::pair<BlockId, std::string>> refusals_;
  std::size_t proof_ = 0;
};

class Network {
 public:
  explicit Network(std::uint8_t members, std::uint32_t epoch_ms = 1'000) {
    genesis = test::small_genesis();
    genesis.time = SystemClock().wall();
    genesis.params.epoch_ms = epoch_ms;
    genesis.validators.members.clear();
    for (std::uint8_t n = 1; n <= members; ++n) {
      genesis.validators.members.push_back({validator_key(n).public_key(), 1});
      nodes.push_back(std::make_unique<Member>(*this, n));
    }
    std::ranges::sort(genesis.validators.members, {}, &Validator::key);
  }
  ~Network() {
    for (auto& node : nodes) kill(*node);
  }
  void boot_all() {
    for (auto& node : nodes) ASSERT_TRUE(node->boot({}));
  }
  void carry(const Ed25519Key& from, const std::optional<Ed25519Key>& to, const MessagePtr& message) {
    const std::shared_lock lock(mutex_);
    for (auto& node : nodes) {
      if (node->key() == from || (to && node->key() != *to) || !node->replica) continue;
      auto received = decode_message(encode(*message));
      ASSERT_TRUE(received);
      node->replica->deliver(from, *std::move(received));
    }
  }
  test::Disks kill(Member& node) {
    std::unique_ptr<Replica> replica;
    {
      const std::unique_lock lock(mutex_);
      replica = std::move(node.replica);
    }
    if (!replica) return {};
    replica->stop();
    replica.reset();
    node.justifications.reset();
    node.votes.reset();
    const test::Disks out = node.net->disks();
    node.net.reset();
    return out;
  }
  void submit(std::uint64_t nonce) {
    for (auto& node : nodes) {
      if (node->net) node->net->ledger().submit(node->net->transfer(1, nonce, 2, 5));
    }
  }
  /// Waits until something that moves the network makes `done` true.
  bool wait_until(const std::function<bool()>& done) {
    std::unique_lock lock(heads_mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return done() || failed_; }) && !failed_;
  }
  /// Waits until `node` has finalized `done`.
  bool wait(const Member& node, const std::function<bool(const ChainHead&)>& done) {
    std::unique_lock lock(heads_mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return done(node.net->ledger().head().value()) || failed_; }) &&
           !failed_;
  }
  bool wait_nonce(const Member& node, std::uint64_t nonce) {
    return wait(node, [&](const ChainHead&) {
      return node.net->ledger().pending_nonce(test::address_of_key(1)) == Nonce(nonce) &&
             !node.net->ledger().txs_wait();
    });
  }
  void moved() {
    {
      const std::lock_guard lock(heads_mutex_);
    }
    changed_.notify_all();
  }
  void fail(const Error& error) {
    {
      const std::lock_guard lock(heads_mutex_);
      failed_ = error.message;
    }
    changed_.notify_all();
  }
  [[nodiscard]] std::optional<std::string> failed() {
    const std::lock_guard lock(heads_mutex_);
    return failed_;
  }
  std::shared_mutex& mutex() { return mutex_; }

  Genesis genesis;
  std::uint64_t journal_rewrite_bytes = 64u << 20;
  std::vector<std::unique_ptr<Member>> nodes;

 private:
  std::shared_mutex mutex_;  ///< who is up
  std::mutex heads_mutex_;
  std::condition_variable changed_;
  std::optional<std::string> failed_;
};

inline Status Member::boot(test::Disks disks) {
  net = std::make_unique<SmallNet>(network_.genesis, std::move(disks));
  if (!net->opened()) return std::unexpected(net->opened().error());
  net->ledger().on_finalized([this](const FinalizedBlock&) { network_.moved(); });
  ReplicaPorts ports;
  ledger = std::make_unique<JudgedLedger>(net->ledger());
  ledger->judge = judge;
  ports.ledger = ledger.get();
  ports.chain = &net->ledger();
  ports.peers = this;
  ports.txs_wait = [this] { return net->ledger().txs_wait(); };
  ports.halted = [this](const Error& error, const auto& proof) {
    {
      const std::lock_guard lock(evidence_mutex_);
      proof_ = proof.size();
    }
    network_.fail(error);
  };
  ports.refused = [this](const BlockId& block, const std::string& why) {
    const std::lock_guard lock(evidence_mutex_);
    refusals_.emplace_back(block, why);
  };
  justifications = TRY(JustificationLog::open(proofs_.path().string(), chain_id(network_.genesis)));
  ports.justifications = justifications.get();
  ports.answerable_epochs = 1'000;
  votes = TRY(VoteLog::open(votes_.path().string(), chain_id(network_.genesis)));
  ports.votes = votes.get();
  ports.evidence = [this](const Evidence& found) {
    {
      const std::lock_guard lock(evidence_mutex_);
      evidence_.push_back(found);
    }
    if (on_evidence) on_evidence(found);
    network_.moved();
  };
  EngineConfig config;
  config.seed = number_;
  config.standstill_ms = 500;
  config.retry_ms = 100;
  config.journal_rewrite_bytes = network_.journal_rewrite_bytes;
  config.idle_ms = network_.genesis.validators.members.size() == 1 ? 3'600'000 : 200;
  auto opened = TRY(Replica::open(std::move(ports), folder_.path().string(), validator_key(number_), config));
  {
    const std::unique_lock lock(network_.mutex());
    replica = std::move(opened);
  }
  net->ledger().on_waiting([this] { replica->txs_wait(); });
  if (starts) replica->start();
  return {};
}

inline void Member::send(const Ed25519Key& to, const MessagePtr& message) {
  if (on_said) on_said(*message);
  network_.carry(key(), to, message);
}
inline void Member::broadcast(const MessagePtr& message) {
  if (on_said) on_said(*message);
  network_.carry(key(), std::nullopt, message);
}

}  // namespace micro::simplex
