#include "consensus/journal/format.hpp"

#include <optional>

#include "chain/crypto/hash.hpp"

namespace micro {
namespace {

constexpr std::string_view kMark = "mjrn";

struct Parsed {
  std::uint64_t sequence = 0;
  std::uint64_t synced = 0;
  ByteView payload;
  std::size_t bytes = 0;
};

Hash record_hash(std::uint64_t sequence, std::uint64_t synced, ByteView payload) {
  Encoder e;
  e.put(static_cast<std::uint32_t>(payload.size())).put(sequence).put(synced).raw(payload);
  return blake2b_256(e.bytes());
}

std::optional<Parsed> first_record(ByteView bytes) {
  Decoder d(bytes);
  const auto mark = d.take(kMark.size());
  if (!mark || as_text(*mark) != kMark) return std::nullopt;
  Parsed out;
  std::uint32_t size = 0;
  Hash hash;
  if (!d.get(size) || !d.get(out.sequence) || !d.get(out.synced) || !d.get(hash)) return std::nullopt;
  if (size > kMaxJournalRecordBytes) return std::nullopt;
  const auto payload = d.take(size);
  if (!payload || record_hash(out.sequence, out.synced, *payload) != hash) return std::nullopt;
  out.payload = *payload;
  out.bytes = bytes.size() - d.rest().size();
  return out;
}

/// Whether a whole record behind the damage says that `sequence` had reached the disk.
bool was_synced(ByteView rest, std::uint64_t sequence) {
  const std::string_view text = as_text(rest);
  for (auto at = text.find(kMark, 1); at != std::string_view::npos; at = text.find(kMark, at + 1)) {
    const auto later = first_record(rest.subspan(at));
    if (later && later->sequence > sequence && later->synced >= sequence) return true;
  }
  return false;
}

}  // namespace

Bytes JournalWriter::append(ByteView payload) {
  ++last_;
  Encoder e;
  e.raw(as_bytes(kMark)).put(static_cast<std::uint32_t>(payload.size())).put(last_).put(synced_);
  e.put(record_hash(last_, synced_, payload)).raw(payload);
  return e.take();
}

Result<RecoveredJournal> recover_journal(ByteView bytes) {
  RecoveredJournal out;
  ByteView rest = bytes;
  while (!rest.empty()) {
    const auto record = first_record(rest);
    const bool follows = record && record->sequence == out.last + 1;
    if (!follows) {
      if (was_synced(rest, out.last + 1)) {
        return fail(Fault::kCorrupt, "a synced record of the consensus journal is damaged",
                    "never remove it by hand: restore it from this machine's disk, or let the network give this node "
                    "a new key");
      }
      break;
    }
    out.last = record->sequence;
    out.payloads.push_back(to_bytes(record->payload));
    rest = rest.subspan(record->bytes);
  }
  out.valid_bytes = bytes.size() - rest.size();
  return out;
}

}  // namespace micro
