#include "tests/gen/service_world.hpp"

namespace micro {
namespace {

using test::person;
using test::ServiceWorld;

template <class T>
std::vector<T> events_of(const BlockOutcome& out) {
  std::vector<T> found;
  for (const Event& e : out.boundary_events) {
    if (const auto* hit = std::get_if<T>(&e)) found.push_back(*hit);
  }
  return found;
}

/// One host, one funded service with one built version.
struct OneService : ServiceWorld {
  NodeId node;
  OfferId offer;
  ServiceId service;
  VersionId version;
  OneService() {
    start();
    node = add_node(1, 1);
    offer = add_offer(1, node);
    EXPECT_TRUE(end_epoch().has_value());  // hosts take part from the epoch after they registered
    service = publish(0, "hello");
    version = announce(0, service, 1);
    attest(1, version, node, 1);
    fund(0, service, 1'000'000);
  }
};

TEST(Epoch, ABoundaryComesWithTimeAndRisesByOneHoweverLate) {
  ServiceWorld w;
  w.start();
  EXPECT_FALSE(w.run({}, 999)->boundary);
  EXPECT_TRUE(w.run({}, 1)->boundary);
  EXPECT_EQ(w.epoch(), Epoch(1));
  const auto late = w.run({}, 50'000);
  EXPECT_TRUE(late->boundary);
  EXPECT_TRUE(late->next_validators.has_value());
  EXPECT_EQ(w.epoch(), Epoch(2));
}

TEST(Epoch, ABuiltAndFundedVersionIsPlacedAndItsUpkeepBurned) {
  OneService w;
  const Supply before = w.supply();
  const auto out = w.end_epoch();
  ASSERT_TRUE(out.has_value()) << out.error().message;
  EXPECT_EQ(w.status_of(w.version), VersionState::kActive);
  EXPECT_EQ(w.hosts_of(w.version), std::vector{w.node});
  const auto placed = events_of<event::Placed>(*out);
  ASSERT_EQ(placed.size(), 1u);
  EXPECT_EQ(placed[0].decision, 1u);
  ASSERT_EQ(events_of<event::PolicyRan>(*out).size(), 1u);
  ASSERT_TRUE(out->policy.has_value());
  EXPECT_EQ(events_of<event::PolicyRan>(*out)[0].output, policy_output_hash(out->policy->output));
  EXPECT_EQ(events_of<event::EpochEnded>(*out)[0].upkeep, Amount(64));
  EXPECT_EQ(w.supply().burned.value() - before.burned.value(), 64u);
  // Nothing to decide any more: the policy is not asked.
  EXPECT_FALSE(w.end_epoch()->policy.has_value());
}

TEST(Epoch, ASecondVersionIsPlacedWhileTheFirstLivesOn) {
  OneService w;
  ASSERT_TRUE(w.end_epoch().has_value());
  const VersionId second = w.announce(0, w.service, 2);
  EXPECT_EQ(resolve_service(w.state, "hello")->version.version, w.version);
  w.attest(1, second, w.node, 1);
  ASSERT_TRUE(w.end_epoch().has_value());
  EXPECT_EQ(w.hosts_of(w.version).size(), 1u);
  EXPECT_EQ(w.hosts_of(second).size(), 1u);
  EXPECT_EQ(resolve_service(w.state, "hello")->version.version, second);
  const std::string first_commit = ServiceWorld::commit(1).hex();
  EXPECT_EQ(resolve_service(w.state, "hello", std::string_view(first_commit).substr(0, 7))->version.version, w.version);
}

TEST(Epoch, AShortFundPausesTheOldestVersionFirstAndFundingResumesIt) {
  OneService w;
  ASSERT_TRUE(w.end_epoch().has_value());
  const VersionId second = w.announce(0, w.service, 2);
  w.attest(1, second, w.node, 1);
  // Leave enough for one version only.
  const Amount held = live_total(w.read<FundRecord>(path::fund(w.service))->purse, w.lots());
  EXPECT_EQ(w.apply(0, UnfundService{w.service, Amount(held.micro - 100)}).status, TxStatus::kOk);
  const auto out = w.end_epoch();
  EXPECT_EQ(w.status_of(second), VersionState::kActive);
  EXPECT_EQ(w.status_of(w.version), VersionState::kPaused);
  EXPECT_TRUE(w.hosts_of(w.version).empty());
  ASSERT_EQ(events_of<event::Drained>(*out).size(), 1u);
  EXPECT_EQ(events_of<event::Drained>(*out)[0].end, Epoch(w.epoch().value + w.genesis.params.drain_epochs));
  w.fund(2, w.service, 1'000);
  ASSERT_TRUE(w.end_epoch().has_value());
  EXPECT_EQ(w.status_of(w.version), VersionState::kActive);
  EXPECT_EQ(w.hosts_of(w.version).size(), 1u);
}

TEST(Epoch, AnUnbuiltOrDisputedVersionIsNeverPlaced) {
  ServiceWorld w;
  w.start();
  const NodeId a = w.add_node(1, 1), b = w.add_node(2, 2);
  w.add_offer(1, a);
  w.add_offer(2, b);
  ASSERT_TRUE(w.end_epoch().has_value());
  const ServiceId service = w.publish(0, "hello");
  const VersionId version = w.announce(0, service, 1);
  w.fund(0, service, 1'000'000);
  w.attest(1, version, a, 1, 7);
  ASSERT_TRUE(w.end_epoch().has_value());
  EXPECT_EQ(w.status_of(version), VersionState::kAnnounced);
  w.attest(2, version, b, 2, 8);
  ASSERT_TRUE(w.end_epoch().has_value());
  EXPECT_EQ(w.status_of(version), VersionState::kIrreproducible);
  EXPECT_TRUE(w.hosts_of(version).empty());
}

TEST(Epoch, ALeavingHostIsReplacedAndItsBondComesBackWithTheLifeItHad) {
  OneService w;
  ASSERT_TRUE(w.end_epoch().has_value());
  const NodeId other = w.add_node(2, 2);
  w.add_offer(2, other);
  ASSERT_TRUE(w.end_epoch().has_value());
  const Amount before = w.live(1);
  const TxReceipt withdrawn = w.apply(1, WithdrawOffer{w.offer});
  ASSERT_TRUE(w.end_epoch().has_value());
  EXPECT_EQ(w.hosts_of(w.version), std::vector{other});
  ASSERT_TRUE(w.end_epochs(w.genesis.params.unbonding_epochs).has_value());
  EXPECT_EQ(w.read<OfferRecord>(path::offer(w.offer))->state, OfferState::kReleased);
  EXPECT_EQ(w.live(1).micro, before.micro - withdrawn.fee.micro + w.genesis.params.min_bond.micro);
  EXPECT_EQ(w.supply().paused, w.genesis.params.min_bond);  // the other host's
}

// A policy that replaces the leaving host without draining it asks for more than the fund was checked for. Its output
// is refused; the node neither stops nor spends what is not there.
TEST(Epoch, APolicyThatWouldRunMoreThanTheFundPaysIsRefused) {
  OneService w;
  ASSERT_TRUE(w.end_epoch().has_value());
  w.add_offer(2, w.add_node(2, 2));
  ASSERT_TRUE(w.end_epoch().has_value());
  const Amount held = live_total(w.read<FundRecord>(path::fund(w.service))->purse, w.lots());
  EXPECT_EQ(w.apply(0, UnfundService{w.service, Amount(held.micro - 64)}).status,
            TxStatus::kOk);  // one replica's epoch
  EXPECT_EQ(w.apply(1, WithdrawOffer{w.offer}).status, TxStatus::kOk);
  w.follow([](const PolicyInput& in) {
    PolicyOutput both = test::greedy(in);
    std::erase_if(both.decisions, [](const PolicyDecision& d) { return d.kind == DecisionKind::kDrain; });
    return both;
  });
  const auto out = w.end_epoch();
  ASSERT_TRUE(out.has_value()) << out.error().message;
  ASSERT_EQ(events_of<event::PolicyFailed>(*out).size(), 1u);
  EXPECT_EQ(events_of<event::PolicyFailed>(*out)[0].reason, static_cast<std::uint16_t>(PolicyFault::kTooManyReplicas));
  EXPECT_EQ(w.hosts_of(w.version), std::vector{w.node});
  EXPECT_EQ(events_of<event::EpochEnded>(*out)[0].upkeep, Amount(64));
}

TEST(Epoch, AHostThatIsGoneHoldsNothingEvenWithoutAPolicy) {
  OneService w;
  ASSERT_TRUE(w.end_epoch().has_value());
  w.follow([](const PolicyInput&) { return PolicyOutput{}; });
  EXPECT_EQ(w.apply(1, WithdrawOffer{w.offer}).status, TxStatus::kOk);
  ASSERT_TRUE(w.end_epochs(w.genesis.params.drain_epochs).has_value());
  EXPECT_TRUE(w.hosts_of(w.version).empty());
}

TEST(Epoch, TwoFailuresOfAPolicyWithoutParentFreezeDecisions) {
  OneService w;
  w.policy.decide = [](ByteView) { return PolicyRunOutcome{false, {}, 0, "unreachable"}; };
  auto out = w.end_epoch();
  ASSERT_EQ(events_of<event::PolicyFailed>(*out).size(), 1u);
  EXPECT_EQ(events_of<event::PolicyFailed>(*out)[0].reason, static_cast<std::uint16_t>(PolicyFault::kTrapped));
  EXPECT_FALSE(w.read<PolicyRecord>(path::policy())->frozen);
  ASSERT_TRUE(w.end_epoch().has_value());
  EXPECT_TRUE(w.read<PolicyRecord>(path::policy())->frozen);
  const int runs = w.policy.runs;
  ASSERT_TRUE(w.end_epoch().has_value());
  EXPECT_EQ(w.policy.runs, runs);
}

TEST(Epoch, TroubleOfThisNodeHaltsItInsteadOfVoting) {
  OneService w;
  class Broken final : public PolicyPort {
    Result<PolicyRunOutcome> run(ByteView, ByteView, std::uint64_t) override {
      return fail(Fault::kInternal, "out of memory");
    }
  } broken;
  const auto out = execute_block(w.state, w.next_block(1'000), {}, broken, ExecutionMode::kValidate);
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().fault, Fault::kInternal);
}

TEST(Epoch, ExpiryGraceAndPurgeFollowTheClockWithoutTouchingAPurse) {
  ServiceWorld w(2, 1'000'000, 1);  // Q = 1: lots live 30 epochs
  w.start();
  ASSERT_TRUE(w.end_epochs(29).has_value());
  EXPECT_EQ(w.live(0).micro, 1'000'000u);
  const auto expiry = w.end_epoch();
  EXPECT_EQ(events_of<event::EpochEnded>(*expiry)[0].expired, Amount(2'000'000));
  EXPECT_EQ(w.live(0).micro, 0u);
  EXPECT_EQ(grace_total(w.account(0).purse, w.lots()).micro, 1'000'000u);
  ASSERT_TRUE(w.end_epochs(29).has_value());
  const auto purge = w.end_epoch();
  EXPECT_EQ(events_of<event::EpochEnded>(*purge)[0].purged, Amount(2'000'000));
  EXPECT_EQ(w.supply().purged.value(), 2'000'000u);
  EXPECT_EQ(w.account(0).purse.lots.size(), 1u);  // stale bytes until its next write
}

}  // namespace
}  // namespace micro
