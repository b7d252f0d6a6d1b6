// A boundary goes on whatever the policy says. Its outputs here are anything: noise, decisions that fit nothing, and
// those of a sound policy with something changed, for services whose funds cover exactly what is asked of them, hosts
// that leave and owners with several hosts. An output applies as a whole or not at all; the books balance; nobody pays
// for more than the fund was asked to cover; and whoever holds what was kept comes to the same verdict.
#include <gtest/gtest.h>

#include "chain/execution/full_sum.hpp"
#include "tests/gen/any_value.hpp"
#include "tests/gen/service_world.hpp"

namespace micro {
namespace {

using test::draw_below;
using test::person;
using test::ServiceWorld;

constexpr std::uint64_t kRuns = 300;
constexpr int kEpochsPerRun = 24;
constexpr std::uint64_t kHosts = 5;
constexpr std::uint64_t kOwner = 5;  // of the services

struct HostOf {
  std::uint64_t owner = 0;
  NodeId node;
  OfferId offer;
  bool offered = false;
};

/// A policy that may say anything. What it said last stays with it.
class Anarchist {
 public:
  explicit Anarchist(Random& random) : r_(random) {}
  PolicyRunOutcome run(ByteView bytes) {
    input_ = decode<PolicyInput>(bytes).value();
    said_ = {true, {}, 1, {}};
    switch (draw_below(r_, 12)) {
      case 0:
        said_ = {false, Bytes{1, 2, 3}, 1, "unreachable"};
        break;
      case 1:
        said_.output = noise();
        break;
      case 2:
        said_.output = Bytes(kMaxPolicyOutputBytes + 1, 7);
        break;
      case 3:
      case 4:
        said_.output = encode(anything());
        break;
      default:
        said_.output = encode(almost_sound());
    }
    return said_;
  }
  [[nodiscard]] const PolicyInput& input() const { return input_; }

 private:
  Bytes noise() {
    const Hash bytes = r_.draw<Hash>();
    return to_bytes(bytes.view().first(draw_below(r_, Hash::kSize + 1)));
  }
  std::uint32_t index(std::size_t size) { return static_cast<std::uint32_t>(draw_below(r_, size + 1)); }
  DecisionReason reason() { return static_cast<DecisionReason>(draw_below(r_, 8)); }
  PolicyDecision any_decision() {
    const auto kind = draw_below(r_, 2) == 0 ? DecisionKind::kPlace : DecisionKind::kDrain;
    return {kind, index(input_.versions.size()), index(input_.hosts.size()), reason()};
  }
  PolicyOutput anything() {
    PolicyOutput out;
    if (draw_below(r_, 20) == 0) out.abi = 2;
    for (std::size_t n = draw_below(r_, 6); n > 0; --n) out.decisions.push_back(any_decision());
    return out;
  }
  /// One decision that could be true by itself: it is the sum that may be too much.
  void add_plausible(PolicyOutput& out) {
    if (input_.versions.empty()) return;
    const auto v = static_cast<std::uint32_t>(draw_below(r_, input_.versions.size()));
    const VersionView& version = input_.versions[v];
    const bool place = !version.candidates.empty() && draw_below(r_, 3) != 0;
    const auto& from = place ? version.candidates : version.placed;
    if (from.empty()) return;
    const std::uint32_t host = from[draw_below(r_, from.size())];
    const auto why = place ? (version.placed.empty() ? DecisionReason::kFirstPlacement : DecisionReason::kRepair)
                           : (version.funded ? DecisionReason::kHostLeaving : DecisionReason::kUnfunded);
    out.decisions.push_back({place ? DecisionKind::kPlace : DecisionKind::kDrain, v, host,
                             draw_below(r_, 4) == 0 ? DecisionReason::kRebalanced : why});
  }
  /// Voluntary moves: some versions each from a host to another.
  void add_moves(PolicyOutput& out) {
    for (std::uint32_t v = 0; v < input_.versions.size(); ++v) {
      const VersionView& version = input_.versions[v];
      if (version.placed.empty() || version.candidates.empty() || draw_below(r_, 3) == 0) continue;
      const std::uint32_t to = version.candidates[draw_below(r_, version.candidates.size())];
      const std::uint32_t from = version.placed[draw_below(r_, version.placed.size())];
      out.decisions.push_back({DecisionKind::kPlace, v, to, DecisionReason::kRebalanced});
      out.decisions.push_back({DecisionKind::kDrain, v, from, DecisionReason::kRebalanced});
    }
  }
  PolicyOutput almost_sound() {
    PolicyOutput out = test::greedy(input_);
    for (std::size_t n = draw_below(r_, 4); n > 0; --n) {
      const std::size_t size = out.decisions.size();
      switch (draw_below(r_, 6)) {
        case 3:
          add_moves(out);
          break;
        case 0:
          if (size > 0) out.decisions.erase(out.decisions.begin() + static_cast<std::ptrdiff_t>(draw_below(r_, size)));
          break;
        case 1:
          std::erase_if(out.decisions, [](const PolicyDecision& d) { return d.kind == DecisionKind::kDrain; });
          break;
        case 2:
          if (size > 0) out.decisions[draw_below(r_, size)].reason = reason();
          break;
        default:
          add_plausible(out);
      }
    }
    return out;
  }

