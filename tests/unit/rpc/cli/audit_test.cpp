// Audits against a node that shows a chain of three epochs, and against one that lies about it.
#include <gtest/gtest.h>

#include "chain/governance/policy_abi.hpp"
#include "consensus/core/certificate.hpp"
#include "genesis/json/genesis_json.hpp"
#include "tests/gen/scripted_cli.hpp"

namespace micro {
namespace {

using test::Ran;

class AuditTest : public test::ScriptedCli {
 protected:
  AuditTest() {
    SeededRandom random(3);
    key_ = Ed25519Secret::generate(random);
    genesis_ = *parse_genesis_template(dev_genesis_template());
    genesis_.engine.data.fill(1);
    genesis_.policy = Blob<kMaxPolicyBytes>(Bytes{0, 'a', 's', 'm', 1, 0, 0, 0});
    genesis_.validators.members.push_back({key_.public_key(), 1});
    set_hash_ = validator_set_hash(genesis_.validators);
    Header first;
    first.time = genesis_.time;
    first.next_validators = set_hash_;
    headers_.push_back(first);
    txs_.emplace_back();
    receipts_.emplace_back();
    last_of_previous_ = block_id(first);
    input_ = {1, 2, 3};
    output_ = {4, 5};
    event::PolicyRan ran;
    ran.policy = policy_hash(genesis_.policy);
    ran.input = policy_input_hash(input_);
    ran.output = policy_output_hash(output_);
    ran.engine = genesis_.engine;
    ran.first_decision = 3;
    ran.decisions = 1;
    event::Placed placed;
    placed.decision = 3;
    events_ = {Event(ran), Event(placed)};
    add_block(0, true, {});
    add_block(1, false, {});
    add_block(1, true, events_);
    add_block(2, false, {}, transfer());
    node_.methods.add("ledger.tx", [](RpcParams& p) -> Result<Json> {
      return Json{{"txid", TRY(p.text("txid"))}, {"height", "4"}, {"status", "a lie"}, {"fee", "0.000000"}};
    });
    answer("node.info", Json{{"kind", "dev"}, {"pid", 1}});
    node_.methods.add("ledger.light",
                      [this](RpcParams& p) -> Result<Json> { return light(p.u64_or("from_epoch", 0)); });
    node_.methods.add("ledger.block", [this](RpcParams& p) -> Result<Json> {
      const std::size_t height = TRY(p.u64("height"));
      if (height >= headers_.size()) return fail(Fault::kNotFound, "no such block");
      Json out{{"raw", to_hex(encode(Block{headers_[height], txs_[height]}))},
               {"receipts_raw", to_hex(encode(receipts_[height]))},
               {"txs", {{"status", "a lie"}}}};
      if (height > 0) out["certificate_raw"] = to_hex(encode(certificates_[height - 1]));
      return out;
    });
    node_.methods.add("gov.decision", [this](RpcParams& p) -> Result<Json> {
      static_cast<void>(TRY(p.u64("decision")));
      Json events = Json::array();
      for (const Event& one : events_) events.push_back(to_hex(encode(one)));
      return Json{{"decision", "3"},
                  {"height", "3"},
                  {"epoch", 1},
                  {"action", "drained"},
                  {"header", to_hex(encode(headers_[3]))},
                  {"policy_wasm", to_hex(genesis_.policy)},
                  {"input", to_hex(input_)},
                  {"output", to_hex(output_)},
                  {"events", events}};
    });
    nodes_.run_policy = [this](ByteView, ByteView, const Hash&) -> Result<Bytes> { return replayed_; };
  }

  static SignedTx transfer() {
    SignedTx tx;
    tx.body.nonce = Nonce(7);
    tx.body.payload = Transfer{};
    return tx;
  }

