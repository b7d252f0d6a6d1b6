#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chain/store/block_store.hpp"
#include "chain/store/memory_kv.hpp"
#include "chain/store/subjects.hpp"

namespace micro {
namespace {

Address addr(std::uint8_t n) {
  Address a;
  a.data.fill(n);
  return a;
}
ServiceId service(std::uint8_t n) {
  return addr(n).as<ServiceId>();
}
ChainId chain(std::uint8_t n) {
  return addr(n).as<ChainId>();
}

SignedTx transfer(std::uint8_t from, std::uint64_t nonce, std::uint8_t to) {
  SignedTx tx;
  tx.body.sender = addr(from);
  tx.body.nonce = Nonce(nonce);
  tx.body.payload = Transfer{addr(to), Amount(5), Text<kMaxMemoBytes>("for you")};
  return tx;
}

class BlockStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    auto kv = std::make_unique<MemoryKv>();
    disk_ = kv.get();
    store_.emplace(BlockStore::open(std::move(kv), chain(1)).value());
    Header genesis;
    genesis.boundary = true;
    ASSERT_TRUE(store_->put_genesis(genesis));
    ids_.push_back(block_id(genesis));
  }
  FinalizedBlock next(std::vector<std::pair<SignedTx, std::vector<Event>>> txs, std::vector<Event> boundary = {}) {
    FinalizedBlock out;
    out.block.header.height = store_->tip()->height.next();
    out.block.header.parent = store_->tip()->id;
    out.block.header.boundary = !boundary.empty();
    out.block.header.epoch = Epoch(4);
    for (auto& [tx, events] : txs) {
      TxReceipt receipt;
      receipt.tx = tx_id(tx.body);
      receipt.events.assign(events.begin(), events.end());
      out.tx_ids.push_back(receipt.tx);
      out.receipts.receipts.push_back(receipt);
      out.block.txs.push_back(tx);
    }
    out.receipts.boundary_events.assign(boundary.begin(), boundary.end());
    out.id = block_id(out.block.header);
    return out;
  }
  void append(const FinalizedBlock& block) {
    ASSERT_TRUE(store_->append(block));
    ids_.push_back(block.id);
  }

  MemoryKv* disk_ = nullptr;
  std::optional<BlockStore> store_;
  std::vector<BlockId> ids_;
};

TEST_F(BlockStoreTest, FindsATransactionWithItsReceipt) {
  const Event paid = event::Transferred{addr(1), addr(2), Amount(5)};
  const SignedTx second = transfer(3, 7, 4);
  append(next({{transfer(1, 0, 2), {paid}}, {second, {}}}));
  const auto found = store_->tx(tx_id(second.body)).value();
  EXPECT_EQ(found.height, Height(1));
  EXPECT_EQ(found.index, 1U);
  EXPECT_EQ(encode(found.tx), encode(second));
  EXPECT_EQ(found.receipt.tx, tx_id(second.body));
  EXPECT_EQ(store_->tx(TxId{}).error().fault, Fault::kNotFound);
}

TEST_F(BlockStoreTest, StoredBodiesAndReceiptsDecodeAsTheirTypes) {
  const auto block = next({{transfer(1, 0, 2), {event::Transferred{addr(1), addr(2), Amount(5)}}}},
                          {event::EpochEnded{Epoch(4), {}, {}, {}}});
  append(block);
  EXPECT_EQ(encode(store_->block(Height(1)).value()), encode(block.block));
  EXPECT_EQ(encode(store_->receipts(Height(1)).value()), encode(block.receipts));
  EXPECT_EQ(store_->header(Height(1)).value(), block.block.header);
  EXPECT_EQ(store_->height_of(block.id).value(), Height(1));
  EXPECT_EQ(store_->boundary_of(Epoch(4)).value(), Height(1));
  EXPECT_EQ(store_->block(Height(2)).error().fault, Fault::kNotFound);
}

TEST_F(BlockStoreTest, HistoryHasSendersRecipientsAndFailures) {
  append(next({{transfer(1, 0, 2), {event::Transferred{addr(1), addr(2), Amount(5)}}}, {transfer(2, 0, 9), {}}}));
  append(next({{transfer(1, 1, 2), {event::Transferred{addr(1), addr(2), Amount(5)}}}},
              {event::BondReleased{addr(2), OfferId{}, Amount(1)}}));
  using testing::ElementsAre;
  const auto all = store_->history(addr(2), std::nullopt, 10).value();
  EXPECT_THAT(all, ElementsAre(TxCursor{Height(2), kBoundaryTx}, TxCursor{Height(2), 0}, TxCursor{Height(1), 1},
                               TxCursor{Height(1), 0}));
  EXPECT_THAT(store_->history(addr(2), all[1], 1).value(), ElementsAre(TxCursor{Height(1), 1}));
  EXPECT_TRUE(store_->history(addr(8), std::nullopt, 10).value().empty());
}

