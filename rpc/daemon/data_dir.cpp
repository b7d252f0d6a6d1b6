#include "rpc/daemon/data_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "chain/codec/codec.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxKeyFileBytes = 4'096;

std::unexpected<Error> io_error(std::string_view what, const fs::path& file) {
  return fail(Fault::kIo, std::string(what) + " " + file.string() + ": " + std::strerror(errno));
}

struct KeyFile {
  std::uint8_t version = 1;
  Hash node_seed;
  Hash consensus_seed;
  Hash operating_key;
  Hash call_secret;
  static constexpr auto kFields = std::tuple{&KeyFile::version, &KeyFile::node_seed, &KeyFile::consensus_seed,
                                             &KeyFile::operating_key, &KeyFile::call_secret};
};

}  // namespace

Result<ProcessLock> ProcessLock::take(const fs::path& file, const std::string& taken) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return io_error("cannot open", file);
  ProcessLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    const ssize_t n = ::pread(fd, holder, sizeof holder - 1, 0);
    return fail(Fault::kDenied, taken + (n > 0 ? " (process " + std::string(holder) + ")" : ""),
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
