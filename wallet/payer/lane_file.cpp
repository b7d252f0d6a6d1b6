#include "wallet/payer/lane_file.hpp"

#include <system_error>

#include "chain/base/check.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

std::string lane_name(std::uint8_t lane) {
  return "lane-" + std::to_string(lane);
}

Bytes encode_entries(const std::vector<Entry>& entries) {
  EntryRecord record;
  record.entries.assign(entries.begin(), entries.end());
  CHECK(record.entries.size() <= kMaxEntriesPerRecord, "entries of one record");
  return encode(record);
}

Result<std::vector<Entry>> decode_entries(const std::vector<Bytes>& records) {
  std::vector<Entry> out;
  for (const auto& bytes : records) {
    EntryRecord record = TRY(decode<EntryRecord>(bytes));
    if (record.version != 1) return fail(Fault::kCorrupt, "a payment log of a newer version");
    for (auto& entry : record.entries) out.push_back(std::move(entry));
  }
  return out;
}

std::unexpected<Error> with_path(Error error, const std::filesystem::path& path) {
  return fail(error.fault == Fault::kInvalid ? Fault::kCorrupt : error.fault, path.string() + ": " + error.message,
              error.hint);
}

}  // namespace

Result<LaneFile> LaneFile::open(const std::filesystem::path& folder, const PayerChannel& channel, std::uint8_t lane,
                                std::size_t compact_bytes) {
  const std::string what = "lane " + std::to_string(lane) + " of channel " + channel.id.brief();
  FileLock lock = TRY(FileLock::acquire(folder / (lane_name(lane) + ".lock"), what));
  const auto path = folder / (lane_name(lane) + ".log");
  std::vector<Bytes> records;
  AppendLog log = TRY(AppendLog::open(path, records));
  auto entries = decode_entries(records);
  if (!entries) return with_path(entries.error(), path);
  const bool fresh = entries->empty();
  if (fresh) entries->emplace_back(PayerLane::opening(channel, lane));
  auto state = PayerLane::restore(channel, lane, *entries);
  if (!state) return with_path(state.error(), path);
  LaneFile out(std::move(lock), std::move(log), std::move(*state), compact_bytes);
  if (fresh) TRY(out.log_.append(encode_entries(*entries)));
  return out;
}

bool LaneFile::exists(const std::filesystem::path& folder, std::uint8_t lane) {
  std::error_code ignored;
  return std::filesystem::exists(folder / (lane_name(lane) + ".log"), ignored);
}

Result<Amount> LaneFile::peek_committed(const std::filesystem::path& folder, const PayerChannel& channel,
                                        std::uint8_t lane) {
  const auto path = folder / (lane_name(lane) + ".log");
  const auto bytes = read_file(path, kMaxAppendLogBytes);
  if (!bytes && bytes.error().fault == Fault::kNotFound) return Amount();
  if (!bytes) return std::unexpected(bytes.error());
  const auto contents = parse_log(*bytes);
  if (!contents) return with_path(contents.error(), path);
  if (contents->records.empty()) return Amount();
  const auto entries = decode_entries(contents->records);
  if (!entries) return with_path(entries.error(), path);
  const auto state = PayerLane::restore(channel, lane, *entries);
  if (!state) return with_path(state.error(), path);
  return state->committed();
}

Status LaneFile::write(std::vector<Entry> entries) {
  std::vector<Entry> all = std::move(unwritten_);
  unwritten_.clear();
  for (auto& entry : entries) all.push_back(std::move(entry));
  if (all.empty()) return {};
  return log_.append(encode_entries(all));
}

Status LaneFile::commit(const Entry& entry) {
  TRY(write({entry}));
  CHECK(lane_.apply(entry).has_value(), "an entry that the lane itself made follows from its state");
  return {};
}

Status LaneFile::apply_now_write_later(const Entry& entry) {
  CHECK(lane_.apply(entry).has_value(), "an entry that the lane itself made follows from its state");
  unwritten_.push_back(entry);
  if (unwritten_.size() + 1 >= kMaxEntriesPerRecord) TRY(flush());
  if (log_.size_bytes() <= compact_bytes_) return {};
  std::vector<Bytes> records;
  for (const auto& kept : lane_.compacted()) records.push_back(encode_entries({kept}));
  unwritten_.clear();
  return log_.rewrite(records);
}

Status LaneFile::flush() {
  return write({});
}

}  // namespace micro
