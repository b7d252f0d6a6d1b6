// A member of the committee lies: those who see it bring it to the ledger by themselves, which punishes once.
#include "rpc/daemon/evidence_desk.hpp"

#include "chain/economy/lot.hpp"
#include "chain/identity/node_identity.hpp"
#include "chain/records/records.hpp"
#include "tests/gen/replica_net.hpp"

namespace micro {
namespace {

using simplex::Member;
using simplex::Network;
using test::address_of_key;
using test::key_of;
using test::validator_key;

constexpr std::uint8_t kLiar = 4;  ///< number of the account, the member and its keys
constexpr Amount kBond(1'000 * kMicroPerToken);

Amount sum_of(const Purse& purse) {
  Amount out;
  for (const Lot& lot : purse.lots) out.micro += lot.amount.micro;
  return out;
}

class EvidenceDeskTest : public testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t i = 0; i < 3; ++i) {
      network_.nodes[i]->on_evidence = [this, i](const simplex::Evidence& found) { desks_[i]->accuse(found); };
    }
    network_.boot_all();
    for (std::size_t i = 0; i < 3; ++i) {
      desks_[i] = std::make_unique<EvidenceDesk>(ledger(i), key_of(reporter(i)), validator_key(1).public_key(),
                                                 [](const std::string&) {});
    }
    bond();
    network_.kill(*network_.nodes[kLiar - 1]);
  }
  /// An account that has nothing.
  static std::uint8_t reporter(std::size_t i) { return static_cast<std::uint8_t>(50 + i); }
  LedgerImpl& ledger(std::size_t i) { return network_.nodes[i]->net->ledger(); }

  void send(std::uint64_t nonce, Payload payload) {
    TxBody body;
    body.chain = chain_id(network_.genesis);
    body.sender = address_of_key(kLiar);
    body.nonce = Nonce(nonce);
    body.valid_until = Height(1'000'000);
    body.max_fee = Amount(kMicroPerToken);
    body.payload = std::move(payload);
    const SignedTx tx = sign_tx(std::move(body), key_of(kLiar));
    for (std::size_t i = 0; i < 4; ++i) ASSERT_TRUE(ledger(i).submit(tx).waits());
    for (std::size_t i = 0; i < 4; ++i) {
      ASSERT_TRUE(network_.wait_until(
          [&] { return ledger(i).pending_nonce(address_of_key(kLiar)) == Nonce(nonce + 1) && !ledger(i).txs_wait(); }));
    }
  }
  /// The key that the genesis named puts something at stake.
  void bond() {
    const Ed25519Secret machine = validator_key(44);
    const Ed25519Secret consensus = validator_key(kLiar);
    const Address owner = address_of_key(kLiar);
    const Hash proof = node_proof_hash(chain_id(network_.genesis), owner, machine.public_key(), consensus.public_key());
    send(0, RegisterNode{machine.public_key(), consensus.public_key(), machine.sign(proof), consensus.sign(proof)});
    send(1, JoinCommittee{node_id(owner, Nonce(0)), kBond});
    ASSERT_EQ(sum_of(seat(0).bond), kBond);
  }
  SeatRecord seat(std::size_t i) {
    return ledger(i).read([](const StateView& state, const Header&) {
      return *read_record<SeatRecord>(state, path::seat(validator_key(kLiar).public_key())).value();
    });
  }
  Amount balance(const Address& address) {
    return ledger(0).read([&](const StateView& state, const Header&) {
      const auto account = read_record<Account>(state, path::account(address));
      return account && *account ? sum_of((*account)->purse) : Amount();
    });
  }
  simplex::Vote lie(std::uint64_t view, std::uint8_t block) {
    const ChainHead head = ledger(0).head().value();
    const auto& members = network_.genesis.validators.members;
    const Ed25519Secret secret = validator_key(kLiar);
    simplex::Vote out;
    out.statement.kind = StatementKind::kNotarize;
    out.statement.epoch_id =
        epoch_id(head.chain, head.epoch, head.last_of_previous, validator_set_hash(network_.genesis.validators));
    out.statement.view = View(view);
    out.statement.block.data[0] = block;
    out.signer =
        static_cast<std::uint16_t>(std::ranges::find(members, secret.public_key(), &Validator::key) - members.begin());
    out.signature = secret.sign(statement_hash(out.statement));
    return out;
  }
  /// To everyone, each half by itself.
  void lie_to_all() {
    const auto last = ledger(0).head().value().certificate;
    const std::uint64_t view = (last ? last->statement.view.value : 0) + 2;
    for (std::size_t i = 0; i < 3; ++i) {
      for (const std::uint8_t block : {std::uint8_t{1}, std::uint8_t{2}}) {
        simplex::Votes votes;
        votes.votes.push_back(lie(view, block));
        network_.nodes[i]->replica->deliver(validator_key(kLiar).public_key(),
                                            {simplex::kMessageVersion, Epoch(0), std::move(votes)}, 200);
      }
    }
  }

