// JSON as we write it for others.
#pragma once

#include <string>

#include "genesis/json/strict_json.hpp"

namespace micro {

/// On one line. Texts come from strangers: what in them is not UTF-8 is shown as U+FFFD, where dump() would throw.
std::string write_json(const Json& json);

}  // namespace micro
