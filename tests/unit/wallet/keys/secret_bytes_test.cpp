#include "wallet/keys/secret_bytes.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace micro {
namespace {

TEST(SecretBytes, MovesWithoutCopying) {
  SecretBytes a = SecretBytes::copy_of("correct horse");
  const auto* place = a.view().data();
  SecretBytes b = std::move(a);
  EXPECT_EQ(b.view().data(), place);
  EXPECT_EQ(b.text(), "correct horse");
  SecretBytes c;
  c = std::move(b);
  EXPECT_EQ(c.text(), "correct horse");
}

TEST(SecretBytes, ShrinkingWipesTheEnd) {
  SecretBytes a = SecretBytes::copy_of("abcdef");
  const auto* place = a.view().data();
  a.shrink(2);
  EXPECT_EQ(a.text(), "ab");
  EXPECT_EQ(place[2] | place[3] | place[4] | place[5], 0);
}

TEST(SecretBytesDeathTest, ReadingPastTheEndStopsTheProcess) {
  const SecretBytes a(32);
  const volatile std::uint8_t* end = a.view().data() + a.size();
  EXPECT_DEATH({ [[maybe_unused]] const auto byte = *end; }, "");
}

}  // namespace
}  // namespace micro
