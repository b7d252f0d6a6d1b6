// Runs seeds of whole networks. SEED=n replays one (TRACE=1 prints all of it); SEEDS=n runs that many, from FIRST on.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <span>

#include "tests/sim/consensus/light_attack.hpp"

namespace micro::test {
namespace {

std::uint64_t from_env(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

constexpr std::uint64_t kSeeds = 150;
constexpr std::uint64_t kFullSeeds = 2'000;
constexpr std::uint64_t kSeatSeeds = 8;
constexpr std::uint64_t kDiskSeeds = 36;
constexpr std::uint64_t kFullDiskSeeds = 300;
constexpr std::uint64_t kTimesEach = 100;  ///< each fault happens at least so often in a suite

RunResult run_seed(std::uint64_t seed) {
  Cluster cluster(make_scenario(seed));
  cluster.verbose = std::getenv("TRACE") != nullptr;
  RunResult out = cluster.run();
  if (cluster.scenario().real_signatures && out.violations.empty()) attack_light_client(cluster, out);
  return out;
}

struct Totals {
  std::uint64_t runs = 0;
  std::uint64_t events = 0;
  std::uint64_t messages = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t heights = 0;
  std::uint64_t votes_checked = 0;
  std::uint64_t trace = 0;
  simplex::Counters counters{};
  FaultCounts faults{};
  Happened happened;
  void add(const RunResult& r) {
    ++runs;
    events += r.events;
    messages += r.messages;
    simulated_ms += r.simulated_ms;
    heights += r.heights;
    votes_checked += r.votes_checked;
    trace = trace * 31 + r.trace;
    for (std::size_t i = 0; i < counters.size(); ++i) counters[i] += r.counters[i];
    for (std::size_t i = 0; i < faults.size(); ++i) faults[i] += r.faults[i];
    for (std::size_t i = 0; i < happened.events.size(); ++i) happened.events[i] += r.happened.events[i];
    for (std::size_t i = 0; i < happened.effects.size(); ++i) happened.effects[i] += r.happened.effects[i];
    for (std::size_t i = 0; i < happened.messages.size(); ++i) happened.messages[i] += r.happened.messages[i];
  }
};

template <class Names, class Counts>
void print_each(const char* kind, const Names& names, const Counts& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    std::printf("  %-8s %-24s %12llu\n", kind, std::string(names[i]).c_str(),
                static_cast<unsigned long long>(counts[i]));
  }
}

void print(const Totals& t, double seconds) {
  std::printf(
      "%llu seeds, %.2f simulated hours, %llu heights, %llu messages (%.0f/s), %llu votes checked, %.0f x real time, "
      "trace %016llx; delta %u ms\n",
      static_cast<unsigned long long>(t.runs), static_cast<double>(t.simulated_ms) / 3.6e6,
      static_cast<unsigned long long>(t.heights), static_cast<unsigned long long>(t.messages),
      static_cast<double>(t.messages) / seconds, static_cast<unsigned long long>(t.votes_checked),
      static_cast<double>(t.simulated_ms) / 1'000 / seconds, static_cast<unsigned long long>(t.trace), kDeltaMs);
  print_each("fault", kFaultNames, std::span(t.faults).first(kFirstDiskFault));
  print_each("event", Happened::kEvents, t.happened.events);
  print_each("effect", Happened::kEffects, t.happened.effects);
  print_each("message", Happened::kMessages, t.happened.messages);
  print_each("rule", simplex::kCounterNames, t.counters);
}

/// Each fault often, in a slice as often as its part of the seeds; each event, effect, message and rule at all.
void expect_coverage(const Totals& t) {
  const std::uint64_t often = std::max<std::uint64_t>(1, kTimesEach * t.runs / kFullSeeds);
  for (std::size_t i = 0; i < kFirstDiskFault; ++i) EXPECT_GE(t.faults[i], often) << kFaultNames[i];
  // Honest engines never fail or stop here: both have tests of their own.
  const std::set<std::string_view> not_here{"failed", "halt"};
  const auto at_all = [&](const auto& names, const auto& counts) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (!not_here.contains(names[i])) EXPECT_GT(counts[i], 0U) << names[i];
    }
  };
  at_all(Happened::kEvents, t.happened.events);
  at_all(Happened::kEffects, t.happened.effects);
  at_all(Happened::kMessages, t.happened.messages);
  if (t.runs < kFullSeeds) return;
  // Bounds that a simulated peer never reaches have tests of their own.
  const std::set<std::string_view> elsewhere{"DroppedPending", "DroppedAnswers", "StandstillsCapped"};
  for (std::size_t i = 0; i < t.counters.size(); ++i) {
    if (!elsewhere.contains(simplex::kCounterNames[i])) EXPECT_GT(t.counters[i], 0U) << simplex::kCounterNames[i];
  }
}

TEST(ConsensusSim, SafeAlwaysAndLiveAfterTheHeal) {
  const char* one = std::getenv("SEED");
  const std::uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : from_env("FIRST", 1);
  const std::uint64_t n = one != nullptr ? 1 : from_env("SEEDS", kSeeds);
  const auto start = std::chrono::steady_clock::now();
  Totals totals;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = first; seed < first + n; ++seed) {
    const RunResult result = run_seed(seed);
    totals.add(result);
    for (const std::string& what : result.violations) {
      ++failed;
      std::printf("SEED=%llu: %s\n", static_cast<unsigned long long>(seed), what.c_str());
      ADD_FAILURE() << "SEED=" << seed << ": " << what;
    }
    if (failed > 20) break;
  }
  print(totals, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  if (n >= kSeeds) expect_coverage(totals);
}

TEST(ConsensusSim, TheRealLedgerBehavesLikeItsModel) {
  const std::uint64_t first = from_env("REAL_FIRST", 1);
  const std::uint64_t n = from_env("REAL_SEEDS", 6);
  std::uint64_t heights = 0;
  for (std::uint64_t seed = first; seed < first + n; ++seed) {
    Cluster cluster(make_real_scenario(seed));
    cluster.verbose = std::getenv("TRACE") != nullptr;
    const RunResult result = cluster.run();
    heights += result.heights;
    EXPECT_TRUE(result.violations.empty()) << "REAL_FIRST=" << seed << ": " << result.violations.front();
  }
  EXPECT_GT(heights, 10 * n);
  std::printf("%llu heights over the real ledger\n", static_cast<unsigned long long>(heights));
}

/// Of `after` that are not in `before`.
std::uint64_t newcomers(const ValidatorSet& before, const ValidatorSet& after) {
  return static_cast<std::uint64_t>(std::ranges::count_if(after.members, [&](const Validator& v) {
    return std::ranges::find(before.members, v.key, &Validator::key) == before.members.end();
  }));
}

TEST(ConsensusSim, ValidatorsJoinAndLeaveThroughTransactions) {
  const std::uint64_t first = from_env("SEATS_FIRST", 1);
  const std::uint64_t n = from_env("SEATS_SEEDS", kSeatSeeds);
  std::uint64_t joined = 0;
  std::uint64_t left = 0;
  std::uint64_t accused = 0;
  std::uint64_t convicted = 0;
  for (std::uint64_t seed = first; seed < first + n; ++seed) {
    Cluster cluster(make_seats_scenario(seed));
    cluster.verbose = std::getenv("TRACE") != nullptr;
    const RunResult result = cluster.run();
    EXPECT_TRUE(result.violations.empty()) << "SEATS_FIRST=" << seed << ": " << result.violations.front();
    accused += result.accused;
    convicted += result.convicted;
    for (std::size_t e = 1; e < result.committees.size(); ++e) {
      joined += newcomers(result.committees[e - 1], result.committees[e]);
      left += newcomers(result.committees[e], result.committees[e - 1]);
    }
  }
  std::printf("%llu seats taken, %llu left, %llu validators accused, %llu convicted\n",
              static_cast<unsigned long long>(joined), static_cast<unsigned long long>(left),
              static_cast<unsigned long long>(accused), static_cast<unsigned long long>(convicted));
  EXPECT_GE(joined, n);
  EXPECT_GE(left, n / 3);
  if (n >= kSeatSeeds) EXPECT_GE(convicted, 1U) << "nobody lied provably";
}

TEST(ConsensusSim, DatabasesOnALossyDiskForgetNothingThatWasTold) {
  const std::uint64_t first = from_env("DISK_FIRST", 1);
  const std::uint64_t n = from_env("DISK_SEEDS", kDiskSeeds);
  Totals totals;
  for (std::uint64_t seed = first; seed < first + n; ++seed) {
    Cluster cluster(make_disk_scenario(seed));
    cluster.verbose = std::getenv("TRACE") != nullptr;
    const RunResult result = cluster.run();
    totals.add(result);
    EXPECT_TRUE(result.violations.empty()) << "DISK_FIRST=" << seed << ": " << result.violations.front();
  }
  std::printf("%llu seeds over RocksDB, %llu heights, %llu starts, trace %016llx\n",
              static_cast<unsigned long long>(totals.runs), static_cast<unsigned long long>(totals.heights),
              static_cast<unsigned long long>(totals.faults[static_cast<std::size_t>(SimFault::kRestart)]),
              static_cast<unsigned long long>(totals.trace));
  const std::uint64_t often = std::max<std::uint64_t>(1, kTimesEach * n / kFullDiskSeeds);
  for (std::size_t i = kFirstDiskFault; i < totals.faults.size(); ++i) {
    std::printf("  %-8s %-24s %12llu\n", "disk", std::string(kFaultNames[i]).c_str(),
                static_cast<unsigned long long>(totals.faults[i]));
    if (n >= kDiskSeeds) EXPECT_GE(totals.faults[i], often) << kFaultNames[i];
  }
}

TEST(ConsensusSim, ALossyDiskReplaysBitForBit) {
  for (const std::uint64_t seed : {2ULL, 5ULL}) {
    const RunResult a = Cluster(make_disk_scenario(seed)).run();
    const RunResult b = Cluster(make_disk_scenario(seed)).run();
    EXPECT_EQ(a.trace, b.trace) << seed;
    EXPECT_EQ(a.faults, b.faults) << seed;
    EXPECT_GT(a.heights, 0U);
  }
}

TEST(ConsensusSim, ASeedReplaysBitForBit) {
  for (const std::uint64_t seed : {3ULL, 7ULL, 11ULL, 19ULL}) {
    const RunResult a = run_seed(seed);
    const RunResult b = run_seed(seed);
    EXPECT_EQ(a.trace, b.trace) << seed;
    EXPECT_EQ(a.events, b.events) << seed;
    EXPECT_GT(a.events, 1'000U);
  }
}

}  // namespace
}  // namespace micro::test
