// The parent's side: folders, the clone's lock, the child's limits, and what is left behind after a failure.
#include "services/host/git_fetch/git_fetch.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include "chain/crypto/hash.hpp"
#include "services/host/git_fetch/wire.hpp"
#include "services/host/process/lines.hpp"
#include "services/host/process/process.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kRepoSlackBytes = 64ULL << 20;  ///< indexes and a pack that is being replaced
constexpr std::uint64_t kMeasureEveryMs = 500;
constexpr int kLockPollMs = 50;
constexpr std::size_t kMaxClones = 64;

std::uint64_t bytes_on_disk(const fs::path& folder) {
  std::uint64_t total = 0;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder, error); !error && it != fs::recursive_directory_iterator();
       it.increment(error)) {
    std::error_code gone;
    if (it->is_regular_file(gone) && !gone) {
      const auto size = it->file_size(gone);
      if (!gone) total += size;
    }
  }
  return total;
}

/// Held while a clone is read or written; the kernel lets go of it when the process dies.
class CloneLock {
 public:
  CloneLock() = default;
  CloneLock(const CloneLock&) = delete;
  CloneLock& operator=(const CloneLock&) = delete;
  ~CloneLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  Status take(const std::string& path, std::uint64_t wall_ms, const std::stop_token& stop) {
    for (std::uint64_t waited = 0;; waited += kLockPollMs) {
      if (fd_ < 0) fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      if (fd_ < 0) return fail(Fault::kIo, "cannot open " + path + ": " + std::strerror(errno));
      if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) {
        if (is_at(path)) break;
        ::close(std::exchange(fd_, -1));  // it was removed with its clone while we waited
        continue;
      }
      if (stop.stop_requested()) return fail(Fault::kInterrupted, "cancelled");
      if (waited >= wall_ms) return fail(Fault::kBusy, "another fetch of the same repository takes too long");
      std::this_thread::sleep_for(std::chrono::milliseconds(kLockPollMs));
    }
    ::futimens(fd_, nullptr);  // used now
    return {};
  }

 private:
  [[nodiscard]] bool is_at(const std::string& path) const {
    struct stat ours{}, there{};
    return ::fstat(fd_, &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev;
  }
  int fd_ = -1;
};

Status make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail(Fault::kIo, "cannot make " + path.string() + ": " + error.message());
  return {};
}

void remove_folder(const fs::path& path) {
  std::error_code ignored;
  if (!path.empty()) fs::remove_all(path, ignored);
}

/// The clones that were used least lately go. Their lock files tell when, and that nobody is at it.
void drop_old_clones(const fs::path& clones, std::size_t keep) {
  std::vector<std::pair<fs::file_time_type, fs::path>> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(clones, error)) {
    if (entry.path().extension() != ".lock") continue;
    const auto used = entry.last_write_time(error);
    if (!error) all.emplace_back(used, entry.path());
  }
  if (all.size() <= keep) return;
  std::ranges::sort(all);
  for (std::size_t i = 0; i < all.size() - keep; ++i) {
    CloneLock lock;
    if (!lock.take(all[i].second.string(), 0, {})) continue;
    remove_folder(fs::path(all[i].second).replace_extension());
    fs::remove(all[i].second, error);
  }
}

git::Job job_for(const FetchRequest& request, const std::string& repo_dir) {
  git::Job job;
  job.kind = static_cast<std::uint8_t>(request.source.kind);
  job.repo = git::Path(request.source.repo);
  job.subdir = git::Path(request.source.subdir);
  job.ref = git::Path(request.source.ref);
  job.repo_dir = git::Path(repo_dir);
  job.tree_dir = git::Path(request.tree_dir);
  job.ca_file = git::Path(request.ca_file);
  job.private_hosts = request.private_hosts;
  job.repo_bytes = request.limits.repo_bytes;
  job.tree_bytes = request.limits.tree_bytes;
  job.file_bytes = request.limits.file_bytes;
  job.entries = request.limits.entries;
  job.path_depth = request.limits.path_depth;
  job.path_bytes = request.limits.path_bytes;
  job.memory_bytes = request.limits.memory_bytes;
  job.cpu_s = request.limits.wall_ms / 1'000 + 1;
  return job;
}

/// The proxy that the machine's owner set is the one thing the child learns from our environment.
std::vector<std::string> child_environment() {
  std::vector<std::string> out = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent"};
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"}) {
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  }
  return out;
}

std::unexpected<Error> over_memory(const FetchRequest& request) {
  return fail(Fault::kLimit, "the repository cannot be read within " +
                                 std::to_string(request.limits.memory_bytes >> 20) + " MiB of memory");
}

