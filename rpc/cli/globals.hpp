// Settings that every command shares. A flag wins over MICRO_* in the environment, that over the user's config.toml.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include "chain/types/amount.hpp"

namespace micro {

enum class WaitFor : std::uint8_t { kNone, kSubmitted, kIncluded, kFinal };
enum class ColorMode : std::uint8_t { kAuto, kAlways, kNever };

inline constexpr std::uint64_t kDefaultTimeoutMs = 60'000;

struct Globals {
  bool json = false;
  bool plain = false;
  bool quiet = false;
  bool yes = false;
  bool no_input = false;
  bool dry_run = false;
  int verbose = 0;
  std::string account;                          ///< WALLET, WALLET/ACCOUNT or devN; empty: the current one
  std::optional<Amount> max_price;              ///< of one call
  WaitFor wait = WaitFor::kFinal;
  std::uint64_t timeout_ms = kDefaultTimeoutMs; ///< of one command's waiting
  ColorMode color = ColorMode::kAuto;
  std::optional<std::filesystem::path> data;
  std::optional<std::filesystem::path> socket;
  std::string network;                          ///< empty: the one that runs
  std::optional<std::filesystem::path> wallets;
  std::optional<std::filesystem::path> password_file;
  std::optional<int> password_fd;
};

struct GlobalSetting {
  std::string_view key;       ///< in config.toml; with - for _ the flag
  std::string_view variable;  ///< in the environment
  bool is_flag;               ///< true or false; alone on the command line it means true
  std::string_view placeholder;
  std::string_view help;
};

inline constexpr std::array kGlobalSettings{
    GlobalSetting{"json", "MICRO_JSON", true, "", "one JSON document on stdout; streams as one document a line"},
    GlobalSetting{"plain", "MICRO_PLAIN", true, "", "tables with tabs, no header, no redrawing"},
    GlobalSetting{"quiet", "MICRO_QUIET", true, "", "no progress and no hints"},
    GlobalSetting{"yes", "MICRO_YES", true, "", "do not ask for confirmation"},
    GlobalSetting{"no_input", "MICRO_NO_INPUT", true, "", "never ask anything: fail instead"},
    GlobalSetting{"dry_run", "MICRO_DRY_RUN", true, "", "show the transaction, sign and send nothing"},
    GlobalSetting{"account", "MICRO_ACCOUNT", false, "NAME", "wallet, wallet/account or dev0 … dev9"},
    GlobalSetting{"max_price", "MICRO_MAX_PRICE", false, "TOK", "most that one call may cost"},
    GlobalSetting{"wait", "MICRO_WAIT", false, "WHAT", "none, submitted, included or final (the default)"},
    GlobalSetting{"timeout", "MICRO_TIMEOUT", false, "TIME", "how long to wait, like 90s, 500ms or 2m"},
    GlobalSetting{"color", "MICRO_COLOR", false, "WHEN", "auto, always or never"},
    GlobalSetting{"network", "MICRO_NETWORK", false, "NAME", "the node of this network"},
    GlobalSetting{"data", "MICRO_DATA", false, "DIR", "the node of this data folder"},
    GlobalSetting{"socket", "MICRO_SOCKET", false, "FILE", "the node that listens on this socket"},
    GlobalSetting{"wallets", "MICRO_WALLETS", false, "DIR", "folder of the wallets"},
    GlobalSetting{"password_file", "MICRO_PASSWORD_FILE", false, "FILE", "read the wallet's password from a file"},
    GlobalSetting{"password_fd", "MICRO_PASSWORD_FD", false, "N", "read the wallet's password from this descriptor"},
};

/// kInvalid says what the setting takes.
Status set_global(Globals& globals, std::string_view key, const std::string& value);
/// "90s", "500ms", "2m", "1h"; a bare number is seconds.
Result<std::uint64_t> parse_duration_ms(std::string_view text);

using EnvironmentReader = const char* (*)(const char* name);
/// config.toml's [cli] when there is one, then the environment. Unknown keys are refused.
Status load_globals(Globals& globals, const std::filesystem::path& config_file, EnvironmentReader environment);

}  // namespace micro
