#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/unit/services/host/git_fetch/fetch_rig.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;
using test::FetchRig;
using test::GitFixture;
using ::testing::HasSubstr;

class GitFetch : public FetchRig {};

TEST_F(GitFetch, DefaultBranchOverHttp) {
  const auto id =
      repo_.commit({{"main.c", "int main;"}, {"lib/a.h", "x"}, {"run.sh*", "#!"}}, "Say hello\n\nlong text\n");
  const auto r = request();
  const auto done = fetch(r);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(done->commit.hex(), GitFixture::hex(id));
  EXPECT_EQ(done->commit_time_s, 1'700'000'000u);
  EXPECT_EQ(done->subject, "Say hello");
  EXPECT_EQ(done->entries, 4u);
  EXPECT_EQ(done->tree_bytes, 12u);
  EXPECT_EQ(read(r.tree_dir + "/main.c"), "int main;");
  EXPECT_EQ(read(r.tree_dir + "/lib/a.h"), "x");
  struct stat info{};
  ASSERT_EQ(::stat((r.tree_dir + "/run.sh").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0755U);
  ASSERT_EQ(::stat((r.tree_dir + "/main.c").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0644U);
}

TEST_F(GitFetch, BranchTagAnnotatedTagAndCommit) {
  const auto first = repo_.commit({{"f", "1"}});
  const auto second = repo_.commit({{"f", "2"}}, "second\n");
  repo_.ref("refs/heads/old/one", first);
  repo_.ref("refs/tags/v1", first);
  repo_.annotated_tag("v2", second);
  const std::map<std::string, git_oid> wanted = {{"main", second},
                                                 {"old/one", first},
                                                 {"v1", first},
                                                 {"v2", second},
                                                 {"refs/heads/main", second},
                                                 {"HEAD", second},
                                                 {GitFixture::hex(first), first},
                                                 {GitFixture::hex(first).substr(0, 9), first}};
  for (const auto& [ref, id] : wanted) {
    const auto done = fetch(request("repo.git", ref));
    ASSERT_TRUE(done.has_value()) << ref << ": " << done.error().message;
    EXPECT_EQ(done->commit.hex(), GitFixture::hex(id)) << ref;
  }
}

TEST_F(GitFetch, AFullCommitInTheCacheNeedsNoNetwork) {
  const auto id = repo_.commit({{"f", "1"}});
  ASSERT_TRUE(fetch(request()).has_value());
  const int before = server_.requests();
  ASSERT_TRUE(fetch(request("repo.git", GitFixture::hex(id))).has_value());
  EXPECT_EQ(server_.requests(), before);
}

TEST_F(GitFetch, ASecondFetchSeesNewCommits) {
  repo_.commit({{"f", "1"}});
  ASSERT_TRUE(fetch(request()).has_value());
  const auto second = repo_.commit({{"f", "2"}}, "second\n");
  const auto done = fetch(request());
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->commit.hex(), GitFixture::hex(second));
}

TEST_F(GitFetch, OnlyTheSubfolderIsWritten) {
  repo_.commit({{"top.c", "t"}, {"services/a/main.c", "a"}, {"services/b/main.c", "b"}});
  const auto r = request("repo.git", "", "services/a");
  ASSERT_TRUE(fetch(r).has_value());
  EXPECT_TRUE(fs::exists(r.tree_dir + "/main.c"));
  EXPECT_FALSE(fs::exists(r.tree_dir + "/top.c"));
  EXPECT_THAT(refused(request("repo.git", "", "services/c")).message, HasSubstr("no folder 'services/c'"));
  EXPECT_THAT(refused(request("repo.git", "", "top.c")).message, HasSubstr("not a folder"));
}

TEST_F(GitFetch, UnknownRefsNameTheKnownOnes) {
  repo_.ref("refs/tags/v1", repo_.commit({{"f", "1"}}));
  const Error e = refused(request("repo.git", "nope"));
  EXPECT_EQ(e.fault, Fault::kNotFound);
  EXPECT_THAT(e.hint, HasSubstr("main, v1"));
  EXPECT_THAT(refused(request("repo.git", "0123456789012345678901234567890123456789")).message,
              HasSubstr("reaches the commit"));
}

TEST_F(GitFetch, ABranchAndATagOfOneNameMustAgree) {
  const auto first = repo_.commit({{"f", "1"}});
  repo_.commit({{"f", "2"}});
  repo_.ref("refs/tags/main", first);
  EXPECT_THAT(refused(request("repo.git", "main")).hint, HasSubstr("refs/tags/main"));
}

TEST_F(GitFetch, EmptyMissingAndPrivateRepositoriesSaySo) {
  EXPECT_EQ(refused(request()).fault, Fault::kNotFound);
  const Error missing = refused(request("gone.git"));
  EXPECT_EQ(missing.fault, Fault::kNotFound);
  const Error secret = refused(request("private/repo.git"));
  EXPECT_EQ(secret.fault, Fault::kDenied);
  EXPECT_THAT(secret.message, HasSubstr("private or does not exist"));
}

TEST_F(GitFetch, RedirectsStayOnTheirHost) {
  repo_.commit({{"f", "1"}});
  EXPECT_TRUE(fetch(request("renamed/repo.git")).has_value());
  const int before = server_.requests();
  const Error e = refused(request("moved/repo.git"));
  EXPECT_EQ(e.fault, Fault::kDenied) << e.message;
  EXPECT_EQ(server_.requests(), before + 1);
}

TEST_F(GitFetch, AServerThatNeverAnswersIsLeftInTime) {
  auto r = request("silent/repo.git");
  r.limits.wall_ms = 400;
  const Error e = refused(r);
  EXPECT_EQ(e.fault, Fault::kBusy);
}

TEST_F(GitFetch, AServerThatNeverEndsIsStopped) {
  auto r = request("flood/repo.git");
  r.limits.memory_bytes = 100ULL << 20;
  r.limits.wall_ms = 20'000;
  EXPECT_EQ(refused(r).fault, Fault::kLimit);
}

TEST_F(GitFetch, NobodyListening) {
  auto r = request();
  r.source.repo = "http://127.0.0.1:1/repo.git";
  EXPECT_EQ(refused(r).fault, Fault::kUnreachable);
}

TEST_F(GitFetch, CancelledWhileItWaits) {
  std::stop_source stop;
  auto r = request("silent/repo.git");
  const auto done = git_fetch(r, [&](std::string_view) { stop.request_stop(); }, stop.get_token());
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().fault, Fault::kInterrupted);
}

TEST_F(GitFetch, ADamagedCloneIsFetchedAgain) {
  repo_.commit({{"f", std::string(5'000, 'x')}});
  ASSERT_TRUE(fetch(request()).has_value());
  for (const auto& file : fs::recursive_directory_iterator(folder_ / "cache/git")) {
    if (file.path().extension() != ".pack") continue;
    fs::permissions(file.path(), fs::perms::owner_write, fs::perm_options::add);
    std::fstream pack(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    pack.seekp(40);
    pack.write("damage!!damage!!", 16);
  }
  const auto done = fetch(request());
  EXPECT_TRUE(done.has_value()) << done.error().message;
}

TEST_F(GitFetch, TheClonesThatWereUsedLeastLatelyGo) {
  const auto id = repo_.commit({{"f", "1"}});
  ASSERT_TRUE(fetch(request()).has_value());
  // 80 older neighbours, one of them in use.
  const auto clones = folder_ / "cache/git";
  const auto past = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (int i = 0; i < 80; ++i) {
    const auto clone = clones / ("old" + std::to_string(i));
    fs::create_directories(clone);
    std::ofstream(clone.string() + ".lock") << "";
    fs::last_write_time(clone.string() + ".lock", past + std::chrono::seconds(i));
  }
  const int held = ::open((clones / "old0.lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  ASSERT_TRUE(fetch(request("repo.git", GitFixture::hex(id))).has_value());
  EXPECT_TRUE(fs::exists(clones / "old0")) << "somebody works with it";
  EXPECT_FALSE(fs::exists(clones / "old1"));
  EXPECT_TRUE(fs::exists(clones / "old79"));
  const int before = server_.requests();
  ASSERT_TRUE(fetch(request("repo.git", GitFixture::hex(id))).has_value());
  EXPECT_EQ(server_.requests(), before) << "the clone in use is kept";
  ::close(held);
}

TEST_F(GitFetch, ALocalFolderInsideItsRepository) {
  GitFixture work((folder_ / "work").string(), false);
  const auto id = work.commit({{"services/a/main.c", "committed"}});
  fs::create_directories(folder_ / "work/services/a");
  std::ofstream(folder_ / "work/services/a/main.c") << "edited";
  const auto r = local((folder_ / "work/services/a").string());
  const auto done = fetch(r);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(done->commit.hex(), GitFixture::hex(id));
  EXPECT_EQ(done->repo, "file://" + fs::canonical(folder_ / "work").string());
  EXPECT_EQ(done->subdir, "services/a");
  EXPECT_EQ(read(r.tree_dir + "/main.c"), "committed");
  EXPECT_TRUE(done->uncommitted_changes);
}

TEST_F(GitFetch, ALocalFolderWithoutRepositorySaysWhatToDo) {
  fs::create_directories(folder_ / "plain");
  const Error e = refused(local((folder_ / "plain").string()));
  EXPECT_THAT(e.hint, HasSubstr("git init"));
  EXPECT_EQ(refused(local("/nonexistent/x")).fault, Fault::kNotFound);
}

TEST_F(GitFetch, AnExistingTreeFolderIsNotTouched) {
  auto r = request();
  fs::create_directories(r.tree_dir);
  std::ofstream(r.tree_dir + "/mine") << "x";
  EXPECT_EQ(git_fetch(r).error().fault, Fault::kInvalid);
  EXPECT_TRUE(fs::exists(r.tree_dir + "/mine"));
}

TEST_F(GitFetch, HooksAndConfigurationOfARepositoryDoNothing) {
  GitFixture work((folder_ / "work").string(), false);
  work.commit({{"main.c", "x"}, {".gitattributes", "*.c filter=evil ident\n"}});
  const std::string flag = (folder_ / "ran").string();
  fs::create_directories(folder_ / "work/.git/hooks");
  for (const char* hook : {"post-checkout", "pre-commit", "reference-transaction"}) {
    const auto path = folder_ / ("work/.git/hooks/" + std::string(hook));
    std::ofstream(path) << "#!/bin/sh\ntouch " << flag << "\n";
    fs::permissions(path, fs::perms::owner_all);
  }
  std::ofstream(folder_ / "work/.git/config", std::ios::app)
      << "[filter \"evil\"]\n smudge = touch " << flag << "\n[core]\n fsmonitor = touch " << flag
      << "\n sshCommand = touch " << flag << "\n";
  ASSERT_TRUE(fetch(local((folder_ / "work").string())).has_value());
  EXPECT_FALSE(fs::exists(flag));
}

}  // namespace
}  // namespace micro
