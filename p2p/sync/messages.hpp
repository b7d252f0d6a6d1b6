// What a node that lags asks for and what it is answered, in the one codec. Ids, keys and heights have a meaning here;
// headers, blocks, proofs and ranges of state are bytes that only the application can read.
//
// An answer is one string of bytes that its request determines, asked for part by part: a part fits a frame, an answer
// need not. Each says as much as it likes from the beginning of what was asked; the rest is asked for again.
#pragma once

#include "chain/codec/codec.hpp"
#include "chain/crypto/hash.hpp"
#include "p2p/calls/frames.hpp"

namespace micro::p2p::sync {

inline constexpr std::uint8_t kSyncVersion = 1;
inline constexpr std::string_view kSyncMethod = "sync";
inline constexpr std::uint32_t kMinWantBytes = 16 * 1'024;
inline constexpr std::uint32_t kMaxWantBytes = 240 * 1'024;  ///< with what is around it, it fits a reply
inline constexpr std::size_t kMaxHeaderBytes = 4 * 1'024;
inline constexpr std::size_t kMaxHeaderProofBytes = 16 * 1'024;
inline constexpr std::size_t kMaxBlockBytes = 16u << 20;
inline constexpr std::size_t kMaxStateBytes = 8u << 20;  ///< a range: entries and edge proofs
inline constexpr std::size_t kMaxHeadersPerAnswer = 1'024;
inline constexpr std::size_t kMaxBlocksPerAnswer = 256;
inline constexpr std::size_t kMaxIdsPerAsk = 64;
inline constexpr std::size_t kMaxSnapshots = 8;
inline constexpr std::size_t kMaxMissingRanges = 4'096;
inline constexpr std::size_t kMaxRequestBytes = 4 * 1'024;

using Id = Hash;  ///< of a block or of a state
using Key = FixedBytes<32, struct SyncKeyTag>;

struct KeyRange {
  Key first;
  Key last;  ///< included
  static constexpr auto kFields = fields<&KeyRange::first, &KeyRange::last>;
  bool operator==(const KeyRange&) const = default;
};

// --- asked ---

struct StatusAsk {
  static constexpr auto kFields = fields<>;
  bool operator==(const StatusAsk&) const = default;
};
/// Headers of these heights, with the proof that they are below the block `anchor`.
struct HeadersAsk {
  Id anchor;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  static constexpr auto kFields = fields<&HeadersAsk::anchor, &HeadersAsk::first, &HeadersAsk::count>;
  bool operator==(const HeadersAsk&) const = default;
};
struct HeadersByIdAsk {
  List<Id, kMaxIdsPerAsk> ids;
  static constexpr auto kFields = fields<&HeadersByIdAsk::ids>;
  bool operator==(const HeadersByIdAsk&) const = default;
};
struct BlocksAsk {
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  static constexpr auto kFields = fields<&BlocksAsk::first, &BlocksAsk::count>;
  bool operator==(const BlocksAsk&) const = default;
};
struct BlocksByIdAsk {
  List<Id, kMaxIdsPerAsk> ids;
  static constexpr auto kFields = fields<&BlocksByIdAsk::ids>;
  bool operator==(const BlocksByIdAsk&) const = default;
};
/// What is at the keys from `first` to `last` in the state with this root.
struct StateAsk {
  Id root;
  Key first;
  Key last;
  static constexpr auto kFields = fields<&StateAsk::root, &StateAsk::first, &StateAsk::last>;
  bool operator==(const StateAsk&) const = default;
};
using Ask = std::variant<StatusAsk, HeadersAsk, HeadersByIdAsk, BlocksAsk, BlocksByIdAsk, StateAsk>;

struct Request {
  std::uint8_t version = kSyncVersion;
  Ask ask;
  /// Of the answer, about, and exactly of each part but the last; between kMinWantBytes and kMaxWantBytes. One item is
  /// given whatever its size.
  std::uint32_t want_bytes = kMaxWantBytes;
  std::uint32_t offset = 0;  ///< in the answer, where the part begins
  static constexpr auto kFields = fields<&Request::version, &Request::ask, &Request::want_bytes, &Request::offset>;
};
/// kInvalid, kLimit for anything but a request that may be worked on: counts above zero, ranges that are no nonsense.
Result<Request> decode_request(ByteView bytes);

// --- answered ---

struct Part {
  std::uint32_t total = 0;  ///< bytes of the answer
  Blob<kMaxWantBytes> bytes;
  static constexpr auto kFields = fields<&Part::total, &Part::bytes>;
};
enum class RefusalKind : std::uint8_t {
  kBusy = 0,  ///< over a budget: after `retry_ms` again
  kGone = 1,  ///< this node does not have it, or no longer
};
inline bool is_known(RefusalKind kind) {
  return kind <= RefusalKind::kGone;
}
struct Refusal {
  RefusalKind kind = RefusalKind::kBusy;
  std::uint32_t retry_ms = 0;
  static constexpr auto kFields = fields<&Refusal::kind, &Refusal::retry_ms>;
};
struct Answer {
  std::uint8_t version = kSyncVersion;
  std::variant<Part, Refusal> body;
  static constexpr auto kFields = fields<&Answer::version, &Answer::body>;
};
Result<Answer> decode_answer(ByteView bytes);

// --- what answers hold, once put together ---

using HeaderBytes = Blob<kMaxHeaderBytes>;
using BlockBytes = Blob<kMaxBlockBytes>;

/// A state that a node can be asked about.
struct Snapshot {
  std::uint64_t height = 0;
  Id block;
  Id root;
  static constexpr auto kFields = fields<&Snapshot::height, &Snapshot::block, &Snapshot::root>;
  bool operator==(const Snapshot&) const = default;
};
struct StatusAnswer {
  std::uint64_t lowest = 0;  ///< block that it can give
  std::uint64_t highest = 0;
  Id head;  ///< the block at `highest`
  List<Snapshot, kMaxSnapshots> snapshots;
  static constexpr auto kFields =
      fields<&StatusAnswer::lowest, &StatusAnswer::highest, &StatusAnswer::head, &StatusAnswer::snapshots>;
  bool operator==(const StatusAnswer&) const = default;
};
/// From the first that was asked for on, at least one. The proof is of the last one given.
struct HeadersAnswer {
  List<HeaderBytes, kMaxHeadersPerAnswer> headers;
  Blob<kMaxHeaderProofBytes> proof;
  static constexpr auto kFields = fields<&HeadersAnswer::headers, &HeadersAnswer::proof>;
};
/// One for each id, at least for the first: nothing where the node knows no such block.
struct HeadersByIdAnswer {
  List<std::optional<HeaderBytes>, kMaxIdsPerAsk> headers;
  static constexpr auto kFields = fields<&HeadersByIdAnswer::headers>;
};
struct BlocksAnswer {
  List<BlockBytes, kMaxBlocksPerAnswer> blocks;
  static constexpr auto kFields = fields<&BlocksAnswer::blocks>;
};
struct BlocksByIdAnswer {
  List<std::optional<BlockBytes>, kMaxIdsPerAsk> blocks;
  static constexpr auto kFields = fields<&BlocksByIdAnswer::blocks>;
};
/// Everything from the first key that was asked for up to `covered`.
struct StateAnswer {
  Key covered;
  Blob<kMaxStateBytes> range;
  static constexpr auto kFields = fields<&StateAnswer::covered, &StateAnswer::range>;
};

/// What no honest answer to such a request exceeds.
std::size_t max_answer_bytes(const Ask& ask);

// --- how far a node got: what it keeps over a restart ---

/// Heights from `next` on are missing, up to and without `end`.
struct HeightSpan {
  std::uint64_t next = 0;
  std::uint64_t end = 0;
  static constexpr auto kFields = fields<&HeightSpan::next, &HeightSpan::end>;
  bool operator==(const HeightSpan&) const = default;
};
struct StateProgress {
  Id root;
  List<KeyRange, kMaxMissingRanges> missing;  ///< ascending, apart
  static constexpr auto kFields = fields<&StateProgress::root, &StateProgress::missing>;
  bool operator==(const StateProgress&) const = default;
};
/// What to bring, and after a restart what is still to bring. Headers are those below the block `anchor`, which the
/// application trusts; bodies may go up to it.
struct Progress {
  std::uint8_t version = kSyncVersion;
  Id anchor;
  HeightSpan headers;
  HeightSpan blocks;
  std::optional<StateProgress> state;
  static constexpr auto kFields =
      fields<&Progress::version, &Progress::anchor, &Progress::headers, &Progress::blocks, &Progress::state>;
  bool operator==(const Progress&) const = default;
};
/// kInvalid for spans that end before they begin and ranges that overlap or are not in order.
Status check_progress(const Progress& progress);

}  // namespace micro::p2p::sync
