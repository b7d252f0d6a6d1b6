#include "chain/codec/codec.hpp"

#include <gtest/gtest.h>

#include "tests/gen/codec_sample.hpp"

namespace micro {
namespace {

using test::Colour;
using test::full_sample;
using test::Point;
using test::Sample;

template <class T>
std::string hex_of(const T& v) {
  return to_hex(encode(v));
}

template <class T>
std::string refusal(std::string_view hex) {
  const auto got = decode<T>(from_hex(hex).value());
  return got ? "accepted" : got.error().message;
}

TEST(Codec, WritesTheBorshLayout) {
  EXPECT_EQ(hex_of(std::uint32_t{0x01020304}), "04030201");
  EXPECT_EQ(hex_of(std::int16_t{-2}), "feff");
  EXPECT_EQ(hex_of(true), "01");
  EXPECT_EQ(hex_of(Colour::kBlue), "07");
  EXPECT_EQ(hex_of(Height(1)), "0100000000000000");
  EXPECT_EQ(hex_of(Blob<4>(Bytes{0xff})), "01000000ff");
  EXPECT_EQ(hex_of(Text<4>("hi")), "020000006869");
  EXPECT_EQ(hex_of(std::optional<std::uint8_t>{}), "00");
  EXPECT_EQ(hex_of(std::optional<std::uint8_t>{5}), "0105");
  EXPECT_EQ(hex_of(std::variant<std::uint8_t, std::uint16_t>{std::uint16_t{2}}), "010200");
  EXPECT_EQ(hex_of(Point{1, -1}), "0100ffffffff");
  EXPECT_EQ(hex_of(List<std::uint8_t, 3>{1, 2}), "020000000102");
  EXPECT_EQ(hex_of(SortedMap<std::uint8_t, bool, 3>{{2, true}, {1, false}}), "0200000001000201");
}

TEST(Codec, ReadsBackWhatItWrote) {
  EXPECT_EQ(decode<Sample>(encode(full_sample())).value(), full_sample());
  EXPECT_EQ(decode<Sample>(encode(Sample{})).value(), Sample{});
}

TEST(Codec, RefusesEveryTruncationAndEveryExtension) {
  Bytes bytes = encode(full_sample());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(decode<Sample>(ByteView(bytes).first(n))) << n;
  }
  bytes.push_back(0);
  EXPECT_EQ(decode<Sample>(bytes).error().message, "1 bytes after the end");
}

TEST(Codec, EveryBitFlipIsRefusedOrAnotherValueWithExactlyThoseBytes) {
  const Bytes bytes = encode(full_sample());
  int refused = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    const auto got = decode<Sample>(flipped);
    refused += got ? 0 : 1;
    if (!got) continue;
    EXPECT_NE(*got, full_sample()) << bit;
    EXPECT_EQ(encode(*got), flipped) << bit;
  }
  EXPECT_GT(refused, 100) << "lengths, bools, tags and UTF-8 are checked";
}

TEST(Codec, RefusesSecondEncodingsOfOneValue) {
  EXPECT_EQ(refusal<bool>("02"), "a bool is 0 or 1");
  EXPECT_EQ(refusal<std::optional<bool>>("0201"), "a bool is 0 or 1");
  EXPECT_EQ(refusal<Colour>("03"), "unknown enumerator 3");
  EXPECT_EQ(refusal<Colour>("00"), "unknown enumerator 0");
  using Choice = std::variant<std::uint8_t, bool>;
  EXPECT_EQ(refusal<Choice>("0200"), "unknown variant 2");
  EXPECT_EQ(refusal<Choice>("ff00"), "unknown variant 255");
  using Map = SortedMap<std::uint8_t, bool, 3>;
  EXPECT_EQ(refusal<Map>("0200000002000100"), "map keys are not ascending");
  EXPECT_EQ(refusal<Map>("0200000001000100"), "map keys are not ascending") << "duplicates too";
}

struct Ends {
  Point point;
  Colour colour = Colour::kBlue;
  static constexpr auto kFields = fields<&Ends::point, &Ends::colour>;
};
struct Around {
  Ends front;
  bool flag = false;
  Blob<4> middle;
  Height height;
  Ends back;
  static constexpr auto kFields =
      fields<&Around::front, &Around::flag, &Around::middle, &Around::height, &Around::back>;
};

