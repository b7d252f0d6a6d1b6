// Twins (Bano et al., "Twins: BFT Systems Made Robust", OPODIS 2021): one of four validators runs twice with one key.
// For each of the first views it is enumerated who leads and how the five instances are cut off from each other; later
// views are whole. FULL=1 runs every two-view case and 150,000 generated ones; otherwise a slice of both.
// CASE="1:00000 0:01222" TRACE=1 replays one and prints it.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <sstream>

#include "tests/sim/consensus/describe.hpp"
#include "tests/sim/consensus/instant_node.hpp"

namespace micro::test {
namespace {

using namespace simplex;  // NOLINT

constexpr std::size_t kInstances = 5;  ///< members 0, 1, 2, 3 and once more 0
constexpr std::uint64_t kHeights = 2;
constexpr int kMaxSteps = 600;
constexpr int kCutSteps = 80;  ///< of time; then what concerns the first views gets through as well

using Partition = std::array<std::uint8_t, kInstances>;  ///< group of each instance
struct View1 {
  Partition groups{};
  std::uint16_t leader = 0;
};
using Case = std::vector<View1>;

/// All ways to group five instances, as restricted growth strings: 52.
std::vector<Partition> partitions() {
  std::vector<Partition> out;
  const auto grow = [&](auto& self, Partition p, std::size_t at, std::uint8_t used) -> void {
    if (at == kInstances) return out.push_back(p);
    for (std::uint8_t g = 0; g <= used; ++g) {
      p[at] = g;
      self(self, p, at + 1, std::max<std::uint8_t>(used, static_cast<std::uint8_t>(g + 1)));
    }
  };
  grow(grow, {}, 0, 0);
  return out;
}

View view_of(const Message& message, View sender) {
  if (const auto* p = std::get_if<Proposal>(&message.body)) return p->vote.statement.view;
  View out;
  if (const auto* votes = std::get_if<Votes>(&message.body)) {
    for (const Vote& v : votes->votes) out = std::max(out, v.statement.view);
  } else if (const auto* held = std::get_if<Certificates>(&message.body)) {
    for (const Certificate& c : held->certificates) out = std::max(out, c.statement.view);
  } else {
    out = sender;
  }
  return out;
}

class TwinsRun {
 public:
  explicit TwinsRun(const Case& views) : case_(views), committees_(small_committee()) {
    EngineConfig config;
    config.delta_ms = 100;
    config.build_ms = config.execute_ms = 0;
    config.idle_ms = 10;
    config.retry_ms = 100;
    config.standstill_ms = 500;
    std::vector<std::uint16_t> slots;
    const ValidatorSet set = committees_.set(Epoch(0));
    for (const View1& v : views) slots.push_back(v.leader);
    for (std::uint16_t i = 0; i < 16; ++i) slots.push_back(i % 4);
    for (std::size_t i = 0; i < kInstances; ++i) {
      config.seed = i;
      nodes_.push_back(std::make_unique<InstantNode>(committees_, i % 4, config));
      nodes_.back()->engine().lead_by(LeaderSchedule(slots));
    }
    for (auto& node : nodes_) node->start();
    for (auto& node : nodes_) node->ledger().submit(1), node->feed(TxsWait{true});
  }

  bool verbose = false;  ///< prints every delivery

  /// What went wrong, or nothing.
  std::string run() {
    for (int step = 0; step < kMaxSteps; ++step) {
      is_whole_ = step >= kCutSteps;
      deliver();
      if (auto wrong = check(); !wrong.empty()) return wrong;
      if (nodes_[1]->height() >= kHeights && nodes_[2]->height() >= kHeights && nodes_[3]->height() >= kHeights)
        return {};
      pass_time();
    }
    return "no progress";
  }

