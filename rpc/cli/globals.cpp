#include "rpc/cli/globals.hpp"

#include <algorithm>
#include <charconv>

#include "chain/types/genesis.hpp"
#include "rpc/settings/settings_file.hpp"

namespace micro {

namespace {

std::unexpected<Error> bad(std::string_view key, const std::string& value, std::string_view wanted) {
  return fail(Fault::kInvalid, std::string(key) + ": \"" + value.substr(0, 80) + "\" is not " + std::string(wanted));
}

Result<bool> parse_flag(std::string_view key, const std::string& value) {
  if (value == "true" || value == "1" || value == "yes") return true;
  if (value == "false" || value == "0" || value == "no" || value.empty()) return false;
  return bad(key, value, "true or false");
}

bool* flag_of(Globals& g, std::string_view key) {
  if (key == "json") return &g.json;
  if (key == "plain") return &g.plain;
  if (key == "quiet") return &g.quiet;
  if (key == "verbose") return &g.verbose;
  if (key == "yes") return &g.yes;
  if (key == "no_input") return &g.no_input;
  if (key == "dry_run") return &g.dry_run;
  return nullptr;
}

Status set_wait(Globals& g, const std::string& value) {
  if (value == "none") {
    g.wait = WaitFor::kNone;
  } else if (value == "submitted") {
    g.wait = WaitFor::kSubmitted;
  } else if (value == "included") {
    g.wait = WaitFor::kIncluded;
  } else if (value == "final") {
    g.wait = WaitFor::kFinal;
  } else {
    return bad("wait", value, "none, submitted, included or final");
  }
  return {};
}

Status set_color(Globals& g, const std::string& value) {
  if (value == "auto") {
    g.color = ColorMode::kAuto;
  } else if (value == "always") {
    g.color = ColorMode::kAlways;
  } else if (value == "never") {
    g.color = ColorMode::kNever;
  } else {
    return bad("color", value, "auto, always or never");
  }
  return {};
}

Result<std::string> toml_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto flag = node.value_exact<bool>()) return std::string(*flag ? "true" : "false");
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  return fail(Fault::kInvalid, "expected text, a whole number, true or false");
}

bool may_set(std::string_view key, bool is_project) {
  const auto known = std::ranges::find(kGlobalSettings, key, &GlobalSetting::key);
  return !is_project || known == kGlobalSettings.end() || known->in_project;
}

Status load_file(Globals& globals, const std::filesystem::path& file, bool is_project = false) {
  std::error_code absent;
  if (!std::filesystem::exists(file, absent)) return {};
  const auto parsed = parse_settings(TRY(read_settings(file)));
  const auto at = [&](const toml::node& node) { return file.string() + " " + line_of(node) + ": "; };
  if (!parsed) {
    return fail(Fault::kInvalid, file.string() + " " + parsed.error().message, parsed.error().hint);
  }
  for (const auto& [section, content] : *parsed) {
    const auto* table = content.as_table();
    if (section.str() != "cli" || table == nullptr) {
      return fail(Fault::kInvalid, at(content) + "unknown setting " + std::string(section.str()),
                  "commands read the section [cli]");
    }
    for (const auto& [key, node] : *table) {
      if (!may_set(key.str(), is_project)) {
        return fail(Fault::kInvalid, at(node) + "a project cannot set " + std::string(key.str()),
                    "set it in your own config.toml, in the environment or with a flag");
      }
      auto text = toml_text(node);
      auto status = text ? set_global(globals, key.str(), *text) : Status(std::unexpected(text.error()));
      if (!status) return fail(Fault::kInvalid, at(node) + status.error().message, status.error().hint);
    }
  }
  return {};
}

}  // namespace

Result<std::uint64_t> parse_duration_ms(std::string_view text) {
  std::uint64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  const std::string_view unit(end, static_cast<std::size_t>(last - end));
  std::uint64_t factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s" || unit.empty()) factor = 1'000;
  if (unit == "m") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  constexpr std::uint64_t kWeekMs = 604'800'000;
  if (error != std::errc{} || factor == 0 || number > kWeekMs / factor) {
    return fail(Fault::kInvalid, "\"" + std::string(text) + "\" is not a time", "write it like 90s, 500ms or 2m");
  }
  return number * factor;
}

Status check_network_name(std::string_view name) {
  const bool safe =
      !name.empty() && name.size() <= kMaxNetworkNameBytes && name[0] != '.' && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
      });
  if (name.ends_with(".json")) {
    return fail(Fault::kInvalid,
                "\"" + std::string(name.substr(0, 80)) + "\" looks like a file, not like a network's name",
                "a genesis file goes with --genesis");
  }
  if (safe) return {};
  return fail(Fault::kInvalid, "\"" + std::string(name.substr(0, 80)) + "\" is not the name of a network",
              "it has up to " + std::to_string(kMaxNetworkNameBytes) + " of a to z, 0 to 9, -, _ and .");
}

Status set_global(Globals& g, std::string_view key, const std::string& value) {
  if (bool* flag = flag_of(g, key)) {
    *flag = TRY(parse_flag(key, value));
    return {};
  }
  if (key == "wait") return set_wait(g, value);
  if (key == "color") return set_color(g, value);
  if (key == "account") {
    g.account = value;
  } else if (key == "max_price") {
    g.max_price = TRY(parse_amount(value));
  } else if (key == "timeout") {
    g.timeout_ms = TRY(parse_duration_ms(value));
  } else if (key == "env") {
    TRY(check_network_name(value));
    g.env = value;
  } else if (key == "data") {
    g.data = value;
  } else if (key == "socket") {
    g.socket = value;
  } else if (key == "wallets") {
    g.wallets = value;
  } else if (key == "password_file") {
    g.password_file = value;
  } else if (key == "password_fd") {
    int fd = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), fd);
    if (error != std::errc{} || end != value.data() + value.size() || fd < 0) return bad(key, value, "a descriptor");
    g.password_fd = fd;
  } else {
    return fail(Fault::kInvalid, "unknown setting " + std::string(key));
  }
  return {};
}

Status load_globals(Globals& globals, const ConfigFiles& files, EnvironmentReader environment) {
  TRY(load_file(globals, files.machine));
  TRY(load_file(globals, files.user));
  TRY(load_file(globals, files.project, true));
  for (const GlobalSetting& setting : kGlobalSettings) {
    const char* value = environment(std::string(setting.variable).c_str());
    if (value == nullptr || *value == '\0') continue;
    if (auto status = set_global(globals, setting.key, value); !status) {
      return fail(Fault::kInvalid, std::string(setting.variable) + ": " + status.error().message, status.error().hint);
    }
  }
  const char* no_color = environment("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0' && globals.color == ColorMode::kAuto) globals.color = ColorMode::kNever;
  return {};
}

}  // namespace micro
