// The proof of a fork out of what nodes kept on their disks: no node is asked, and none has to stop.
#pragma once

#include <filesystem>
#include <vector>

#include "consensus/core/fork_proof.hpp"

namespace micro {

/// Of the first epoch in which two of the nodes finalized what excludes each other. A folder is a node's data folder or
/// a copy of the `proofs` in it; with the `journal` beside it the last finalizations are known too. kNotFound when they
/// agree, or when a certificate is missing.
Result<simplex::ForkProof> find_fork_in(const std::vector<std::filesystem::path>& folders);

}  // namespace micro
