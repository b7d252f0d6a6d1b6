// Replicas with their threads and journals on disk, over real ledgers in memory, that talk to each other directly.
#include "consensus/core/certificate.hpp"
#include "tests/gen/replica_net.hpp"

namespace micro::simplex {
namespace {

TEST(Replica, OneAloneMakesTransfersAndBoundariesFinal) {
  Network network(1, 50);
  network.boot_all();
  Member& node = *network.nodes[0];
  for (std::uint64_t n = 0; n < 5; ++n) {
    network.submit(n);
    ASSERT_TRUE(network.wait_nonce(node, n + 1));
  }
  ASSERT_TRUE(network.wait(node, [](const ChainHead& head) { return head.epoch >= Epoch(3); }));
  // Nothing but what has a reason: five transfers, and the ends of epochs.
  std::size_t transfers = 0;
  const Height tip = node.net->ledger().head().value().header.height;
  for (Height h(1); h <= tip; h = h.next()) {
    const Block block = node.net->ledger().blocks().block(h).value();
    transfers += block.txs.size();
    EXPECT_TRUE(block.header.boundary || !block.txs.empty()) << h.value;
  }
  EXPECT_EQ(transfers, 5U);
}

TEST(Replica, ARestartGoesOnAndAnotherProcessIsRefused) {
  Network network(1, 60'000);
  network.boot_all();
  Member& node = *network.nodes[0];
  network.submit(0);
  ASSERT_TRUE(network.wait_nonce(node, 1));
  EXPECT_EQ(Journal::open(node.folder().string(), ChainId{}).error().fault, Fault::kBusy);
  test::Disks disks = network.kill(node);
  for (std::uint64_t life = 1; life < 4; ++life) {
    ASSERT_TRUE(node.boot(std::move(disks)));
    network.submit(life);
    ASSERT_TRUE(network.wait_nonce(node, life + 1));
    disks = network.kill(node);
  }
}

TEST(Replica, ALostJournalDoesNotStopANetworkOfOne) {
  Network network(1, 60'000);
  network.boot_all();
  Member& node = *network.nodes[0];
  network.submit(0);
  ASSERT_TRUE(network.wait_nonce(node, 1));
  test::Disks disks = network.kill(node);
  std::filesystem::remove_all(node.folder() / "0");
  ASSERT_TRUE(node.boot(std::move(disks)));
  network.submit(1);
  EXPECT_TRUE(network.wait_nonce(node, 2));
}

// What its former self signed in this epoch is as unknown to its second process as to its first.
TEST(Replica, AMemberThatLostItsJournalIsSilentUntilANewEpochHoweverOftenItStarts) {
  Network network(4, 60'000);
  network.boot_all();
  network.submit(0);
  Member& node = *network.nodes[0];
  ASSERT_TRUE(network.wait_nonce(node, 1));
  test::Disks disks = network.kill(node);
  node.starts = false;
  ASSERT_TRUE(node.boot(std::move(disks)));
  EXPECT_TRUE(node.replica->votes()) << "it remembers";
  disks = network.kill(node);
  std::filesystem::remove_all(node.folder());
  std::filesystem::create_directory(node.folder());
  for (int life = 0; life < 3; ++life) {
    ASSERT_TRUE(node.boot(std::move(disks)));
    EXPECT_FALSE(node.replica->votes()) << "in life " << life;
    disks = network.kill(node);
  }
}

// A copy of the journal from long ago says nothing about this epoch.
TEST(Replica, AMemberWithAnOldJournalIsSilentToo) {
  Network network(4, 100);
  network.boot_all();
  Member& node = *network.nodes[0];
  ASSERT_TRUE(network.wait(node, [](const ChainHead& head) { return head.epoch >= Epoch(2); }));
  test::Disks disks = network.kill(node);
  node.starts = false;
  for (const auto& entry : std::filesystem::directory_iterator(node.folder())) std::filesystem::remove_all(entry);
  std::filesystem::create_directory(node.folder() / "0");
  ASSERT_TRUE(node.boot(std::move(disks)));
  EXPECT_FALSE(node.replica->votes());
}

TEST(Replica, ALedgerBehindItsJournalIsMadeAgainFromIt) {
  Network network(1, 60'000);
  network.boot_all();
  Member& node = *network.nodes[0];
  for (std::uint64_t n = 0; n < 3; ++n) {
    network.submit(n);
    ASSERT_TRUE(network.wait_nonce(node, n + 1));
  }
  const BlockId tip = node.net->ledger().head().value().id;
  network.kill(node);
  ASSERT_TRUE(node.boot({}));
  EXPECT_TRUE(network.wait(node, [&](const ChainHead& head) { return head.id == tip; }));
}

TEST(Replica, ALedgerWithoutBlocksThatItsJournalHoldsNoMoreIsRefused) {
  Network network(1, 60'000);
  network.journal_rewrite_bytes = 1;
  network.boot_all();
  Member& node = *network.nodes[0];
  for (std::uint64_t n = 0; n < 3; ++n) {
    network.submit(n);
    ASSERT_TRUE(network.wait_nonce(node, n + 1));
  }
  network.kill(node);
  const Status booted = node.boot({});
  ASSERT_FALSE(booted);
  EXPECT_EQ(booted.error().fault, Fault::kCorrupt);
}

TEST(Replica, ALedgerOfAnEarlierEpochThanItsJournalIsRefused) {
  Network network(1, 100);
  network.boot_all();
  Member& node = *network.nodes[0];
  ASSERT_TRUE(network.wait(node, [](const ChainHead& head) { return head.epoch >= Epoch(4); }));
  network.kill(node);
  const Status booted = node.boot({});  // the ledger of the beginning, whose epoch is long over
  ASSERT_FALSE(booted);
  EXPECT_EQ(booted.error().fault, Fault::kCorrupt);
}

TEST(Replica, FourAgreeOverEpochs) {
  Network network(4, 300);
  network.boot_all();
  for (std::uint64_t n = 0; n < 12; ++n) network.submit(n);
  for (auto& node : network.nodes) {
    ASSERT_TRUE(network.wait_nonce(*node, 12)) << network.failed().value_or("");
    ASSERT_TRUE(network.wait(*node, [](const ChainHead& head) { return head.epoch >= Epoch(2); }));
  }
  for (Height h(1); h.value <= 3; h = h.next()) {
    const BlockId first = block_id(network.nodes[0]->net->ledger().blocks().header(h).value());
    for (auto& node : network.nodes) EXPECT_EQ(block_id(node->net->ledger().blocks().header(h).value()), first);
  }
}

// The others of four are a quorum. Their block is refused here before anybody knows whether it becomes final.
TEST(Replica, ABlockThatExecutesDifferentlyIsToldOfAndStopsTheNodeWhereItIsFinal) {
  Network network(4, 60'000);
  Member& node = *network.nodes[0];
  node.judge = [](const Block& block) { return block.txs.empty() ? Status{} : fail(Fault::kMismatch, "other roots"); };
  network.boot_all();
  for (std::uint64_t n = 0; n < 8 && !network.failed(); ++n) {
    network.submit(n);
    static_cast<void>(network.wait_nonce(*network.nodes[1], n + 1));
  }
  EXPECT_FALSE(network.wait_until([] { return false; })) << "it stops";
  EXPECT_NE(network.failed().value_or("").find("a final block does not execute here: other roots"), std::string::npos);
  EXPECT_EQ(node.proof(), 1U);
  const auto refused = node.refusals();
  ASSERT_FALSE(refused.empty());
  std::map<BlockId, std::size_t> times;
  for (const auto& [block, why] : refused) {
    EXPECT_EQ(why, "other roots");
    ++times[block];
  }
  const BlockId& last = refused.back().first;
  for (const auto& [block, n] : times) EXPECT_LE(n, block == last ? 2U : 1U) << "once more only where it is final";
}

TEST(Replica, WhatFinalBlocksRestOnIsKeptAcrossARestart) {
  Network network(4, 60'000);
  network.boot_all();
  for (std::uint64_t n = 0; n < 3; ++n) {
    network.submit(n);
    for (auto& node : network.nodes) ASSERT_TRUE(network.wait_nonce(*node, n + 1)) << network.failed().value_or("");
  }
  Member& node = *network.nodes[0];
  test::Disks disks = network.kill(node);
  ASSERT_TRUE(node.boot(std::move(disks)));
  const ChainHead head = node.net->ledger().head().value();
  const ValidatorSet set = node.net->ledger().validators(Epoch(0)).value();
  const Hash epoch = epoch_id(head.chain, head.epoch, head.last_of_previous, validator_set_hash(set));
  const Certificate last = *head.certificate;
  std::map<View, Certificate> certified;  // of all together: a node that was late may have skipped some
  for (auto& each : network.nodes) {
    network.kill(*each);
    const auto log = JustificationLog::open(each->proofs().string(), head.chain).value();
    const auto kept = log->read(Epoch(0)).value();
    EXPECT_FALSE(kept.empty());
    for (const Certificate& c : kept) {
      EXPECT_TRUE(check_certificate_shape(c, set, epoch));
      if (c.statement.kind != StatementKind::kNullify) certified.emplace(c.statement.view, c);
    }
  }
  // From the last final block down to the epoch's beginning, without a gap.
  std::size_t steps = 0;
  for (View below = last.statement.parent_view; below.value != 0; ++steps) {
    ASSERT_TRUE(certified.contains(below)) << "view " << below.value;
    below = certified.at(below).statement.parent_view;
  }
  EXPECT_GE(steps + 1, 2U);
}

TEST(Replica, ThreeGoOnWithoutTheFourthWhichCatchesUp) {
  Network network(4, 400);
  network.boot_all();
  network.submit(0);
  for (auto& node : network.nodes) ASSERT_TRUE(network.wait_nonce(*node, 1));
  Member& late = *network.nodes[3];
  test::Disks disks = network.kill(late);
  network.submit(1);
  ASSERT_TRUE(network.wait_nonce(*network.nodes[0], 2));
  const Epoch before = network.nodes[0]->net->ledger().head().value().epoch;
  ASSERT_TRUE(network.wait(*network.nodes[0], [&](const ChainHead& head) { return head.epoch > before.next(); }));
  const Height there = network.nodes[0]->net->ledger().head().value().header.height;
  ASSERT_TRUE(late.boot(std::move(disks)));
  EXPECT_TRUE(network.wait(late, [&](const ChainHead& head) { return head.header.height >= there; }))
      << network.failed().value_or("");
}

/// What a member that lies says: a Notarize of this block.
Vote lie_of(const Network& network, std::uint8_t number, const Hash& epoch_id, std::uint64_t view, std::uint8_t block) {
  const auto& members = network.genesis.validators.members;
  const Ed25519Secret secret = validator_key(number);
  const auto at = std::ranges::find(members, secret.public_key(), &Validator::key);
  Vote out;
  out.statement.kind = StatementKind::kNotarize;
  out.statement.epoch_id = epoch_id;
  out.statement.view = View(view);
  out.statement.block.data[0] = block;
  out.signer = static_cast<std::uint16_t>(at - members.begin());
  out.signature = secret.sign(statement_hash(out.statement));
  return out;
}

TEST(Replica, TheNewestOfTooManyMessagesIsDropped) {
  Network network(4, 3'600'000);
  Member& node = *network.nodes[0];
  node.starts = false;
  ASSERT_TRUE(node.boot({}));
  const ChainHead head = node.net->ledger().head().value();
  const Hash id = epoch_id(head.chain, head.epoch, head.last_of_previous,
                           validator_set_hash(node.net->ledger().validators(head.epoch).value()));
  const auto say = [&](std::uint8_t number, MessageBody body) {
    node.replica->deliver(validator_key(number).public_key(), {kMessageVersion, head.epoch, std::move(body)});
  };
  const auto lies = [&](std::uint8_t number) {
    Votes out;
    for (const std::uint8_t block : {std::uint8_t{1}, std::uint8_t{2}})
      out.votes.push_back(lie_of(network, number, id, 1, block));
    return out;
  };
  const auto is_accused = [&](std::uint8_t number) {
    return std::ranges::any_of(node.evidence(),
                               [&](const Evidence& e) { return e.key == validator_key(number).public_key(); });
  };
  for (std::size_t n = 1; n < kMaxInboxMessages; ++n) say(4, Ask{AskKind::kStatus, View(0), {}, {}, {}});
  say(2, lies(2));
  say(3, lies(3));
  node.replica->start();
  ASSERT_TRUE(network.wait_until([&] { return is_accused(2); })) << "the last that found room";
  EXPECT_FALSE(is_accused(3));
  say(3, lies(3));
  EXPECT_TRUE(network.wait_until([&] { return is_accused(3); })) << "there is room again";
}

/// One of four whose peers are dead: nothing becomes final any more, so the epoch stays the one it is.
class LoneMember : public testing::Test {
 protected:
  void SetUp() override {
    network_.boot_all();
    ASSERT_TRUE(network_.wait(node(), [](const ChainHead& head) { return head.epoch >= Epoch(4); }));
    for (std::size_t i = 1; i < 4; ++i) network_.kill(*network_.nodes[i]);
    // What it had heard before becomes final in its next lives.
    for (const auto& [liar, ago] : {std::pair<std::uint8_t, std::uint32_t>{2, 0}, {3, 0}, {2, 1}, {2, 2}}) {
      const Epoch epoch(now().value - ago);
      say(epoch, {lie(liar, epoch, 1, 1), lie(liar, epoch, 1, 2)});
      ASSERT_TRUE(wait_accused(liar, epoch))
          << "member " << int{liar} << " in epoch " << epoch.value << ", now " << now().value;
      restart();
    }
    ASSERT_GE(now(), Epoch(3));
  }
  Member& node() { return *network_.nodes[0]; }
  Epoch now() { return node().net->ledger().head().value().epoch; }
  void restart() { ASSERT_TRUE(node().boot(network_.kill(node()))); }
  Hash id_of(Epoch epoch) {
    const auto& ledger = node().net->ledger();
    if (epoch < now()) return ledger.boundary_certificate(epoch).value().statement.epoch_id;
    const ChainHead head = ledger.head().value();
    // The founders keep their seats, but their weights are shares of a whole after the genesis.
    return epoch_id(head.chain, epoch, head.last_of_previous, validator_set_hash(ledger.validators(epoch).value()));
  }
  Vote lie(std::uint8_t number, Epoch epoch, std::uint64_t view, std::uint8_t block) {
    return lie_of(network_, number, id_of(epoch), view, block);
  }
  void say(Epoch epoch, std::vector<Vote> votes) {
    Votes out;
    out.votes.assign(votes.begin(), votes.end());
    node().replica->deliver(validator_key(4).public_key(), {kMessageVersion, epoch, std::move(out)});
  }
  std::size_t accusations(std::uint8_t number, Epoch epoch) {
    std::size_t out = 0;
    for (const Evidence& e : node().evidence()) {
      if (e.key != validator_key(number).public_key() || e.epoch != epoch) continue;
      EXPECT_TRUE(contradict(e.first.statement, e.second.statement));
      EXPECT_TRUE(verify_ed25519(e.key, statement_hash(e.first.statement), e.first.signature));
      EXPECT_TRUE(verify_ed25519(e.key, statement_hash(e.second.statement), e.second.signature));
      ++out;
    }
    return out;
  }
  bool wait_accused(std::uint8_t number, Epoch epoch, std::size_t times = 1) {
    return network_.wait_until([&] { return accusations(number, epoch) >= times; });
  }
  Network network_{4, 100};
};

TEST_F(LoneMember, AVoteThatContradictsOneOfTwoEpochsAgoIsEvidenceAlsoAcrossARestart) {
  const Epoch now = this->now();
  const Epoch before(now.value - 1);
  const Epoch oldest(now.value - 2);
  const Epoch too_old(now.value - 3);
  for (const Epoch epoch : {now, before, oldest, too_old}) say(epoch, {lie(4, epoch, 3, 1)});
  say(before, {lie(3, before, 5, 1), lie(3, before, 5, 2)});
  ASSERT_TRUE(wait_accused(3, before)) << "all that was said before it was heard too";
  EXPECT_EQ(accusations(4, before), 0U);
  restart();
  ASSERT_TRUE(wait_accused(3, before, 2)) << "told again: the ledger may not have heard of it";
  for (const Epoch epoch : {too_old, oldest, before, now}) say(epoch, {lie(4, epoch, 3, 2)});
  EXPECT_TRUE(wait_accused(4, now));
  EXPECT_TRUE(wait_accused(4, before));
  EXPECT_TRUE(wait_accused(4, oldest));
  EXPECT_EQ(accusations(4, too_old), 0U) << "its bonds may answer still, but its votes are kept no longer";
}

TEST_F(LoneMember, HonestVotesConvictNobodyHoweverLateAndOftenTheyCome) {
  const Epoch before(now().value - 1);
  Vote notarize = lie(4, before, 3, 1);
  Vote nullify = notarize;
  nullify.statement.kind = StatementKind::kNullify;
  nullify.statement.block = {};
  nullify.signature = validator_key(4).sign(statement_hash(nullify.statement));
  Vote forged = lie(4, before, 3, 2);
  forged.signature.data[0] ^= 1;
  for (int round = 0; round < 3; ++round) {
    say(before, {notarize, nullify, lie(4, before, 4, 2), forged, notarize});
    restart();
  }
  say(before, {lie(3, before, 5, 1), lie(3, before, 5, 2)});
  ASSERT_TRUE(wait_accused(3, before));
  EXPECT_EQ(accusations(4, before), 0U);
}

}  // namespace
}  // namespace micro::simplex
