// The real ledger on databases in memory, whose images survive the crash of a simulated node, or on RocksDB over a disk
// that keeps what was synced.
#include "chain/committee/seat_rules.hpp"
#include "chain/identity/node_identity.hpp"
#include "tests/gen/chain/small_net.hpp"
#include "tests/sim/consensus/careless_kv.hpp"
#include "tests/sim/consensus/sim_ledger.hpp"

namespace micro::test {
namespace {

constexpr std::uint64_t kSenders = 8;
constexpr std::uint8_t kFirstOperator = kSenders + 1;  ///< account of member 0's operator; one a member
constexpr std::uint8_t kAccounts = kSenders + 16;

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

Genesis real_genesis(const Committees& committees, const Scenario& scenario) {
  Genesis genesis = small_genesis(kAccounts);
  genesis.params.epoch_ms = scenario.epoch_ms;
  genesis.params.min_seat_bond = Amount(kSeatStake);
  if (scenario.seats.empty()) genesis.params.min_committee = kernel::kMaxSeats;  // it stays the one of epoch 0
  genesis.validators = committees.set(Epoch(0));
  return genesis;
}

class RealLedger final : public SimLedger, private Ledger {
 public:
  RealLedger(const Genesis& genesis, const Scenario& scenario, std::shared_ptr<ModelChain> disk);
  ~RealLedger() override;
  [[nodiscard]] Status opened() const override { return opened_; }
  Ledger& port() override { return *this; }
  [[nodiscard]] ChainHead head() const override { return net_->ledger().head().value(); }
  [[nodiscard]] std::optional<Block> block(const BlockId& id) const override;
  [[nodiscard]] std::optional<Certificate> boundary(Epoch epoch) const override;
  [[nodiscard]] bool txs_wait() const override { return net_->ledger().txs_wait(); }
  void submit(std::uint64_t tx) override;
  void submit(const SignedTx& tx) override { static_cast<void>(net_->ledger().submit(tx)); }
  [[nodiscard]] std::optional<SignedTx> committee_step(std::size_t member, const Ed25519Secret& key,
                                                       bool leaves) const override;
  [[nodiscard]] std::optional<SignedTx> report(const SubmitEvidence& evidence) const override;
  [[nodiscard]] std::vector<Ed25519Key> convicted() const override;
  [[nodiscard]] bool is_executed(const BlockId& id) const override;

 private:
  Result<Block> propose(const BlockId& parent, TimeMs time, const ProposeLimits& limits) override;
  Status execute(const Block& block) override;
  Status finalize(const BlockId& block, const std::optional<Certificate>& certificate) override;
  [[nodiscard]] Result<ValidatorSet> validators(Epoch epoch) const override { return net_->ledger().validators(epoch); }

  [[nodiscard]] Status open_rocks(const Genesis& genesis, const Scenario& scenario);

  using NextStep = std::function<std::optional<Payload>(const StateView&, const Address& sender)>;
  [[nodiscard]] std::optional<SignedTx> step_of(std::uint8_t account, const NextStep& step) const;

