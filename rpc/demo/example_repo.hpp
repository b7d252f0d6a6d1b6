// A git repository for the tour: the commits a service author would make.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "chain/base/result.hpp"

namespace micro {

/// Starts a repository in `repo` and commits everything below `source` as its first commit. Returns the commit in hex.
Result<std::string> start_repository(const std::filesystem::path& repo, const std::filesystem::path& source,
                                     const std::string& message);

/// Commits the work tree of `repo` as it stands now.
Result<std::string> commit_all(const std::filesystem::path& repo, const std::string& message);

}  // namespace micro