  void add_block(std::uint32_t epoch, bool boundary, const std::vector<Event>& events,
                 std::optional<SignedTx> tx = std::nullopt) {
    auto& txs = txs_.emplace_back();
    BlockReceipts& receipts = receipts_.emplace_back();
    receipts.boundary_events.assign(events.begin(), events.end());
    if (tx) {
      receipts.receipts.push_back({tx_id(tx->body), TxStatus::kInsufficientFunds, Amount(123), {}});
      txs.push_back(*tx);
    }
    Header header;
    header.height = Height(headers_.size());
    header.epoch = Epoch(epoch);
    header.boundary = boundary;
    header.parent = block_id(headers_.back());
    header.time = TimeMs(headers_.back().time.value + 10);
    if (boundary) header.next_validators = set_hash_;
    header.txs_root = txs_root(txs);
    header.receipts_root = receipts_root(receipts.receipts);
    header.events_root = events_root(events);
    Statement statement;
    statement.epoch_id = epoch_id(chain_id(genesis_), header.epoch, last_of_previous_, set_hash_);
    statement.view = View(headers_.size());
    statement.block = block_id(header);
    certificates_.push_back(*certify(statement, genesis_.validators, std::span(&key_, 1)));
    headers_.push_back(header);
    if (boundary) last_of_previous_ = block_id(header);
  }

  Json light(std::uint64_t from) const {
    Json epochs = Json::array();
    for (std::size_t i = 1; i < headers_.size() && epochs.size() < page_; ++i) {
      if (!headers_[i].boundary || headers_[i].epoch.value < from) continue;
      epochs.push_back(Json{{"header", to_hex(encode(headers_[i]))},
                            {"certificate", to_hex(encode(certificates_[i - 1]))},
                            {"next_validators", to_hex(encode(genesis_.validators))}});
    }
    return Json{{"genesis", to_hex(encode(genesis_))},
                {"genesis_header", to_hex(encode(headers_[0]))},
                {"epochs", std::move(epochs)}};
  }

