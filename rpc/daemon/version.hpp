#pragma once

#include <string_view>

namespace micro {

inline constexpr std::string_view kMicroVersion = "0.1.0";

}  // namespace micro
