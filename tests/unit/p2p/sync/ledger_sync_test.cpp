// A fresh node brings itself up to date from nodes with a real chain, in virtual time: one lies, one is slow, one dies;
// and the process may end at any step.
#include <gtest/gtest.h>

#include "chain/trie/merkle_tree.hpp"
#include "p2p/sync/key_ranges.hpp"
#include "tests/gen/p2p/ledger_sync.hpp"
#include "tests/gen/p2p/sync_net.hpp"

namespace micro::p2p::sync {
namespace {

using micro::test::kGenesisTime;
using micro::test::small_genesis;
using micro::test::SmallNet;
using test::LedgerSink;
using test::LedgerSource;
using test::peer;
using test::RangeWithProof;
using test::SyncedDisk;
using test::SyncNet;

/// Blocks of a few transfers, some of them ends of epochs. Other seeds make other chains of the same genesis.
void grow(SmallNet& net, std::uint64_t blocks, std::uint64_t seed = 0) {
  std::map<std::uint8_t, std::uint64_t> nonces;
  const std::uint64_t start = net.ledger().head()->header.height.value;
  for (std::uint64_t n = start; n < start + blocks; ++n) {
    for (std::uint8_t from = 1; from <= 2 + n % 2; ++from) {
      const std::uint64_t nonce = net.ledger().pending_nonce(micro::test::address_of_key(from)).value;
      const auto to = static_cast<std::uint8_t>(10 + (n + seed) % 200);
      ASSERT_TRUE(net.ledger().submit(net.transfer(from, nonce, to, 1'000'000 + n + seed)).waits());
    }
    ASSERT_TRUE(net.seal(n % 20 == 19 ? 1'000 : 1)) << n;
  }
}

/// One chain for all tests of this file: making it takes longer than bringing it over.
SmallNet& long_chain() {
  static SmallNet* const net = [] {
    auto* out = new SmallNet();  // for the process: tests share it
    grow(*out, 300);
    return out;
  }();
  return *net;
}
SmallNet& short_chain() {
  static SmallNet* const net = [] {
    auto* out = new SmallNet();
    grow(*out, 40);
    return out;
  }();
  return *net;
}

Progress everything_of(SmallNet& net) {
  const ChainHead head = net.ledger().head().value();
  Progress out;
  out.anchor = head.id.as<Hash>();
  out.headers = {1, head.header.height.value};
  out.blocks = {1, head.header.height.value + 1};
  Key last;
  last.data.fill(0xff);
  out.state = StateProgress{.root = head.header.state_root.as<Hash>(), .missing = {KeyRange{Key{}, last}}};
  return out;
}

/// Both ends of the state's middle are among the accounts: each half has an edge, and so a proof.
List<KeyRange, kMaxMissingRanges> two_halves() {
  Key middle;
  middle.data.fill(0xff);
  middle.data[0] = static_cast<std::uint8_t>(Module::kAccounts);
  middle.data[1] = 0x7f;
  Key last;
  last.data.fill(0xff);
  return {KeyRange{Key{}, middle}, KeyRange{next_key(middle).value(), last}};
}

/// A process of the node that lags, from its disk.
struct Process {
  Process(SyncNet& of, const Header& anchor, SyncedDisk& from) : net(of), disk(from) {
    chain = std::make_unique<SmallNet>(small_genesis(), disk.ledger);
    CHECK(chain->opened().has_value(), "the disk opens");
    sink = std::make_unique<LedgerSink>(anchor, disk, chain->ledger());
    net.start_client(*sink, disk.progress);
  }
  /// What reached the disk stays, what was under way is lost.
  ~Process() {
    disk.ledger = chain->disks();
    disk.progress = net.client->client().progress();
    net.stop_client();
  }
  SyncNet& net;
  SyncedDisk& disk;
  std::unique_ptr<SmallNet> chain;
  std::unique_ptr<LedgerSink> sink;
};

void expect_same(SmallNet& servers, SyncedDisk& disk) {
  SmallNet synced(small_genesis(), disk.ledger);
  ASSERT_TRUE(synced.opened());
  const ChainHead wanted = servers.ledger().head().value();
  const ChainHead head = synced.ledger().head().value();
  EXPECT_EQ(head.id, wanted.id);
  EXPECT_EQ(head.header, wanted.header);
  EXPECT_EQ(disk.headers.size(), wanted.header.height.value - 1);
  std::vector<StateEntry> entries;
  for (const auto& [path, value] : disk.state) entries.push_back({path, value});
  MerkleTree tree;
  tree.load(std::move(entries));
  EXPECT_EQ(tree.root(), wanted.header.state_root);
  EXPECT_TRUE(disk.progress.state->missing.empty());
  EXPECT_EQ(disk.progress.headers.next, disk.progress.headers.end);
  EXPECT_EQ(disk.progress.blocks.next, disk.progress.blocks.end);
}

/// What a server gives instead of what it has.
enum class Lie : std::uint8_t {
  kHeaderChanged,
  kHeaderLeftOut,
  kHeaderProofMissing,
  kBodyOfOther,
  kTxLeftOut,
  kStateValue,
  kStateLeftOut,
  kStateProofMissing,
  kStateCovered,
};

class LyingSource final : public LedgerSource {
 public:
  LyingSource(LedgerImpl& ledger, Lie lie) : LedgerSource(ledger), lie_(lie) {}

  Result<HeadersAnswer> headers(const Id& anchor, std::uint64_t first, std::size_t count, std::size_t bytes) override {
    HeadersAnswer out = TRY(LedgerSource::headers(anchor, first, count, bytes));
    if (lie_ == Lie::kHeaderChanged) {
      auto header = TRY(decode<Header>(std::span(out.headers.front())));
      header.state_root.data[0] ^= 1;
      out.headers.front() = HeaderBytes(encode(header));
      // Alone, it is the last, and then its proof is of another id; else the next one does not follow it.
    }
    if (lie_ == Lie::kHeaderLeftOut) out.headers.erase(out.headers.begin());
    if (lie_ == Lie::kHeaderProofMissing) out.proof.clear();
    return out;
  }
  using LedgerSource::block;
  Result<Bytes> block(std::uint64_t height) override {
    if (lie_ == Lie::kBodyOfOther) return LedgerSource::block(height == 1 ? 2 : height - 1);
    auto block = TRY(decode<Block>(TRY(LedgerSource::block(height))));
    if (lie_ == Lie::kTxLeftOut && !block.txs.empty()) block.txs.pop_back();
    return encode(block);
  }
  Result<StateAnswer> state(const Id& root, const Key& first, const Key& last, std::size_t bytes) override {
    StateAnswer out = TRY(LedgerSource::state(root, first, last, bytes));
    auto range = TRY(decode<RangeWithProof>(std::span(out.range)));
    if (range.entries.empty()) return out;
    if (lie_ == Lie::kStateValue) range.entries.front().value.push_back(1);
    if (lie_ == Lie::kStateLeftOut) range.entries.erase(range.entries.begin());
    if (lie_ == Lie::kStateProofMissing) range.proof.nodes.clear();
    if (lie_ == Lie::kStateCovered) out.covered = first;
    out.range = Blob<kMaxStateBytes>(encode(range));
    return out;
  }

 private:
  Lie lie_;
};

TEST(LedgerSync, ThreeHundredBlocksFromFourOfWhichOneLiesOneIsSlowAndOneDies) {
  SmallNet& chain = long_chain();
  const Header anchor = chain.ledger().head()->header;
  SyncedDisk disk{.headers = {}, .ledger = {}, .state = {}, .progress = everything_of(chain)};
  SyncNet net;
  LedgerSource honest(chain.ledger());
  LyingSource liar(chain.ledger(), Lie::kTxLeftOut);
  net.add_server(1, honest, 50);
  net.add_server(2, liar, 50);
  net.add_server(3, honest, 2);
  net.add_server(4, honest, 50);
  {
    Process process(net, anchor, disk);
    net.until([&] { return net.client->client().progress().blocks.next > 60; }, 60'000);
    net.servers.at(peer(4)).is_silent = true;  // dies without a word; its connection breaks much later
    net.until([&] { return net.client->client().progress().blocks.next > 200; }, 60'000);
    net.lose(peer(4));
    ASSERT_TRUE(net.finish(300'000)) << net.client->client().failure().value_or(Error{}).message;
  }
  expect_same(chain, disk);
  ASSERT_NE(net.drop_of(2), nullptr);
  EXPECT_EQ(net.drop_of(2)->reason, DropReason::kLied);
  EXPECT_EQ(net.drop_of(2)->why, "a body that its header does not name");
  EXPECT_EQ(net.drop_of(1), nullptr);
}

TEST(LedgerSync, EachLieIsSeenNamedAndCostsNobodyElse) {
  const std::map<Lie, std::string> reasons{
      {Lie::kHeaderChanged, "headers that do not follow each other"},
      {Lie::kHeaderLeftOut, "a header of another height"},
      {Lie::kHeaderProofMissing, ""},
      {Lie::kBodyOfOther, "a block of another header"},
      {Lie::kTxLeftOut, "a body that its header does not name"},
      {Lie::kStateValue, "a range of the state that its root does not prove"},
      {Lie::kStateLeftOut, "a range of the state that its root does not prove"},
      {Lie::kStateProofMissing, "a range of the state that its root does not prove"},
      {Lie::kStateCovered, "a range of the state that its root does not prove"},
  };
  SmallNet& chain = short_chain();
  const Header anchor = chain.ledger().head()->header;
  for (const auto& [lie, why] : reasons) {
    SyncedDisk disk{.headers = {}, .ledger = {}, .state = {}, .progress = everything_of(chain)};
    disk.progress.state->missing = two_halves();
    SyncNet net;
    LedgerSource honest(chain.ledger());
    LyingSource liar(chain.ledger(), lie);
    net.add_server(2, liar);  // alone at first, so that it is asked for everything it lies about
    {
      Process process(net, anchor, disk);
      net.until([&] { return net.drop_of(2) != nullptr; }, 5'000);
      ASSERT_NE(net.drop_of(2), nullptr) << static_cast<int>(lie);
      EXPECT_EQ(net.drop_of(2)->reason, DropReason::kLied);
      if (!why.empty()) {
        EXPECT_EQ(net.drop_of(2)->why, why);
      }
      net.add_server(1, honest);
      ASSERT_TRUE(net.finish(60'000)) << static_cast<int>(lie);
    }
    expect_same(chain, disk);
    EXPECT_EQ(net.drop_of(1), nullptr);
  }
}

// A chain of the same genesis that is not the trusted one: each header, body and state of it is sound in itself.
TEST(LedgerSync, AnotherChainIsNotTaken) {
  SmallNet& chain = short_chain();
  SmallNet other;
  grow(other, 40, 7);
  ASSERT_NE(other.ledger().head()->id, chain.ledger().head()->id);
  // Answers for its own head whatever anchor is asked for.
  struct Impostor final : LedgerSource {
    explicit Impostor(LedgerImpl& ledger) : LedgerSource(ledger), own(ledger.head()->id.as<Hash>()) {}
    Result<HeadersAnswer> headers(const Id&, std::uint64_t first, std::size_t count, std::size_t bytes) override {
      return LedgerSource::headers(own, first, count, bytes);
    }
    Id own;
  } impostor(other.ledger());
  LedgerSource honest(chain.ledger());
  SyncedDisk disk{.headers = {}, .ledger = {}, .state = {}, .progress = everything_of(chain)};
  SyncNet net;
  net.add_server(2, impostor);
  {
    Process process(net, chain.ledger().head()->header, disk);
    net.until([&] { return net.drop_of(2) != nullptr; }, 5'000);
    ASSERT_NE(net.drop_of(2), nullptr);
    EXPECT_EQ(net.drop_of(2)->why, "headers of another chain");
    EXPECT_TRUE(disk.headers.empty());
    net.add_server(1, honest);
    ASSERT_TRUE(net.finish(60'000));
  }
  expect_same(chain, disk);
}

// The process ends after every number of milliseconds that a whole run takes, and goes on from its disk.
TEST(LedgerSync, GoesOnAfterAnEndAtAnyStep) {
  SmallNet& chain = short_chain();
  const Header anchor = chain.ledger().head()->header;
  std::size_t whole_ms = 1'000;
  std::size_t resumed = 0;
  for (std::size_t end_at = 0; end_at <= whole_ms; ++end_at) {
    SyncedDisk disk{.headers = {}, .ledger = {}, .state = {}, .progress = everything_of(chain)};
    SyncNet net;
    LedgerSource honest(chain.ledger());
    for (std::uint64_t n = 1; n <= 3; ++n) net.add_server(n, honest, 200 + 200 * n);
    {
      Process process(net, anchor, disk);
      const std::size_t took = net.until([&] { return net.client->client().done(); }, end_at);
      if (took < end_at) whole_ms = std::min(whole_ms, took);
    }
    const Progress between = disk.progress;
    disk.progress = decode<Progress>(encode(between)).value();  // as it is kept
    const bool is_begun = between != everything_of(chain);
    resumed += is_begun && between.blocks.next < between.blocks.end ? 1 : 0;
    {
      Process process(net, anchor, disk);
      ASSERT_TRUE(net.finish(60'000)) << "after an end at " << end_at << " ms";
    }
    expect_same(chain, disk);
    EXPECT_TRUE(net.dropped.empty());
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(resumed, 0U) << "some run ends in the middle";
}

TEST(LedgerSync, HeadersAndBlocksAreFoundByTheirIds) {
  SmallNet& chain = short_chain();
  SyncedDisk disk;
  SyncNet net;
  LedgerSource honest(chain.ledger());
  net.add_server(1, honest);
  net.add_server(2, honest);
  Process process(net, chain.ledger().head()->header, disk);
  SyncClient& client = net.client->client();
  std::vector<Id> wanted;
  for (std::uint64_t height = 1; height <= 40; height += 3) {
    wanted.push_back(block_id(chain.ledger().blocks().header(Height(height)).value()).as<Hash>());
    ASSERT_TRUE(client.want_header(wanted.back(), net.network.now()));
    ASSERT_TRUE(client.want_block(wanted.back(), net.network.now()));
  }
  Id nobodys;
  nobodys.data.fill(9);
  ASSERT_TRUE(client.want_block(nobodys, net.network.now()));
  ASSERT_TRUE(net.finish(10'000));
  std::ranges::sort(wanted);
  std::ranges::sort(process.sink->headers_by_id);
  std::ranges::sort(process.sink->blocks_by_id);
  EXPECT_EQ(process.sink->headers_by_id, wanted);
  EXPECT_EQ(process.sink->blocks_by_id, wanted);
  EXPECT_EQ(client.unknown(), std::vector<Id>{nobodys});
}

}  // namespace
}  // namespace micro::p2p::sync
