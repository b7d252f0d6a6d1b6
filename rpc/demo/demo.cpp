#include "rpc/demo/demo.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <cstdio>
#include <fstream>

#include "chain/base/clock.hpp"
#include "chain/types/amount.hpp"
#include "rpc/api/methods.hpp"
#include "rpc/client/node_client.hpp"
#include "rpc/demo/example_repo.hpp"
#include "rpc/demo/loopback_http.hpp"
#include "rpc/demo/subprocess.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kStartMs = 30'000;
constexpr int kPollMs = 50;
/// The ledger takes a claim a channel and epoch; a few epochs are enough for what the node claimed by itself, and the
/// rest.
constexpr std::uint64_t kClaimMs = 10'000;
constexpr std::string_view kExample = "services/examples/hello-c";
constexpr std::string_view kEndpoint = "hello";

/// Short epochs, so that the policy runs while somebody watches; everything else as on any network.
constexpr std::string_view kNodeSettings =
    "[network]\n"
    "epoch_ms = 500\n"
    "dispute_epochs = 20\n";

/// The checkout that this program was built from, or the one the person stands in.
Result<fs::path> find_example() {
  std::vector<fs::path> roots;
  if (const char* root = ::getenv("MICRO_SOURCE_DIR")) roots.emplace_back(root);
  for (fs::path at = own_program().parent_path(); at.has_relative_path(); at = at.parent_path()) roots.push_back(at);
  for (fs::path at = fs::current_path(); at.has_relative_path(); at = at.parent_path()) roots.push_back(at);
  for (const fs::path& root : roots) {
    if (fs::exists(root / kExample / "micro.json")) return root / kExample;
  }
  return fail(Fault::kNotFound, "the tour publishes " + std::string(kExample) + " and did not find it",
              "run it inside the checkout, or set MICRO_SOURCE_DIR");
}

Amount amount_in(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return {};
  return parse_amount(found->get<std::string>()).value_or(Amount());
}

std::string text_in(const Json& json, const char* key) {
  return json.value(key, std::string());
}

std::unexpected<Error> interrupted() {
  return fail(Fault::kInterrupted, "it was interrupted");
}

class Demo {
 public:
  Demo(const DemoOptions& options, fs::path folder, const Interrupts& interrupts)
      : options_(options), folder_(std::move(folder)), interrupts_(interrupts) {}

  Status run();
  Json document() const { return document_; }

 private:
  [[nodiscard]] fs::path log_file() const { return folder_ / "node.log"; }
  Status make_wallets();
  Status start_node();
  Status fund_and_offer();
  Status publish();
  Status pay_for_calls();
  Status second_version();
  Status claim();
  /// Sums the claims that the ledger has taken, whoever asked for them.
  Status read_claims();
  Status audit();
  Status add_up();

  /// This program's own command line, its answer as JSON.
  Result<Json> micro(std::vector<std::string> args);
  Result<std::string> call(const std::string& service, const std::string& name);
  void say(const std::string& text);

  DemoOptions options_;
  fs::path folder_;
  const Interrupts& interrupts_;
  Instant start_ = SystemClock().now();
  ProgramEnv env_;
  std::optional<BackgroundProgram> node_;
  std::optional<NodeClient> client_;
  std::optional<LoopbackHttp> http_;
  std::string token_;
  std::string operating_;  // address that sends the node's claims
  std::string bob_;
  std::string first_commit_;
  std::string second_commit_;
  std::uint64_t calls_ = 0;
  Amount paid_;
  Amount claimed_;  // of what was paid
  Amount earned_;
  Amount burned_;
  Json versions_ = Json::array();
  std::string decision_;
  std::string replay_;
  Json document_;
};

void Demo::say(const std::string& text) {
  if (options_.quiet) return;
  const std::uint64_t ms = (SystemClock().now().ns - start_.ns) / 1'000'000;
  fmt::print(stderr, "{:>3}.{} s  {}\n", ms / 1'000, ms % 1'000 / 100, text);
}

Result<Json> Demo::micro(std::vector<std::string> args) {
  std::vector<std::string> argv{own_program().string()};
  argv.insert(argv.end(), args.begin(), args.end());
  argv.emplace_back("--json");
  const ProgramResult result = TRY(run_program(argv, env_, interrupts_));
  if (result.exit_code != 0) {
    std::string line = "micro";
    for (const std::string& arg : args) line += " " + arg;
    return fail(fault_of_exit(result.exit_code),
                line + " ended with " + std::to_string(result.exit_code) + ": " + result.err);
  }
  return result.out.empty() ? Json::object() : parse_json(result.out);
}

