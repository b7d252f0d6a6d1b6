#include "rpc/settings/settings_file.hpp"

#include <fstream>

namespace micro {

Result<toml::table> parse_settings(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& e) {
    return fail(Fault::kInvalid, "line " + std::to_string(e.source().begin.line) + ": " + std::string(e.description()));
  } catch (const TomlSurprise&) {
    return fail(Fault::kInvalid, "is not TOML", "look for characters that cannot be seen, and for a [ without a name");
  }
}

Result<std::string> read_settings(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return fail(Fault::kInvalid, "cannot open the settings file " + file.string());
  std::string text(kMaxSettingsBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return fail(Fault::kInvalid, "cannot read the settings file " + file.string());
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMaxSettingsBytes) {
    return fail(Fault::kInvalid, file.string() + " is longer than " + std::to_string(kMaxSettingsBytes) + " bytes");
  }
  return text;
}

std::string line_of(const toml::node& node) {
  return "line " + std::to_string(node.source().begin.line);
}

}  // namespace micro
