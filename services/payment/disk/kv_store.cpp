#include "services/payment/disk/kv_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

namespace micro::payment {
namespace {

constexpr std::size_t kMaxGenerationDigits = 20;

std::unexpected<Error> failed(const char* what, const std::filesystem::path& file) {
  return fail(Fault::kIo, std::string(what) + " " + file.string() + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Status write_synced(const std::filesystem::path& file, std::string_view text) {
  const Descriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (fd.get() < 0) return failed("cannot write", file);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return failed("cannot write", file);
  }
  if (::fsync(fd.get()) != 0) return failed("cannot sync", file);
  return {};
}

}  // namespace

Status KvStore::write(std::span<const Write> batch) {
  KvBatch out;
  for (const Write& w : batch) {
    if (w.value) {
      out.put(w.key, *w.value);
    } else {
      out.erase(w.key);
    }
  }
  return kv_.write(out);
}

Result<std::optional<Bytes>> KvStore::get(ByteView key) const {
  return kv_.get(key);
}

Status KvStore::scan(const std::function<Status(ByteView, ByteView)>& visit) const {
  Status visited;
  TRY(kv_.scan({}, {}, Kv::Order::kAscending, [&](ByteView key, ByteView value) {
    visited = visit(key, value);
    return visited.has_value();
  }));
  return visited;
}

Result<std::uint64_t> read_generation(const std::filesystem::path& file) {
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    if (errno == ENOENT) return 0;
    return failed("cannot read", file);
  }
  std::array<char, kMaxGenerationDigits + 2> text{};
  const ssize_t n = ::read(fd.get(), text.data(), text.size());
  if (n < 0) return failed("cannot read", file);
  const char* end = text.data() + n;
  std::uint64_t generation = 0;
  const auto parsed = std::from_chars(text.data(), end, generation);
  if (parsed.ec != std::errc{} || parsed.ptr + 1 != end || *parsed.ptr != '\n') {
    return fail(Fault::kCorrupt, file.string() + " does not hold a number",
                "restore the file, or remove both it and the "
                "payments database: open channels are then closed without further claims");
  }
  return generation;
}

Status note_generation(const std::filesystem::path& file, std::uint64_t generation) {
  std::filesystem::path fresh = file;
  fresh += ".new";
  TRY(write_synced(fresh, std::to_string(generation) + "\n"));
  if (::rename(fresh.c_str(), file.c_str()) != 0) return failed("cannot replace", file);
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return failed("cannot sync", folder);
  return {};
}

Result<StoreMeta> open_books(PaymentStore& store, const std::filesystem::path& file, Height tip) {
  const std::uint64_t noted = TRY(read_generation(file));
  StoreMeta meta = TRY(open_books(store, noted, tip));
  TRY(note_generation(file, meta.generation));
  return meta;
}

}  // namespace micro::payment
