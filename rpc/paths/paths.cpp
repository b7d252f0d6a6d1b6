#include "rpc/paths/paths.hpp"

#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

namespace micro {

namespace {
namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string(value);
}

/// $XDG_…, which must be absolute to count, else below the home folder.
fs::path xdg(const char* name, const char* below_home) {
  const fs::path own = environment(name);
  if (own.is_absolute()) return own / "micro";
  const std::string home = environment("HOME");
  return (home.empty() ? fs::path("/root") : fs::path(home)) / below_home / "micro";
}
}  // namespace

fs::path default_data_dir(const std::string& network) { return xdg("XDG_DATA_HOME", ".local/share") / network; }

fs::path default_socket_path(const fs::path& data_dir) {
  const fs::path beside = data_dir / "rpc.sock";
  if (beside.string().size() < sizeof(sockaddr_un::sun_path)) return beside;
  const std::string runtime = environment("XDG_RUNTIME_DIR");
  const fs::path folder = runtime.empty() ? fs::temp_directory_path() : fs::path(runtime);
  return folder / ("micro-" + std::to_string(getuid()) + ".sock");
}

fs::path default_cache_dir() {
  const std::string own = environment("MICRO_CACHE_DIR");
  return own.empty() ? xdg("XDG_CACHE_HOME", ".cache") : fs::path(own);
}

fs::path default_config_dir() { return xdg("XDG_CONFIG_HOME", ".config"); }

fs::path default_wallets_dir() {
  const std::string own = environment("MICRO_WALLETS");
  return own.empty() ? xdg("XDG_DATA_HOME", ".local/share") / "wallets" : fs::path(own);
}

}  // namespace micro
