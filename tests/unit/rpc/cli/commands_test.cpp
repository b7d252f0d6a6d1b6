// Tokens, wallets, what every command has in common.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/gen/scripted_cli.hpp"

namespace micro {
namespace {

using test::Ran;
using CommandsTest = test::ScriptedLedger;

std::string someone() {
  Address address;
  address.data.fill(6);
  return address_text(NetworkKind::kDev, address);
}

TEST_F(CommandsTest, SendsTokensSignedHere) {
  Address to;
  to.data.fill(5);
  const Ran ran = run({"wallet", "send", address_text(NetworkKind::kDev, to), "12.5", "--memo", "tea"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  ASSERT_EQ(sent_.size(), 1u);
  const auto* transfer = sent<Transfer>(0);
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
  const Ran ran = run({"wallet", "send", someone(), "1", "--json"});
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
  const Ran ran = run({"wallet", "send", someone(), "1", "--dry-run"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_TRUE(sent_.empty());
  EXPECT_NE(ran.err.find("Transfer"), std::string::npos) << ran.err;
}

TEST_F(CommandsTest, AnUnknownOutcomeIsExit8WithWhereToLook) {
  never_final_ = true;
  const Ran ran = run({"wallet", "send", someone(), "1", "--timeout", "1ms"});
  EXPECT_EQ(ran.exit, 8) << ran.err;
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_NE(ran.err.find("micro audit tx " + tx_id(sent_[0].body).hex()), std::string::npos) << ran.err;
  const Ran json = run({"wallet", "send", someone(), "1", "--timeout", "1ms", "--json"});
  const auto error = parse_json(json.err);
  ASSERT_TRUE(error.has_value()) << json.err;
  EXPECT_EQ((*error)["code"], 8);
  EXPECT_EQ((*error)["data"]["txid"], tx_id(sent_[1].body).hex());
}

TEST_F(CommandsTest, ANodeThatDiesBetweenSendingAndAnswerIsExit8) {
  node_.ignore("tx.submit");
  const Ran ran = run({"wallet", "send", someone(), "1", "--timeout", "50ms"});
  EXPECT_EQ(ran.exit, 8) << ran.err;
  EXPECT_NE(ran.err.find("micro audit tx "), std::string::npos) << ran.err;
}

TEST_F(CommandsTest, AuditSaysThatATransactionDidNotHappen) {
  refuse("ledger.tx", {Fault::kNotFound, "no transaction"});
  const Ran ran = run({"audit", "tx", std::string(64, 'a')});
  EXPECT_EQ(ran.exit, 4);
  EXPECT_NE(ran.err.find("it did not happen"), std::string::npos) << ran.err;
}

TEST_F(CommandsTest, ADryRunOfASessionLeavesNoKeyBehind) {
  GrantSessionKey grant;
  grant.key = HdKey::from_seed(Mnemonic::parse(kPhrase)->seed()->view())->secret().public_key();
  std::vector<std::string> forgotten;
  node_.methods.add("session.new", [&](RpcParams& p) -> Result<Json> {
    grant.expires = Epoch(static_cast<std::uint32_t>(TRY(p.u64("expires"))));
    grant.per_call_cap = TRY(parse_amount(TRY(p.text("per_call_cap"))));
    grant.window_cap = TRY(parse_amount(TRY(p.text("window_cap"))));
    grant.window_epochs = static_cast<std::uint32_t>(TRY(p.u64("window_epochs")));
    return Json{{"address", dev0_text_}, {"grant", to_hex(encode(grant))}};
  });
  node_.methods.add("session.forget", [&](RpcParams& p) -> Result<Json> {
    forgotten.push_back(TRY(p.text("address")));
    return Json::object();
  });
  EXPECT_EQ(run({"wallet", "session", "create", "--dry-run"}).exit, 0);
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(forgotten.size(), 1u);
  refusal_ = "SessionExists";
  EXPECT_EQ(run({"wallet", "session", "create"}).exit, 7);
  EXPECT_EQ(forgotten.size(), 2u) << "a key that the ledger refused is of no use";
  refusal_ = "";
  never_final_ = true;
  EXPECT_EQ(run({"wallet", "session", "create", "--timeout", "1ms"}).exit, 8);
  EXPECT_EQ(forgotten.size(), 2u) << "it may have been granted";
  never_final_ = false;
  const Ran made = run({"wallet", "session", "create", "--json"});
  ASSERT_EQ(made.exit, 0) << made.err;
  EXPECT_EQ((*parse_json(made.out))["session"], dev0_text_);
  EXPECT_EQ(forgotten.size(), 2u);
}

TEST_F(CommandsTest, ASessionThatContradictsItselfOrAnotherIsNotAskedFor) {
  EXPECT_EQ(run({"wallet", "session", "create", "--per-call", "5", "--limit", "1"}).exit, 2);
  answer("session.list", Json::array({Json{{"label", "phone"}, {"state", "active"}, {"owner", "x"}},
                                      Json{{"label", "old"}, {"state", "revoked"}, {"owner", "x"}}}));
  const Ran ran = run({"wallet", "session", "create", "--label", "phone"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_NE(ran.err.find("micro wallet session revoke phone"), std::string::npos) << ran.err;
}

TEST_F(CommandsTest, ADryRunOfAClaimClaimsNothing) {
  bool claimed = false;
  node_.methods.add("stake.claim", [&](RpcParams&) -> Result<Json> {
    claimed = true;
    return Json{{"claims", Json::array()}, {"total", "0.000000"}};
  });
  answer("stake.rewards", Json{{"channels", Json::array()}, {"claimable", "2.000000"}});
  EXPECT_EQ(run({"stake", "claim", "--dry-run"}).out, "claimable 2.000000 TOK\n");
  EXPECT_EQ((*parse_json(run({"stake", "claim", "--dry-run", "--json"}).out))["claimable"], "2.000000");
  EXPECT_FALSE(claimed);
}

TEST_F(CommandsTest, ADryRunDoesNotSpeakOfSuccess) {
  const Ran ran = run({"wallet", "send", someone(), "1", "--dry-run"});
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err.find("dry run: nothing was signed or sent"), std::string::npos) << ran.err;
}

TEST_F(CommandsTest, ALotIsRefreshedWholeOrInPart) {
  answer("ledger.account", Json{{"lots",
                                 {Json{{"expiry", 30}, {"amount", "7.000000"}, {"class", "token"}},
                                  Json{{"expiry", 60}, {"amount", "2.000000"}, {"class", "base"}}}}});
  EXPECT_EQ(run({"wallet", "refresh", "30"}).exit, 0);
  ASSERT_NE(sent<RefreshLot>(0), nullptr);
  EXPECT_EQ(encode(*sent<RefreshLot>(0)), encode(RefreshLot{Epoch(30), LotClass::kToken, Amount(7'000'000)}));
  EXPECT_EQ(run({"wallet", "refresh", "60", "1.5"}).exit, 0);
  ASSERT_NE(sent<RefreshLot>(1), nullptr);
  EXPECT_EQ(encode(*sent<RefreshLot>(1)), encode(RefreshLot{Epoch(60), LotClass::kBase, Amount(1'500'000)}));
  EXPECT_EQ(run({"wallet", "refresh", "90"}).exit, 4);
}

TEST_F(CommandsTest, OfTwoLotsThatExpireTogetherTheOneThatIsNamedIsRefreshed) {
  answer("ledger.account", Json{{"lots",
                                 {Json{{"expiry", 30}, {"amount", "2.000000"}, {"class", "token"}},
                                  Json{{"expiry", 30}, {"amount", "7.000000"}, {"class", "base"}}}}});
  const Ran both = run({"wallet", "refresh", "30"});
  EXPECT_EQ(both.exit, 2);
  EXPECT_NE(both.err.find("--class token"), std::string::npos) << both.err;
  EXPECT_TRUE(sent_.empty());
  ASSERT_EQ(run({"wallet", "refresh", "30", "--class", "token"}).exit, 0);
  ASSERT_EQ(run({"wallet", "refresh", "30", "--class", "base"}).exit, 0);
  ASSERT_TRUE(sent<RefreshLot>(0) != nullptr && sent<RefreshLot>(1) != nullptr);
  EXPECT_EQ(sent<RefreshLot>(0)->cls, LotClass::kToken);
  EXPECT_EQ(sent<RefreshLot>(0)->amount, Amount(2'000'000));
  EXPECT_EQ(sent<RefreshLot>(1)->cls, LotClass::kBase);
  EXPECT_EQ(sent<RefreshLot>(1)->amount, Amount(7'000'000));
}

TEST_F(CommandsTest, HistoryShowsWhatCameAndWentAndTheFeesThatTheAccountPaid) {
  const std::string other(dev0_text_.rbegin(), dev0_text_.rend());
  const auto item = [&](const char* height, const char* kind, const Json& paid_by, Json event) {
    Json out{{"height", height},  {"txid", std::string(64, 'a')}, {"kind", kind}, {"status", "Ok"},
             {"fee", "0.000345"}, {"events", {std::move(event)}}};
    if (!paid_by.is_null()) out["paid_by"] = paid_by;
    return out;
  };
  answer("ledger.history",
         Json{{"items",
               {item("4", "Transfer", dev0_text_,
                     {{"kind", "Transferred"}, {"from", dev0_text_}, {"to", other}, {"amount", "1.500000"}}),
                item("5", "Transfer", other,
                     {{"kind", "Transferred"}, {"from", other}, {"to", dev0_text_}, {"amount", "2.000000"}}),
                item("6", "Finalize", nullptr,
                     {{"kind", "ChannelFinalized"}, {"host_owner", dev0_text_}, {"to_host", "0.700000"}})}},
              {"cursor", "4.0"}});
  const Ran ran = run({"wallet", "history", "dev0"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  std::vector<std::string> lines;
  for (std::istringstream in(ran.out); std::getline(in, lines.emplace_back());) {
  }
  ASSERT_GE(lines.size(), 4u) << ran.out;
  EXPECT_NE(lines[1].find("0.000345"), std::string::npos) << lines[1];
  EXPECT_NE(lines[1].find("-1.500000 to "), std::string::npos) << lines[1];
  EXPECT_EQ(lines[2].find("0.000345"), std::string::npos) << "who sent it paid that: " << lines[2];
  EXPECT_NE(lines[2].find("+2.000000 from "), std::string::npos) << lines[2];
  EXPECT_EQ(lines[3].find("0.000345"), std::string::npos) << "it came out of the channel: " << lines[3];
  EXPECT_NE(lines[3].find("+0.700000"), std::string::npos) << lines[3];
  EXPECT_NE(ran.err.find("--cursor 4.0"), std::string::npos) << ran.err;
}

TEST_F(CommandsTest, HelpIsOfWhatItNames) {
  const Ran all = run_bare({"help"});
  EXPECT_EQ(all.exit, 0);
  EXPECT_EQ(all.out, run_bare({"--help"}).out);
  EXPECT_NE(all.out.find("Exit codes: 0 ok"), std::string::npos);
  const Ran group = run_bare({"help", "wallet"});
  EXPECT_EQ(group.exit, 0) << group.err;
  EXPECT_EQ(group.out, run_bare({"wallet", "--help"}).out);
  EXPECT_NE(group.out.find("Usage: micro wallet"), std::string::npos) << group.out;
  EXPECT_EQ(run_bare({"help", "wallet", "send"}).out, run_bare({"wallet", "send", "--help"}).out);
  EXPECT_EQ(run_bare({"help", "nosuch"}).exit, 2);
  EXPECT_EQ(run_bare({"--version"}).out, run_bare({"version"}).out);
}

TEST_F(CommandsTest, ClaimsThatDidNotSucceedAreNoSuccess) {
  Json claim{{"txid", std::string(64, 'c')}, {"status", "Ok"}, {"amount", "1.000000"}};
  const auto claims = [&](const char* status) {
    claim["status"] = status;
    answer("stake.claim", Json{{"claims", {claim}}, {"total", "1.000000"}});
  };
  claims("unknown");
  const Ran ran = run({"stake", "claim"});
  EXPECT_EQ(ran.exit, 8);
  EXPECT_NE(ran.err.find("micro audit tx cccc"), std::string::npos) << ran.err;
}

TEST_F(CommandsTest, WhatIsNotWorthItsClaimsFeeIsNamed) {
  const Json skipped{{"channel", std::string(64, 'd')},
                     {"claimable", "0.000665"},
                     {"fee", "0.000700"},
                     {"reason", "below the claim's fee"}};
  answer("stake.claim", Json{{"claims", Json::array()}, {"skipped", {skipped}}, {"total", "0.000000"}});
  const Ran ran = run({"stake", "claim"});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.out, "claimed 0.000000 TOK; 1 not claimed\n");
  for (const char* part : {"dddddddddddd", "0.000665 TOK", "fee of 0.000700 TOK"})
    EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err;
  const auto json = parse_json(run({"stake", "claim", "--json"}).out);
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ((*json)["skipped"][0]["reason"], "below the claim's fee");
}

TEST_F(CommandsTest, SubmittedDoesNotWait) {
  never_final_ = true;
  const Ran ran = run({"wallet", "send", someone(), "1", "--wait=submitted"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_NE(ran.out.find("submitted"), std::string::npos);
}

TEST_F(CommandsTest, RefusalsHaveTheirCodes) {
  refusal_ = "NonceUsed";
  EXPECT_EQ(run({"wallet", "send", someone(), "1"}).exit, 7);
  refusal_ = "";
  outcome_ = "NameTaken";
  const Ran taken = run({"wallet", "send", someone(), "1"});
  EXPECT_EQ(taken.exit, 7);
  EXPECT_NE(taken.err.find("error: the ledger refused it: words; its fee of 0.000345 TOK was taken\nhint: advice\n"),
            std::string::npos)
      << taken.err;
  outcome_ = "InsufficientFunds";
  EXPECT_EQ(run({"wallet", "send", someone(), "1"}).exit, 6);
  live_ = "0.500000";
  EXPECT_EQ(run({"wallet", "send", someone(), "1"}).exit, 6);
}

TEST_F(CommandsTest, WrongUseIsExit2) {
  EXPECT_EQ(run({"wallet", "send", someone(), "1e3"}).exit, 2);
  EXPECT_EQ(run({"wallet", "send", someone()}).exit, 2);
  EXPECT_EQ(run({"wallet", "sedn", someone(), "1"}).exit, 2);
  EXPECT_EQ(run({"services", "--wait", "forever"}).exit, 2);
  EXPECT_EQ(run({"services", "--nonsense"}).exit, 2);
  const Ran near = run({"services", "--timeuot", "3s"});
  EXPECT_EQ(near.exit, 2);
  EXPECT_NE(near.err.find("did you mean --timeout? see `micro services --help`"), std::string::npos) << near.err;
  EXPECT_EQ(run({"services", "--env", "../etc"}).exit, 2);
  EXPECT_EQ(run({"audit", "tx", "zz"}).exit, 2);
  EXPECT_EQ(run({"audit", "block", "x1"}).exit, 2);
  EXPECT_EQ(run({"wallet", "send", "mnet1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "1"}).exit, 2);
  EXPECT_TRUE(sent_.empty());
}

TEST_F(CommandsTest, DevAccountsListsAndStartsNothing) {
  nodes_.run_dev = [](const DevOptions&) -> Status { return fail(Fault::kInternal, "a second network"); };
  answer("dev.accounts",
         Json{{"phrase", kPhrase},
              {"accounts", {Json{{"index", 0}, {"address", dev0_text_}, {"path", "m/0"}, {"live", "5"}}}}});
  const Ran ran = run({"dev", "accounts"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out.substr(0, ran.out.find(' ')), "NAME");
  EXPECT_NE(ran.out.find("dev0  " + dev0_text_), std::string::npos) << ran.out;
}

TEST_F(CommandsTest, WithoutANodeItIsExit3) {
  const Ran ran = run_bare({"services", "--socket", (node_.folder() / "absent.sock").string()});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_NE(ran.err.find("the node is not running"), std::string::npos);
  EXPECT_NE(ran.err.find("hint: start it with `micro server` or `micro dev`"), std::string::npos) << ran.err;
}

TEST_F(CommandsTest, StoppingWaitsUntilTheProcessIsGone) {
  std::array<int, 2> gate{};
  ASSERT_EQ(::pipe2(gate.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char go = 0;
    ::_exit(::read(gate[0], &go, 1) == 1 ? 0 : 1);
  }
  answer("node.info", Json{{"kind", "dev"}, {"pid", child}});
  answer("node.stop", Json::object());
  const Ran stays = run({"node", "stop", "--timeout", "10ms"});
  EXPECT_EQ(stays.exit, 8) << stays.err;
  EXPECT_NE(stays.err.find("has not ended"), std::string::npos) << stays.err;
  EXPECT_EQ(run({"node", "stop", "--wait=none"}).exit, 0);
  ASSERT_EQ(::write(gate[1], "g", 1), 1);
  const Ran ends = run({"node", "stop", "--json"});
  EXPECT_EQ(ends.exit, 0) << ends.err;
  EXPECT_EQ((*parse_json(ends.out))["state"], "stopped");
  EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), child) << "it had ended when the command returned";
  ::close(gate[0]), ::close(gate[1]);
}

TEST_F(CommandsTest, WhatANodeSaysWhenItCannotStartIsAnErrorLikeAllOthers) {
  nodes_.run_server = [](const ServerOptions&) -> Status {
    return fail(Fault::kBusy, "port 1 is in use", "name another");
  };
  const Ran people = run({"server"});
  EXPECT_EQ(people.exit, 1);
  EXPECT_EQ(people.err, "error: port 1 is in use\nhint: name another\n");
  const Ran json = run({"server", "--json"});
  EXPECT_EQ(json.out, "");
  EXPECT_EQ(json.err, R"({"code":1,"name":"busy","message":"port 1 is in use","hint":"name another","data":{}})"
                      "\n");
}

TEST_F(CommandsTest, AWalletIsMadeImportedAndUsed) {
  const auto password = node_.folder() / "password";
  std::ofstream(password) << "correct horse\n";
  const std::string words = (node_.folder() / "words").string();
  const std::string flag = "--password-file=" + password.string();
  const Ran made = run({"wallet", "new", "alice", "--phrase-file", words, flag});
  ASSERT_EQ(made.exit, 0) << made.err;
  EXPECT_TRUE(made.out.starts_with("alice  dmnet1")) << made.out;
  EXPECT_EQ(run({"wallet", "new", "alice", "--phrase-file", words + "2", flag}).exit, 2);
  EXPECT_FALSE(std::filesystem::exists(words + "2"));
  EXPECT_EQ(run({"wallet", "new", "bob", "--phrase-file", words, flag}).exit, 7);  // the file is there already
  EXPECT_EQ(run({"wallet", "import", "alice", "--phrase-file", words, flag}).exit, 2);
  EXPECT_EQ(run({"wallet", "import", "dev1", "--phrase-file", words, flag}).exit, 2);
  std::ofstream(node_.folder() / "empty") << "\n";
  const std::string empty = "--password-file=" + (node_.folder() / "empty").string();
  EXPECT_EQ(run({"wallet", "import", "eve", "--phrase-file", words, empty}).exit, 2);
  EXPECT_EQ(run({"wallet", "new", "eve", "--phrase-file", words + "3", empty}).exit, 2);
  const Ran again = run({"wallet", "import", "carol", "--phrase-file", words, flag});
  ASSERT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(again.out.substr(5), made.out.substr(5));  // the same words, the same address
  ASSERT_EQ(run({"wallet", "use", "carol/main"}).exit, 0);
  const Ran list = run({"wallet", "list"});
  EXPECT_NE(list.out.find("carol  main"), std::string::npos) << list.out;
  const Ran sent = run({"wallet", "send", someone(), "1", "--account", "alice", flag});
  EXPECT_EQ(sent.exit, 0) << sent.err;
  std::ofstream(password) << "wrong\n";
  EXPECT_EQ(run({"wallet", "send", someone(), "1", flag}).exit, 5);
  EXPECT_EQ(run({"wallet", "send", someone(), "1", "--no-input"}).exit, 5);
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

TEST_F(CommandsTest, APausedServiceSaysWhyAndWhatToDo) {
  const char* reason = "its fund does not pay for its hosting";
  const char* hint = "resume it with: micro service fund hello AMOUNT";
  answer("svc.list", Json::array({Json{{"name", "hello"}, {"state", "paused"}, {"reason", reason}, {"hint", hint}}}));
  const Ran listed = run({"services"});
  EXPECT_EQ(listed.out, "hello\n") << "names only, for scripts";
  EXPECT_EQ(listed.err, "hello is paused: its fund does not pay for its hosting; " + std::string(hint) + "\n");
  for (const char* local : {"none", "draining"}) {
    answer("svc.status", Json::array({Json{{"name", "hello"},
                                           {"state", "paused"},
                                           {"reason", reason},
                                           {"hint", hint},
                                           {"local", {{"state", local}}}}}));
    const Ran shown = run({"status"});
    for (const char* part : {"paused", reason, hint})
      EXPECT_NE(shown.out.find(part), std::string::npos) << local << "\n" << shown.out;
    EXPECT_EQ(shown.out.find(local), std::string::npos) << shown.out;
  }
}

}  // namespace
}  // namespace micro
