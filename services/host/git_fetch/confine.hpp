// Landlock around the child: it parses hostile bytes, so it can write only into its clone and its tree.
#pragma once

#include "services/host/git_fetch/wire.hpp"

namespace micro::git {

/// Does nothing on a kernel without Landlock (before 5.13): the process limits still stand.
Status confine(const Job& job);

}  // namespace micro::git
