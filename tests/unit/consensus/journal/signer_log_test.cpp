#include "consensus/journal/signer_log.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

SignedStatement statement(std::uint32_t epoch, std::uint64_t view, std::uint8_t mark = 0, std::size_t memo = 0) {
  SignedStatement out;
  out.block.header.epoch = Epoch(epoch);
  out.block.header.height = Height(view);
  out.block.header.parent.data.fill(mark);
  for (std::size_t i = 0; i < memo; ++i) out.block.txs.emplace_back();
  out.statement.view = View(view);
  out.statement.block = block_id(out.block.header);
  return out;
}

class SignerLogTest : public testing::Test {
 protected:
  std::unique_ptr<SignerLog> open() {
    auto log = SignerLog::open(folder_.path());
    EXPECT_TRUE(log.has_value()) << (log ? "" : log.error().message);
    return log ? std::move(*log) : nullptr;
  }
  [[nodiscard]] std::filesystem::path file() const { return std::filesystem::path(folder_.path()) / "signer.log"; }
  [[nodiscard]] std::string content() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void overwrite(const std::string& bytes) const { std::ofstream(file(), std::ios::binary | std::ios::trunc) << bytes; }
  test::TempFolder folder_;
};

TEST_F(SignerLogTest, RemembersTheNewestAcrossRestarts) {
  EXPECT_FALSE(open()->last());
  for (std::uint64_t view = 1; view <= 3; ++view) ASSERT_TRUE(open()->record(statement(0, view)));
  const auto log = open();
  ASSERT_TRUE(log->last());
  EXPECT_EQ(encode(*log->last()), encode(statement(0, 3)));
}

// Mark, length, hash of length and body, body: a log that another version wrote is read, and never taken for a torn
// one.
TEST_F(SignerLogTest, TheLayoutIsFrozen) {
  ASSERT_TRUE(open()->record(statement(0, 1)));
  const Bytes body = encode(statement(0, 1));
  Encoder hashed;
  hashed.put(static_cast<std::uint32_t>(body.size())).raw(body);
  Encoder expected;
  expected.raw(as_bytes("microsig")).put(static_cast<std::uint32_t>(body.size()));
  expected.put(blake2b_256(hashed.bytes())).raw(body);
  EXPECT_EQ(as_text(expected.bytes()), content());
}

TEST_F(SignerLogTest, NeverTwoStatementsForOneView) {
  const auto log = open();
  ASSERT_TRUE(log->record(statement(1, 5)));
  EXPECT_TRUE(log->record(statement(1, 5))) << "the same again is no second statement";
  EXPECT_EQ(log->record(statement(1, 5, 9)).error().fault, Fault::kDenied);
  EXPECT_EQ(log->record(statement(1, 4)).error().fault, Fault::kDenied);
  EXPECT_EQ(log->record(statement(0, 9)).error().fault, Fault::kDenied);
  EXPECT_TRUE(log->record(statement(2, 1))) << "views begin again with each epoch";
}

TEST_F(SignerLogTest, TwoProcessesNeverShareIt) {
  const auto log = open();
  const auto second = SignerLog::open(folder_.path());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().fault, Fault::kBusy);
}

TEST_F(SignerLogTest, ARecordCutOffAnywhereWasNeverSigned) {
  ASSERT_TRUE(open()->record(statement(0, 1)));
  const std::string one = content();
  ASSERT_TRUE(open()->record(statement(0, 2)));
  const std::string two = content();
  for (std::size_t size = one.size(); size < two.size(); size += 7) {
    overwrite(two.substr(0, size));
    const auto log = open();
    ASSERT_TRUE(log);
    EXPECT_EQ(log->last()->statement.view, View(1));
    ASSERT_TRUE(log->record(statement(0, 2, 7)));
    EXPECT_EQ(content().size(), two.size());
  }
}

TEST_F(SignerLogTest, ATailOfZerosIsAWriteThatNeverArrived) {
  ASSERT_TRUE(open()->record(statement(0, 1)));
  overwrite(content() + std::string(4'096, '\0'));
  EXPECT_EQ(open()->last()->statement.view, View(1));
}

TEST_F(SignerLogTest, DamageBeforeAWholeRecordIsReported) {
  ASSERT_TRUE(open()->record(statement(0, 1)));
  ASSERT_TRUE(open()->record(statement(0, 2)));
  const std::string good = content();
  for (std::size_t at = 0; at < good.size() / 2; at += 5) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x20);
    overwrite(bad);
    const auto log = SignerLog::open(folder_.path());
    ASSERT_FALSE(log.has_value()) << at;
    EXPECT_EQ(log.error().fault, Fault::kCorrupt);
  }
}

TEST_F(SignerLogTest, IsWrittenAnewWhenItIsLarge) {
  auto log = SignerLog::open(folder_.path(), 10'000).value();
  std::uint64_t view = 1;
  std::uintmax_t largest = 0;
  for (; view < 25; ++view) {
    ASSERT_TRUE(log->record(statement(0, view, 0, 5)));
    const auto size = std::filesystem::file_size(file());
    EXPECT_LE(size, 10'000U);
    if (size < largest) break;
    largest = size;
  }
  EXPECT_LT(view, 25U) << "it never became large enough";
  log.reset();
  EXPECT_EQ(open()->last()->statement.view, View(view));
}

}  // namespace
}  // namespace micro
