// Signed transfers finalized per second through the whole path: decoding, admission with the signature check, mempool,
// propose, execute, all roots, consensus with its journal, the certificate and both synced batches on disk; 10⁶
// accounts. The limit is what the same cores reach in bare ECDSA verification with parsed keys, measured around the
// run.
//   bench_transfers [accounts] [transfers]
#include <atomic>
#include <condition_variable>
#include <memory>
#include <thread>

#include "chain/ledger/ledger_impl.hpp"
#include "chain/store/rocks/rocks_kv.hpp"
#include "consensus/replica/replica.hpp"
#include "tests/bench/no_policy.hpp"
#include "tests/bench/transfer_world.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

using namespace bench;  // NOLINT
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kSenders = 100'000;  ///< accounts whose keys this run has
constexpr std::size_t kSubmitChunk = 50;
constexpr std::size_t kMaxWaiting = 24'000;  ///< three or four blocks: at the end one core alone works them off
constexpr std::size_t kSealAt = 8'000;       ///< waiting transfers that make a block worth its sync
constexpr double kVerifySeconds = 2.0;

struct Run {
  double seconds = 0;
  std::size_t blocks = 0;
  double cpu_seconds = 0;  ///< of all threads, the database's included
};

void submit_chunk(const World& w, LedgerImpl& ledger, std::size_t from) {
  std::vector<SignedTx> txs;
  txs.reserve(kSubmitChunk);
  for (std::size_t i = from; i < std::min(from + kSubmitChunk, w.transfers.size()); ++i) {
    txs.push_back(must(decode<SignedTx>(w.transfers[i])));
  }
  for (const Submission& sent : ledger.submit_batch(txs)) {
    if (sent.waits()) continue;
    must<void>(fail(Fault::kInternal, "a transfer was refused: " + std::string(tx_status_text(sent.status))));
  }
}

/// The node's ledger and consensus, which builds a block as soon as one is worth it.
class Chain {
 public:
  Chain(const World& w, LedgerImpl& ledger, const std::filesystem::path& folder) : total_(w.transfers.size()) {
    ledger.on_finalized([this](const FinalizedBlock& block) {
      const std::lock_guard lock(mutex_);
      final_ += block.block.txs.size();
      ++blocks_;
      changed_.notify_all();
    });
    simplex::ReplicaPorts ports;
    ports.ledger = &ledger;
    ports.chain = &ledger;
    ports.txs_wait = [this] { return is_worth_a_block(); };
    ports.halted = [](const Error& error, const auto&) { must<void>(std::unexpected(error)); };
    simplex::EngineConfig config;
    config.idle_ms = 3'600'000;
    std::filesystem::create_directories(folder);
    replica_ = must(simplex::Replica::open(std::move(ports), folder.string(), w.validators.front(), config));
    replica_->start();
  }
  /// Waits where more than the pool should hold would wait.
  void submitted(std::size_t n) {
    std::unique_lock lock(mutex_);
    submitted_ += n;
    if (submitted_ - final_ >= kSealAt || submitted_ == total_) replica_->txs_wait();
    changed_.wait(lock, [&] { return submitted_ - final_ < kMaxWaiting; });
  }
  /// The number of blocks.
  std::size_t wait_for_all() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return final_ == total_; });
    return blocks_;
  }

 private:
  [[nodiscard]] bool is_worth_a_block() {
    const std::lock_guard lock(mutex_);
    return final_ < submitted_ && (submitted_ - final_ >= kSealAt || submitted_ == total_);
  }

  std::size_t total_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t submitted_ = 0;
  std::size_t final_ = 0;
  std::size_t blocks_ = 0;
  std::unique_ptr<simplex::Replica> replica_;
};

// As a node has it: consensus and the ledger have their threads, and every core takes transactions in besides.
Run finalize_all(const World& w, LedgerImpl& ledger, const std::filesystem::path& journal) {
  Run run;
  Chain chain(w, ledger, journal);
  std::atomic<std::size_t> next = 0;
  const double cpu = cpu_seconds();
  const auto start = SteadyClock::now();
  on_all_cores("run", [&](std::size_t) {
    for (std::size_t from = next.fetch_add(kSubmitChunk); from < w.transfers.size();
         from = next.fetch_add(kSubmitChunk)) {
      submit_chunk(w, ledger, from);
      chain.submitted(std::min(kSubmitChunk, w.transfers.size() - from));
    }
  });
  run.blocks = chain.wait_for_all();
  run.seconds = bench::seconds_since(start);
  run.cpu_seconds = cpu_seconds() - cpu;
  return run;
}

int run_bench(std::size_t accounts, std::size_t transfers) {
  const auto start = SteadyClock::now();
  const World w = make_world({accounts, kSenders, transfers, 1});
  std::fprintf(stderr, "made %zu accounts and %zu signed transfers in %.1f s\n", accounts, transfers,
               bench::seconds_since(start));
  const test::TempFolder folder;
  NoPolicy policy;
  const auto opening = SteadyClock::now();
  LedgerOptions options;
  const auto ledger =
      must(LedgerImpl::open(w.genesis, must(open_rocks_kv(folder.path() / "ledger", RocksUse::kLedger)),
                            must(open_rocks_kv(folder.path() / "state", RocksUse::kState)), policy, options));
  std::fprintf(stderr, "genesis written in %.1f s\n", bench::seconds_since(opening));
  const Verifying before = verify_rate(w, kVerifySeconds);
  const Run run = finalize_all(w, *ledger, folder.path() / "journal");
  const Verifying after = verify_rate(w, kVerifySeconds);
  const double limit = (before.per_second + after.per_second) / 2;
  const double value = static_cast<double>(transfers) / run.seconds;
  std::fprintf(stderr, "%zu blocks in %.2f s; verify %.0f/s before, %.0f/s after\n", run.blocks, run.seconds,
               before.per_second, after.per_second);
  const double verify_cpu = (before.cpu_seconds + after.cpu_seconds) / 2;
  std::fprintf(stderr, "processor time: %.1f us a transfer, %.1f us of it for its bare verification (%.2f)\n",
               1e6 * run.cpu_seconds / static_cast<double>(transfers), 1e6 * verify_cpu,
               verify_cpu * static_cast<double>(transfers) / run.cpu_seconds);
  // Where the second is not below the first, no core waited for a sync or a lock.
  const double cores = std::thread::hardware_concurrency();
  std::fprintf(stderr, "processors were busy for us %.2f of the time while verifying, %.2f during the run\n",
               limit * verify_cpu / cores, run.cpu_seconds / run.seconds / cores);
  bench::report("transfers", value, "1/s", limit);
  bench::report("transfers_peak_rss", peak_mib(), "MiB", 0);  // the world that the run sends in is a part of it
  return 0;
}

}  // namespace
}  // namespace micro

int main(int argc, char** argv) {
  const std::size_t accounts = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::size_t transfers = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 400'000;
  return micro::run_bench(std::max<std::size_t>(accounts, 2), transfers);
}
