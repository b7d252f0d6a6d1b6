// `micro run` and `micro update`: what is sent for a source, and what is followed until it answers.
#include "chain/registry/service_rules.hpp"
#include "tests/gen/scripted_cli.hpp"

namespace micro {
namespace {

using test::Ran;

/// A source named hello, which the ledger does not know until it was published.
class RunTest : public test::ScriptedLedger {
 protected:
  RunTest() {
    commit_.data.fill(0xc0);
    service_.data.fill(0x5e);
    node_.methods.add("source.resolve", [this](RpcParams& p) -> Result<Json> {
      source_ = TRY(p.text("source"));
      return Json{{"repo_url", "https://example.org/o/r"},
                  {"subdir", "hello"},
                  {"commit", commit_.hex()},
                  {"commit_time_s", "1700000000"},
                  {"subject", "First"},
                  {"notes", {"C: found main.c"}},
                  {"suggested_name", "hello"},
                  {"price", "0.000100"},
                  {"memory_mib", 16},
                  {"description", "greets"}};
    });
    node_.methods.add("svc.describe", [this](RpcParams&) -> Result<Json> {
      const bool published = known_ || sent<PublishService>(0) != nullptr;
      if (!published) return fail(Fault::kNotFound, "no such service");
      return Json{{"name", "hello"},
                  {"service", service_.hex()},
                  {"owner", owner_.empty() ? dev0_text_ : owner_},
                  {"repo_url", "https://example.org/o/r"},
                  {"subdir", "hello"},
                  {"price", "0.000100"},
                  {"host_share_ppm", 700'000},
                  {"fund", fund_},
                  {"url", "http://hello.localhost:8080"}};
    });
    node_.methods.add("svc.versions", [this](RpcParams&) -> Result<Json> {
      if (asked_++ == 0 && sent_.empty()) return Json::array();
      Json version{{"commit", commit_.hex()},
                   {"state", state_},
                   {"hosts", Json::array()},
                   {"local", Json::object()},
                   {"memory_mib", 16}};
      if (asked_ > 2) version["wasm_sha256"] = std::string(64, 'a');
      if (asked_ > 2) version["wasm_bytes"] = 48000;
      if (asked_ > 3) version["hosts"] = Json::array({Json{{"node", std::string(64, 'b')}, {"decision", "3"}}});
      if (asked_ > 3) version["local"] = local_;
      return Json::array({version});
    });
    node_.methods.add("svc.retry", [this](RpcParams& p) -> Result<Json> {
      retried_.push_back(TRY(p.text("ref")));
      return Json{{"retried", true}};
    });
    answer("svc.logs",
           Json{{"items", {Json{{"cursor", "1"}, {"source", "build"}, {"text", "clang main.c"}}}}, {"cursor", "1"}});
  }

  CommitId commit_;
  ServiceId service_;
  std::string source_;
  std::string owner_;
  std::string fund_ = "0.000000";
  bool known_ = false;
  int asked_ = 0;
  std::vector<std::string> retried_;
  std::string state_ = "active";
  Json local_{{"state", "running"}};
};

TEST_F(RunTest, PublishesAnnouncesFundsAndFollows) {
  const Ran ran = run({"run", "example.org/o/r/hello"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  ASSERT_EQ(sent_.size(), 3u);
  const auto* published = sent<PublishService>(0);
  const auto* announced = sent<AnnounceVersion>(1);
  const auto* funded = sent<FundService>(2);
  ASSERT_TRUE(published != nullptr && announced != nullptr && funded != nullptr);
  EXPECT_EQ(published->name, "hello");
  EXPECT_EQ(published->price, Amount(100));
  EXPECT_EQ(announced->service, service_id(dev0_, sent_[0].body.nonce));
  EXPECT_EQ(announced->commit, commit_);
  EXPECT_EQ(announced->memory_mib, 16u);
  EXPECT_EQ(funded->amount, Amount(1'000'000));
  EXPECT_EQ(ran.out, "") << "nothing of this is data";
  for (const char* part : {"✓ resolved", "✓ published", "✓ announced", "✓ funded", "✓ built", "✓ placed", "✓ healthy",
                           "http://hello.localhost:8080"}) {
    EXPECT_NE(ran.err.find(part), std::string::npos) << part << "\n" << ran.err;
  }
}

TEST_F(RunTest, JsonIsOneDocumentHoweverItEnds) {
  const Ran dry = run({"run", "example.org/o/r/hello", "--dry-run", "--json"});
  ASSERT_EQ(dry.exit, 0) << dry.err;
  EXPECT_EQ(dry.err, "");
  auto document = parse_json(dry.out);
  ASSERT_TRUE(document.has_value()) << dry.out;
  EXPECT_EQ((*document)["transactions"][0]["kind"], "PublishService");
  EXPECT_TRUE(sent_.empty());
  const Ran submitted = run({"run", "example.org/o/r/hello", "--wait=submitted", "--json"});
  ASSERT_EQ(submitted.exit, 0) << submitted.err;
  document = parse_json(submitted.out);
  ASSERT_TRUE(document.has_value()) << submitted.out;
  EXPECT_EQ((*document)["commit"], commit_.hex());
  EXPECT_EQ((*document)["transactions"].size(), 3u);
  EXPECT_EQ((*document)["transactions"][0]["status"], "submitted");
  EXPECT_EQ((*document)["transactions"][1]["status"], "submitted");
  asked_ = 0;
  const Ran whole = run({"run", "example.org/o/r/hello", "--json"});
  ASSERT_EQ(whole.exit, 0) << whole.err;
  document = parse_json(whole.out);
  ASSERT_TRUE(document.has_value()) << whole.out;
  EXPECT_EQ((*document)["version"]["wasm_sha256"], std::string(64, 'a'));
}

TEST_F(RunTest, WhoDoesNotWantToWaitWaitsForNothing) {
  never_final_ = true;
  const Ran ran = run({"run", "example.org/o/r/hello", "--wait=none"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  ASSERT_EQ(sent_.size(), 3u);
  const ServiceId id = service_id(dev0_, sent_[0].body.nonce);
  ASSERT_TRUE(sent<AnnounceVersion>(1) != nullptr && sent<FundService>(2) != nullptr);
  EXPECT_EQ(sent<AnnounceVersion>(1)->service, id) << "known before anything is in a block";
  EXPECT_EQ(sent<FundService>(2)->service, id);
}

TEST_F(RunTest, OptionsThatAnExistingServiceMakesVoidAreNamed) {
  known_ = true;
  fund_ = "3.000000";
  const std::vector<std::string> command{"run", "example.org/o/r/hello", "--price", "0.5", "--fund",
                                         "2",   "--host-share",          "80"};
  const Ran ran = run(command);
  ASSERT_EQ(ran.exit, 0) << ran.err;
  ASSERT_EQ(sent_.size(), 1u) << "the version only";
  for (const char* part : {"--price was not applied", "micro service price hello 0.5", "--fund was not applied",
                           "micro service fund hello 2", "--host-share was not applied", "--host-share 80"}) {
    EXPECT_NE(ran.err.find(part), std::string::npos) << part << "\n" << ran.err;
  }
  std::vector<std::string> for_scripts = command;
  for_scripts.emplace_back("--json");
  const auto document = parse_json(run(for_scripts).out);
  ASSERT_TRUE(document.has_value());
  ASSERT_EQ((*document)["not_applied"].size(), 3u);
  EXPECT_EQ((*document)["not_applied"][0]["option"], "--price");
  const Ran same = run({"run", "example.org/o/r/hello", "--price", "0.0001", "--host-share", "70"});
  EXPECT_EQ(same.err.find("not applied"), std::string::npos) << same.err;
}

TEST_F(RunTest, AnotherOwnersNameIsRefused) {
  known_ = true;
  owner_ = "dmnet1somebody";
  const Ran ran = run({"run", "example.org/o/r/hello"});
  EXPECT_EQ(ran.exit, 7);
  EXPECT_NE(ran.err.find("choose another with --name"), std::string::npos) << ran.err;
  EXPECT_TRUE(sent_.empty());
}

TEST_F(RunTest, AServiceThatCannotRunHereSaysWhy) {
  local_ = Json{{"state", "error"}, {"error", "main.c:1: expected ';'"}, {"fault", "invalid"}};
  const Ran ran = run({"run", "example.org/o/r/hello"});
  EXPECT_EQ(ran.exit, 2) << "the ledger refused nothing: what was given is wrong";
  EXPECT_NE(ran.err.find("mend the source"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("expected ';'"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("micro logs hello"), std::string::npos) << ran.err;
}

TEST_F(RunTest, WhatTheBuildersDisagreeAboutIsRefusedByGovernance) {
  state_ = "irreproducible";
  const Ran ran = run({"run", "example.org/o/r/hello"});
  EXPECT_EQ(ran.exit, 9);
  EXPECT_NE(ran.err.find("different modules"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("micro logs hello"), std::string::npos) << ran.err;
  asked_ = 0;
  const auto error = parse_json(run({"run", "example.org/o/r/hello", "--json"}).err);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ((*error)["code"], 9);
  EXPECT_EQ((*error)["name"], "refused");
}

TEST_F(RunTest, TheMemoryOfAnAnnouncedCommitIsWhatItWasAnnouncedWith) {
  known_ = true;
  ASSERT_EQ(run({"run", "example.org/o/r/hello"}).exit, 0);
  sent_.clear();
  const Ran other = run({"run", "example.org/o/r/hello", "--memory", "64"});
  ASSERT_EQ(other.exit, 0) << other.err;
  EXPECT_NE(other.err.find("--memory was not applied"), std::string::npos) << other.err;
  EXPECT_NE(other.err.find("16 MiB"), std::string::npos) << other.err;
  const Ran same = run({"run", "example.org/o/r/hello", "--memory", "16"});
  EXPECT_EQ(same.err.find("not applied"), std::string::npos) << same.err;
}

TEST_F(RunTest, AModuleOverItsCapIsTheSourcesFault) {
  local_ = Json{{"state", "error"}, {"error", "it begins with 9 MiB of memory"}, {"fault", "limit"}};
  EXPECT_EQ(run({"run", "example.org/o/r/hello"}).exit, 2);
}

TEST_F(RunTest, AMachineThatFailsIsNotTheSourcesFault) {
  local_ = Json{{"state", "error"}, {"error", "stopped after 300 s"}, {"fault", "busy"}, {"retry_in_ms", "300000"}};
  const Ran ran = run({"run", "example.org/o/r/hello"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_NE(ran.err.find("tries again by itself"), std::string::npos) << ran.err;
}

TEST_F(RunTest, TheSameCommitAgainIsANewAttempt) {
  known_ = true;
  ASSERT_EQ(run({"run", "example.org/o/r/hello"}).exit, 0);
  EXPECT_TRUE(retried_.empty()) << "it was announced just now";
  const Ran again = run({"run", "example.org/o/r/hello"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(retried_, std::vector<std::string>{commit_.hex()});
}

TEST_F(RunTest, AFolderMayBeNamedWithoutADot) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(node_.folder().path());
  std::filesystem::create_directories("services/hello");
  EXPECT_EQ(run({"run", "services/hello@v1", "--dry-run"}).exit, 0);
  EXPECT_EQ(source_, (std::filesystem::weakly_canonical(node_.folder().path()) / "services/hello@v1").string());
  EXPECT_EQ(run({"run", "example.org/o/r", "--dry-run"}).exit, 0);
  EXPECT_EQ(source_, "example.org/o/r");
  std::filesystem::current_path(before);
}

TEST_F(RunTest, UpdateAnnouncesTheNewCommitOnly) {
  known_ = true;
  const Ran ran = run({"update", "hello", "main"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(source_, "https://example.org/o/r/hello@main");
  ASSERT_EQ(sent_.size(), 1u);
  ASSERT_NE(sent<AnnounceVersion>(0), nullptr);
  const Ran again = run({"update", "hello", "main"});
  EXPECT_EQ(again.exit, 0);
  EXPECT_EQ(sent_.size(), 1u);
  EXPECT_NE(again.err.find("nothing to do"), std::string::npos) << again.err;
}

TEST_F(RunTest, ANodeIsStartedWithWhatWasGiven) {
  ServerOptions server;
  DevOptions dev;
  DemoOptions demo;
  nodes_.run_server = [&](const ServerOptions& options) -> Status {
    server = options;
    return {};
  };
  nodes_.run_dev = [&](const DevOptions& options) -> Status {
    dev = options;
    return {};
  };
  nodes_.run_demo = [&](const DemoOptions& options) -> Status {
    demo = options;
    return {};
  };
  EXPECT_EQ(run({"server", "--network", "home", "--data", "/d", "--http", "127.0.0.1:1", "--free-calls"}).exit, 0);
  EXPECT_EQ(server.network, "home");
  EXPECT_EQ(server.data_dir, "/d");
  EXPECT_EQ(server.http_listen, "127.0.0.1:1");
  EXPECT_TRUE(server.free_calls);
  EXPECT_EQ(run({"server", "--env", "away", "--color=always"}).exit, 0);
  EXPECT_EQ(server.network, "away");
  EXPECT_TRUE(server.color);
  EXPECT_EQ(run({"server", "--network", "a/b"}).exit, 2);
  EXPECT_EQ(run({"dev", "--epoch-ms", "200"}).exit, 0);
  EXPECT_EQ(dev.epoch_ms, 200u);
  EXPECT_FALSE(dev.state_dir.has_value());
  EXPECT_FALSE(dev.color) << "stderr is no terminal here";
  EXPECT_EQ(run({"demo", "--calls", "7", "--json"}).exit, 0);
  EXPECT_EQ(demo.calls, 7u);
  EXPECT_TRUE(demo.json);
  EXPECT_EQ(run({"demo", "--calls", "1"}).exit, 2);
}

}  // namespace
}  // namespace micro
