#include "consensus/journal/justification_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "consensus/journal/log_file.hpp"

namespace micro {
namespace {

constexpr std::size_t kRecordOverheadBytes = 64;  ///< of the journal's format, rounded up

std::pair<View, bool> place_of(const Certificate& c) {
  return {c.statement.view, c.statement.kind == StatementKind::kNullify};
}

/// The epochs that have a folder, with the bytes of each.
Result<std::map<Epoch, std::uint64_t>> sizes_in(const std::string& folder) {
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

Result<std::unique_ptr<JustificationLog>> JustificationLog::open(const std::string& folder, const ChainId& chain,
                                                                 std::uint64_t budget_bytes) {
  auto journal = TRY(Journal::open(folder, chain));
  return std::unique_ptr<JustificationLog>(new JustificationLog(folder, std::move(journal), budget_bytes));
}

std::string JustificationLog::file(Epoch epoch) const {
  return folder_ + "/" + epoch.text() + "/" + Journal::kRecordsFile;
}

Status JustificationLog::begin(Epoch epoch, Epoch answerable_from) {
  auto records = journal_->start(epoch, answerable_from);
  if (!records && (records.error().fault == Fault::kCorrupt || records.error().fault == Fault::kMismatch)) {
    TRY(forget(epoch));
    records = journal_->start(epoch, answerable_from);
  }
  if (!records) return std::unexpected(std::move(records).error());
  epoch_ = epoch;
  kept_.clear();
  for (const Bytes& record : *records) {
    const auto certificate = decode<Certificate>(record);
    if (certificate) kept_.insert(place_of(*certificate));
  }
  older_ = TRY(sizes_in(folder_));
  older_.erase(epoch);
  return make_room(0);
}

std::uint64_t JustificationLog::bytes() const {
  std::uint64_t sum = journal_->bytes();
  for (const auto& [epoch, size] : older_) sum += size;
  return sum;
}

Status JustificationLog::forget(Epoch epoch) {
  std::error_code error;
  std::filesystem::remove_all(folder_ + "/" + epoch.text(), error);
  if (error) return fail(Fault::kIo, "cannot remove justifications of epoch " + epoch.text() + ": " + error.message());
  return {};
}

Status JustificationLog::make_room(std::uint64_t wanted) {
  while (!older_.empty() && bytes() + wanted > budget_) {
    TRY(forget(older_.begin()->first));
    older_.erase(older_.begin());
  }
  return {};
}

Status JustificationLog::keep(const Certificate& certificate) {
  if (kept_.contains(place_of(certificate))) return {};
  const Bytes record = encode(certificate);
  const std::uint64_t wanted = record.size() + kRecordOverheadBytes;
  TRY(make_room(wanted));
  if (bytes() + wanted > budget_) {
    ++not_kept_;
    return {};
  }
  TRY(journal_->append(record));
  kept_.insert(place_of(certificate));
  return {};
}

Result<std::vector<Certificate>> JustificationLog::read(Epoch epoch) const {
  std::vector<Certificate> out;
  const int opened = ::open(file(epoch).c_str(), O_RDONLY | O_CLOEXEC);
  if (opened < 0) return out;
  const auto all = read_log(opened, "the kept justifications");
  ::close(opened);
  if (!all) return std::unexpected(all.error());
  const auto records = TRY(recover_journal(*all));
  for (const Bytes& record : records.payloads) {
    if (auto certificate = decode<Certificate>(record)) out.push_back(std::move(*certificate));  // else the file's head
  }
  return out;
}

}  // namespace micro
