#include "consensus/journal/signer_log.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "chain/crypto/hash.hpp"
#include "consensus/journal/log_file.hpp"

namespace micro {
namespace {

constexpr const char* kName = "the signer's log";
constexpr std::string_view kMark = "microsig";  ///< begins each record…
constexpr std::size_t kSizeAt = 8;              ///< …then a u32, the length of the body…
constexpr std::size_t kHashAt = kSizeAt + 4;    ///< …the hash of length and body, and the body
constexpr std::size_t kRecordHeadBytes = kHashAt + Hash::kSize;

/// Encoded once and in place: a block's body is megabytes.
Bytes framed(const SignedStatement& statement) {
  Encoder encoder;
  encoder.raw(as_bytes(kMark)).put(std::uint32_t{0}).put(Hash{}).put(statement);
  Bytes out = encoder.take();
  const Bytes size = encode(static_cast<std::uint32_t>(out.size() - kRecordHeadBytes));
  // Until the hash stands there, the length lies right in front of the body, so that both are hashed without a copy.
  constexpr std::size_t kHashedFrom = kRecordHeadBytes - sizeof(std::uint32_t);
  std::ranges::copy(size, out.begin() + kHashedFrom);
  const Hash hash = blake2b_256(ByteView(out).subspan(kHashedFrom));
  std::ranges::copy(size, out.begin() + kSizeAt);
  std::ranges::copy(hash.data, out.begin() + kHashAt);
  return out;
}

/// The body at the front of `rest`, or nothing when it is cut off or damaged.
std::optional<ByteView> first_body(ByteView rest) {
  Decoder decoder(rest);
  std::uint32_t size = 0;
  Hash hash;
  const auto mark = decoder.take(kMark.size());
  if (!mark || as_text(*mark) != kMark) return std::nullopt;
  if (!decoder.get(size) || !decoder.get(hash)) return std::nullopt;
  const auto body = decoder.take(size);
  if (!body) return std::nullopt;
  Encoder check;
  check.put(size).raw(*body);
  if (blake2b_256(check.bytes()) != hash) return std::nullopt;
  return *body;
}

/// A whole record somewhere behind the front.
bool has_later_record(ByteView rest) {
  const std::string_view text = as_text(rest);
  for (auto at = text.find(kMark, 1); at != std::string_view::npos; at = text.find(kMark, at + 1)) {
    if (first_body(rest.subspan(at))) return true;
  }
  return false;
}

Status write_durably(int file, ByteView bytes, std::uint64_t at) {
  TRY(write_log(file, bytes, at, kName));
  if (::fdatasync(file) != 0) return log_io_error("syncing the signer's log");
  return {};
}

auto rank(const SignedStatement& s) {
  return std::pair(s.block.header.epoch, s.statement.view);
}

}  // namespace

Result<std::unique_ptr<SignerLog>> SignerLog::open(const std::string& folder, std::uint64_t max_bytes) {
  const int lock = ::open((folder + "/signer.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return log_io_error("opening " + folder + "/signer.lock");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return fail(Fault::kBusy, "another process signs blocks with the log in " + folder, "stop the other node first");
  }
  const int file = ::open((folder + "/signer.log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    auto failed = log_io_error("opening " + folder + "/signer.log");
    ::close(lock);
    return failed;
  }
  std::unique_ptr<SignerLog> log(new SignerLog(folder, max_bytes, lock, file));
  TRY(sync_log_folder(folder));
  TRY(log->replay());
  return log;
}

SignerLog::~SignerLog() {
  ::close(file_);
  ::close(lock_);
}

Result<SignerLogContents> parse_signer_log(ByteView file) {
  const std::unexpected<Error> damaged = fail(Fault::kCorrupt, "a record is damaged or out of order");
  SignerLogContents out;
  ByteView rest = file;
  while (!rest.empty()) {
    const auto body = first_body(rest);
    if (!body) {
      // Each record is synced before the next begins: only the last can be a write that was cut off.
      if (has_later_record(rest)) return damaged;
      break;
    }
    auto statement = decode<SignedStatement>(*body);
    if (!statement || (out.last && rank(*statement) <= rank(*out.last))) return damaged;
    out.last = std::move(*statement);
    rest = rest.subspan(kRecordHeadBytes + body->size());
  }
  out.valid_bytes = file.size() - rest.size();
  return out;
}

Status SignerLog::replay() {
  const Bytes all = TRY(read_log(file_, kName));
  auto contents = parse_signer_log(all);
  if (!contents) {
    return fail(Fault::kCorrupt, "the signer's log in " + folder_ + ": " + contents.error().message,
                "never remove it by hand: restore it from this machine's disk, or let the network give this node a new "
                "key");
  }
  found_ = std::move(contents->last);
  if (found_) newest_ = {found_->block.header.epoch, found_->statement};
  size_ = contents->valid_bytes;
  if (size_ == all.size()) return {};
  if (::ftruncate(file_, static_cast<off_t>(size_)) != 0 || ::fdatasync(file_) != 0) {
    return log_io_error("cutting the signer's log");
  }
  return {};
}

Status SignerLog::record(const SignedStatement& statement) {
  if (broken_) return fail(Fault::kIo, "the signer's log failed before: this process signs nothing more");
  if (newest_ && statement.statement == newest_->statement) return {};
  if (newest_ && rank(statement) <= std::pair(newest_->epoch, newest_->statement.view)) {
    return fail(Fault::kDenied, "this key signed another statement for view " + statement.statement.view.text() +
                                    " of epoch " + statement.block.header.epoch.text() + " already");
  }
  const Bytes record = framed(statement);
  broken_ = true;
  if (size_ + record.size() > max_bytes_ && size_ > 0) {
    TRY(rewrite(record));
  } else {
    TRY(write_durably(file_, record, size_));
    size_ += record.size();
  }
  broken_ = false;
  newest_ = {statement.block.header.epoch, statement.statement};
  return {};
}

Status SignerLog::rewrite(ByteView record) {
  const std::string fresh = folder_ + "/signer.log.new";
  const int file = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return log_io_error("opening " + fresh);
  const Status written = write_durably(file, record, 0);
  if (!written || ::rename(fresh.c_str(), (folder_ + "/signer.log").c_str()) != 0) {
    ::close(file);
    return written ? log_io_error("replacing the signer's log") : written;
  }
  TRY(sync_log_folder(folder_));
  ::close(file_);
  file_ = file;
  size_ = record.size();
  return {};
}

}  // namespace micro