  Random& r_;
  PolicyInput input_;
  PolicyRunOutcome said_;
};

struct Town : ServiceWorld {
  Random& r;
  Anarchist anarchist;
  std::vector<HostOf> hosts;
  std::vector<ServiceId> services;
  std::vector<VersionId> versions;
  std::uint64_t commits = 0;
  int applied = 0;
  std::map<std::uint16_t, int> faults;

  explicit Town(Random& random) : ServiceWorld(6, 100'000'000'000), r(random), anarchist(random) {
    genesis.params.replicas_min = static_cast<std::uint32_t>(1 + draw_below(r, 3));
    start();
    for (std::uint64_t n = 0; n < kHosts; ++n) {
      const std::uint64_t owner = n % 4;  // one of them has two
      hosts.push_back({owner, add_node(owner, n), {}, false});
    }
    for (HostOf& host : hosts) offer(host);
    EXPECT_TRUE(end_epoch().has_value());
    for (int n = 0; n < 3; ++n) {
      services.push_back(publish(kOwner, "s" + std::to_string(n)));
      add_version(services.back());
    }
    policy.decide = [this](ByteView input) { return anarchist.run(input); };
  }
  void offer(HostOf& host) {
    host.offer = add_offer(host.owner, host.node, {1'000, draw_below(r, 2) == 0 ? 256u : 1'024u, 1'024});
    host.offered = true;
  }
  void add_version(const ServiceId& service) {
    const VersionId version = announce(kOwner, service, ++commits, draw_below(r, 2) == 0 ? 64 : 200);
    // As many equal builds as hosts are asked, so that it is active from the next boundary.
    for (std::uint64_t n = 0; n < kHosts; ++n) {
      const SignedTx tx = make(hosts[n].owner, attestation(version, hosts[n].node, n));
      EXPECT_TRUE(run(std::span(&tx, 1), 1, ExecutionMode::kBuild).has_value());
    }
    versions.push_back(version);
  }
  /// Leaves in the fund what some replicas of its versions cost for an epoch, give or take nothing.
  void set_fund(const ServiceId& service) {
    const std::uint64_t wanted = 64 * draw_below(r, 8) + 200 * draw_below(r, 4);
    const auto fund_record = read<FundRecord>(path::fund(service));
    const std::uint64_t held = fund_record ? live_total(fund_record->purse, lots()).micro : 0;
    if (held < wanted) fund(kOwner, service, wanted - held);
    if (held > wanted) {
      EXPECT_EQ(apply(kOwner, UnfundService{service, Amount(held - wanted)}).status, TxStatus::kOk);
    }
  }
  void change_something() {
    if (draw_below(r, 3) != 0) set_fund(services[draw_below(r, services.size())]);
    if (draw_below(r, 3) == 0) {
      HostOf& host = hosts[draw_below(r, hosts.size())];
      if (host.offered) {
        host.offered = apply(host.owner, WithdrawOffer{host.offer}).status != TxStatus::kOk;
      } else if (const auto old = read<OfferRecord>(path::offer(host.offer)); old && old->end <= epoch()) {
        offer(host);
      }
    }
    if (draw_below(r, 10) == 0) add_version(services[draw_below(r, services.size())]);
    // A network would stop to ask after two failures; here it is asked for ever.
    auto record = *read<PolicyRecord>(path::policy());
    record.frozen = false;
    record.failures_in_a_row = 0;
    state.apply({{path::policy(), encode(record)}});
  }
  [[nodiscard]] std::map<VersionId, std::vector<NodeId>> placements() const {
    std::map<VersionId, std::vector<NodeId>> out;
    for (const VersionId& version : versions) out[version] = hosts_of(version);
    return out;
  }
};

const event::PolicyFailed* failure_of(const BlockOutcome& out) {
  for (const Event& e : out.boundary_events) {
    if (const auto* failed = std::get_if<event::PolicyFailed>(&e)) return failed;
  }
  return nullptr;
}

/// The kept bytes alone give the verdict that the block has.
void judge_again(const Town& town, const BlockOutcome& out) {
  const event::PolicyFailed* failed = failure_of(out);
  const auto output = decode<PolicyOutput>(out.policy->output);
  const auto input = decode<PolicyInput>(out.policy->input);
  ASSERT_TRUE(input.has_value());
  EXPECT_LE(out.policy->output.size(), kMaxPolicyOutputBytes);
  if (failed == nullptr) {
    ASSERT_TRUE(output.has_value());
    EXPECT_EQ(check_output(*input, *output), PolicyFault::kNone);
  } else if (failed->reason > static_cast<std::uint16_t>(PolicyFault::kMalformed)) {
    ASSERT_TRUE(output.has_value());
    EXPECT_EQ(static_cast<std::uint16_t>(check_output(*input, *output)), failed->reason);
  } else {
    EXPECT_FALSE(output.has_value() && check_output(*input, *output) == PolicyFault::kNone) << town.height.text();
  }
}

void run_epoch(Town& town) {
  town.change_something();
  const auto before = town.placements();
  const auto out = town.end_epoch();
  ASSERT_TRUE(out.has_value()) << out.error().message;
  const auto sum = check_full_sum(town.state);
  ASSERT_TRUE(sum.has_value()) << sum.error().message;
  const auto after = town.placements();
  for (const auto& [version, hosts] : after) {
    EXPECT_LE(hosts.size(), std::max<std::size_t>(before.at(version).size(), town.genesis.params.replicas_min));
    if (const auto stored = town.state.get(path::placement(version))) {
      EXPECT_TRUE(decode<PlacementRecord>(*stored).has_value()) << "it can be read again";
    }
  }
  if (!out->policy) return;
  judge_again(town, *out);
  const event::PolicyFailed* failed = failure_of(*out);
  town.applied += failed == nullptr;
  if (failed == nullptr) return;
  ++town.faults[failed->reason];
  for (const Event& e : out->boundary_events) {
    EXPECT_FALSE(std::holds_alternative<event::Placed>(e)) << "nothing of a refused output applies";
    const auto* drained = std::get_if<event::Drained>(&e);
    EXPECT_TRUE(drained == nullptr || drained->decision == 0);
  }
}

/// No sum of decisions with true reasons takes a replica from a version that is to run: each such move needs another.
bool reachable(PolicyFault fault) {
  return fault != PolicyFault::kNone && fault != PolicyFault::kTooFewReplicas;
}

TEST(PolicyProp, NoOutputStopsABoundary) {
  int applied = 0;
  std::map<std::uint16_t, int> faults;
  for (std::uint64_t run = 0; run < kRuns && !::testing::Test::HasFailure(); ++run) {
    SCOPED_TRACE("run " + std::to_string(run));
    SeededRandom random(run);
    Town town(random);
    for (int n = 0; n < kEpochsPerRun && !::testing::Test::HasFailure(); ++n) run_epoch(town);
    applied += town.applied;
    for (const auto& [fault, times] : town.faults) faults[fault] += times;
  }
  EXPECT_GE(applied, 300);
#define X(name, number, text)                                                                                 \
  if (reachable(PolicyFault::name)) {                                                                         \
    EXPECT_GE(faults[number], 1) << "no output was refused because " << policy_fault_text(PolicyFault::name); \
  }
  MICRO_POLICY_FAULTS(X)
#undef X
}

}  // namespace
}  // namespace micro
