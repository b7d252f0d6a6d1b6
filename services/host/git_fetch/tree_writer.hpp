// Writes a commit's tree to the disk file by file and refuses whatever could surprise a reader of it.
#pragma once

#include "services/host/git_fetch/handle.hpp"
#include "services/host/git_fetch/wire.hpp"

namespace micro::git {

struct Written {
  std::uint64_t bytes = 0;
  std::uint32_t entries = 0;
};

/// `job.tree_dir` exists and is empty. Refused, with the path and the reason: over a limit of the job; a name that is
/// not UTF-8, has a control character or a backslash, is "." or "..", or looks like .git; two names that differ only in
/// case; a submodule; a link that leaves the tree.
Result<Written> write_tree(git_repository* repository, git_tree* top, const Job& job);

/// Where a link that stands `depth` folders below the top may point: relative, every ".." at the front, none above the
/// top.
Status check_link_target(std::string_view target, std::size_t depth);

/// One name in a tree.
Status check_entry_name(std::string_view name);

}  // namespace micro::git
