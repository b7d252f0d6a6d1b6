// From a plan to the shell script that runs in the sandbox. The script always finds the source in /src, works in /tmp,
// and hands the module to descriptor 3, so that nothing of the machine gets into the result.
#pragma once

#include <string>
#include <vector>

#include "services/build/detect/plan.hpp"

namespace micro {

/// Part of the toolchain's hash: raise it when the script changes what comes out.
inline constexpr std::uint32_t kRecipeVersion = 1;

struct Recipe {
  std::string script;                    ///< for /bin/sh
  std::vector<std::string> environment;  ///< "KEY=value"
};

/// `parallel`: compiler processes at a time; it does not change the result.
Recipe make_recipe(const BuildPlan& plan, std::uint64_t commit_time_s, unsigned parallel);

/// Compiles Go's own library once into /gocache, for the copies that builds get.
Recipe go_library_recipe(unsigned parallel);

/// 'text' for the shell.
std::string shell_quote(std::string_view text);

}  // namespace micro
