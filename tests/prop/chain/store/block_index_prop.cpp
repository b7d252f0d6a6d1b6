#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "chain/store/block_store.hpp"
#include "chain/store/memory_kv.hpp"

namespace micro {
namespace {

constexpr std::uint8_t kAccounts = 5;

template <class T>
T below(T end) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(0, end));
}

Address addr(std::uint8_t n) {
  Address a;
  a.data.fill(n);
  return a;
}

/// A store, and the image of its disk.
struct Stored {
  IndexLimits limits;
  MemoryKv* disk = nullptr;
  std::optional<BlockStore> store;

  explicit Stored(const IndexLimits& with) : limits(with) {
    open({});
    RC_ASSERT(store->put_genesis({}).has_value());
  }
  /// As a process that starts on what another left.
  void open(MemoryKv::Image image) {
    auto kv = std::make_unique<MemoryKv>(std::move(image));
    disk = kv.get();
    store.emplace(BlockStore::open(std::move(kv), ChainId{}, limits).value());
  }
};

FinalizedBlock some_block(const Tip& tip, std::uint64_t& nonce, std::vector<TxId>& ids) {
  FinalizedBlock out;
  out.block.header.height = tip.height.next();
  out.block.header.parent = tip.id;
  const auto txs = below(7);
  for (int i = 0; i < txs; ++i) {
    SignedTx tx;
    tx.body.sender = addr(below(kAccounts));
    tx.body.nonce = Nonce(nonce++);
    const Address to = addr(below(kAccounts));
    tx.body.payload = Transfer{to, Amount(1), {}};
    TxReceipt receipt;
    receipt.tx = tx_id(tx.body);
    if (below(4) != 0) receipt.events.push_back(event::Transferred{tx.body.sender, to, Amount(1)});
    ids.push_back(receipt.tx);
    out.tx_ids.push_back(receipt.tx);
    out.receipts.receipts.push_back(receipt);
    out.block.txs.push_back(tx);
  }
  if (below(4) == 0) {
    out.receipts.boundary_events.push_back(event::BondReleased{addr(below(kAccounts)), OfferId{}, Amount(1)});
  }
  out.id = block_id(out.block.header);
  return out;
}

void same_answers(const BlockStore& a, const BlockStore& b, std::span<const TxId> ids) {
  for (const TxId& id : ids) {
    const auto one = a.tx(id);
    const auto other = b.tx(id);
    RC_ASSERT(one.has_value() && other.has_value());
    RC_ASSERT(one->height == other->height && one->index == other->index);
    RC_ASSERT(encode(one->tx) == encode(other->tx) && encode(one->receipt) == encode(other->receipt));
  }
  for (std::uint8_t n = 0; n < kAccounts; ++n) {
    const auto all = b.history(addr(n), std::nullopt, 1'000).value();
    RC_ASSERT(a.history(addr(n), std::nullopt, 1'000).value() == all);
    const auto limit = below<std::size_t>(6);
    const auto before = all.empty() ? TxCursor{Height(3), 1} : all[below(all.size())];
    RC_ASSERT(a.history(addr(n), before, limit).value() == b.history(addr(n), before, limit).value());
  }
}

// Whether a block's index entries went to the database with it, wait in memory, or arrived there with others', and
// however often the process died in between: the answers are those of a store that never defers.
RC_GTEST_PROP(BlockIndexProp, DeferringChangesNoAnswer, ()) {
  Stored plain({.min_deferred = std::numeric_limits<std::size_t>::max()});
  Stored deferred({.min_deferred = 1 + below<std::size_t>(8),
                   .max_entries = 1 + below<std::size_t>(60),
                   .max_blocks = 1 + below<std::uint64_t>(8)});
  std::uint64_t nonce = 0;
  std::vector<TxId> ids;
  const auto blocks = 1 + below(20);
  for (int i = 0; i < blocks; ++i) {
    const FinalizedBlock block = some_block(*plain.store->tip(), nonce, ids);
    RC_ASSERT(plain.store->append(block).has_value());
    RC_ASSERT(deferred.store->append(block).has_value());
    if (below(4) == 0) deferred.open(deferred.disk->image());
    same_answers(*deferred.store, *plain.store, ids);
  }
}

// The file of transactions may arrive and that of histories not, or the mark of missing entries outlive them: opening
// reads the blocks again and adds what is there already.
RC_GTEST_PROP(BlockIndexProp, AnIngestThatWasCutShortIsRepeated, ()) {
  Stored plain({.min_deferred = std::numeric_limits<std::size_t>::max()});
  Stored deferred({.min_deferred = 1});
  std::uint64_t nonce = 0;
  std::vector<TxId> ids;
  for (int i = 0; i < 6; ++i) {
    const FinalizedBlock block = some_block(*plain.store->tip(), nonce, ids);
    RC_ASSERT(plain.store->append(block).has_value());
    RC_ASSERT(deferred.store->append(block).has_value());
  }
  MemoryKv::Image image = deferred.disk->image();
  for (const auto& [key, value] : plain.disk->image()) {
    if (below(2) == 0) image.emplace(key, value);
  }
  deferred.open(std::move(image));
  same_answers(*deferred.store, *plain.store, ids);
}

// What opening has to read again stays bounded.
RC_GTEST_PROP(BlockIndexProp, EntriesDoNotWaitForEver, ()) {
  const auto max_blocks = 1 + below<std::uint64_t>(5);
  Stored deferred({.min_deferred = 4, .max_entries = 1'000, .max_blocks = max_blocks});
  std::uint64_t nonce = 0;
  std::vector<TxId> ids;
  for (int i = 0; i < 20; ++i) {
    RC_ASSERT(deferred.store->append(some_block(*deferred.store->tip(), nonce, ids)).has_value());
    const auto mark = deferred.disk->get(as_bytes("Zpending")).value();
    if (!mark) continue;
    const Height from = decode<Height>(*mark).value();
    RC_ASSERT(deferred.store->tip()->height.value - from.value <= max_blocks);
  }
}

}  // namespace
}  // namespace micro
