#include "chain/economy/lot.hpp"
#include "chain/governance/policy_abi.hpp"
#include "consensus/core/fork_proof.hpp"
#include "rpc/api/json_names.hpp"
#include "rpc/cli/audit_verify.hpp"
#include "rpc/cli/collect_evidence.hpp"
#include "rpc/cli/groups.hpp"
#include "wallet/disk/files.hpp"
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
struct EvidenceOptions {
  std::string file;
  std::vector<std::string> collect;
  std::string out;
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

std::string signatures_text(const ChainAudit& chain) {
  return std::to_string(chain.signers) + "/" + std::to_string(chain.committee);
}

/// What was decided, as the block that was checked has it.
Json decision_json(const DecisionAudit& audit, const std::string& number) {
  Json out{{"decision", number},
           {"height", audit.header.height.text()},
           {"epoch", audit.header.epoch.value},
           {"policy", audit.ran.policy.hex()},
           {"engine", audit.ran.engine.hex()},
           {"input_hash", audit.ran.input.hex()},
           {"output_hash", audit.ran.output.hex()}};
  const auto tell = [&](const char* action, const auto& event) {
    out["action"] = action;
    out["service"] = event.service.hex();
    out["version"] = event.version.hex();
    out["node"] = event.node.hex();
    out["reason"] = decision_reason_text(static_cast<DecisionReason>(event.reason));
  };
  if (const auto* placed = std::get_if<event::Placed>(&audit.decision)) tell("placed", *placed);
  if (const auto* drained = std::get_if<event::Drained>(&audit.decision)) tell("drained", *drained);
  return out;
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
  const Json decided = decision_json(audit, number);
  if (context.out.json()) {
    Json document = decided;
    document["chain_id"] = chain.chain.hex();
    document["block"] = block_id(audit.header).hex();
    document["signatures"] = signatures_text(chain);
    document["replay"] = replay;
    context.out.document(document);
    return {};
  }
  row(context, "decision",
      "D-" + number + ": " + text_or(decided, "action") + " " + brief_hex(text_or(decided, "service"), 12) + " on " +
          brief_hex(text_or(decided, "node"), 12) + ", " + text_or(decided, "reason"));
  row(context, "block", text_or(decided, "height") + "  " + block_id(audit.header).hex());
  row(context, "rules", audit.ran.policy.hex());
  row(context, "inputs", audit.ran.input.hex());
  row(context, "output", audit.ran.output.hex());
  row(context, "chain", chain.chain.hex() + ", " + std::to_string(chain.epochs) + " epochs followed");
  context.out.line("replay: " + replay + "  signatures " + signatures_text(chain));
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

/// A transaction and what became of it, as the block that was checked has it.
Json tx_json(const BlockAudit& audit, std::size_t index, NetworkKind kind) {
  const TxBody& body = audit.block.txs[index].body;
  const TxReceipt& receipt = audit.receipts.receipts[index];
  return Json{{"txid", receipt.tx.hex()},
              {"kind", tx_kind_name(body.payload.index())},
              {"sender", address_text(kind, body.sender)},
              {"nonce", body.nonce.text()},
              {"status", tx_status_name(receipt.status)},
              {"status_text", tx_status_text(receipt.status)},
              {"ok", receipt.status == TxStatus::kOk},
              {"fee", amount_text(receipt.fee)},
              {"events", to_json(JsonContext{kind}, receipt.events)}};
}

Status audit_block(Context& context, const NamedOptions& o) {
  const bool is_id = BlockId::parse(o.name).has_value();
  const bool is_height = !o.name.empty() && o.name.find_first_not_of("0123456789") == std::string::npos;
  if (!is_id && !is_height) {
    return fail(Fault::kInvalid, "\"" + o.name.substr(0, 80) + "\" is neither a height nor the id of a block");
  }
  Json params = Json::object();
  params[is_id ? "id" : "height"] = o.name;
  const Json answer = TRY(context.call("ledger.block", std::move(params)));
  const BlockAudit audit = TRY(check_block(answer));
  const Header& header = audit.block.header;
  const bool asked_for = o.name == header.height.text() || o.name == block_id(header).hex();
  if (!asked_for) return fail(Fault::kMismatch, "the node shows another block than " + o.name);
  const ChainAudit chain = TRY(follow_chain(context, o.genesis, header));
  const NetworkKind kind = TRY(context.kind());
  Json txs = Json::array();
  for (std::size_t i = 0; i < audit.block.txs.size(); ++i) txs.push_back(tx_json(audit, i, kind));
  if (context.out.json()) {
    context.out.document(Json{{"id", block_id(header).hex()},
                              {"header", to_json(JsonContext{kind}, header)},
                              {"txs", std::move(txs)},
                              {"events", to_json(JsonContext{kind}, audit.receipts.boundary_events)},
                              {"chain_id", chain.chain.hex()},
                              {"verified", true},
                              {"signatures", signatures_text(chain)},
                              {"unit", "TOK"}});
    return {};
  }
  row(context, "block", header.height.text() + "  " + block_id(header).hex());
  row(context, "epoch", header.epoch.text() + (header.boundary ? ", its last block" : ""));
  row(context, "parent", header.parent.hex());
  row(context, "time", header.time.text() + " ms");
  row(context, "state", header.state_root.hex());
  row(context, "verified", "from genesis " + chain.chain.brief() + "…, signatures " + signatures_text(chain));
  Table table{{"TX", "KIND", "SENDER", "STATUS"}, {}};
  for (const Json& tx : txs) {
    table.rows.push_back(
        {text_or(tx, "txid"), text_or(tx, "kind"), brief_address(text_or(tx, "sender")), text_or(tx, "status")});
  }
  context.out.table(table);
  return {};
}

void print_tx(Context& context, const Json& tx) {
  row(context, "status", text_or(tx, "status_text"));
  row(context, "kind", text_or(tx, "kind"));
  row(context, "sender", text_or(tx, "sender"));
  row(context, "nonce", text_or(tx, "nonce"));
  row(context, "fee", with_unit(text_or(tx, "fee")));
  row(context, "verified", text_or(tx, "verified_by"));
  for (const Json& event : list_of(tx, "events")) {
    std::string text;
    for (const auto& [key, value] : event.items()) {
      if (key != "kind") text += (text.empty() ? "" : "  ") + key + "=" + text_or(event, key);
    }
    context.out.line("  " + text_or(event, "kind") + "  " + printable(text));
  }
}

Status audit_tx(Context& context, const NamedOptions& o) {
  const auto parsed = TxId::parse(o.name);
  if (!parsed) {
    return fail(Fault::kInvalid, "\"" + o.name.substr(0, 80) + "\" is not a txid", "it has 64 hex digits");
  }
  const TxId id = *parsed;
  auto answer = context.call("ledger.tx", {{"txid", id.hex()}});
  if (!answer && answer.error().fault == Fault::kNotFound) {
    return fail(Fault::kNotFound, "no block holds this transaction, and it does not wait to be put in one",
                "it did not happen; the same command may be given again");
  }
  if (!answer) return std::unexpected(std::move(answer).error());
  if (!answer->contains("height")) {
    if (context.out.json()) {
      context.out.document(Json{{"txid", id.hex()}, {"pending", true}, {"verified", false}});
    } else {
      row(context, "txid", id.hex());
      row(context, "state", "waits to be put in a block");
    }
    return {};
  }
  const Json shown = TRY(context.call("ledger.block", {{"height", TRY(text_of(*answer, "height"))}}));
  const BlockAudit audit = TRY(check_block(shown));
  const std::size_t index = TRY(check_tx_in(audit, id));
  const ChainAudit chain = TRY(follow_chain(context, o.genesis, audit.block.header));
  Json tx = tx_json(audit, index, TRY(context.kind()));
  tx["height"] = audit.block.header.height.text();
  tx["index"] = index;
  tx["pending"] = false;
  tx["verified"] = true;
  tx["unit"] = "TOK";
  if (context.out.json()) {
    context.out.document(tx);
    return {};
  }
  tx["verified_by"] = "from genesis " + chain.chain.brief() + "…, signatures " + signatures_text(chain);
  row(context, "txid", id.hex());
  row(context, "state", "final in block " + text_or(tx, "height"));
  print_tx(context, tx);
  return {};
}

Status audit_account(Context& context, const NamedOptions& o) {
  const Address address = TRY(context.find_address(o.name));
  const NetworkKind kind = TRY(context.kind());
  const AccountAudit audit = TRY(check_account(context, o.genesis, address));
  const Account record = audit.account.value_or(Account{address, {}, {}});
  if (record.address != address) return fail(Fault::kMismatch, "the record that was proven is another account's");
  // The state after an epoch's last block is that of the next epoch.
  const Epoch now = audit.header.boundary ? audit.header.epoch.next() : audit.header.epoch;
  const LotTime time = lot_time(now, audit.chain.params);
  Json lots = Json::array();
  Table table{{"LOT", "AMOUNT", "CLASS", "STATE"}, {}};
  for (const Lot& lot : record.purse.lots) {
    const LotPhase phase = phase_of(lot.expiry, time);
    if (phase == LotPhase::kGone) continue;
    const char* state = phase == LotPhase::kLive ? "live" : "grace";
    const char* cls = lot.cls == LotClass::kBase ? "base" : "token";
    lots.push_back(
        {{"expiry", lot.expiry.value}, {"amount", amount_text(lot.amount)}, {"class", cls}, {"state", state}});
    table.rows.push_back({lot.expiry.text(), amount_text(lot.amount), cls, state});
  }
  const std::string live = amount_text(live_total(record.purse, time));
  const std::string grace = amount_text(grace_total(record.purse, time));
  if (context.out.json()) {
    context.out.document(Json{{"address", address_text(kind, address)},
                              {"present", audit.account.has_value()},
                              {"nonce", record.nonce.text()},
                              {"live", live},
                              {"grace", grace},
                              {"lots", std::move(lots)},
                              {"height", audit.header.height.text()},
                              {"chain_id", audit.chain.chain.hex()},
                              {"verified", true},
                              {"signatures", signatures_text(audit.chain)},
                              {"unit", "TOK"}});
    return {};
  }
  row(context, "address", address_text(kind, address));
  row(context, "live", with_unit(live));
  row(context, "grace", with_unit(grace));
  row(context, "nonce", record.nonce.text());
  row(context, "verified",
      std::string(audit.account ? "its record" : "that it has no record") + " under the state of block " +
          audit.header.height.text() + ", from genesis " + audit.chain.chain.brief() + "…");
  context.out.table(table);
  return {};
}

/// One guilty validator with all that SubmitEvidence takes.
Json guilty_json(const simplex::GuiltyVotes& votes) {
  return Json{{"key", votes.key.hex()},
              {"weight", std::to_string(votes.weight)},
              {"first_signature", votes.first.hex()},
              {"second_signature", votes.second.hex()}};
}

/// Out of what nodes kept, into a file.
Result<simplex::ForkProof> collect_evidence(const EvidenceOptions& o) {
  if (!o.file.empty() || o.out.empty() || o.collect.size() < 2) {
    return fail(Fault::kInvalid, "a proof is collected from two data folders or more into one file",
                "micro audit evidence --collect FOLDER FOLDER --out FILE");
  }
  simplex::ForkProof proof = TRY(find_fork_in(std::vector<std::filesystem::path>(o.collect.begin(), o.collect.end())));
  TRY(write_file_durably(o.out, encode(proof), IfPresent::kRefuse));
  return proof;
}

Result<simplex::ForkProof> read_evidence(const EvidenceOptions& o) {
  if (o.file.empty()) return fail(Fault::kInvalid, "which proof? Name its file, or collect one", "see --help");
  return simplex::decode_fork_proof(TRY(read_file(o.file, simplex::kMaxForkProofBytes)));
}

/// A proof of a fork, judged here from its signatures alone: no node is asked.
Status audit_evidence(Context& context, const EvidenceOptions& o) {
  const simplex::ForkProof proof = TRY(o.collect.empty() ? read_evidence(o) : collect_evidence(o));
  const simplex::Judgement judgement = TRY(simplex::judge_fork(proof));
  const std::string committee = validator_set_hash(proof.set).hex();
  const std::string share = std::to_string(judgement.weight) + " of " + std::to_string(judgement.total);
  if (context.out.json()) {
    Json guilty = Json::array();
    for (const auto& votes : judgement.guilty) guilty.push_back(guilty_json(votes));
    const JsonContext names{};
    context.out.document(Json{{"chain_id", proof.chain.hex()},
                              {"epoch", proof.epoch.value},
                              {"committee", committee},
                              {"first", to_json(names, judgement.first)},
                              {"second", to_json(names, judgement.second)},
                              {"guilty", std::move(guilty)},
                              {"guilty_weight", std::to_string(judgement.weight)},
                              {"total_weight", std::to_string(judgement.total)},
                              {"more_than_a_third", judgement.is_more_than_a_third()},
                              {"verified", true}});
    return {};
  }
  row(context, "chain", proof.chain.hex());
  row(context, "epoch", proof.epoch.text());
  row(context, "committee", committee + ", as the file names it: compare with next_validators of the block before");
  row(context, "view", judgement.first.view.text());
  row(context, "guilty",
      share + " of the weight" + (judgement.is_more_than_a_third() ? ", more than a third" : ", a third or less"));
  Table table{{"VALIDATOR", "WEIGHT"}, {}};
  for (const auto& votes : judgement.guilty) table.rows.push_back({votes.key.hex(), std::to_string(votes.weight)});
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
  EvidenceOptions* evidence = nullptr;
  CLI::App* fork =
      add_command(*audit, context, "evidence", "who made a fork, from two finalizations that exclude each other",
                  audit_evidence, evidence);
  fork->add_option("file", evidence->file, "the proof: both finalizations with their justifications");
  fork->add_option("--collect", evidence->collect,
                   "make the proof: data folders of nodes that disagree, or copies of their proofs folders");
  fork->add_option("--out", evidence->out, "the file for a proof that is made");
}

}  // namespace micro
