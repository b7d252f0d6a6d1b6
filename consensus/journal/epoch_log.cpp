#include "consensus/journal/epoch_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "consensus/journal/log_file.hpp"

namespace micro {
namespace {

constexpr std::size_t kFrameBytes = 64;  ///< of the journal's format, rounded up

/// The epochs that have a folder, with the bytes of each.
Result<std::map<Epoch, std::uint64_t>> log_sizes_in(const std::string& folder) {
  std::map<Epoch, std::uint64_t> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    std::uint32_t number = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (bad != std::errc() || end != name.data() + name.size()) continue;
    std::error_code none;
    const auto size = std::filesystem::file_size(entry.path() / Journal::kRecordsFile, none);
    out[Epoch(number)] = none ? 0 : size;
  }
  if (error) return fail(Fault::kIo, "reading " + folder + ": " + error.message());
  return out;
}

}  // namespace

Result<EpochLog> EpochLog::open(const std::string& folder, const ChainId& chain, std::uint64_t budget_bytes) {
  auto journal = TRY(Journal::open(folder, chain, 0));
  return EpochLog(folder, chain, std::move(journal), budget_bytes);
}

Result<std::vector<Bytes>> EpochLog::begin(Epoch epoch, Epoch keep_from) {
  auto records = journal_->start(epoch, keep_from);
  if (!records && (records.error().fault == Fault::kCorrupt || records.error().fault == Fault::kMismatch)) {
    journal_.reset();  // one that failed never works again
    TRY(forget(epoch));
    journal_ = TRY(Journal::open(folder_, chain_, 0));
    records = journal_->start(epoch, keep_from);
  }
  if (!records) return records;
  epoch_ = epoch;
  older_ = TRY(log_sizes_in(folder_));
  older_.erase(epoch);
  TRY(make_room(0));
  return records;
}

std::uint64_t EpochLog::bytes() const {
  std::uint64_t sum = journal_->bytes();
  for (const auto& [epoch, size] : older_) sum += size;
  return sum;
}

std::vector<Epoch> EpochLog::older() const {
  std::vector<Epoch> out;
  for (const auto& [epoch, size] : older_) out.push_back(epoch);
  return out;
}

Status EpochLog::forget(Epoch epoch) {
  std::error_code error;
  std::filesystem::remove_all(folder_ + "/" + epoch.text(), error);
  if (error) return fail(Fault::kIo, "cannot remove what was kept of epoch " + epoch.text() + ": " + error.message());
  return {};
}

Status EpochLog::make_room(std::uint64_t wanted) {
  while (!older_.empty() && bytes() + wanted > budget_) {
    TRY(forget(older_.begin()->first));
    older_.erase(older_.begin());
  }
  return {};
}

Result<bool> EpochLog::append(ByteView record) {
  const std::uint64_t wanted = record.size() + kFrameBytes;
  TRY(make_room(wanted));
  if (bytes() + wanted > budget_) return false;
  TRY(journal_->append(record));
  return true;
}

Result<std::vector<Bytes>> EpochLog::read(Epoch epoch) const {
  return read_epoch_log(folder_, epoch);
}

Result<std::vector<Epoch>> epochs_of_log(const std::string& folder) {
  std::vector<Epoch> out;
  for (const auto& [epoch, size] : TRY(log_sizes_in(folder))) out.push_back(epoch);
  return out;
}

Result<std::vector<Bytes>> read_epoch_log(const std::string& folder, Epoch epoch) {
  const std::string file = folder + "/" + epoch.text() + "/" + Journal::kRecordsFile;
  const int opened = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened < 0) return std::vector<Bytes>{};
  const auto all = read_log(opened, "what was kept of an epoch");
  ::close(opened);
  if (!all) return std::unexpected(all.error());
  auto records = TRY(recover_journal(*all));
  return std::move(records.payloads);
}

}  // namespace micro
