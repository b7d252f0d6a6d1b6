// Settings that every command shares. A flag wins over MICRO_* in the environment, that over the project's micro.toml,
// that over the user's config.toml, and that over the machine's.
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
  bool verbose = false;
  std::string account;              ///< WALLET, WALLET/ACCOUNT or devN; empty: the current one
  std::optional<Amount> max_price;  ///< of one call
  WaitFor wait = WaitFor::kFinal;
  std::uint64_t timeout_ms = kDefaultTimeoutMs;  ///< of one command's waiting
  ColorMode color = ColorMode::kAuto;
  std::optional<std::filesystem::path> data;
  std::optional<std::filesystem::path> socket;
  std::string env;  ///< the network meant; empty: the one that runs
  std::optional<std::filesystem::path> wallets;
  std::optional<std::filesystem::path> password_file;
  std::optional<int> password_fd;
};

struct GlobalSetting {
  std::string_view key;       ///< in config.toml; with - for _ the flag
  std::string_view variable;  ///< in the environment
  bool is_flag;               ///< true or false; alone on the command line it means true
  bool in_project;            ///< a project's file may set it
  std::string_view placeholder;
  std::string_view help;
};

inline constexpr std::array kGlobalSettings{
    GlobalSetting{"json", "MICRO_JSON", true, false, "", "one JSON document on stdout; streams as one document a line"},
    GlobalSetting{"plain", "MICRO_PLAIN", true, true, "", "tables with tabs, no header, no redrawing"},
    GlobalSetting{"quiet", "MICRO_QUIET", true, true, "", "no progress and no hints"},
    GlobalSetting{"verbose", "MICRO_VERBOSE", true, true, "", "show more, like the lines of a build"},
    GlobalSetting{"yes", "MICRO_YES", true, false, "", "do not ask for confirmation"},
    GlobalSetting{"no_input", "MICRO_NO_INPUT", true, false, "", "never ask anything: fail instead"},
    GlobalSetting{"dry_run", "MICRO_DRY_RUN", true, false, "", "show the transaction, sign and send nothing"},
    GlobalSetting{"account", "MICRO_ACCOUNT", false, false, "NAME", "wallet, wallet/account or dev0 … dev9"},
    GlobalSetting{"max_price", "MICRO_MAX_PRICE", false, false, "TOK", "most that one call may cost"},
    GlobalSetting{"wait", "MICRO_WAIT", false, true, "WHAT", "none, submitted, included or final (the default)"},
    GlobalSetting{"timeout", "MICRO_TIMEOUT", false, true, "TIME", "how long to wait, like 90s, 500ms or 2m"},
    GlobalSetting{"color", "MICRO_COLOR", false, true, "WHEN", "auto, always or never"},
    GlobalSetting{"env", "MICRO_ENV", false, true, "NAME",
                  "the network meant: dev, local or the name given to micro server"},
    GlobalSetting{"data", "MICRO_DATA", false, false, "DIR", "the node of this data folder"},
    GlobalSetting{"socket", "MICRO_SOCKET", false, false, "FILE", "the node that listens on this socket"},
    GlobalSetting{"wallets", "MICRO_WALLETS", false, false, "DIR", "folder of the wallets"},
    GlobalSetting{"password_file", "MICRO_PASSWORD_FILE", false, false, "FILE",
                  "read the wallet's password from a file"},
    GlobalSetting{"password_fd", "MICRO_PASSWORD_FD", false, false, "N",
                  "read the wallet's password from this descriptor"},
};

/// kInvalid says what the setting takes.
Status set_global(Globals& globals, std::string_view key, const std::string& value);
/// A network's name is the name of its folder too.
Status check_network_name(std::string_view name);
/// "90s", "500ms", "2m", "1h"; a bare number is seconds.
Result<std::uint64_t> parse_duration_ms(std::string_view text);

using EnvironmentReader = const char* (*)(const char* name);

/// Files with a section [cli]; one that is not there is passed over.
struct ConfigFiles {
  std::filesystem::path machine;
  std::filesystem::path user;
  /// Comes with what somebody cloned: it may say how commands of this project look and where they go, but neither who
  /// signs nor what may be spent.
  std::filesystem::path project;
};
/// The files, then the environment. Unknown keys are refused.
Status load_globals(Globals& globals, const ConfigFiles& files, EnvironmentReader environment);

}  // namespace micro
