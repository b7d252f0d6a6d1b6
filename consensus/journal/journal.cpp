#include "consensus/journal/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "chain/base/random.hpp"
#include "consensus/journal/log_file.hpp"

namespace micro {
namespace {

constexpr const char* kName = "the consensus journal";
const std::string kFile = std::string("/") + Journal::kRecordsFile;
const std::string kFresh = kFile + ".new";
constexpr const char* kForgotten = "/forgotten";

Result<std::vector<Epoch>> epochs_in(const std::string& folder) {
  std::vector<Epoch> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    std::uint32_t number = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (bad == std::errc() && end == name.data() + name.size()) out.emplace_back(number);
  }
  if (error) return fail(Fault::kIo, "reading " + folder + ": " + error.message());
  std::ranges::sort(out);
  return out;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::string& folder, const ChainId& chain,
                                               std::uint64_t ahead_bytes) {
  const int lock = ::open((folder + "/journal.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return log_io_error("opening " + folder + "/journal.lock");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return fail(Fault::kBusy, "another process signs blocks with the journal in " + folder,
                "stop the other node first");
  }
  return std::unique_ptr<Journal>(new Journal(folder, chain, lock, ahead_bytes));
}

Journal::~Journal() {
  close_file();
  ::close(lock_);
}

/// Zeros that stay behind do no harm: they are cut when the file is read again.
void Journal::close_file() {
  if (file_ < 0) return;
  if (!broken_ && file_bytes_ > size_) (void)!::ftruncate(file_, static_cast<off_t>(size_));
  ::close(file_);
}

std::string Journal::path(Epoch epoch) const {
  return folder_ + "/" + epoch.text();
}

Result<std::optional<Epoch>> Journal::newest() const {
  const auto epochs = TRY(epochs_in(folder_));
  return epochs.empty() ? std::optional<Epoch>() : std::optional(epochs.back());
}

Result<std::optional<TimeMs>> Journal::forgot_at() const {
  const std::string name = folder_ + kForgotten;
  const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return std::optional<TimeMs>();
  if (file < 0) return log_io_error("opening " + name);
  const auto bytes = read_log(file, name);
  ::close(file);
  if (!bytes) return std::unexpected(bytes.error());
  const auto at = decode<TimeMs>(*bytes);
  if (!at) return fail(Fault::kCorrupt, name + " does not say when this node lost its journal");
  return std::optional(*at);
}

Status Journal::note_forgotten(TimeMs at) const {
  const std::string name = folder_ + kForgotten;
  const std::string fresh = name + ".new";
  const int file = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return log_io_error("opening " + fresh);
  Status done = write_log(file, encode(at), 0, fresh);
  if (done && ::fdatasync(file) != 0) done = log_io_error("syncing " + fresh);
  ::close(file);
  if (done && ::rename(fresh.c_str(), name.c_str()) != 0) done = log_io_error("replacing " + name);
  return done ? sync_log_folder(folder_) : done;
}

Result<std::vector<Bytes>> Journal::start(Epoch epoch, Epoch keep_from) {
  if (broken_) return fail(Fault::kIo, "the consensus journal failed before: this process signs nothing more");
  close_file();
  file_ = -1;
  broken_ = true;
  const std::string folder = path(epoch);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Fault::kIo, "cannot create " + folder + ": " + error.message());
  const int file = ::open((folder + kFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return log_io_error("opening " + folder + kFile);
  file_ = file;
  epoch_ = epoch;
  TRY(load());
  // The entries of a new folder are on the disk before the epoch's first vote.
  TRY(sync_log_folder(folder));
  TRY(sync_log_folder(folder_));
  TRY(remove_before(keep_from));
  broken_ = false;
  return std::exchange(recovered_, {});
}

Status Journal::load() {
  const Bytes all = TRY(read_log(file_, kName));
  auto recovered = TRY(recover_journal(all));
  size_ = recovered.valid_bytes;
  file_bytes_ = size_;
  if (size_ < all.size() && ::ftruncate(file_, static_cast<off_t>(size_)) != 0) {
    return log_io_error("cutting the consensus journal");
  }
  // What a killed process wrote may be in the kernel's memory alone: whoever reads it here will say it again.
  if (!all.empty() && ::fdatasync(file_) != 0) return log_io_error("syncing the consensus journal");
  if (!recovered.head) return begin_file(file_, writer_, size_);
  writer_ = JournalWriter(recovered.last, recovered.head->salt);
  if (*recovered.head != JournalHead{1, chain_, epoch_, recovered.head->salt}) {
    return fail(Fault::kMismatch, "the journal in " + path(epoch_) + " belongs to another chain or epoch");
  }
  recovered_ = std::move(recovered.payloads);
  return {};
}

Status Journal::begin_file(int file, JournalWriter& writer, std::uint64_t& size) const {
  writer = JournalWriter();
  const Bytes head = writer.begin({1, chain_, epoch_, SystemRandom().draw<Hash>()});
  TRY(write_log(file, head, size, kName));
  size += head.size();
  if (::fdatasync(file) != 0) return log_io_error("syncing the consensus journal");
  writer.mark_synced();
  return {};
}

Status Journal::remove_before(Epoch keep_from) {
  for (const Epoch epoch : TRY(epochs_in(folder_))) {
    if (epoch >= keep_from) break;
    std::error_code error;
    std::filesystem::remove_all(path(epoch), error);
    if (error) return fail(Fault::kIo, "cannot remove " + path(epoch) + ": " + error.message());
  }
  return {};
}

Status Journal::append(ByteView record) {
  if (broken_ || file_ < 0) return fail(Fault::kIo, "the consensus journal failed before, or was not started");
  if (record.size() > kMaxJournalRecordBytes) return fail(Fault::kLimit, "a record of the journal is too long");
  broken_ = true;
  const Bytes framed = writer_.append(record);
  TRY(write_log(file_, framed, size_, kName));
  size_ += framed.size();
  unsynced_ = true;
  TRY(write_ahead());
  broken_ = false;
  return {};
}

Status Journal::write_ahead() {
  if (size_ <= file_bytes_ || ahead_bytes_ == 0) return {};
  TRY(write_log(file_, Bytes(ahead_bytes_), size_, kName));
  file_bytes_ = size_ + ahead_bytes_;
  return {};
}

Status Journal::sync() {
  if (broken_) return fail(Fault::kIo, "the consensus journal failed before: this process signs nothing more");
  if (!unsynced_) return {};
  broken_ = true;  // a failed sync is never tried again: the kernel may have dropped what it could not write
  if (::fdatasync(file_) != 0) return log_io_error("syncing the consensus journal");
  writer_.mark_synced();
  unsynced_ = false;
  broken_ = false;
  return {};
}

Status Journal::rewrite(const std::vector<Bytes>& records) {
  if (broken_ || file_ < 0) return fail(Fault::kIo, "the consensus journal failed before, or was not started");
  broken_ = true;
  const std::string fresh = path(epoch_) + kFresh;
  const int file = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return log_io_error("opening " + fresh);
  JournalWriter writer;
  std::uint64_t size = 0;
  Status done = begin_file(file, writer, size);
  for (const Bytes& record : records) {
    if (!done) break;
    const Bytes framed = writer.append(record);
    done = write_log(file, framed, size, kName);
    size += framed.size();
  }
  if (done && ::fdatasync(file) != 0) done = log_io_error("syncing the consensus journal");
  if (done && ::rename(fresh.c_str(), (path(epoch_) + kFile).c_str()) != 0)
    done = log_io_error("replacing the journal");
  if (done) done = sync_log_folder(path(epoch_));
  if (!done) {
    ::close(file);
    return done;
  }
  ::close(file_);
  file_ = file;
  writer.mark_synced();
  writer_ = writer;
  size_ = size;
  file_bytes_ = size;
  unsynced_ = false;
  broken_ = false;
  return {};
}

}  // namespace micro
