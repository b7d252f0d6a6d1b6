// Whole command lines against a scripted node: what is printed, what is sent, and the exit code.
#include <gtest/gtest.h>

#include <fstream>

#include "chain/types/params.hpp"
#include "rpc/cli/app.hpp"
#include "tests/gen/fake_node.hpp"
#include "wallet/keys/hd_key.hpp"
#include "wallet/keys/mnemonic.hpp"

namespace micro {
namespace {

constexpr const char* kPhrase = "test test test test test test test test test test test junk";

struct Ran {
  int exit = 0;
  std::string out;
  std::string err;
};

/// Accepts every well-signed transaction and says that it is final in block 9.
class CommandsTest : public ::testing::Test {
 protected:
  CommandsTest() {
    chain_.data.fill(0x11);
    dev0_ = address_of(HdKey::from_seed(Mnemonic::parse(kPhrase)->seed()->view())
                           ->derive(DerivationPath::account(0))
                           ->secret()
                           .public_key());
    dev0_text_ = address_text(NetworkKind::kDev, dev0_);
    answer("node.info",
           Json{{"version", "0"}, {"kind", "dev"}, {"chain_id", chain_.hex()}, {"node_key", "aa"}, {"pid", 7}});
    answer("dev.accounts", Json{{"phrase", kPhrase}, {"accounts", {Json{{"index", 0}}, Json{{"index", 1}}}}});
    node_.methods.add("tx.context", [this](RpcParams& params) -> Result<Json> {
      TRY(params.text("address"));
      return Json{{"chain_id", chain_.hex()},
                  {"kind", "dev"},
                  {"nonce", "3"},
                  {"height", "8"},
                  {"epoch", 2},
                  {"params", to_hex(encode(ChainParams{}))},
                  {"live", live_}};
    });
    node_.methods.add("tx.submit", [this](RpcParams& params) -> Result<Json> {
      const auto tx = TRY(decode<SignedTx>(TRY(from_hex(TRY(params.text("tx"))))));
      TRY(verify_tx_signature(tx));
      sent_.push_back(tx);
      return Json{{"txid", tx_id(tx.body).hex()},
                  {"accepted", refusal_.empty()},
                  {"status", refusal_},
                  {"status_text", "because"}};
    });
    node_.methods.add("tx.wait", [this](RpcParams& params) -> Result<Json> {
      if (never_final_) return fail(Fault::kUnknownOutcome, "not yet");
      return Json{{"txid", TRY(params.text("txid"))}, {"height", "9"}, {"status", outcome_}, {"status_text", "words"}};
    });
  }

  void answer(const std::string& method, Json result) {
    node_.methods.add(method, [result = std::move(result)](RpcParams&) -> Result<Json> { return result; });
  }

  Ran run(std::vector<std::string> words) {
    if (!started_) node_.start();
    started_ = true;
    words.insert(words.begin(),
                 {"--socket", node_.socket().string(), "--wallets", (node_.folder() / "wallets").string()});
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Ran ran;
    ran.exit = run_command_line(words, nodes_, node_.folder() / "none.toml",
                                [](const char*) -> const char* { return nullptr; });
    ran.out = testing::internal::GetCapturedStdout();
    ran.err = testing::internal::GetCapturedStderr();
    return ran;
  }

