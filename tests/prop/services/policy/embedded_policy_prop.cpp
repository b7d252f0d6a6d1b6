// The policy of this build against the constitution: two refused outputs would freeze all placements of a network.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "any_view.hpp"
#include "chain/governance/constitution.hpp"
#include "services/governance/embedded_policy.hpp"
#include "services/policy/wasm_policy.hpp"

namespace micro {
namespace {

PolicyOutput decide(const PolicyInput& view) {
  static const auto runner = WasmPolicy::create().value();
  const auto run = runner->run(embedded_policy(), encode(view), kernel::kPolicyFuel);
  RC_ASSERT(run.has_value());
  RC_ASSERT(run->ok);
  const auto output = decode<PolicyOutput>(run->output);
  RC_ASSERT(output.has_value());
  return *output;
}

RC_GTEST_PROP(EmbeddedPolicy, TheConstitutionAcceptsWhateverItDecides, ()) {
  const PolicyInput view = test::any_view();
  const PolicyFault fault = check_output(view, decide(view));
  if (fault != PolicyFault::kNone) RC_LOG() << policy_fault_text(fault);
  RC_ASSERT(fault == PolicyFault::kNone);
}

/// What the decisions leave of a version's placements.
std::vector<std::uint32_t> after(const PolicyInput& view, const PolicyOutput& out, std::uint32_t version) {
  std::vector<std::uint32_t> hosts(view.versions[version].placed);
  for (const PolicyDecision& d : out.decisions) {
    if (d.version != version) continue;
    if (d.kind == DecisionKind::kPlace) hosts.push_back(d.host);
    if (d.kind == DecisionKind::kDrain) std::erase(hosts, d.host);
  }
  return hosts;
}

RC_GTEST_PROP(EmbeddedPolicy, NothingUnpaidStaysAndNothingPaidIsDropped, ()) {
  const PolicyInput view = test::any_view();
  const PolicyOutput out = decide(view);
  for (std::uint32_t v = 0; v < view.versions.size(); ++v) {
    const VersionView& version = view.versions[v];
    const auto hosts = after(view, out, v);
    if (!version.funded || !version.wanted) RC_ASSERT(hosts.empty());
    if (version.funded && version.wanted && !version.placed.empty()) RC_ASSERT(!hosts.empty());
  }
}

}  // namespace
}  // namespace micro
