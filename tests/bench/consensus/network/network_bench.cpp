// Four validators in one process: each has its own ledger, mempool, RocksDB, journal and threads, and the bytes of
// every message are encoded and decoded. Clients send each transfer to all four, as gossip would.
//
// consensus_transfers     signed transfers a second that are final with all four, the most of any load that was offered
//                         (stderr has the others); limit: the cores divided by four times what verifying, executing,
//                         trie and store take alone.
// consensus_overload      the same while three times as much is offered; limit: consensus_transfers. In both, clients
//                         offer a transfer again until it is final.
// consensus_finality_*    milliseconds from the start of a proposal until a member has made it final, the median over
//                         transfers and members, at 800 transfers a second; limit: three message delays, four syncs
//                         while four write, building and executing such a block alone.
// consensus_submitted_*   from submission to final, with its parts: the wait for a proposal, building it, the way to
//                         the others (a sync, a message, checks), executing, the votes (two syncs, two messages),
//                         and committing.
//   bench_consensus_network [PART…] with PART of: peak low slow
#include <algorithm>
#include <array>
#include <semaphore>
#include <string>
#include <thread>

#include "tests/bench/consensus/network/member.hpp"
#include "tests/bench/consensus/network/unit_costs.hpp"

namespace micro::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMembers = 4;
constexpr std::size_t kAccounts = 100'000;
constexpr std::size_t kSenders = 20'000;
constexpr std::size_t kTransfers = 200'000;
constexpr double kWarmUpSeconds = 3;
constexpr double kSeconds = 10;
constexpr double kLowRate = 800;
constexpr double kOverload = 3;
constexpr std::array kPeakLoads = {0.6, 0.7, 0.8, 0.9};  ///< offered, as shares of the limit
constexpr int kMessages = 2'000;
constexpr auto kTick = std::chrono::milliseconds(1);

/// Whether a client that was refused, or hears nothing, sends the same again until it is final; else its next transfer
/// follows as soon as somebody took the last.
enum class Patience : std::uint8_t { kNextWhenTaken, kAgainUntilFinal };

/// Clients that send each account's transfers in order.
class Clients {
 public:
  explicit Clients(const World& world, Patience patience = Patience::kNextWhenTaken)
      : world_(world), patience_(patience), done_(world.keys.size()), sent_at_(world.transfers.size()) {}

  /// False when all is sent.
  bool send_one(Network& network) {
    for (std::size_t tried = 0; tried < done_.size(); ++tried) {
      const std::size_t sender = next_++ % done_.size();
      const bool waits_for_final = patience_ == Patience::kAgainUntilFinal;
      if (waits_for_final && number(sender) < sent_at_.size() && network.is_final(number(sender))) ++done_[sender];
      const std::size_t n = number(sender);
      if (n >= sent_at_.size()) continue;
      if (sent_at_[n] == 0) sent_at_[n] = SystemClock().now().ns;
      const bool taken = network.submit(world_.transfers[n]) > 0;
      if (!waits_for_final) done_[sender] += taken ? 1 : 0;
      taken_ += taken ? 1 : 0;
      return true;
    }
    return false;
  }
  [[nodiscard]] std::size_t taken() const { return taken_; }
  [[nodiscard]] std::uint64_t sent_at(std::size_t number) const { return sent_at_[number]; }

 private:
  [[nodiscard]] std::size_t number(std::size_t sender) const { return done_[sender] * done_.size() + sender; }

  const World& world_;
  Patience patience_;
  std::vector<std::size_t> done_;  ///< transfers of each sender
  std::vector<std::uint64_t> sent_at_;
  std::size_t next_ = 0;
  std::size_t taken_ = 0;
};

struct Measured {
  double per_second = 0;
  std::size_t blocks = 0;
  double busy = 0;  ///< processors, of all
};