Status Demo::make_wallets() {
  TRY(write_file_durably(folder_ / "password", as_bytes(std::string_view("correct horse battery staple")),
                         IfPresent::kRefuse));
  TRY(write_file_durably(folder_ / "node.toml", as_bytes(kNodeSettings), IfPresent::kRefuse));
  env_ = {{"MICRO_WALLETS", (folder_ / "wallets").string()},
          {"MICRO_PASSWORD_FILE", (folder_ / "password").string()},
          {"MICRO_DATA", (folder_ / "node").string()},
          {"MICRO_NO_INPUT", "true"},
          {"XDG_CONFIG_HOME", (folder_ / "config").string()}};
  for (const char* name : {"alice", "bob"}) {
    TRY(micro({"wallet", "new", name, "--phrase-file", (folder_ / (std::string(name) + ".words")).string()}));
  }
  say("two wallets: alice offers resources and publishes, bob calls");
  return {};
}

Status Demo::start_node() {
  const std::vector<std::string> argv{
      own_program().string(), "server", "--config", (folder_ / "node.toml").string(), "--http",
      "127.0.0.1:0",          "--json"};
  node_.emplace(TRY(BackgroundProgram::start(argv, env_, log_file())));
  client_.emplace(folder_ / "node" / "rpc.sock");
  for (std::uint64_t waited = 0;; waited += kPollMs) {
    const auto info = client_->call("node.info");
    if (info) {
      http_.emplace(TRY(LoopbackHttp::connect(text_in(*info, "http"))));
      const Bytes token = TRY(read_file(folder_ / "node" / "http.token", 256));
      token_ = std::string(as_text(token));
      operating_ = text_in(*info, "operating_address");
      say(fmt::format("a network of one, chain {}, at {}", text_in(*info, "chain_id").substr(0, 12),
                      text_in(*info, "http")));
      return {};
    }
    if (node_->ended() || waited > kStartMs) {
      const auto log = read_file(log_file(), 1u << 20);
      return fail(Fault::kUnreachable, "the node did not start: " + (log ? std::string(as_text(*log)) : ""));
    }
    if (interrupts_.wait(kPollMs)) return interrupted();
  }
}

Status Demo::fund_and_offer() {
  const Json bob = TRY(micro({"wallet", "address", "bob"}));
  bob_ = text_in(bob, "address");
  TRY(micro({"wallet", "send", bob_, "1000", "--account", "alice"}));
  say("alice sent bob 1000 TOK");
  TRY(micro({"stake", "offer", "--cpu", "2", "--mem", "4G", "--account", "alice"}));
  say("alice offers this machine: 2 cores, 4 GiB, with a bond of 10 TOK");
  return {};
}

Status Demo::publish() {
  const fs::path example = TRY(find_example());
  first_commit_ = TRY(start_repository(folder_ / "hello", example, "A service that greets"));
  say(fmt::format("published {} from git commit {}; it is fetched, built in a sandbox, attested and placed …", kExample,
                  first_commit_.substr(0, 7)));
  const Json service = TRY(micro({"run", (folder_ / "hello").string(), "--account", "alice", "--fund", "10"}));
  const Json version = service.value("version", Json::object());
  versions_.push_back({{"commit", first_commit_}, {"wasm_sha256", text_in(version, "wasm_sha256")}});
  say(fmt::format("built {} bytes of wasm, sha256 {}; placed by the policy; it answers at {}",
                  version.value("wasm_bytes", 0), text_in(version, "wasm_sha256").substr(0, 12),
                  text_in(service, "url")));
  return {};
}

Result<std::string> Demo::call(const std::string& service, const std::string& name) {
  if (interrupts_.came()) return interrupted();
  const HttpHeaders headers{
      {"Authorization", "Bearer " + token_}, {"Micro-Account", bob_}, {"Content-Type", "application/json"}};
  const HttpReply reply = TRY(
      http_->send("POST", "/api/" + service + "/" + std::string(kEndpoint), headers, json_text(Json{{"name", name}})));
  if (reply.status != 200) {
    return fail(Fault::kRejected, "a call was answered " + std::to_string(reply.status) + ": " + reply.body);
  }
  const auto charged = find_header(reply.headers, "micro-charged");
  if (!charged) return fail(Fault::kMismatch, "a paid call was answered without its price");
  ++calls_;
  paid_ = Amount(paid_.micro + TRY(parse_amount(*charged)).micro);
  return reply.body;
}

