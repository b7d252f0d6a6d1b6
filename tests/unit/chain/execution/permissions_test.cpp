// Nothing that a person can sign places, stops or decides. Every kind is tried by every role, with records that exist
// and with arbitrary values, and the modules that the transition owns must not change by a byte.
#include "chain/execution/permissions.hpp"

#include "chain/execution/block_state.hpp"
#include "chain/execution/full_sum.hpp"
#include "tests/gen/any_value.hpp"
#include "tests/gen/chain/committee_world.hpp"
#include "tests/gen/service_world.hpp"

namespace micro {
namespace {

using test::person;
using test::ServiceWorld;

constexpr std::uint64_t kOwner = 0, kHost = 1, kValidator = 2, kStranger = 3, kSession = 50, kNobody = 70;

struct PlacedService : ServiceWorld {
  NodeId node;
  OfferId offer;
  ServiceId service;
  VersionId version;
  PlacedService() : ServiceWorld(6, 10'000'000'000) {
    start();
    node = add_node(kHost, 1);
    offer = add_offer(kHost, node);
    EXPECT_TRUE(end_epoch().has_value());
    service = publish(kOwner, "hello");
    version = announce(kOwner, service, 1);
    attest(kHost, version, node, 1);
    fund(kOwner, service, 1'000'000);
    EXPECT_EQ(
        apply(kOwner,
              GrantSessionKey{
                  test::person_key(kSession).public_key(), Epoch(30), Amount(1'000'000), Amount(50'000'000), 10, {}})
            .status,
        TxStatus::kOk);
    EXPECT_TRUE(end_epoch().has_value());
    EXPECT_EQ(hosts_of(version).size(), 1u);
    EXPECT_TRUE(run({}).has_value());  // the epoch's first block makes its anchor
  }

