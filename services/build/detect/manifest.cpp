#include "services/build/detect/manifest.hpp"

#include "chain/registry/service_rules.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "chain/types/transaction.hpp"
#include "services/build/source/source.hpp"

namespace micro {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 6> kMethods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

std::unexpected<Error> bad(const std::string& what, Fault fault = Fault::kInvalid) {
  return fail(fault, "micro.json: " + what);
}

/// The parser keeps the last of two equal keys; this watches them go by and keeps the first that repeats.
class KeyWatch {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    if (static_cast<std::size_t>(depth) > kMaxManifestDepth) too_deep_ = true;
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end && !open_.empty()) open_.pop_back();
    if (event == Json::parse_event_t::key && !open_.empty()) {
      const auto key = parsed.get<std::string>();
      if (!open_.back().insert(key).second && duplicate_.empty()) duplicate_ = key;
    }
    return true;
  }
  [[nodiscard]] Status verdict() const {
    if (!duplicate_.empty()) return bad("the key \"" + duplicate_ + "\" appears twice");
    if (too_deep_) return bad("nested deeper than " + std::to_string(kMaxManifestDepth) + " levels", Fault::kLimit);
    return {};
  }

 private:
  std::vector<std::set<std::string>> open_;
  std::string duplicate_;
  bool too_deep_ = false;
};

Result<Json> parse_strictly(std::string_view text) {
  if (text.size() > kMaxManifestBytes) {
    return bad(std::to_string(text.size()) + " bytes, the limit is " + std::to_string(kMaxManifestBytes),
               Fault::kLimit);
  }
  KeyWatch watch;
  try {
    Json json = Json::parse(
        text, [&watch](int depth, Json::parse_event_t event, Json& parsed) { return watch(depth, event, parsed); });
    TRY(watch.verdict());
    if (!json.is_object()) return bad("the file is not a JSON object");
    return json;
  } catch (const Json::exception& e) {
    std::string what = e.what();
    if (const auto at = what.find("parse error"); at != std::string::npos) what.erase(0, at);
    return bad(what);
  }
}

Result<std::string> text_of(const Json& value, const std::string& key, std::size_t max_bytes) {
  if (!value.is_string()) return bad("\"" + key + "\" must be a text");
  auto text = value.get<std::string>();
  if (text.size() > max_bytes) {
    return bad("\"" + key + "\" is longer than " + std::to_string(max_bytes) + " bytes", Fault::kLimit);
  }
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f; };
  if (std::ranges::any_of(text, is_control)) return bad("\"" + key + "\" has a control character");
  return text;
}

Result<Language> language_of(const Json& value) {
  const std::string name = TRY(text_of(value, "language", 32));
  if (name == "c") return Language::kC;
  if (name == "c++" || name == "cpp") return Language::kCpp;
  if (name == "go") return Language::kGo;
  return bad("\"language\" is \"" + name + "\"; built are \"c\", \"c++\" and \"go\"");
}

Result<std::vector<std::string>> sources_of(const Json& value) {
  if (!value.is_array() || value.empty()) return bad("\"sources\" must be a list of at least one path");
  if (value.size() > kMaxPlanSources)
    return bad("\"sources\" has more than " + std::to_string(kMaxPlanSources), Fault::kLimit);
  std::vector<std::string> sources;
  for (const Json& item : value) {
    std::string path = TRY(text_of(item, "sources", kMaxSubdirBytes));
    while (path.starts_with("./")) path.erase(0, 2);
    if (path.empty() || path == ".") {
      path = ".";
    } else if (const auto status = check_subdir(path); !status) {
      return bad("\"sources\": " + status.error().message, status.error().fault);
    }
    if (std::ranges::find(sources, path) != sources.end()) return bad("\"sources\" names " + path + " twice");
    sources.push_back(std::move(path));
  }
  return sources;
}

Result<std::uint32_t> count_of(const Json& value, const std::string& key, std::uint32_t least, std::uint32_t most) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() < least || value.get<std::uint64_t>() > most) {
    return bad("\"" + key + "\" must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value.get<std::uint32_t>();
}

Result<Endpoint> endpoint_of(const Json& value) {
  if (!value.is_object()) return bad("\"endpoints\" must hold objects");
  Endpoint out;
  for (const auto& [key, field] : value.items()) {
    if (key == "method") {
      out.method = TRY(text_of(field, "method", 16));
    } else if (key == "path") {
      out.path = TRY(text_of(field, "path", kMaxEndpointPathBytes));
    } else if (key == "description") {
      out.description = TRY(text_of(field, "description", kMaxDescriptionBytes));
    } else if (key == "request" || key == "response") {
      if (!field.is_object()) return bad("an endpoint's \"" + key + "\" must be a JSON Schema object");
      std::string schema = field.dump();
      if (schema.size() > kMaxEndpointSchemaBytes) {
        return bad("a schema is longer than " + std::to_string(kMaxEndpointSchemaBytes) + " bytes", Fault::kLimit);
      }
      (key == "request" ? out.request : out.response) = std::move(schema);
    } else {
      return bad("an endpoint has no key \"" + key + "\"; known are method, path, description, request, response");
    }
  }
  if (std::ranges::find(kMethods, out.method) == kMethods.end()) {
    return bad("an endpoint needs a \"method\": GET, HEAD, POST, PUT, PATCH or DELETE");
  }
  if (!out.path.starts_with('/')) return bad("an endpoint needs a \"path\" that starts with '/'");
  return out;
}

Status read_field(Manifest& out, const std::string& key, const Json& value) {
  if (key == "name") {
    out.name = TRY(text_of(value, key, 256));
    if (!is_service_name(*out.name)) {
      return bad("\"name\" must be 1 to 63 of a-z, 0-9 and '-', start with a letter and not end in '-'");
    }
  } else if (key == "description") {
    out.description = TRY(text_of(value, key, kMaxDescriptionBytes));
  } else if (key == "language") {
    out.language = TRY(language_of(value));
  } else if (key == "sources") {
    out.sources = TRY(sources_of(value));
  } else if (key == "memory_mib") {
    out.memory_mib = TRY(count_of(value, key, kMinMemoryMib, kMaxVersionMemoryMib));
  } else if (key == "stack_kib") {
    out.stack_kib = TRY(count_of(value, key, kMinStackKib, kMaxStackKib));
  } else if (key == "price") {
    const std::string text = TRY(text_of(value, key, 32));
    auto price = parse_amount(text);
    if (!price) return bad("\"price\": " + price.error().message + "; write tokens as a text, such as \"0.001\"");
    out.price = *price;
  } else if (key == "endpoints") {
    if (!value.is_array()) return bad("\"endpoints\" must be a list");
    if (value.size() > kMaxEndpoints)
      return bad("more than " + std::to_string(kMaxEndpoints) + " endpoints", Fault::kLimit);
    for (const Json& item : value) out.endpoints.push_back(TRY(endpoint_of(item)));
  } else {
    return bad("unknown key \"" + key +
               "\"; known are name, description, language, sources, memory_mib, stack_kib, price, endpoints");
  }
  return {};
}

}  // namespace


Result<Manifest> parse_manifest(std::string_view json_text) {
  const Json json = TRY(parse_strictly(json_text));
  Manifest out;
  for (const auto& [key, value] : json.items()) TRY(read_field(out, key, value));
  return out;
}

}  // namespace micro
