// What a module is made of, read without compiling it, and the caps that decide whether it may be compiled at all.
// Compilers are hit by size before they are hit by meaning: the caps are checked first, and each refusal says what was
// found and what is allowed. Format: https://github.com/WebAssembly/spec (core/binary/modules)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chain/base/bytes.hpp"

namespace micro::wasm {

inline constexpr std::uint32_t kPageBytes = 65'536;
/// Rises with any change of the caps below, of host gas or of the engine's settings; part of the module cache's key.
inline constexpr std::uint32_t kEngineParamsVersion = 2;

/// An ordinary Go program with net/http and html/template has 11 to 15 MB, 6,500 functions with bodies up to 50 KB, a
/// table of 13,185 and 100,000 data segments, at which its linker stops.
struct ModuleCaps {
  std::uint32_t module_bytes = 32 * 1024 * 1024;
  std::uint32_t functions = 20'000;
  std::uint32_t body_bytes = 256 * 1024;
  std::uint32_t locals = 10'000;  ///< a function, parameters not counted
  std::uint32_t types = 10'000;
  std::uint32_t params = 1'000;  ///< or results, of one type
  std::uint32_t imports = 256;
  std::uint32_t exports = 1'000;
  std::uint32_t globals = 10'000;
  std::uint32_t tables = 4;
  std::uint32_t table_elements = 65'536;  ///< of all tables together
  std::uint32_t memories = 1;
  std::uint32_t memory_pages = 1'024;  ///< the minimum that the module asks for: 64 MiB
  std::uint32_t element_segments = 10'000;
  std::uint32_t data_segments = 100'000;
};

enum class ExternKind : std::uint8_t { kFunction = 0, kTable = 1, kMemory = 2, kGlobal = 3 };

struct Import {
  std::string module;
  std::string name;
  ExternKind kind = ExternKind::kFunction;
  std::uint32_t type = 0;  ///< of a function: index into the types
};

struct Export {
  std::string name;
  ExternKind kind = ExternKind::kFunction;
  std::uint32_t index = 0;
};

/// One letter a value: i a 32-bit and I a 64-bit integer, f and F floats, r a reference to a function.
struct FunctionType {
  std::string params;
  std::string results;
  bool operator==(const FunctionType&) const = default;
};

struct Section {
  std::uint8_t id = 0;
  std::uint32_t begin = 0;  ///< offsets of the contents in the module
  std::uint32_t end = 0;
};

struct ModuleInfo {
  std::vector<Section> sections;
  std::vector<FunctionType> types;
  std::vector<std::uint32_t> function_types;  ///< of imported, then own functions
  std::vector<Import> imports;
  std::vector<Export> exports;
  std::uint32_t functions = 0;  ///< with a body
  std::uint32_t largest_body_bytes = 0;
  std::uint32_t most_locals = 0;
  std::uint32_t table_elements = 0;
  bool has_memory = false;
  std::uint32_t memory_min_pages = 0;
  std::optional<std::uint32_t> memory_max_pages;
  bool has_start = false;  ///< a start function runs while the instance is made

  [[nodiscard]] const Export* find_export(std::string_view name) const;
  /// The type of an exported function; nullptr if there is none of this name.
  [[nodiscard]] const FunctionType* exported_function(std::string_view name) const;
};

/// kInvalid for what is not a module, kLimit for one over a cap ("20,001 functions, the limit is 20,000").
Result<ModuleInfo> inspect(ByteView wasm, const ModuleCaps& caps = {});

/// The module is a program of service ABI tier 1: it exports `_start` and `memory` and imports nothing but functions of
/// WASI preview 1 that exist.
Status check_program(const ModuleInfo& info);

/// kLimit: the module begins with more memory than `memory_bytes`, what its calls will be given, so that every call
/// would fail.
Status check_memory(const ModuleInfo& info, std::uint64_t memory_bytes);

}  // namespace micro::wasm
