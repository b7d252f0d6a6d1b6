#include "rpc/daemon/data_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "chain/codec/codec.hpp"

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

Status write_all(int fd, ByteView content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Fault::kIo, std::string("write: ") + std::strerror(errno));
    content = content.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<DataDirLock> DataDirLock::take(const fs::path& data_dir) {
  const fs::path file = data_dir / "lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return io_error("cannot open", file);
  DataDirLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    const ssize_t n = ::pread(fd, holder, sizeof holder - 1, 0);
    return fail(Fault::kBusy,
                "another node uses " + data_dir.string() + (n > 0 ? " (process " + std::string(holder) + ")" : ""),
                "stop it with `micro node stop`, or name another folder with --data");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd, 0) != 0) return io_error("cannot write", file);
  TRY(write_all(fd, as_bytes(pid)));
  return lock;
}

DataDirLock::~DataDirLock() {
  if (fd_ >= 0) ::close(fd_);
}

Status write_file_durably(const fs::path& file, ByteView content, unsigned mode) {
  const fs::path temporary = file.string() + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return io_error("cannot create", temporary);
  Status written = write_all(fd, content);
  if (written && ::fsync(fd) != 0) written = io_error("cannot sync", temporary);
  ::close(fd);
  TRY(written);
  if (::rename(temporary.c_str(), file.c_str()) != 0) return io_error("cannot rename to", file);
  const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return io_error("cannot open", file.parent_path());
  const bool synced = ::fsync(folder) == 0;
  ::close(folder);
  if (!synced) return io_error("cannot sync", file.parent_path());
  return {};
}

Result<Bytes> read_file(const fs::path& file, std::size_t max_bytes) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fail(errno == ENOENT ? Fault::kNotFound : Fault::kIo,
                "cannot open " + file.string() + ": " + std::strerror(errno));
  }
  Bytes out;
  std::array<std::uint8_t, 65'536> chunk{};
  for (;;) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || out.size() > max_bytes) {
      ::close(fd);
      if (n < 0) return io_error("cannot read", file);
      break;
    }
    out.insert(out.end(), chunk.begin(), chunk.begin() + n);
  }
  if (out.size() > max_bytes) {
    return fail(Fault::kLimit, file.string() + " is larger than " + std::to_string(max_bytes) + " bytes");
  }
  return out;
}

Result<NodeKeys> load_or_make_keys(const fs::path& data_dir, Random& random) {
  const fs::path file = data_dir / "keys.bin";
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) {
    KeyFile made;
    made.node_seed = random.draw<Hash>();
    made.consensus_seed = random.draw<Hash>();
    const SecretKey operating = SecretKey::generate(random);
    made.operating_key = TRY(Hash::from(operating.view()));
    made.call_secret = random.draw<Hash>();
    TRY(write_file_durably(file, encode(made), 0600));
  } else if ((info.st_mode & 077) != 0) {
    return fail(Fault::kDenied, file.string() + " can be read by others", "run: chmod 600 " + file.string());
  }
  const Bytes raw = TRY(read_file(file, kMaxKeyFileBytes));
  auto stored = decode<KeyFile>(raw);
  if (!stored || stored->version != 1) {
    return fail(Fault::kCorrupt, file.string() + " is damaged", "restore it from a backup");
  }
  return NodeKeys{Ed25519Secret::from_seed(stored->node_seed), Ed25519Secret::from_seed(stored->consensus_seed),
                  TRY(SecretKey::from(stored->operating_key)), stored->call_secret};
}

}  // namespace micro
