// What is frozen stays frozen, and no two entries of a registry collide.
#include <gtest/gtest.h>

#include <set>

#include "chain/crypto/domains.hpp"
#include "chain/governance/policy_abi.hpp"
#include "chain/records/records.hpp"
#include "chain/types/event.hpp"
#include "chain/types/tx_status.hpp"

namespace micro {
namespace {

TEST(Domains, HaveDistinctTexts) {
  const std::set<std::string_view> distinct(domain::kTexts.begin(), domain::kTexts.end());
  EXPECT_EQ(distinct.size(), domain::kTexts.size());
}

TEST(TxStatuses, HaveDistinctNumbersInTheRangeOfTheirConsequence) {
  std::set<std::uint16_t> numbers;
  std::size_t count = 0;
#define X(name, number, text)      \
  numbers.insert(number);          \
  ++count;                         \
  EXPECT_TRUE(is_known(TxStatus::name));
  MICRO_TX_STATUSES(X)
#undef X
  EXPECT_EQ(numbers.size(), count);
  EXPECT_FALSE(is_known(static_cast<TxStatus>(9'999)));
  EXPECT_TRUE(is_included(TxStatus::kOk));
  EXPECT_FALSE(is_included(TxStatus::kNonceGap));
  EXPECT_TRUE(is_included(TxStatus::kNameTaken));
}

TEST(Events, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < std::variant_size_v<Event>; ++i) names.insert(event_name(i));
  EXPECT_EQ(names.size(), std::variant_size_v<Event>);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(Paths, StartWithTheirModule) {
  EXPECT_EQ(module_of(path::name("hello")), Module::kNames);
  EXPECT_EQ(module_of(path::placement(VersionId{})), Module::kPlacements);
  EXPECT_NE(path::name("hello"), path::name("hellp"));
}

}  // namespace
}  // namespace micro
