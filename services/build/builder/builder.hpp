// From a source to a wasm module: fetch, detect, build in the sandbox, strip, hash, keep. Calls block and may come from
// several threads at once; each has its own stop token. Every path is below BuilderConfig::cache_dir.
#pragma once

#include <memory>
#include <string>

#include "chain/types/ids.hpp"
#include "services/build/builder/build_log.hpp"
#include "services/build/detect/detect.hpp"
#include "services/build/source/source.hpp"
#include "services/host/git_fetch/git_fetch.hpp"
#include "services/host/sandbox/sandbox.hpp"

namespace micro {

inline constexpr std::size_t kMaxModuleBytes = 32ULL << 20;  ///< the engine takes no larger one

struct BuilderConfig {
  std::string cache_dir;       ///< $MICRO_CACHE_DIR: clones, builds, toolchain hashes, Go's compiled library
  std::string go;              ///< path of the go program; "" looks in PATH and cache_dir
  bool private_hosts = false;  ///< sources may come from hosts in the builder's own network
  FetchLimits fetch_limits;
  SandboxLimits sandbox_limits;
  unsigned parallel = 2;                         ///< compiler processes in one build
  std::string fetch_program = "/proc/self/exe";  ///< its main must call git_fetch_child_main
};

/// A fetched source with its plan. Holds the files until it is destroyed.
class PreparedSource {
 public:
  FetchedSource fetched;
  Detection detection;

  PreparedSource(PreparedSource&&) noexcept;
  PreparedSource& operator=(PreparedSource&&) noexcept;
  ~PreparedSource();

 private:
  friend class Builder;
  struct Hold;
  explicit PreparedSource(std::unique_ptr<Hold> hold);
  std::unique_ptr<Hold> hold_;
};

struct BuildResult {
  std::string wasm_path;  ///< in the cache; may be removed later, so read or copy it now
  CodeHash wasm_sha256;
  std::uint32_t wasm_bytes = 0;
  Hash plan_hash;
  Hash toolchain_hash;
  std::string toolchain;  ///< "clang 19", "go1.26.8"
  std::string log_path;
  std::uint64_t elapsed_ms = 0;
  bool from_cache = false;
};

class Builder {
 public:
  explicit Builder(BuilderConfig config);

  /// Fetches and detects. `on_line` gets what a person wants to see: progress, what was found and why.
  Result<PreparedSource> prepare(const Source& source, const LineSink& on_line = {}, std::stop_token stop = {}) const;

  /// Builds, or takes the module from the cache of (commit, folder, plan, toolchain). The log goes to `log_path`, or
  /// with "" to a file in the cache, and line by line to `on_line`. Errors: kInvalid (the source does not compile; the
  /// message ends with the compiler's last lines), kDenied (no sandbox here), kNotFound (no compiler), kLimit,
  /// kInterrupted, kIo.
  Result<BuildResult> build(const PreparedSource& source, const std::string& log_path = "",
                            const LineSink& on_line = {}, std::stop_token stop = {}) const;

  /// Why this machine cannot build `language`, or success. Also compiles nothing.
  Status can_build(Language language) const;

 private:
  BuilderConfig config_;
};

}  // namespace micro
