#include "chain/economy/lot.hpp"
#include "chain/governance/policy_abi.hpp"
#include "chain/registry/resolve.hpp"
#include "rpc/api/json_names.hpp"
#include "rpc/views/views.hpp"

namespace micro::views {
namespace {

Result<StatusRecord> status_of(const Moment& m, const VersionRecord& version) {
  const auto found = TRY(read_record<StatusRecord>(m.state, path::status(version.version)));
  if (found) return *found;
  StatusRecord waiting;
  waiting.version = version.version;
  waiting.service = version.service;
  return waiting;
}

Result<Json> hosts_of(const Moment& m, const VersionId& version) {
  Json out = Json::array();
  const auto record = TRY(read_record<PlacementRecord>(m.state, path::placement(version)));
  if (!record) return out;
  for (const Placement& host : record->hosts) {
    if (host.end.value != 0 && host.end <= m.clock.epoch) continue;
    Json entry{{"node", host.node.hex()}, {"since", host.since.value}, {"decision", std::to_string(host.decision)}};
    if (host.end.value != 0) entry["end"] = host.end.value;
    out.push_back(std::move(entry));
  }
  return out;
}

void add_pause(Json& entry, VersionState state, std::string_view service) {
  if (state != VersionState::kPaused) return;
  entry["reason"] = pause_reason();
  entry["hint"] = pause_hint(service);
}

/// What a call by the bare name meets: the newest active version, or else the newest of all.
Result<VersionState> shown_state(const Moment& m, const ServiceRecord& service) {
  const auto active = resolve_service(m.state, service.name);
  if (active) return VersionState::kActive;
  if (active.error().fault != Fault::kNotFound) return std::unexpected(active.error());
  if (!service.newest) return VersionState::kAnnounced;
  const auto newest = TRY(read_record<StatusRecord>(m.state, path::status(*service.newest)));
  return newest ? newest->state : VersionState::kAnnounced;
}

Result<Json> version_json(const Moment& m, const VersionRecord& version, std::string_view service) {
  const StatusRecord status = TRY(status_of(m, version));
  Json out{{"version", version.version.hex()},
           {"commit", version.commit.hex()},
           {"ordinal", version.ordinal},
           {"state", state_name(status.state)},
           {"attested", status.attested},
           {"builders", status.builders},
           {"memory_mib", version.memory_mib},
           {"announced", version.announced.value},
           {"commit_time_s", std::to_string(version.commit_time_s)},
           {"hosts", TRY(hosts_of(m, version.version))}};
  if (!status.wasm_hash.is_zero()) {
    out["wasm_sha256"] = status.wasm_hash.hex();
    out["wasm_bytes"] = status.wasm_bytes;
  }
  add_pause(out, status.state, service);
  return out;
}

Result<Json> placement_event(const Moment& m, Height height, const Event& event) {
  Json out = to_json(m.json, event);
  const bool placed = std::holds_alternative<event::Placed>(event);
  const auto reason = static_cast<DecisionReason>(placed ? std::get<event::Placed>(event).reason
                                                         : std::get<event::Drained>(event).reason);
  out["action"] = placed ? "placed" : "drained";
  out["reason"] = decision_reason_text(reason);
  out["height"] = height.text();
  out.erase("kind");
  const VersionId id = placed ? std::get<event::Placed>(event).version : std::get<event::Drained>(event).version;
  if (const auto version = TRY(read_record<VersionRecord>(m.state, path::version(id)))) {
    out["commit"] = version->commit.hex();
  }
  return out;
}

}  // namespace

std::string_view state_name(VersionState state) {
  switch (state) {
    case VersionState::kAnnounced:
      return "announced";
    case VersionState::kActive:
      return "active";
    case VersionState::kPaused:
      return "paused";
    case VersionState::kIrreproducible:
      return "irreproducible";
  }
  return "";
}

std::string pause_reason() {
  return "its fund does not pay for its hosting";
}

std::string pause_hint(std::string_view service) {
  return "resume it with: micro service fund " + std::string(service) + " AMOUNT";
}

Result<Json> services(const Moment& m) {
  std::map<std::string, Json> by_name;
  Status status;
  m.state.scan(Module::kServices, [&](const StatePath&, ByteView bytes) {
    const auto record = decode<ServiceRecord>(bytes);
    if (!record) {
      status = fail(Fault::kCorrupt, "service record: " + record.error().message);
      return false;
    }
    Json entry{{"name", std::string(record->name)},
               {"service", record->service.hex()},
               {"owner", address_text(m.json.kind, record->owner)},
               {"price", amount_text(record->price)},
               {"versions", record->versions}};
    const auto state = shown_state(m, *record);
    if (!state) {
      status = std::unexpected(state.error());
      return false;
    }
    entry["state"] = state_name(*state);
    add_pause(entry, *state, record->name);
    const auto active = resolve_service(m.state, record->name);
    if (active) entry["active"] = active->version.commit.hex();
    by_name.emplace(record->name, std::move(entry));
    return true;
  });
  TRY(status);
  Json out = Json::array();
  for (auto& [name, entry] : by_name) out.push_back(std::move(entry));
  return out;
}

Result<Json> versions(const Moment& m, std::string_view name) {
  const ServiceRecord record = TRY(find_service(m.state, name));
  Json out = Json::array();
  for (const VersionRecord& version : TRY(versions_of(m.state, record)))
    out.push_back(TRY(version_json(m, version, record.name)));
  return out;
}

Result<Json> service(const Moment& m, std::string_view name) {
  const ServiceRecord record = TRY(find_service(m.state, name));
  const auto fund = TRY(read_record<FundRecord>(m.state, path::fund(record.service)));
  const LotTime time = lot_time(m.clock.epoch, m.params);
  Json list = TRY(versions(m, name));
  std::uint64_t placed_mib = 0;
  for (const Json& version : list) placed_mib += version["memory_mib"].get<std::uint64_t>() * version["hosts"].size();
  const Amount upkeep = TRY(mul_div(m.params.upkeep_per_mib, placed_mib, 1, Round::kCeil));
  Json out{{"name", std::string(record.name)},
           {"service", record.service.hex()},
           {"owner", address_text(m.json.kind, record.owner)},
           {"repo_url", std::string(record.repo_url)},
           {"subdir", std::string(record.subdir)},
           {"price", amount_text(record.price)},
           {"host_share_ppm", record.host_share_ppm},
           {"description", std::string(record.description)},
           {"published", record.published.value},
           {"fund", amount_text(fund ? live_total(fund->purse, time) : Amount())},
           {"upkeep_per_epoch", amount_text(upkeep)},
           {"unit", "TOK"}};
  const auto active = resolve_service(m.state, record.name);
  if (active) out["active"] = active->version.commit.hex();
  out["versions"] = std::move(list);
  return out;
}

Result<Json> placements(const Moment& m, std::string_view name) {
  const ServiceRecord record = TRY(find_service(m.state, name));
  Json out = Json::array();
  std::optional<EventCursor> before;
  for (;;) {
    const auto page = TRY(m.blocks.service_events(record.service, before, kMaxPage));
    for (const EventCursor& at : page) {
      const Event event = TRY(m.blocks.event(at));
      if (std::holds_alternative<event::Placed>(event) || std::holds_alternative<event::Drained>(event)) {
        out.push_back(TRY(placement_event(m, at.height, event)));
      }
    }
    if (page.size() < kMaxPage || out.size() >= kMaxPage) return out;
    before = page.back();
  }
}

Result<Json> decisions(const Moment& m, std::optional<std::uint64_t> before, std::size_t limit) {
  Json items = Json::array();
  std::uint64_t number = std::min(before.value_or(m.clock.next_decision), m.clock.next_decision);
  while (number > 1 && items.size() < limit) {
    --number;
    const EventCursor at = TRY(m.blocks.decision(number));
    items.push_back(TRY(placement_event(m, at.height, TRY(m.blocks.event(at)))));
  }
  Json out{{"items", std::move(items)}};
  if (number > 1) out["cursor"] = std::to_string(number);
  return out;
}

Result<Json> decision(const Moment& m, std::uint64_t number) {
  if (number == 0 || number >= m.clock.next_decision) {
    return fail(Fault::kNotFound, "there is no decision " + std::to_string(number),
                "list them with `micro audit decisions`");
  }
  const EventCursor at = TRY(m.blocks.decision(number));
  Json out = TRY(placement_event(m, at.height, TRY(m.blocks.event(at))));
  const Header header = TRY(m.blocks.header(at.height));
  const BlockReceipts receipts = TRY(m.blocks.receipts(at.height));
  const PolicyRecordIo io = TRY(m.blocks.policy_io(header.epoch));
  std::vector<Hash> leaves;
  std::optional<std::uint32_t> ran_at;
  Json events = Json::array();
  for (std::uint32_t i = 0; i < receipts.boundary_events.size(); ++i) {
    const Event& event = receipts.boundary_events[i];
    leaves.push_back(tagged_hash(domain::kEventsRoot, encode(event)));
    events.push_back(to_hex(encode(event)));
    if (std::holds_alternative<event::PolicyRan>(event)) ran_at = i;
  }
  if (!ran_at) return fail(Fault::kCorrupt, "the block of this decision holds no policy run");
  const auto& ran = std::get<event::PolicyRan>(receipts.boundary_events[*ran_at]);
  const auto code = m.state.get(path::policy_code(ran.policy));
  if (!code) return fail(Fault::kNotFound, "the policy's code is no longer in the state");
  out["epoch"] = header.epoch.value;
  out["policy"] = ran.policy.hex();
  out["input_hash"] = ran.input.hex();
  out["output_hash"] = ran.output.hex();
  out["engine"] = ran.engine.hex();
  out["policy_wasm"] = to_hex(*code);
  out["input"] = to_hex(io.input);
  out["output"] = to_hex(io.output);
  out["header"] = to_hex(encode(header));
  out["certificate"] = to_hex(encode(TRY(m.blocks.certificate(at.height))));
  out["events"] = std::move(events);
  out["event_index"] = at.event;
  out["ran_index"] = *ran_at;
  out["event_proof"] = to_hex(encode(merkle_prove(leaves, at.event)));
  out["ran_proof"] = to_hex(encode(merkle_prove(leaves, *ran_at)));
  return out;
}

Result<Json> rules(const Moment& m) {
  const auto record = TRY(read_record<PolicyRecord>(m.state, path::policy()));
  if (!record) return fail(Fault::kCorrupt, "the state names no policy");
  const auto code = m.state.get(path::policy_code(record->current));
  Json out{{"policy", record->current.hex()},
           {"wasm_bytes", code ? code->size() : 0},
           {"engine", record->engine.hex()},
           {"failures", record->failures_in_a_row},
           {"frozen", record->frozen},
           {"constitution",
            {{"policy_fuel", std::to_string(kernel::kPolicyFuel)},
             {"max_churn_ppm", kernel::kMaxChurnPpm},
             {"max_replicas", kernel::kMaxReplicas},
             {"min_host_share_ppm", kernel::kMinHostSharePpm},
             {"overclaim_penalty_factor", kernel::kOverclaimPenaltyFactor},
             {"replicas_min", m.params.replicas_min}}}};
  if (record->parent) out["parent"] = record->parent->hex();
  return out;
}

}  // namespace micro::views
