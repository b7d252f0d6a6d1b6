// Services on this node: performs the scheduler's effects (build, attest, compile, serve) and runs calls in the
// workers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>

#include "chain/economy/voucher.hpp"
#include "chain/types/transaction.hpp"
#include "rpc/daemon/config/config.hpp"
#include "rpc/daemon/log_book.hpp"
#include "services/build/builder/builder.hpp"
#include "services/host/worker/worker_pool.hpp"
#include "services/payment/call.hpp"
#include "services/scheduler/scheduler.hpp"
#include "services/wasm/module_cache/module_cache.hpp"

namespace micro {

inline constexpr std::uint32_t kCallDeadlineMs = 10'000;

/// What the runtime needs from the rest of the node.
struct RuntimePorts {
  /// Signs nothing: the attestation carries the node's signature already. `done` comes on any thread.
  std::function<void(AttestBuild, std::function<void(Status)>)> attest;
  std::function<std::optional<NodeId>()> self;
  std::function<void(std::string)> log;
};

struct RuntimeConfig {
  std::filesystem::path cache_dir;
  ChainId chain;
  Ed25519Secret node_key;
  std::uint32_t workers = 1;
  std::uint32_t build_threads = 1;
  SourceRules sources;
};

/// One run of a version that is served here.
struct RunOrder {
  VersionId version;
  std::string service;  ///< name
  std::string commit;   ///< hex
  std::string caller;   ///< the payer's address as text; empty: nobody
  std::uint32_t memory_mib = 0;
  CallRequest request;
  Gas gas_limit;
  TimeMs time;
  Hash seed;
};
struct RunReply {
  RunOutcome outcome = RunOutcome::kHostFailed;
  Gas gas;
  CallReply reply;
  std::string problem;  ///< why there is no reply
};

struct VersionStats {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  std::uint64_t gas = 0;
};

/// Everything runs on the io_context's thread, except what says otherwise.
inline constexpr std::uint64_t kNoRun = 0;

class ServiceRuntime {
 public:
  static Result<std::unique_ptr<ServiceRuntime>> open(boost::asio::io_context& io, RuntimeConfig config,
                                                      RuntimePorts ports, LogBook& logs);
  ~ServiceRuntime();
  Status start();
  void stop();

  void update(std::vector<WantedVersion> wanted);
  [[nodiscard]] bool accepts(const VersionId& version) const;
  /// Why this machine cannot run the version, as against not yet: nothing is promised for it then.
  [[nodiscard]] std::optional<std::string> failure(const VersionId& version) const;
  /// Whether something had failed, which is tried again now.
  bool retry(const VersionId& version);
  /// `done` comes exactly once, on the io_context's thread. The number names the run for cancel(); kNoRun when it ended
  /// at once.
  std::uint64_t run(RunOrder order, std::function<void(RunReply)> done);
  /// Nobody waits for this run any more. Only for calls that nobody pays for.
  void cancel(std::uint64_t run);
  [[nodiscard]] const std::map<VersionId, LocalVersion>& versions() const { return scheduler_.versions(); }
  [[nodiscard]] VersionStats stats(const VersionId& version) const;

  /// Fetches and detects, on a build thread; `done` comes on the io_context's thread.
  void resolve(const std::string& source, std::function<void(Result<PreparedSource>)> done);

 private:
  ServiceRuntime(boost::asio::io_context& io, RuntimeConfig config, RuntimePorts ports, LogBook& logs);
  void feed(const scheduler::Event& event);
  void perform(const scheduler::Effect& effect);
  void build(const WantedVersion& wanted, bool foreign);
  void attest(const VersionId& version);
  void compile(const VersionId& version);
  void tick();
  void note_log(const VersionId& version, std::string source, std::string_view text);

  boost::asio::io_context& io_;
  RuntimeConfig config_;
  RuntimePorts ports_;
  LogBook& logs_;
  Builder builder_;
  std::unique_ptr<wasm::ModuleCache> modules_;
  std::unique_ptr<WorkerPool> workers_;
  Scheduler scheduler_;
  std::map<VersionId, BuildResult> built_;
  std::map<VersionId, Hash> artefacts_;
  std::map<VersionId, VersionStats> stats_;
  std::uint64_t next_call_ = 1;
  boost::asio::steady_timer timer_;
  std::stop_source stop_;
  std::unique_ptr<boost::asio::thread_pool> jobs_;            // what is placed here, and what a person waits for
  std::unique_ptr<boost::asio::thread_pool> foreign_builds_;  // of versions that are only attested
};

}  // namespace micro
