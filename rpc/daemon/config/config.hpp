// One NodeConfig. Flags override the environment, which overrides the file; an unknown key in the file is refused.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "rpc/paths/paths.hpp"

namespace micro {

struct NodeConfig {
  std::filesystem::path data_dir;
  std::filesystem::path cache_dir;               ///< sources, builds, compiled modules: safe to delete
  std::filesystem::path socket_path;             ///< Unix socket of the command line
  std::optional<std::filesystem::path> genesis;  ///< JSON; absent: the one in data_dir, or a new one is made
  std::string network = "local";                 ///< name of a genesis that is made
  std::string http_host = "127.0.0.1";           ///< loopback only
  std::uint16_t http_port = 8080;                ///< 0: any free port
  bool free_calls = false;                       ///< serve calls of services placed here to loopback without payment
  bool dev = false;                              ///< accounts with public keys, offered resources, a paying gateway
  std::uint32_t epoch_ms = 5'000;                ///< of a network that is made
  std::uint32_t bucket_epochs = 0;               ///< of a network that is made; 0: as many as make a day
  std::uint32_t dispute_epochs = 5;              ///< of a network that is made
  std::filesystem::path wallets_dir;             ///< whose current account owns a network that is made
  std::uint32_t journal_kib = 64u << 10;         ///< of one epoch's votes: then rewritten without what is final
  std::uint32_t proofs_mib = 4u << 10;  ///< of what convicts others, kept while bonds answer; the oldest go first
  std::uint32_t build_threads = 1;
  std::uint32_t worker_processes = 1;
  std::string log_level = "info";
};

/// Reads `[node] [http] [network] [services] [log]` into `config`; keys that are absent keep their value. kInvalid
/// names the line; what stood before it may have been read.
Status read_config(std::string_view text, NodeConfig& config);
/// The same of a file of at most 64 KiB; kInvalid also when it cannot be read.
Status read_config_file(const std::filesystem::path& file, NodeConfig& config);

/// "127.0.0.1:8080"; refuses addresses that are not loopback, since the gateway has no authentication for strangers.
Status parse_http_listen(std::string_view text, NodeConfig& config);

}  // namespace micro
