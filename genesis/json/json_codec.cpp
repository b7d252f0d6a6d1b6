#include "genesis/json/json_codec.hpp"

#include <charconv>

namespace micro::json_detail {

Result<std::uint64_t> read_u64_text(const Json& json) {
  if (!json.is_string()) {
    return fail(Fault::kInvalid, "expected a number of 64 bits as text", "write it in quotes: \"7\"");
  }
  const auto& text = json.get_ref<const std::string&>();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0')) {
    return fail(Fault::kInvalid, "\"" + text.substr(0, 40) + "\" is not an unsigned number of 64 bits");
  }
  return value;
}

Result<std::uint64_t> read_number(const Json& json, std::uint64_t max) {
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > max) {
    return fail(Fault::kInvalid, "expected a whole number from 0 to " + std::to_string(max));
  }
  return json.get<std::uint64_t>();
}

Result<std::string> read_text(const Json& json, std::size_t max_bytes) {
  if (!json.is_string()) return fail(Fault::kInvalid, "expected text");
  const auto& text = json.get_ref<const std::string&>();
  if (text.size() > max_bytes) return fail(Fault::kLimit, "longer than " + std::to_string(max_bytes) + " bytes");
  return text;
}

Status check_object(const Json& json, std::span<const std::string_view> names) {
  if (!json.is_object()) return fail(Fault::kInvalid, "expected an object");
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(names, std::string_view(key)) != names.end()) continue;
    std::string known;
    for (const auto name : names) known += (known.empty() ? "" : ", ") + std::string(name);
    return fail(Fault::kInvalid, "unknown key \"" + key.substr(0, 80) + "\"", "the keys are: " + known);
  }
  return {};
}

}  // namespace micro::json_detail
