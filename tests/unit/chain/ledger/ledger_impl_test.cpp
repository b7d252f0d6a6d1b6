#include "chain/ledger/ledger_impl.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chain/economy/lot.hpp"
#include "chain/records/records.hpp"
#include "tests/gen/chain/small_net.hpp"

namespace micro {
namespace {

using test::SmallNet;

Amount balance(SmallNet& net, std::uint8_t n) {
  return net.ledger().read([&](const StateView& view, const Header&) {
    const auto account = read_record<Account>(view, path::account(test::address_of_key(n))).value();
    Amount sum;
    if (account) {
      for (const Lot& lot : account->purse.lots) sum.micro += lot.amount.micro;
    }
    return sum;
  });
}

BlockId head_id(SmallNet& net) {
  return net.ledger().head().value().id;
}

TEST(Ledger, StartsFromItsGenesis) {
  SmallNet net;
  ASSERT_TRUE(net.opened()) << net.opened().error().message;
  const ChainHead head = net.ledger().head().value();
  EXPECT_EQ(head.header.height, Height(0));
  EXPECT_EQ(head.header.time, test::kGenesisTime);
  EXPECT_EQ(head.last_of_previous, head.id);
  EXPECT_EQ(head.chain, chain_id(net.genesis()));
  EXPECT_FALSE(head.certificate);
  EXPECT_EQ(net.ledger().validators(Epoch(0)).value(), net.genesis().validators);
  EXPECT_EQ(net.ledger().validators(Epoch(1)).value(), net.genesis().validators) << "nobody could join before";
  EXPECT_EQ(net.ledger().validators(Epoch(2)).error().fault, Fault::kNotFound);
}

TEST(Ledger, KnowsTheCommitteesOfAllEpochsUpToTheNext) {
  Genesis genesis = test::small_genesis();
  genesis.params.min_committee = 2;
  for (std::uint8_t n = 2; n <= 3; ++n) {  // unequal weights of the genesis are capped step by step
    genesis.validators.members.push_back({test::validator_key(n).public_key(), 10});
  }
  std::ranges::sort(genesis.validators.members, {}, &Validator::key);
  SmallNet net(genesis);
  std::vector<Hash> named{validator_set_hash(genesis.validators)};
  for (int i = 0; i < 6; ++i) named.push_back(net.seal(1'000).value().header.next_validators);
  EXPECT_NE(named[2], named[0]);
  for (std::uint32_t e = 0; e < named.size(); ++e) {
    const auto set = net.ledger().validators(Epoch(e));
    ASSERT_TRUE(set.has_value()) << e << ": " << set.error().message;
    EXPECT_EQ(validator_set_hash(*set), named[e]) << e;
  }
  EXPECT_TRUE(net.ledger().validators(Epoch(7)).has_value()) << "fixed an epoch ahead";
  EXPECT_EQ(net.ledger().validators(Epoch(8)).error().fault, Fault::kNotFound);
}

TEST(Ledger, FinalizesATransfer) {
  SmallNet net;
  const SignedTx tx = net.transfer(1, 0, 2, 500);
  const Submission sent = net.ledger().submit(tx);
  ASSERT_TRUE(sent.waits());
  EXPECT_TRUE(net.ledger().txs_wait());
  EXPECT_EQ(net.ledger().pending_nonce(tx.body.sender), Nonce(1));
  const Block block = net.seal().value();
  ASSERT_EQ(block.txs.size(), 1U);
  EXPECT_FALSE(net.ledger().txs_wait());
  const StoredTx stored = net.ledger().blocks().tx(sent.id).value();
  EXPECT_EQ(stored.receipt.status, TxStatus::kOk);
  EXPECT_EQ(stored.height, Height(1));
  EXPECT_EQ(balance(net, 2).micro, 1'000'000 * kMicroPerToken + 500);
  EXPECT_EQ(balance(net, 1).micro, 1'000'000 * kMicroPerToken - 500 - stored.receipt.fee.micro);
}

TEST(Ledger, RefusesWhatCannotBeIncluded) {
  SmallNet net;
  SignedTx forged = net.transfer(1, 0, 2, 500);
  forged.signature.data[3] ^= 1;
  EXPECT_EQ(net.ledger().submit(forged).status, TxStatus::kBadSignature);
  SignedTx other_key = net.transfer(1, 0, 2, 500);
  other_key.key = test::key_of(2).public_key();
  EXPECT_EQ(net.ledger().submit(other_key).status, TxStatus::kBadSignature);
  EXPECT_EQ(net.ledger().submit(net.transfer(1, 1, 2, 500)).status, TxStatus::kNonceGap);
  EXPECT_EQ(net.ledger().submit(net.transfer(99, 0, 2, 1)).status, TxStatus::kCannotPayFee);
  EXPECT_FALSE(net.ledger().txs_wait());
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 500)).waits());
  EXPECT_EQ(net.ledger().submit(net.transfer(1, 0, 2, 500)).verdict, PoolVerdict::kKnown);
  EXPECT_EQ(net.ledger().submit(net.transfer(1, 0, 2, 501)).verdict, PoolVerdict::kUnderpriced);
  ASSERT_TRUE(net.seal());
  EXPECT_EQ(net.ledger().submit(net.transfer(1, 0, 2, 500)).status, TxStatus::kNonceUsed);
}

TEST(Ledger, WhatWaitsOfASenderIsWhatItCanPay) {
  SmallNet net;
  const ChainParams& params = net.genesis().params;
  const SignedTx one = net.transfer(60, 0, 2, 1);
  const Amount fee = tx_fee(params, tx_size(one));
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 60, 3 * fee.micro)).waits());
  ASSERT_TRUE(net.seal());
  for (std::uint64_t nonce = 0; nonce < 3; ++nonce) {
    EXPECT_TRUE(net.ledger().submit(net.transfer(60, nonce, 2, 1)).waits()) << nonce;
  }
  const Submission fourth = net.ledger().submit(net.transfer(60, 3, 2, 1));
  EXPECT_EQ(fourth.status, TxStatus::kCannotPayFee);
  EXPECT_FALSE(fourth.waits());
  EXPECT_EQ(net.ledger().waiting(), 3U);
  SignedTx better = net.transfer(60, 2, 2, 1);
  better.body.max_fee = Amount(20'000);
  better = sign_tx(better.body, test::key_of(60));
  EXPECT_EQ(net.ledger().submit(better).verdict, PoolVerdict::kReplaced) << "its fee counts once";
  EXPECT_EQ(net.ledger().submit(net.transfer(60, 3, 2, 1)).status, TxStatus::kCannotPayFee);
  // Somebody tops it up, and what waited is in a block: it may go on.
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 1, 60, 2 * fee.micro)).waits());
  ASSERT_TRUE(net.seal());
  EXPECT_FALSE(net.ledger().txs_wait());
  const Nonce next = net.ledger().pending_nonce(test::address_of_key(60));
  EXPECT_TRUE(net.ledger().submit(net.transfer(60, next.value, 2, 1)).waits());
}

