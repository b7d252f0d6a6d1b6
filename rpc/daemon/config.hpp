// One NodeConfig. Flags override the environment, which overrides the file; an unknown key in the file is refused.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "chain/base/result.hpp"

namespace micro {

struct NodeConfig {
  std::filesystem::path data_dir;
  std::filesystem::path cache_dir;                 ///< sources, builds, compiled modules: safe to delete
  std::filesystem::path socket_path;               ///< Unix socket of the command line
  std::optional<std::filesystem::path> genesis;    ///< JSON; absent: the one in data_dir, or a new one is made
  std::string network = "local";                   ///< name of a genesis that is made
  std::string http_host = "127.0.0.1";             ///< loopback only
  std::uint16_t http_port = 8080;                  ///< 0: any free port
  bool free_calls = false;                         ///< serve calls of services placed here to loopback without payment
  bool dev = false;                                ///< short epochs, local sources, accounts with public keys
  std::uint32_t dev_epoch_ms = 1'000;
  std::uint32_t build_threads = 1;
  std::uint32_t worker_processes = 1;
  std::string log_level = "info";
};

/// Reads `[node] [http] [services] [log]` into `config`; keys that are absent keep their value.
Status read_config_file(const std::filesystem::path& file, NodeConfig& config);

/// "127.0.0.1:8080"; refuses addresses that are not loopback, since the gateway has no authentication for strangers.
Status parse_http_listen(std::string_view text, NodeConfig& config);

/// <data>/rpc.sock where that fits a socket address, else a file of this user in $XDG_RUNTIME_DIR.
std::filesystem::path default_socket_path(const std::filesystem::path& data_dir);
std::filesystem::path default_data_dir(const std::string& network);
std::filesystem::path default_cache_dir();

}  // namespace micro
