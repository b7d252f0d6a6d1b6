#include "services/build/strip/strip.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

Bytes module(std::initializer_list<Bytes> sections) {
  Bytes out = {0, 'a', 's', 'm', 1, 0, 0, 0};
  for (const auto& s : sections) out.insert(out.end(), s.begin(), s.end());
  return out;
}

const Bytes kType = {1, 4, 1, 0x60, 0, 0};
const Bytes kName = {0, 5, 4, 'n', 'a', 'm', 'e'};
const Bytes kPaddedCode = {10, 0x82, 0x80, 0x00, 0xaa, 0xbb};  // size 2 in three bytes

TEST(StripCustomSections, RemovesOnlyThem) {
  EXPECT_EQ(strip_custom_sections(module({kName, kType, kName, kPaddedCode, kName})).value(),
            module({kType, kPaddedCode}));
  EXPECT_EQ(strip_custom_sections(module({kType})).value(), module({kType}));
  EXPECT_EQ(strip_custom_sections(module({})).value(), module({}));
}

TEST(StripCustomSections, RefusesWhatIsNoModule) {
  EXPECT_FALSE(strip_custom_sections({}).has_value());
  EXPECT_FALSE(strip_custom_sections(as_bytes("!<arch>\n")).has_value());
  EXPECT_FALSE(strip_custom_sections(Bytes{0, 'a', 's', 'm', 2, 0, 0, 0}).has_value());
}

TEST(StripCustomSections, RefusesCutAndOverlongSizes) {
  const Bytes whole = module({kName, kType});
  for (std::size_t n = 0; n < whole.size(); ++n) {
    if (n == 8 || n == 8 + kName.size()) continue;  // ends between sections
    EXPECT_FALSE(strip_custom_sections(ByteView(whole).first(n)).has_value()) << n;
  }
  EXPECT_FALSE(strip_custom_sections(module({{1, 0xff, 0xff, 0xff, 0xff, 0x1f}})).has_value());
  EXPECT_FALSE(strip_custom_sections(module({{1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}})).has_value());
  EXPECT_FALSE(strip_custom_sections(module({{0, 0xff, 0xff, 0xff, 0xff, 0x0f}})).has_value());
}

}  // namespace
}  // namespace micro
