// micro.json: what a repository says about its service. Every key is optional.
//
//   {
//     "name": "hello",                      a DNS label
//     "description": "Greets people",
//     "language": "c" | "c++" | "go",       else found out from the files
//     "sources": ["main.c", "lib/a.c"],     C, C++: files to compile; Go: the folder of the main package
//     "memory_mib": 8,                      memory an instance may use
//     "stack_kib": 32,                      C, C++: stack of an instance, part of its memory; without: 64
//     "price": "0.001",                     tokens a completed call
//     "endpoints": [{"method": "POST", "path": "/hello", "description": "…", "request": {…}, "response": {…}}]
//   }                                       request and response are JSON Schemas
//
// Unknown keys, duplicate keys, wrong types and values out of range are errors that name the key.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chain/types/amount.hpp"
#include "services/build/detect/plan.hpp"

namespace micro {

inline constexpr std::size_t kMaxManifestBytes = 64 * 1'024;
inline constexpr std::size_t kMaxManifestDepth = 32;
inline constexpr std::uint32_t kMinMemoryMib = 1;
inline constexpr std::uint32_t kMinStackKib = 4;
inline constexpr std::uint32_t kMaxStackKib = 64 * 1'024;
inline constexpr std::size_t kMaxEndpoints = 64;
inline constexpr std::size_t kMaxEndpointPathBytes = 256;
inline constexpr std::size_t kMaxEndpointSchemaBytes = 16 * 1'024;

struct Endpoint {
  std::string method;  ///< GET, HEAD, POST, PUT, PATCH or DELETE
  std::string path;    ///< starts with '/'
  std::string description;
  std::string request;   ///< JSON Schema as compact JSON with sorted keys, or ""
  std::string response;  ///< the same
  bool operator==(const Endpoint&) const = default;
};

struct Manifest {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<Language> language;
  std::vector<std::string> sources;
  std::optional<std::uint32_t> memory_mib;
  std::optional<std::uint32_t> stack_kib;
  std::optional<Amount> price;
  std::vector<Endpoint> endpoints;
  bool operator==(const Manifest&) const = default;
};

/// Errors: kInvalid, kLimit; the message starts with "micro.json: ".
Result<Manifest> parse_manifest(std::string_view json_text);

}  // namespace micro
