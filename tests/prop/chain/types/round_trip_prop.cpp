// Property 3 for every type of the ledger: decode inverts encode, cut bytes are refused, changed bytes are refused or
// are another value with exactly those bytes (so that any identifier over them changes).
#include <gtest/gtest.h>

#include <set>

#include "tests/gen/any_value.hpp"
#include "tests/gen/wire_types.hpp"

namespace micro {
namespace {

constexpr int kCases = 10'000;

template <class T>
void check_one(const Bytes& bytes, Random& random) {
  const auto back = decode<T>(bytes);
  ASSERT_TRUE(back) << back.error().message << " in " << to_hex(bytes);
  ASSERT_EQ(encode(*back), bytes);

  const auto cut = test::draw_below(random, bytes.size());
  ASSERT_FALSE(decode<T>(ByteView(bytes).first(cut))) << "cut to " << cut << " bytes: " << to_hex(bytes);
  Bytes longer = bytes;
  longer.push_back(0);
  ASSERT_FALSE(decode<T>(longer)) << to_hex(longer);

  Bytes damaged = bytes;
  const auto bit = test::draw_below(random, bytes.size() * 8);
  damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
  const auto other = decode<T>(damaged);
  ASSERT_TRUE(!other || encode(*other) == damaged) << "bit " << bit;
}

template <class T>
void check(const char* name) {
  SCOPED_TRACE(name);
  SeededRandom random(1);
  std::set<Bytes> distinct;
  for (int n = 0; n < kCases && !::testing::Test::HasFatalFailure(); ++n) {
    const Bytes bytes = encode(test::any_value<T>(random));
    distinct.insert(bytes);
    check_one<T>(bytes, random);
  }
  EXPECT_GT(distinct.size(), 10U) << "the generator is too narrow";
}

TEST(RoundTripProp, EveryWireType) {
#define X(type) check<type>(#type);
  MICRO_WIRE_TYPES(X)
#undef X
}

// A generator that never reaches a kind proves nothing about it.
template <class V>
void expect_every_alternative(const char* name) {
  SeededRandom random(1);
  std::vector<int> seen(std::variant_size_v<V>);
  for (int n = 0; n < 200 * static_cast<int>(seen.size()); ++n) ++seen[test::any_value<V>(random).index()];
  for (std::size_t index = 0; index < seen.size(); ++index) EXPECT_GE(seen[index], 100) << name << " " << index;
}

TEST(RoundTripProp, TheGeneratorReachesEveryKindOfTransactionAndEvent) {
  expect_every_alternative<Payload>("Payload");
  expect_every_alternative<Event>("Event");
}

}  // namespace
}  // namespace micro
