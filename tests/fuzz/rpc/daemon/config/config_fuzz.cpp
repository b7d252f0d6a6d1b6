// A node's settings: what is accepted is in range, and written down again it reads as the same.
#include "rpc/daemon/config/config.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

/// A TOML string; every byte below space as an escape, the rest as it is: it was valid UTF-8 when it was read.
std::string quoted(const std::string& text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string written(const NodeConfig& c) {
  const std::string host = c.http_host == "::1" ? "[::1]" : c.http_host;
  std::string out = "[node]\ndata = " + quoted(c.data_dir.string()) + "\ncache = " + quoted(c.cache_dir.string()) +
                    "\nsocket = " + quoted(c.socket_path.string()) + "\n";
  if (c.genesis) out += "genesis = " + quoted(c.genesis->string()) + "\n";
  out += "[http]\nlisten = " + quoted(host + ":" + std::to_string(c.http_port)) +
         "\nfree_calls = " + (c.free_calls ? "true" : "false") + "\n";
  out += "[network]\nepoch_ms = " + std::to_string(c.epoch_ms) +
         "\ndispute_epochs = " + std::to_string(c.dispute_epochs) + "\n";
  out += "[services]\nbuild_threads = " + std::to_string(c.build_threads) +
         "\nworkers = " + std::to_string(c.worker_processes) + "\n";
  return out + "[log]\nlevel = " + quoted(c.log_level) + "\n";
}

auto all_of(const NodeConfig& c) {
  return std::tie(c.data_dir, c.cache_dir, c.socket_path, c.genesis, c.http_host, c.http_port, c.free_calls, c.epoch_ms,
                  c.dispute_epochs, c.build_threads, c.worker_processes, c.log_level);
}

}  // namespace

bool fuzz(ByteView input) {
  NodeConfig config;
  const Status read = read_config(as_text(input), config);
  if (!read) {
    CHECK(read.error().fault == Fault::kInvalid && !read.error().message.empty(), "a refusal says why");
    return false;
  }
  CHECK(config.http_host == "::1" || config.http_host.starts_with("127."), "it listens on loopback only");
  CHECK(config.epoch_ms >= 50 && config.dispute_epochs >= 1, "times are in range");
  CHECK(config.build_threads >= 1 && config.build_threads <= 64, "threads are in range");
  CHECK(config.worker_processes >= 1 && config.worker_processes <= 256, "processes are in range");
  NodeConfig again;
  CHECK(read_config(written(config), again), "what was accepted can be written down");
  CHECK(all_of(again) == all_of(config), "and reads as the same");
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  for (const std::string_view text : {
           "",
           "[node]\ndata = \"/d\"\ncache = '/c'\nsocket = \"/s\"\ngenesis = \"g.json\"\n"
           "[http]\nlisten = \"127.0.0.1:9\"\nfree_calls = true\n[network]\nepoch_ms = 200\ndispute_epochs = 3\n"
           "[services]\nbuild_threads = 2\nworkers = 3\n[log]\nlevel = \"debug\"\n",
           "http.listen = \"[::1]:0\"\nlog = { level = \"warn\" }\n",
           "# only a comment\n[http]\nlisten = \"localhost:65535\"",
           "[node]\ndata = \"\"\"\na \\\"quoted\\\" \\u00e9 folder\"\"\"\n",
           "network.epoch_ms = 0x1_00\n",
       }) {
    seeds.push_back(to_bytes(text));
  }
  return seeds;
}

}  // namespace micro::test
