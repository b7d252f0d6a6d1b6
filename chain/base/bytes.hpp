#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chain/base/result.hpp"

namespace micro {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) { return Bytes(view.begin(), view.end()); }
inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

/// Lower-case hex, two digits a byte.
std::string to_hex(ByteView bytes);
/// Accepts either case, no prefix, an even number of digits.
Result<Bytes> from_hex(std::string_view text);

/// Equal length and bytes, in time that depends on the length only.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace micro
