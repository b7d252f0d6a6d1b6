#include "wallet/disk/append_log.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "chain/base/check.hpp"
#include "chain/crypto/hash.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

constexpr std::string_view kMagic = "micro-log/1\n";
constexpr std::size_t kLengthBytes =
    8;  // the length, then its complement: a changed length must not look like a torn end
constexpr std::size_t kChecksumBytes = 32;
constexpr std::size_t kOverhead = kLengthBytes + kChecksumBytes;

void put_u32(Bytes& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t get_u32(ByteView bytes) {
  return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
         static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
}

Hash next_checksum(const Hash& chain, ByteView record) {
  return tagged_hash(domain::kWalletLog, {chain.view(), record});
}

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t b) { return b == 0; });
}

}  // namespace

ByteView log_header() {
  return as_bytes(kMagic);
}
Hash log_seed() {
  return tagged_hash(domain::kWalletLog, as_bytes(kMagic));
}

Bytes encode_log_record(Hash& chain, ByteView record) {
  CHECK(!record.empty() && record.size() <= kMaxLogRecordBytes, "a record of 1 byte to the limit");
  chain = next_checksum(chain, record);
  Bytes out;
  put_u32(out, static_cast<std::uint32_t>(record.size()));
  put_u32(out, ~static_cast<std::uint32_t>(record.size()));
  out.insert(out.end(), record.begin(), record.end());
  out.insert(out.end(), chain.data.begin(), chain.data.end());
  return out;
}

Result<LogContents> parse_log(ByteView file) {
  LogContents out;
  out.chain = log_seed();
  const ByteView header = log_header();
  if (file.size() < header.size()) {
    if (std::ranges::equal(file, header.first(file.size())) || all_zero(file)) return out;  // a torn first write
    return fail(Fault::kCorrupt, "it does not begin like a log of this program");
  }
  if (!std::ranges::equal(file.first(header.size()), header)) {
    return fail(Fault::kCorrupt, "it does not begin like a log of this program");
  }
  out.valid_bytes = header.size();
  ByteView rest = file.subspan(header.size());
  while (!rest.empty()) {
    if (rest.size() < kOverhead || all_zero(rest)) return out;
    const std::size_t size = get_u32(rest);
    if (all_zero(rest.first(kLengthBytes)) && rest.size() <= kOverhead + kMaxLogRecordBytes) return out;
    if (size == 0 || size > kMaxLogRecordBytes || get_u32(rest) != ~get_u32(rest.subspan(4))) {
      return fail(Fault::kCorrupt, "the length of record " + std::to_string(out.records.size() + 1) + " is damaged");
    }
    if (rest.size() < kOverhead + size) return out;
    const ByteView record = rest.subspan(kLengthBytes, size);
    const Hash checksum = next_checksum(out.chain, record);
    const bool holds = std::ranges::equal(checksum.view(), rest.subspan(kLengthBytes + size, kChecksumBytes));
    rest = rest.subspan(kOverhead + size);
    if (!holds && rest.empty()) return out;
    if (!holds) return fail(Fault::kCorrupt, "record " + std::to_string(out.records.size() + 1) + " is damaged");
    out.records.push_back(to_bytes(record));
    out.chain = checksum;
    out.valid_bytes += kOverhead + size;
  }
  return out;
}

Result<AppendLog> AppendLog::open(const std::filesystem::path& path, std::vector<Bytes>& records) {
  auto bytes = read_file(path, kMaxAppendLogBytes);
  if (!bytes && bytes.error().fault != Fault::kNotFound) return std::unexpected(bytes.error());
  auto contents = parse_log(bytes ? ByteView(*bytes) : ByteView());
  if (!contents) {
    return fail(contents.error().fault, path.string() + ": " + contents.error().message,
                "restore it from a backup, or move it away: the other side's copy of the state is then asked for");
  }
  if (contents->valid_bytes == 0) {
    TRY(write_file_durably(path, log_header(), IfPresent::kReplace));
    contents->valid_bytes = log_header().size();
  }
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.is_open()) return fail_with_errno("cannot open", path);
  if (bytes && bytes->size() > contents->valid_bytes) {
    if (::ftruncate(file.get(), static_cast<off_t>(contents->valid_bytes)) != 0 || ::fsync(file.get()) != 0) {
      return fail_with_errno("cannot cut the torn end off", path);
    }
  }
  records = std::move(contents->records);
  return AppendLog(path, std::move(file), contents->valid_bytes, contents->chain);
}

Status AppendLog::fail_for_good(std::string_view doing) {
  broken_ = true;
  return fail_with_errno(doing, path_);
}

Status AppendLog::append(ByteView record) {
  if (broken_) return fail(Fault::kIo, path_.string() + " failed before", "check the disk and start again");
  Hash chain = chain_;
  const Bytes bytes = encode_log_record(chain, record);
  if (size_ + bytes.size() > kMaxAppendLogBytes) return fail(Fault::kLimit, path_.string() + " is full");
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pwrite(file_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(size_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_for_good("cannot write");
    done += static_cast<std::size_t>(n);
  }
  // A failed sync may have dropped the pages: trying again would report success for bytes that are gone.
  if (::fdatasync(file_.get()) != 0) return fail_for_good("cannot sync");
  size_ += bytes.size();
  chain_ = chain;
  return {};
}

Status AppendLog::rewrite(const std::vector<Bytes>& records) {
  if (broken_) return fail(Fault::kIo, path_.string() + " failed before", "check the disk and start again");
  Bytes bytes = to_bytes(log_header());
  Hash chain = log_seed();
  for (const auto& record : records) {
    const Bytes encoded = encode_log_record(chain, record);
    bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  }
  TRY(write_file_durably(path_, bytes, IfPresent::kReplace));
  FileDescriptor file(::open(path_.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.is_open()) return fail_for_good("cannot open");
  file_ = std::move(file);
  size_ = bytes.size();
  chain_ = chain;
  return {};
}

}  // namespace micro