TEST(Ledger, ABatchIsVerifiedTogetherAndQueuedInOrder) {
  SmallNet net(test::small_genesis(), {}, 3);
  std::vector<SignedTx> txs;
  for (std::uint64_t nonce = 0; nonce < 150; ++nonce) txs.push_back(net.transfer(1, nonce, 2, 5));
  txs[120].signature.data[0] ^= 1;
  const auto sent = net.ledger().submit_batch(txs);
  for (std::size_t i = 0; i < 120; ++i) EXPECT_TRUE(sent[i].waits());
  EXPECT_EQ(sent[120].status, TxStatus::kBadSignature);
  EXPECT_EQ(sent[121].status, TxStatus::kNonceGap);
  EXPECT_EQ(net.seal().value().txs.size(), 120U);
}

TEST(Ledger, WhatCannotWaitIsNotVerified) {
  SmallNet net;
  LedgerImpl& ledger = net.ledger();
  const auto send = [&](std::vector<std::uint64_t> nonces) {
    std::vector<SignedTx> txs;
    for (const std::uint64_t nonce : nonces) txs.push_back(net.transfer(1, nonce, 2, 5));
    return ledger.submit_batch(txs);
  };
  EXPECT_EQ(send({1}).front().verdict, PoolVerdict::kNonceGap);
  EXPECT_EQ(ledger.verifications(), 0U);
  for (const Submission& sent : send({0, 1})) EXPECT_TRUE(sent.waits()) << "one follows the other in a batch";
  EXPECT_EQ(ledger.verifications(), 2U);
  for (const Submission& sent : send({0, 1})) EXPECT_EQ(sent.verdict, PoolVerdict::kKnown);
  EXPECT_EQ(ledger.verifications(), 2U);
  SignedTx forged = net.transfer(1, 1, 2, 5);
  forged.signature.data[40] ^= 1;
  EXPECT_EQ(ledger.submit(forged).status, TxStatus::kBadSignature) << "its bytes are not those that wait";
  EXPECT_EQ(ledger.verifications(), 3U);
  const auto sent = send({3, 2, 3, 5});
  EXPECT_EQ(sent[0].status, TxStatus::kNonceGap);
  EXPECT_TRUE(sent[1].waits());
  EXPECT_TRUE(sent[2].waits());
  EXPECT_EQ(sent[3].status, TxStatus::kNonceGap);
  EXPECT_EQ(ledger.verifications(), 5U);
  ASSERT_TRUE(net.seal());
  EXPECT_TRUE(send({4}).front().waits()) << "behind what is final";
  EXPECT_EQ(ledger.verifications(), 6U);
}

