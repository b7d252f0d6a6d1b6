// The process dies at every step that a change of the keystore takes on the disk, and a power cut takes what was not
// synced: afterwards the old wallet is there or the new one, whole.
//
// The linker sends the keystore's calls of the system (--wrap in CMakeLists.txt) through here.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "tests/gen/temp_folder.hpp"
#include "wallet/keystore/keystore.hpp"

extern "C" {
ssize_t __real_write(int fd, const void* bytes, std::size_t size);
int __real_fsync(int fd);
int __real_renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags);
}

namespace {

constexpr int kDied = 77;

struct Death {
  int step = -1;           ///< dies at this one; negative: never
  bool torn = false;       ///< half of the write that it dies in arrives
  bool power_cut = false;  ///< what was written and not synced is gone
};

/// In the process that will die. Steps are counted from 0: before a write, a sync or a rename.
struct Disk {
  Death fault;
  int steps = 0;
  std::vector<int> unsynced;  ///< descriptors of our own for files whose bytes are not on the disk yet
};
Disk disk;

[[noreturn]] void die() {
  if (disk.fault.power_cut) {
    for (const int fd : disk.unsynced) static_cast<void>(::ftruncate(fd, 0));
  }
  ::_exit(kDied);
}

bool dies_here() {
  return disk.fault.step >= 0 && disk.steps++ == disk.fault.step;
}

bool same_file(int a, int b) {
  struct stat left{};
  struct stat right{};
  return ::fstat(a, &left) == 0 && ::fstat(b, &right) == 0 && left.st_ino == right.st_ino;
}

}  // namespace

extern "C" {
ssize_t __wrap_write(int fd, const void* bytes, std::size_t size) {
  if (disk.fault.step >= 0) disk.unsynced.push_back(::dup(fd));
  if (dies_here()) {
    if (disk.fault.torn) static_cast<void>(__real_write(fd, bytes, size / 2));
    die();
  }
  return __real_write(fd, bytes, size);
}
int __wrap_fsync(int fd) {
  if (dies_here()) die();
  std::erase_if(disk.unsynced, [fd](int other) { return same_file(fd, other); });
  return __real_fsync(fd);
}
int __wrap_renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  if (dies_here()) die();
  return __real_renameat2(from_folder, from, to_folder, to, flags);
}
}

namespace micro {
namespace {

constexpr KdfCost kCheap{.passes = 1, .memory_kib = 8};
constexpr std::string_view kPhrase = "test test test test test test test test test test test junk";

class KeystoreCrashTest : public testing::Test {
 protected:
  KeystoreCrashTest() {
    EXPECT_TRUE(create("alice").has_value());
    EXPECT_TRUE(store_.change_password("alice", "first", "old", kCheap, random_).has_value());
  }
  Result<WalletInfo> create(std::string_view name) {
    return store_.create(name, Mnemonic::parse(kPhrase).value(), "", "first", kCheap, random_);
  }

  /// Makes the change in a process that dies as told. True when it did not get as far as its death.
  template <class Change>
  bool survives(const Death& fault, Change change) {
    const pid_t child = ::fork();
    if (child == 0) {
      disk = Disk{fault, 0, {}};
      ::_exit(change() ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    const int code = WEXITSTATUS(status);
    EXPECT_TRUE(code == 0 || code == kDied) << code;
    return code == 0;
  }
  /// Every step, each kind of death. `check` looks at what is left; it may put things back.
  template <class Change, class Check>
  void at_every_step(Change change, Check check) {
    for (const bool torn : {false, true}) {
      for (const bool power_cut : {false, true}) {
        int step = 0;
        for (bool whole = false; !whole; ++step) {
          whole = survives({step, torn, power_cut}, change);
          SCOPED_TRACE("step " + std::to_string(step) + (torn ? ", torn" : "") + (power_cut ? ", power cut" : ""));
          check(whole);
          ASSERT_LT(step, 100);
        }
        EXPECT_GE(step, 5) << "a write, its sync, the rename and the folder's sync, at least";
      }
    }
  }
  [[nodiscard]] bool opens_with(std::string_view wallet, std::string_view password) const {
    const auto open = store_.unlock(wallet, password);
    return open && open->phrase()->text() == kPhrase;
  }

  test::TempFolder folder_;
  SystemRandom random_;
  Keystore store_ = Keystore::open(folder_ / "keys").value();
};

TEST_F(KeystoreCrashTest, AChangedPasswordIsTheOldOneOrTheNew) {
  int became_new = 0;
  at_every_step([&] { return store_.change_password("alice", "old", "new", kCheap, random_).has_value(); },
                [&](bool whole) {
                  const bool is_new = opens_with("alice", "new");
                  EXPECT_NE(is_new, opens_with("alice", "old")) << "one of them, and not the other";
                  EXPECT_TRUE(is_new || !whole) << "it was reported as changed";
                  became_new += is_new ? 1 : 0;
                  if (is_new) {
                    ASSERT_TRUE(store_.change_password("alice", "new", "old", kCheap, random_).has_value());
                  }
                });
  EXPECT_GT(became_new, 4) << "also a death after the rename is among them";
}

TEST_F(KeystoreCrashTest, ANewWalletIsWholeOrAbsent) {
  at_every_step([&] { return create("bob").has_value(); },
                [&](bool whole) {
                  const auto all = store_.list();
                  ASSERT_TRUE(all.has_value()) << all.error().message;
                  const bool there = all->size() == 2;
                  EXPECT_TRUE(there || !whole);
                  if (there) {
                    EXPECT_TRUE(opens_with("bob", "first"));
                  }
                  EXPECT_TRUE(opens_with("alice", "old"));
                  std::filesystem::remove(folder_ / "keys/bob.wallet.json");
                });
}

TEST_F(KeystoreCrashTest, TheCurrentAccountIsTheOldOneOrTheNew) {
  ASSERT_TRUE(create("bob").has_value());
  at_every_step([&] { return store_.use("bob", std::nullopt).has_value(); },
                [&](bool whole) {
                  const auto current = store_.current();
                  ASSERT_TRUE(current.has_value()) << current.error().message;
                  EXPECT_TRUE(current->wallet == "bob" || (!whole && current->wallet == "alice")) << current->wallet;
                  ASSERT_TRUE(store_.use("alice", std::nullopt).has_value());
                });
}

}  // namespace
}  // namespace micro
