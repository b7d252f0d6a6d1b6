#include "chain/execution/epoch_policy.hpp"

#include <algorithm>

namespace micro {
namespace {

struct Judgement {
  PolicyFault fault = PolicyFault::kNone;
  PolicyOutput output;
};

Judgement judge(const PolicyInput& input, const PolicyRunOutcome& run) {
  if (!run.ok) return {PolicyFault::kTrapped, {}};
  if (run.output.size() > kMaxPolicyOutputBytes) return {PolicyFault::kMalformed, {}};
  auto output = decode<PolicyOutput>(run.output);
  if (!output) return {PolicyFault::kMalformed, {}};
  const PolicyFault fault = check_output(input, *output);
  return {fault, std::move(*output)};
}

/// Two failures in a row: the parent policy is in force again, or placements stay as they are.
void count_failure(PolicyRecord& record) {
  if (++record.failures_in_a_row < 2) return;
  record.failures_in_a_row = 0;
  if (record.parent) {
    record.current = *record.parent;
    record.parent.reset();
  } else {
    record.frozen = true;
  }
}

void apply_place(VersionFacts& v, const HostFacts& host, Epoch now, std::uint64_t decision) {
  v.placement.hosts.push_back({host.node, host.offer, now, Epoch(0), decision});
  v.placement_changed = true;
}

void apply_drain(VersionFacts& v, const HostFacts& host, Epoch end) {
  const auto at = std::ranges::find_if(v.placement.hosts,
                                       [&](const Placement& p) { return p.node == host.node && p.end.value == 0; });
  if (at == v.placement.hosts.end()) return;  // check_output saw it there
  at->end = end;
  v.placement_changed = true;
}

void apply_output(BlockState& state, const PolicyView& view, const PolicyOutput& output, std::vector<Event>& events) {
  const Epoch now = state.clock.epoch;
  const Epoch end(now.value + state.ctx.params.drain_epochs);
  for (const PolicyDecision& d : output.decisions) {
    VersionFacts& v = *view.versions[d.version];
    const HostFacts& host = *view.hosts[d.host];
    const std::uint64_t id = state.clock.next_decision++;
    const auto reason = static_cast<std::uint16_t>(d.reason);
    if (d.kind == DecisionKind::kPlace) {
      apply_place(v, host, now, id);
      events.push_back(event::Placed{id, v.version.version, v.version.service, host.node, reason});
    } else {
      apply_drain(v, host, end);
      events.push_back(event::Drained{id, v.version.version, v.version.service, host.node, reason, end});
    }
  }
}

}  // namespace

Status run_policy(BlockState& state, Network& network, PolicyPort& port, BlockOutcome& out) {
  auto record = TRY(read_record<PolicyRecord>(state.overlay, path::policy()));
  if (!record) return fail(Fault::kCorrupt, "the state holds no policy record");
  if (record->frozen) return {};
  const PolicyView view = make_policy_view(state, network);
  const bool may_rebalance = state.clock.epoch.value % state.ctx.params.bucket_epochs == 0 && !view.versions.empty();
  if (!view.something_to_decide && !may_rebalance) return {};
  const auto wasm = state.overlay.get(path::policy_code(record->current));
  if (!wasm) return fail(Fault::kCorrupt, "the code of the policy in force is not stored");
  const Bytes input = encode(view.input);
  PolicyRunOutcome run = TRY(port.run(*wasm, input, kernel::kPolicyFuel));
  const Judgement verdict = judge(view.input, run);
  const Epoch now = state.clock.epoch;
  if (verdict.fault != PolicyFault::kNone) {
    out.boundary_events.push_back(
        event::PolicyFailed{now, record->current, policy_input_hash(input), static_cast<std::uint16_t>(verdict.fault)});
    count_failure(*record);
    state.overlay.put_record(path::policy(), *record);
  } else {
    out.boundary_events.push_back(
        event::PolicyRan{now, record->current, policy_input_hash(input), policy_output_hash(run.output), record->engine,
                         state.clock.next_decision, static_cast<std::uint32_t>(verdict.output.decisions.size())});
    apply_output(state, view, verdict.output, out.boundary_events);
    if (record->failures_in_a_row != 0) {
      record->failures_in_a_row = 0;
      state.overlay.put_record(path::policy(), *record);
    }
  }
  if (!run.ok || run.output.size() > kMaxPolicyOutputBytes) run.output.clear();
  out.policy = BlockOutcome::PolicyIo{input, std::move(run.output)};
  return {};
}

}  // namespace micro
