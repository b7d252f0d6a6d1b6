#include "consensus/journal/format.hpp"

#include <algorithm>

#include "chain/crypto/hash.hpp"

namespace micro {
namespace {

constexpr std::string_view kHeadMark = "mjrn";
constexpr std::size_t kMarkBytes = 4;
constexpr std::size_t kRecordFrameBytes = kMarkBytes + 4 + 8 + 8 + 32;

struct Parsed {
  std::uint64_t sequence = 0;
  std::uint64_t synced = 0;
  ByteView payload;
  std::size_t bytes = 0;
};

/// How the records of a file are told from what their payloads hold.
struct Seal {
  Bytes mark;
  Hash salt;
};

Seal seal_of_head() {
  return {to_bytes(kHeadMark), Hash{}};
}

Seal seal_of(const Hash& salt) {
  return {to_bytes(salt.view().first(kMarkBytes)), salt};
}

Hash record_hash(const Hash& salt, std::uint64_t sequence, std::uint64_t synced, ByteView payload) {
  Encoder e;
  e.put(salt).put(static_cast<std::uint32_t>(payload.size())).put(sequence).put(synced).raw(payload);
  return blake2b_256(e.bytes());
}

Bytes frame(const Seal& seal, std::uint64_t sequence, std::uint64_t synced, ByteView payload) {
  Encoder e;
  e.raw(seal.mark).put(static_cast<std::uint32_t>(payload.size())).put(sequence).put(synced);
  e.put(record_hash(seal.salt, sequence, synced, payload)).raw(payload);
  return e.take();
}

std::optional<Parsed> first_record(ByteView bytes, const Seal& seal) {
  Decoder d(bytes);
  const auto mark = d.take(kMarkBytes);
  if (!mark || !std::ranges::equal(*mark, seal.mark)) return std::nullopt;
  Parsed out;
  std::uint32_t size = 0;
  Hash hash;
  if (!d.get(size) || !d.get(out.sequence) || !d.get(out.synced) || !d.get(hash)) return std::nullopt;
  if (size > kMaxJournalRecordBytes) return std::nullopt;
  const auto payload = d.take(size);
  if (!payload || record_hash(seal.salt, out.sequence, out.synced, *payload) != hash) return std::nullopt;
  out.payload = *payload;
  out.bytes = bytes.size() - d.rest().size();
  return out;
}

/// Whether a whole record behind the damage says that `sequence` had reached the disk.
bool was_synced(ByteView rest, std::uint64_t sequence, const Seal& seal) {
  const std::string_view text = as_text(rest);
  const std::string_view mark = as_text(seal.mark);
  for (auto at = text.find(mark, 1); at != std::string_view::npos; at = text.find(mark, at + 1)) {
    const auto later = first_record(rest.subspan(at), seal);
    if (later && later->sequence > sequence && later->synced >= sequence) return true;
  }
  return false;
}

std::unexpected<Error> damaged() {
  return fail(Fault::kCorrupt, "a synced record of the consensus journal is damaged",
              "never remove it by hand: restore it from this machine's disk, or let the network give this node a new "
              "key");
}

}  // namespace

Bytes JournalWriter::begin(const JournalHead& head) {
  last_ = 1;
  salt_ = head.salt;
  return frame(seal_of_head(), last_, 0, encode(head));
}

Bytes JournalWriter::append(ByteView payload) {
  return frame(seal_of(salt_), ++last_, synced_, payload);
}

Result<RecoveredJournal> recover_journal(ByteView bytes) {
  RecoveredJournal out;
  const auto first = first_record(bytes, seal_of_head());
  const auto head = first && first->sequence == 1 ? decode<JournalHead>(first->payload)
                                                  : Result<JournalHead>(fail(Fault::kCorrupt, "no head"));
  if (!head) {
    if (bytes.size() > kRecordFrameBytes + encode(JournalHead{}).size()) return damaged();
    return out;
  }
  out.head = *head;
  out.last = 1;
  const Seal seal = seal_of(head->salt);
  ByteView rest = bytes.subspan(first->bytes);
  while (!rest.empty()) {
    const auto record = first_record(rest, seal);
    const bool follows = record && record->sequence == out.last + 1;
    if (!follows) {
      if (was_synced(rest, out.last + 1, seal)) return damaged();
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
