// Finds the commit that a source means, fetching what is needed, inside the child.
#pragma once

#include "services/host/git_fetch/handle.hpp"
#include "services/host/git_fetch/wire.hpp"

namespace micro::git {

struct Located {
  Repository repository;
  Commit commit;
  std::string repo;  ///< as the ledger names it
  std::string subdir;
  std::string ref;
  bool uncommitted_changes = false;
};

/// Through the network into the bare clone `job.repo_dir`.
Result<Located> locate_remote(const Job& job);
/// In a repository on this disk, which is only read.
Result<Located> locate_local(const Job& job);

/// Peels tags. kInvalid when it is no commit in the end.
Result<Commit> commit_of(git_repository* repository, const git_oid& id);

/// A line on stderr, which the parent passes on.
void say(const std::string& line);

}  // namespace micro::git
