// Repositories made to harm the machine that fetches them.
#include <gmock/gmock.h>

#include "tests/unit/services/host/git_fetch/fetch_rig.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;
using test::FetchRig;
using test::GitEntry;
using test::GitFixture;
using ::testing::HasSubstr;

class HostileTree : public FetchRig {
 protected:
  Error refused_tree(const std::vector<GitEntry>& entries) {
    repo_.commit(repo_.tree(entries));
    const Error e = refused(request());
    EXPECT_FALSE(e.message.empty());
    return e;
  }
  GitEntry file(const std::string& name, const std::string& content = "x") {
    return {0100644, name, repo_.blob(content)};
  }
  GitEntry link(const std::string& name, const std::string& target) { return {0120000, name, repo_.blob(target)}; }
  GitEntry folder(const std::string& name, const std::vector<GitEntry>& entries) {
    return {040000, name, repo_.tree(entries)};
  }
};

TEST_F(HostileTree, NamesThatLeadOutOrIntoGit) {
  for (const std::string name :
       {"..", ".", ".git", ".GIT", ".Git", "git~1", "GIT~1", "a/b", "a\\b", "../x", "a\nb", "\x1b[2J", "\xff"}) {
    const Error e = refused_tree({file(name)});
    EXPECT_EQ(e.fault, Fault::kInvalid) << name << ": " << e.message;
    EXPECT_THAT(e.message, HasSubstr("the repository is refused: "));
    EXPECT_EQ(e.message.find('\x1b'), std::string::npos);
  }
  EXPECT_THAT(refused_tree({folder(".git", {folder("hooks", {file("post-checkout")})})}).message,
              HasSubstr("git's own folder"));
}

TEST_F(HostileTree, LinksThatLeaveTheSource) {
  for (const std::string target : {"/etc/passwd", "..", "../x", "a/../../x", "b/..", "./..", "", "/"}) {
    EXPECT_THAT(refused_tree({link("l", target)}).message, HasSubstr("refused: l: ")) << target;
  }
  EXPECT_EQ(refused_tree({folder("d", {link("l", "../../x")})}).fault, Fault::kInvalid);
  EXPECT_EQ(refused_tree({link("l", std::string(2'000, 'x'))}).fault, Fault::kLimit);
}

TEST_F(HostileTree, ALinkAndAFolderOfOneNameCannotCombine) {
  // Written naively, "a" would become a link to elsewhere and a/passwd would then be written through it.
  EXPECT_THAT(refused_tree({link("a", "b"), folder("a", {file("passwd")})}).message, HasSubstr("same name"));
  EXPECT_THAT(refused_tree({folder("A", {file("x")}), link("a", "b")}).message, HasSubstr("same name"));
  EXPECT_THAT(refused_tree({file("Main.c"), file("main.c")}).message, HasSubstr("upper and lower case"));
}

TEST_F(HostileTree, LinksInsideTheSourceWork) {
  repo_.commit(repo_.tree(
      {folder("d", {file("real", "content"), link("up", "../top")}), file("top", "t"), link("z", "d/real")}));
  const auto r = request();
  ASSERT_TRUE(fetch(r).has_value());
  EXPECT_EQ(read(r.tree_dir + "/z"), "content");
  EXPECT_EQ(read(r.tree_dir + "/d/up"), "t");
}

TEST_F(HostileTree, Submodules) {
  GitEntry module{0160000, "lib", {}};
  module.id.id[0] = 1;
  EXPECT_THAT(refused_tree({file("main.c"), module}).message, HasSubstr("submodule"));
}

TEST_F(HostileTree, ADeepTree) {
  git_oid tree = repo_.tree({file("x")});
  for (int i = 0; i < 40; ++i) tree = repo_.tree({{040000, "d", tree}});
  repo_.commit(tree);
  EXPECT_THAT(refused(request()).message, HasSubstr("deeper than 32"));
}

TEST_F(HostileTree, AVeryDeepTreeIsLeftBeforeTheStackEnds) {
  git_oid tree = repo_.tree({file("x")});
  for (int i = 0; i < 1'000; ++i) tree = repo_.tree({{040000, "d", tree}});
  repo_.commit(tree);
  EXPECT_EQ(refused(request()).fault, Fault::kLimit);
}

TEST_F(HostileTree, ATreeThatMultipliesItself) {
  // Ten entries a level that all name the same folder: eleven objects, 10^10 files.
  git_oid tree = repo_.tree({file("x")});
  for (int level = 0; level < 10; ++level) {
    std::vector<GitEntry> entries;
    for (char c = 'a'; c < 'k'; ++c) entries.push_back({040000, std::string(1, c), tree});
    tree = repo_.tree(entries);
  }
  repo_.commit(tree);
  const Error e = refused(request());
  EXPECT_EQ(e.fault, Fault::kLimit);
  EXPECT_THAT(e.message, HasSubstr("20000 files"));
}

TEST_F(HostileTree, AFileThatInflates) {
  repo_.commit({{"zeros", std::string(40ULL << 20, '\0')}});  // 40 KB in the pack
  EXPECT_THAT(refused(request()).message, HasSubstr("limit for one file is 32 MiB"));
}

TEST_F(HostileTree, AFileLargerThanTheChildsMemory) {
  repo_.commit({{"zeros", std::string(120ULL << 20, '\0')}});
  auto r = request();
  r.limits.memory_bytes = 100ULL << 20;
  EXPECT_EQ(refused(r).fault, Fault::kLimit);
}

TEST_F(HostileTree, ManyFilesThatTogetherAreTooMuch) {
  const git_oid big = repo_.blob(std::string(20ULL << 20, 'x'));
  EXPECT_THAT(
      refused_tree({{0100644, "a", big}, {0100644, "b", big}, {0100644, "c", big}, {0100644, "d", big}}).message,
      HasSubstr("larger than 64 MiB"));
}

TEST_F(HostileTree, AHistoryLargerThanTheLimit) {
  std::string noise(3ULL << 20, 0);
  std::uint64_t x = 1;
  for (char& c : noise)
    c = static_cast<char>((x = x * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL) >> 56);
  repo_.commit({{"noise", noise}});
  repo_.commit({{"main.c", "x"}}, "second\n");
  auto r = request();
  r.limits.repo_bytes = 1ULL << 20;
  const Error e = refused(r);
  EXPECT_EQ(e.fault, Fault::kLimit);
  EXPECT_THAT(e.message, HasSubstr("1 MiB with its history"));
}

TEST_F(HostileTree, APathThatIsTooLong) {
  git_oid tree = repo_.tree({file("x")});
  for (int i = 0; i < 6; ++i) tree = repo_.tree({{040000, std::string(100, 'd'), tree}});
  repo_.commit(tree);
  EXPECT_THAT(refused(request()).message, HasSubstr("longer than 512"));
}

TEST_F(HostileTree, AnLfsPointerStaysAPointer) {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
  repo_.commit({{".gitattributes", "*.bin filter=lfs\n"}, {"a.bin", pointer}});
  const auto r = request();
  ASSERT_TRUE(fetch(r).has_value());
  EXPECT_EQ(read(r.tree_dir + "/a.bin"), pointer);
}

TEST_F(HostileTree, ACommitMessageCannotPaintTheTerminal) {
  repo_.commit({{"f", "x"}}, "\x1b[2Jgone\n");
  const auto done = fetch(request());
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->subject, "\\x1b[2Jgone");
}

}  // namespace
}  // namespace micro
