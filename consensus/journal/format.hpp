// The bytes of a journal: records behind each other, each with its length, sequence, the sequence that was known to be
// on the disk when it was written, and a hash over all of it. No files in here: a simulated disk holds the same bytes.
//
//   record = mark ‖ u32 length ‖ u64 sequence ‖ u64 synced ‖
//            BLAKE2b-256(salt ‖ length ‖ sequence ‖ synced ‖ payload) ‖ payload
//
// The first record holds the salt: 32 random bytes of this file. For it alone the mark is "mjrn" and the salt zero; for
// all others the mark is the salt's first four bytes. Payloads hold bytes that strangers choose, and what looks like a
// record of this file behind a torn one would prove that a synced record is damaged.
#pragma once

#include <optional>

#include "chain/codec/codec.hpp"
#include "chain/types/ids.hpp"

namespace micro {

inline constexpr std::size_t kMaxJournalRecordBytes = 16u << 20;

/// The first record's payload: whose journal this is.
struct JournalHead {
  std::uint8_t version = 1;
  ChainId chain;
  Epoch epoch;
  Hash salt = {};  ///< of this file, known to nobody else
  static constexpr auto kFields =
      fields<&JournalHead::version, &JournalHead::chain, &JournalHead::epoch, &JournalHead::salt>;
  bool operator==(const JournalHead&) const = default;
};

class JournalWriter {
 public:
  JournalWriter() = default;
  /// Goes on behind the record `last` of a file with this salt.
  JournalWriter(std::uint64_t last, const Hash& salt) : last_(last), synced_(last), salt_(salt) {}
  /// The first record of a file, and nothing else.
  Bytes begin(const JournalHead& head);
  /// The next record.
  Bytes append(ByteView payload);
  /// Everything appended so far is on the disk.
  void mark_synced() { synced_ = last_; }
  [[nodiscard]] std::uint64_t last() const { return last_; }

 private:
  std::uint64_t last_ = 0;
  std::uint64_t synced_ = 0;
  Hash salt_;
};

struct RecoveredJournal {
  std::optional<JournalHead> head;  ///< none where not even that was written
  std::vector<Bytes> payloads;      ///< behind it
  std::uint64_t last = 0;           ///< sequence
  std::uint64_t valid_bytes = 0;    ///< what follows was never acknowledged and is cut
};
/// Reads what a crash left. A record that is cut off or damaged ends the journal, unless a later one proves that it had
/// been synced: then it is kCorrupt, because what it said is forgotten for ever. A damaged head is, where anything
/// follows it: nothing is written before the head is synced.
Result<RecoveredJournal> recover_journal(ByteView bytes);

}  // namespace micro