TEST(Ledger, AnotherNodeExecutesTheSameBlocks) {
  SmallNet one;
  SmallNet two(test::small_genesis(), {}, 2);
  for (std::uint64_t height = 0; height < 5; ++height) {
    for (std::uint8_t n = 1; n <= 4; ++n) ASSERT_TRUE(one.ledger().submit(one.transfer(n, height, 5, 7)).waits());
    const Block block = one.seal(600).value();
    ASSERT_TRUE(two.ledger().execute(block));
    ASSERT_TRUE(two.ledger().execute(block));
    const BlockId id = block_id(block.header);
    ASSERT_TRUE(two.ledger().finalize(id, SmallNet::certificate_of(id, height + 1)));
    EXPECT_EQ(head_id(one), head_id(two));
  }
  EXPECT_GT(two.ledger().head().value().epoch, Epoch(0));
}

TEST(Ledger, RefusesBlocksWithAnyOtherField) {
  SmallNet one;
  SmallNet two;
  ASSERT_TRUE(one.ledger().submit(one.transfer(1, 0, 2, 5)).waits());
  const Block good = one.seal().value();
  const auto refused = [&](auto change, Fault fault) {
    Block bad = good;
    change(bad);
    const Status status = two.ledger().execute(bad);
    EXPECT_FALSE(status.has_value());
    if (!status) {
      EXPECT_EQ(status.error().fault, fault) << status.error().message;
    }
  };
  refused([](Block& b) { b.header.version = 2; }, Fault::kMismatch);
  refused([](Block& b) { b.header.height = Height(2); }, Fault::kMismatch);
  refused([](Block& b) { b.header.epoch = Epoch(1); }, Fault::kMismatch);
  refused([](Block& b) { b.header.boundary = true; }, Fault::kMismatch);
  refused([](Block& b) { b.header.parent.data[0] ^= 1; }, Fault::kNotFound);
  refused([](Block& b) { b.header.time = test::kGenesisTime; }, Fault::kInvalid);
  refused([](Block& b) { b.header.txs_root.data[0] ^= 1; }, Fault::kMismatch);
  refused([](Block& b) { b.header.receipts_root.data[0] ^= 1; }, Fault::kMismatch);
  refused([](Block& b) { b.header.events_root.data[0] ^= 1; }, Fault::kMismatch);
  refused([](Block& b) { b.header.state_root.data[0] ^= 1; }, Fault::kMismatch);
  refused([](Block& b) { b.header.headers_root.data[0] ^= 1; }, Fault::kMismatch);
  refused([](Block& b) { b.header.next_validators.data[0] ^= 1; }, Fault::kMismatch);
  refused([](Block& b) { b.txs.clear(); }, Fault::kMismatch);
  refused([](Block& b) { b.txs[0].signature.data[9] ^= 1; }, Fault::kInvalid);
  EXPECT_TRUE(two.ledger().execute(good));
}

