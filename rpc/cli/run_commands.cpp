#include <unistd.h>

#include <chrono>
#include <thread>

#include "chain/registry/service_rules.hpp"
#include "rpc/api/methods.hpp"
#include "rpc/cli/groups.hpp"
#include "rpc/cli/transact.hpp"
#include "wallet/tx/tx_text.hpp"

namespace micro {

namespace {

/// Fetching a repository and looking at it.
constexpr std::uint64_t kResolveMs = 300'000;
constexpr std::uint64_t kPollMs = 150;
/// A build may take this long before `run` stops watching, unless --timeout says more.
constexpr std::uint64_t kBuildMs = 900'000;
constexpr std::uint32_t kDefaultHostSharePpm = 700'000;
constexpr const char* kDefaultFund = "1";

struct RunOptions {
  std::string source = ".";
  std::string name;
  std::string price;
  std::string fund;
  std::string memory;
  std::optional<std::uint32_t> host_share_percent;
};
struct UpdateOptions {
  std::string name;
  std::string ref;
};
struct Wanted {
  std::string name;
  std::string commit;
  std::uint64_t commit_time_s = 0;
  std::uint32_t memory_mib = 0;
  Json not_applied = Json::array();  ///< options that an existing service makes void: {option, hint}
};

/// A folder, although it does not begin with "./": its first part is no host's name, and it is there.
bool is_folder_here(const std::string& source) {
  const std::string first = source.substr(0, source.find('/'));
  std::error_code error;
  return first.find_first_of(".:") == std::string::npos &&
         std::filesystem::is_directory(source.substr(0, source.rfind('@')), error);
}

/// A path means something in this process's folder only: the node gets it absolute.
std::string absolute_source(const std::string& source) {
  if (!source.starts_with('.') && !source.starts_with('/') && !is_folder_here(source)) return source;
  const std::size_t at = source.rfind('@');
  const bool has_ref = at != std::string::npos && source.find('/', at) == std::string::npos;
  const std::filesystem::path path = source.substr(0, has_ref ? at : std::string::npos);
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(path, error);
  std::string text = error ? path.string() : whole.string();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text + (has_ref ? source.substr(at) : std::string());
}

Result<Json> resolve(Context& context, const std::string& source) {
  context.out.progress("looking at " + source);
  Json found = TRY(context.call_within("source.resolve", {{"source", source}}, CallEffect::kRead, kResolveMs));
  const std::string subject = text_or(found, "subject");
  context.out.done("resolved", brief_hex(TRY(text_of(found, "commit")), 7) + (subject.empty() ? "" : "  " + subject));
  for (const Json& note : list_of(found, "notes")) {
    if (note.is_string()) context.out.note("  " + printable(note.get<std::string>()));
  }
  if (text_or(found, "uncommitted_changes") == "true") {
    context.out.note("  the folder has changes that are not committed: they are not part of this version");
  }
  return found;
}

Result<std::optional<Json>> existing(Context& context, const std::string& name) {
  auto found = context.call("svc.describe", {{"name", name}});
  if (found) return std::optional<Json>(std::move(*found));
  if (found.error().fault == Fault::kNotFound) return std::optional<Json>();
  return std::unexpected(std::move(found).error());
}

/// Signs and sends one step; its result goes to `sent`.
Result<Nonce> step(Context& context, ActingAccount& account, Payload payload, const char* what,
                   const std::string& about, Json& sent) {
  const Transaction done = TRY(transact(context, account, std::move(payload)));
  sent.push_back(done.result);
  if (!context.globals.dry_run) context.out.done(what, about + "  " + outcome_text(done));
  return done.nonce;
}

/// The number of the service follows from its publisher and the transaction's nonce: nothing needs to be final for it.
Result<ServiceId> publish(Context& context, ActingAccount& account, const RunOptions& o, const Json& source,
                          const Wanted& wanted, Json& sent) {
  PublishService payload;
  payload.name = Text<kMaxServiceNameBytes>(wanted.name);
  payload.repo_url = Text<kMaxUrlBytes>(TRY(text_of(source, "repo_url")));
  payload.subdir = Text<kMaxSubdirBytes>(text_or(source, "subdir"));
  payload.description = Text<kMaxDescriptionBytes>(text_or(source, "description"));
  const bool fits = payload.name.size() <= kMaxServiceNameBytes && payload.repo_url.size() <= kMaxUrlBytes &&
                    payload.subdir.size() <= kMaxSubdirBytes && payload.description.size() <= kMaxDescriptionBytes;
  if (!fits) return fail(Fault::kInvalid, "the name, address or description of the source is too long");
  payload.price = TRY(parse_amount(o.price.empty() ? text_or(source, "price", "0.0001") : o.price));
  payload.host_share_ppm = o.host_share_percent ? *o.host_share_percent * 10'000 : kDefaultHostSharePpm;
  return service_id(account.address, TRY(step(context, account, payload, "published", wanted.name, sent)));
}

Status announce(Context& context, ActingAccount& account, const ServiceId& service, const Wanted& wanted, Json& sent) {
  AnnounceVersion payload;
  payload.service = service;
  payload.commit = TRY(CommitId::parse(wanted.commit));
  payload.commit_time_s = wanted.commit_time_s;
  payload.memory_mib = wanted.memory_mib;
  TRY(step(context, account, payload, "announced", brief_hex(wanted.commit, 7), sent));
  return {};
}

/// Whether the command ends with what it sent: nobody wants to wait for the build and the placement.
bool ends_here(Context& context, const Wanted& wanted, const Json& sent) {
  const Globals& g = context.globals;
  if (!g.dry_run && g.wait != WaitFor::kNone && g.wait != WaitFor::kSubmitted) return false;
  if (context.out.json()) {
    Json document{{"name", wanted.name}, {"commit", wanted.commit}, {"transactions", sent}, {"unit", "TOK"}};
    if (!wanted.not_applied.empty()) document["not_applied"] = wanted.not_applied;
    context.out.document(document);
  } else if (g.dry_run) {
    context.out.note("dry run: nothing was signed or sent");
  }
  return true;
}

/// The announced version as svc.versions shows it, or nothing when the ledger has none for this commit.
Result<std::optional<Json>> version_of(Context& context, const Wanted& wanted) {
  for (const Json& version : TRY(context.call("svc.versions", {{"name", wanted.name}}))) {
    if (text_or(version, "commit") == wanted.commit) return std::optional<Json>(version);
  }
  return std::optional<Json>();
}

/// Shows new lines of the build and returns the cursor after them.
std::string show_build(Context& context, const Wanted& wanted, const std::string& after) {
  const auto page =
      context.call("svc.logs", {{"name", wanted.name}, {"ref", wanted.commit}, {"after", after}, {"n", "200"}});
  if (!page) return after;
  for (const Json& item : list_of(*page, "items")) {
    if (text_or(item, "source") != "build") continue;
    if (context.globals.verbose) {
      context.out.note("  " + printable(text_or(item, "text")));
    } else {
      context.out.progress("building: " + text_or(item, "text"));
    }
  }
  return text_or(*page, "cursor", after);
}

enum class Stage : std::uint8_t { kAnnounced, kBuilt, kPlaced, kHealthy };

Result<Stage> stage_of(const Json& version, const std::string& name) {
  const std::string state = text_or(version, "state");
  const Json local = version.value("local", Json::object());
  const std::string local_state = text_or(local, "state");
  if (state == "irreproducible") {
    return fail(Fault::kRefused, "the builders got different modules from this commit",
                "see `micro logs " + name + "`");
  }
  if (local_state == "error") {
    const std::string error = text_or(local, "error");
    const std::string again = text_or(local, "retry_in_ms");
    Fault fault = fault_of_name(text_or(local, "fault"));
    // Over a cap is the source's fault as much as what does not compile.
    if (fault == Fault::kLimit || fault == Fault::kRefused) fault = Fault::kInvalid;
    return fail(fault, "this node cannot run it: " + (error.empty() ? local_state : error),
                "see `micro logs " + name + "`; " +
                    (again.empty() ? "the same commit fails the same way: mend the source and commit it"
                                   : "the node tries again by itself, `micro run` at once"));
  }
  if (local_state == "running") return Stage::kHealthy;
  const bool placed = !list_of(version, "hosts").empty();
  // Placed elsewhere only: what other machines do is theirs to say.
  if (placed && (local_state.empty() || local_state == "none")) return Stage::kHealthy;
  if (placed) return Stage::kPlaced;
  return version.contains("wasm_sha256") ? Stage::kBuilt : Stage::kAnnounced;
}

std::string built_text(const Json& version) {
  return text_or(version, "wasm_bytes", "?") + " bytes  sha256:" + brief_hex(text_or(version, "wasm_sha256"), 12);
}

std::string placed_text(const Json& version) {
  const Json& hosts = list_of(version, "hosts");
  if (hosts.empty()) return {};
  return "decision D-" + text_or(hosts[0], "decision", "?") + " → n-" + brief_hex(text_or(hosts[0], "node"), 6);
}

/// Follows a version from its announcement until it answers calls.
Result<Json> watch(Context& context, const Wanted& wanted) {
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t most = std::max(kBuildMs, context.globals.timeout_ms);
  Stage shown = Stage::kAnnounced;
  std::string cursor = "0";
  std::string waits;
  std::string_view said;
  for (;;) {
    cursor = show_build(context, wanted, cursor);
    const auto version = TRY(version_of(context, wanted));
    if (!version)
      return fail(Fault::kUnknownOutcome, "the ledger does not show the version yet",
                  "see `micro status " + wanted.name + "`");
    const Stage stage = TRY(stage_of(*version, wanted.name));
    if (shown < Stage::kBuilt && stage >= Stage::kBuilt) context.out.done("built", built_text(*version));
    if (shown < Stage::kPlaced && stage >= Stage::kPlaced) context.out.done("placed", placed_text(*version));
    shown = std::max(shown, stage);
    if (stage == Stage::kHealthy) return *version;
    waits = text_or(*version, "state");
    const std::string_view waiting = stage == Stage::kAnnounced ? "waiting for the build"
                                     : waits == "paused"        ? "waiting for funds"
                                                                : "waiting for a placement";
    if (said != waiting) context.out.progress(waiting);  // once, however many lines of the build come between
    said = waiting;
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    if (static_cast<std::uint64_t>(spent.count()) > most) {
      return fail(Fault::kUnknownOutcome, wanted.name + " does not run yet: " + waits,
                  "see `micro status " + wanted.name + "` and `micro logs " + wanted.name +
                      "`; a host offers resources with `micro stake offer`");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
}

Status report(Context& context, const Wanted& wanted, const Json& version) {
  Json service = TRY(context.call("svc.describe", {{"name", wanted.name}}));
  const std::string url = text_or(service, "url", "http://" + wanted.name + ".localhost:8080");
  const std::string price = text_or(service, "price");
  if (context.out.json()) {
    service.erase("versions");
    service["version"] = version;
    service["url"] = url;
    service["unit"] = "TOK";
    if (!wanted.not_applied.empty()) service["not_applied"] = wanted.not_applied;
    context.out.document(service);
    return {};
  }
  context.out.done("healthy", url + "  " + with_unit(price) + "/call");
  if (::isatty(1) == 1) context.out.note("try: micro call " + wanted.name + " / '{}'");
  return {};
}

Result<Wanted> wanted_from(const RunOptions& o, const Json& source) {
  Wanted wanted;
  wanted.name = o.name.empty() ? text_or(source, "suggested_name") : o.name;
  if (wanted.name.empty()) return fail(Fault::kInvalid, "the source names no service", "choose a name with --name");
  wanted.commit = TRY(text_of(source, "commit"));
  wanted.commit_time_s = TRY(number_of(source, "commit_time_s"));
  const std::uint64_t memory = TRY(number_of(source, "memory_mib"));
  if (!o.memory.empty()) {
    std::uint64_t mib = 0;
    for (const char c : o.memory)
      mib = c >= '0' && c <= '9' && mib < 1'000'000 ? mib * 10 + static_cast<std::uint64_t>(c - '0') : 1'000'000'000;
    if (mib > 65'536) return fail(Fault::kInvalid, "--memory takes MiB, like 32");
    wanted.memory_mib = static_cast<std::uint32_t>(mib);
  } else {
    wanted.memory_mib = static_cast<std::uint32_t>(memory);
  }
  return wanted;
}

/// Said, never dropped in silence.
void not_applied(Context& context, Wanted& wanted, const char* option, const std::string& why,
                 const std::string& hint) {
  context.out.note(std::string(option) + " was not applied: " + why + "; " + hint);
  wanted.not_applied.push_back({{"option", option}, {"reason", why}, {"hint", hint}});
}

/// The memory of a version is part of what was announced.
void check_memory(Context& context, const RunOptions& o, const Json& version, Wanted& wanted) {
  const std::string announced = text_or(version, "memory_mib");
  if (o.memory.empty() || announced == std::to_string(wanted.memory_mib)) return;
  not_applied(context, wanted, "--memory", "this commit was announced with " + announced + " MiB",
              "another commit can have another size");
}

/// What was asked of a service that exists already is done by other commands.
Status check_options(Context& context, const RunOptions& o, const Json& service, Wanted& wanted) {
  const auto void_here = [&](const char* option, const std::string& why, const std::string& hint) {
    not_applied(context, wanted, option, why, hint);
  };
  const std::string price = text_or(service, "price", "0");
  const std::string share = text_or(service, "host_share_ppm", "0");
  const bool other_price = !o.price.empty() && TRY(parse_amount(o.price)) != TRY(parse_amount(price));
  const bool other_share = o.host_share_percent && std::to_string(*o.host_share_percent * 10'000) != share;
  const std::string reprice = "set it with: micro service price " + wanted.name + " ";
  if (other_price) {
    void_here("--price", "the service exists and costs " + with_unit(price) + " a call", reprice + o.price);
  }
  if (other_share) {
    void_here("--host-share", "the service exists",
              reprice + (o.price.empty() ? price : o.price) + " --host-share " + std::to_string(*o.host_share_percent));
  }
  const std::string fund = text_or(service, "fund", "0");
  if (!o.fund.empty() && !TRY(parse_amount(fund)).is_zero()) {
    void_here("--fund", "the service has " + with_unit(fund) + " already",
              "add to it with: micro service fund " + wanted.name + " " + o.fund);
  }
  return {};
}

/// The service of this name, when it is this account's and of this source.
Status check_own(Context& context, const ActingAccount& account, const Json& service, const Json& source,
                 const Wanted& wanted) {
  const std::string owner = text_or(service, "owner");
  if (owner != address_text(TRY(context.kind()), account.address)) {
    return fail(Fault::kRejected, "the name " + wanted.name + " belongs to " + brief_address(owner),
                "choose another with --name");
  }
  if (text_or(service, "repo_url") != TRY(text_of(source, "repo_url")) ||
      text_or(service, "subdir") != text_or(source, "subdir")) {
    return fail(Fault::kRejected,
                "your service " + wanted.name + " has another source: " + text_or(service, "repo_url"),
                "choose another name with --name");
  }
  return {};
}

Status run(Context& context, const RunOptions& o) {
  const Json source = TRY(resolve(context, absolute_source(o.source)));
  Wanted wanted = TRY(wanted_from(o, source));
  const Amount fund = TRY(parse_amount(o.fund.empty() ? kDefaultFund : o.fund));
  ActingAccount account = TRY(context.acting());
  const auto service = TRY(existing(context, wanted.name));
  Json sent = Json::array();
  std::optional<ServiceId> id;
  bool known = false;
  if (service) {
    TRY(check_own(context, account, *service, source, wanted));
    TRY(check_options(context, o, *service, wanted));
    id = TRY(ServiceId::parse(TRY(text_of(*service, "service"))));
    const auto version = TRY(version_of(context, wanted));
    known = version.has_value();
    if (version) check_memory(context, o, *version, wanted);
  } else {
    id = TRY(publish(context, account, o, source, wanted, sent));
    if (context.globals.dry_run) {
      ends_here(context, wanted, sent);
      return {};
    }
  }
  if (!known) TRY(announce(context, account, *id, wanted, sent));
  if (known && !context.globals.dry_run) {
    TRY(context.call("svc.retry", {{"name", wanted.name}, {"ref", wanted.commit}}));  // if it had failed here
  }
  const bool has_fund = service && !TRY(parse_amount(text_or(*service, "fund", "0"))).is_zero();
  if (!fund.is_zero() && !has_fund) {
    TRY(step(context, account, FundService{*id, fund}, "funded", with_unit(amount_text(fund)), sent));
  }
  if (ends_here(context, wanted, sent)) return {};
  return report(context, wanted, TRY(watch(context, wanted)));
}

Status update(Context& context, const UpdateOptions& o) {
  const auto service = TRY(existing(context, o.name));
  if (!service) return fail(Fault::kNotFound, "there is no service " + o.name, "list them with `micro services`");
  const std::string subdir = text_or(*service, "subdir");
  std::string repo = TRY(text_of(*service, "repo_url"));
  if (!subdir.empty()) repo += "/" + subdir;
  const Json source = TRY(resolve(context, repo + (o.ref.empty() ? "" : "@" + o.ref)));
  RunOptions as_run;
  as_run.name = o.name;
  const Wanted wanted = TRY(wanted_from(as_run, source));
  if (const auto known = TRY(version_of(context, wanted))) {
    context.out.note("the newest commit is announced already: nothing to do");
    return report(context, wanted, *known);
  }
  ActingAccount account = TRY(context.acting());
  Json sent = Json::array();
  TRY(announce(context, account, TRY(ServiceId::parse(TRY(text_of(*service, "service")))), wanted, sent));
  if (ends_here(context, wanted, sent)) return {};
  return report(context, wanted, TRY(watch(context, wanted)));
}

}  // namespace

void add_run_commands(CLI::App& app, Context& context) {
  RunOptions* started = nullptr;
  CLI::App* start = add_command(app, context, "run", "a service from source: publish, fund, follow it until it answers",
                                run, started);
  start->add_option("source", started->source, "github.com/o/r/dir[@ref], an https:// repository, or a folder of one")
      ->capture_default_str();
  start->add_option("--name", started->name, "name of the service; without: from the source");
  start->add_option("--price", started->price, "tokens a completed call, besides gas");
  start->add_option("--fund", started->fund, "tokens that pay its hosting in advance")->default_str(kDefaultFund);
  start->add_option("--memory", started->memory, "MiB of memory; without: from the source");
  start->add_option("--host-share", started->host_share_percent, "percent of the price for the host")
      ->check(CLI::Range(0, 100));
  UpdateOptions* updated = nullptr;
  CLI::App* renew = add_command(app, context, "update", "announce a newer commit of a service", update, updated);
  renew->add_option("name", updated->name, "its name")->required();
  renew->add_option("ref", updated->ref, "branch, tag or commit; without: the default branch");
}

}  // namespace micro
