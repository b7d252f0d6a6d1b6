// JSON as we read it, whoever wrote it: what nlohmann/json would repair, merge or round is refused here. It keeps the
// last of two equal keys and turns 2⁶⁴ into a double; a file that two readers understand differently is an attack.
#pragma once

#include <nlohmann/json.hpp>

#include "chain/base/result.hpp"

namespace micro {

/// Objects keep the order in which they were written.
using Json = nlohmann::ordered_json;

inline constexpr std::size_t kMaxJsonDepth = 32;
inline constexpr std::size_t kMaxJsonKeysPerObject = 256;

/// RFC 8259 and besides: no byte order mark, no key twice in an object, no number with a fraction or exponent or beyond
/// 64 bits, at most kMaxJsonDepth levels. kInvalid names line and column; kLimit for the limits.
Result<Json> parse_json(std::string_view text);

/// The text of a value, on one line, or with lines indented by `indent`. Bytes that are not UTF-8 (a guest's, or quoted
/// from a request) become U+FFFD: the library's own writer throws on them, and whoever sends them would end the
/// process.
std::string json_text(const Json& json, int indent = -1);

}  // namespace micro
