// More work than the events of one boundary can tell of: the rest waits for the next boundary, and nothing is lost.
// The records are put straight into the state, since as many transactions would take minutes.
#include "chain/execution/epoch_network.hpp"
#include "chain/execution/full_sum.hpp"
#include "tests/gen/service_world.hpp"

namespace micro {
namespace {

using test::person;
using test::ServiceWorld;

template <class Id>
Id numbered(std::uint64_t kind, std::uint64_t n) {
  return tagged_hash(domain::kOfferId, encode(kind * 1'000'000 + n)).as<Id>();
}

/// How many of this event the boundary has; its list has to fit its limit.
template <class T>
std::size_t count_of(const BlockOutcome& out) {
  EXPECT_LE(out.boundary_events.size(), kMaxBoundaryEvents);
  return static_cast<std::size_t>(
      std::ranges::count_if(out.boundary_events, [](const Event& e) { return std::holds_alternative<T>(e); }));
}

/// A service with this many versions, each built; the fund is empty, so none of them can go on.
void add_built_versions(ServiceWorld& w, std::uint64_t service_number, std::uint64_t versions, VersionState state) {
  StateDiff diff;
  ServiceRecord service;
  service.service = numbered<ServiceId>(1, service_number);
  service.owner = person(0);
  for (std::uint64_t n = 0; n < versions; ++n) {
    VersionRecord version;
    version.version = numbered<VersionId>(2 + service_number, n);
    version.service = service.service;
    version.memory_mib = 64;
    version.ordinal = static_cast<std::uint32_t>(n + 1);
    version.previous = service.newest;
    service.newest = version.version;
    StatusRecord status;
    status.version = version.version;
    status.service = service.service;
    status.state = state;
    diff.insert_or_assign(path::version(version.version), encode(version));
    diff.insert_or_assign(path::status(version.version), encode(status));
  }
  diff.insert_or_assign(path::service(service.service), encode(service));
  w.state.apply(diff);
}

std::size_t versions_in(const ServiceWorld& w, VersionState state) {
  std::size_t found = 0;
  w.state.scan(Module::kStatus, [&](const StatePath&, ByteView bytes) {
    found += decode<StatusRecord>(bytes).value().state == state;
    return true;
  });
  return found;
}

TEST(BoundaryRoom, StatusesThatDoNotFitChangeAtALaterBoundary) {
  ServiceWorld w;
  w.start();
  constexpr std::size_t kVersions = kMaxBoundaryEvents + 1;
  add_built_versions(w, 1, kVersions, VersionState::kActive);
  std::size_t left = kVersions;
  while (left > 0) {
    const auto out = w.end_epoch();
    ASSERT_TRUE(out.has_value()) << out.error().message;
    const std::size_t changed = count_of<event::VersionStatusChanged>(*out);
    ASSERT_EQ(changed, std::min(left, kMaxStatusChanges));
    EXPECT_EQ(count_of<event::EpochEnded>(*out), 1u);
    left -= changed;
    EXPECT_EQ(versions_in(w, VersionState::kActive), left);
    EXPECT_EQ(versions_in(w, VersionState::kPaused), kVersions - left);
  }
  EXPECT_EQ(count_of<event::VersionStatusChanged>(*w.end_epoch()), 0u);
}

// One with more versions than fit cannot keep the others from their turn: where a boundary begins is drawn.
TEST(BoundaryRoom, NobodyIsAlwaysLast) {
  ServiceWorld w;
  w.start();
  add_built_versions(w, 1, 4 * kMaxStatusChanges, VersionState::kActive);
  std::vector<VersionId> small;
  for (std::uint64_t n = 2; small.size() < 2; ++n) {
    if (path::service(numbered<ServiceId>(1, n)) < path::service(numbered<ServiceId>(1, 1))) continue;
    add_built_versions(w, n, 1, VersionState::kActive);
    small.push_back(numbered<VersionId>(2 + n, 0));
  }
  const auto wait = [&](const VersionId& version) { return w.status_of(version) == VersionState::kActive; };
  for (int i = 0; i < 4 && std::ranges::any_of(small, wait); ++i) ASSERT_TRUE(w.end_epoch().has_value());
  EXPECT_TRUE(std::ranges::none_of(small, wait)) << "the big one comes first by its path, and fills four boundaries";
}

/// Whether the version had to wait for its place; then it was neither charged nor placed until it had it.
bool waits_without_a_charge(int empty_blocks) {
  ServiceWorld w;
  w.start();
  const NodeId node = w.add_node(1, 1);
  w.add_offer(1, node);
  EXPECT_TRUE(w.end_epoch().has_value());
  const ServiceId service = w.publish(0, "hello");
  const VersionId version = w.announce(0, service, 1);
  w.attest(1, version, node, 1);
  w.fund(0, service, 1'000);
  for (std::uint64_t n = 1; n <= 2; ++n) add_built_versions(w, n, kMaxStatusChanges + 1, VersionState::kActive);
  for (int i = 0; i < empty_blocks; ++i) EXPECT_TRUE(w.run({}).has_value());
  bool waited = false;
  for (int i = 0; i < 8; ++i) {
    const auto out = w.end_epoch();
    EXPECT_TRUE(out.has_value());
    if (!out || w.status_of(version) == VersionState::kActive) break;
    waited = true;
    EXPECT_TRUE(w.hosts_of(version).empty());
    EXPECT_EQ(live_total(w.read<FundRecord>(path::fund(service))->purse, w.lots()), Amount(1'000));
  }
  EXPECT_EQ(w.hosts_of(version), std::vector{node});
  EXPECT_TRUE(check_full_sum(w.state).has_value());
  return waited;
}

TEST(BoundaryRoom, WhoWaitsIsNotCharged) {
  bool waited = false;
  // Another height is another beacon, and with it another service that comes first.
  for (int empty_blocks = 0; empty_blocks < 10 && !waited; ++empty_blocks) {
    waited = waits_without_a_charge(empty_blocks);
  }
  EXPECT_TRUE(waited);
}

/// Offers of person 1 that are due at `epoch`, chained like withdrawals make them.
void add_due_bonds(ServiceWorld& w, std::uint64_t first, std::uint64_t count, Epoch epoch) {
  StateDiff diff;
  SupplyBook book = SupplyBook::from(w.supply(), w.lots()).value();
  DueRecord due{epoch, {}, {}};
  for (std::uint64_t n = first; n < first + count; ++n) {
    OfferRecord offer;
    offer.offer = numbered<OfferId>(9, n);
    offer.owner = person(1);
    offer.state = OfferState::kWithdrawn;
    offer.bonded_at = w.epoch();
    offer.release = epoch;
    offer.next_due = due.first_bond;
    due.first_bond = offer.offer;
    if (!due.last_bond) due.last_bond = offer.offer;
    const Lot lot{fresh_expiry(w.lots()), LotClass::kToken, Amount(1'000)};
    add_lot(offer.bond, lot);
    book.mint(lot);
    book.pause(lot);
    diff.insert_or_assign(path::offer(offer.offer), encode(offer));
  }
  diff.insert_or_assign(path::due(epoch), encode(due));
  diff.insert_or_assign(path::supply(), encode(book.record()));
  w.state.apply(diff);
}

TEST(BoundaryRoom, BondsThatDoNotFitGoBackAtTheNextBoundaryBeforeThoseThatAreDueThen) {
  ServiceWorld w;
  w.start();
  const Epoch next = w.epoch().next();
  add_due_bonds(w, 0, kMaxBondReleases + 10, next);
  add_due_bonds(w, 500'000, 3, next.next());
  ASSERT_TRUE(check_full_sum(w.state).has_value());
  const Amount before = w.live(1);
  auto out = w.end_epoch();
  ASSERT_TRUE(out.has_value()) << out.error().message;
  EXPECT_EQ(count_of<event::BondReleased>(*out), kMaxBondReleases);
  EXPECT_EQ(w.live(1).micro, before.micro + kMaxBondReleases * 1'000);
  EXPECT_FALSE(w.state.get(path::due(next)));
  ASSERT_TRUE(check_full_sum(w.state).has_value());
  out = w.end_epoch();
  ASSERT_TRUE(out.has_value()) << out.error().message;
  EXPECT_EQ(count_of<event::BondReleased>(*out), 13u);
  std::vector<OfferId> released;
  for (const Event& e : out->boundary_events) {
    if (const auto* bond = std::get_if<event::BondReleased>(&e)) released.push_back(bond->offer);
  }
  EXPECT_EQ(released.back(), numbered<OfferId>(9, 500'000)) << "those of this epoch come after what was left";
  EXPECT_EQ(w.supply().paused, Amount(0));
  EXPECT_TRUE(check_full_sum(w.state).has_value());
  EXPECT_EQ(count_of<event::BondReleased>(*w.end_epoch()), 0u);
}

// A leftover chain with nothing due behind it.
TEST(BoundaryRoom, BondsThatDoNotFitWaitAlone) {
  ServiceWorld w;
  w.start();
  add_due_bonds(w, 0, 2 * kMaxBondReleases + 1, w.epoch().next());
  EXPECT_EQ(count_of<event::BondReleased>(*w.end_epoch()), kMaxBondReleases);
  EXPECT_EQ(count_of<event::BondReleased>(*w.end_epoch()), kMaxBondReleases);
  EXPECT_EQ(count_of<event::BondReleased>(*w.end_epoch()), 1u);
  EXPECT_EQ(w.supply().paused, Amount(0));
}

TEST(BoundaryRoom, PlacementsOfGoneHostsThatDoNotFitEndAtTheNextBoundary) {
  ServiceWorld w;
  w.start();
  constexpr std::uint64_t kVersions = kMaxOrphansEnded / kernel::kMaxReplicas + 1;
  add_built_versions(w, 1, kVersions, VersionState::kPaused);
  StateDiff diff;
  for (std::uint64_t n = 0; n < kVersions; ++n) {
    PlacementRecord record;
    record.version = numbered<VersionId>(3, n);
    record.service = numbered<ServiceId>(1, 1);
    for (std::uint64_t host = 0; host < kernel::kMaxReplicas; ++host) {
      record.hosts.push_back({numbered<NodeId>(20, host), numbered<OfferId>(21, host), Epoch(0), Epoch(0), 1});
    }
    diff.insert_or_assign(path::placement(record.version), encode(record));
  }
  w.state.apply(diff);
  EXPECT_EQ(count_of<event::Drained>(*w.end_epoch()), kMaxOrphansEnded);
  EXPECT_EQ(count_of<event::Drained>(*w.end_epoch()), kernel::kMaxReplicas);
  EXPECT_EQ(count_of<event::Drained>(*w.end_epoch()), 0u);
  for (std::uint64_t n = 0; n < kVersions; ++n) EXPECT_TRUE(w.hosts_of(numbered<VersionId>(3, n)).empty());
}

}  // namespace
}  // namespace micro
