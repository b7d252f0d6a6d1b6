#include <gtest/gtest.h>

#include "chain/registry/build_quorum.hpp"
#include "chain/registry/resolve.hpp"
#include "chain/registry/service_rules.hpp"
#include "chain/state/overlay.hpp"

namespace micro {
namespace {

TEST(ServiceNames, AreDnsLabels) {
  for (const char* good : {"a", "hello", "a1", "a-b", "x9-y", "abc--d"}) EXPECT_TRUE(is_service_name(good)) << good;
  EXPECT_TRUE(is_service_name(std::string(63, 'a')));
  for (const char* bad : {"", "1a", "-a", "a-", "A", "a_b", "a.b", "xn--abc", "a b", "ä"}) {
    EXPECT_FALSE(is_service_name(bad)) << bad;
  }
  EXPECT_FALSE(is_service_name(std::string(64, 'a')));
}

TEST(SourceUrls, AreHttpsWithoutTricks) {
  for (const char* good : {"https://github.com/o/r", "https://git.example:8443/o/r.git", "https://h/r/"}) {
    EXPECT_TRUE(is_source_url(good, false)) << good;
  }
  for (const char* bad : {"http://github.com/o/r", "https://", "https://host", "https:///o/r", "https://user@host/r",
                          "https://host/../r", "https://host/a//b", "https://host/r?x=1", "https://host/r#x",
                          "https://host/a b", "https://host:/r", "https://host:123456/r", "ssh://git@host/r",
                          "https://-x/r", "file:///srv/r", "/srv/r", "relative/r", "https://HOST/r"}) {
    EXPECT_FALSE(is_source_url(bad, false)) << bad;
  }
}

TEST(SourceUrls, MayBeLocalOnlyWhereGenesisSaysSo) {
  EXPECT_TRUE(is_source_url("file:///srv/r", true));
  EXPECT_TRUE(is_source_url("/srv/r", true));
  EXPECT_FALSE(is_source_url("file://relative", true));
  EXPECT_FALSE(is_source_url("/srv/../etc", true));
  for (const char* good : {"http://127.0.0.1:8000/o/r.git", "http://127.1.2.3/r", "http://localhost:1/r"}) {
    EXPECT_TRUE(is_source_url(good, true)) << good;
    EXPECT_FALSE(is_source_url(good, false)) << good;
  }
  for (const char* bad :
       {"http://github.com/o/r", "http://127.0.0.1.example.org/r", "http://127.0.0.1/../r", "http://localhost",
        "http://localhost.example/r", "http://10.0.0.1/r", "http://user@127.0.0.1/r"}) {
    EXPECT_FALSE(is_source_url(bad, true)) << bad;
  }
}

TEST(SourceSubdirs, StayInside) {
  for (const char* good : {"", "a", "a/b", "services/examples/hello-c/"}) EXPECT_TRUE(is_source_subdir(good)) << good;
  for (const char* bad : {"/a", "..", "a/../b", "a//b", "./a", "a\\b", "a\nb", "/"}) {
    EXPECT_FALSE(is_source_subdir(bad)) << bad;
  }
}

Attestation built(std::uint8_t node, std::uint8_t module, std::uint8_t toolchain = 1) {
  Attestation a;
  a.node.data[0] = node;
  a.wasm_hash.data[0] = module;
  a.toolchain_hash.data[0] = toolchain;
  return a;
}

TEST(BuildQuorum, IsTwoThirdsOfTheNodesAsked) {
  EXPECT_EQ(quorum_of(1), 1u);
  EXPECT_EQ(quorum_of(2), 2u);
  EXPECT_EQ(quorum_of(3), 2u);
  EXPECT_EQ(quorum_of(4), 3u);
  EXPECT_EQ(quorum_of(5), 4u);
  const ChainParams params;
  const std::vector one{built(1, 1)};
  EXPECT_EQ(build_outcome({}, params, 1).verdict, BuildVerdict::kWaiting);
  EXPECT_EQ(build_outcome(one, params, 0).verdict, BuildVerdict::kWaiting);
  EXPECT_EQ(build_outcome(one, params, 1).verdict, BuildVerdict::kAgreed);
  EXPECT_EQ(build_outcome(one, params, 2).verdict, BuildVerdict::kWaiting);
  const BuildOutcome shown = build_outcome(one, params, 9);
  EXPECT_EQ(shown.equal, 1u);
  EXPECT_EQ(shown.asked, 5u);
}

TEST(BuildQuorum, IsImpossibleOnceTooManyDiffer) {
  const ChainParams params;
  std::vector some{built(1, 1), built(2, 2)};
  EXPECT_EQ(build_outcome(some, params, 5).verdict, BuildVerdict::kWaiting);
  some.push_back(built(3, 3));
  EXPECT_EQ(build_outcome(some, params, 5).verdict, BuildVerdict::kIrreproducible);
  const std::vector lucky{built(1, 1), built(2, 1), built(3, 2), built(4, 1), built(5, 1)};
  const BuildOutcome agreed = build_outcome(lucky, params, 5);
  EXPECT_EQ(agreed.verdict, BuildVerdict::kAgreed);
  EXPECT_EQ(agreed.agreed->wasm_hash, lucky[0].wasm_hash);
  // The same module from another toolchain is no lie, but not the same build either.
  const std::vector mixed{built(1, 1, 1), built(2, 1, 2)};
  EXPECT_EQ(build_outcome(mixed, params, 2).verdict, BuildVerdict::kIrreproducible);
}

struct Registry {
  MapState state;
  ServiceRecord service;
  VersionId add(std::uint8_t n, std::optional<VersionState> status) {
    VersionRecord v;
    v.commit.data.fill(0xab);
    v.commit.data[9] = n;
    v.version = version_id(service.service, v.commit);
    v.previous = service.newest;
    v.ordinal = ++service.versions;
    service.newest = v.version;
    StateDiff diff{{path::version(v.version), encode(v)}};
    if (status) {
      StatusRecord s;
      s.version = v.version;
      s.state = *status;
      diff[path::status(v.version)] = encode(s);
    }
    service.name = Text<kMaxServiceNameBytes>("hello");
    diff[path::name("hello")] = encode(service.service);
    diff[path::service(service.service)] = encode(service);
    state.apply(diff);
    return v.version;
  }
};

TEST(Resolve, TheBareNameIsTheNewestActiveVersion) {
  Registry r;
  const VersionId first = r.add(1, VersionState::kActive);
  EXPECT_EQ(resolve_service(r.state, "hello")->version.version, first);
  r.add(2, VersionState::kPaused);
  r.add(3, std::nullopt);
  EXPECT_EQ(resolve_service(r.state, "hello")->version.version, first);
  const VersionId fourth = r.add(4, VersionState::kActive);
  EXPECT_EQ(resolve_service(r.state, "hello")->version.version, fourth);
  EXPECT_EQ(versions_of(r.state, r.service)->size(), 4u);
}

TEST(Resolve, ACommitNamesAnyVersion) {
  Registry r;
  r.add(1, VersionState::kPaused);
  EXPECT_EQ(resolve_service(r.state, "hello").error().fault, Fault::kNotFound);
  EXPECT_TRUE(resolve_service(r.state, "hello", "abababab").has_value());
  EXPECT_EQ(resolve_service(r.state, "hello", "ababab").error().fault, Fault::kInvalid);
  EXPECT_EQ(resolve_service(r.state, "hello", "ABABABAB").error().fault, Fault::kInvalid);
  EXPECT_EQ(resolve_service(r.state, "hello", "cdcdcdcd").error().fault, Fault::kNotFound);
  const VersionId second = r.add(2, std::nullopt);
  EXPECT_EQ(resolve_service(r.state, "hello", "abababab").error().fault, Fault::kInvalid);  // two begin so
  EXPECT_EQ(resolve_service(r.state, "hello", "ababababababababab02")->version.version, second);
  EXPECT_EQ(resolve_service(r.state, "nothing").error().fault, Fault::kNotFound);
}

}  // namespace
}  // namespace micro
