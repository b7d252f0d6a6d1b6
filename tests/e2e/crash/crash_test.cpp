// A network of one as a real process with real disks, under load, killed at each step by which it changes its disk and
// at random moments: it comes back in time, has forgotten no vote, signed nothing twice, and keeps what it said is
// final.
//
// FULL=1 kills at each point at several hits and 200 times at random; else once each and a few times. SEED=n repeats.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "chain/base/random.hpp"
#include "tests/e2e/crash/load.hpp"
#include "tests/e2e/crash/node_process.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::crash {
namespace {

constexpr std::uint64_t kRecoveryMs = 2'000;
constexpr std::uint64_t kHitMs = 60'000;  ///< in which a point that exists is passed so often
constexpr std::uint32_t kPeople = 3;

struct Point {
  const char* name;
  Op op;
  Phase phase;
};
/// Every step, in the order in which a block passes them, then those of an epoch's end.
constexpr std::array kPoints{
    Point{"journal append: nothing written", Op::kJournalAppend, Phase::kBefore},
    Point{"journal append: torn", Op::kJournalAppend, Phase::kTorn},
    Point{"journal append: written", Op::kJournalAppend, Phase::kAfter},
    Point{"journal sync: not done", Op::kJournalSync, Phase::kBefore},
    Point{"journal sync: done", Op::kJournalSync, Phase::kAfter},
    Point{"commit: nothing written", Op::kBlockWrite, Phase::kBefore},
    Point{"block write: torn", Op::kBlockWrite, Phase::kTorn},
    Point{"block write: written", Op::kBlockWrite, Phase::kAfter},
    Point{"commit: the block is durable", Op::kBlockSync, Phase::kAfter},
    Point{"state write: nothing written", Op::kStateWrite, Phase::kBefore},
    Point{"state write: torn", Op::kStateWrite, Phase::kTorn},
    Point{"state write: written", Op::kStateWrite, Phase::kAfter},
    Point{"commit: the state is durable", Op::kStateSync, Phase::kAfter},
    Point{"prune: the new journal is torn", Op::kRewriteAppend, Phase::kTorn},
    Point{"prune: the new journal is written", Op::kRewriteSync, Phase::kAfter},
    Point{"prune: both journals are there", Op::kRewriteRename, Phase::kBefore},
    Point{"prune: the new journal took its place", Op::kRewriteRename, Phase::kAfter},
    Point{"prune: an old epoch's votes stay", Op::kPruneFile, Phase::kBefore},
    Point{"prune: an old epoch's votes are gone", Op::kPruneFile, Phase::kAfter},
    Point{"prune: an old epoch's folder is gone", Op::kPruneFolder, Phase::kAfter},
    Point{"epoch switch: no folder", Op::kEpochFolder, Phase::kBefore},
    Point{"epoch switch: an empty folder", Op::kEpochFolder, Phase::kAfter},
    Point{"epoch switch: its name is not synced", Op::kEpochSync, Phase::kBefore},
    Point{"epoch switch: its name is synced", Op::kEpochSync, Phase::kAfter},
    Point{"proof append: torn", Op::kProofAppend, Phase::kTorn},
    Point{"proof sync: done", Op::kProofSync, Phase::kAfter},
};

bool is_full() {
  return std::getenv("FULL") != nullptr;
}

std::uint64_t seed() {
  const char* const given = std::getenv("SEED");
  if (given != nullptr) return std::strtoull(given, nullptr, 10);
  return SystemRandom().draw_u64() % 1'000'000;
}

class CrashTest : public testing::Test {
 protected:
  void SetUp() override {
    std::cout << "SEED=" << seed_ << "\n";
    ASSERT_EQ(node_.run({"wallet", "import", "owner", "--phrase-file", (folder_ / "words").string()}), 0);
    node_.start(std::nullopt);
    ASSERT_TRUE(node_.wait_ready()) << node_.log();
    NodeClient client(node_.socket());
    const Json info = client.call("node.info").value();
    auditor_.set_key(Ed25519Key::parse(info["consensus_key"].get<std::string>()).value());
    const Status funded = load_.fund();
    ASSERT_TRUE(funded) << funded.error().message;
    load_.start();
    load_.node_is_up();
    ASSERT_TRUE(load_.wait_told(10)) << node_.log();
  }

  /// The node is dead, or is killed now: what it left is read, and the next life begins.
  void next_life(const std::optional<Plan>& plan) {
    load_.node_is_down();
    node_.kill();
    auditor_.node_died();
    expect_no_complaint();
    node_.start(plan);
  }

