#include "services/directory/directory.hpp"

#include "services/directory/wanted.hpp"

#include <gtest/gtest.h>

#include "chain/state/overlay.hpp"

namespace micro {
namespace {

constexpr Epoch kNow{10};

template <class Id>
Id id_of(std::uint8_t n) {
  Id id;
  id.data.fill(n);
  return id;
}

class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() : state_(base_) {
    ServiceRecord service;
    service.service = kService;
    service.name = Text<kMaxServiceNameBytes>("hello");
    service.versions = 2;
    service.newest = version(2);
    put(path::service(kService), service);
    put(path::name("hello"), kService);
    for (std::uint8_t n = 1; n <= 2; ++n) {
      VersionRecord record;
      record.version = version(n);
      record.service = kService;
      record.commit = id_of<CommitId>(n);
      record.ordinal = n;
      if (n == 2) record.previous = version(1);
      put(path::version(record.version), record);
    }
  }
  static VersionId version(std::uint8_t n) { return version_id(kService, id_of<CommitId>(n)); }
  template <class T>
  void put(const StatePath& path, const T& record) {
    state_.put_record(path, record);
  }
  void set_status(std::uint8_t n, VersionState state) {
    StatusRecord status;
    status.version = version(n);
    status.service = kService;
    status.state = state;
    status.wasm_hash = id_of<CodeHash>(n);
    put(path::status(version(n)), status);
  }
  void place(std::uint8_t n, const NodeId& node, Epoch end = Epoch(0)) {
    PlacementRecord record;
    record.version = version(n);
    record.service = kService;
    record.hosts.push_back({node, id_of<OfferId>(1), Epoch(1), end, 1});
    put(path::placement(version(n)), record);
  }
  void offer_by(const NodeId& node) {
    NodeRecord record;
    record.node = node;
    record.offer = id_of<OfferId>(1);
    put(path::node(node), record);
    OfferRecord offer;
    offer.offer = *record.offer;
    put(path::offer(offer.offer), offer);
  }
  Directory read() {
    Directory directory(kSelf);
    EXPECT_TRUE(directory.load(state_, kNow).has_value());
    return directory;
  }
  std::vector<WantedVersion> wanted() { return *wanted_here(state_, kNow, kSelf); }
  std::size_t routed(std::string_view commit = {}) {
    const Directory directory = read();
    return directory.route("hello", commit)->version->commit.data[0];
  }

  static inline const ServiceId kService = id_of<ServiceId>(7);
  static inline const NodeId kSelf = id_of<NodeId>(1);
  MapState base_;
  Overlay state_;
};

TEST_F(DirectoryTest, TheBareNameIsTheNewestVersionThatIsServed) {
  set_status(1, VersionState::kActive);
  place(1, kSelf);
  EXPECT_EQ(routed(), 1U);
  set_status(2, VersionState::kActive);
  EXPECT_EQ(routed(), 1U) << "not placed yet: callers keep what works";
  place(2, kSelf);
  EXPECT_EQ(routed(), 2U);
  EXPECT_EQ(routed("0101010"), 1U) << "the old one lives on";
}

TEST_F(DirectoryTest, RefusesNamesAndCommitsThatAreNotThere) {
  EXPECT_EQ(read().route("nobody", {}).error().fault, Fault::kNotFound);
  EXPECT_EQ(read().route("hello", "ffffffff").error().fault, Fault::kNotFound);
  EXPECT_EQ(read().route("hello", "01").error().fault, Fault::kInvalid);
}

TEST_F(DirectoryTest, ABuilderAttestsOnceAndAHostServesWhatIsPlacedOnIt) {
  EXPECT_TRUE(wanted().empty()) << "without an offer it builds nothing";
  offer_by(kSelf);
  EXPECT_EQ(wanted().size(), 2U);
  BuildRecord build{version(2), {}};
  build.attestations.push_back({kSelf, {}, {}, {}, 1});
  put(path::build(version(2)), build);
  ASSERT_EQ(wanted().size(), 1U);
  EXPECT_EQ(wanted()[0].version, version(1));
  set_status(2, VersionState::kActive);
  place(2, kSelf);
  const auto both = wanted();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_TRUE(both[0].serve);
  EXPECT_EQ(both[0].module, id_of<CodeHash>(2));
}

TEST_F(DirectoryTest, ADrainingPlacementIsServedToItsEnd) {
  offer_by(kSelf);
  set_status(2, VersionState::kActive);
  place(2, kSelf, Epoch(kNow.value + 1));
  EXPECT_TRUE(wanted()[0].serve);
  place(2, kSelf, kNow);
  for (const WantedVersion& version : wanted()) EXPECT_FALSE(version.serve);
}

TEST_F(DirectoryTest, AnotherHostsPlacementIsRoutableAndNotServedHere) {
  offer_by(kSelf);
  set_status(2, VersionState::kActive);
  place(2, id_of<NodeId>(9));
  const Directory directory = read();
  const auto route = directory.route("hello", {});
  EXPECT_EQ(route->version->hosts.front().node, id_of<NodeId>(9));
  EXPECT_EQ(route->version->local_host(), nullptr);
  for (const WantedVersion& version : wanted()) EXPECT_FALSE(version.serve);
}

}  // namespace
}  // namespace micro
