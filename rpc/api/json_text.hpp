#pragma once

#include "genesis/json/strict_json.hpp"

namespace micro {

/// JSON as text. What is not UTF-8 in it (a caller's header, a service's output) becomes U+FFFD; the library by itself
/// would throw, and nothing here may end because of somebody's bytes.
inline std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace micro
