#include "rpc/cli/audit_verify.hpp"
#include "rpc/cli/groups.hpp"
#include "wallet/tx/tx_text.hpp"

namespace micro {

namespace {

struct DecisionOptions {
  std::string decision;
  std::string genesis;
  bool replay = false;
};
struct PageOptions {
  std::uint32_t limit = 20;
  std::string cursor;
};
struct NamedOptions {
  std::string name;
  std::string genesis;
};

void row(Context& context, std::string_view label, const std::string& value) {
  if (value.empty()) return;
  context.out.line(std::string(label) + std::string(label.size() < 13 ? 13 - label.size() : 1, ' ') + printable(value));
}

/// "D-3" or "3".
Result<std::string> decision_number(std::string_view text) {
  if (text.starts_with("D-") || text.starts_with("d-")) text.remove_prefix(2);
  const bool digits =
      !text.empty() && text.size() < 20 && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) return fail(Fault::kInvalid, "\"" + std::string(text) + "\" is not a decision", "write it like D-3");
  return std::string(text);
}

Status audit_decision(Context& context, const DecisionOptions& o) {
  const std::string number = TRY(decision_number(o.decision));
  const Json answer = TRY(context.call("gov.decision", {{"decision", number}}));
  context.out.progress("checking the decision against its block");
  const DecisionAudit audit = TRY(check_decision(answer, number));
  context.out.progress("following the chain from its genesis");
  const ChainAudit chain = TRY(follow_chain(context, o.genesis, audit.header));
  std::string replay = "not run";
  if (o.replay) {
    if (!context.nodes().run_policy) return fail(Fault::kInternal, "this program was built without the policy engine");
    context.out.progress("running the rules again");
    TRY(check_replay(audit, context.nodes().run_policy));
    replay = "match";
  }
  const std::string signatures = std::to_string(chain.signers) + "/" + std::to_string(chain.committee);
  if (context.out.json()) {
    Json document;
    for (const char* key : {"decision", "height", "epoch", "action", "service", "version", "node", "reason", "policy",
                            "engine", "input_hash", "output_hash"}) {
      if (answer.contains(key)) document[key] = answer[key];
    }
    document["chain_id"] = chain.chain.hex();
    document["block"] = block_id(audit.header).hex();
    document["signatures"] = signatures;
    document["replay"] = replay;
    context.out.document(document);
    return {};
  }
  row(context, "decision",
      "D-" + number + ": " + text_or(answer, "action") + " " + text_or(answer, "service").substr(0, 12) + " on " +
          brief_hex(text_or(answer, "node"), 12) + ", " + text_or(answer, "reason"));
  row(context, "block", text_or(answer, "height") + "  " + block_id(audit.header).hex());
  row(context, "rules", audit.ran.policy.hex());
  row(context, "inputs", audit.ran.input.hex());
  row(context, "output", audit.ran.output.hex());
  row(context, "chain", chain.chain.hex() + ", " + std::to_string(chain.epochs) + " epochs followed");
  context.out.line("replay: " + replay + "  signatures " + signatures);
  return {};
}

Table decision_table(const Json& items) {
  Table table{{"HEIGHT", "DECISION", "ACTION", "VERSION", "NODE", "REASON"}, {}};
  for (const Json& item : items) {
    table.rows.push_back({text_or(item, "height"), "D-" + text_or(item, "decision"), text_or(item, "action"),
                          brief_hex(text_or(item, "commit", text_or(item, "version")), 7),
                          brief_hex(text_or(item, "node"), 12), text_or(item, "reason")});
  }
  return table;
}

Status audit_decisions(Context& context, const PageOptions& o) {
  Json params{{"limit", std::to_string(o.limit)}};
  if (!o.cursor.empty()) params["cursor"] = o.cursor;
  const Json page = TRY(context.call("gov.decisions", std::move(params)));
  if (context.out.json()) {
    context.out.document(page);
    return {};
  }
  context.out.table(decision_table(list_of(page, "items")));
  if (page.contains("cursor")) context.out.note("more: --cursor " + text_or(page, "cursor"));
  return {};
}

Status audit_placements(Context& context, const NamedOptions& o) {
  Json history = TRY(context.call("place.history", {{"name", o.name}}));
  if (context.out.json()) {
    context.out.document(Json{{"service", o.name}, {"placements", std::move(history)}});
    return {};
  }
  context.out.table(decision_table(history));
  return {};
}

Status audit_rules(Context& context, const NoOptions&) {
  const Json rules = TRY(context.call("gov.rules"));
  if (context.out.json()) {
    context.out.document(rules);
    return {};
  }
  row(context, "policy", text_or(rules, "policy"));
  row(context, "size", text_or(rules, "wasm_bytes") + " bytes of wasm");
  row(context, "engine", text_or(rules, "engine"));
  row(context, "parent", text_or(rules, "parent"));
  row(context, "state",
      text_or(rules, "frozen") == "true" ? "frozen: placements stay as they are"
                                         : text_or(rules, "failures", "0") + " failures in a row");
  const Json constitution = rules.value("constitution", Json::object());
  for (const auto& [key, value] : constitution.items()) {
    context.out.line("  " + key + std::string(key.size() < 26 ? 26 - key.size() : 1, ' ') + text_or(constitution, key));
  }
  return {};
}

Status audit_block(Context& context, const NamedOptions& o) {
  Json params = Json::object();
  params[o.name.size() == 64 ? "id" : "height"] = o.name;
  const Json answer = TRY(context.call("ledger.block", std::move(params)));
  const Block block = TRY(check_block(answer));
  const ChainAudit chain = TRY(follow_chain(context, o.genesis, block.header));
  const std::string signatures = std::to_string(chain.signers) + "/" + std::to_string(chain.committee);
  if (context.out.json()) {
    Json document = answer;
    document.erase("raw");
    document.erase("certificate_raw");
    document["chain_id"] = chain.chain.hex();
    document["verified"] = true;
    document["signatures"] = signatures;
    document["unit"] = "TOK";
    context.out.document(document);
    return {};
  }
  const Header& header = block.header;
  row(context, "block", header.height.text() + "  " + block_id(header).hex());
  row(context, "epoch", header.epoch.text() + (header.boundary ? ", its last block" : ""));
  row(context, "parent", header.parent.hex());
  row(context, "time", header.time.text() + " ms");
  row(context, "state", header.state_root.hex());
  row(context, "verified", "from genesis " + chain.chain.brief() + "…, signatures " + signatures);
  Table table{{"TX", "KIND", "SENDER", "STATUS"}, {}};
  for (const Json& tx : list_of(answer, "txs")) {
    table.rows.push_back(
        {text_or(tx, "txid"), text_or(tx, "kind"), brief_address(text_or(tx, "sender")), text_or(tx, "status")});
  }
  context.out.table(table);
  return {};
}

Status audit_tx(Context& context, const NamedOptions& o) {
  const TxId id = TRY(TxId::parse(o.name));
  auto asked = context.call("ledger.tx", {{"txid", id.hex()}});
  if (!asked && asked.error().fault == Fault::kNotFound) {
    return fail(Fault::kNotFound, "no block holds this transaction, and it does not wait to be put in one",
                "it did not happen; the same command may be given again");
  }
  Json answer = TRY(std::move(asked));
  const bool found = answer.contains("height");
  const bool pending = text_or(answer, "pending") == "true";
  std::optional<ChainAudit> chain;
  if (found) {
    const Json block = TRY(context.call("ledger.block", {{"height", text_or(answer, "height")}}));
    const Block whole = TRY(check_block(block));
    TRY(check_tx_in(whole, id));
    chain = TRY(follow_chain(context, o.genesis, whole.header));
  }
  if (context.out.json()) {
    answer.erase("raw");
    answer["verified"] = chain.has_value();
    answer["unit"] = "TOK";
    context.out.document(answer);
    return {};
  }
  row(context, "txid", id.hex());
  row(context, "state", pending ? "waits to be put in a block" : "final in block " + text_or(answer, "height"));
  row(context, "status", text_or(answer, "status_text", text_or(answer, "status")));
  row(context, "kind", text_or(answer, "kind"));
  row(context, "sender", text_or(answer, "sender"));
  row(context, "nonce", text_or(answer, "nonce"));
  row(context, "fee", answer.contains("fee") ? with_unit(text_or(answer, "fee")) : "");
  if (chain)
    row(context, "verified",
        "from genesis " + chain->chain.brief() + "…, signatures " + std::to_string(chain->signers) + "/" +
            std::to_string(chain->committee));
  for (const Json& event : list_of(answer, "events")) {
    std::string text;
    for (const auto& [key, value] : event.items()) {
      if (key != "kind") text += (text.empty() ? "" : "  ") + key + "=" + text_or(event, key);
    }
    context.out.line("  " + text_or(event, "kind") + "  " + printable(text));
  }
  return {};
}

Status audit_account(Context& context, const NamedOptions& o) {
  const Address address = TRY(context.find_address(o.name));
  const AccountAudit audit = TRY(check_account(context, o.genesis, address));
  Json answer = TRY(context.call("ledger.account", {{"address", address_text(TRY(context.kind()), address)}}));
  if (context.out.json()) {
    answer["verified"] = Json{{"height", audit.header.height.text()},
                              {"present", audit.account.has_value()},
                              {"lots", audit.account ? audit.account->purse.lots.size() : 0},
                              {"nonce", audit.account ? audit.account->nonce.text() : "0"},
                              {"chain_id", audit.chain.chain.hex()}};
    answer["unit"] = "TOK";
    context.out.document(answer);
    return {};
  }
  row(context, "address", text_or(answer, "address"));
  row(context, "live", with_unit(text_or(answer, "live")));
  row(context, "grace", with_unit(text_or(answer, "grace")));
  row(context, "nonce", audit.account ? audit.account->nonce.text() : "0");
  row(context, "verified",
      std::string(audit.account ? "its record" : "that it has no record") + " under the state of block " +
          audit.header.height.text() + ", from genesis " + audit.chain.chain.brief() + "…");
  if (!audit.account) return {};
  Table table{{"LOT", "AMOUNT", "CLASS"}, {}};
  for (const Lot& lot : audit.account->purse.lots) {
    table.rows.push_back({lot.expiry.text(), amount_text(lot.amount), lot.cls == LotClass::kBase ? "base" : "token"});
  }
  context.out.table(table);
  return {};
}

}  // namespace

