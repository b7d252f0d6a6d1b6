#include "rpc/cli/groups.hpp"
#include "rpc/cli/transact.hpp"

namespace micro {

namespace {

constexpr std::uint64_t kDayMs = 86'400'000;
constexpr std::uint64_t kDefaultSessionDays = 7;

struct CreateOptions {
  std::string label = "default";
  std::vector<std::string> services;
  std::string per_call = "0.1";
  std::string window = "10";
  std::string window_time = "24h";
  std::uint64_t days = kDefaultSessionDays;
};
struct RevokeOptions {
  std::string key;
};

/// Whole epochs that cover a time, at least one.
Result<std::uint32_t> epochs_for(std::uint64_t ms, const ChainParams& params) {
  const std::uint64_t epochs = (ms + params.epoch_ms - 1) / params.epoch_ms;
  if (epochs > std::numeric_limits<std::uint32_t>::max() / 2) return fail(Fault::kInvalid, "that is too far ahead");
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(epochs, 1));
}

/// A label in use names nothing: `revoke` could not tell which key is meant.
Status check_label(Context& context, const std::string& label) {
  for (const Json& session : TRY(context.call("session.list"))) {
    const std::string state = text_or(session, "state");
    if (text_or(session, "label") != label || state == "revoked" || state == "expired") continue;
    return fail(Fault::kInvalid, "a session key of this node is named " + label + " already",
                "choose another --label, or end that key with `micro wallet session revoke " + label + "`");
  }
  return {};
}

Status session_create(Context& context, const CreateOptions& o) {
  ActingAccount account = TRY(context.acting());
  const NetworkKind kind = TRY(context.kind());
  const ChainView view = TRY(chain_view(context, account.address));
  const Json head = TRY(context.call("ledger.head"));
  const std::uint64_t ends = TRY(number_of(head, "epoch")) + TRY(epochs_for(o.days * kDayMs, view.params));
  const std::uint32_t window = TRY(epochs_for(TRY(parse_duration_ms(o.window_time)), view.params));
  const Amount per_call = TRY(parse_amount(o.per_call));
  const Amount cap = TRY(parse_amount(o.window));
  if (per_call > cap) {
    return fail(Fault::kInvalid,
                "one call may cost more than a whole window: " + amount_text(per_call) + " of " + amount_text(cap),
                "lower --per-call or raise --limit");
  }
  TRY(check_label(context, o.label));
  const Json made = TRY(context.call("session.new",
                                     {{"owner", address_text(kind, account.address)},
                                      {"label", o.label},
                                      {"expires", ends},
                                      {"per_call_cap", amount_text(per_call)},
                                      {"window_cap", amount_text(cap)},
                                      {"window_epochs", window},
                                      {"services", o.services}},
                                     CallEffect::kChange));
  const auto grant = TRY(decode<GrantSessionKey>(TRY(from_hex(TRY(text_of(made, "grant"))))));
  // The node made the key; what is signed must still be what was asked for here.
  if (grant.per_call_cap != per_call || grant.window_cap != cap || grant.expires.value != ends ||
      grant.window_epochs != window || grant.services.size() != o.services.size()) {
    return fail(Fault::kMismatch, "the node asks to grant other terms than yours: nothing was signed");
  }
  const auto granted = transact(context, account, grant);
  const bool kept = granted && !context.globals.dry_run;
  // A key that nobody granted is of no use; after an unknown outcome it may have been granted.
  if (!kept && (granted || granted.error().fault != Fault::kUnknownOutcome)) {
    static_cast<void>(context.call("session.forget", {{"address", text_or(made, "address")}}, CallEffect::kChange));
  }
  const Transaction done = TRY(granted);
  if (context.out.json()) {
    Json document = done.result;
    document["session"] = text_or(made, "address");
    document["unit"] = "TOK";
    context.out.document(document);
    return {};
  }
  if (context.globals.dry_run) {
    context.out.note(outcome_text(done));
    return {};
  }
  context.out.line(text_or(made, "address") + "  " + with_unit(amount_text(per_call)) + " a call, " +
                   with_unit(amount_text(cap)) + " a window of " + o.window_time + ", for " + std::to_string(o.days) +
                   " d");
  context.out.note(outcome_text(done));
  return {};
}

Status session_list(Context& context, const NoOptions&) {
  Json sessions = TRY(context.call("session.list"));
  if (context.out.json()) {
    context.out.document(Json{{"sessions", std::move(sessions)}, {"unit", "TOK"}});
    return {};
  }
  Table table{{"LABEL", "KEY", "OWNER", "STATE", "A CALL", "SPENT", "OF", "EXPIRES"}, {}};
  for (const Json& s : sessions) {
    table.rows.push_back({text_or(s, "label"), text_or(s, "address"), brief_address(text_or(s, "owner")),
                          text_or(s, "state"), text_or(s, "per_call_cap"), text_or(s, "window_spent"),
                          text_or(s, "window_cap"), "epoch " + text_or(s, "expires")});
  }
  context.out.table(table);
  return {};
}

/// By its address, or by its label when only one key of this node has it.
Result<std::string> find_session(Context& context, const std::string& name) {
  if (parse_address(TRY(context.kind()), name)) return name;
  std::optional<std::string> found;
  for (const Json& session : TRY(context.call("session.list"))) {
    const std::string state = text_or(session, "state");
    if (text_or(session, "label") != name || state == "revoked" || state == "expired") continue;
    if (found) return fail(Fault::kInvalid, "several session keys are named " + name, "give the key's address");
    found = text_or(session, "address");
  }
  if (found) return *found;
  return fail(Fault::kNotFound, "there is no session key \"" + name + "\"",
              "list them with `micro wallet session list`");
}

Status session_revoke(Context& context, const RevokeOptions& o) {
  ActingAccount account = TRY(context.acting());
  const std::string session = TRY(find_session(context, o.key));
  const Address key = TRY(parse_address(TRY(context.kind()), session));
  const Transaction done = TRY(transact(context, account, RevokeSessionKey{key}));
  const bool is_final = done.result.contains("height");
  if (is_final) {
    auto forgotten = context.call("session.forget", {{"address", session}}, CallEffect::kChange);
    if (!forgotten && forgotten.error().fault != Fault::kNotFound) context.out.note(forgotten.error().message);
  }
  print_outcome_and_block(context, done, "revoked " + session);
  return {};
}

}  // namespace

void add_session_commands(CLI::App& wallet, Context& context) {
  CLI::App* session = add_group(wallet, "session", "keys with a cap, with which the node pays for calls");
  CreateOptions* made = nullptr;
  CLI::App* create =
      add_command(*session, context, "create", "let this node pay for calls, within caps", session_create, made);
  create->add_option("--label", made->label, "a name for you")->capture_default_str();
  create->add_option("--service", made->services, "only this service; may be repeated; without: any");
  create->add_option("--per-call", made->per_call, "most that one call may cost, in tokens")->capture_default_str();
  create->add_option("--limit", made->window, "most that a window may cost, in tokens")->capture_default_str();
  create->add_option("--window", made->window_time, "length of the window")->capture_default_str();
  create->add_option("--days", made->days, "life of the key")->capture_default_str()->check(CLI::Range(1, 365));
  NoOptions* none = nullptr;
  add_command(*session, context, "list", "session keys of this node", session_list, none);
  RevokeOptions* revoked = nullptr;
  add_command(*session, context, "revoke", "end a session key now", session_revoke, revoked)
      ->add_option("key", revoked->key, "its address or label in `micro wallet session list`")
      ->required();
}

}  // namespace micro
