// What the cache knows of one module, in <hash>.entry beside <hash>.cwasm. A file that does not decode is as good as
// none.
#pragma once

#include <variant>

#include "chain/codec/codec.hpp"

namespace micro::wasm {

inline constexpr std::uint8_t kCacheEntryVersion = 1;
inline constexpr std::size_t kMaxCacheEntryBytes = 16 * 1024;  ///< of the file

struct CompiledModule {
  Hash artefact_sha256;
  std::uint64_t bytes = 0;  ///< of the artefact
  static constexpr auto kFields = fields<&CompiledModule::artefact_sha256, &CompiledModule::bytes>;
};

/// It does not compile, and will not the next time.
struct RefusedModule {
  bool limit = false;    ///< over a cap, as against malformed
  bool refused = false;  ///< well-formed, but not offered
  Text<4096> message;
  Text<4096> hint;
  static constexpr auto kFields =
      fields<&RefusedModule::limit, &RefusedModule::refused, &RefusedModule::message, &RefusedModule::hint>;
};

struct CacheEntry {
  std::uint8_t version = kCacheEntryVersion;
  std::variant<CompiledModule, RefusedModule> outcome;
  static constexpr auto kFields = fields<&CacheEntry::version, &CacheEntry::outcome>;
};

}  // namespace micro::wasm
