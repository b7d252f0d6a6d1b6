// A real ledger over the world that AnyTx plays in: it starts from the world's state, and the world follows each of its
// blocks by executing the same transactions on a plain map.
#pragma once

#include "chain/ledger/ledger_impl.hpp"
#include "chain/store/memory_kv.hpp"
#include "tests/gen/chain/any_tx.hpp"
#include "tests/gen/chain/small_net.hpp"

namespace micro::test {

/// Signs for the persons that AnyTx knows, session keys included.
inline SignedTx signed_by_person(SignedTx tx) {
  for (const auto n : {0ull, 1ull, 2ull, 3ull, 4ull, 100ull, 101ull, 102ull}) {
    if (person(n) == tx.body.sender) tx.signature = person_key(n).sign_ecdsa(tx_signing_hash(tx.body));
  }
  return tx;
}

inline StateRoot root_of(const MapState& state) {
  MerkleTree tree;
  std::vector<StateEntry> entries;
  for (const auto& [path, value] : state.entries()) entries.push_back({path, value});
  tree.load(std::move(entries));
  return tree.root();
}

/// Disks on which block 0 has the world's state.
inline Disks disks_of(World& w) {
  Header header;
  header.time = w.time;
  header.epoch = Epoch(w.epoch().value > 0 ? w.epoch().value - 1 : 0);  // it counts as the block that ended that one
  header.state_root = root_of(w.state);
  header.next_validators = validator_set_hash(w.genesis.validators);
  auto ledger_db = std::make_unique<MemoryKv>();
  auto state_db = std::make_unique<MemoryKv>();
  MemoryKv* const ledger_disk = ledger_db.get();
  MemoryKv* const state_disk = state_db.get();
  BlockStore blocks = BlockStore::open(std::move(ledger_db), w.chain).value();
  EXPECT_TRUE(blocks.put_genesis(header));
  StateDiff all;
  for (const auto& [path, value] : w.state.entries()) all.emplace(path, value);
  StateStore states(std::move(state_db));
  EXPECT_TRUE(states.write_genesis(all, {w.chain, Height(0), block_id(header), header.state_root, w.epoch()}));
  w.height = Height(0);
  w.parent = block_id(header);
  return {ledger_disk->image(), state_disk->image()};
}

/// One node. The policy is the world's.
struct Node {
  MemoryKv* ledger_disk = nullptr;
  MemoryKv* state_disk = nullptr;
  Result<std::unique_ptr<LedgerImpl>> opened = fail(Fault::kInternal, "not opened");

  Node(World& w, Disks disks, std::size_t threads) {
    auto ledger_db = std::make_unique<MemoryKv>(std::move(disks.ledger));
    auto state_db = std::make_unique<MemoryKv>(std::move(disks.state));
    ledger_disk = ledger_db.get();
    state_disk = state_db.get();
    LedgerOptions options;
    options.threads = threads;
    opened = LedgerImpl::open(w.genesis, std::move(ledger_db), std::move(state_db), w.policy, options);
  }
  LedgerImpl& ledger() { return **opened; }
  [[nodiscard]] Disks disks() const { return {ledger_disk->image(), state_disk->image()}; }
  Status finalize(const Block& block) {
    const BlockId id = block_id(block.header);
    return ledger().finalize(id, SmallNet::certificate_of(id, block.header.height.value));
  }
};

}  // namespace micro::test
