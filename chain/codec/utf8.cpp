#include <cstdint>
#include <string_view>

#include "chain/codec/codec.hpp"

namespace micro {

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_valid_utf8(std::string_view text) {
  std::size_t i = 0;
  const auto at = [&](std::size_t k) { return static_cast<std::uint8_t>(text[k]); };
  while (i < text.size()) {
    const std::uint8_t b = at(i);
    std::size_t n = 0;
    std::uint32_t point = 0;
    std::uint32_t least = 0;
    if (b < 0x80) {
      ++i;
      continue;
    }
    if (b >= 0xc2 && b <= 0xdf) {
      n = 1, point = b & 0x1fU, least = 0x80;
    } else if ((b & 0xf0) == 0xe0) {
      n = 2, point = b & 0x0fU, least = 0x800;
    } else if (b >= 0xf0 && b <= 0xf4) {
      n = 3, point = b & 0x07U, least = 0x10000;
    } else {
      return false;
    }
    if (i + n >= text.size()) return false;
    for (std::size_t k = 1; k <= n; ++k) {
      if ((at(i + k) & 0xc0) != 0x80) return false;
      point = point << 6 | (at(i + k) & 0x3fU);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += n + 1;
  }
  return true;
}

}  // namespace micro
