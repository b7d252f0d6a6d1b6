#include <chrono>

#include "rpc/cli/groups.hpp"
#include "rpc/cli/service_names.hpp"
#include "rpc/cli/transact.hpp"

namespace micro {

namespace {

/// Services write rarely; the node sends nothing meanwhile.
constexpr std::uint64_t kFollowIdleMs = 24ULL * 3'600'000;

struct NameOptions {
  std::string name;
};
struct PriceOptions {
  std::string name;
  std::string price;
  std::optional<std::uint32_t> host_share_percent;
};
struct FundOptions {
  std::string name;
  std::string amount;
};
struct LogsOptions {
  std::string name;
  bool follow = false;
  std::uint32_t lines = 15;
};

Result<Json> describe(Context& context, const std::string& name) {
  return context.call("svc.describe", {{"name", service_ref(name).name}});
}

Status services(Context& context, const NoOptions&) {
  Json list = TRY(context.call("svc.list"));
  if (context.out.json()) {
    context.out.document(Json{{"services", std::move(list)}, {"unit", "TOK"}});
    return {};
  }
  for (const Json& service : list) {
    const std::string name = text_or(service, "name");
    context.out.line(name);
    if (text_or(service, "state") == "paused")
      context.out.note(name + " is paused: " + text_or(service, "reason") + "; " + text_or(service, "hint"));
  }
  return {};
}

std::string since_text(const Json& entry) {
  const auto updated = number_of(entry, "updated");
  const auto now = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  if (!updated || *updated == 0) return {};
  return *updated < now ? format_duration(now - *updated) + " ago" : "now";
}

Status status(Context& context, const NameOptions& o) {
  Json params = Json::object();
  if (!o.name.empty()) params["name"] = o.name;
  Json list = TRY(context.call("svc.status", std::move(params)));
  if (context.out.json()) {
    context.out.document(Json{{"services", std::move(list)}});
    return {};
  }
  Table table{{"NAME", "VERSION", "SOURCE", "STATUS", "BUILD", "UPDATED", "METADATA"}, {}};
  for (const Json& entry : list) {
    const Json local = entry.value("local", Json::object());
    std::string state = text_or(entry, "state");
    std::string metadata;
    if (local.is_object() && !local.empty()) {
      // What the ledger decided comes first: what still drains here is paused all the same.
      if (state != "paused") state = text_or(local, "state", state);
      metadata = "calls=" + text_or(local, "calls", "0") + ",errors=" + text_or(local, "errors", "0");
      if (const std::string error = text_or(local, "error"); !error.empty()) metadata += ",error=" + error;
    }
    if (state == "paused")
      metadata += (metadata.empty() ? "" : ",") + text_or(entry, "reason") + "; " + text_or(entry, "hint");
    table.rows.push_back({text_or(entry, "name"), brief_hex(text_or(entry, "commit"), 7), text_or(entry, "source"),
                          state, brief_hex(text_or(entry, "wasm_sha256"), 7), since_text(entry), metadata});
  }
  context.out.table(table);
  return {};
}

void print_line(Context& context, const Json& item) {
  if (context.out.json()) return context.out.item(item);
  context.out.line(text_or(item, "text"));
}

Status logs(Context& context, const LogsOptions& o) {
  const ServiceRef ref = service_ref(o.name);
  Json params{{"name", ref.name}, {"n", std::to_string(o.lines)}};
  if (!ref.ref.empty()) params["ref"] = ref.ref;
  const Json page = TRY(context.call("svc.logs", std::move(params)));
  for (const Json& item : list_of(page, "items")) print_line(context, item);
  if (!o.follow) return {};
  std::string target =
      "/svc/logs?name=" + url_component(ref.name) + "&after=" + url_component(text_or(page, "cursor", "0"));
  if (!ref.ref.empty()) target += "&ref=" + url_component(ref.ref);
  NodeClient* node = TRY(context.node());
  Status broken;
  TRY(node->follow(
      target,
      [&](std::string_view line) {
        auto item = parse_json(line);
        if (!item) {
          broken = std::unexpected(std::move(item).error());
          return false;
        }
        print_line(context, *item);
        std::fflush(stdout);
        return true;
      },
      kFollowIdleMs));
  return broken;
}

Status service_describe(Context& context, const NameOptions& o) {
  Json service = TRY(describe(context, o.name));
  if (context.out.json()) {
    service["unit"] = "TOK";
    context.out.document(service);
    return {};
  }
  const auto row = [&](const char* label, const std::string& value) {
    if (!value.empty()) context.out.line(std::string(label) + std::string(14 - std::string(label).size(), ' ') + value);
  };
  row("name", text_or(service, "name"));
  row("service", text_or(service, "service"));
  row("owner", text_or(service, "owner"));
  const std::string subdir = text_or(service, "subdir");
  row("source", text_or(service, "repo_url") + (subdir.empty() ? "" : "/" + subdir));
  row("price", with_unit(text_or(service, "price")) + " a call, and gas");
  row("host share", std::to_string(TRY(number_of(service, "host_share_ppm")) / 10'000) + " %");
  row("description", text_or(service, "description"));
  row("fund", with_unit(text_or(service, "fund")) + ", " + text_or(service, "upkeep_per_epoch", "0") + " an epoch");
  row("active", text_or(service, "active"));
  row("url", text_or(service, "url"));
  return {};
}

Status service_versions(Context& context, const NameOptions& o) {
  Json list = TRY(context.call("svc.versions", {{"name", o.name}}));
  if (context.out.json()) {
    context.out.document(Json{{"versions", std::move(list)}});
    return {};
  }
  Table table{{"NUMBER", "COMMIT", "STATE", "BUILDERS", "WASM", "BYTES", "MEMORY", "HOSTS"}, {}};
  for (const Json& v : list) {
    table.rows.push_back({text_or(v, "ordinal"), brief_hex(text_or(v, "commit"), 12), text_or(v, "state"),
                          text_or(v, "attested") + "/" + text_or(v, "builders"),
                          brief_hex(text_or(v, "wasm_sha256"), 12), text_or(v, "wasm_bytes"),
                          text_or(v, "memory_mib") + "MiB", std::to_string(list_of(v, "hosts").size())});
  }
  context.out.table(table);
  return {};
}

Result<ServiceId> id_of(const Json& service) {
  return ServiceId::parse(TRY(text_of(service, "service")));
}

Status finish(Context& context, ActingAccount& account, Payload payload, const std::string& text) {
  const Transaction done = TRY(transact(context, account, std::move(payload)));
  print_outcome_and_block(context, done, text);
  return {};
}

Status service_price(Context& context, const PriceOptions& o) {
  const Json service = TRY(describe(context, o.name));
  ActingAccount account = TRY(context.acting());
  SetPrice set;
  set.service = TRY(id_of(service));
  set.price = TRY(parse_amount(o.price));
  set.host_share_ppm = o.host_share_percent ? *o.host_share_percent * 10'000
                                            : static_cast<std::uint32_t>(TRY(number_of(service, "host_share_ppm")));
  return finish(context, account, set, o.name + " costs " + with_unit(amount_text(set.price)) + " a call");
}

Status service_fund(Context& context, const FundOptions& o) {
  const Json service = TRY(describe(context, o.name));
  ActingAccount account = TRY(context.acting());
  const Amount amount = TRY(some_tokens(o.amount));
  return finish(context, account, FundService{TRY(id_of(service)), amount},
                o.name + " funded with " + with_unit(amount_text(amount)));
}

Status service_unfund(Context& context, const FundOptions& o) {
  const Json service = TRY(describe(context, o.name));
  ActingAccount account = TRY(context.acting());
  const std::string fund = TRY(text_of(service, "fund"));
  if (TRY(parse_amount(fund)).is_zero()) return fail(Fault::kFunds, o.name + " has no fund that could be taken back");
  UnfundService take{TRY(id_of(service)), {}};
  if (!o.amount.empty()) take.amount = TRY(some_tokens(o.amount));
  const std::string back = take.amount ? with_unit(amount_text(*take.amount)) : "all that was unspent";
  return finish(context, account, take, back + " back from " + o.name + ": nothing new is placed without a fund");
}

}  // namespace

void add_service_commands(CLI::App& app, Context& context) {
  NoOptions* none = nullptr;
  add_command(app, context, "services", "names of the services of the network", services, none);
  NameOptions* shown = nullptr;
  add_command(app, context, "status", "state of each service and version", status, shown)
      ->add_option("name", shown->name, "only this service");
  LogsOptions* read = nullptr;
  CLI::App* log = add_command(app, context, "logs", "what a service and its build wrote", logs, read);
  log->add_option("name", read->name, "NAME or NAME@COMMIT")->required();
  log->add_flag("-f,--follow", read->follow, "go on as new lines come");
  log->add_option("-n,--lines", read->lines, "how many of the newest lines")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096));

