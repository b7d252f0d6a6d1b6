// A network of one in memory: a genesis with a few rich accounts, and what a test needs to send and seal.
#pragma once

#include "chain/ledger/ledger_impl.hpp"
#include "chain/store/memory_kv.hpp"

namespace micro::test {

/// The genesis of these tests has no policy, so nothing runs one.
struct NoPolicy final : PolicyPort {
  Result<PolicyRunOutcome> run(ByteView, ByteView, std::uint64_t) override {
    return fail(Fault::kInternal, "no policy is expected to run");
  }
};

inline SecretKey key_of(std::uint8_t n) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(n);
  return SecretKey::from(bytes).value();
}
inline Address address_of_key(std::uint8_t n) {
  return address_of(key_of(n).public_key());
}

inline Ed25519Secret validator_key(std::uint8_t n) {
  Hash seed;
  seed.data.fill(n);
  return Ed25519Secret::from_seed(seed);
}

inline constexpr TimeMs kGenesisTime{1'767'225'600'000};

/// Accounts of keys 1…`accounts` with a million tokens each; validator 1 is the committee.
inline Genesis small_genesis(std::uint8_t accounts = 8) {
  Genesis genesis;
  genesis.network = Text<kMaxNetworkNameBytes>("small");
  genesis.time = kGenesisTime;
  genesis.params.epoch_ms = 1'000;
  genesis.params.bucket_epochs = 86'400;
  for (std::uint8_t n = 1; n <= accounts; ++n) {
    genesis.accounts.push_back({address_of_key(n), Amount(1'000'000 * kMicroPerToken)});
  }
  std::ranges::sort(genesis.accounts, {}, &GenesisAccount::address);
  genesis.validators.members.push_back({validator_key(1).public_key(), 1});
  return genesis;
}

struct Disks {
  MemoryKv::Image ledger;
  MemoryKv::Image state;
};

class SmallNet {
 public:
  explicit SmallNet(Genesis genesis = small_genesis(), Disks disks = {}, std::size_t threads = 1)
      : genesis_(std::move(genesis)) {
    auto ledger_db = std::make_unique<MemoryKv>(std::move(disks.ledger));
    auto state_db = std::make_unique<MemoryKv>(std::move(disks.state));
    ledger_db_ = ledger_db.get();
    state_db_ = state_db.get();
    LedgerOptions options;
    options.threads = threads;
    opened_ = LedgerImpl::open(genesis_, std::move(ledger_db), std::move(state_db), policy_, options);
  }
  /// On databases of any kind, which nobody looks into.
  SmallNet(Genesis genesis, std::unique_ptr<Kv> ledger_db, std::unique_ptr<Kv> state_db, const LedgerOptions& options)
      : genesis_(std::move(genesis)) {
    opened_ = LedgerImpl::open(genesis_, std::move(ledger_db), std::move(state_db), policy_, options);
  }
  [[nodiscard]] const Result<std::unique_ptr<LedgerImpl>>& opened() const { return opened_; }
  LedgerImpl& ledger() { return **opened_; }
  [[nodiscard]] const Genesis& genesis() const { return genesis_; }
  [[nodiscard]] Disks disks() const { return {ledger_db_->image(), state_db_->image()}; }
  MemoryKv& ledger_db() { return *ledger_db_; }
  MemoryKv& state_db() { return *state_db_; }

  SignedTx transfer(std::uint8_t from, std::uint64_t nonce, std::uint8_t to, std::uint64_t micro) const {
    TxBody body;
    body.chain = chain_id(genesis_);
    body.sender = address_of_key(from);
    body.nonce = Nonce(nonce);
    body.valid_until = Height(1'000'000);
    body.max_fee = Amount(10'000);
    body.payload = Transfer{address_of_key(to), Amount(micro), {}};
    return sign_tx(std::move(body), key_of(from));
  }
  /// A certificate that names the block; the ledger leaves checking signatures to consensus.
  static Certificate certificate_of(const BlockId& id, std::uint64_t view) {
    Certificate out;
    out.statement.block = id;
    out.statement.view = View(view);
    return out;
  }
  /// Proposes and finalizes on top of the head.
  Result<Block> seal(std::uint64_t after_ms = 1) {
    const ChainHead head = TRY(ledger().head());
    Block block = TRY(ledger().propose(head.id, TimeMs(head.header.time.value + after_ms), {}));
    const BlockId id = block_id(block.header);
    TRY(ledger().finalize(id, certificate_of(id, block.header.height.value)));
    return block;
  }

 private:
  Genesis genesis_;
  NoPolicy policy_;
  MemoryKv* ledger_db_ = nullptr;
  MemoryKv* state_db_ = nullptr;
  Result<std::unique_ptr<LedgerImpl>> opened_ = fail(Fault::kInternal, "not opened");
};

}  // namespace micro::test