/// Lets clients send until it is time, and counts what is final in the later part of it.
template <class MaySend>
Measured drive(Network& network, Clients& clients, MaySend may_send) {
  const auto start = SteadyClock::now();
  std::optional<SteadyClock::time_point> from;
  std::size_t before = 0;
  std::size_t blocks_before = 0;
  double cpu_before = 0;
  for (double passed = 0; passed < kWarmUpSeconds + kSeconds; passed = seconds_since(start)) {
    if (!from && passed >= kWarmUpSeconds) {
      from = SteadyClock::now();
      before = network.transfers();
      blocks_before = network.members().front()->blocks();
      cpu_before = cpu_seconds();
    }
    while (may_send(passed)) {
      if (!clients.send_one(network)) must<void>(fail(Fault::kInternal, "the world has too few transfers"));
    }
    std::this_thread::sleep_for(kTick);  // lint-ok sleeping_tests: these clients send by the clock
  }
  const double seconds = seconds_since(*from);
  const double cpu = (cpu_seconds() - cpu_before) / seconds / std::thread::hardware_concurrency();
  return {static_cast<double>(network.transfers() - before) / seconds,
          network.members().front()->blocks() - blocks_before, cpu};
}

Measured measure_paced(Network& network, Clients& clients, double per_second) {
  double offered = 0;
  return drive(network, clients, [&, per_second](double passed) {
    if (offered >= passed * per_second) return false;
    ++offered;
    return true;
  });
}

/// Milliseconds, one sample a transfer and member.
struct Samples {
  std::vector<double> finality;
  std::vector<double> submitted;
  std::vector<double> wait;
  std::vector<double> build;
  std::vector<double> way;
  std::vector<double> execute;
  std::vector<double> votes;
  std::vector<double> commit;
  std::vector<double> block_transfers;
};

double ms_between(std::uint64_t from, std::uint64_t to) {
  return (static_cast<double>(to) - static_cast<double>(from)) / 1e6;
}

void add_block(Samples& out, const BlockTimes& proposer, const BlockTimes& member, const Clients& clients) {
  const bool follows = member.built_from == 0 && member.executed_from != 0;
  for (const std::uint32_t number : member.transfers) {
    out.finality.push_back(ms_between(proposer.built_from, member.final));
    out.submitted.push_back(ms_between(clients.sent_at(number), member.final));
    out.wait.push_back(ms_between(clients.sent_at(number), proposer.built_from));
    out.build.push_back(ms_between(proposer.built_from, proposer.built));
    out.commit.push_back(ms_between(member.commit_from, member.final));
    if (!follows) continue;
    out.way.push_back(ms_between(proposer.built, member.executed_from));
    out.execute.push_back(ms_between(member.executed_from, member.executed));
    out.votes.push_back(ms_between(member.executed, member.commit_from));
  }
  out.block_transfers.push_back(static_cast<double>(member.transfers.size()));
}

Samples samples_of(Network& network, const Clients& clients, std::uint64_t from_ns) {
  std::vector<std::map<BlockId, BlockTimes>> all;
  for (auto& member : network.members()) all.push_back(member->times());
  Samples out;
  for (const auto& times : all) {
    for (const auto& [id, mine] : times) {
      const BlockTimes* proposer = nullptr;
      for (const auto& other : all) {
        const auto it = other.find(id);
        if (it != other.end() && it->second.built_from != 0) proposer = &it->second;
      }
      if (proposer == nullptr || mine.final == 0 || proposer->built_from < from_ns) continue;
      add_block(out, *proposer, mine, clients);
    }
  }
  return out;
}

/// Seconds from sending one vote until its receiver holds it decoded, the median, while nothing else runs.
double message_seconds(const World& world) {
  simplex::Votes votes;
  votes.votes.emplace_back();
  const auto bytes =
      std::make_shared<const Bytes>(encode(simplex::Message{simplex::kMessageVersion, Epoch(0), std::move(votes)}));
  std::binary_semaphore arrived(0);
  std::vector<double> all;
  std::uint64_t sent = 0;
  Wire wire(0, [&](const Ed25519Key&, const simplex::Message&, std::size_t) {
    all.push_back(static_cast<double>(SystemClock().now().ns - sent) / 1e9);
    arrived.release();
  });
  for (int i = 0; i < kMessages; ++i) {
    sent = SystemClock().now().ns;
    wire.send(world.validators.front().public_key(), bytes);
    arrived.acquire();
  }
  return median(std::move(all));
}

