// Compiled modules on disk, and the errors of those that do not compile. An artefact is machine code that will be
// executed as it is: it is made here, by this engine version with this configuration for this processor, and never
// comes from elsewhere. Damage on disk is found by a hash before the first use in each process.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>

#include "chain/crypto/hash.hpp"
#include "services/wasm/module_cache/compile_child.hpp"
#include "services/wasm/module_info.hpp"

namespace micro::wasm {

struct ModuleCacheOptions {
  std::filesystem::path folder;                      ///< made if missing; nobody else writes into it
  std::filesystem::path program = "/proc/self/exe";  ///< what to start as a compiler
  CompileLimits limits;
  ModuleCaps caps;
};

/// Thread-safe. One compilation at a time: each uses all cores.
class ModuleCache {
 public:
  static Result<std::unique_ptr<ModuleCache>> open(ModuleCacheOptions options);

  /// The artefact of a program; <folder>/<hash>.cwasm holds it. Inspects and compiles if it is new, which blocks.
  /// Errors as of inspect(), check_program() and compile_in_child(); those that are the module's own are remembered on
  /// disk.
  Result<Hash> get(ByteView wasm, const std::stop_token& stop = {});
  /// The same without compiling, by the module's SHA-256: nothing if it is not known.
  std::optional<Result<Hash>> find(const Hash& wasm_sha256);
  /// Removes artefacts that are not in `keep`, the longest unused first, until at most `max_bytes` are left.
  Status prune(const std::set<Hash>& keep, std::uint64_t max_bytes);

  [[nodiscard]] const std::filesystem::path& folder() const { return options_.folder; }

 private:
  ModuleCache(ModuleCacheOptions options, std::string configuration)
      : options_(std::move(options)), configuration_(std::move(configuration)) {}
  [[nodiscard]] Hash key(const Hash& wasm_sha256) const;
  std::optional<Result<Hash>> look(const Hash& name);
  Result<Hash> compile(const Hash& name, ByteView wasm, const std::stop_token& stop);
  Result<Hash> remember(const Hash& name, const Error& error);

  ModuleCacheOptions options_;
  std::string configuration_;
  std::mutex compiling_;
  std::mutex verified_mutex_;
  std::set<Hash> verified_;  // artefacts whose bytes were hashed since the start
};

}  // namespace micro::wasm
