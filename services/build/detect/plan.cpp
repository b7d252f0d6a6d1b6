#include "services/build/detect/plan.hpp"

#include <algorithm>

namespace micro {
namespace {

/// The proposals that every engine settled years ago, and no more: the engine refuses modules that use newer ones.
constexpr std::array<std::string_view, 5> kTargetFlags = {
    "-mcpu=mvp", "-mmutable-globals", "-msign-ext", "-mbulk-memory", "-mnontrapping-fptoint",
};
/// The stack lies below the data, so that an overflow traps instead of overwriting variables.
constexpr std::array<std::string_view, 3> kLinkFlags = {
    "-Wl,--strip-all",
    "-Wl,--compress-relocations",
    "-Wl,--stack-first",
};

template <class Target>
void append(Target& target, std::span<const std::string_view> items) {
  for (const auto item : items) target.emplace_back(std::string(item));
}

void add_clang_flags(BuildPlan& plan, bool cpp, std::uint32_t stack_kib) {
  plan.compile_flags.emplace_back("-O2");
  plan.compile_flags.emplace_back(cpp ? "-std=gnu++23" : "-std=gnu17");
  if (cpp) plan.compile_flags.emplace_back("-fno-exceptions");
  append(plan.compile_flags, kTargetFlags);
  append(plan.link_flags, kLinkFlags);
  plan.link_flags.emplace_back("-Wl,-z,stack-size=" + std::to_string(std::uint64_t{stack_kib} * 1'024));
}

}  // namespace

std::string_view language_name(Language language) {
  switch (language) {
    case Language::kC:
      return "C";
    case Language::kCpp:
      return "C++";
    case Language::kGo:
      return "Go";
  }
  return "unknown";
}

BuildPlan make_plan(Language language, std::vector<std::string> sources, std::string_view entry,
                    std::uint32_t stack_kib) {
  BuildPlan plan;
  plan.language = language;
  plan.entry = Text<kMaxPlanPathBytes>(std::string(entry));
  std::ranges::sort(sources);
  for (auto& source : sources) plan.sources.emplace_back(std::move(source));
  switch (language) {
    case Language::kC:
      add_clang_flags(plan, false, stack_kib);
      break;
    case Language::kCpp:
      add_clang_flags(plan, true, stack_kib);
      break;
    case Language::kGo:
      append(plan.compile_flags, std::array<std::string_view, 2>{"-trimpath", "-buildvcs=false"});
      append(plan.link_flags, std::array<std::string_view, 1>{"-ldflags=-s -w"});
      break;
  }
  return plan;
}

Hash plan_hash(const BuildPlan& plan) {
  return tagged_hash(domain::kBuildPlan, encode(plan));
}

}  // namespace micro
