#include "genesis/json/json_codec.hpp"
#include "rpc/api/json_names.hpp"
#include "rpc/cli/capacity.hpp"
#include "rpc/cli/groups.hpp"
#include "rpc/cli/transact.hpp"

namespace micro {

namespace {

struct OfferOptions {
  std::string cpu;
  std::string memory;
  std::string disk = "1G";
  std::string bond;
};
struct WithdrawOptions {
  std::string offer;
};
struct RewardsOptions {
  std::string account;
};

struct NodeKeysAnswer {
  Ed25519Key node_key;
  Ed25519Key consensus_key;
  Ed25519Signature node_proof;
  Ed25519Signature consensus_proof;
  MICRO_JSON(NodeKeysAnswer, node_key, consensus_key, node_proof, consensus_proof)
};

/// The record of this machine's node on the ledger, when there is one.
Result<std::optional<Json>> own_node(Context& context) {
  const std::string key = TRY(text_of(TRY(context.info()), "node_key"));
  for (const Json& node : TRY(context.call("net.nodes"))) {
    if (text_or(node, "node_key") == key) return std::optional(node);
  }
  return std::optional<Json>();
}

/// The node's id on the ledger; registers it under this account when it is not there yet.
Result<NodeId> registered_node(Context& context, ActingAccount& account) {
  const NetworkKind kind = TRY(context.kind());
  const std::string owner = address_text(kind, account.address);
  auto record = TRY(own_node(context));
  if (!record) {
    const Json keys = TRY(context.call("node.keys", {{"owner", owner}}));
    const auto k = TRY(from_json<NodeKeysAnswer>(JsonContext{kind}, keys));
    context.out.progress("registering this node under " + account.label);
    TRY(transact(context, account, RegisterNode{k.node_key, k.consensus_key, k.node_proof, k.consensus_proof}));
    if (context.globals.dry_run) return fail(Fault::kInvalid, "the node is not registered: a dry run ends here");
    record = TRY(own_node(context));
    if (!record)
      return fail(Fault::kUnknownOutcome, "the node's registration is not final yet", "run the command again");
  }
  if (text_or(*record, "owner") != owner) {
    return fail(Fault::kDenied, "this node belongs to " + text_or(*record, "owner"), "use its owner's --account");
  }
  return NodeId::parse(TRY(text_of(*record, "node_id")));
}

Status stake_offer(Context& context, const OfferOptions& o) {
  OfferResources offer;
  offer.capacity = {TRY(parse_cpu_milli(o.cpu)), TRY(parse_mib(o.memory)), TRY(parse_mib(o.disk))};
  ActingAccount account = TRY(context.acting());
  offer.bond = o.bond.empty() ? TRY(chain_view(context, account.address)).params.min_bond : TRY(parse_amount(o.bond));
  offer.node = TRY(registered_node(context, account));
  const Transaction done = TRY(transact(context, account, offer));
  std::string id;
  for (const Json& event : list_of(done.result, "events")) {
    if (text_or(event, "kind") == "ResourcesOffered") id = text_or(event, "offer");
  }
  print_outcome_and_block(context, done,
                          "offer " + (id.empty() ? "of txid " + done.id.hex() : id) + " active · " +
                              capacity_text(offer.capacity) + " · bond " + with_unit(amount_text(offer.bond)));
  return {};
}

/// Offer ids may be shortened as long as only one begins so.
Result<OfferId> find_offer(Context& context, const std::string& text) {
  std::optional<std::string> found;
  for (const Json& offer : TRY(context.call("stake.list"))) {
    const std::string id = text_or(offer, "offer");
    if (!id.starts_with(text)) continue;
    if (found) return fail(Fault::kInvalid, "several offers begin with " + text, "write more of it");
    found = id;
  }
  if (!found || text.empty())
    return fail(Fault::kNotFound, "there is no offer " + text, "list them with `micro stake list`");
  return OfferId::parse(*found);
}

Status stake_withdraw(Context& context, const WithdrawOptions& o) {
  ActingAccount account = TRY(context.acting());
  const OfferId offer = TRY(find_offer(context, o.offer));
  const Transaction done = TRY(transact(context, account, WithdrawOffer{offer}));
  print_outcome_and_block(context, done,
                          "offer " + offer.hex() + " withdrawn; the bond comes back after its time of liability");
  return {};
}

Status stake_list(Context& context, const NoOptions&) {
  Json offers = TRY(context.call("stake.list"));
  if (context.out.json()) {
    context.out.document(Json{{"offers", std::move(offers)}, {"unit", "TOK"}});
    return {};
  }
  Table table{{"OFFER", "NODE", "OWNER", "CAPACITY", "BOND", "STATE", "PLACEMENTS"}, {}};
  for (const Json& offer : offers) {
    Capacity capacity;
    if (offer.contains("capacity")) TRY(read_json(JsonContext{}, offer["capacity"], capacity));
    table.rows.push_back({brief_hex(text_or(offer, "offer"), 12), brief_hex(text_or(offer, "node"), 12),
                          brief_address(text_or(offer, "owner")), capacity_text(capacity), text_or(offer, "bond"),
                          text_or(offer, "state"), text_or(offer, "placements")});
  }
  context.out.table(table);
  return {};
}

Status stake_rewards(Context& context, const RewardsOptions& o) {
  Json params = Json::object();
  if (!o.account.empty()) {
    params["owner"] = address_text(TRY(context.kind()), TRY(context.find_address(o.account)));
  }
  Json rewards = TRY(context.call("stake.rewards", std::move(params)));
  if (context.out.json()) {
    rewards["unit"] = "TOK";
    context.out.document(rewards);
    return {};
  }
  Table table{{"CHANNEL", "PAYER", "CALLS", "CHARGED", "EARNED", "CLAIMABLE"}, {}};
  for (const Json& channel : list_of(rewards, "channels")) {
    table.rows.push_back({brief_hex(text_or(channel, "channel"), 12), brief_address(text_or(channel, "payer")),
                          text_or(channel, "calls"), text_or(channel, "charged"), text_or(channel, "earned"),
                          text_or(channel, "claimable")});
  }
  context.out.table(table);
  context.out.line("earned " + with_unit(text_or(rewards, "earned")) + " in " + text_or(rewards, "calls", "0") +
                   " calls over channels that are open · claimed " + text_or(rewards, "claimed") + " · claimable " +
                   text_or(rewards, "claimable"));
  return {};
}

/// Claims that the ledger refused, or of which nobody knows yet, are not success.
Status check_claims(Context& context, const Json& claims) {
  for (const Json& claim : list_of(claims, "claims")) {
    const std::string status = text_or(claim, "status");
    if (status == "Ok") continue;
    const std::string id = text_or(claim, "txid");
    context.out.remember("txid", id);
    if (status == "unknown") {
      return fail(Fault::kUnknownOutcome, "a claim was submitted, but is in no block yet",
                  "look with `micro audit tx " + id + "`");
    }
    return fail(Fault::kRejected, "the ledger refused a claim: " + status, "see `micro audit tx " + id + "`");
  }
  return {};
}

Status show_claimable(Context& context) {
  const Json rewards = TRY(context.call("stake.rewards"));
  const std::string claimable = text_or(rewards, "claimable");
  if (context.out.json()) {
    context.out.document(Json{{"dry_run", true}, {"claimable", claimable}, {"unit", "TOK"}});
    return {};
  }
  context.out.line("claimable " + with_unit(claimable));
  context.out.note("dry run: nothing was signed or sent");
  return {};
}

Status stake_claim(Context& context, const NoOptions&) {
  if (context.globals.dry_run) return show_claimable(context);
  Json claims = TRY(context.call_within("stake.claim", Json::object(), CallEffect::kChange,
                                        context.globals.timeout_ms + kClientAnswerMs));
  if (context.out.json()) {
    claims["unit"] = "TOK";
    context.out.document(claims);
    return check_claims(context, claims);
  }
  Table table{{"CHANNEL", "TX", "AMOUNT"}, {}};
  for (const Json& claim : list_of(claims, "claims")) {
    table.rows.push_back({brief_hex(text_or(claim, "channel"), 12), text_or(claim, "txid"), text_or(claim, "amount")});
  }
  context.out.table(table);
  const Json& skipped = list_of(claims, "skipped");
  context.out.line("claimed " + with_unit(text_or(claims, "total")) +
                   (skipped.empty() ? "" : "; " + std::to_string(skipped.size()) + " not claimed"));
  for (const Json& channel : skipped) {
    context.out.note("channel " + brief_hex(text_or(channel, "channel"), 12) + " was not claimed: its " +
                     with_unit(text_or(channel, "claimable")) + " are not worth the claim's fee of " +
                     with_unit(text_or(channel, "fee")) + "; they wait for further calls");
  }
  return check_claims(context, claims);
}

}  // namespace

void add_stake_commands(CLI::App& app, Context& context) {
  CLI::App* stake = add_group(app, "stake", "offer this machine's resources and earn");
  OfferOptions* offered = nullptr;
  CLI::App* offer =
      add_command(*stake, context, "offer", "offer resources of this node, with a bond", stake_offer, offered);
  offer->add_option("--cpu", offered->cpu, "cores, like 2, 0.5 or 500m")->required();
  offer->add_option("--mem", offered->memory, "memory, like 512M or 4G")->required();
  offer->add_option("--disk", offered->disk, "disk, like 20G")->capture_default_str();
  offer->add_option("--bond", offered->bond, "tokens that answer for honest work; without: the network's minimum");
  WithdrawOptions* withdrawn = nullptr;
  add_command(*stake, context, "withdraw", "end an offer", stake_withdraw, withdrawn)
      ->add_option("offer", withdrawn->offer, "its name in `micro stake list`, or how it begins")
      ->required();
  NoOptions* none = nullptr;
  add_command(*stake, context, "list", "all offers of the network", stake_list, none);
  RewardsOptions* rewards = nullptr;
  add_command(*stake, context, "rewards", "what this node earned over its open channels", stake_rewards, rewards)
      ->add_option("account", rewards->account, "only if this account owns the node");
  add_command(*stake, context, "claim", "claim this node's earnings on the ledger", stake_claim, none);
}

}  // namespace micro