TEST_F(BlockStoreTest, HistoryHasWhatAChannelPaidOutToWhomever) {
  const ChannelId channel;
  append(next({{transfer(1, 0, 1), {event::Claimed{channel, addr(3), addr(4), {}, {}, Amount(5), Amount(2), {}, true}}},
               {transfer(1, 1, 1), {event::ProceedsReleased{channel, addr(3), addr(4), Amount(5), Amount(2)}}},
               {transfer(1, 2, 1), {event::ChannelClosed{channel, addr(2), addr(3), addr(4), Amount(9), {}, {}}}}}));
  using testing::ElementsAre;
  const TxCursor claim{Height(1), 0}, release{Height(1), 1}, close{Height(1), 2};
  EXPECT_THAT(store_->history(addr(2), std::nullopt, 10).value(), ElementsAre(close)) << "the refund";
  EXPECT_THAT(store_->history(addr(3), std::nullopt, 10).value(), ElementsAre(close, release, claim));
  EXPECT_THAT(store_->history(addr(4), std::nullopt, 10).value(), ElementsAre(close, release, claim));
}

TEST_F(BlockStoreTest, EventsAreFoundByServiceAndDecision) {
  const Event placed = event::Placed{42, VersionId{}, service(6), NodeId{}, 1};
  append(next({{transfer(1, 0, 2), {event::PriceSet{service(6), Amount(3), 1}}}},
              {event::EpochEnded{Epoch(4), {}, {}, {}}, placed}));
  const auto seen = store_->service_events(service(6), std::nullopt, 10).value();
  using testing::ElementsAre;
  EXPECT_THAT(seen, ElementsAre(EventCursor{Height(1), kBoundaryTx, 1}, EventCursor{Height(1), 0, 0}));
  EXPECT_THAT(store_->service_events(service(6), seen[0], 10).value(), ElementsAre(seen[1]));
  const auto at = store_->decision(42).value();
  EXPECT_EQ(at, seen[0]);
  EXPECT_EQ(encode(store_->event(at).value()), encode(placed));
  EXPECT_EQ(store_->decision(43).error().fault, Fault::kNotFound);
  EXPECT_EQ(store_->event({Height(1), 0, 5}).error().fault, Fault::kNotFound);
}

TEST_F(BlockStoreTest, ProvesEveryBlockBelowAHeader) {
  for (int i = 0; i < 6; ++i) append(next({}));
  const Hash root = store_->tip()->ids_below.root();
  for (std::uint64_t h = 0; h < 6; ++h) {
    const auto proof = store_->prove_block(Height(h), Height(6)).value();
    EXPECT_TRUE(mmr_verify(root, ids_[h], proof));
    EXPECT_FALSE(mmr_verify(root, ids_[h + 1], proof));
  }
  EXPECT_FALSE(store_->prove_block(Height(6), Height(6)).has_value());
  MmrPeaks peaks;
  for (std::uint64_t h = 0; h <= 6; ++h) {
    EXPECT_EQ(store_->ids_below(Height(h)).value(), peaks);
    peaks.append(ids_[h]);
  }
}

TEST_F(BlockStoreTest, ReopensAtItsTipAndRefusesAnotherChain) {
  append(next({{transfer(1, 0, 2), {}}}));
  const auto again = BlockStore::open(std::make_unique<MemoryKv>(disk_->image()), chain(1)).value();
  EXPECT_EQ(again.tip()->height, Height(1));
  EXPECT_EQ(again.tip()->id, ids_[1]);
  const auto other = BlockStore::open(std::make_unique<MemoryKv>(disk_->image()), chain(2));
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().fault, Fault::kMismatch);
}

TEST_F(BlockStoreTest, AFailedWriteMovesNothing) {
  disk_->break_writes();
  EXPECT_EQ(store_->append(next({{transfer(1, 0, 2), {}}})).error().fault, Fault::kIo);
  EXPECT_EQ(store_->tip()->height, Height(0));
}

TEST_F(BlockStoreTest, KeepsPolicyRuns) {
  FinalizedBlock block = next({}, {event::EpochEnded{Epoch(4), {}, {}, {}}});
  block.policy = PolicyRecordIo{Blob<kMaxPolicyIoBytes>(Bytes{1}), Blob<kMaxPolicyIoBytes>(Bytes{2, 3})};
  append(block);
  EXPECT_EQ(store_->policy_io(Epoch(4)).value().output, (Bytes{2, 3}));
  EXPECT_EQ(store_->policy_io(Epoch(5)).error().fault, Fault::kNotFound);
}

}  // namespace
}  // namespace micro
