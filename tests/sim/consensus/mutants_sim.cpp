// Can the simulator see? One rule of the protocol is switched off at a time, and some seed has to notice. A rule whose
// loss nobody notices fails the suite. MUTANT=name tries one, SEEDS=n as many seeds; MUTANT=name SEED=n TRACE=1
// prints what one seed did to it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "consensus/core/rules.hpp"
#include "tests/sim/consensus/cluster.hpp"

namespace micro::test {
namespace {

constexpr std::uint64_t kMaxSeeds = 10'000;
constexpr std::uint64_t kQuickSeeds = 400;  ///< what a slice of the suite spends on one: the rarest needs about 110

/// Whose loss only makes a node slower, because other rules bring the same a little later. Asked for by name they run.
struct Masked {
  Rule rule;
  const char* why;
};
constexpr auto kMasked = std::array{
    Masked{Rule::kResendOwn, "what a restart sends at once, the retry and the standstill send later"},
    Masked{Rule::kHelpLate, "who is behind also hears the certificates of a retry, a standstill and the next proposal"},
    Masked{Rule::kUrgentAncestors,
           "the votes that made a block final are synced and said again, and a newer finalization "
           "takes the place of one below the tip"},
};

constexpr auto kRuleNames = std::array{
#define X(name) std::string_view(#name).substr(1),
    MICRO_RULES(X)
#undef X
};

constexpr auto kDiskMutantNames = std::array{
#define X(name) std::string_view(#name).substr(1),
    MICRO_DISK_MUTANTS(X)
#undef X
};
constexpr std::uint64_t kQuickDiskSeeds = 40;

struct Killed {
  std::uint64_t seed = 0;
  std::string what;
};

void print_verdict(std::string_view name, const std::optional<Killed>& result) {
  if (result) {
    std::printf("killed   %-24s SEED=%-5llu %s\n", name.data(), static_cast<unsigned long long>(result->seed),
                result->what.c_str());
  } else {
    std::printf("SURVIVES %-24s\n", name.data());
  }
  std::fflush(stdout);
}

std::optional<Killed> kill(std::size_t rule, std::uint64_t seeds) {
  const char* one = std::getenv("SEED");
  std::vector<std::uint64_t> tried;
  if (one != nullptr) {
    tried.push_back(std::strtoull(one, nullptr, 10));
  } else {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) tried.push_back(seed);
  }
  broken_rule = static_cast<int>(rule);
  std::optional<Killed> out;
  for (const std::uint64_t seed : tried) {
    if (out) break;
    Cluster cluster(make_scenario(seed));
    cluster.verbose = one != nullptr && std::getenv("TRACE") != nullptr;
    const RunResult result = cluster.run();
    if (!result.violations.empty()) out = Killed{seed, result.violations.front()};
  }
  broken_rule = -1;
  return out;
}

TEST(ConsensusMutants, EachIsNoticedBySomeSeed) {
  const char* only = std::getenv("MUTANT");
  const char* seeds = std::getenv("SEEDS");
  const std::uint64_t limit = seeds != nullptr ? std::strtoull(seeds, nullptr, 10) : kQuickSeeds;
  ASSERT_LE(limit, kMaxSeeds);
  std::size_t killed = 0;
  for (std::size_t rule = 0; rule < kRuleNames.size(); ++rule) {
    if (only != nullptr && kRuleNames[rule] != only) continue;
    const auto masked = std::ranges::find(kMasked, static_cast<Rule>(rule), &Masked::rule);
    if (only == nullptr && masked != kMasked.end()) {
      std::printf("masked   %-24s %s\n", kRuleNames[rule].data(), masked->why);
      continue;
    }
    const auto result = kill(rule, limit);
    killed += result ? 1 : 0;
    print_verdict(kRuleNames[rule], result);
    EXPECT_TRUE(result.has_value()) << kRuleNames[rule] << " can go and nobody notices in " << limit << " seeds";
  }
  EXPECT_GE(killed,
            only == nullptr ? 25U : static_cast<std::size_t>(std::ranges::count(kRuleNames, std::string_view(only))));
}

TEST(ConsensusMutants, CarelessDatabasesAreNoticed) {
  const char* only = std::getenv("MUTANT");
  for (std::size_t i = 0; i < kDiskMutantNames.size(); ++i) {
    if (only != nullptr && kDiskMutantNames[i] != only) continue;
    broken_disk = static_cast<DiskMutant>(i);
    std::optional<Killed> result;
    for (std::uint64_t seed = 1; seed <= kQuickDiskSeeds && !result; ++seed) {
      const RunResult run = Cluster(make_disk_scenario(seed)).run();
      if (!run.violations.empty()) result = Killed{seed, run.violations.front()};
    }
    broken_disk.reset();
    print_verdict(kDiskMutantNames[i], result);
    EXPECT_TRUE(result.has_value()) << kDiskMutantNames[i] << " loses nothing in " << kQuickDiskSeeds << " seeds";
  }
}

TEST(ConsensusMutants, WithAllRulesTheSameSeedsFindNothing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Cluster cluster(make_scenario(seed));
    const RunResult result = cluster.run();
    EXPECT_TRUE(result.violations.empty()) << seed << ": " << result.violations.front();
  }
}

}  // namespace
}  // namespace micro::test