Result<git::Fetched> read_answer(const FetchRequest& request, const ProcessExit& exit) {
  if (exit.signal == SIGXCPU || exit.signal == SIGKILL) {
    return fail(Fault::kBusy, "the fetch used more than its " + std::to_string(request.limits.wall_ms / 1'000) + " s");
  }
  if (exit.signal == SIGXFSZ) {
    return fail(Fault::kLimit, "the repository is larger than " + std::to_string(request.limits.repo_bytes >> 20) +
                                   " MiB with its history");
  }
  if (!exit.ok()) return over_memory(request);  // what a failed allocation looks like from outside
  auto answer = TRY(decode<git::Answer>(exit.stdout_bytes));
  if (auto* fetched = std::get_if<git::Fetched>(&answer)) return std::move(*fetched);
  const auto& failure = std::get<git::Failure>(answer);
  if (failure.fault > static_cast<std::uint8_t>(Fault::kInterrupted))
    return fail(Fault::kInternal, "the fetch answered nonsense");
  return fail(static_cast<Fault>(failure.fault), failure.message, failure.hint);
}

/// `answered` tells a child that said what went wrong from one that was killed at its work.
Result<git::Fetched> run_child(const FetchRequest& request, const std::string& repo_dir,
                               const std::function<void(std::string_view)>& on_line, const std::stop_token& stop,
                               bool& answered) {
  LineSplitter lines([&on_line](std::string_view line) {
    if (on_line) on_line(line);
  });
  ProcessSpec spec;
  spec.argv = {request.program, std::string(kGitFetchCommand)};
  spec.environment = child_environment();
  spec.input = encode(job_for(request, repo_dir));
  spec.wall_ms = request.limits.wall_ms;
  spec.max_stdout_bytes = git::kMaxAnswerBytes;
  spec.on_output = [&lines](std::string_view chunk) { lines.add(chunk); };
  std::uint64_t ticks = 0;
  answered = false;
  spec.watch = [&](int pid) -> Status {
    if (process_tree_use(pid).resident_bytes > request.limits.memory_bytes) return over_memory(request);
    if (repo_dir.empty() || ++ticks % (kMeasureEveryMs / kWatchIntervalMs) != 0) return {};
    if (bytes_on_disk(repo_dir) <= request.limits.repo_bytes + kRepoSlackBytes) return {};
    return fail(Fault::kLimit, "the repository is larger than " + std::to_string(request.limits.repo_bytes >> 20) +
                                   " MiB with its history");
  };
  const ProcessExit exit = TRY(run_process(spec, stop));
  lines.finish();
  answered = exit.ok();
  return read_answer(request, exit);
}

/// One run, and a second from nothing when the cached clone turns out damaged.
Result<git::Fetched> run_with_clone(const FetchRequest& request, const std::string& repo_dir,
                                    const std::function<void(std::string_view)>& on_line, const std::stop_token& stop) {
  for (int attempt = 0;; ++attempt) {
    const bool fresh = !fs::exists(repo_dir);
    TRY(make_folder(repo_dir));
    remove_folder(request.tree_dir);
    TRY(make_folder(request.tree_dir));
    bool answered = false;
    auto done = run_child(request, repo_dir, on_line, stop, answered);
    if (done && bytes_on_disk(repo_dir) > request.limits.repo_bytes + kRepoSlackBytes) remove_folder(repo_dir);
    if (done) return done;
    // A killed child may leave anything behind, and half a clone is not worth keeping.
    const bool damaged = done.error().fault == Fault::kCorrupt;
    if (fresh || damaged || !answered) remove_folder(repo_dir);
    if (!damaged || fresh || attempt > 0) return done;
  }
}

}  // namespace

Result<FetchedSource> git_fetch(const FetchRequest& request, const std::function<void(std::string_view)>& on_line,
                                std::stop_token stop) {
  for (const auto* path : {&request.source.repo, &request.cache_dir, &request.tree_dir, &request.ca_file}) {
    if (path->size() + 80 > git::kMaxPathBytes) return fail(Fault::kLimit, "a path is longer than a path may be");
  }
  if (fs::exists(request.tree_dir)) return fail(Fault::kInvalid, request.tree_dir + " is already there");
  Result<git::Fetched> done = fail(Fault::kInternal, "not run");
  CloneLock lock;
  if (request.source.kind == SourceKind::kLocal) {
    TRY(make_folder(request.tree_dir));
    bool answered = false;
    done = run_child(request, "", on_line, stop, answered);
  } else {
    const fs::path clones = fs::path(request.cache_dir) / "git";
    TRY(make_folder(clones));
    const std::string repo_dir = (clones / sha256(as_bytes(request.source.repo)).hex()).string();
    drop_old_clones(clones, kMaxClones - 1);
    TRY(lock.take(repo_dir + ".lock", request.limits.wall_ms, stop));
    done = run_with_clone(request, repo_dir, on_line, stop);
  }
  if (!done) {
    remove_folder(request.tree_dir);
    return std::unexpected(done.error());
  }
  FetchedSource out;
  out.commit = done->commit;
  out.commit_time_s = done->commit_time_s;
  out.subject = done->subject;
  out.repo = done->repo;
  out.subdir = done->subdir;
  out.ref = done->ref;
  out.tree_dir = request.tree_dir;
  out.tree_bytes = done->tree_bytes;
  out.entries = done->entries;
  out.uncommitted_changes = done->uncommitted_changes;
  return out;
}

}  // namespace micro
