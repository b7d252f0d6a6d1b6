#include "wallet/payer/openings.hpp"

#include <gtest/gtest.h>

#include "tests/gen/temp_folder.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

Opening opening(std::uint64_t nonce) {
  Opening out;
  out.tx.body.nonce = Nonce(nonce);
  OpenChannel open;
  open.deposit = Amount(500);
  out.tx.body.payload = open;
  out.max_call_price = Amount(7);
  return out;
}

TEST(Openings, AreThereAgainUntilTheyAreRemoved) {
  const test::TempFolder folder;
  const Opening first = opening(1), second = opening(2);
  {
    auto openings = Openings::open(folder / "o");
    ASSERT_TRUE(openings) << openings.error().message;
    EXPECT_TRUE(openings->add(first));
    EXPECT_TRUE(openings->add(second));
  }
  auto openings = Openings::open(folder / "o");
  ASSERT_TRUE(openings) << openings.error().message;
  ASSERT_EQ(openings->all().size(), 2U);
  EXPECT_EQ(encode(openings->all().at(tx_id(first.tx.body))), encode(first));
  EXPECT_TRUE(openings->remove(tx_id(first.tx.body)));
  EXPECT_TRUE(openings->remove(tx_id(first.tx.body))) << "it is gone already";
  const auto again = Openings::open(folder / "o");
  ASSERT_TRUE(again);
  ASSERT_EQ(again->all().size(), 1U);
  EXPECT_TRUE(again->all().contains(tx_id(second.tx.body)));
}

TEST(Openings, AreOfChannelsOnly) {
  const test::TempFolder folder;
  auto openings = Openings::open(folder / "o");
  ASSERT_TRUE(openings);
  Opening other = opening(1);
  other.tx.body.payload = RequestClose{};
  EXPECT_EQ(openings->add(other).error().fault, Fault::kInvalid);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "o"));
}

TEST(Openings, SayWhatIsDamagedAndPassOverAnUnfinishedWrite) {
  const test::TempFolder folder;
  const Opening one = opening(1);
  const auto path = folder.path() / "o" / tx_id(one.tx.body).hex();
  ASSERT_TRUE(Openings::open(folder / "o"));
  ASSERT_TRUE(write_file_durably(path.string() + ".new", as_bytes("half"), IfPresent::kReplace));
  const auto empty = Openings::open(folder / "o");
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_TRUE(empty->all().empty());
  ASSERT_TRUE(write_file_durably(path, encode(opening(2)), IfPresent::kReplace));
  const auto damaged = Openings::open(folder / "o");
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().fault, Fault::kCorrupt);
  EXPECT_NE(damaged.error().message.find(path.string()), std::string::npos);
}

}  // namespace
}  // namespace micro
