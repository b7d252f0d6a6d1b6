// Folders and sockets by convention (XDG base directories). A node and the command line agree on them through this
// file.
#pragma once

#include <filesystem>
#include <string>

#include "chain/base/result.hpp"

namespace micro {

/// Names under which a node runs when nobody chose one: `micro server` and `micro dev`.
inline constexpr std::string_view kLocalNetwork = "local";
inline constexpr std::string_view kDevNetwork = "dev";

/// $XDG_DATA_HOME/micro/<network>
std::filesystem::path default_data_dir(const std::string& network);
/// <data>/rpc.sock where that fits a socket address, else a file of this user in $XDG_RUNTIME_DIR.
std::filesystem::path default_socket_path(const std::filesystem::path& data_dir);
/// $MICRO_CACHE_DIR, else $XDG_CACHE_HOME/micro
std::filesystem::path default_cache_dir();
/// $XDG_CONFIG_HOME/micro
std::filesystem::path default_config_dir();
/// $MICRO_WALLETS, else $XDG_DATA_HOME/micro/wallets: one person's keys serve every network.
std::filesystem::path default_wallets_dir();

}  // namespace micro