TEST(Ledger, UnfinalizedBlocksBuildOnEachOtherAndBranchesAreForgotten) {
  SmallNet one;
  SmallNet two;
  ASSERT_TRUE(one.ledger().submit(one.transfer(1, 0, 2, 5)).waits());
  const Block first = one.seal().value();
  ASSERT_TRUE(one.ledger().submit(one.transfer(1, 1, 2, 5)).waits());
  const Block second = one.seal().value();
  ASSERT_TRUE(two.ledger().submit(two.transfer(3, 0, 2, 5)).waits());
  const Block branch = two.ledger().propose(head_id(two), TimeMs(test::kGenesisTime.value + 9), {}).value();
  ASSERT_TRUE(two.ledger().execute(first));
  ASSERT_TRUE(two.ledger().execute(second));
  const BlockId last = block_id(second.header);
  ASSERT_TRUE(two.ledger().finalize(last, SmallNet::certificate_of(last, 2)));
  EXPECT_EQ(head_id(two), last);
  EXPECT_EQ(two.ledger().blocks().certificate(Height(1)).error().fault, Fault::kNotFound);
  EXPECT_TRUE(two.ledger().blocks().certificate(Height(2)).has_value());
  const BlockId other = block_id(branch.header);
  EXPECT_EQ(two.ledger().finalize(other, SmallNet::certificate_of(other, 3)).error().fault, Fault::kNotFound);
  EXPECT_TRUE(two.ledger().txs_wait());  // what the lost branch held still waits
  EXPECT_EQ(two.seal().value().txs.size(), 1U);
}

// Whoever makes up many blocks makes it forget some; what it says is executed can be built on all the same.
TEST(Ledger, WhatItForgetsOfAChainItForgetsFromThereUpwards) {
  SmallNet net;
  std::uint64_t time = test::kGenesisTime.value;
  const auto propose = [&](const BlockId& on) { return net.ledger().propose(on, TimeMs(++time), {}); };
  std::vector<Block> chain;
  for (int n = 0; n < 3; ++n) {
    chain.push_back(propose(chain.empty() ? head_id(net) : block_id(chain.back().header)).value());
  }
  const auto can_be_built_on = [&](const Block& block) { return propose(block_id(block.header)).has_value(); };
  for (std::size_t n = 0; n < kMaxUnfinalizedBlocks - 3; ++n) ASSERT_TRUE(propose(head_id(net)));
  const Block above = propose(block_id(chain[2].header)).value();  // none of its own chain went for it
  EXPECT_TRUE(can_be_built_on(above));
  for (std::size_t n = 0; n < kMaxUnfinalizedBlocks; ++n) ASSERT_TRUE(propose(head_id(net)));
  EXPECT_FALSE(can_be_built_on(chain[0]));
  for (const std::size_t n : {2U, 1U}) EXPECT_EQ(net.ledger().execute(chain[n]).error().fault, Fault::kNotFound);
  for (const Block& block : chain) {
    ASSERT_TRUE(net.ledger().execute(block));
    EXPECT_TRUE(can_be_built_on(block));
  }
}

