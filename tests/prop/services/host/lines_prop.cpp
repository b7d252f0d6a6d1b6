#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/codec/codec.hpp"
#include "services/host/process/lines.hpp"

namespace micro {
namespace {

RC_GTEST_PROP(EscapeLine, GivesCleanTextAndLeavesCleanTextAlone, (const std::string& line)) {
  const std::string escaped = escape_line(line);
  RC_ASSERT(is_valid_utf8(escaped));
  RC_ASSERT(escape_line(escaped) == escaped);
  for (const char c : escaped) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 || c == '\t');
}

RC_GTEST_PROP(LineSplitter, ChunksDoNotMatter, (const std::string& text, const std::vector<std::uint8_t>& cuts)) {
  std::vector<std::string> whole, pieces;
  LineSplitter one([&](std::string_view line) { whole.emplace_back(line); });
  one.add(text);
  one.finish();
  LineSplitter many([&](std::string_view line) { pieces.emplace_back(line); });
  std::string_view rest = text;
  for (const auto cut : cuts) {
    const std::size_t n = std::min<std::size_t>(cut, rest.size());
    many.add(rest.substr(0, n));
    rest.remove_prefix(n);
  }
  many.add(rest);
  many.finish();
  RC_ASSERT(whole == pieces);
}

}  // namespace
}  // namespace micro