  std::array<std::unique_ptr<EvidenceDesk>, 3> desks_;
  Network network_{4, 600'000};
};

TEST_F(EvidenceDeskTest, ALiarLosesItsBondOnceAndOneReporterIsRewarded) {
  lie_to_all();
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(network_.wait_until([&] { return seat(i).convicted.has_value(); })) << i;
  }
  EXPECT_EQ(seat(0).convicted, Epoch(0));
  EXPECT_EQ(sum_of(seat(0).bond), Amount());
  for (auto& desk : desks_) {
    desk->look_again();
    EXPECT_EQ(desk->open(), 0U) << "judged, whoever's report it was";
  }
  lie_to_all();  // again, in another view
  const Height there = ledger(0).head().value().header.height;
  ASSERT_TRUE(network_.wait(*network_.nodes[0],
                            [&](const ChainHead& head) { return head.header.height.value > there.value + 4; }));

  std::vector<event::ValidatorConvicted> convictions;
  std::vector<Address> reporters;
  Amount fee;
  for (Height h(1); h <= ledger(0).head().value().header.height; h = h.next()) {
    const Block block = ledger(0).blocks().block(h).value();
    const BlockReceipts receipts = ledger(0).blocks().receipts(h).value();
    for (std::size_t i = 0; i < block.txs.size(); ++i) {
      if (!std::holds_alternative<SubmitEvidence>(block.txs[i].body.payload)) continue;
      for (const Event& e : receipts.receipts[i].events) {
        if (const auto* convicted = std::get_if<event::ValidatorConvicted>(&e)) {
          convictions.push_back(*convicted);
          reporters.push_back(block.txs[i].body.sender);
          fee = receipts.receipts[i].fee;
        }
      }
    }
  }
  ASSERT_EQ(convictions.size(), 1U);
  EXPECT_EQ(convictions[0].rewarded.micro + convictions[0].burned.micro, kBond.micro);
  Amount rewarded;
  for (std::size_t i = 0; i < 3; ++i) {
    const Address address = address_of_key(reporter(i));
    const Amount got = balance(address);
    EXPECT_EQ(got.micro > 0, address == reporters[0]);
    rewarded.micro += got.micro;
  }
  EXPECT_EQ(rewarded.micro, convictions[0].rewarded.micro - fee.micro);
  EXPECT_GT(rewarded.micro, 0U);
}

// Tells the ledger again what the mempool lost, and nothing that the ledger knows.
TEST_F(EvidenceDeskTest, WhatTheMempoolLostIsSentAgain) {
  const simplex::Evidence found{Epoch(0), validator_key(kLiar).public_key(), lie(900, 1), lie(900, 2)};
  // A desk of its own over a ledger that nobody lets go on: what it sends waits until somebody removes it.
  test::SmallNet still(network_.genesis, network_.kill(*network_.nodes[0]));
  EvidenceDesk desk(still.ledger(), key_of(60), validator_key(1).public_key(), [](const std::string&) {});
  desk.accuse(found);
  desk.accuse(found);
  EXPECT_EQ(desk.open(), 1U);
  ASSERT_EQ(still.ledger().waiting(), 1U);
  desk.look_again();
  EXPECT_EQ(still.ledger().waiting(), 1U) << "it waits: nothing to do";
  // Another transaction takes its nonce, and with it its place.
  TxBody body;
  body.chain = chain_id(network_.genesis);
  body.sender = address_of_key(60);
  body.nonce = Nonce(0);
  body.valid_until = Height(1'000'000);
  body.max_fee = Amount(2 * kMicroPerToken);
  body.payload = SubmitEvidence{found.key,
                                found.epoch,
                                found.second.statement,
                                found.second.signature,
                                found.first.statement,
                                found.first.signature,
                                address_of_key(61)};
  ASSERT_TRUE(still.ledger().submit(sign_tx(std::move(body), key_of(60))).waits());
  desk.look_again();
  EXPECT_EQ(still.ledger().waiting(), 2U);
  ASSERT_TRUE(still.seal());
  desk.look_again();
  EXPECT_EQ(desk.open(), 0U) << "convicted by the other";
  desk.accuse(found);
  EXPECT_EQ(desk.open(), 0U);
}

}  // namespace
}  // namespace micro
