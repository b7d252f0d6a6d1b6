// What goes into the engine and what comes out. The engine never blocks, logs or reads a clock; whoever drives it does
// the effects in their order and returns what they bring as events.
#pragma once

#include <memory>

#include "chain/base/clock.hpp"
#include "chain/types/ledger_port.hpp"
#include "consensus/core/records.hpp"

namespace micro::simplex {

/// Both clocks of the node. Only the waiting for a block's time looks at `wall`.
struct Now {
  Instant at;
  TimeMs wall;
};

/// An epoch that ended: by what its late votes are known.
struct PastEpoch {
  Epoch epoch;
  Hash id;
  View last;  ///< of the certificate that ended it
  ValidatorSet set;
};

/// The state that an epoch starts in, or that a node resumes it in.
struct EpochStart {
  ChainHead head;
  ValidatorSet set;
  std::vector<PastEpoch> past = {};  ///< of a node that resumes: the newest before it, the oldest first; may be none
};

/// Bodies are megabytes that the engine, effects and messages read at the same time and nobody changes.
using BlockPtr = std::shared_ptr<const Block>;
/// One message goes to many peers.
using MessagePtr = std::shared_ptr<const Message>;

// --- events ---

/// A peer is named by its key: a validator's is its consensus key.
struct Received {
  Ed25519Key from;
  Message message;
};
/// Time passed. Early and needless ones do no harm.
struct Tick {};
struct Checked {
  std::uint64_t batch = 0;
  std::vector<bool> holds;  ///< in the order of the batch
};
struct Built {
  BlockId parent;
  Result<Block> block;
};
enum class Verdict : std::uint8_t {
  kValid,
  kInvalid,  ///< the block breaks a rule, or executing it gives other roots
  kUnknown,  ///< the ledger does not have the parent any more
};
struct Executed {
  BlockId block;
  Verdict verdict = Verdict::kValid;
  std::string why;
};
/// A Commit is durable. `next` after a boundary block.
struct Committed {
  BlockId block;
  std::optional<EpochStart> next;
  bool forgotten = false;  ///< nothing was committed: the ledger does not have the block any more
};
/// All records up to this sequence are on the disk.
struct Persisted {
  std::uint64_t sequence = 0;
  std::uint64_t journal_bytes = 0;  ///< of the epoch's journal
};
/// Transactions wait (or no longer).
struct TxsWait {
  bool wait = true;
};
/// Something in here failed for good: a disk, the ledger.
struct Failed {
  Error error;
};

using Event = std::variant<Received, Tick, Checked, Built, Executed, Committed, Persisted, TxsWait, Failed>;

// --- effects ---

/// A new journal for this epoch, its folder's entry synced. Older than `keep_from` may be removed.
struct OpenJournal {
  Epoch epoch;
  Epoch keep_from;
};
/// An encoded Record. Nothing that comes later in the effects leaves the node before all urgent ones, and what was
/// written before them, are on the disk. The others may wait for such a sync: what they say stands for itself (a
/// certificate), or matters only together with a vote.
struct Persist {
  std::uint64_t sequence = 0;
  Bytes record;
  bool urgent = false;
};
/// The journal may be replaced, at once or not at all, by these records.
struct Rewrite {
  std::uint64_t sequence = 0;
  std::vector<Bytes> records;
};
struct Send {
  Ed25519Key to;
  MessagePtr message;
};
/// To all members of the set and whoever follows.
struct Broadcast {
  MessagePtr message;
};
/// A Tick is wanted then; replaces the one before.
struct ArmTimer {
  Instant at;
};
struct SignatureCheck {
  Ed25519Key key;
  Hash message;
  Ed25519Signature signature;
};
/// Holds when every signature does and every block's transactions are those its header commits to.
struct CheckItem {
  std::vector<SignatureCheck> signatures;
  std::vector<BlockPtr> bodies;
};
struct Check {
  std::uint64_t batch = 0;
  std::vector<CheckItem> items;
};
struct Build {
  BlockId parent;
  TimeMs time;
  ProposeLimits limits;
};
struct Execute {
  BlockId id;
  BlockPtr block;
};
/// In height order. The certificate is of this block, or none where a descendant's makes it final. With a certificate
/// it waits for no sync of the journal: the ledger's own holds what it rests on.
struct Commit {
  BlockId block;
  std::optional<Certificate> certificate;
};
/// Answer with final blocks from the store: `block` and ancestors above the height.
struct ServeBlocks {
  Ed25519Key to;
  BlockId block;
  Height above;
};
/// Answer with the certificate of the block that ended this epoch.
struct ServeBoundary {
  Ed25519Key to;
  Epoch epoch;
};
/// Two statements that no honest key signs both. Whose they are is said here: it is told after a sync, and the next
/// epoch with another set may have begun by then.
struct Evidence {
  Epoch epoch;
  Ed25519Key key;
  Vote first;
  Vote second;
};
/// This peer sent something that is wrong whoever made it.
struct Blame {
  Ed25519Key peer;
  std::string why;
};
/// Stop the node. The proof is what it rests on.
struct Halt {
  Error error;
  std::vector<Certificate> proof;
};
/// Another member's vote whose signature holds, however late: what one that it contradicts is to be compared with.
struct Witnessed {
  Epoch epoch;
  Ed25519Key key;
  Vote vote;
};

using Effect = std::variant<OpenJournal, Persist, Rewrite, Send, Broadcast, ArmTimer, Check, Build, Execute, Commit,
                            ServeBlocks, ServeBoundary, Evidence, Blame, Halt, Witnessed>;
using Effects = std::vector<Effect>;

}  // namespace micro::simplex