  CLI::App* service = add_group(app, "service", "one service: its record, versions, price and fund");
  NameOptions* described = nullptr;
  add_command(*service, context, "describe", "the ledger's record of a service", service_describe, described)
      ->add_option("name", described->name, "its name")
      ->required();
  NameOptions* listed = nullptr;
  add_command(*service, context, "versions", "its commits, builds and hosts", service_versions, listed)
      ->add_option("name", listed->name, "its name")
      ->required();
  PriceOptions* priced = nullptr;
  CLI::App* price = add_command(*service, context, "price", "set what a call costs", service_price, priced);
  price->add_option("name", priced->name, "its name")->required();
  price->add_option("amount", priced->price, "tokens a completed call, besides gas")->required();
  price->add_option("--host-share", priced->host_share_percent, "percent of it for the host")
      ->check(CLI::Range(0, 100));
  FundOptions* funded = nullptr;
  CLI::App* fund = add_command(*service, context, "fund", "pay for its hosting in advance", service_fund, funded);
  fund->add_option("name", funded->name, "its name")->required();
  fund->add_option("amount", funded->amount, "tokens")->required();
  FundOptions* unfunded = nullptr;
  CLI::App* unfund = add_command(*service, context, "unfund",
                                 "take back what is unspent: the only way to end a service", service_unfund, unfunded);
  unfund->add_option("name", unfunded->name, "its name")->required();
  unfund->add_option("amount", unfunded->amount, "tokens; without: all");
}

}  // namespace micro
