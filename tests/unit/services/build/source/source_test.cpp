#include "services/build/source/source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace micro {
namespace {

using ::testing::HasSubstr;

constexpr SourceRules kNetwork{};
constexpr SourceRules kDev{.allow_local = true, .allow_loopback_http = true};

Source parsed(std::string_view text, const SourceRules& rules = kNetwork) {
  auto source = parse_source(text, rules);
  EXPECT_TRUE(source.has_value()) << text << ": " << (source ? "" : source.error().message);
  return source.value_or(Source{});
}
Error refused(std::string_view text, const SourceRules& rules = kNetwork) {
  auto source = parse_source(text, rules);
  EXPECT_FALSE(source.has_value()) << text;
  return source ? Error{} : source.error();
}

TEST(SourceParse, SplitsRepositoryFolderAndRef) {
  EXPECT_EQ(parsed("https://git.example.org/ada/hello"),
            (Source{SourceKind::kHttps, "https://git.example.org/ada/hello", "", ""}));
  EXPECT_EQ(parsed("https://git.example.org/ada/hello/services/a@v1.2"),
            (Source{SourceKind::kHttps, "https://git.example.org/ada/hello", "services/a", "v1.2"}));
  EXPECT_EQ(parsed("github.com/ada/hello/dir@feature/x"),
            (Source{SourceKind::kHttps, "https://github.com/ada/hello", "dir", "feature/x"}));
}

TEST(SourceParse, NormalizesHostPortAndTrailingSlash) {
  EXPECT_EQ(parsed("HTTPS://Git.Example.ORG:443/Ada/Hello/").repo, "https://git.example.org/Ada/Hello");
  EXPECT_EQ(parsed("https://git.example.org:8443/a/b").repo, "https://git.example.org:8443/a/b");
}

TEST(SourceParse, DotGitEndsTheRepositoryWhereverItStands) {
  EXPECT_EQ(parsed("https://git.example.org/group/team/name.git/sub").repo,
            "https://git.example.org/group/team/name.git");
  EXPECT_EQ(parsed("https://git.example.org/group/team/name.git/sub").subdir, "sub");
  EXPECT_EQ(parsed("https://git.example.org/name.git").repo, "https://git.example.org/name.git");
}

TEST(SourceParse, UnderstandsTheAddressABrowserShows) {
  const Source source = parsed("https://github.com/ada/hello/tree/main/services/a");
  EXPECT_EQ(source.subdir, "services/a");
  EXPECT_EQ(source.ref, "main");
  EXPECT_THAT(refused("https://github.com/ada/hello/tree/main@v1").message, HasSubstr("two refs"));
}

TEST(SourceParse, LocalSourcesOnlyWhereAllowed) {
  EXPECT_EQ(parsed("./here@v1", kDev), (Source{SourceKind::kLocal, "./here", "", "v1"}));
  EXPECT_EQ(parsed("file:///srv/repo", kDev).repo, "/srv/repo");
  EXPECT_EQ(parsed("services/examples/hello-c", kDev).kind, SourceKind::kLocal);
  EXPECT_EQ(parsed("http://127.0.0.1:8080/a/b.git", kDev).repo, "http://127.0.0.1:8080/a/b.git");
  EXPECT_EQ(parsed("http://[::1]:8080/a/b", kDev).kind, SourceKind::kLoopbackHttp);
  for (const auto* text : {"./here", "/srv/repo", "file:///srv/repo", "http://localhost/a/b", "plainword"}) {
    EXPECT_EQ(refused(text).fault, Fault::kDenied) << text;
    EXPECT_FALSE(refused(text).hint.empty()) << text;
  }
}

TEST(SourceParse, PlainHttpNeverLeavesThisMachine) {
  for (const auto* text : {"http://example.org/a/b", "http://127.0.0.1.example.org/a/b", "http://10.0.0.1/a/b",
                           "http://127.1/a/b", "http://localhost.example.org/a/b"}) {
    EXPECT_EQ(refused(text, kDev).fault, Fault::kDenied) << text;
  }
}

TEST(SourceParse, RefusesEverythingThatRunsProgramsOrAsksForSecrets) {
  for (const auto* text : {"ssh://git@github.com/a/b", "git@github.com:a/b", "git://github.com/a/b", "ext::sh -c id",
                           "ftp://example.org/a/b", "data://x/a/b"}) {
    EXPECT_EQ(refused(text, kDev).fault, Fault::kDenied) << text;
  }
  EXPECT_THAT(refused("https://me:secret@example.org/a/b").message, HasSubstr("user name"));
  EXPECT_EQ(refused("--upload-pack=touch /tmp/x", kDev).fault, Fault::kInvalid);
}

TEST(SourceParse, HttpsNeedsTheNameOfAPublicHost) {
  for (const auto* text :
       {"https://127.0.0.1/a/b", "https://localhost/a/b", "https://2130706433/a/b", "https://[::1]/a/b",
        "https://169.254.169.254/a/b", "https://-x.org/a/b", "https://x..org/a/b", "https:///a/b"}) {
    EXPECT_EQ(refused(text, kDev).fault, Fault::kInvalid) << text;
  }
}

TEST(SourceParse, RefusesPathsThatClimbOrHide) {
  for (const auto* text : {"github.com/a/b/../c", "github.com/a/b/./c", "github.com/a//b/c", "github.com/a/b/%2e%2e",
                           "github.com/a/b?x=1", "github.com/a/b#x", "github.com/a", "https://github.com",
                           "github.com/a/b\\c", "github.com/a/b/\xc3\xa4", "github.com/a/b\n", ""}) {
    EXPECT_EQ(refused(text, kDev).fault, Fault::kInvalid) << text;
  }
}

TEST(SourceParse, RefsFollowTheRulesOfGit) {
  for (const auto* text :
       {"a/b@", "a/b@x..y", "a/b@-x", "a/b@x.lock", "a/b@x~1", "a/b@x^", "a/b@x y", "a/b@.x", "a/b@x//y"}) {
    EXPECT_FALSE(parse_source("github.com/" + std::string(text), kNetwork).has_value()) << text;
  }
  EXPECT_TRUE(looks_like_commit("0a5e0ff"));
  EXPECT_FALSE(looks_like_commit("0a5e0f"));
  EXPECT_FALSE(looks_like_commit(std::string(41, 'a')));
}

TEST(SourceParse, LimitsAreStated) {
  EXPECT_EQ(refused("github.com/a/b/" + std::string(2'000, 'x')).fault, Fault::kLimit);
  std::string deep = "github.com/a/b";
  for (std::size_t i = 0; i <= kMaxSubdirDepth; ++i) deep += "/d";
  EXPECT_EQ(refused(deep).fault, Fault::kLimit);
}

TEST(SourceRecord, FieldsOfARecordPassTheSameChecks) {
  auto good = make_source("https://github.com/a/b", "sub/dir", "0a5e0ff", kNetwork);
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->text(), "https://github.com/a/b/sub/dir@0a5e0ff");
  EXPECT_FALSE(make_source("https://github.com/a/b/c", "", "", kNetwork).has_value());
  EXPECT_FALSE(make_source("https://github.com/a/b@v1", "", "", kNetwork).has_value());
  EXPECT_FALSE(make_source("https://github.com/a/b", "../c", "", kNetwork).has_value());
  EXPECT_FALSE(make_source("/srv/repo", "", "", kNetwork).has_value());
}

}  // namespace
}  // namespace micro
