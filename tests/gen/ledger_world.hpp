// A small chain for tests of the rules: a genesis, people with keys, and a state that blocks are applied to one by one.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "chain/economy/supply.hpp"
#include "chain/execution/execute.hpp"
#include "chain/records/records.hpp"
#include "chain/state/overlay.hpp"
#include "chain/types/supply.hpp"
#include "tests/gen/status_coverage.hpp"

namespace micro::test {

/// Keys by small numbers: equal numbers are equal people in every run.
inline Hash seed_of(std::uint64_t n) {
  return sha256(encode(n));
}
inline const SecretKey& person_key(std::uint64_t n) {
  static std::map<std::uint64_t, SecretKey> keys;
  auto it = keys.find(n);
  if (it == keys.end()) it = keys.emplace(n, SecretKey::from(seed_of(n).view()).value()).first;
  return it->second;
}
inline Address person(std::uint64_t n) {
  static std::map<std::uint64_t, Address> addresses;
  auto it = addresses.find(n);
  if (it == addresses.end()) it = addresses.emplace(n, address_of(person_key(n).public_key())).first;
  return it->second;
}
inline Ed25519Secret machine_key(std::uint64_t n) {
  return Ed25519Secret::from_seed(seed_of(1'000'000 + n));
}

/// A policy of a test: a native function in place of wasm.
class NativePolicy final : public PolicyPort {
 public:
  using Decide = std::function<PolicyRunOutcome(ByteView input)>;
  Decide decide = [](ByteView) { return PolicyRunOutcome{false, {}, 0, "no policy in this test"}; };
  int runs = 0;
  Result<PolicyRunOutcome> run(ByteView, ByteView input, std::uint64_t) override {
    ++runs;
    return decide(input);
  }
};

struct World {
  static constexpr std::uint64_t kStartMs = 1'767'225'600'000;

  Genesis genesis;
  MapState state;
  ChainId chain;
  NativePolicy policy;
  Height height{0};
  TimeMs time{kStartMs};
  std::optional<BlockId> parent;  ///< of the next block, where a test has real ones

  /// `people` accounts with `amount` µT each, short epochs of one second, buckets of `bucket_epochs`.
  explicit World(std::size_t people = 4, std::uint64_t amount = 1'000'000'000, std::uint32_t bucket_epochs = 4) {
    genesis.network = Text<kMaxNetworkNameBytes>("test");
    genesis.time = TimeMs(kStartMs);
    genesis.params.epoch_ms = 1'000;
    genesis.params.bucket_epochs = bucket_epochs;
    genesis.params.dispute_epochs = 2;
    genesis.params.drain_epochs = 2;
    genesis.params.unbonding_epochs = 8;
    genesis.params.allow_local_sources = true;
    genesis.policy = Blob<kMaxPolicyBytes>(Bytes{0, 'a', 's', 'm'});
    for (std::size_t i = 0; i < people; ++i) genesis.accounts.push_back({person(i), Amount(amount)});
    std::ranges::sort(genesis.accounts, {}, &GenesisAccount::address);
    genesis.validators.members.push_back({machine_key(0).public_key(), 1});
  }
  /// After changing `genesis`; the constructor leaves it to the test.
  World& start() {
    chain = chain_id(genesis);
    const auto diff = genesis_state(genesis);
    if (!diff) ADD_FAILURE() << diff.error().message << " " << diff.error().hint;
    if (diff) state.apply(*diff);
    return *this;
  }

  [[nodiscard]] BlockInput next_block(std::uint64_t after_ms = 1) const {
    BlockInput input;
    input.chain = chain;
    input.height = height.next();
    input.time = TimeMs(time.value + after_ms);
    input.parent = parent.value_or(tagged_hash(domain::kHeader, encode(height)).as<BlockId>());
    return input;
  }
  /// Runs a block and, when it is valid, moves on to it.
  Result<BlockOutcome> run(std::span<const SignedTx> txs, std::uint64_t after_ms = 1,
                           ExecutionMode mode = ExecutionMode::kValidate, std::vector<bool>* kept = nullptr) {
    const BlockInput input = next_block(after_ms);
    BlockOutcome out = TRY(execute_block(state, input, txs, policy, mode, kept));
    state.apply(out.diff);
    height = input.height;
    time = input.time;
    return out;
  }
  /// An empty block late enough to end the epoch.
  Result<BlockOutcome> end_epoch() { return run({}, genesis.params.epoch_ms); }
  Status end_epochs(std::uint32_t n) {
    for (std::uint32_t i = 0; i < n; ++i) TRY(end_epoch());
    return {};
  }

  /// A transaction of `sender` (by number) with its next nonce and a generous fee limit; not signed, since execution
  /// leaves signatures to its caller.
  [[nodiscard]] SignedTx make(std::uint64_t sender, Payload payload, std::uint64_t skip_nonces = 0) const {
    SignedTx tx;
    tx.key = person_key(sender).public_key();
    tx.body.chain = chain;
    tx.body.sender = person(sender);
    tx.body.nonce = Nonce(next_nonce(state, person(sender)).value + skip_nonces);
    tx.body.valid_until = Height(height.value + 1'000);
    tx.body.max_fee = Amount(1'000'000);
    tx.body.payload = std::move(payload);
    return tx;
  }
  /// One transaction in a block of its own; the error's message otherwise fails the test.
  TxReceipt apply(const SignedTx& tx) {
    auto out = run(std::span(&tx, 1));
    if (!out) {
      ADD_FAILURE() << out.error().message;
      return {};
    }
    saw_status(tx.body.payload.index(), out->receipts.at(0).status);
    return out->receipts.at(0);
  }
  /// What the mempool would say, as the sender's next transaction.
  [[nodiscard]] TxStatus check(const SignedTx& tx) const {
    const TxStatus status = check_tx(state, next_block(), tx, next_nonce(state, tx.body.sender));
    saw_status(tx.body.payload.index(), status);
    return status;
  }
  TxReceipt apply(std::uint64_t sender, Payload payload) { return apply(make(sender, std::move(payload))); }

  template <class T>
  [[nodiscard]] std::optional<T> read(const StatePath& path) const {
    auto record = read_record<T>(state, path);
    if (!record) {
      ADD_FAILURE() << record.error().message;
      return std::nullopt;
    }
    return *record;
  }
  [[nodiscard]] Account account(std::uint64_t n) const {
    return read<Account>(path::account(person(n))).value_or(Account{});
  }
  [[nodiscard]] Epoch epoch() const { return read<EpochClock>(path::epoch_clock())->epoch; }
  [[nodiscard]] LotTime lots() const { return lot_time(epoch(), genesis.params); }
  [[nodiscard]] Amount live(std::uint64_t n) const { return live_total(account(n).purse, lots()); }
  [[nodiscard]] Supply supply() const { return *read<Supply>(path::supply()); }
};

/// A newcomer's allowance beside tokens, put straight into the state; the supply record counts it.
inline void grant_base(World& w, std::uint64_t who, std::uint64_t amount) {
  Account account = w.account(who);
  const Lot lot{fresh_expiry(w.lots()), LotClass::kBase, Amount(amount)};
  add_lot(account.purse, lot);
  SupplyBook book = SupplyBook::from(w.supply(), w.lots()).value();
  book.mint(lot);
  w.state.apply({{path::account(person(who)), encode(account)}, {path::supply(), encode(book.record())}});
}

}  // namespace micro::test
