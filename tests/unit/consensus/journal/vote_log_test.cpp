#include "consensus/journal/vote_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "chain/base/random.hpp"
#include "tests/gen/contradictions.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

KeptVote vote(std::uint16_t signer, StatementKind kind, std::uint64_t view, std::uint8_t block,
              std::uint8_t epoch = 1) {
  KeptVote out;
  out.signer = signer;
  out.statement.kind = kind;
  out.statement.epoch_id.data[0] = epoch;
  out.statement.view = View(view);
  if (kind != StatementKind::kNullify) out.statement.block.data[0] = block;
  out.signature.data.fill(static_cast<std::uint8_t>(17 * signer + block + 3 * static_cast<int>(kind) + 1));
  return out;
}
KeptVote notarize(std::uint16_t signer, std::uint64_t view, std::uint8_t block, std::uint8_t epoch = 1) {
  return vote(signer, StatementKind::kNotarize, view, block, epoch);
}

class VoteLogTest : public testing::Test {
 protected:
  std::unique_ptr<VoteLog> open(std::uint64_t budget = 1u << 20) {
    return VoteLog::open(folder_.path().string(), ChainId{}, budget).value();
  }
  static bool is_new(VoteLog& log, const KeptVote& v) { return !log.keep(v).value().has_value(); }
  static void expect_pair(const std::optional<KeptVote>& earlier, const KeptVote& wanted) {
    ASSERT_TRUE(earlier.has_value());
    EXPECT_EQ(earlier->statement, wanted.statement);
    EXPECT_EQ(earlier->signer, wanted.signer);
    EXPECT_EQ(earlier->signature, wanted.signature) << "its own, not another signer's";
  }
  test::TempFolder folder_;
};

TEST_F(VoteLogTest, FindsTheVoteThatALaterOneContradicts) {
  const auto log = open();
  ASSERT_TRUE(log->begin(Epoch(1)));
  for (std::uint16_t signer = 0; signer < 4; ++signer) EXPECT_TRUE(is_new(*log, notarize(signer, 5, 1)));
  expect_pair(log->keep(notarize(2, 5, 2)).value(), notarize(2, 5, 1));
  EXPECT_TRUE(is_new(*log, notarize(2, 5, 3))) << "one pair is enough";
  ASSERT_TRUE(log->flush());
  expect_pair(log->keep(notarize(1, 5, 2)).value(), notarize(1, 5, 1));
  EXPECT_TRUE(is_new(*log, vote(3, StatementKind::kNullify, 5, 0))) << "given up first: honest";
  expect_pair(log->keep(vote(3, StatementKind::kFinalize, 5, 1)).value(), vote(3, StatementKind::kNullify, 5, 0));
  EXPECT_TRUE(is_new(*log, notarize(0, 6, 2))) << "another view";
  EXPECT_TRUE(is_new(*log, notarize(0, 5, 2, 2))) << "another epoch";
  EXPECT_TRUE(is_new(*log, vote(0, StatementKind::kFinalize, 5, 1)));
}

TEST_F(VoteLogTest, FindsEachPairThatConvictsAndNoneThatIsHonest) {
  const auto log = open();
  ASSERT_TRUE(log->begin(Epoch(1)));
  std::uint8_t epoch = 0;
  const auto found = [&](const test::StatementPair& pair, bool swapped) {
    KeptVote first, second;
    first.statement = swapped ? pair.second : pair.first;
    second.statement = swapped ? pair.first : pair.second;
    EXPECT_TRUE(is_new(*log, first)) << pair.name;
    return log->keep(second).value().has_value();
  };
  const auto next_id = [&] {
    Hash id;
    id.data[0] = ++epoch;
    return id;
  };
  for (const bool swapped : {false, true}) {
    const std::size_t n = test::contradictions({}, 7).size();
    for (std::size_t i = 0; i < n; ++i) {
      const auto pair = test::contradictions(next_id(), 7)[i];
      EXPECT_TRUE(found(pair, swapped)) << pair.name;
    }
    for (std::size_t i = 0; i < test::honest_pairs({}, 7).size(); ++i) {
      const auto pair = test::honest_pairs(next_id(), 7)[i];
      EXPECT_FALSE(found(pair, swapped)) << pair.name;
    }
  }
}

TEST_F(VoteLogTest, AFormerProcessHadSeenIt) {
  {
    const auto log = open();
    EXPECT_TRUE(log->begin(Epoch(1)).value().empty());
    EXPECT_TRUE(is_new(*log, notarize(1, 5, 1)));
    EXPECT_TRUE(is_new(*log, notarize(2, 5, 1)));
    EXPECT_TRUE(log->keep(notarize(2, 5, 2)).value().has_value());
    ASSERT_TRUE(log->begin(Epoch(2)));
    EXPECT_TRUE(is_new(*log, notarize(3, 7, 1)));
    ASSERT_TRUE(log->flush());
  }
  const auto log = open();
  const auto known = log->begin(Epoch(2)).value();
  ASSERT_EQ(known.size(), 1U) << "and what it had found, once";
  expect_pair(known[0].first, notarize(2, 5, 1));
  expect_pair(known[0].second, notarize(2, 5, 2));
  expect_pair(log->keep(notarize(1, 5, 2)).value(), notarize(1, 5, 1));
  expect_pair(log->keep(notarize(3, 7, 2)).value(), notarize(3, 7, 1));
}

