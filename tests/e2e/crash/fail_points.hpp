// What a node's preloaded library and the test that kills it say to each other: a file that both have in memory, so
// that it outlives the kill.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace micro::crash {

/// What a node does to its disk, by the file that it does it to.
enum class Op : std::uint32_t {
  kJournalAppend,  ///< a record of the votes' journal
  kJournalSync,    ///< one turn's records
  kRewriteAppend,  ///< the journal without what is final any more, beside the old one
  kRewriteSync,
  kRewriteRename,  ///< it takes the old one's place
  kRewriteFolder,  ///< and that is durable
  kEpochFolder,    ///< a new epoch's folder
  kEpochSync,      ///< and its name in the journal's folder
  kPruneFile,      ///< an old epoch's records go
  kPruneFolder,    ///< and its folder
  kBlockWrite,     ///< block and certificate
  kBlockSync,
  kStateWrite,  ///< what the block changed
  kStateSync,
  kProofAppend,  ///< a certificate that outlives finality
  kProofSync,
  kOps,
};
inline constexpr std::size_t kOps = static_cast<std::size_t>(Op::kOps);

enum class Phase : std::uint32_t {
  kBefore,  ///< nothing of it happened
  kTorn,    ///< a write's first part did
  kAfter,   ///< all of it did, and the node does not know yet
};

/// Zero-filled, it kills nobody.
struct Shared {
  std::atomic<std::uint32_t> armed;
  Op op;
  Phase phase;
  std::uint64_t index;                                ///< 1: the first time in this process
  std::atomic<std::uint32_t> fired;                   ///< the process died there
  std::array<std::atomic<std::uint64_t>, kOps> done;  ///< how often, since the process started
};

inline constexpr const char* kSharedVariable = "MICRO_CRASH_SHARED";  ///< the file of a Shared
inline constexpr const char* kKeepVariable = "MICRO_CRASH_KEEP";      ///< folder for links to each journal ever made

}  // namespace micro::crash
