#include "genesis/json/write_json.hpp"

namespace micro {

std::string write_json(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace micro
