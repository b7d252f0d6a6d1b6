// Property 3: decode inverts encode, what is accepted re-encodes to the same bytes, damage is refused or another value.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/codec_sample.hpp"

namespace micro {
namespace {

using test::Colour;
using test::Point;
using test::Sample;

template <class T>
rc::Gen<T> words_of(std::size_t max) {
  return rc::gen::map(rc::gen::container<std::string>(rc::gen::inRange<char>('a', 'z')), [max](std::string s) {
    s.resize(std::min(s.size(), max));
    return T(std::move(s));
  });
}

Point any_point() {
  return {*rc::gen::arbitrary<std::uint16_t>(), *rc::gen::arbitrary<std::int32_t>()};
}

Bytes any_bytes(std::size_t max) {
  auto bytes = *rc::gen::arbitrary<Bytes>();
  bytes.resize(std::min(bytes.size(), max));
  return bytes;
}

std::variant<test::Nothing, Point, Blob<8>> any_choice() {
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      return test::Nothing{};
    case 1:
      return any_point();
    default:
      return Blob<8>(any_bytes(8));
  }
}

Sample any_sample() {
  Sample s;
  s.version = *rc::gen::arbitrary<std::uint8_t>();
  s.flag = *rc::gen::arbitrary<bool>();
  s.colour = *rc::gen::element(Colour::kRed, Colour::kGreen, Colour::kBlue);
  s.wide = *rc::gen::arbitrary<std::uint64_t>();
  s.signed_wide = *rc::gen::arbitrary<std::int64_t>();
  s.height = Height(*rc::gen::arbitrary<std::uint64_t>());
  for (auto& b : s.hash.data) b = *rc::gen::arbitrary<std::uint8_t>();
  s.blob = Blob<32>(any_bytes(32));
  s.text = *words_of<Text<16>>(16);
  for (int n = *rc::gen::inRange(0, 5); n > 0; --n) s.points.push_back(any_point());
  for (int n = *rc::gen::inRange(0, 4); n > 0; --n) s.words.push_back(*words_of<Text<4>>(4));
  if (*rc::gen::arbitrary<bool>()) s.maybe = any_point();
  s.choice = any_choice();
  for (int n = *rc::gen::inRange(0, 6); n > 0; --n) s.map[*rc::gen::arbitrary<std::uint16_t>()] = *words_of<Text<4>>(4);
  return s;
}

RC_GTEST_PROP(CodecProp, DecodeInvertsEncode, ()) {
  const Sample sample = any_sample();
  const auto back = decode<Sample>(encode(sample));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == sample);
}

RC_GTEST_PROP(CodecProp, DamageIsRefusedOrAnotherValueWithExactlyThoseBytes, ()) {
  const Sample sample = any_sample();
  Bytes bytes = encode(sample);
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  const auto mask = *rc::gen::inRange<int>(1, 256);
  bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ mask);
  const auto got = decode<Sample>(bytes);
  RC_CLASSIFY(got.has_value(), "accepted");
  if (got) RC_ASSERT(encode(*got) == bytes && *got != sample);
}

RC_GTEST_PROP(CodecProp, AnyBytesThatAreAcceptedAreTheOneEncoding, (const Bytes& bytes)) {
  using Small = std::variant<std::uint8_t, std::optional<bool>, List<Colour, 3>, SortedMap<std::uint8_t, bool, 3>>;
  const auto got = decode<Small>(bytes);
  RC_CLASSIFY(got.has_value(), "accepted");
  if (got) RC_ASSERT(encode(*got) == bytes);
}

}  // namespace
}  // namespace micro