  test::FakeNode node_;
  NodeCommands nodes_;
  ChainId chain_;
  Address dev0_;
  std::string dev0_text_;
  std::string live_ = "1000.000000";
  std::string refusal_;
  std::string outcome_ = "Ok";
  bool never_final_ = false;
  bool started_ = false;
  std::vector<SignedTx> sent_;
};

TEST_F(CommandsTest, SendsTokensSignedHere) {
  Address to;
  to.data.fill(5);
  const Ran ran = run({"wallet", "send", address_text(NetworkKind::kDev, to), "12.5", "--memo", "tea"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  ASSERT_EQ(sent_.size(), 1u);
  const auto* transfer = std::get_if<Transfer>(&sent_[0].body.payload);
  ASSERT_NE(transfer, nullptr);
  EXPECT_EQ(transfer->to, to);
  EXPECT_EQ(transfer->amount, Amount(12'500'000));
  EXPECT_EQ(transfer->memo, "tea");
  EXPECT_EQ(sent_[0].body.sender, dev0_);
  EXPECT_EQ(sent_[0].body.nonce, Nonce(3));
  EXPECT_EQ(sent_[0].body.chain, chain_);
  const std::string id = tx_id(sent_[0].body).hex();
  EXPECT_TRUE(ran.out.starts_with("txid " + id + " final in block 9 · fee 0.")) << ran.out;
  EXPECT_EQ(ran.err, "txid " + id + "\n");
}

TEST_F(CommandsTest, JsonIsOneDocumentAndErrorsOneLine) {
  const Ran ran = run({"wallet", "send", dev0_text_, "1", "--json"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  const auto document = parse_json(ran.out);
  ASSERT_TRUE(document.has_value()) << ran.out;
  EXPECT_EQ((*document)["height"], "9");
  EXPECT_EQ(ran.err, "");
  const Ran bad = run({"wallet", "send", "nobody", "1", "--json"});
  EXPECT_EQ(bad.exit, 4);
  EXPECT_EQ(bad.out, "");
  const auto error = parse_json(bad.err);
  ASSERT_TRUE(error.has_value()) << bad.err;
  EXPECT_EQ((*error)["code"], 4);
  EXPECT_EQ((*error)["name"], "not_found");
}

TEST_F(CommandsTest, ADryRunSendsNothing) {
  const Ran ran = run({"wallet", "send", dev0_text_, "1", "--dry-run"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_TRUE(sent_.empty());
  EXPECT_NE(ran.err.find("Transfer"), std::string::npos) << ran.err;
}

TEST_F(CommandsTest, AnUnknownOutcomeIsExit8WithWhereToLook) {
  never_final_ = true;
  const Ran ran = run({"wallet", "send", dev0_text_, "1", "--timeout", "1ms"});
  EXPECT_EQ(ran.exit, 8) << ran.err;
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_NE(ran.err.find("micro audit tx " + tx_id(sent_[0].body).hex()), std::string::npos) << ran.err;
}

TEST_F(CommandsTest, SubmittedDoesNotWait) {
  never_final_ = true;
  const Ran ran = run({"wallet", "send", dev0_text_, "1", "--wait=submitted"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_NE(ran.out.find("submitted"), std::string::npos);
}

TEST_F(CommandsTest, RefusalsHaveTheirCodes) {
  refusal_ = "NonceUsed";
  EXPECT_EQ(run({"wallet", "send", dev0_text_, "1"}).exit, 7);
  refusal_ = "";
  outcome_ = "NameTaken";
  EXPECT_EQ(run({"wallet", "send", dev0_text_, "1"}).exit, 7);
  outcome_ = "InsufficientFunds";
  EXPECT_EQ(run({"wallet", "send", dev0_text_, "1"}).exit, 6);
  live_ = "0.500000";
  EXPECT_EQ(run({"wallet", "send", dev0_text_, "1"}).exit, 6);
}

TEST_F(CommandsTest, WrongUseIsExit2) {
  EXPECT_EQ(run({"wallet", "send", dev0_text_, "1e3"}).exit, 2);
  EXPECT_EQ(run({"wallet", "send", dev0_text_}).exit, 2);
  EXPECT_EQ(run({"wallet", "sedn", dev0_text_, "1"}).exit, 2);
  EXPECT_EQ(run({"services", "--wait", "forever"}).exit, 2);
  EXPECT_EQ(run({"services", "--nonsense"}).exit, 2);
  EXPECT_EQ(run({"wallet", "send", "mnet1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "1"}).exit, 2);
  EXPECT_TRUE(sent_.empty());
}

TEST_F(CommandsTest, WithoutANodeItIsExit3) {
  testing::internal::CaptureStderr();
  const int exit = run_command_line({"services", "--socket", (node_.folder() / "absent.sock").string()}, nodes_,
                                    node_.folder() / "none.toml", [](const char*) -> const char* { return nullptr; });
  const std::string err = testing::internal::GetCapturedStderr();
  EXPECT_EQ(exit, 3);
  EXPECT_NE(err.find("the node is not running"), std::string::npos);
  EXPECT_NE(err.find("hint: start it with `micro server` or `micro dev`"), std::string::npos) << err;
}

TEST_F(CommandsTest, AWalletIsMadeImportedAndUsed) {
  const auto password = node_.folder() / "password";
  std::ofstream(password) << "correct horse\n";
  const std::string words = (node_.folder() / "words").string();
  const std::string flag = "--password-file=" + password.string();
  const Ran made = run({"wallet", "new", "alice", "--phrase-file", words, flag});
  ASSERT_EQ(made.exit, 0) << made.err;
  EXPECT_TRUE(made.out.starts_with("alice  dmnet1")) << made.out;
  EXPECT_EQ(run({"wallet", "new", "alice", "--phrase-file", words + "2", flag}).exit, 7);
  EXPECT_EQ(run({"wallet", "new", "bob", "--phrase-file", words, flag}).exit, 7);  // the file is there already
  const Ran again = run({"wallet", "import", "carol", "--phrase-file", words, flag});
  ASSERT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(again.out.substr(5), made.out.substr(5));  // the same words, the same address
  ASSERT_EQ(run({"wallet", "use", "carol/main"}).exit, 0);
  const Ran list = run({"wallet", "list"});
  EXPECT_NE(list.out.find("carol  main"), std::string::npos) << list.out;
  const Ran sent = run({"wallet", "send", "alice", "1", "--account", "alice", flag});
  EXPECT_EQ(sent.exit, 0) << sent.err;
  std::ofstream(password) << "wrong\n";
  EXPECT_EQ(run({"wallet", "send", "alice", "1", flag}).exit, 5);
  EXPECT_EQ(run({"wallet", "send", "alice", "1", "--no-input"}).exit, 5);
}

TEST_F(CommandsTest, LotsAndServicesArePrinted) {
  answer("ledger.account", Json{{"address", dev0_text_},
                                {"live", "1000.000000"},
                                {"grace", "2.000000"},
                                {"lots",
                                 {Json{{"expiry", 2592000},
                                       {"class", "token"},
                                       {"amount", "1000.000000"},
                                       {"state", "live"},
                                       {"expires_in_ms", "2591999000"}}}}});
  answer("svc.list",
         Json::array({Json{{"name", "hello"}, {"price", "0.000100"}}, Json{{"name", "words"}, {"price", "0.000100"}}}));
  EXPECT_EQ(run({"wallet", "lots"}).out,
            "LOT      AMOUNT       STATE  EXPIRES\n2592000  1000.000000  live   29 d 23 h\n");
  const Ran balance = run({"wallet", "balance"});
  EXPECT_EQ(balance.out, "1000.000000 TOK\n");
  EXPECT_NE(balance.err.find("2.000000 TOK more expired"), std::string::npos);
  EXPECT_EQ(run({"services"}).out, "hello\nwords\n");
  const auto json = parse_json(run({"services", "--json"}).out);
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ((*json)["unit"], "TOK");
}

TEST_F(CommandsTest, ACallPrintsTheReplyAndWhatWasPaid) {
  std::string target;
  std::string price;
  node_.http = [&](HttpRequest&& request, HttpResponder responder) {
    target = request.method + " " + request.target;
    price = request.header("micro-max-price").value_or("");
    const bool fails = request.body.find("fail") != std::string::npos;
    if (fails)
      return std::move(responder).send(
          {402, "application/problem+json", {}, R"({"detail":"no key may pay","hint":"grant one"})"});
    std::move(responder).send({200, "application/json", {{"Micro-Charged", "0.000100"}}, R"({"msg":"Hello Ada"})"});
  };
  const Ran ran = run({"call", "hello@abc1234", "Hello.Call", R"({"name":"Ada"})", "--max-price", "0.5"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, "{\n\t\"msg\": \"Hello Ada\"\n}\n");
  EXPECT_EQ(ran.err, "paid 0.000100 TOK\n");
  EXPECT_EQ(target, "POST /api/hello@abc1234/Hello.Call");
  EXPECT_EQ(price, "0.500000");
  const Ran unpaid = run({"call", "hello", "Hello.Call", R"({"x":"fail"})"});
  EXPECT_EQ(unpaid.exit, 6);
  EXPECT_NE(unpaid.err.find("402: no key may pay"), std::string::npos) << unpaid.err;
  EXPECT_EQ(run({"call", "hello", "Hello.Call", "{not json"}).exit, 2);
}

TEST_F(CommandsTest, RunPublishesAnnouncesFundsAndFollows) {
  int described = 0;
  CommitId commit;
  commit.data.fill(0xc0);
  ServiceId service;
  service.data.fill(0x5e);
  answer("source.resolve", Json{{"repo_url", "https://example.org/o/r"},
                                {"subdir", "hello"},
                                {"commit", commit.hex()},
                                {"commit_time_s", "1700000000"},
                                {"subject", "First"},
                                {"notes", {"C: found main.c"}},
                                {"suggested_name", "hello"},
                                {"price", "0.000100"},
                                {"memory_mib", 16},
                                {"description", "greets"}});
  node_.methods.add("svc.describe", [&, service](RpcParams&) -> Result<Json> {
    if (described++ == 0) return fail(Fault::kNotFound, "no such service");
    return Json{{"name", "hello"},     {"service", service.hex()}, {"owner", dev0_text_},
                {"price", "0.000100"}, {"fund", "0.000000"},       {"url", "http://hello.localhost:8080"}};
  });
  int asked = 0;
  node_.methods.add("svc.versions", [&, commit](RpcParams&) -> Result<Json> {
    ++asked;
    if (asked == 1) return Json::array();
    Json version{{"commit", commit.hex()}, {"state", "active"}, {"hosts", Json::array()}, {"local", Json::object()}};
    if (asked > 2) version["wasm_sha256"] = std::string(64, 'a');
    if (asked > 2) version["wasm_bytes"] = 48000;
    if (asked > 3) version["hosts"] = Json::array({Json{{"node", std::string(64, 'b')}, {"decision", "3"}}});
    if (asked > 3) version["local"] = Json{{"state", "running"}};
    return Json::array({version});
  });
  answer("svc.logs",
         Json{{"items", {Json{{"cursor", "1"}, {"source", "build"}, {"text", "clang main.c"}}}}, {"cursor", "1"}});
  const Ran ran = run({"run", "example.org/o/r/hello"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  ASSERT_EQ(sent_.size(), 3u);
  const auto* published = std::get_if<PublishService>(&sent_[0].body.payload);
  const auto* announced = std::get_if<AnnounceVersion>(&sent_[1].body.payload);
  const auto* funded = std::get_if<FundService>(&sent_[2].body.payload);
  ASSERT_TRUE(published != nullptr && announced != nullptr && funded != nullptr);
  EXPECT_EQ(published->name, "hello");
  EXPECT_EQ(published->price, Amount(100));
  EXPECT_EQ(announced->service, service);
  EXPECT_EQ(announced->commit, commit);
  EXPECT_EQ(announced->memory_mib, 16u);
  EXPECT_EQ(funded->amount, Amount(1'000'000));
  for (const char* part : {"✓ resolved", "✓ published", "✓ announced", "✓ funded", "✓ built", "✓ placed", "✓ healthy",
                           "http://hello.localhost:8080"}) {
    EXPECT_NE(ran.err.find(part), std::string::npos) << part << "\n" << ran.err;
  }
}

TEST_F(CommandsTest, ANodeIsStartedWithWhatWasGiven) {
  ServerOptions server;
  DevOptions dev;
  nodes_.run_server = [&](const ServerOptions& options) {
    server = options;
    return 5;
  };
  nodes_.run_dev = [&](const DevOptions& options) {
    dev = options;
    return 0;
  };
  EXPECT_EQ(run({"server", "--network", "home", "--data", "/d", "--http", "127.0.0.1:1", "--offer", "cpu=2,mem=4G",
                 "--free-calls"})
                .exit,
            5);
  EXPECT_EQ(server.network, "home");
  EXPECT_EQ(server.data_dir, "/d");
  EXPECT_EQ(server.http_listen, "127.0.0.1:1");
  EXPECT_EQ(server.offer, (Capacity{2'000, 4'096, 0}));
  EXPECT_TRUE(server.free_calls);
  EXPECT_EQ(run({"dev", "--epoch-ms", "200"}).exit, 0);
  EXPECT_EQ(dev.epoch_ms, 200u);
  EXPECT_FALSE(dev.state_dir.has_value());
  EXPECT_EQ(run({"server", "--offer", "cpu=x"}).exit, 2);
}

}  // namespace
}  // namespace micro
