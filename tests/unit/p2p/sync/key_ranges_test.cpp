#include "p2p/sync/key_ranges.hpp"

#include <gtest/gtest.h>

namespace micro::p2p::sync {
namespace {

Key key(std::uint8_t high, std::uint8_t low = 0) {
  Key out;
  out.data.front() = high;
  out.data.back() = low;
  return out;
}
Key highest() {
  Key out;
  out.data.fill(0xff);
  return out;
}

TEST(KeyRanges, TheNextKeyCarriesAndEnds) {
  EXPECT_EQ(next_key(key(1, 0xfe)), key(1, 0xff));
  Key carried = key(1);
  carried.data[30] = 1;
  EXPECT_EQ(next_key(key(1, 0xff)), carried);
  EXPECT_EQ(next_key(highest()), std::nullopt);
}

TEST(KeyRanges, TheMiddleIsBetweenAlsoWhereTheSumCarries) {
  EXPECT_EQ(middle_key(key(0, 2), key(0, 4)), key(0, 3));
  EXPECT_EQ(middle_key(key(0, 2), key(0, 3)), key(0, 2));
  EXPECT_EQ(middle_key(key(0x80), key(0x82)), key(0x81));
  Key middle = highest();
  middle.data[0] = 0x7f;
  EXPECT_EQ(middle_key(Key{}, highest()), middle);
  EXPECT_EQ(middle_key(highest(), highest()), highest());
}

TEST(KeyRanges, RemovingCutsAndSplits) {
  KeyRanges ranges;
  ranges.add({key(10), key(20)});
  ranges.remove({key(12), key(14)});
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges.list()[0].first, key(10));
  EXPECT_EQ(next_key(ranges.list()[0].last), key(12));
  EXPECT_EQ(ranges.list()[1].first, key(14, 1));
  EXPECT_EQ(ranges.list()[1].last, key(20));
  ranges.remove({Key{}, highest()});
  EXPECT_TRUE(ranges.empty());
}

TEST(KeyRanges, TheFirstFreePartGoesAroundWhatIsTaken) {
  KeyRanges ranges;
  ranges.add({key(10), key(20)});
  EXPECT_EQ(ranges.first_without({}), (KeyRange{key(10), key(20)}));
  EXPECT_EQ(ranges.first_without({{key(0), key(12)}})->first, key(12, 1));
  const auto before = ranges.first_without({{key(15), key(30)}});
  EXPECT_EQ(before->first, key(10));
  EXPECT_EQ(next_key(before->last), key(15));
  EXPECT_EQ(ranges.first_without({{key(0), highest()}}), std::nullopt);
  EXPECT_EQ(ranges.first_without({{key(10), key(12)}, {key(12, 1), key(20)}}), std::nullopt);
}

TEST(HeightRanges, NeighboursMergeAndMiddlesSplit) {
  HeightRanges ranges;
  ranges.add(10, 20);
  ranges.add(20, 30);
  EXPECT_EQ(ranges.first_in(0, 100), (HeightSpan{10, 30}));
  ranges.remove(12, 25);
  EXPECT_EQ(ranges.first_in(0, 100), (HeightSpan{10, 12}));
  EXPECT_EQ(ranges.first_in(12, 100), (HeightSpan{25, 30}));
  EXPECT_EQ(ranges.first_in(12, 27), (HeightSpan{25, 27}));
  EXPECT_EQ(ranges.first_in(12, 25), std::nullopt);
  ranges.add(11, 26);
  EXPECT_EQ(ranges.first_in(0, 100), (HeightSpan{10, 30}));
}

}  // namespace
}  // namespace micro::p2p::sync
