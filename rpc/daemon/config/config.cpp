#include "rpc/daemon/config/config.hpp"

#include <arpa/inet.h>

#include <charconv>

#include "rpc/settings/settings_file.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;

Status wrong_type(const toml::node& node, std::string_view key, std::string_view wanted) {
  return fail(Fault::kInvalid, line_of(node) + ": " + std::string(key) + " must be " + std::string(wanted));
}

Status take_text(const toml::node& node, std::string_view key, std::string& out) {
  const auto value = node.value_exact<std::string>();
  if (!value) return wrong_type(node, key, "text");
  out = *value;
  return {};
}

Status take_bool(const toml::node& node, std::string_view key, bool& out) {
  const auto value = node.value_exact<bool>();
  if (!value) return wrong_type(node, key, "true or false");
  out = *value;
  return {};
}

Status take_count(const toml::node& node, std::string_view key, std::uint32_t least, std::uint32_t most,
                  std::uint32_t& out) {
  const auto value = node.value_exact<std::int64_t>();
  if (!value || *value < least || *value > most) {
    return wrong_type(node, key, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  out = static_cast<std::uint32_t>(*value);
  return {};
}

Status take_key(const std::string& key, const toml::node& node, NodeConfig& config) {
  std::string text;
  if (key == "node.data") {
    TRY(take_text(node, key, text));
    config.data_dir = text;
  } else if (key == "node.cache") {
    TRY(take_text(node, key, text));
    config.cache_dir = text;
  } else if (key == "node.socket") {
    TRY(take_text(node, key, text));
    config.socket_path = text;
  } else if (key == "node.genesis") {
    TRY(take_text(node, key, text));
    config.genesis = text;
  } else if (key == "node.journal_kib") {
    TRY(take_count(node, key, 1, 1u << 20, config.journal_kib));
  } else if (key == "node.proofs_mib") {
    TRY(take_count(node, key, 1, 1u << 20, config.proofs_mib));
  } else if (key == "http.listen") {
    TRY(take_text(node, key, text));
    TRY(parse_http_listen(text, config));
  } else if (key == "http.free_calls") {
    TRY(take_bool(node, key, config.free_calls));
  } else if (key == "network.epoch_ms") {
    TRY(take_count(node, key, 50, 86'400'000, config.epoch_ms));
  } else if (key == "network.bucket_epochs") {
    TRY(take_count(node, key, 1, 1'000'000, config.bucket_epochs));
  } else if (key == "network.dispute_epochs") {
    TRY(take_count(node, key, 1, 1'000'000, config.dispute_epochs));
  } else if (key == "services.build_threads") {
    TRY(take_count(node, key, 1, 64, config.build_threads));
  } else if (key == "services.workers") {
    TRY(take_count(node, key, 1, 256, config.worker_processes));
  } else if (key == "log.level") {
    TRY(take_text(node, key, config.log_level));
  } else {
    return fail(Fault::kInvalid, line_of(node) + ": unknown setting " + key,
                "settings are node.{data,cache,socket,genesis,journal_kib,proofs_mib}, http.{listen,free_calls}, "
                "network.{epoch_ms,bucket_epochs,dispute_epochs}, services.{build_threads,workers}, log.level");
  }
  return {};
}

}  // namespace

Status read_config(std::string_view text, NodeConfig& config) {
  const toml::table parsed = TRY(parse_settings(text));
  for (const auto& [section, content] : parsed) {
    const auto* table = content.as_table();
    if (table == nullptr) return take_key(std::string(section.str()), content, config);
    for (const auto& [key, node] : *table) {
      TRY(take_key(std::string(section.str()) + "." + std::string(key.str()), node, config));
    }
  }
  return {};
}

Status read_config_file(const fs::path& file, NodeConfig& config) {
  const std::string text = TRY(read_settings(file));
  Status read = read_config(text, config);
  if (!read) return fail(read.error().fault, file.string() + " " + read.error().message, read.error().hint);
  return read;
}

Status parse_http_listen(std::string_view text, NodeConfig& config) {
  const std::size_t colon = text.rfind(':');
  std::string host(colon == std::string_view::npos ? std::string_view("127.0.0.1") : text.substr(0, colon));
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (host.empty() || host == "localhost") host = "127.0.0.1";
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size()) {
    return fail(Fault::kInvalid, "\"" + std::string(text) + "\" is not host:port", "write it like 127.0.0.1:8080");
  }
  if (host == "[::1]") host = "::1";
  in_addr address{};
  const bool is_ipv4 = host.find('\0') == std::string::npos && ::inet_pton(AF_INET, host.c_str(), &address) == 1;
  if (host != "::1" && !(is_ipv4 && host.starts_with("127."))) {
    return fail(Fault::kInvalid, "the gateway listens on loopback addresses only, not on " + host,
                "use 127.0.0.1 and put a reverse proxy in front to reach it from elsewhere");
  }
  config.http_host = host;
  config.http_port = number;
  return {};
}

}  // namespace micro