  Ed25519Secret key_;
  Genesis genesis_;
  Hash set_hash_;
  BlockId last_of_previous_;
  std::vector<Header> headers_;
  std::vector<Certificate> certificates_;
  std::vector<List<SignedTx, kMaxTxsPerBlock>> txs_;
  std::vector<BlockReceipts> receipts_;
  std::vector<Event> events_;
  Bytes input_;
  Bytes output_;
  Bytes replayed_ = {4, 5};
  std::size_t page_ = 1;
};

TEST_F(AuditTest, ADecisionIsFollowedToItsGenesisAndReplayed) {
  const Ran ran = run({"audit", "decision", "D-3", "--replay"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_NE(ran.out.find("replay: match  signatures 1/1"), std::string::npos) << ran.out;
  const Ran json = run({"audit", "decision", "3", "--replay", "--json"});
  ASSERT_EQ(json.exit, 0) << json.err;
  EXPECT_EQ((*parse_json(json.out))["replay"], "match");
}

TEST_F(AuditTest, ADifferentReplayIsExit10) {
  replayed_ = {4, 6};
  const Ran ran = run({"audit", "decision", "D-3", "--replay"});
  EXPECT_EQ(ran.exit, 10);
  EXPECT_NE(ran.err.find("say something else"), std::string::npos) << ran.err;
  EXPECT_EQ(run({"audit", "decision", "D-3"}).exit, 0);
}

TEST_F(AuditTest, LiesAboutADecisionAreExit10) {
  EXPECT_EQ(run({"audit", "decision", "D-4"}).exit, 10);  // not an event of the block that the node shows
  output_ = {9};
  EXPECT_EQ(run({"audit", "decision", "D-3"}).exit, 10);
  output_ = {4, 5};
  input_ = {9};
  EXPECT_EQ(run({"audit", "decision", "D-3"}).exit, 10);
  input_ = {1, 2, 3};
  std::get<event::Placed>(events_[1]).node.data.fill(9);
  EXPECT_EQ(run({"audit", "decision", "D-3"}).exit, 10);
}

TEST_F(AuditTest, ABlockWithoutItsCertificateIsExit10) {
  EXPECT_EQ(run({"audit", "block", "4"}).exit, 0);
  EXPECT_EQ(run({"audit", "block", "2"}).exit, 0);
  EXPECT_EQ(run({"audit", "block", "3"}).exit, 0);
  certificates_[3].signatures[0].data[0] ^= 1;
  EXPECT_EQ(run({"audit", "block", "4"}).exit, 10);
  headers_[2].time = TimeMs(headers_[2].time.value + 1);
  EXPECT_EQ(run({"audit", "block", "2"}).exit, 10);
}

TEST_F(AuditTest, WhatBecameOfATransactionIsWhatItsBlockCommitsTo) {
  const std::string id = tx_id(transfer().body).hex();
  const Ran ran = run({"audit", "tx", id, "--json"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  const Json tx = *parse_json(ran.out);
  EXPECT_EQ(tx["status"], "InsufficientFunds");
  EXPECT_EQ(tx["fee"], "0.000123");
  EXPECT_EQ(tx["nonce"], "7");
  EXPECT_EQ(tx["height"], "4");
  const Ran block = run({"audit", "block", "4", "--json"});
  ASSERT_EQ(block.exit, 0) << block.err;
  EXPECT_EQ((*parse_json(block.out))["txs"][0]["status"], "InsufficientFunds");
  EXPECT_EQ(run({"audit", "tx", std::string(64, '0')}).exit, 10) << "the block holds another";
  receipts_[4].receipts[0].status = TxStatus::kOk;
  EXPECT_EQ(run({"audit", "tx", id}).exit, 10);
  EXPECT_EQ(run({"audit", "block", "4"}).exit, 10);
  receipts_[4].receipts[0].status = TxStatus::kInsufficientFunds;
  EXPECT_EQ(run({"audit", "tx", id}).exit, 0);
  receipts_[3].boundary_events.clear();
  EXPECT_EQ(run({"audit", "block", "3"}).exit, 10);
}

TEST_F(AuditTest, ADecisionIsToldByItsEventNotByTheNode) {
  const Ran ran = run({"audit", "decision", "3", "--json"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  const Json decision = *parse_json(ran.out);
  EXPECT_EQ(decision["action"], "placed") << "the node says drained";
  EXPECT_EQ(decision["height"], "3");
  EXPECT_EQ(decision["node"], std::string(64, '0'));
}

TEST_F(AuditTest, AnotherBlockThanTheOneAskedForIsExit10) {
  node_.methods.add("ledger.block", [this](RpcParams&) -> Result<Json> {
    return Json{{"raw", to_hex(encode(Block{headers_[1], txs_[1]}))},
                {"receipts_raw", to_hex(encode(receipts_[1]))},
                {"certificate_raw", to_hex(encode(certificates_[0]))}};
  });
  EXPECT_EQ(run({"audit", "block", "4"}).exit, 10);
  EXPECT_EQ(run({"audit", "block", "1"}).exit, 0);
}

TEST_F(AuditTest, ABrokenLinkBetweenEpochsIsExit10) {
  certificates_[0].signatures[0].data[0] ^= 1;  // of the first epoch's end
  EXPECT_EQ(run({"audit", "block", "4"}).exit, 10);
}

TEST_F(AuditTest, TheGenesisThatOneTrustsDecides) {
  const auto file = node_.folder() / "genesis.json";
  Genesis other = genesis_;
  other.time = TimeMs(other.time.value + 1);
  const auto write = [&](const Genesis& g) {
    std::FILE* out = std::fopen(file.c_str(), "w");
    std::fputs(format_genesis(g).c_str(), out);
    std::fclose(out);
  };
  write(genesis_);
  EXPECT_EQ(run({"audit", "block", "4", "--genesis", file.string()}).exit, 0);
  write(other);
  EXPECT_EQ(run({"audit", "block", "4", "--genesis", file.string()}).exit, 10);
}

}  // namespace
}  // namespace micro
