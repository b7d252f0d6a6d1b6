// The node's side of the worker processes: starts them, spreads calls over them in batches, replaces those that die.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "services/wasm/program.hpp"

namespace micro {

struct CallJob {
  Hash artefact;           ///< of the module cache; the worker loads <hash>.cwasm
  wasm::ProgramCall call;  ///< its `input` is not read
  Bytes input;             ///< stdin
};

struct WorkerPoolOptions {
  std::filesystem::path artefacts;  ///< the only folder that a worker can read
  std::uint32_t workers = 1;        ///< processes; one a core
  /// How to start a worker. /proc/self/exe is this binary, also after it was replaced on disk.
  std::filesystem::path program = "/proc/self/exe";
};

inline constexpr std::size_t kMaxQueuedCalls = 4'096;       ///< that no worker has yet; more are refused
inline constexpr std::size_t kMaxQueuedCallsOfOne = 1'024;  ///< artefact; services take turns
inline constexpr std::uint32_t kWorkerBackoffMinMs = 100;   ///< before a dead worker is started again, doubling
inline constexpr std::uint32_t kWorkerBackoffMaxMs = 30'000;
inline constexpr std::uint32_t kBreakerDeaths = 5;  ///< within kBreakerWindowMs: no worker is started for that long
inline constexpr std::uint32_t kBreakerWindowMs = 60'000;
inline constexpr std::uint32_t kWorkerGraceMs = 2'000;  ///< past a call's deadline; then its worker is killed

struct WorkerEvent {
  enum class Kind : std::uint8_t { kStarted, kDied, kBreakerOpen, kBreakerClosed };
  Kind kind = Kind::kStarted;
  std::uint32_t worker = 0;
  std::string text;  ///< the confinement in force, or why it died; safe to print
};

struct WorkerPoolStatus {
  std::uint32_t alive = 0;
  std::size_t running = 0;  ///< calls that a worker has
  std::size_t queued = 0;
  std::uint64_t calls = 0;  ///< since the start
  std::uint64_t deaths = 0;
  bool breaker_open = false;
};

/// The executor's context is run by one thread, and callbacks come there. Calls may come from any thread; those made on
/// that thread before it turns to something else share one write.
class WorkerPool {
 public:
  using Done = std::function<void(wasm::ProgramOutcome)>;
  using OnEvent = std::function<void(const WorkerEvent&)>;

  WorkerPool(boost::asio::any_io_executor executor, WorkerPoolOptions options, OnEvent on_event);
  /// Stops.
  ~WorkerPool();

  /// Starts the processes. An error: the first could not be started.
  Status start();
  /// `done` is called exactly once: with kHostFailure if the worker dies, the queue is full or the pool stops. The
  /// number names the call for cancel().
  std::uint64_t call(CallJob job, Done done);
  /// Nobody waits for this call any more: it ends now if it waits for a worker, else within a tick or two, as
  /// kCancelled. Nothing when it has ended. Not for calls that are paid for: what they used would be nobody's.
  void cancel(std::uint64_t call);
  /// Kills the workers; outstanding calls end as kHostFailure.
  void stop();
  void status(std::function<void(WorkerPoolStatus)> tell) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with handlers that are still queued when the pool goes
};

}  // namespace micro
