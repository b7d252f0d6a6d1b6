#include "rpc/daemon/run.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cstdio>
#include <thread>

#include "genesis/json/strict_json.hpp"
#include "rpc/daemon/node.hpp"
#include "rpc/paths/paths.hpp"
#include "wallet/disk/files.hpp"
#include "wallet/keystore/process_hardening.hpp"

namespace micro {
namespace {

/// Clients, databases and workers together need more descriptors than many shells allow at first.
void raise_descriptor_limit() {
  constexpr rlim_t kDescriptors = 16'384;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kDescriptors) return;
  limit.rlim_cur = std::min(limit.rlim_max, kDescriptors);
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

/// SIGINT and SIGTERM end the node in order. The mask is set before any thread starts, so only this thread sees them.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }
  void watch(Node& node) {
    thread_ = std::thread([this, &node] {
      timespec pause{0, 100'000'000};
      while (!done_) {
        if (sigtimedwait(&set_, nullptr, &pause) > 0) node.stop();
      }
    });
  }
  ~StopSignals() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  sigset_t set_{};
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

Status set_up_log(const std::string& level, bool color) {
  const auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off") {
    return fail(Fault::kInvalid, "\"" + level + "\" is not a log level", "use trace, debug, info, warn, error or off");
  }
  spdlog::set_default_logger(
      spdlog::stderr_color_mt("micro", color ? spdlog::color_mode::always : spdlog::color_mode::never));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  spdlog::set_level(parsed);
  return {};
}

/// What a command has to be given to find this node; nothing where commands look by themselves.
std::string way_to(const NodeConfig& config) {
  if (config.socket_path == default_socket_path(default_data_dir(config.network))) {
    const bool known = config.network == kDevNetwork || config.network == kLocalNetwork;
    return known ? std::string() : "--env " + config.network;
  }
  if (config.socket_path == default_socket_path(config.data_dir)) return "--data " + config.data_dir.string();
  return "--socket " + config.socket_path.string();
}

void announce(const Node& node, bool as_json, std::uint64_t started_ms) {
  const std::string http = node.config().http_host + ":" + std::to_string(node.http_port());
  const std::uint64_t took = SystemClock().now().ns / 1'000'000 - started_ms;
  if (as_json) {
    const Json line{{"ready", true},
                    {"network", std::string(node.genesis().network)},
                    {"chain_id", chain_id(node.genesis()).hex()},
                    {"http", "http://" + http},
                    {"socket", node.config().socket_path.string()},
                    {"data_dir", node.config().data_dir.string()}};
    fmt::print("{}\n", json_text(line));
  } else {
    fmt::print("network {}  http://{}  data {}\n", std::string(node.genesis().network), http,
               node.config().data_dir.string());
    if (const std::string way = way_to(node.config()); !way.empty()) {
      fmt::print("commands reach it with {}\n", way);
    }
    fmt::print("ready in {}.{} s\n", took / 1'000, took % 1'000 / 100);
  }
  std::fflush(stdout);
}

Status serve(NodeConfig config, bool color, bool as_json, const std::function<Status(Node&)>& before) {
  const std::uint64_t started_ms = SystemClock().now().ns / 1'000'000;
  TRY(set_up_log(config.log_level, color));
  if (const auto hard = protect_process_memory(); !hard) spdlog::warn("{}", hard.error().message);
  StopSignals signals;
  raise_descriptor_limit();
  const auto node = TRY(Node::open(std::move(config)));
  TRY(node->listen());
  if (before) TRY(before(*node));
  signals.watch(*node);
  return node->run([&] { announce(*node, as_json, started_ms); });
}

/// A folder that goes with the process.
class EphemeralFolder {
 public:
  EphemeralFolder() {
    const std::filesystem::path parent = std::filesystem::temp_directory_path();
    clear_left_folders(parent, "micro-dev-");
    std::string pattern = (parent / "micro-dev-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~EphemeralFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Status print_dev_accounts(const Node& node, const DevOptions& options) {
  Json list = Json::array();
  for (const DevAccount& account : TRY(dev_accounts())) {
    const std::string text = address_text(node.genesis().kind, account.address);
    list.push_back({{"index", account.index},
                    {"address", text},
                    {"path", account.path},
                    {"live", amount_text(Amount(kDevAccountMicro))}});
    if (!options.json && account.index == 0) {
      fmt::print("({}) {}   {} TOK at genesis   {} more: micro dev accounts\n", account.index,
                 address_brief(node.genesis().kind, account.address), amount_text(Amount(kDevAccountMicro)),
                 kDevAccounts - 1);
    }
  }
  if (!options.accounts_out) return {};
  const std::string text =
      json_text(Json{{"phrase", std::string(kDevPhrase)}, {"accounts", std::move(list)}}, 2) + "\n";
  return write_file_durably(*options.accounts_out, as_bytes(text), IfPresent::kReplace);
}

}  // namespace

Status run_server(const ServerOptions& options) {
  NodeConfig config;
  config.network = options.network;
  config.log_level = options.log_level;
  config.free_calls = options.free_calls;
  config.wallets_dir = default_wallets_dir();
  config.cache_dir = default_cache_dir();
  if (options.config_file) TRY(read_config_file(*options.config_file, config));
  if (options.data_dir) config.data_dir = *options.data_dir;
  if (config.data_dir.empty()) config.data_dir = default_data_dir(config.network);
  if (options.socket) config.socket_path = *options.socket;
  if (config.socket_path.empty()) config.socket_path = default_socket_path(config.data_dir);
  if (options.genesis) config.genesis = *options.genesis;
  if (options.http_listen) TRY(parse_http_listen(*options.http_listen, config));
  return serve(std::move(config), options.color, options.json, {});
}

Status run_dev(const DevOptions& options) {
  std::optional<EphemeralFolder> ephemeral;
  NodeConfig config;
  config.dev = true;
  config.network = std::string(kDevNetwork);
  config.log_level = options.log_level;
  config.free_calls = !options.paid_only;
  config.epoch_ms = options.epoch_ms;
  config.cache_dir = default_cache_dir();
  if (options.state_dir) {
    config.data_dir = *options.state_dir;
  } else {
    ephemeral.emplace();
    if (ephemeral->path().empty()) return fail(Fault::kIo, "cannot create a temporary folder", "set TMPDIR");
    config.data_dir = ephemeral->path();
  }
  config.socket_path = options.socket.value_or(default_socket_path(default_data_dir(std::string(kDevNetwork))));
  std::error_code ignored;
  std::filesystem::create_directories(config.socket_path.parent_path(), ignored);
  // Its data folder is its own, but all development networks share one socket: the second is told about the first.
  const std::filesystem::path lock_file = config.socket_path.string() + ".lock";
  const auto lock =
      TRY(ProcessLock::take(lock_file, "another development network listens on " + config.socket_path.string()));
  if (options.http_listen) TRY(parse_http_listen(*options.http_listen, config));
  return serve(std::move(config), options.color, options.json,
               [&](Node& node) { return print_dev_accounts(node, options); });
}

}  // namespace micro
