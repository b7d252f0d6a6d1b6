#pragma once

#include <string>
#include <string_view>

namespace micro {

/// "name" or "name@commit".
struct ServiceRef {
  std::string name;
  std::string ref;
};
ServiceRef service_ref(std::string_view text);

/// Percent-encoded for a path segment or a query's value (RFC 3986 §2.3).
std::string url_component(std::string_view text);

}  // namespace micro
