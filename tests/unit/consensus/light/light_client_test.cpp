#include "consensus/light/light_client.hpp"

#include <gtest/gtest.h>

#include "chain/records/records.hpp"
#include "tests/gen/chain/solo_net.hpp"

namespace micro {
namespace {

using test::Sealed;
using test::SmallNet;

class LightClientTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(solo_.start());
    genesis_ = net_.ledger().head().value().header;
    for (std::uint64_t i = 0; i < 6; ++i) {  // three epochs, two blocks each
      net_.ledger().submit(net_.transfer(1, i, 2, 5));
      now_ += 500;
      sealed_.push_back(*solo_.step(TimeMs(now_), true).value());
    }
    ASSERT_EQ(net_.ledger().head().value().epoch, Epoch(3));
    net_.ledger().submit(net_.transfer(1, 6, 2, 5));
    sealed_.push_back(*solo_.step(TimeMs(now_ + 5), true).value());
  }
  /// Follows all boundaries and then the tip.
  LightClient synced() {
    LightClient client = LightClient::from_genesis(net_.genesis(), genesis_).value();
    for (const Sealed& s : sealed_) {
      if (!s.block.header.boundary) continue;
      EXPECT_TRUE(client.end_epoch(s.block.header, s.certificate, net_.genesis().validators));
    }
    EXPECT_TRUE(client.advance(sealed_.back().block.header, sealed_.back().certificate));
    return client;
  }

  SmallNet net_;
  test::MemoryJournal journal_;
  test::Solo solo_{net_, journal_};
  Header genesis_;
  std::vector<Sealed> sealed_;
  std::uint64_t now_ = test::kGenesisTime.value;
};

TEST_F(LightClientTest, FollowsTheEpochsToTheTip) {
  const LightClient client = synced();
  EXPECT_EQ(client.tip(), sealed_.back().block.header);
  EXPECT_EQ(client.epoch(), Epoch(3));
}

TEST_F(LightClientTest, ChecksStateByInclusionAndAbsence) {
  const LightClient client = synced();
  for (const StatePath& path : {path::account(test::address_of_key(2)), path::account(test::address_of_key(77))}) {
    const auto proven = net_.ledger().prove(path);
    EXPECT_TRUE(
        client.check_state(path, proven.value ? std::optional<ByteView>(*proven.value) : std::nullopt, proven.proof));
    const Bytes lie{1, 2, 3};
    EXPECT_FALSE(client.check_state(path, ByteView(lie), proven.proof));
  }
}

TEST_F(LightClientTest, ChecksBlocksTransactionsReceiptsAndEvents) {
  const LightClient client = synced();
  for (std::uint64_t h = 0; h <= 7; ++h) {
    const auto proven = net_.ledger().prove_block(Height(h)).value();
    EXPECT_TRUE(client.check_block(proven.header, proven.proof)) << h;
    Header other = proven.header;
    other.time = TimeMs(other.time.value + 1);
    EXPECT_FALSE(client.check_block(other, proven.proof));
  }
  const SignedTx& tx = sealed_[2].block.txs[0];
  const auto proven = net_.ledger().prove_tx(tx_id(tx.body)).value();
  EXPECT_TRUE(check_tx_in_block(proven.header, proven.stored.tx, proven.tx_proof));
  EXPECT_TRUE(check_receipt_in_block(proven.header, proven.stored.receipt, proven.receipt_proof));
  TxReceipt forged = proven.stored.receipt;
  forged.fee = Amount(forged.fee.micro + 1);
  EXPECT_FALSE(check_receipt_in_block(proven.header, forged, proven.receipt_proof));
  EXPECT_FALSE(check_tx_in_block(proven.header, sealed_[0].block.txs[0], proven.tx_proof));
  const auto event = net_.ledger().prove_event({sealed_[3].block.header.height, kBoundaryTx, 0}).value();
  EXPECT_TRUE(check_event_in_block(event.header, event.event, event.proof));
  EXPECT_FALSE(check_event_in_block(event.header, Event(event::EpochEnded{}), event.proof));
}

TEST_F(LightClientTest, RefusesForgedAndMisplacedHeaders) {
  LightClient client = LightClient::from_genesis(net_.genesis(), genesis_).value();
  const ValidatorSet& set = net_.genesis().validators;
  const Sealed& boundary = sealed_[1];
  ASSERT_TRUE(boundary.block.header.boundary);
  EXPECT_FALSE(client.advance(boundary.block.header, boundary.certificate));
  EXPECT_FALSE(client.end_epoch(sealed_[0].block.header, sealed_[0].certificate, set));
  EXPECT_FALSE(client.end_epoch(sealed_[3].block.header, sealed_[3].certificate, set)) << "an epoch was skipped";
  EXPECT_FALSE(client.end_epoch(boundary.block.header, sealed_[0].certificate, set));
  ValidatorSet mine;
  mine.members.push_back({test::validator_key(66).public_key(), 1});
  EXPECT_FALSE(client.end_epoch(boundary.block.header, boundary.certificate, mine));
  Header forged = boundary.block.header;
  forged.next_validators = validator_set_hash(mine);
  EXPECT_FALSE(client.end_epoch(forged, boundary.certificate, mine));
  Certificate other = boundary.certificate;
  other.statement.block = block_id(forged);
  EXPECT_FALSE(client.end_epoch(forged, other, mine));
  EXPECT_EQ(client.epoch(), Epoch(0));

  ASSERT_TRUE(client.end_epoch(boundary.block.header, boundary.certificate, set));
  EXPECT_FALSE(client.end_epoch(boundary.block.header, boundary.certificate, set)) << "twice";
  EXPECT_FALSE(client.advance(sealed_[0].block.header, sealed_[0].certificate)) << "an older epoch";
}

TEST_F(LightClientTest, AGenesisHeaderThatLiesIsFoundByTheFirstCertificate) {
  Header lie = genesis_;
  lie.state_root.data[0] ^= 1;
  LightClient client = LightClient::from_genesis(net_.genesis(), lie).value();
  EXPECT_FALSE(client.advance(sealed_[0].block.header, sealed_[0].certificate));
  lie = genesis_;
  lie.time = TimeMs(1);
  EXPECT_FALSE(LightClient::from_genesis(net_.genesis(), lie));
}

TEST_F(LightClientTest, EachFieldOfAHeaderIsBoundByItsCertificate) {
  const Sealed& first = sealed_[0];
  const Bytes bytes = encode(first.block.header);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes bad = bytes;
    bad[i] ^= 1;
    const auto header = decode<Header>(bad);
    LightClient client = LightClient::from_genesis(net_.genesis(), genesis_).value();
    EXPECT_FALSE(header.has_value() && client.advance(*header, first.certificate)) << "byte " << i;
  }
}

}  // namespace
}  // namespace micro