 private:
  [[nodiscard]] bool is_cut(std::size_t from, std::size_t to, View view) const {
    if (is_whole_ || view.value == 0 || view.value > case_.size()) return false;
    const Partition& groups = case_[view.value - 1].groups;
    return groups[from] != groups[to];
  }
  void deliver() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t from = 0; from < kInstances; ++from) {
        for (const auto& [only, message] : nodes_[from]->take_out()) {
          const View view = view_of(*message, nodes_[from]->engine().view());
          for (std::size_t to = 0; to < kInstances; ++to) {
            const Ed25519Key& key = nodes_[to]->signer().key();
            if (to % 4 == from % 4 || (only && *only != key) || is_cut(from, to, view)) continue;
            if (verbose) std::printf("%zu → %zu: %s\n", from, to, describe(*message).c_str());
            nodes_[to]->feed(Received{nodes_[from]->signer().key(), *message});
            moved = true;
          }
        }
      }
    }
  }
  void pass_time() {
    std::optional<Instant> next;
    for (const auto& node : nodes_) {
      if (node->timer() && (!next || *node->timer() < *next)) next = node->timer();
    }
    if (!next) return;
    const Instant now = nodes_.front()->now().at;
    const std::uint64_t ms = next->ns > now.ns ? (next->ns - now.ns + 999'999) / 1'000'000 : 1;
    for (auto& node : nodes_) node->advance_ms(ms);
    if (!verbose) return;
    std::printf("+%llu ms:", static_cast<unsigned long long>(ms));
    for (const auto& node : nodes_) {
      std::printf("  v%s h%llu", node->engine().view().text().c_str(), static_cast<unsigned long long>(node->height()));
    }
    std::printf("\n");
  }
  [[nodiscard]] std::string check() const {
    const ModelChain* longest = &nodes_[1]->chain();
    for (std::size_t i = 1; i < 4; ++i) {
      if (nodes_[i]->halted) return "halted: " + nodes_[i]->halted->message;
      if (nodes_[i]->chain().blocks.size() > longest->blocks.size()) longest = &nodes_[i]->chain();
      for (const Evidence& e : nodes_[i]->evidence) {
        const auto& guilty = nodes_[i]->engine().set().members[e.first.signer].key;
        if (guilty != nodes_[0]->signer().key()) return "an honest member is accused";
      }
    }
    for (std::size_t i = 1; i < 4; ++i) {
      const auto& blocks = nodes_[i]->chain().blocks;
      for (std::size_t h = 0; h < blocks.size(); ++h) {
        if (blocks[h].header != longest->blocks[h].header) return "two blocks at height " + std::to_string(h + 1);
      }
    }
    return {};
  }

  Case case_;
  bool is_whole_ = false;
  Committees committees_;
  std::vector<std::unique_ptr<InstantNode>> nodes_;
};

std::string text(const Case& views) {
  std::string out;
  for (const View1& v : views) {
    out += " " + std::to_string(v.leader) + ":";
    for (const auto g : v.groups) out += std::to_string(g);
  }
  return out;
}

/// `1:00000 0:01222`: of each view its leader and the groups.
Case parse(const std::string& line) {
  Case out;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    View1 view;
    if (word.size() != 2 + kInstances) return {};
    view.leader = static_cast<std::uint16_t>(word[0] - '0');
    for (std::size_t i = 0; i < kInstances; ++i) view.groups[i] = static_cast<std::uint8_t>(word[2 + i] - '0');
    out.push_back(view);
  }
  return out;
}

TEST(ConsensusTwins, OneCaseFromTheEnvironment) {
  const char* line = std::getenv("CASE");
  const Case c = parse(line != nullptr ? line : "1:00000 0:01222");
  ASSERT_FALSE(c.empty());
  TwinsRun run(c);
  run.verbose = std::getenv("TRACE") != nullptr;
  EXPECT_EQ(run.run(), "");
}

TEST(ConsensusTwins, EveryTwoViewCaseAgreesAndGoesOn) {
  const auto all = partitions();
  ASSERT_EQ(all.size(), 52U);
  const std::size_t step = std::getenv("FULL") != nullptr ? 1 : 97;
  const std::size_t one_view = all.size() * 4;
  const auto start = std::chrono::steady_clock::now();
  std::size_t ran = 0;
  for (std::size_t n = 0; n < one_view * one_view; n += step, ++ran) {
    const auto view = [&](std::size_t k) { return View1{all[k / 4], static_cast<std::uint16_t>(k % 4)}; };
    const Case c{view(n / one_view), view(n % one_view)};
    const std::string wrong = TwinsRun(c).run();
    ASSERT_TRUE(wrong.empty()) << wrong << ":" << text(c);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%zu two-view cases, %.0f a second\n", ran, static_cast<double>(ran) / seconds);
}

TEST(ConsensusTwins, GeneratedCasesOfMoreViewsAgreeAndGoOn) {
  const auto all = partitions();
  const std::uint64_t n = std::getenv("FULL") != nullptr ? 150'000 : 300;
  for (std::uint64_t seed = 1; seed <= n; ++seed) {
    Dice dice(seed);
    Case c;
    for (std::uint64_t v = dice.between(3, 7); v > 0; --v) {
      c.push_back({all[dice.below(all.size())], static_cast<std::uint16_t>(dice.below(4))});
    }
    const std::string wrong = TwinsRun(c).run();
    ASSERT_TRUE(wrong.empty()) << "seed " << seed << ": " << wrong << ":" << text(c);
  }
}

}  // namespace
}  // namespace micro::test
