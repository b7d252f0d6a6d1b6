#include "rpc/daemon/ledger_service.hpp"

#include <gtest/gtest.h>

#include <future>

#include "consensus/core/certificate.hpp"
#include "consensus/journal/journal.hpp"
#include "tests/gen/chain/small_net.hpp"
#include "tests/gen/temp_folder.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kPatienceMs = 60'000;  ///< a bound for a test that hangs, never reached by one that works

class LedgerServiceTest : public testing::Test {
 protected:
  [[nodiscard]] Result<std::unique_ptr<LedgerService>> open() {
    LedgerConfig config;
    config.folder = folder.path();
    const LedgerKeys keys{test::validator_key(1), test::validator_key(2).public_key(), test::key_of(1)};
    return LedgerService::open(config, net.genesis(), keys, policy);
  }
  /// What a node leaves that dies between writing a block of its own to the journal and making it final.
  void die_with(const Block& block, const std::optional<Certificate>& certificate = {}) {
    const auto journal = Journal::open((folder.path() / "journal").string(), chain_id(net.genesis())).value();
    ASSERT_TRUE(journal->start(Epoch(0), Epoch(0)));
    ASSERT_TRUE(journal->append(encode(simplex::Record(simplex::Body{block}))));
    if (certificate) {
      ASSERT_TRUE(journal->append(encode(simplex::Record(simplex::Held{*certificate}))));
    }
    ASSERT_TRUE(journal->sync());
  }
  Block block_of(const SignedTx& tx) {
    EXPECT_TRUE(net.ledger().submit(tx).waits());
    return net.ledger().propose(net.ledger().head().value().id, TimeMs(test::kGenesisTime.value + 1), {}).value();
  }

  test::TempFolder folder;
  test::NoPolicy policy;
  test::SmallNet net;
};

// Told that it never happened, its sender would pay again.
TEST_F(LedgerServiceTest, ATransactionOfABlockFromBeforeTheRestartWaits) {
  ASSERT_TRUE(open()) << "makes the folders";
  const SignedTx tx = net.transfer(1, 0, 2, 5);
  const TxId id = tx_id(tx.body);
  die_with(block_of(tx));
  const auto service = open().value();
  EXPECT_TRUE(service->ledger().waiting_tx(id));
  service->start([](const FinalizedBlock&) {}, [](const Error& error) { ADD_FAILURE() << error.message; });
  std::promise<Result<StoredTx>> done;
  service->wait_final(id, kPatienceMs, [&](Result<StoredTx> stored) { done.set_value(std::move(stored)); });
  const auto stored = done.get_future().get();
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->receipt.status, TxStatus::kOk);
  service->stop();
}

TEST_F(LedgerServiceTest, ABlockThatIsFinalAlreadyLeavesNothingWaiting) {
  const SignedTx tx = net.transfer(1, 0, 2, 5);
  {
    const auto service = open().value();
    service->start([](const FinalizedBlock&) {}, [](const Error& error) { ADD_FAILURE() << error.message; });
    ASSERT_TRUE(service->submit(tx));
    std::promise<void> done;
    service->wait_final(tx_id(tx.body), kPatienceMs, [&](const Result<StoredTx>& stored) {
      EXPECT_TRUE(stored);
      done.set_value();
    });
    done.get_future().wait();
    service->stop();
  }
  const auto service = open().value();
  EXPECT_FALSE(service->ledger().txs_wait());
  EXPECT_TRUE(service->ledger().blocks().tx(tx_id(tx.body)));
}

TEST_F(LedgerServiceTest, WhereAFinalBlockDoesNotExecuteHereItStopsAndKeepsTheProof) {
  ASSERT_TRUE(open()) << "makes the folders";
  Block block = block_of(net.transfer(1, 0, 2, 5));
  block.header.state_root.data.front() ^= 1;
  const ValidatorSet& set = net.genesis().validators;
  const BlockId first = net.ledger().head().value().id;
  const Hash epoch = epoch_id(chain_id(net.genesis()), Epoch(0), first, validator_set_hash(set));
  const Statement statement{StatementKind::kFinalize, epoch, View(1), View(0), block_id(block.header)};
  const std::vector<Ed25519Secret> keys{test::validator_key(1)};
  const Certificate certificate = certify(statement, set, keys).value();
  die_with(block, certificate);
  const auto service = open().value();
  std::promise<Error> failed;
  service->start([](const FinalizedBlock&) { ADD_FAILURE(); }, [&](const Error& error) { failed.set_value(error); });
  EXPECT_EQ(failed.get_future().get().fault, Fault::kMismatch);
  service->stop();
  const auto kept = decode<simplex::Certificates>(read_file(folder.path() / kHaltProofFile, 1u << 20).value()).value();
  ASSERT_EQ(kept.certificates.size(), 1U);
  EXPECT_EQ(kept.certificates.front(), certificate);
}

}  // namespace
}  // namespace micro
