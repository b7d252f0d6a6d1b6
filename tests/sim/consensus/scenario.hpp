// One seed decides everything about a run: who takes part with which weight, who lies and how, who is dead, how the
// network and the disks behave, and when what breaks.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "chain/base/random.hpp"
#include "chain/types/block.hpp"

namespace micro::test {

/// Small and fast: a run draws millions of numbers. SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 1) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  bool chance(std::uint32_t ppm) { return below(1'000'000) < ppm; }

 private:
  std::uint64_t state_;
};

#define MICRO_BEHAVIOURS(X) \
  X(kHonest)                \
  X(kDead)                  \
  X(kTwins)                 \
  X(kLyingProposer) X(kEquivocator) X(kNuller) X(kWithholder) X(kSlowDrip) X(kReplayer) X(kClockLiar) X(kSwapper)
enum class Behaviour : std::uint8_t {
#define X(name) name,
  MICRO_BEHAVIOURS(X)
#undef X
};

#define MICRO_FAULTS(X)                                                                                               \
  X(kLost)                                                                                                            \
  X(kDuplicated)                                                                                                      \
  X(kReordered)                                                                                                       \
  X(kPartitioned)                                                                                                     \
  X(kOneWay)                                                                                                          \
  X(kFlapping)                                                                                                        \
  X(kCrash)                                                                                                           \
  X(kAllCrash)                                                                                                        \
  X(kTornTail)                                                                                                        \
  X(kUnsyncedLost)                                                                                                    \
  X(kFailedSync)                                                                                                      \
  X(kMemoryLost)                                                                                                      \
  X(kCrashInCommit)                                                                                                   \
  X(kSlowDisk)                                                                                                        \
  X(kPoison)                                                                                                          \
  X(kTwinSplit)                                                                                                       \
  X(kCrashAtAppend)                                                                                                   \
  X(kCrashAtSync) X(kCrashAfterSync) X(kCrashBeforeCommit) X(kCrashAtEpoch) X(kCrashAtRewrite) X(kLedgerRestored)     \
      X(kLongDelay) X(kFarNode) X(kStaleProposal) X(kLightLie) X(kLie) X(kEquivocation) X(kNullAndFinal) X(kWithheld) \
          X(kDripped) X(kReplayed) X(kFutureBlock) X(kSwapped) X(kEpochChange) X(kUnequalWeights) X(kJoinOrLeave)     \
              X(kDeadNode) X(kRestart) X(kDiskCutInCommit) X(kDiskCutAtStart) X(kDiskSyncFailed) X(kDiskBytesGone)    \
                  X(kDiskTorn) X(kDiskNamesLost) X(kDiskRestored)
enum class SimFault : std::uint8_t {
#define X(name) name,
  MICRO_FAULTS(X)
#undef X
};
inline constexpr auto kFaultNames = std::array{
#define X(name) std::string_view(#name).substr(1),
    MICRO_FAULTS(X)
#undef X
};
/// From here on only where the databases are RocksDB's.
inline constexpr auto kFirstDiskFault = static_cast<std::size_t>(SimFault::kDiskCutInCommit);
using FaultCounts = std::array<std::uint64_t, kFaultNames.size()>;

/// What the genesis credits each member, and a joiner bonds, where seats are taken: µT.
inline constexpr std::uint64_t kSeatStake = 100'000'000;

struct Scenario {
  std::uint64_t seed = 0;
  bool real_signatures = false;
  bool real_ledger = false;
  bool clean = false;  ///< no network or disk faults at all: what the protocol does when nothing happens

  std::vector<Behaviour> members;                   ///< honest ones beyond the first committee join later
  std::vector<std::vector<std::uint64_t>> weights;  ///< of the members in epoch e % size; 0: not in the set
  std::uint32_t epoch_ms = 2'000;
  std::uint32_t safety_ms = 12'000;
  std::uint32_t loss_ppm = 0;
  std::uint32_t duplicate_ppm = 0;
  std::uint32_t reorder_ppm = 0;
  std::uint32_t delay_ms = 20;       ///< up to
  std::uint32_t heal_delay_ms = 40;  ///< …once healed; above Δ only growing timers help
  std::uint32_t long_delay_ppm = 0;  ///< of the messages take up to 20 times as long
  std::size_t far = SIZE_MAX;        ///< the one member whose messages, both ways, take so much longer:
  std::uint32_t far_ms = 0;
  std::uint32_t crash_every_ms = 0;  ///< on average, over all nodes; 0: never
  bool crash_at_steps = false;       ///< also between one step of the disk and the next
  std::uint32_t all_crash_at_ms = 0;
  /// Everyone crashes again and again, at the moment when all have nullified a view and none has heard of it.
  bool storm = false;
  std::uint32_t partition_every_ms = 0;
  std::uint32_t failed_sync_ppm = 0;
  std::uint32_t slow_disk_ppm = 0;
  std::uint32_t poison_ppm = 0;      ///< of the transactions
  bool poison_first = false;         ///< leaders take them before all others
  std::size_t forgetful = SIZE_MAX;  ///< the one member whose journal is lost at crashes; counts as faulty
  std::size_t restored = SIZE_MAX;   ///< the one honest member whose ledger is an older copy after some crashes
  std::uint32_t tx_every_ms = 60;
  std::uint32_t retry_ms = 200;
  std::uint32_t standstill_ms = 1'000;
  std::uint32_t standstill_items = 64;
  std::uint32_t repropose_depth = 40;
  std::uint32_t journal_rewrite_bytes = 20'000;
  /// Members that take a seat with real transactions, and when each leaves it again; 0: it stays. Real ledger and
  /// signatures only.
  std::map<std::size_t, std::uint32_t> seats;
  bool rocks = false;  ///< the real ledger's databases are RocksDB's, on a disk that loses what is not synced
  std::uint32_t deferred_blocks =
      0;  ///< so many blocks' entries and values go to their places at once; 0: as in a node
};

/// Everything of a run with this seed. Lying and dead weight stays below a third in every epoch.
Scenario make_scenario(std::uint64_t seed);
/// The same over the real ledger: one committee for all epochs, no poison.
Scenario make_real_scenario(std::uint64_t seed);
/// The same on RocksDB, where crashes are frequent and fall between the steps of the disk.
Scenario make_disk_scenario(std::uint64_t seed);
/// The same on memory with real signatures, where honest members beyond the genesis join, and some leave again.
Scenario make_seats_scenario(std::uint64_t seed);

}  // namespace micro::test