TEST(Ledger, AProposalTakesNothingThatAnUnfinalizedAncestorHolds) {
  SmallNet net;
  for (std::uint64_t n = 0; n < 3; ++n) ASSERT_TRUE(net.ledger().submit(net.transfer(1, n, 2, 5)).waits());
  ASSERT_TRUE(net.ledger().submit(net.transfer(2, 0, 3, 5)).waits());
  const ProposeLimits two{.max_txs = 2};
  const Block first = net.ledger().propose(head_id(net), TimeMs(test::kGenesisTime.value + 1), two).value();
  const Block second = net.ledger().propose(block_id(first.header), TimeMs(test::kGenesisTime.value + 2), two).value();
  const Block third = net.ledger().propose(block_id(second.header), TimeMs(test::kGenesisTime.value + 3), two).value();
  EXPECT_EQ(first.txs.size(), 2U);
  EXPECT_EQ(second.txs.size(), 2U);
  EXPECT_TRUE(third.txs.empty());
  const BlockId last = block_id(third.header);
  ASSERT_TRUE(net.ledger().finalize(last, SmallNet::certificate_of(last, 3)));
  EXPECT_FALSE(net.ledger().txs_wait());
}

TEST(Ledger, AProposalLeavesOutWhatItIsToldToAndLosesNothing) {
  SmallNet net;
  std::map<int, std::vector<TxId>> ids;  // of each sender, in order
  for (const int from : {1, 2}) {
    for (const std::uint64_t nonce : {std::uint64_t{0}, std::uint64_t{1}}) {
      const SignedTx tx = net.transfer(static_cast<std::uint8_t>(from), nonce, 3, 10);
      ASSERT_TRUE(net.ledger().submit(tx).waits());
      ids[from].push_back(tx_id(tx.body));
    }
  }
  std::uint64_t ms = test::kGenesisTime.value;
  const auto proposed = [&](std::vector<TxId> without, std::vector<TxId> only) {
    ProposeLimits limits;
    limits.without = std::move(without);
    limits.only = std::move(only);
    std::set<TxId> out;
    const Block block = net.ledger().propose(head_id(net), TimeMs(++ms), limits).value();
    for (const SignedTx& tx : block.txs) out.insert(tx_id(tx.body));
    return out;
  };
  const std::set<TxId> all{ids[1][0], ids[1][1], ids[2][0], ids[2][1]};
  EXPECT_EQ(proposed({ids[1][0]}, {}), (std::set<TxId>{ids[2][0], ids[2][1]})) << "nor what follows it";
  EXPECT_EQ(proposed({ids[1][1]}, {}), (std::set<TxId>{ids[1][0], ids[2][0], ids[2][1]}));
  EXPECT_EQ(proposed({}, {ids[2][0]}), std::set<TxId>{ids[2][0]});
  EXPECT_EQ(proposed({ids[1][0]}, {TxId()}), (std::set<TxId>{ids[2][0], ids[2][1]})) << "it waits no more: the others";
  EXPECT_EQ(proposed({}, {ids[2][1]}), all) << "one whose turn it is not cannot be had alone";
  EXPECT_EQ(proposed({}, {}), all) << "everything waits still";
}