  [[nodiscard]] SubmitEvidence proof_against_the_genesis() const {
    const Ed25519Secret liar = test::machine_key(0);
    const auto [a, b] = test::lie(read<EpochAnchor>(path::epoch_anchor(epoch()))->epoch_id);
    return {liar.public_key(), epoch(), a, liar.sign(statement_hash(a)), b, liar.sign(statement_hash(b)),
            person(kStranger)};
  }
  /// A value of each kind that concerns this very service, node and offer.
  [[nodiscard]] std::vector<Payload> telling_payloads() const {
    const RegisterNode keys = registration(kHost, 9);
    return {Transfer{person(kStranger), Amount(1), {}},
            RefreshLot{Epoch(120), LotClass::kToken, Amount(10)},
            keys,
            RotateNodeKey{node, keys.node_key, keys.consensus_key, keys.node_proof, keys.consensus_proof},
            GrantSessionKey{test::person_key(60).public_key(), Epoch(9), Amount(1), Amount(1), 1, {}},
            RevokeSessionKey{person(kSession)},
            OfferResources{node, {1'000, 512, 100}, genesis.params.min_bond},
            WithdrawOffer{offer},
            PublishService{Text<kMaxServiceNameBytes>("other"),
                           Text<kMaxUrlBytes>("https://git.example/r"),
                           {},
                           Amount(1),
                           500'000,
                           {}},
            AnnounceVersion{service, commit(2), 0, 64},
            attestation(version, node, 1, 7),
            FundService{service, Amount(5)},
            UnfundService{service, Amount(900'000)},
            SetPrice{service, Amount(7), 400'000},
            OpenChannel{service, node, test::person_key(61).x_only_key(), Amount(20'000'000), Epoch(20), 1},
            TopUpChannel{},
            Claim{},
            CoopClose{},
            RequestClose{},
            Finalize{},
            Dispute{},
            JoinCommittee{node, genesis.params.min_seat_bond},
            LeaveCommittee{test::machine_key(0).public_key()},
            ConfirmReadiness{test::machine_key(0).public_key(), epoch(), {}, {}},
            proof_against_the_genesis()};
  }
};

/// Everything that only the transition may write; the supply counters belong to the block.
std::map<StatePath, Bytes> decided(const MapState& state) {
  std::map<StatePath, Bytes> out;
  for (const auto& [path, value] : state.entries()) {
    if (contains(kTransitionOnly, module_of(path)) && path != path::supply()) out.emplace(path, value);
  }
  return out;
}

/// True when the transaction was included.
bool leaves_decisions_alone(PlacedService& w, std::uint64_t sender, const Payload& payload) {
  const MapState before = w.state;
  const auto frozen = decided(before);
  const SignedTx tx = w.make(sender, payload);
  const auto out = w.run(std::span(&tx, 1), 1, ExecutionMode::kBuild);
  EXPECT_TRUE(out.has_value()) << tx_kind_name(payload.index());
  EXPECT_EQ(decided(w.state), frozen) << tx_kind_name(payload.index()) << " changed what only the transition may";
  const auto sum = check_full_sum(w.state);
  EXPECT_TRUE(sum.has_value()) << sum.error().message;
  w.state = before;
  return out.has_value() && !out->receipts.empty();
}

constexpr std::uint64_t kRoles[] = {kOwner, kHost, kValidator, kStranger, kSession, kNobody};

TEST(NonInterference, NoKindByAnyRoleTouchesPlacementsStatusOrPolicy) {
  PlacedService w;
  const auto payloads = w.telling_payloads();
  ASSERT_EQ(payloads.size(), kTxKinds) << "a new kind needs a telling value here";
  std::set<std::size_t> included;
  for (std::size_t kind = 0; kind < kTxKinds; ++kind) {
    ASSERT_EQ(payloads[kind].index(), kind);
    for (const std::uint64_t role : kRoles) {
      if (leaves_decisions_alone(w, role, payloads[kind])) included.insert(kind);
    }
  }
  EXPECT_EQ(included.size(), kTxKinds) << "each kind was executed at least once";
}

TEST(NonInterference, NorWithArbitraryValues) {
  PlacedService w;
  SeededRandom random(11);
  int included = 0;
  for (int i = 0; i < 600; ++i) {
    const auto payload = test::any_value<Payload>(random);
    included += leaves_decisions_alone(w, kRoles[i % 5], payload);
  }
  EXPECT_GT(included, 100);
}

// The table is enforced: a handler with a mistake in it stops the node instead of placing anything.
TEST(Permissions, AHandlerThatWritesElsewhereStopsTheNode) {
  PlacedService w;
  const StatePath reserved[] = {path::placement(w.version), path::status(w.version), path::policy(),
                                path::epoch_clock(),        path::params(),          path::validators(w.epoch())};
  const StatePath foreign[] = {path::service(w.service), path::offer(w.offer), path::name("hello")};
  const auto written_by_transfer = [&](const StatePath& path) {
    const auto block = BlockState::open(w.state, w.next_block()).value();
    TxScope scope(block->overlay, block->book, block->ctx);
    const SignedTx tx = w.make(kOwner, Transfer{person(kStranger), Amount(1), {}});
    EXPECT_EQ(scope.admit(tx, tx_facts(tx)).value(), TxStatus::kOk);
    scope.begin();
    scope.store(path, w.epoch());
    const auto receipt = scope.finish(TxStatus::kOk);
    return !receipt.has_value() && receipt.error().fault == Fault::kInternal && block->overlay.diff().empty();
  };
  for (const StatePath& path : reserved) EXPECT_TRUE(written_by_transfer(path)) << path.hex();
  for (const StatePath& path : foreign) EXPECT_TRUE(written_by_transfer(path)) << path.hex();
}

TEST(Permissions, NoKindMayWriteWhatTheTransitionOwns) {
  for (std::size_t kind = 0; kind < kTxKinds; ++kind) {
    EXPECT_EQ(writable_modules(kind) & kTransitionOnly, 0u) << tx_kind_name(kind);
  }
  EXPECT_TRUE(contains(kTransitionOnly, Module::kPlacements));
  EXPECT_TRUE(contains(kTransitionOnly, Module::kStatus));
}

}  // namespace
}  // namespace micro
