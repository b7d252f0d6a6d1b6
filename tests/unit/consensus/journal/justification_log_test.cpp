#include "consensus/journal/justification_log.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

Certificate certificate(std::uint64_t view, StatementKind kind = StatementKind::kNotarize, std::uint8_t block = 1) {
  Certificate out;
  out.statement.kind = kind;
  out.statement.view = View(view);
  if (kind != StatementKind::kNullify) out.statement.block.data[0] = block;
  out.signers = {0b111};
  out.signatures.resize(3);
  return out;
}

JustifiedEpoch epoch_head(std::uint32_t epoch) {
  JustifiedEpoch out;
  out.epoch = Epoch(epoch);
  out.last_of_previous.data[0] = static_cast<std::uint8_t>(epoch + 1);
  out.set.members.push_back({Ed25519Key{}, 7});
  if (epoch > 0) out.ended_previous = certificate(99, StatementKind::kFinalize);
  return out;
}

class JustificationLogTest : public testing::Test {
 protected:
  std::unique_ptr<JustificationLog> open(std::uint64_t budget = 1u << 20) {
    return JustificationLog::open(folder_.path().string(), ChainId{}, budget).value();
  }
  void fill(JustificationLog& log, std::uint32_t epoch, std::uint64_t views, Epoch answerable = Epoch(0)) {
    ASSERT_TRUE(log.begin(epoch_head(epoch), answerable));
    for (std::uint64_t v = 1; v <= views; ++v) ASSERT_TRUE(log.keep(certificate(v)));
    ASSERT_TRUE(log.sync());
  }
  [[nodiscard]] std::uint64_t on_disk() const {
    std::uint64_t sum = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) sum += entry.file_size();
    }
    return sum;
  }
  test::TempFolder folder_;
};

TEST_F(JustificationLogTest, KeepsTheFirstOfEachViewAndKindAcrossRestarts) {
  {
    const auto log = open();
    ASSERT_TRUE(log->begin(epoch_head(3), Epoch(0)));
    ASSERT_TRUE(log->keep(certificate(1)));
    ASSERT_TRUE(log->keep(certificate(1, StatementKind::kNullify)));
    ASSERT_TRUE(log->keep(certificate(1, StatementKind::kNotarize, 2)));
    ASSERT_TRUE(log->keep(certificate(1, StatementKind::kFinalize)));
    ASSERT_TRUE(log->keep(certificate(9, StatementKind::kFinalize)));
    ASSERT_TRUE(log->keep(certificate(9)));
    ASSERT_TRUE(log->sync());
  }
  const auto log = open();
  ASSERT_TRUE(log->begin(epoch_head(3), Epoch(0)));
  ASSERT_TRUE(log->keep(certificate(1, StatementKind::kNullify)));
  ASSERT_TRUE(log->keep(certificate(2)));
  const std::vector<Certificate> wanted{certificate(1), certificate(1, StatementKind::kNullify),
                                        certificate(9, StatementKind::kFinalize), certificate(2)};
  EXPECT_EQ(log->read(Epoch(3)).value(), wanted);
  EXPECT_TRUE(log->read(Epoch(2)).value().empty());
}

// Whoever has the folder, or a copy of it, needs nothing else to judge what is in it, and no node has to stop.
TEST_F(JustificationLogTest, IsReadFromOutsideWithWhatItIsCheckedAgainst) {
  const auto log = open();
  fill(*log, 3, 2);
  fill(*log, 4, 5);
  fill(*log, 4, 1);  // begun again
  const auto kept = read_justifications(folder_.path().string()).value();
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].head.epoch, Epoch(3));
  EXPECT_EQ(kept[0].certificates.size(), 2U);
  EXPECT_EQ(kept[1].head.last_of_previous, epoch_head(4).last_of_previous);
  EXPECT_EQ(kept[1].head.set, epoch_head(4).set);
  EXPECT_EQ(kept[1].head.ended_previous, epoch_head(4).ended_previous);
  EXPECT_EQ(kept[1].certificates, log->read(Epoch(4)).value());
  EXPECT_EQ(kept[1].certificates.size(), 5U);
}

TEST_F(JustificationLogTest, EpochsThatNobodyAnswersForAreForgotten) {
  const auto log = open();
  for (std::uint32_t e = 0; e < 5; ++e) fill(*log, e, 4);
  EXPECT_EQ(log->read(Epoch(0)).value().size(), 4U);
  fill(*log, 5, 4, Epoch(3));
  EXPECT_TRUE(log->read(Epoch(2)).value().empty());
  EXPECT_EQ(log->read(Epoch(3)).value().size(), 4U);
  EXPECT_EQ(log->bytes(), on_disk());
}

TEST_F(JustificationLogTest, OverTheBudgetTheOldestEpochsGo) {
  constexpr std::uint64_t kBudget = 40'000;
  {
    const auto log = open(kBudget);
    for (std::uint32_t e = 0; e < 12; ++e) {
      fill(*log, e, 20);
      EXPECT_LE(on_disk(), kBudget);
      EXPECT_EQ(log->bytes(), on_disk());
    }
    EXPECT_TRUE(log->read(Epoch(0)).value().empty());
    EXPECT_EQ(log->read(Epoch(10)).value().size(), 20U);
    EXPECT_EQ(log->not_kept(), 0U);
    fill(*log, 12, 500);
    EXPECT_LE(on_disk(), kBudget);
    EXPECT_TRUE(log->read(Epoch(11)).value().empty());
    EXPECT_GT(log->not_kept(), 0U);
    EXPECT_EQ(log->read(Epoch(12)).value().size() + log->not_kept(), 500U);
  }
  const auto log = open(kBudget / 4);  // a smaller budget holds from the next start on
  ASSERT_TRUE(log->begin(epoch_head(13), Epoch(0)));
  EXPECT_LE(on_disk(), kBudget / 4);
}

TEST_F(JustificationLogTest, WhatIsDamagedIsDroppedAndStopsNobody) {
  fill(*open(), 1, 20);
  {
    std::fstream file(folder_.path() / "1" / Journal::kRecordsFile, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(400);
    file.write("damage", 6);
  }
  const auto log = open();
  ASSERT_TRUE(log->begin(epoch_head(1), Epoch(0)));
  EXPECT_LT(log->read(Epoch(1)).value().size(), 20U);
  ASSERT_TRUE(log->keep(certificate(30)));
  EXPECT_EQ(log->read(Epoch(1)).value().back(), certificate(30));
}

TEST_F(JustificationLogTest, TwoProcessesNeverShareIt) {
  const auto log = open();
  EXPECT_EQ(JustificationLog::open(folder_.path().string(), ChainId{}).error().fault, Fault::kBusy);
}

}  // namespace
}  // namespace micro
