// Searches every state of the model in simplex.pml. The model itself must hold; the model with one rule less must not,
// or the search sees nothing; and what makes a run interesting must be reachable, or it holds because nothing happens.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace micro::test {
namespace {

struct Search {
  std::string text;
  std::uint64_t errors = 0;
  std::uint64_t states = 0;
  bool is_whole = true;  ///< nothing was left out for lack of memory or depth
  std::string found;     ///< the assertion that was violated
};

std::uint64_t number_before(const std::string& text, const std::string& what) {
  const auto at = text.find(what);
  if (at == std::string::npos) return 0;
  const auto from = text.find_last_not_of("0123456789", at - 1);
  return std::strtoull(text.c_str() + from + 1, nullptr, 10);
}

/// `settings` as in the environment: "MUTANT=3 FRAMING=1".
Search search(const std::string& settings) {
  // It writes how it got to an error beside itself.
  const std::string command = "cd " MICRO_MODEL_FOLDER " && env " + settings + " ./search -n -m100000 -w20 2>&1";
  Search out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) out.text += line;
  pclose(pipe);
  const auto errors = out.text.find("errors: ");
  out.errors = errors == std::string::npos ? ~0ULL : std::strtoull(out.text.c_str() + errors + 8, nullptr, 10);
  out.states = number_before(out.text, " states, stored");
  for (const char* cut : {"MEMLIM", "max search depth too small", "out of memory", "hash table full"}) {
    if (out.text.find(cut) != std::string::npos) out.is_whole = false;
  }
  const auto violated = out.text.find("assertion violated ");
  if (violated != std::string::npos) {
    out.found = out.text.substr(violated + 19, out.text.find('\n', violated) - violated - 19).substr(0, 60);
  }
  return out;
}

TEST(ConsensusModel, HoldsInEveryState) {
  for (const char* settings : {"FRAMING=1", "FRAMING=1 SINGLY=1 VIEWS=2"}) {
    const Search done = search(settings);
    std::printf("holds    %-32s %llu states\n", settings, static_cast<unsigned long long>(done.states));
    EXPECT_EQ(done.errors, 0U) << done.text;
    EXPECT_TRUE(done.is_whole) << done.text;
    EXPECT_GT(done.states, 10'000U) << done.text;
  }
}

struct Broken {
  const char* name;
  const char* settings;
};

TEST(ConsensusModel, WithoutOneRuleItIsViolated) {
  // Two validators on two branches, unless FRAMING is asked for: then an honest one signs what convicts it.
  for (const Broken& b : {
           Broken{"quorum less one", "MUTANT=1"},
           Broken{"two Notarize a view", "MUTANT=2 VIEWS=2"},
           Broken{"two Notarize convict", "MUTANT=2 FRAMING=1"},
           Broken{"Finalize after Nullify", "MUTANT=3"},
           Broken{"Finalize after Nullify convicts", "MUTANT=3 FRAMING=1"},
           Broken{"Finalize of another convicts", "MUTANT=4 FRAMING=1"},
           Broken{"no proof of skipped views", "MUTANT=5"},
           Broken{"a parent without notarization", "MUTANT=6 VIEWS=2"},
           Broken{"built on the boundary block", "MUTANT=7"},
           Broken{"the old epoch's votes count", "MUTANT=8"},
           Broken{"a crash forgets a Nullify", "MUTANT=9"},
       }) {
    const Search done = search(b.settings);
    std::printf("violated %-32s %llu states: %s\n", b.name, static_cast<unsigned long long>(done.states),
                done.found.c_str());
    EXPECT_EQ(done.errors, 1U) << b.name << " is not noticed\n" << done.text;
    EXPECT_FALSE(done.found.empty()) << done.text;
  }
}

TEST(ConsensusModel, ReachesWhatMatters) {
  for (const Broken& b : {
           Broken{"the second epoch's last view is final", "REACH=1"},
           Broken{"a boundary block is final when proposed again", "REACH=2"},
           Broken{"a view is notarized and nullified", "REACH=3"},
           Broken{"final although everyone moved on", "REACH=4"},
           Broken{"two views skipped", "REACH=5"},
           Broken{"two branches, one final", "REACH=6"},
       }) {
    const Search done = search(b.settings);
    EXPECT_EQ(done.errors, 1U) << "never: " << b.name << "\n" << done.text;
    EXPECT_EQ(done.found.rfind("((reach", 0), 0U) << b.name << ": " << done.found;
  }
}

}  // namespace
}  // namespace micro::test
