#include "tests/bench/consensus/network/member.hpp"

#include <algorithm>

#include "chain/store/rocks/rocks_kv.hpp"

namespace micro::bench {
namespace {

std::uint64_t now_ns() {
  return SystemClock().now().ns;
}

}  // namespace

// --- the watch ---

Result<Block> TimedLedger::propose(const BlockId& parent, TimeMs time, const ProposeLimits& limits) {
  const std::uint64_t from = now_ns();
  auto block = ledger_.propose(parent, time, limits);
  const std::uint64_t to = now_ns();
  if (block) {
    const std::lock_guard guard(mutex_);
    BlockTimes& times = times_[block_id(block->header)];
    times.built_from = from;
    times.built = to;
  }
  return block;
}

Status TimedLedger::execute(const Block& block) {
  const std::uint64_t from = now_ns();
  const Status done = ledger_.execute(block);
  const std::uint64_t to = now_ns();
  const std::lock_guard guard(mutex_);
  BlockTimes& times = times_[block_id(block.header)];
  times.executed_from = from;
  times.executed = to;
  return done;
}

Status TimedLedger::finalize(const BlockId& block, const std::optional<Certificate>& certificate) {
  {
    const std::lock_guard guard(mutex_);
    times_[block].commit_from = now_ns();
  }
  return ledger_.finalize(block, certificate);
}

void TimedLedger::finalized(const FinalizedBlock& block) {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(block.block.txs.size());
  for (const SignedTx& tx : block.block.txs) numbers.push_back(static_cast<std::uint32_t>(number_of(tx)));
  const std::lock_guard guard(mutex_);
  BlockTimes& times = times_[block.id];
  times.final = now_ns();
  times.transfers = std::move(numbers);
}

std::map<BlockId, BlockTimes> TimedLedger::times() const {
  const std::lock_guard guard(mutex_);
  return times_;
}

// --- a node ---

Member::Member(Network& network, const World& world, std::size_t number, std::uint64_t delay_us)
    : network_(network), key_(world.validators[number].public_key()) {
  ledger_ = must(LedgerImpl::open(world.genesis, must(open_rocks_kv(folder_ / "ledger", RocksUse::kLedger)),
                                  must(open_rocks_kv(folder_ / "state", RocksUse::kState)), policy_, {}));
  timed_ = std::make_unique<TimedLedger>(*ledger_);
  intake_ = std::make_unique<TxIntake>(*ledger_, TxIntakeLimits{});
  ledger_->on_finalized([this](const FinalizedBlock& block) {
    timed_->finalized(block);
    for (const SignedTx& tx : block.block.txs) network_.note_final(number_of(tx));
    transfers_ += block.block.txs.size();
    ++blocks_;
    intake_->drained();
  });
  simplex::ReplicaPorts ports;
  ports.ledger = timed_.get();
  ports.chain = ledger_.get();
  ports.peers = this;
  ports.txs_wait = [this] { return ledger_->txs_wait(); };
  ports.halted = [](const Error& error, const auto&) { must<void>(std::unexpected(error)); };
  simplex::EngineConfig config;
  config.seed = number;
  const std::filesystem::path journal = folder_ / "journal";
  std::filesystem::create_directories(journal);
  replica_ = must(simplex::Replica::open(std::move(ports), journal.string(), world.validators[number], config));
  ledger_->on_waiting([this] { replica_->txs_wait(); });
  wire_ = std::make_unique<Wire>(delay_us, [this](const Ed25519Key& from, simplex::Message message, std::size_t bytes) {
    replica_->deliver(from, std::move(message), bytes);
  });
}

Member::~Member() {
  intake_->stop();
  wire_.reset();
}

void Member::send(const Ed25519Key& to, const simplex::MessagePtr& message) {
  network_.carry(*this, &to, *message);
}

void Member::broadcast(const simplex::MessagePtr& message) {
  network_.carry(*this, nullptr, *message);
}

// --- all of them ---

Network::Network(const World& world, std::uint64_t delay_us) : final_(world.transfers.size()) {
  for (std::size_t i = 0; i < world.validators.size(); ++i) {
    members_.push_back(std::make_unique<Member>(*this, world, i, delay_us));
  }
  for (auto& member : members_) member->start();
}

/// Nobody sends to a member that is gone.
Network::~Network() {
  for (auto& member : members_) member->intake().stop();
  for (auto& member : members_) member->stop_replica();
}

std::size_t Network::submit(const Bytes& transfer) {
  std::size_t taken = 0;
  for (auto& member : members_) taken += member->intake().offer(transfer) ? 1 : 0;
  return taken;
}

void Network::carry(const Member& from, const Ed25519Key* to, const simplex::Message& message) {
  const auto bytes = std::make_shared<const Bytes>(encode(message));
  for (auto& member : members_) {
    if (member.get() != &from && (to == nullptr || member->key() == *to)) member->wire().send(from.key(), bytes);
  }
}

std::size_t Network::transfers() const {
  return std::ranges::min(members_ | std::views::transform([](const auto& m) { return m->transfers(); }));
}

}  // namespace micro::bench