  /// Whether it came up: then in time, with all that was ever seen of it, and those who wait for it go on.
  bool comes_back() {
    const Height before = std::max(auditor_.highest(), load_.newest_told());
    if (!node_.wait_ready()) return false;
    NodeClient client(node_.socket());
    const auto tip = tip_of(client);
    if (!tip) return false;
    const std::uint64_t ms = (SystemClock().now().ns - node_.started().ns) / 1'000'000;
    recoveries_.push_back(ms);
    EXPECT_LT(ms, kRecoveryMs);
    EXPECT_GE(*tip, before) << "blocks that it showed are gone";
    const Status told = load_.check_told(client);
    if (!told) ADD_FAILURE() << told.error().message;
    load_.node_is_up();
    return true;
  }

  void expect_no_complaint() {
    for (const std::string& complaint : auditor_.complaints()) ADD_FAILURE() << complaint;
  }

  /// A node that nothing happens to, at the end: all that was ever seen is there, each transaction once.
  void expect_whole() {
    next_life(std::nullopt);
    ASSERT_TRUE(comes_back()) << node_.log();
    ASSERT_TRUE(load_.wait_told(5)) << "it goes on";
    load_.stop();
    NodeClient client(node_.socket());
    std::map<TxId, std::vector<Height>> found;
    std::uint64_t sent = 0;
    const Height tip = tip_of(client).value();
    for (Height h(1); h <= tip; h = h.next()) {
      const auto block = load_.look_at(client, h);
      ASSERT_TRUE(block) << block.error().message;
      for (const SignedTx& tx : block->txs) {
        found[tx_id(tx.body)].push_back(h);
        const auto* transfer = std::get_if<Transfer>(&tx.body.payload);
        if (transfer != nullptr && transfer->to == person(0).address) sent += transfer->amount.micro;
      }
    }
    for (const auto& [id, height] : load_.told()) EXPECT_EQ(found[id], std::vector{height}) << id.hex();
    for (const auto& [id, heights] : found) EXPECT_EQ(heights.size(), 1U) << id.hex();
    EXPECT_GT(sent, 0U);
    EXPECT_EQ(node_.stop(), 0) << node_.log();
    auditor_.node_died();
    expect_no_complaint();
    report(found.size());
  }

  void report(std::size_t txs) {
    std::ranges::sort(recoveries_);
    std::cout << "recoveries " << recoveries_.size() << "  p50 " << recoveries_[recoveries_.size() / 2] << " ms  max "
              << recoveries_.back() << " ms; transactions " << txs << ", told " << load_.told().size() << ", unknown "
              << load_.unknown() << "; blocks " << auditor_.blocks() << "; votes " << auditor_.votes()
              << " views, remembered " << auditor_.compared() << ", torn tails " << auditor_.torn() << "\n";
    EXPECT_GT(auditor_.votes(), 0U);
    EXPECT_GT(auditor_.compared(), 0U);
  }

  test::TempFolder folder_;
  const std::uint64_t seed_ = seed();
  SeededRandom random_{seed_};
  NodeProcess node_{std::getenv("MICRO_BINARY"), folder_.path()};
  Auditor auditor_{node_.data() / "journal", node_.kept()};
  Load load_{node_.socket(), auditor_, kPeople};
  std::vector<std::uint64_t> recoveries_;
};

TEST_F(CrashTest, AtEveryPointOfWritingAndNothingIsForgottenOrSignedTwice) {
  std::vector<std::uint64_t> indices{1};
  if (is_full()) indices = {1, 2, 3, 5};
  for (const Point& point : kPoints) {
    std::size_t kills = 0;
    std::size_t starting = 0;
    if (is_full()) indices.resize(4), indices.push_back(6 + random_.draw_u64() % 30);
    for (const std::uint64_t index : indices) {
      next_life(Plan{point.op, point.phase, index});
      const bool came_up = comes_back();
      starting += came_up ? 0 : 1;
      ASSERT_TRUE(node_.wait_death(kHitMs))
          << point.name << " was not passed " << index << " times: only " << node_.hits(point.op);
      ASSERT_TRUE(node_.fired()) << "it died by itself before: " << point.name << "\n" << node_.log();
      ++kills;
    }
    std::cout << kills << " kills, " << starting << " while starting: " << point.name << "\n";
  }
  expect_whole();
}

TEST_F(CrashTest, AtRandomMoments) {
  const std::size_t kills = is_full() ? 200 : 10;
  std::size_t starting = 0;
  for (std::size_t i = 0; i < kills; ++i) {
    next_life(std::nullopt);
    // Some while it starts, most while it works; never at the same place of anything.
    if (random_.draw_u64() % 5 == 0) {
      EXPECT_FALSE(node_.wait_death(random_.draw_u64() % 400)) << node_.log();
      ++starting;
      continue;
    }
    ASSERT_TRUE(comes_back()) << node_.log();
    EXPECT_FALSE(node_.wait_death(random_.draw_u64() % 700)) << node_.log();
  }
  std::cout << kills << " kills, " << starting << " while starting: random moments\n";
  expect_whole();
}

}  // namespace
}  // namespace micro::crash
