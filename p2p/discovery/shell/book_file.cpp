#include "p2p/discovery/shell/book_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace micro::p2p {
namespace {

constexpr mode_t kOwnersFile = 0600;
constexpr std::size_t kReadBytes = 64 * 1'024;

class BookFd {
 public:
  explicit BookFd(int fd) : fd_(fd) {}
  BookFd(const BookFd&) = delete;
  BookFd& operator=(const BookFd&) = delete;
  ~BookFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::unexpected<Error> failed(std::string_view doing, const std::filesystem::path& path) {
  const int error = errno;
  return fail(
      error == ENOENT ? Fault::kNotFound : Fault::kIo,
      std::string(doing) + " " + path.string() + ": " + std::error_code(error, std::system_category()).message());
}

Result<Bytes> read_whole(const std::filesystem::path& path) {
  const BookFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return failed("cannot open", path);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return failed("cannot read", path);
  if (!S_ISREG(info.st_mode)) return fail(Fault::kIo, path.string() + " is not a file");
  Bytes out;
  while (true) {
    const std::size_t at = out.size();
    out.resize(at + kReadBytes);
    const ssize_t got = ::read(file.get(), out.data() + at, kReadBytes);
    if (got < 0 && errno != EINTR) return failed("cannot read", path);
    out.resize(at + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return out;
    if (out.size() > kMaxBookFileBytes) return fail(Fault::kCorrupt, path.string() + " is too long to be one");
  }
}

Status write_whole(const BookFd& file, ByteView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed("cannot write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  if (::fsync(file.get()) != 0) return failed("cannot sync", path);
  return {};
}

}  // namespace

Result<bool> load_book(AddressBook& book, const std::filesystem::path& path, const Hash& network, Instant now,
                       TimeMs wall) {
  const auto file = read_whole(path);
  if (!file && file.error().fault == Fault::kNotFound) return false;
  const Status loaded = file ? book.load(*file, network, now, wall) : Status(std::unexpected(file.error()));
  if (loaded) return true;
  if (loaded.error().fault == Fault::kCorrupt) {
    std::filesystem::path aside = path;
    aside += ".damaged";
    (void)::rename(path.c_str(), aside.c_str());  // or it is overwritten by the next one
  }
  return std::unexpected(loaded.error());
}

Status save_book(const AddressBook& book, const std::filesystem::path& path, const Hash& network, Instant now,
                 TimeMs wall) {
  const Bytes bytes = book.save(network, now, wall);
  std::filesystem::path next = path;
  next += ".new";
  {
    const BookFd file(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kOwnersFile));
    if (!file.is_open()) return failed("cannot create", next);
    TRY(write_whole(file, bytes, next));
  }
  if (::rename(next.c_str(), path.c_str()) != 0) return failed("cannot rename to", path);
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const BookFd folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::fsync(folder.get()) != 0) return failed("cannot sync", parent);
  return {};
}

}  // namespace micro::p2p
