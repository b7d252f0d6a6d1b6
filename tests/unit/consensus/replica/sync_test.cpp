// What is on the disk when a vote leaves. A killed process loses nothing that the kernel has, so no kill can show that
// a sync is missing; here the two calls that matter are watched instead.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <set>

#include "tests/gen/replica_net.hpp"

namespace {

std::mutex watched_mutex;
std::set<int> unsynced_files;  ///< written since their last sync

ssize_t watched_write(int file, const void* bytes, std::size_t size, off_t at) {
  {
    const std::lock_guard lock(watched_mutex);
    unsynced_files.insert(file);
  }
  return ::syscall(SYS_pwrite64, file, bytes, size, at);
}

}  // namespace

// In place of the C library's, for this whole program.
extern "C" ssize_t pwrite(int file, const void* bytes, std::size_t size, off_t at) {
  return watched_write(file, bytes, size, at);
}
extern "C" ssize_t pwrite64(int file, const void* bytes, std::size_t size, off_t at) {
  return watched_write(file, bytes, size, at);
}
extern "C" int fdatasync(int file) {
  const auto done = static_cast<int>(::syscall(SYS_fdatasync, file));
  const std::lock_guard lock(watched_mutex);
  if (done == 0) unsynced_files.erase(file);
  return done;
}

namespace micro::simplex {
namespace {

/// Whether the journal in this folder holds bytes that a power cut could take.
bool has_unsynced(const std::filesystem::path& folder) {
  const std::lock_guard lock(watched_mutex);
  return std::ranges::any_of(unsynced_files, [&](int file) {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file), error);
    return !error && path.string().starts_with(folder.string()) && path.filename() == Journal::kRecordsFile;
  });
}

TEST(Replica, NoVoteLeavesBeforeAllThatWasWrittenIsOnTheDisk) {
  Network network(4, 60'000);
  Member& node = *network.nodes[0];
  std::atomic<std::size_t> votes = 0;
  std::atomic<std::size_t> early = 0;
  node.on_said = [&](const Message& message) {
    if (!std::holds_alternative<Votes>(message.body) && !std::holds_alternative<Proposal>(message.body)) return;
    ++votes;
    if (has_unsynced(node.folder())) ++early;
  };
  network.boot_all();
  for (std::uint64_t n = 0; n < 4; ++n) {
    network.submit(n);
    ASSERT_TRUE(network.wait_nonce(node, n + 1));
  }
  network.kill(node);
  EXPECT_GE(votes, 4U);
  EXPECT_EQ(early, 0U);
}

}  // namespace
}  // namespace micro::simplex