Status Demo::pay_for_calls() {
  const HttpReply unpaid = TRY(http_->send("GET", "/api/hello/hello", {}, ""));
  if (unpaid.status != 402)
    return fail(Fault::kMismatch, "a call without payment was answered " + std::to_string(unpaid.status));
  say("a call without payment is answered 402 Payment Required");
  TRY(micro({"wallet", "session", "create", "--account", "bob"}));
  say("bob lets the gateway pay for him, within caps that the ledger enforces");
  const Instant begin = SystemClock().now();
  std::string last;
  const std::uint32_t now = options_.calls - kLeastDemoCalls;  // the rest goes to the two versions
  for (std::uint32_t i = 0; i < now; ++i) last = TRY(call("hello", "caller " + std::to_string(i + 1)));
  const std::uint64_t us = (SystemClock().now().ns - begin.ns) / 1'000 / std::max(1U, now);
  while (last.ends_with('\n')) last.pop_back();
  say(fmt::format("{} paid calls over HTTP, {}.{} ms each, {} TOK together; the last said {}", now, us / 1'000,
                  us % 1'000 / 100, amount_text(paid_), last));
  return {};
}

Status Demo::second_version() {
  const fs::path file = folder_ / "hello" / "main.c";
  const Bytes raw = TRY(read_file(file, 1u << 20));
  std::string code(as_text(raw));
  const std::size_t at = code.find("Hello, ");
  if (at == std::string::npos) return fail(Fault::kInternal, "the example no longer says Hello");
  code.replace(at, 7, "Good morning, ");
  std::ofstream(file, std::ios::binary) << code;
  second_commit_ = TRY(commit_all(folder_ / "hello", "Greet politely"));
  const Json updated = TRY(micro({"update", "hello", "--account", "alice"}));
  const Json version = updated.value("version", Json::object());
  versions_.push_back({{"commit", second_commit_}, {"wasm_sha256", text_in(version, "wasm_sha256")}});
  const std::string fresh = TRY(call("hello", "Ada"));
  const std::string old = TRY(call("hello@" + first_commit_.substr(0, 10), "Ada"));
  if (fresh.find("Good morning, Ada") == std::string::npos || old.find("Hello, Ada") == std::string::npos) {
    return fail(Fault::kMismatch, "the versions answer \"" + fresh + "\" and \"" + old + "\"");
  }
  say(fmt::format("commit {} became a second version: hello says good morning, hello@{} still says hello; {} calls now",
                  second_commit_.substr(0, 7), first_commit_.substr(0, 7), calls_));
  return {};
}

Status Demo::claim() {
  // Over many calls the node claims by itself as well, and for an epoch a channel's next claim has to wait.
  for (std::uint64_t waited = 0; claimed_ < paid_ && waited < kClaimMs; waited += kPollMs) {
    if (waited > 0 && interrupts_.wait(kPollMs)) return interrupted();
    TRY(micro({"stake", "claim"}));
    TRY(read_claims());
  }
  if (claimed_ != paid_ || Amount(earned_.micro + burned_.micro) != paid_) {
    return fail(Fault::kMismatch,
                fmt::format("bob paid {}; {} of it is claimed, {} earned and {} burned", amount_text(paid_),
                            amount_text(claimed_), amount_text(earned_), amount_text(burned_)));
  }
  say(fmt::format("the host claimed on the ledger: of the {} TOK that bob paid alice earns {}, and {} are burned",
                  amount_text(paid_), amount_text(earned_), amount_text(burned_)));
  return {};
}

Status Demo::read_claims() {
  claimed_ = earned_ = burned_ = Amount();
  std::vector<std::string> args{"wallet", "history", operating_, "--limit", "200"};
  for (;;) {
    const Json page = TRY(micro(args));
    for (const Json& item : page.value("items", Json::array())) {
      for (const Json& event : item.value("events", Json::array())) {
        if (text_in(event, "kind") != "Claimed") continue;
        const auto add = [&](Amount& sum, const char* key) { sum = Amount(sum.micro + amount_in(event, key).micro); };
        add(claimed_, "charged");
        add(earned_, "to_host");
        add(earned_, "to_owner");  // alice is both
        add(burned_, "burned");
        add(burned_, "fee");
      }
    }
    if (!page.contains("cursor")) return {};
    args.resize(5);
    args.insert(args.end(), {"--cursor", text_in(page, "cursor")});
  }
}

Status Demo::audit() {
  const Json history = TRY(micro({"audit", "placements", "hello"}));
  const Json list = history.value("placements", Json::array());
  if (list.empty()) return fail(Fault::kMismatch, "the ledger records no placement of hello");
  decision_ = "D-" + text_in(list.back(), "decision");
  const Json checked = TRY(micro({"audit", "decision", decision_, "--replay"}));
  replay_ = text_in(checked, "replay");
  if (replay_ != "match") return fail(Fault::kMismatch, "the replay of " + decision_ + " says " + replay_);
  say(fmt::format("decision {} was checked from genesis and replayed: the policy says the same again", decision_));
  return {};
}

Status Demo::add_up() {
  const Json supply = TRY(client_->call("ledger.supply"));
  const auto sum = [&](std::initializer_list<const char*> keys) {
    Amount out;
    for (const char* key : keys) out = Amount(out.micro + amount_in(supply, key).micro);
    return out;
  };
  const Amount minted = amount_in(supply, "minted");
  const Amount accounted = sum({"live", "grace", "burned", "purged"});
  const Amount held = sum({"sum_accounts", "sum_channels", "sum_bonds", "sum_funds"});
  Amount purses;
  for (const char* name : {"alice", "bob"}) {
    purses = Amount(purses.micro + amount_in(TRY(micro({"wallet", "balance", name})), "live").micro);
  }
  const bool consistent = supply.value("consistent", Json()) == true;
  if (!consistent || minted != accounted || held != amount_in(supply, "live")) {
    return fail(Fault::kMismatch, "the supply does not add up: " + json_text(supply));
  }
  if (purses != amount_in(supply, "sum_accounts")) {
    return fail(Fault::kMismatch,
                "the purses hold " + amount_text(purses) + " and the accounts " + text_in(supply, "sum_accounts"));
  }
  say(fmt::format("it adds up: {} TOK minted = {} live + {} burned + {} expired", amount_text(minted),
                  text_in(supply, "live"), text_in(supply, "burned"), text_in(supply, "purged")));
  const std::uint64_t ms = (SystemClock().now().ns - start_.ns) / 1'000'000;
  const Amount live = sum({"live", "grace"});
  document_ = Json{{"service", "hello"},
                   {"versions", versions_},
                   {"decision", decision_},
                   {"replay", replay_},
                   {"calls", calls_},
                   {"paid", amount_text(paid_)},
                   {"earned", amount_text(earned_)},
                   {"burned", amount_text(burned_)},
                   {"supply",
                    {{"minted", amount_text(minted)},
                     {"live", amount_text(live)},
                     {"burned", text_in(supply, "burned")},
                     {"expired", text_in(supply, "purged")}}},
                   {"elapsed_ms", ms}};
  return {};
}

Status Demo::run() {
  TRY(find_example());  // before anything is made
  TRY(make_wallets());
  TRY(start_node());
  TRY(fund_and_offer());
  TRY(publish());
  TRY(pay_for_calls());
  TRY(second_version());
  TRY(claim());
  TRY(audit());
  TRY(add_up());
  client_.reset();
  http_.reset();
  node_->stop();
  return {};
}

}  // namespace

Status run_demo(const DemoOptions& options) {
  const Interrupts interrupts;
  std::string pattern = (fs::temp_directory_path() / "micro-demo-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    return fail(Fault::kIo, "cannot create a folder in " + fs::temp_directory_path().string(), "set TMPDIR");
  }
  const fs::path folder = pattern;
  Status done;
  Json document;
  {
    Demo demo(options, folder, interrupts);
    done = demo.run();
    document = demo.document();
  }
  if (!done && done.error().fault == Fault::kInterrupted && !options.keep) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    return fail(Fault::kInterrupted, "the tour stopped: " + done.error().message, "nothing of it is left");
  }
  if (!done) {
    return fail(done.error().fault, "the tour stopped: " + done.error().message,
                (done.error().hint.empty() ? "" : done.error().hint + "; ") + "its folder is kept: " + folder.string() +
                    ", where node.log tells what the node did");
  }
  if (options.json) {
    fmt::print("{}\n", json_text(document, 2));
  } else if (!options.quiet) {
    fmt::print(stderr,
               "\nThat was the whole job. Try it yourself:\n"
               "  ./micro dev                                  a network with funded accounts, in one terminal\n"
               "  ./micro run services/examples/hello-go       and in another: this one, or any repository of yours\n"
               "  ./micro call units '/convert/km/mi?value=42' a call that you pay for\n"
               "  ./micro audit placements units               why it runs where it runs\n");
  }
  if (options.keep) {
    if (!options.json) fmt::print(stderr, "the folder is kept: {}\n", folder.string());
    return {};
  }
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return {};
}

}  // namespace micro
