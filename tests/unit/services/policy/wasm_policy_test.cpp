#include "services/policy/wasm_policy.hpp"

#include <map>
#include <set>

#include "chain/governance/constitution.hpp"
#include "policies.hpp"
#include "services/governance/embedded_policy.hpp"

namespace micro {
namespace {

WasmPolicy& runner() {
  static const auto policy = WasmPolicy::create().value();
  return *policy;
}
PolicyRunOutcome run(const Bytes& wasm, std::string_view input = "", std::uint64_t fuel = 1'000'000) {
  const auto outcome = runner().run(wasm, as_bytes(input), fuel);
  EXPECT_TRUE(outcome) << outcome.error().message;
  return outcome.value_or(PolicyRunOutcome{});
}

TEST(WasmPolicy, OutputIsWhatDecidePointsAt) {
  const PolicyRunOutcome out = run(policy_of(kEcho), "hello");
  EXPECT_TRUE(out.ok) << out.trap;
  EXPECT_EQ(as_text(out.output), "hello");
  EXPECT_GT(out.fuel, 0U);
  EXPECT_LT(out.fuel, 100U);
}

TEST(WasmPolicy, FuelGrowsWithWorkAndRunsOut) {
  const Bytes loop = policy_of(
      "(loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $size)))) " + kEcho);
  const std::uint64_t short_run = run(loop, std::string(10, 'x')).fuel;
  const std::uint64_t long_run = run(loop, std::string(110, 'x')).fuel;
  EXPECT_EQ((long_run - short_run) % 100, 0U);
  EXPECT_GT(long_run, short_run);
  EXPECT_TRUE(run(loop, std::string(110, 'x'), long_run).ok);
  const PolicyRunOutcome out = run(policy_of("(loop (br 0)) i64.const 0"));
  EXPECT_FALSE(out.ok);
  EXPECT_EQ(out.trap, "out of gas");
  EXPECT_EQ(out.fuel, 1'000'000U);
}

TEST(WasmPolicy, TrapsAreOutcomesWithOneText) {
  const std::map<std::string, std::string> cases = {
      {"unreachable", "unreachable code reached"},
      {"(drop (i32.load (i32.const 131072))) i64.const 0", "memory access out of bounds"},
      {"(drop (i32.div_u (i32.const 1) (local.get $i))) i64.const 0", "division by zero"},
      {"(drop (i32.div_s (i32.const 0x80000000) (i32.const -1))) i64.const 0", "integer overflow"},
      {"i64.const 0x0002000000000001", "the output lies outside the memory"},
      {"i64.const 0x00000000ffffffff", "the output is too long"},
  };
  for (const auto& [body, trap] : cases) {
    const PolicyRunOutcome out = run(policy_of(body));
    EXPECT_FALSE(out.ok);
    EXPECT_EQ(out.trap, trap) << body;
    EXPECT_EQ(out.fuel, 1'000'000U);
  }
  EXPECT_EQ(run(policy_of(kEcho), std::string(200'000, 'x')).trap, "the input does not fit");
}

TEST(WasmPolicy, RefusedModuleIsAnOutcome) {
  const PolicyRunOutcome out = run(policy_of("(drop (f32.const 1)) i64.const 0"));
  EXPECT_FALSE(out.ok);
  EXPECT_TRUE(out.trap.starts_with("refused: ")) << out.trap;
  EXPECT_TRUE(run(to_bytes(std::string_view("nonsense"))).trap.starts_with("refused: "));
}

TEST(WasmPolicy, InstanceIsFreshForEachRun) {
  const Bytes counter = policy_of(
      "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) (i64.extend_i32_u (i32.load "
      "(i32.const 0)))");
  EXPECT_EQ(run(counter).output.size(), 1U);
  EXPECT_EQ(run(counter).output.size(), 1U);
}

TEST(WasmPolicy, DisagreementIsAMismatch) {
  const wasm::PureOutcome a{.ok = true, .output = {1}, .fuel = 5, .trap = {}};
  EXPECT_TRUE(WasmPolicy::agree(a, a));
  wasm::PureOutcome other = a;
  other.fuel = 6;
  EXPECT_EQ(WasmPolicy::agree(a, other).error().fault, Fault::kMismatch);
  other = a;
  other.output = {2};
  EXPECT_EQ(WasmPolicy::agree(a, other).error().fault, Fault::kMismatch);
  other = a;
  other.ok = false;
  EXPECT_EQ(WasmPolicy::agree(a, other).error().fault, Fault::kMismatch);
}

// --- the policy of this build ---

HostView host(std::uint32_t cluster, std::uint32_t used_ppm = 0) {
  HostView h;
  h.cluster = cluster;
  h.log2_memory_mib = 12;
  h.log2_cpu_milli = 12;
  h.used_ppm = used_ppm;
  return h;
}
VersionView version(std::uint8_t replicas, std::initializer_list<std::uint32_t> candidates) {
  VersionView v;
  v.log2_memory_mib = 6;
  v.funded = v.wanted = true;
  v.replicas = replicas;
  for (const std::uint32_t at : candidates) v.candidates.push_back(at);
  return v;
}
PolicyOutput decide(const PolicyInput& input) {
  const auto out = runner().run(embedded_policy(), encode(input), kernel::kPolicyFuel);
  EXPECT_TRUE(out) << out.error().message;
  EXPECT_TRUE(out->ok) << out->trap;
  const auto decoded = decode<PolicyOutput>(out->output);
  EXPECT_TRUE(decoded) << decoded.error().message;
  return decoded.value_or(PolicyOutput{});
}

TEST(EmbeddedPolicy, PlacesOnTheLeastLoadedHostsOfDistinctClusters) {
  PolicyInput input;
  input.hosts = {host(0, 500'000), host(0, 100'000), host(1, 900'000), host(2, 300'000)};
  input.versions = {version(3, {0, 1, 2, 3})};
  std::set<std::uint32_t> hosts;
  for (const PolicyDecision& d : decide(input).decisions) {
    EXPECT_EQ(d.kind, DecisionKind::kPlace);
    EXPECT_EQ(d.reason, DecisionReason::kFirstPlacement);
    hosts.insert(d.host);
  }
  EXPECT_EQ(hosts, (std::set<std::uint32_t>{1, 2, 3}));
}

TEST(EmbeddedPolicy, DrainsUnfundedAndUnwantedAndRepairs) {
  PolicyInput input;
  input.hosts = {host(0), host(1), host(2)};
  VersionView unfunded = version(1, {0, 1, 2});
  unfunded.placed = {0};
  unfunded.funded = false;
  VersionView expired = version(1, {0, 1, 2});
  expired.placed = {1};
  expired.wanted = false;
  VersionView short_of_one = version(2, {0, 1, 2});
  short_of_one.placed = {2};
  input.versions = {unfunded, expired, short_of_one};
  std::map<std::uint32_t, PolicyDecision> by_version;
  for (const PolicyDecision& d : decide(input).decisions) by_version[d.version] = d;
  ASSERT_EQ(by_version.size(), 3U);
  EXPECT_EQ(by_version[0].kind, DecisionKind::kDrain);
  EXPECT_EQ(by_version[0].reason, DecisionReason::kUnfunded);
  EXPECT_EQ(by_version[1].kind, DecisionKind::kDrain);
  EXPECT_EQ(by_version[1].reason, DecisionReason::kExpired);
  EXPECT_EQ(by_version[2].kind, DecisionKind::kPlace);
  EXPECT_EQ(by_version[2].reason, DecisionReason::kRepair);
  EXPECT_NE(by_version[2].host, 2U);
}

TEST(EmbeddedPolicy, CountsTheReplicaItselfWhenItLooksForTheLeastLoadedHost) {
  PolicyInput input;
  input.hosts = {host(0), host(1, 20'000)};
  input.hosts[0].log2_memory_mib = 6;  // empty, and full with one replica
  input.versions = {version(1, {0, 1})};
  const auto decisions = decide(input).decisions;
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions[0].host, 1U);
}

TEST(EmbeddedPolicy, WhatItJustPlacedItDoesNotMoveToo) {
  // Host 1 is the fuller one until the two unfunded versions leave it; then it is the emptier one.
  PolicyInput input;
  input.hosts = {host(0, 500'000), host(1, 984'375)};
  const auto unfunded = [](std::uint8_t log2_mib) {
    VersionView v = version(1, {});
    v.log2_memory_mib = log2_mib;
    v.funded = v.wanted = false;
    v.placed = {1};
    return v;
  };
  input.versions = {version(1, {0, 1}), unfunded(11), unfunded(10)};
  const PolicyOutput out = decide(input);
  EXPECT_EQ(check_output(input, out), PolicyFault::kNone);
  EXPECT_EQ(out.decisions.size(), 3U);
}

TEST(EmbeddedPolicy, MalformedInputTraps) {
  const auto out = runner().run(embedded_policy(), as_bytes("nonsense"), kernel::kPolicyFuel);
  ASSERT_TRUE(out);
  EXPECT_FALSE(out->ok);
}

TEST(EmbeddedPolicy, FullViewFitsIntoTheFuel) {
  PolicyInput input;
  for (std::uint32_t i = 0; i < kernel::kMaxHostsPerView; ++i) input.hosts.push_back(host(i));
  for (std::uint32_t i = 0; i < kernel::kMaxServicesPerView; ++i) {
    VersionView v = version(3, {});
    for (std::uint32_t k = 0; k < kMaxCandidates; ++k) v.candidates.push_back((i * 7 + k) % kernel::kMaxHostsPerView);
    input.versions.push_back(v);
  }
  const auto out = runner().run(embedded_policy(), encode(input), kernel::kPolicyFuel);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(out->ok) << out->trap;
  EXPECT_LT(out->fuel, kernel::kPolicyFuel / 4);
}

// More work than one output holds, and moves where it ends: what is said is whole, and the rest waits. Half a move
// would be a fault, and two faults in a row freeze placement for ever.
TEST(EmbeddedPolicy, AnOutputThatIsFullEndsBetweenDecisionsThatBelongTogether) {
  PolicyInput input;
  input.churn_cap = 100;
  input.hosts = {host(0, 900'000), host(1), host(2), host(3)};
  for (HostView& h : input.hosts) h.log2_memory_mib = 31;  // each replica counts for 1 ppm
  for (int i = 0; i < 100; ++i) {                          // on the loaded host, and could move
    VersionView v = version(1, {1, 2, 3});
    v.placed.push_back(0);
    input.versions.push_back(v);
  }
  while (input.versions.size() < kernel::kMaxServicesPerView) input.versions.push_back(version(3, {1, 2, 3}));
  const PolicyOutput output = decide(input);
  EXPECT_EQ(check_output(input, output), PolicyFault::kNone);
  EXPECT_GT(output.decisions.size(), kMaxPolicyDecisions - 4);
  std::map<std::uint32_t, int> by_version;
  for (const PolicyDecision& d : output.decisions) ++by_version[d.version];
  int moves = 0;
  for (const auto& [at, count] : by_version) {
    EXPECT_EQ(count, at < 100 ? 2 : 3);
    moves += at < 100 ? 1 : 0;
  }
  EXPECT_GT(moves, 10);
}

}  // namespace
}  // namespace micro
