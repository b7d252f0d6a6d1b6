// A type with every shape the codec knows, for tests of the codec itself.
#pragma once

#include "chain/codec/codec.hpp"

namespace micro::test {

enum class Colour : std::uint8_t { kRed = 1, kGreen = 2, kBlue = 7 };
inline bool is_known(Colour c) {
  return c == Colour::kRed || c == Colour::kGreen || c == Colour::kBlue;
}

struct Point {
  std::uint16_t x = 0;
  std::int32_t y = 0;
  bool operator==(const Point&) const = default;
  static constexpr auto kFields = fields<&Point::x, &Point::y>;
};

struct Nothing {
  bool operator==(const Nothing&) const = default;
  static constexpr auto kFields = fields<>;
};

struct Sample {
  std::uint8_t version = 1;
  bool flag = false;
  Colour colour = Colour::kRed;
  std::uint64_t wide = 0;
  std::int64_t signed_wide = 0;
  Height height;
  Hash hash;
  Blob<32> blob;
  Text<16> text;
  List<Point, 4> points;
  List<Text<4>, 3> words;
  std::optional<Point> maybe;
  std::variant<Nothing, Point, Blob<8>> choice;
  SortedMap<std::uint16_t, Text<4>, 5> map;
  bool operator==(const Sample&) const = default;
  static constexpr auto kFields =
      fields<&Sample::version, &Sample::flag, &Sample::colour, &Sample::wide, &Sample::signed_wide, &Sample::height,
             &Sample::hash, &Sample::blob, &Sample::text, &Sample::points, &Sample::words, &Sample::maybe,
             &Sample::choice, &Sample::map>;
};

inline Sample full_sample() {
  Sample s;
  s.flag = true;
  s.colour = Colour::kBlue;
  s.wide = 0x0102030405060708;
  s.signed_wide = -2;
  s.height = Height(9);
  s.hash.data.fill(0xab);
  s.blob = Blob<32>(Bytes{1, 2, 3});
  s.text = Text<16>("héllo");
  s.points = {Point{1, -1}, Point{2, -2}};
  s.words = {Text<4>("a"), Text<4>(""), Text<4>("abcd")};
  s.maybe = Point{3, 3};
  s.choice = Blob<8>(Bytes{9});
  s.map = {{1, Text<4>("one")}, {256, Text<4>("big")}};
  return s;
}

}  // namespace micro::test
