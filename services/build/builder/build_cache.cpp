#include "services/build/builder/build_cache.hpp"

#include "services/build/builder/build_log.hpp"
#include "services/build/builder/builder.hpp"
#include "services/build/builder/files.hpp"

namespace micro {
Hash build_key_hash(const BuildKey& key) {
  return tagged_hash(domain::kBuildKey, encode(key));
}

std::optional<CachedBuild> BuildCache::find(const Hash& key) const {
  const std::string entry = folder_ + "/" + key.hex();
  const auto name = read_file(entry + "/sha256", 2 * CodeHash::kSize);
  if (!name) return std::nullopt;
  const auto hash = CodeHash::parse(as_text(*name));
  const auto wasm = read_file(entry + "/service.wasm", kMaxModuleBytes);
  if (!hash || !wasm || sha256(*wasm).as<CodeHash>() != *hash) return std::nullopt;
  return CachedBuild{entry + "/service.wasm", entry + "/build.log", *hash, static_cast<std::uint32_t>(wasm->size())};
}

Result<CachedBuild> BuildCache::put(const Hash& key, ByteView wasm, const std::string& log_path) const {
  const std::string entry = folder_ + "/" + key.hex();
  TRY(make_folder(entry));
  const CodeHash hash = sha256(wasm).as<CodeHash>();
  TRY(write_file_atomically(entry + "/service.wasm", wasm));
  const Bytes log = TRY(read_file(log_path, 2 * kMaxBuildLogBytes));
  TRY(write_file_atomically(entry + "/build.log", log));
  // Last: an entry without it does not count.
  TRY(write_file_atomically(entry + "/sha256", as_bytes(hash.hex())));
  keep_newest(folder_, EntryKind::kFolders, kMaxCachedBuilds);
  return CachedBuild{entry + "/service.wasm", entry + "/build.log", hash, static_cast<std::uint32_t>(wasm.size())};
}

}  // namespace micro
