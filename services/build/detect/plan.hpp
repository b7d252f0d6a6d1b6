// What exactly will be compiled and how. Two builders that hold the same commit make the same plan, so its hash is part
// of what a builder attests to.
#pragma once

#include <cstdint>
#include <string_view>

#include "chain/codec/codec.hpp"
#include "chain/crypto/hash.hpp"

namespace micro {

enum class Language : std::uint8_t { kC = 0, kCpp = 1, kGo = 2 };
inline bool is_known(Language l) {
  return l <= Language::kGo;
}
/// "C", "C++", "Go".
std::string_view language_name(Language language);

inline constexpr std::size_t kMaxPlanSources = 2'048;
inline constexpr std::size_t kMaxPlanPathBytes = 512;
inline constexpr std::size_t kMaxPlanFlags = 64;
inline constexpr std::size_t kMaxPlanFlagBytes = 256;

/// Of a C or C++ program whose manifest names no other; the linker's own default too. The stack comes first in memory,
/// and the engine resets the first 128 KiB by copying and the rest by page faults: with a stack of 256 KiB a small call
/// took 29 µs, with this one 7, with 32 KiB 6.
inline constexpr std::uint32_t kDefaultStackKib = 64;

struct BuildPlan {
  std::uint8_t version = 2;
  Language language = Language::kC;
  List<Text<kMaxPlanPathBytes>, kMaxPlanSources> sources;  ///< C, C++: files to compile, sorted. Go: none
  List<Text<kMaxPlanFlagBytes>, kMaxPlanFlags> compile_flags;
  List<Text<kMaxPlanFlagBytes>, kMaxPlanFlags> link_flags;
  Text<kMaxPlanPathBytes> entry;  ///< C, C++: "main". Go: folder of the main package, "." or "./cmd/x"
  static constexpr auto kFields = fields<&BuildPlan::version, &BuildPlan::language, &BuildPlan::sources,
                                         &BuildPlan::compile_flags, &BuildPlan::link_flags, &BuildPlan::entry>;
  bool operator==(const BuildPlan&) const = default;
};

/// Adds the fixed flags of the language. Go programs make their stacks themselves.
BuildPlan make_plan(Language language, std::vector<std::string> sources, std::string_view entry,
                    std::uint32_t stack_kib = kDefaultStackKib);

Hash plan_hash(const BuildPlan& plan);

}  // namespace micro