  std::shared_ptr<ModelChain> disk_;
  std::unique_ptr<SmallNet> net_;
  Status opened_;
  std::set<BlockId> executed_;
};

}  // namespace

RealLedger::RealLedger(const Genesis& genesis, const Scenario& scenario, std::shared_ptr<ModelChain> disk)
    : disk_(std::move(disk)) {
  if (scenario.rocks) {
    opened_ = open_rocks(genesis, scenario);
  } else {
    net_ = std::make_unique<SmallNet>(genesis, Disks{disk_->ledger_db, disk_->state_db});
  }
}

Status RealLedger::open_rocks(const Genesis& genesis, const Scenario& scenario) {
  auto dbs = TRY(open_databases(*disk_->machine));
  LedgerOptions options;
  options.threads = 1;
  if (scenario.deferred_blocks > 0) {
    options.index = {.min_deferred = 4, .max_entries = 1'000, .max_blocks = scenario.deferred_blocks};
    options.state = {.min_deferred = 4, .max_bytes = 1u << 20, .max_blocks = scenario.deferred_blocks};
  }
  net_ = std::make_unique<SmallNet>(genesis, std::move(dbs.ledger), std::move(dbs.state), options);
  if (!net_->opened()) return std::unexpected(net_->opened().error());
  return {};
}

RealLedger::~RealLedger() {
  if (disk_->machine) return;
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

/// With those before it of the same sender that this node lost in a crash: nobody could take it without them.
void RealLedger::submit(std::uint64_t tx) {
  const std::uint64_t number = tx - 1;
  const std::uint64_t from = number % kSenders;
  const Nonce next = net_->ledger().pending_nonce(address_of_key(static_cast<std::uint8_t>(1 + from)));
  for (std::uint64_t nonce = next.value; nonce <= number / kSenders; ++nonce) {
    if (!net_->ledger().submit(transfer(*net_, nonce * kSenders + from)).waits()) return;
  }
}

namespace {

/// What the operator does next, by the state; nothing when there is nothing to do.
std::optional<Payload> next_step(const StateView& state, const ChainId& chain, const Address& owner,
                                 const Ed25519Secret& key, bool leaves) {
  const NodeId node = node_id(owner, Nonce(0));
  if (!read_record<NodeRecord>(state, path::node(node)).value()) {
    const Ed25519Secret node_key = Ed25519Secret::from_seed(blake2b_256(key.public_key()));
    const Hash proof = node_proof_hash(chain, owner, node_key.public_key(), key.public_key());
    return RegisterNode{node_key.public_key(), key.public_key(), node_key.sign(proof), key.sign(proof)};
  }
  const auto seat = read_record<SeatRecord>(state, path::seat(key.public_key())).value();
  if (!seat) return leaves ? std::nullopt : std::optional<Payload>(JoinCommittee{node, Amount(kSeatStake)});
  if (leaves) return seat->left ? std::nullopt : std::optional<Payload>(LeaveCommittee{key.public_key()});
  if (seat->ready) return std::nullopt;
  const Epoch now = read_record<EpochClock>(state, path::epoch_clock()).value()->epoch;
  const auto anchor = read_record<EpochAnchor>(state, path::epoch_anchor(now)).value();
  if (!anchor) return std::nullopt;  // the epoch's first block makes it
  const Hash ready = readiness_hash(chain, key.public_key(), now, anchor->last_of_previous);
  return ConfirmReadiness{key.public_key(), now, anchor->last_of_previous, key.sign(ready)};
}

}  // namespace

std::optional<SignedTx> RealLedger::step_of(std::uint8_t account, const NextStep& step) const {
  const LedgerImpl& ledger = net_->ledger();
  TxBody body;
  body.chain = ledger.chain();
  body.sender = address_of_key(account);
  body.nonce = ledger.pending_nonce(body.sender);
  const auto payload = ledger.read([&](const StateView& state, const Header&) -> std::optional<Payload> {
    if (next_nonce(state, body.sender) != body.nonce) return std::nullopt;  // one waits
    return step(state, body.sender);
  });
  if (!payload) return std::nullopt;
  body.valid_until = Height(1'000'000);
  body.max_fee = Amount(10'000);
  body.payload = *payload;
  return sign_tx(std::move(body), key_of(account));
}

std::optional<SignedTx> RealLedger::committee_step(std::size_t member, const Ed25519Secret& key, bool leaves) const {
  return step_of(static_cast<std::uint8_t>(kFirstOperator + member), [&](const StateView& state, const Address& owner) {
    return next_step(state, net_->ledger().chain(), owner, key, leaves);
  });
}

std::optional<SignedTx> RealLedger::report(const SubmitEvidence& evidence) const {
  return step_of(kAccounts, [&](const StateView& state, const Address&) -> std::optional<Payload> {
    const auto seat = read_record<SeatRecord>(state, path::seat(evidence.key)).value();
    return seat && !seat->convicted ? std::optional<Payload>(evidence) : std::nullopt;
  });
}

std::vector<Ed25519Key> RealLedger::convicted() const {
  std::vector<Ed25519Key> out;
  net_->ledger().read([&](const StateView& state, const Header&) {
    state.scan(Module::kSeats, [&](const StatePath&, ByteView bytes) {
      const auto seat = decode<SeatRecord>(bytes).value();
      if (seat.convicted) out.push_back(seat.key);
      return true;
    });
  });
  return out;
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

std::unique_ptr<SimLedger> make_real_ledger(const Committees& committees, const Scenario& scenario,
                                            std::shared_ptr<ModelChain> disk) {
  return std::make_unique<RealLedger>(real_genesis(committees, scenario), scenario, std::move(disk));
}

}  // namespace micro::test
