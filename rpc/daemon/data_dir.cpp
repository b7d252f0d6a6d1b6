#include "rpc/daemon/data_dir.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "chain/codec/codec.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxKeyFileBytes = 4'096;
constexpr std::chrono::milliseconds kHeirsTime{3'000};  ///< that what a killed process started has to end
constexpr std::chrono::milliseconds kLockPoll{10};

std::unexpected<Error> io_error(std::string_view what, const fs::path& file) {
  return fail(Fault::kIo, std::string(what) + " " + file.string() + ": " + std::strerror(errno));
}

struct KeyFile {
  std::uint8_t version = 1;
  Hash node_seed;
  Hash consensus_seed;
  Hash operating_key;
  Hash call_secret;
  static constexpr auto kFields = fields<&KeyFile::version, &KeyFile::node_seed, &KeyFile::consensus_seed,
                                         &KeyFile::operating_key, &KeyFile::call_secret>;
};

bool try_lock(int fd) {
  return ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/// The process id in a lock's file, as text; empty when there is none.
std::string holder_of(int fd) {
  char text[32] = {};
  const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
  return n > 0 ? std::string(text) : std::string();
}

bool is_gone(const std::string& holder) {
  pid_t pid = 0;
  const auto [end, bad] = std::from_chars(holder.data(), holder.data() + holder.size(), pid);
  return bad == std::errc() && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

/// A process that was killed while it started another leaves the lock to that one for a moment.
bool try_lock_after_heirs(int fd) {
  const auto until = std::chrono::steady_clock::now() + kHeirsTime;
  while (!try_lock(fd)) {
    if (!is_gone(holder_of(fd)) || std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(kLockPoll);
  }
  return true;
}

}  // namespace

Result<ProcessLock> ProcessLock::take(const fs::path& file, const std::string& taken) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return io_error("cannot open", file);
  ProcessLock lock(fd);
  if (!try_lock_after_heirs(fd)) {
    const std::string holder = holder_of(fd);
    return fail(Fault::kDenied, taken + (holder.empty() ? "" : " (process " + holder + ")"),
                "stop it with `micro node stop`");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd, 0) != 0) return io_error("cannot write", file);
  if (::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return io_error("cannot write", file);
  return lock;
}

ProcessLock::~ProcessLock() {
  if (fd_ >= 0) ::close(fd_);
}

void clear_left_folders(const fs::path& parent, std::string_view prefix) {
  std::error_code ignored;
  std::vector<fs::path> left;
  for (fs::directory_iterator it(parent, ignored), end; !ignored && it != end; it.increment(ignored)) {
    const bool ours =
        it->path().filename().string().starts_with(prefix) && it->is_directory(ignored) && !it->is_symlink(ignored);
    // One without a lock is about to get it, or is somebody else's.
    if (ours && fs::is_regular_file(it->path() / "lock", ignored)) left.push_back(it->path());
  }
  for (const fs::path& folder : left) {
    const auto lock = ProcessLock::take(folder / "lock", "");
    if (lock) fs::remove_all(folder, ignored);
  }
}

Result<NodeKeys> load_or_make_keys(const fs::path& data_dir, Random& random) {
  const fs::path file = data_dir / "keys.bin";
  if (!fs::exists(file)) {
    KeyFile made;
    made.node_seed = random.draw<Hash>();
    made.consensus_seed = random.draw<Hash>();
    const SecretKey operating = SecretKey::generate(random);
    made.operating_key = TRY(Hash::from(operating.view()));
    made.call_secret = random.draw<Hash>();
    TRY(write_file_durably(file, encode(made), IfPresent::kRefuse));
  }
  TRY(check_private(file));
  const Bytes raw = TRY(read_file(file, kMaxKeyFileBytes));
  auto stored = decode<KeyFile>(raw);
  if (!stored || stored->version != 1) {
    return fail(Fault::kCorrupt, file.string() + " is damaged", "restore it from a backup");
  }
  return NodeKeys{Ed25519Secret::from_seed(stored->node_seed), Ed25519Secret::from_seed(stored->consensus_seed),
                  TRY(SecretKey::from(stored->operating_key)), stored->call_secret};
}

}  // namespace micro