TEST_F(VoteLogTest, KeepsTwoEpochsAndNoMore) {
  const auto log = open();
  ASSERT_TRUE(log->begin(Epoch(3)));
  for (std::uint16_t signer = 0; signer < 3; ++signer) EXPECT_TRUE(is_new(*log, notarize(signer, 5, 1)));
  ASSERT_TRUE(log->begin(Epoch(4)));
  expect_pair(log->keep(notarize(0, 5, 2)).value(), notarize(0, 5, 1));
  ASSERT_TRUE(log->begin(Epoch(5)));
  expect_pair(log->keep(notarize(1, 5, 2)).value(), notarize(1, 5, 1));
  ASSERT_TRUE(log->begin(Epoch(6)));
  EXPECT_TRUE(is_new(*log, notarize(2, 5, 2)));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "3"));
}

TEST_F(VoteLogTest, OverTheBudgetTheOldestEpochGoesAndThenNewVotes) {
  constexpr std::uint64_t kBudget = 8'000;
  const auto log = open(kBudget);
  ASSERT_TRUE(log->begin(Epoch(1)));
  EXPECT_TRUE(is_new(*log, notarize(0, 5, 1)));
  ASSERT_TRUE(log->begin(Epoch(2)));
  for (std::uint64_t view = 1; view < 100; ++view) {
    EXPECT_TRUE(is_new(*log, notarize(1, view, 1, 2)));
    ASSERT_TRUE(log->flush());
    EXPECT_LE(log->bytes(), kBudget);
  }
  EXPECT_GT(log->not_kept(), 0U);
  EXPECT_TRUE(is_new(*log, notarize(0, 5, 2))) << "its first was in the file that went";
}

// Any order of votes, epochs and restarts, against a list that is searched: every pair is found once a member and
// epoch, with the signatures as they came, and nobody is accused of anything else.
TEST_F(VoteLogTest, EqualsAListThatIsSearched) {
  struct Heard {
    KeptVote vote;
    std::uint32_t file;
  };
  SeededRandom random(11);
  const auto below = [&](std::uint64_t end) { return random.draw_u64() % end; };
  std::size_t pairs = 0;
  for (int round = 0; round < 60; ++round) {
    const test::TempFolder folder;
    const auto open_here = [&] { return VoteLog::open(folder.path().string(), ChainId{}).value(); };
    auto log = open_here();
    std::uint32_t epoch = 2;
    ASSERT_TRUE(log->begin(Epoch(epoch)));
    std::vector<Heard> heard;
    std::map<std::pair<Hash, std::uint16_t>, std::uint32_t> convicted;  ///< and until which file's end
    for (int step = 0; step < 120; ++step) {
      const std::uint64_t what = below(30);
      if (what == 0) {
        ASSERT_TRUE(log->begin(Epoch(++epoch)));
        std::erase_if(heard, [&](const Heard& h) { return h.file + kVoteEpochs < epoch; });
        std::erase_if(convicted, [&](const auto& c) { return c.second + kVoteEpochs < epoch; });
      } else if (what == 1) {
        ASSERT_TRUE(log->flush());
        log.reset();
        log = open_here();
        EXPECT_EQ(log->begin(Epoch(epoch)).value().size(), convicted.size());
      } else {
        const KeptVote v =
            vote(static_cast<std::uint16_t>(below(3)), static_cast<StatementKind>(below(3)), 1 + below(3),
                 static_cast<std::uint8_t>(1 + below(2)), static_cast<std::uint8_t>(1 + below(2)));
        const auto found = log->keep(v).value();
        const bool is_convicted = convicted.contains({v.statement.epoch_id, v.signer});
        std::optional<std::uint32_t> rival;
        for (const Heard& h : heard) {
          if (h.vote.signer == v.signer && contradict(h.vote.statement, v.statement)) {
            rival = std::max(rival.value_or(0), h.file);
          }
        }
        ASSERT_EQ(found.has_value(), rival.has_value() && !is_convicted) << round << " " << step;
        if (found) {
          EXPECT_TRUE(contradict(found->statement, v.statement));
          EXPECT_TRUE(std::ranges::any_of(heard, [&](const Heard& h) {
            return h.vote.statement == found->statement && h.vote.signer == v.signer &&
                   h.vote.signature == found->signature;
          }));
          convicted[{v.statement.epoch_id, v.signer}] = *rival;
          ++pairs;
        }
        const bool is_known = std::ranges::any_of(
            heard, [&](const Heard& h) { return h.vote.statement == v.statement && h.vote.signer == v.signer; });
        if (!is_convicted && !is_known) heard.push_back({v, epoch});
      }
    }
  }
  EXPECT_GT(pairs, 200U);
}

}  // namespace
}  // namespace micro
