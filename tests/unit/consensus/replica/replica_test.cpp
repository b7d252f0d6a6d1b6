// Replicas with their threads and journals on disk, over real ledgers in memory, that talk to each other directly.
#include "consensus/replica/replica.hpp"

#include <gtest/gtest.h>

#include "consensus/core/certificate.hpp"
#include "tests/gen/chain/small_net.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::simplex {
namespace {

using test::SmallNet;
using test::validator_key;

constexpr auto kPatience =
    std::chrono::seconds(60);  ///< a bound for a test that hangs, never reached by one that works

class Network;

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

  std::unique_ptr<SmallNet> net;
  std::unique_ptr<JustificationLog> justifications;
  std::unique_ptr<Replica> replica;

 private:
  Network& network_;
  std::uint8_t number_;
  test::TempFolder folder_;
  test::TempFolder proofs_;
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
    const test::Disks out = node.net->disks();
    node.net.reset();
    return out;
  }
  void submit(std::uint64_t nonce) {
    for (auto& node : nodes) {
      if (node->net) node->net->ledger().submit(node->net->transfer(1, nonce, 2, 5));
    }
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

Status Member::boot(test::Disks disks) {
  net = std::make_unique<SmallNet>(network_.genesis, std::move(disks));
  if (!net->opened()) return std::unexpected(net->opened().error());
  net->ledger().on_finalized([this](const FinalizedBlock&) { network_.moved(); });
  ReplicaPorts ports;
  ports.ledger = &net->ledger();
  ports.chain = &net->ledger();
  ports.peers = this;
  ports.txs_wait = [this] { return net->ledger().txs_wait(); };
  ports.halted = [this](const Error& error, const auto&) { network_.fail(error); };
  justifications = TRY(JustificationLog::open(proofs_.path().string(), chain_id(network_.genesis)));
  ports.justifications = justifications.get();
  ports.answerable_epochs = 1'000;
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
  replica->start();
  return {};
}

void Member::send(const Ed25519Key& to, const MessagePtr& message) {
  network_.carry(key(), to, message);
}
void Member::broadcast(const MessagePtr& message) {
  network_.carry(key(), std::nullopt, message);
}

TEST(Replica, OneAloneMakesTransfersAndBoundariesFinal) {
  Network network(1, 50);
  network.boot_all();
  Member& node = *network.nodes[0];
  for (std::uint64_t n = 0; n < 5; ++n) {
    network.submit(n);
    ASSERT_TRUE(network.wait_nonce(node, n + 1));
  }
  ASSERT_TRUE(network.wait(node, [](const ChainHead& head) { return head.epoch >= Epoch(3); }));
  // Nothing but what has a reason: five transfers, and the ends of epochs.
  std::size_t transfers = 0;
  const Height tip = node.net->ledger().head().value().header.height;
  for (Height h(1); h <= tip; h = h.next()) {
    const Block block = node.net->ledger().blocks().block(h).value();
    transfers += block.txs.size();
    EXPECT_TRUE(block.header.boundary || !block.txs.empty()) << h.value;
  }
  EXPECT_EQ(transfers, 5U);
}

TEST(Replica, ARestartGoesOnAndAnotherProcessIsRefused) {
  Network network(1, 60'000);
  network.boot_all();
  Member& node = *network.nodes[0];
  network.submit(0);
  ASSERT_TRUE(network.wait_nonce(node, 1));
  EXPECT_EQ(Journal::open(node.folder().string(), ChainId{}).error().fault, Fault::kBusy);
  test::Disks disks = network.kill(node);
  for (std::uint64_t life = 1; life < 4; ++life) {
    ASSERT_TRUE(node.boot(std::move(disks)));
    network.submit(life);
    ASSERT_TRUE(network.wait_nonce(node, life + 1));
    disks = network.kill(node);
  }
}

TEST(Replica, ALostJournalDoesNotStopANetworkOfOne) {
  Network network(1, 60'000);
  network.boot_all();
  Member& node = *network.nodes[0];
  network.submit(0);
  ASSERT_TRUE(network.wait_nonce(node, 1));
  test::Disks disks = network.kill(node);
  std::filesystem::remove_all(node.folder() / "0");
  ASSERT_TRUE(node.boot(std::move(disks)));
  network.submit(1);
  EXPECT_TRUE(network.wait_nonce(node, 2));
}

TEST(Replica, ALedgerBehindItsJournalIsMadeAgainFromIt) {
  Network network(1, 60'000);
  network.boot_all();
  Member& node = *network.nodes[0];
  for (std::uint64_t n = 0; n < 3; ++n) {
    network.submit(n);
    ASSERT_TRUE(network.wait_nonce(node, n + 1));
  }
  const BlockId tip = node.net->ledger().head().value().id;
  network.kill(node);
  ASSERT_TRUE(node.boot({}));
  EXPECT_TRUE(network.wait(node, [&](const ChainHead& head) { return head.id == tip; }));
}

TEST(Replica, ALedgerWithoutBlocksThatItsJournalHoldsNoMoreIsRefused) {
  Network network(1, 60'000);
  network.journal_rewrite_bytes = 1;
  network.boot_all();
  Member& node = *network.nodes[0];
  for (std::uint64_t n = 0; n < 3; ++n) {
    network.submit(n);
    ASSERT_TRUE(network.wait_nonce(node, n + 1));
  }
  network.kill(node);
  const Status booted = node.boot({});
  ASSERT_FALSE(booted);
  EXPECT_EQ(booted.error().fault, Fault::kCorrupt);
}

TEST(Replica, ALedgerOfAnEarlierEpochThanItsJournalIsRefused) {
  Network network(1, 100);
  network.boot_all();
  Member& node = *network.nodes[0];
  ASSERT_TRUE(network.wait(node, [](const ChainHead& head) { return head.epoch >= Epoch(4); }));
  network.kill(node);
  const Status booted = node.boot({});  // the ledger of the beginning, whose epoch is long over
  ASSERT_FALSE(booted);
  EXPECT_EQ(booted.error().fault, Fault::kCorrupt);
}

TEST(Replica, FourAgreeOverEpochs) {
  Network network(4, 300);
  network.boot_all();
  for (std::uint64_t n = 0; n < 12; ++n) network.submit(n);
  for (auto& node : network.nodes) {
    ASSERT_TRUE(network.wait_nonce(*node, 12)) << network.failed().value_or("");
    ASSERT_TRUE(network.wait(*node, [](const ChainHead& head) { return head.epoch >= Epoch(2); }));
  }
  for (Height h(1); h.value <= 3; h = h.next()) {
    const BlockId first = block_id(network.nodes[0]->net->ledger().blocks().header(h).value());
    for (auto& node : network.nodes) EXPECT_EQ(block_id(node->net->ledger().blocks().header(h).value()), first);
  }
}

TEST(Replica, WhatFinalBlocksRestOnIsKeptAcrossARestart) {
  Network network(4, 60'000);
  network.boot_all();
  for (std::uint64_t n = 0; n < 3; ++n) {
    network.submit(n);
    for (auto& node : network.nodes) ASSERT_TRUE(network.wait_nonce(*node, n + 1)) << network.failed().value_or("");
  }
  Member& node = *network.nodes[0];
  test::Disks disks = network.kill(node);
  ASSERT_TRUE(node.boot(std::move(disks)));
  const ChainHead head = node.net->ledger().head().value();
  const ValidatorSet set = node.net->ledger().validators(Epoch(0)).value();
  const Hash epoch = epoch_id(head.chain, head.epoch, head.last_of_previous, validator_set_hash(set));
  const Certificate last = *head.certificate;
  std::map<View, Certificate> certified;  // of all together: a node that was late may have skipped some
  for (auto& each : network.nodes) {
    network.kill(*each);
    const auto log = JustificationLog::open(each->proofs().string(), head.chain).value();
    const auto kept = log->read(Epoch(0)).value();
    EXPECT_FALSE(kept.empty());
    for (const Certificate& c : kept) {
      EXPECT_TRUE(check_certificate_shape(c, set, epoch));
      if (c.statement.kind != StatementKind::kNullify) certified.emplace(c.statement.view, c);
    }
  }
  // From the last final block down to the epoch's beginning, without a gap.
  std::size_t steps = 0;
  for (View below = last.statement.parent_view; below.value != 0; ++steps) {
    ASSERT_TRUE(certified.contains(below)) << "view " << below.value;
    below = certified.at(below).statement.parent_view;
  }
  EXPECT_GE(steps + 1, 2U);
}

TEST(Replica, ThreeGoOnWithoutTheFourthWhichCatchesUp) {
  Network network(4, 400);
  network.boot_all();
  network.submit(0);
  for (auto& node : network.nodes) ASSERT_TRUE(network.wait_nonce(*node, 1));
  Member& late = *network.nodes[3];
  test::Disks disks = network.kill(late);
  network.submit(1);
  ASSERT_TRUE(network.wait_nonce(*network.nodes[0], 2));
  const Epoch before = network.nodes[0]->net->ledger().head().value().epoch;
  ASSERT_TRUE(network.wait(*network.nodes[0], [&](const ChainHead& head) { return head.epoch > before.next(); }));
  const Height there = network.nodes[0]->net->ledger().head().value().header.height;
  ASSERT_TRUE(late.boot(std::move(disks)));
  EXPECT_TRUE(network.wait(late, [&](const ChainHead& head) { return head.header.height >= there; }))
      << network.failed().value_or("");
}

}  // namespace
}  // namespace micro::simplex
