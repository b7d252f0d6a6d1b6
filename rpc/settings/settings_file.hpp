// Settings files are TOML. Every include of the parser goes through here: it is all inline, so two configurations of it
// in one program would be mixed by the linker.
#pragma once

#include <filesystem>

#include "chain/base/result.hpp"

namespace micro {

/// What the parser takes for impossible is not, for some malformed files: that refuses the file, and ends no process.
struct TomlSurprise {};

}  // namespace micro

#pragma push_macro("NDEBUG")
#undef NDEBUG  // else what it takes for impossible would be undefined behaviour
#define TOML_EXCEPTIONS 1
#define TOML_ASSERT(expr) \
  ((expr) ? static_cast<void>(0) : throw ::micro::TomlSurprise())  // lint-ok throws: caught in parse_settings
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace micro {

inline constexpr std::size_t kMaxSettingsBytes = 64 * 1024;  ///< of a settings file

/// kInvalid names the line.
Result<toml::table> parse_settings(std::string_view text);
/// At most kMaxSettingsBytes; kInvalid when it cannot be read or is longer. The name of the file is in the message.
Result<std::string> read_settings(const std::filesystem::path& file);
/// "line 3"
std::string line_of(const toml::node& node);

}  // namespace micro
