// Brings what runs on this node in line with what the ledger decided. Sans-IO: decisions and results in, work out. It
// never decides a placement: it builds, compiles, serves and drains what others decided.
//
//   wanted ─ Build → built ─ Attest (once) ─ Compile → ready ─ Serve ⇄ Stop
//
// A build or compile that fails for a reason of this machine (its clock, its memory, its disk, its network) is tried
// again with back-off: later and later, and never sooner than the failed attempt had taken, so that whoever announces
// what builds slowly gets a small part of a builder's time. One that fails for a reason of the source is left alone,
// since the same commit gives the same failure, until a person asks for it again or another service of the same commit
// shows that it builds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "chain/base/clock.hpp"
#include "chain/base/result.hpp"
#include "chain/types/ids.hpp"

namespace micro {

inline constexpr std::uint64_t kRetryFirstMs = 100;
inline constexpr std::uint64_t kRetryMostMs = 30'000;  ///< after an attempt that failed at once; after one that took T…
inline constexpr std::uint64_t kRetryMostTimes = 12;   ///< …so many times T, if that is longer…
inline constexpr std::uint64_t kRetryLongestMs = 3'600'000;  ///< …but never longer than this
inline constexpr std::uint32_t kVersionDeaths = 5;           ///< traps in a row that close a version for a while…
inline constexpr std::uint64_t kVersionWindowMs = 60'000;    ///< …when they come within this time
inline constexpr std::size_t kMaxJobsAtOnce = 4;
/// Of these, builds of versions that are not placed here. Anyone can announce versions that build slowly, and what is
/// placed must not wait for them.
inline constexpr std::size_t kMaxForeignBuildsAtOnce = 2;

/// What the ledger says of one version, as far as it concerns this node.
struct WantedVersion {
  VersionId version;
  ServiceId service;
  CommitId commit;
  std::string repo_url;
  std::string subdir;
  std::uint32_t memory_mib = 0;    ///< of one call
  bool attest = false;             ///< this node is a builder and has not attested it yet
  bool serve = false;              ///< placed here, or draining here
  bool draining = false;           ///< placed here only until an epoch that is known
  std::optional<CodeHash> module;  ///< what a quorum of builders agreed on
  bool operator==(const WantedVersion&) const = default;
};

enum class LocalState : std::uint8_t {
  kWaiting,  ///< nothing to do here yet
  kBuilding,
  kBuilt,  ///< attested or about to be
  kCompiling,
  kRunning,   ///< calls are answered here
  kDraining,  ///< answered until its last epoch
  kError,     ///< see text
};
std::string_view local_state_name(LocalState state);

/// The source's own fault: the same commit fails the same way everywhere.
bool is_of_source(Fault fault);

namespace scheduler {
// --- events ---
/// The whole list, after a block that may have changed it.
struct Wanted {
  std::vector<WantedVersion> versions;
};
struct BuildEnded {
  VersionId version;
  std::optional<CodeHash> module;  ///< none: it failed
  std::string error;
  Fault fault = Fault::kIo;  ///< of the error
};
struct AttestEnded {
  VersionId version;
  bool ok = false;
  std::string error;
};
struct CompileEnded {
  VersionId version;
  bool ok = false;
  std::string error;
  Fault fault = Fault::kIo;
};
/// A person asks for a version again: whatever failed is tried once more now.
struct Retry {
  VersionId version;
};
/// One call ended by the service itself or by this machine. Whoever calls chooses its gas, and so could make calls end
/// for want of it or of time: those say nothing about the service and are not told.
struct CallEnded {
  VersionId version;
  bool died = false;  ///< a trap or a host failure: counts towards the breaker
};
struct Tick {};
using Event = std::variant<Wanted, BuildEnded, AttestEnded, CompileEnded, Retry, CallEnded, Tick>;

// --- effects ---
struct Build {
  WantedVersion version;
  bool foreign = false;  ///< only to attest it
};
struct Attest {
  VersionId version;
};
struct Compile {
  VersionId version;
  CodeHash module;
};
struct Serve {
  VersionId version;
  ServiceId service;
  CodeHash module;
};
struct Stop {
  VersionId version;
};
using Effect = std::variant<Build, Attest, Compile, Serve, Stop>;
}  // namespace scheduler

struct LocalVersion {
  WantedVersion wanted;
  LocalState state = LocalState::kWaiting;
  std::string error;
  Fault fault = Fault::kIo;  ///< of the error
  Instant since;
  std::optional<CodeHash> built;  ///< module that this node built or took from its cache
  bool attested = false;          ///< sent; the ledger shows it later
  bool busy = false;              ///< a job of it runs
  bool foreign_build = false;     ///< a build that was begun to attest only
  bool serving = false;
  bool failed_for_good = false;  ///< until someone asks again
  Instant begun;                 ///< the job that runs, or ran last
  std::uint64_t retry_ms = kRetryFirstMs;
  Instant retry_at;
  std::vector<Instant> deaths;             ///< within the breaker's window
  std::uint64_t close_ms = kRetryFirstMs;  ///< how long the breaker opens next; from the start again after a success
  Instant closed_until;
};

class Scheduler {
 public:
  [[nodiscard]] std::vector<scheduler::Effect> on(const scheduler::Event& event, Instant now);
  [[nodiscard]] const std::map<VersionId, LocalVersion>& versions() const { return versions_; }
  /// The version answers calls here and its breaker is closed.
  [[nodiscard]] bool accepts(const VersionId& version, Instant now) const;

 private:
  void take_wanted(const scheduler::Wanted& wanted, Instant now);
  void take_build(const scheduler::BuildEnded& e, Instant now);
  void take_attest(const scheduler::AttestEnded& e, Instant now);
  void take_compile(const scheduler::CompileEnded& e, Instant now);
  void take_call(const scheduler::CallEnded& e, Instant now);
  void take_retry(LocalVersion& v, Instant now);
  void begin_job(LocalVersion& v, Instant now);
  void fail_job(LocalVersion& v, std::string error, Fault fault, Instant now);
  void advance(LocalVersion& v, Instant now);
  void set_state(LocalVersion& v, LocalState state, Instant now);
  LocalVersion* find(const VersionId& version);

  std::map<VersionId, LocalVersion> versions_;
  std::vector<scheduler::Effect> effects_;
  std::size_t jobs_ = 0;
  std::size_t foreign_builds_ = 0;
};

}  // namespace micro
