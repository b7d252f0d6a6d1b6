// The command line. Commands talk to a running node over its Unix socket and sign in this process; the three that run
// nodes themselves are given from outside, so that the command line links no database and no engine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "chain/base/result.hpp"
#include "chain/types/ids.hpp"

namespace micro {

/// `micro server`: what was given by flag or environment; the rest comes from the file or is the node's default.
struct ServerOptions {
  std::optional<std::filesystem::path> config_file;  ///< TOML
  std::optional<std::filesystem::path> data_dir;     ///< default: default_data_dir(network)
  std::optional<std::filesystem::path> socket;       ///< default: default_socket_path(data_dir)
  std::optional<std::filesystem::path> genesis;      ///< absent: the folder's own, or a new network of one is made
  std::string network = "local";                     ///< name of the folder, and of a network that is made
  std::optional<std::string> http_listen;            ///< "127.0.0.1:8080"
  bool free_calls = false;  ///< serve calls of services placed here to loopback without payment
  std::string log_level = "info";
  bool color = false;  ///< in the log
  bool json = false;   ///< the line that says that the node is ready is a document
};

/// `micro dev`: a network for development with funded accounts whose keys are public.
struct DevOptions {
  std::optional<std::filesystem::path> state_dir;  ///< --state: kept there; absent: ephemeral
  std::optional<std::filesystem::path> socket;     ///< default: default_socket_path(default_data_dir("dev"))
  std::optional<std::string> http_listen;
  std::optional<std::filesystem::path> accounts_out;  ///< writes the accounts there as JSON
  std::uint32_t epoch_ms = 1'000;
  bool paid_only = false;  ///< --paid-only: the gateway asks for payment from loopback too
  std::string log_level = "warn";
  bool color = false;
  bool json = false;
};

/// The tour asks both versions of its service once.
inline constexpr std::uint32_t kLeastDemoCalls = 2;

/// `micro demo`: the tour.
struct DemoOptions {
  bool json = false;
  bool quiet = false;
  bool keep = false;          ///< leave the temporary folder and say where it is
  std::uint32_t calls = 100;  ///< paid calls, at least kLeastDemoCalls
};

/// replay_policy of rpc/replay.
using PolicyRunner = std::function<Result<Bytes>(ByteView wasm, ByteView input, const Hash& engine)>;

/// run_… print data and progress; their errors are printed by the command line, like those of all commands.
struct NodeCommands {
  std::function<Status(const ServerOptions&)> run_server;
  std::function<Status(const DevOptions&)> run_dev;
  std::function<Status(const DemoOptions&)> run_demo;
  PolicyRunner run_policy;  ///< for `micro audit decision --replay`
};

/// Parses, runs, prints; never throws. The value is the process's exit code.
int cli_main(int argc, char** argv, const NodeCommands& nodes);

}  // namespace micro
