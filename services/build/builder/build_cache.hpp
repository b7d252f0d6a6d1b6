// Finished modules by what made them.
#pragma once

#include <optional>
#include <string>

#include "chain/codec/fields.hpp"
#include "chain/types/ids.hpp"
#include "services/build/detect/plan.hpp"

namespace micro {

struct BuildKey {
  CommitId commit;
  Text<512> subdir;
  Hash plan;
  Hash toolchain;
  static constexpr auto kFields = fields<&BuildKey::commit, &BuildKey::subdir, &BuildKey::plan, &BuildKey::toolchain>;
};
Hash build_key_hash(const BuildKey& key);

struct CachedBuild {
  std::string wasm_path;
  std::string log_path;
  CodeHash wasm_sha256;
  std::uint32_t wasm_bytes = 0;
};

class BuildCache {
 public:
  explicit BuildCache(const std::string& cache_dir) : folder_(cache_dir + "/builds") {}
  /// Nothing when it is not there or its bytes are not those that were put in.
  [[nodiscard]] std::optional<CachedBuild> find(const Hash& key) const;
  /// Keeps a module and its log. The oldest entries go when there are more than kMaxCachedBuilds.
  Result<CachedBuild> put(const Hash& key, ByteView wasm, const std::string& log_path) const;
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

inline constexpr std::size_t kMaxCachedBuilds = 512;

}  // namespace micro
