#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/codec/bech32m.hpp"

namespace micro {
namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

RC_GTEST_PROP(Bech32m, RoundTrips, ()) {
  const auto size = *rc::gen::inRange<std::size_t>(0, 49);
  const auto data = *rc::gen::container<Bytes>(size, rc::gen::arbitrary<std::uint8_t>());
  const std::string text = bech32m_encode("tmnet", data);
  const auto got = bech32m_decode("tmnet", text);
  RC_ASSERT(got.has_value());
  RC_ASSERT(*got == data);
}

RC_GTEST_PROP(Bech32m, UpToFourWrongCharactersNeverPass, ()) {
  const auto data = *rc::gen::container<Bytes>(33, rc::gen::arbitrary<std::uint8_t>());
  const std::string right = bech32m_encode("mnet", data);
  std::string text = right;
  const auto wrong = *rc::gen::inRange<std::size_t>(1, 5);
  for (std::size_t i = 0; i < wrong; ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(5, text.size());
    text[at] = kAlphabet[*rc::gen::inRange<std::size_t>(0, 32)];
  }
  RC_PRE(text != right);
  const auto got = bech32m_decode("mnet", text);
  RC_ASSERT(!got);
}

RC_GTEST_PROP(Bech32m, OneWrongCharacterIsFound, ()) {
  const auto data = *rc::gen::container<Bytes>(33, rc::gen::arbitrary<std::uint8_t>());
  const std::string right = bech32m_encode("mnet", data);
  std::string text = right;
  const auto at = *rc::gen::inRange<std::size_t>(5, text.size());
  text[at] = kAlphabet[*rc::gen::inRange<std::size_t>(0, 32)];
  RC_PRE(text != right);
  const auto got = bech32m_decode("mnet", text);
  RC_ASSERT(!got);
  RC_ASSERT(got.error().message.ends_with("at position " + std::to_string(at + 1) + " is likely wrong"));
}

}  // namespace
}  // namespace micro