void add_audit_commands(CLI::App& app, Context& context) {
  CLI::App* audit = add_group(app, "audit", "check what happened, from the genesis on");
  constexpr const char* kGenesisHelp = "the genesis file that you trust; without: the node's own";
  DecisionOptions* decided = nullptr;
  CLI::App* decision =
      add_command(*audit, context, "decision", "check one decision of the rules", audit_decision, decided);
  decision->add_option("decision", decided->decision, "like D-3")->required();
  decision->add_flag("--replay", decided->replay,
                     "run the rules again on the kept input; exit 10 when they say otherwise");
  decision->add_option("--genesis", decided->genesis, kGenesisHelp);
  PageOptions* page = nullptr;
  CLI::App* decisions = add_command(*audit, context, "decisions", "decisions, newest first", audit_decisions, page);
  decisions->add_option("-n,--limit", page->limit, "how many")->capture_default_str()->check(CLI::Range(1, 200));
  decisions->add_option("--cursor", page->cursor, "continue a list");
  NoOptions* none = nullptr;
  add_command(*audit, context, "rules", "the policy in force and what bounds it", audit_rules, none);
  NamedOptions* placed = nullptr;
  add_command(*audit, context, "placements", "where a service was placed, and why", audit_placements, placed)
      ->add_option("service", placed->name, "its name")
      ->required();
  const auto checked = [&](const char* name, const char* help, const char* what,
                           Status (*run)(Context&, const NamedOptions&)) {
    NamedOptions* options = nullptr;
    CLI::App* command = add_command(*audit, context, name, help, run, options);
    command->add_option(name, options->name, what)->required();
    command->add_option("--genesis", options->genesis, kGenesisHelp);
  };
  checked("block", "one block and its signatures", "height or id", audit_block);
  checked("tx", "what became of a transaction", "txid", audit_tx);
  checked("account", "an account's record, proven", "address, wallet or dev0 … dev9", audit_account);
}

}  // namespace micro