// Neighbours of a fixed size are read in one step; what is wrong with one of them is said as if it had been read alone.
TEST(Codec, FieldsReadTogetherAreCheckedOneByOne) {
  static_assert(codec_detail::fixed_size<Ends>() == 7 && codec_detail::fixed_size<Around>() == 0);
  static_assert(codec_detail::fixed_run<Around, 0>().fields == 2 && codec_detail::fixed_run<Around, 0>().bytes == 8);
  static_assert(codec_detail::fixed_run<Around, 2>().fields == 0);
  static_assert(codec_detail::fixed_run<Around, 3>().fields == 2 && codec_detail::fixed_run<Around, 3>().bytes == 15);
  const std::string ends = "0100ffffffff07";
  const std::string good = ends + "01" + "01000000aa" + "0200000000000000" + ends;
  const auto read = decode<Around>(from_hex(good).value());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(hex_of(*read), good);
  EXPECT_EQ(read->height, Height(2));
  EXPECT_EQ(refusal<Ends>("0100ffffffff03"), "unknown enumerator 3");
  EXPECT_EQ(refusal<Around>("0100ffffffff03" + good.substr(14)), "unknown enumerator 3");
  EXPECT_EQ(refusal<Around>(ends + "02" + good.substr(16)), "a bool is 0 or 1");
  EXPECT_EQ(refusal<Around>(good.substr(0, good.size() - 2) + "04"), "unknown enumerator 4");
  for (std::size_t n = 0; n < good.size(); n += 2) EXPECT_EQ(refusal<Around>(good.substr(0, n)), "ends too early") << n;
}

TEST(Codec, ChecksLimitsBeforeItAllocates) {
  EXPECT_EQ(refusal<Blob<2>>("03000000aabbcc"), "length 3 is over 2");
  EXPECT_EQ(refusal<Text<2>>("03000000616263"), "length 3 is over 2");
  EXPECT_EQ((refusal<List<std::uint8_t, 2>>("03000000010203")), "length 3 is over 2");
  EXPECT_EQ((refusal<SortedMap<std::uint8_t, bool, 1>>("0200000001000201")), "length 2 is over 1");
  EXPECT_EQ(refusal<Blob<0xffffffff>>("ffffffff00"), "ends too early") << "4 GiB are announced, 1 byte is there";
  EXPECT_EQ((refusal<List<std::uint64_t, 0xffffffff>>("ffffff7f00")), "ends too early");
  EXPECT_EQ(decode<Blob<2>>(from_hex("03000000aabbcc").value()).error().fault, Fault::kLimit);
}

TEST(Codec, TakesOnlyValidUtf8) {
  for (const char* text : {"", "a", "é", "日本", "😀", "\x7f", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"}) {
    EXPECT_TRUE(is_valid_utf8(text)) << to_hex(as_bytes(text));
  }
  // Stray continuation, truncated, overlong, surrogate, above U+10FFFF, bytes that never occur.
  for (const char* text :
       {"\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff", "a\xc3z"}) {
    EXPECT_FALSE(is_valid_utf8(text)) << to_hex(as_bytes(text));
  }
  EXPECT_EQ(refusal<Text<4>>("0100000080"), "text is not UTF-8");
  EXPECT_EQ(refusal<Text<4>>("0100000000"), "accepted") << "a zero byte is a character like any other";
}

TEST(Codec, DecodesAPrefixWhenAskedStepByStep) {
  const Bytes bytes = Encoder{}.put(std::uint16_t{7}).put(Text<4>("ab")).take();
  Decoder decoder(bytes);
  std::uint16_t number = 0;
  ASSERT_TRUE(decoder.get(number));
  EXPECT_EQ(number, 7);
  EXPECT_EQ(decoder.rest().size(), 6U);
  EXPECT_FALSE(decoder.finish());
  Text<4> text;
  ASSERT_TRUE(decoder.get(text));
  EXPECT_TRUE(decoder.finish());
}

}  // namespace
}  // namespace micro