TEST(Ledger, TheBoundaryBlockEndsTheEpoch) {
  SmallNet net;
  const Block block = net.seal(1'000).value();
  EXPECT_TRUE(block.header.boundary);
  EXPECT_EQ(block.header.epoch, Epoch(0));
  EXPECT_EQ(block.header.next_validators, validator_set_hash(net.genesis().validators));
  const ChainHead head = net.ledger().head().value();
  EXPECT_EQ(head.epoch, Epoch(1));
  EXPECT_EQ(head.epoch_started, block.header.time);
  EXPECT_EQ(head.last_of_previous, head.id);
  EXPECT_EQ(net.ledger().blocks().boundary_of(Epoch(0)).value(), Height(1));
  const auto proven = net.ledger().prove_event({Height(1), kBoundaryTx, 0}).value();
  EXPECT_TRUE(
      merkle_verify(proven.header.events_root, tagged_hash(domain::kEventsRoot, encode(proven.event)), proven.proof));
}

TEST(Ledger, TellsListenersInOrder) {
  SmallNet net;
  std::vector<std::string> heard;
  net.ledger().on_waiting([&] { heard.push_back("waiting"); });
  net.ledger().on_finalized([&](const FinalizedBlock& block) {
    heard.push_back("block " + block.block.header.height.text() + " of " + head_id(net).brief());
  });
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
  ASSERT_TRUE(net.seal());
  EXPECT_THAT(heard, testing::ElementsAre("waiting", "block 1 of " + head_id(net).brief()));
}

TEST(Ledger, IsFinalWhenTheBlockIsDurableWhateverBecomesOfTheState) {
  SmallNet net;
  std::size_t heard = 0;
  net.ledger().on_finalized([&](const FinalizedBlock& block) { heard += block.block.txs.size(); });
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
  net.state_db().break_writes();
  EXPECT_EQ(net.seal().error().fault, Fault::kIo);
  EXPECT_EQ(heard, 1U);
  SmallNet again(net.genesis(), net.disks());
  ASSERT_TRUE(again.opened()) << again.opened().error().message;
  EXPECT_EQ(head_id(again), head_id(net));
  EXPECT_EQ(again.ledger().pending_nonce(test::address_of_key(1)), Nonce(1));
}

TEST(Ledger, AFailedDiskStopsEverything) {
  SmallNet net;
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
  net.state_db().break_writes();
  EXPECT_EQ(net.seal().error().fault, Fault::kIo);
  EXPECT_EQ(net.seal().error().fault, Fault::kIo);
}

// --- restarts ---

TEST(Ledger, ReopensWhereItWas) {
  SmallNet net;
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
  ASSERT_TRUE(net.seal(1'500));
  SmallNet again(net.genesis(), net.disks());
  ASSERT_TRUE(again.opened()) << again.opened().error().message;
  EXPECT_EQ(head_id(again), head_id(net));
  EXPECT_EQ(again.ledger().head().value().certificate, net.ledger().head().value().certificate);
}

TEST(Ledger, AnotherGenesisIsRefused) {
  SmallNet net;
  SmallNet other(test::small_genesis(3), net.disks());
  ASSERT_FALSE(other.opened());
  EXPECT_EQ(other.opened().error().fault, Fault::kMismatch);
}

TEST(Ledger, ContradictingDisksAreReported) {
  SmallNet net;
  const auto before = net.disks();
  ASSERT_TRUE(net.ledger().submit(net.transfer(1, 0, 2, 5)).waits());
  ASSERT_TRUE(net.seal());
  const auto after = net.disks();
  SmallNet ahead(net.genesis(), {before.ledger, after.state});
  EXPECT_EQ(ahead.opened().error().fault, Fault::kCorrupt);

  auto damaged = after;
  for (auto& [key, value] : damaged.state) {
    if (key.front() == 'v') {
      value.back() ^= 1;
      break;
    }
  }
  SmallNet rotten(net.genesis(), damaged);
  ASSERT_FALSE(rotten.opened());
  EXPECT_EQ(rotten.opened().error().fault, Fault::kCorrupt);
  EXPECT_FALSE(rotten.opened().error().hint.empty());
}

// The tip's record is what the next header is made from: one that was damaged or swapped would make blocks that no
// other node accepts.
TEST(Ledger, ATipThatDoesNotFitTheLastBlockIsReported) {
  SmallNet net;
  ASSERT_TRUE(net.seal(1'000));
  ASSERT_TRUE(net.seal(1'000));
  const auto good = net.disks();
  const Bytes key = to_bytes(std::string_view("Ztip"));
  ASSERT_TRUE(good.ledger.contains(key));
  const auto with = [&](auto change) {
    auto disks = good;
    Tip tip = decode<Tip>(disks.ledger.at(key)).value();
    change(tip);
    disks.ledger[key] = encode(tip);
    return SmallNet(net.genesis(), disks).opened().has_value();
  };
  EXPECT_TRUE(with([](Tip&) {}));
  EXPECT_FALSE(with([](Tip& tip) { tip.id.data[0] ^= 1; }));
  EXPECT_FALSE(with([](Tip& tip) { tip.ids_below.peaks[0].data[5] ^= 1; }));
  EXPECT_FALSE(with([](Tip& tip) { tip.ids_below.count += 1; }));
}

// Values and root that agree with each other, but tokens that nobody minted: the sum at every start finds them.
TEST(Ledger, AStateWhoseTokensDoNotAddUpIsReported) {
  SmallNet net;
  auto disks = net.disks();
  MerkleTree tree;
  std::vector<StateEntry> entries;
  for (auto& [key, value] : disks.state) {
    if (key.front() != 'v') continue;
    const StatePath path = StatePath::from(ByteView(key).subspan(1)).value();
    if (path == path::account(test::address_of_key(1))) {
      Account account = decode<Account>(value).value();
      account.purse.lots[0].amount.micro += 1;
      value = encode(account);
    }
    entries.push_back({path, value});
  }
  tree.load(std::move(entries));
  const Bytes meta_key = to_bytes(std::string_view("meta"));
  StateMeta meta = decode<StateMeta>(disks.state.at(meta_key)).value();
  // The header of block 0 names the state's root, so it has to lie as well.
  const Bytes header_key{'H', 0, 0, 0, 0, 0, 0, 0, 0};
  Header header = decode<Header>(disks.ledger.at(header_key)).value();
  header.state_root = meta.root = tree.root();
  meta.block = block_id(header);
  disks.ledger[header_key] = encode(header);
  disks.state[meta_key] = encode(meta);
  const SmallNet forged(net.genesis(), disks);
  ASSERT_FALSE(forged.opened().has_value());
  EXPECT_EQ(forged.opened().error().fault, Fault::kCorrupt);
  EXPECT_NE(forged.opened().error().message.find("supply"), std::string::npos) << forged.opened().error().message;
}

// A full mempool: what the node reserves a place for gets in all the same, and first into a block, however small.
TEST(Ledger, WhatIsReservedPassesAFullMempoolAndComesFirst) {
  test::NoPolicy policy;
  LedgerOptions options;
  options.threads = 1;
  options.mempool.max_entries = 3;
  const SmallNet maker;  // only signs
  const auto ledger =
      LedgerImpl::open(maker.genesis(), std::make_unique<MemoryKv>(), std::make_unique<MemoryKv>(), policy, options)
          .value();
  for (std::uint8_t n = 1; n <= 3; ++n) ASSERT_TRUE(ledger->submit(maker.transfer(n, 0, 8, 5)).waits());
  EXPECT_EQ(ledger->submit(maker.transfer(4, 0, 8, 5)).verdict, PoolVerdict::kFull);
  const SignedTx own = maker.transfer(5, 0, 8, 5);
  ASSERT_TRUE(ledger->submit_reserved(own).waits());
  const ChainHead head = ledger->head().value();
  const Block block =
      ledger->propose(head.id, TimeMs(head.header.time.value + 1), {.max_bytes = 1u << 20, .max_txs = 1}).value();
  ASSERT_EQ(block.txs.size(), 1U);
  EXPECT_EQ(tx_id(block.txs[0].body), tx_id(own.body));
}

}  // namespace
}  // namespace micro
