// What the ledger says of a service, as clients read it.
#include <gtest/gtest.h>

#include "chain/state/overlay.hpp"
#include "chain/store/memory_kv.hpp"
#include "rpc/views/views.hpp"

namespace micro {
namespace {

class ServiceViews : public ::testing::Test {
 protected:
  ServiceViews() {
    service_.service.data[0] = 1;
    service_.name = Text<kMaxServiceNameBytes>("poor");
    state_.put_record(path::name("poor"), service_.service);
    announce(1, std::nullopt);
  }
  /// A version after those before it, in that state; nothing: no boundary came since.
  void announce(std::uint8_t n, std::optional<VersionState> state) {
    VersionRecord version;
    version.version.data[0] = n;
    version.service = service_.service;
    version.commit.data[0] = n;
    if (service_.newest != version.version) version.previous = service_.newest;
    service_.newest = version.version;
    state_.put_record(path::service(service_.service), service_);
    state_.put_record(path::version(version.version), version);
    if (!state) return;
    StatusRecord status;
    status.version = version.version;
    status.service = service_.service;
    status.state = *state;
    state_.put_record(path::status(version.version), status);
  }
  Json listed() { return views::services(moment()).value().at(0); }
  views::Moment moment() { return {state_, blocks_, JsonContext{NetworkKind::kDev}, {}, {}}; }

  MapState nothing_;
  Overlay state_{nothing_};
  BlockStore blocks_ = BlockStore::open(std::make_unique<MemoryKv>(), ChainId()).value();
  ServiceRecord service_;
};

TEST_F(ServiceViews, APausedServiceIsListedAsPausedWithWhatToDo) {
  EXPECT_EQ(listed()["state"], "announced");
  EXPECT_FALSE(listed().contains("hint"));
  announce(1, VersionState::kPaused);
  const Json paused = listed();
  EXPECT_EQ(paused["state"], "paused");
  EXPECT_EQ(paused["reason"], views::pause_reason());
  EXPECT_NE(paused["hint"].get<std::string>().find("micro service fund poor"), std::string::npos);
  EXPECT_FALSE(paused.contains("active"));
  const Json version = views::versions(moment(), "poor").value().at(0);
  EXPECT_EQ(version["state"], "paused");
  EXPECT_EQ(version["hint"], paused["hint"]);
}

TEST_F(ServiceViews, TheNewestActiveVersionSpeaksForTheService) {
  announce(1, VersionState::kActive);
  announce(2, VersionState::kPaused);
  EXPECT_EQ(listed()["state"], "active");
  EXPECT_EQ(listed()["active"].get<std::string>().substr(0, 2), "01");
}

}  // namespace
}  // namespace micro
