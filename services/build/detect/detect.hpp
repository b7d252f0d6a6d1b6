// Which language a tree is in and what to compile: micro.json first, else probes of the files at the top. Several
// answers are an error that names them; a language that is known but not built says so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/build/detect/manifest.hpp"
#include "services/build/detect/plan.hpp"

namespace micro {

struct TreeListing {
  std::vector<std::string> files;            ///< every file's path from the tree's top, '/'-separated
  std::optional<std::string> manifest_text;  ///< content of micro.json at the top
};

struct Detection {
  BuildPlan plan;
  Hash plan_hash;
  Manifest manifest;               ///< empty when there is no micro.json
  std::vector<std::string> notes;  ///< lines for people: what was found and why
};

/// Errors: kInvalid (several candidates, or a bad micro.json), kNotFound (nothing to build, with what would be).
Result<Detection> detect(const TreeListing& tree);

}  // namespace micro