void measure_low(const World& world, std::uint64_t delay_ms, const std::string& suffix) {
  const double sync_before = sync_seconds(kMembers);
  Samples samples;
  Measured run;
  {
    Network network(world, delay_ms * 1'000);
    Clients clients(world);
    const std::uint64_t from = SystemClock().now().plus_ms(static_cast<std::uint64_t>(1e3 * kWarmUpSeconds)).ns;
    run = measure_paced(network, clients, kLowRate);
    samples = samples_of(network, clients, from);
  }
  const double sync = 1e3 * (sync_before + sync_seconds(kMembers)) / 2;
  const double transfers = std::max(1.0, median(samples.block_transfers));
  const BlockCosts alone = block_costs(world, static_cast<std::size_t>(transfers));
  const double message = static_cast<double>(delay_ms) + 1e3 * message_seconds(world);
  const double limit = 3 * message + 4 * sync + 1e3 * (alone.build + alone.execute);
  std::fprintf(stderr,
               "%.0f/s of 800 offered, %zu blocks of %.0f; processors busy %.2f; a sync under four writers %.2f ms, "
               "building alone %.2f ms, executing %.2f ms, a message %.3f ms\n",
               run.per_second, run.blocks, transfers, run.busy, sync, 1e3 * alone.build, 1e3 * alone.execute, message);
  report("consensus_finality_" + suffix, median(samples.finality), "ms", limit);
  report("consensus_submitted_" + suffix, median(samples.submitted), "ms", limit);
  const auto part = [&](const char* name, const std::vector<double>& values) {
    report("consensus_submitted_" + suffix + name, median(values), "ms", 0);
  };
  part("_wait", samples.wait);
  part("_build", samples.build);
  part("_way", samples.way);
  part("_execute", samples.execute);
  part("_votes", samples.votes);
  part("_commit", samples.commit);
  report("consensus_sync_of_four_" + suffix, sync, "ms", 0);
}

/// Of clients that do not give up.
Measured measure_load(const World& world, double per_second) {
  Network network(world, 0);
  Clients clients(world, Patience::kAgainUntilFinal);
  const Measured out = measure_paced(network, clients, per_second);
  std::fprintf(stderr, "%.0f/s offered: %.0f/s in %zu blocks, processors busy %.2f\n", per_second, out.per_second,
               out.blocks, out.busy);
  return out;
}

void measure_high(const World& world) {
  const UnitCosts before = unit_costs(world);
  const double expected = std::thread::hardware_concurrency() / (kMembers * before.sum());
  double peak = 0;
  for (const double load : kPeakLoads) peak = std::max(peak, measure_load(world, load * expected).per_second);
  const UnitCosts after = unit_costs(world);
  const double unit = (before.sum() + after.sum()) / 2;
  std::fprintf(stderr, "a transfer alone: verify %.1f us, execute %.2f, trie %.2f, store %.2f\n", 1e6 * after.verify,
               1e6 * after.execute, 1e6 * after.trie, 1e6 * after.store);
  report("consensus_transfers", peak, "1/s", std::thread::hardware_concurrency() / (kMembers * unit));
  report("consensus_overload", measure_load(world, kOverload * peak).per_second, "1/s", peak);
}

int run_bench(const std::vector<std::string>& parts) {
  const auto wants = [&](const char* part) { return parts.empty() || std::ranges::find(parts, part) != parts.end(); };
  const World world = make_world({kAccounts, kSenders, kTransfers, kMembers});
  if (wants("peak")) measure_high(world);
  if (wants("low")) measure_low(world, 0, "800");
  if (wants("slow")) measure_low(world, 10, "800_10ms");
  report("consensus_peak_rss", peak_mib(), "MiB", 0);  // the world that the clients send is a part of it
  return 0;
}

}  // namespace
}  // namespace micro::bench

int main(int argc, char** argv) {
  return micro::bench::run_bench({argv + 1, argv + argc});
}
